//go:build !purego

package spdk

import (
	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// What umrAVX2 writes and looks at, for the assembler. ceAlwaysBit is the bit of
// mlx5model.CtrlCEAlways in the second word of a control segment.
const (
	maxDS       = mlx5model.MaxDS
	umrOpcode   = uint64(mlx5model.OpUMR) << 32
	ceAlwaysBit = 32 + 3

	_ = maxDS | umrOpcode | ceAlwaysBit // the assembler's uses do not count
	_ = uint8(-(1<<(ceAlwaysBit-32) ^ mlx5model.CtrlCEAlways))
)

// umrAVX2 writes and counts a plain UMR of n entries, n not 0, to wqe, from
// where the ring must hold all of it. flags is the second word of the control
// segment.
//
//go:noescape
func umrAVX2(q *QP, wqe *byte, list *sg.Entry, n int, flags uint64, umrLen uint32)

var avx2 = cpu.X86.HasAVX2
