//go:build !amd64 || purego

package spdk

import "github.com/sgfuzz/sgfuzz/sg"

func umrConfigure(q *QP, keyLen uint64, list *sg.Entry, n int, flags uint8) error {
	return umrConfigureFallback(q, keyLen, list, n, flags)
}

func umrPost(q *QP, keyLen uint64, list *sg.Entry, n int, flags uint8) error {
	return umrPostFallback(q, keyLen, list, n, flags)
}
