//go:build !amd64 || purego

package spdk

import "github.com/sgfuzz/sgfuzz/sg"

const avx2 = false

func umrAVX2(q *QP, wqe *byte, list *sg.Entry, n int, flags uint64, umrLen uint32) {
	panic("spdk: assembly without an assembler")
}
