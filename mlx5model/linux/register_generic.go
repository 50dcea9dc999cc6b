//go:build !amd64 || purego

package linux

import "github.com/sgfuzz/sgfuzz/sg"

func register(qp *QP, wr *WR, list *sg.Entry, n int, pageSize, lkey uint32) (mapped, err int) {
	return registerFallback(qp, wr, list, n, pageSize, lkey)
}
