//go:build !purego

package libmlx5

import (
	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// What mrListAVX2 writes, for the assembler.
const (
	umrOpcode = uint64(mlx5model.OpUMR) << 32
	anyQPN    = uint64(mlx5model.QPNAny) << 8

	_ = umrOpcode | anyQPN // the assembler's uses do not count
)

// mrListAVX2 writes and counts a UMR of n entries, n not 0, to wqe, from where
// the ring must hold all of it. access is that of a mkey context. It returns
// the region's length: in 64 bits if wide is set, or else sign-extended from 32.
//
//go:noescape
func mrListAVX2(q *QP, wqe *byte, list *sg.Entry, n int, lkey uint32, fmCeSe, access uint8, wide bool) (length uint64)

var avx2 = cpu.X86.HasAVX2
