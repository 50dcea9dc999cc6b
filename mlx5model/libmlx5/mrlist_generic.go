//go:build !amd64 || purego

package libmlx5

import "github.com/sgfuzz/sgfuzz/sg"

const avx2 = false

func mrListAVX2(q *QP, wqe *byte, list *sg.Entry, n int, lkey uint32, fmCeSe, access uint8, wide bool) (length uint64) {
	panic("libmlx5: assembly without an assembler")
}
