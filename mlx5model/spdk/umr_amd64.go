//go:build !purego

package spdk

import (
	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// What umrAVX2 writes, for the assembler.
const (
	maxDS     = mlx5model.MaxDS
	umrOpcode = uint64(mlx5model.OpUMR) << 32
	ceAlways  = mlx5model.CtrlCEAlways

	_ = maxDS | umrOpcode | ceAlways // the assembler's uses do not count
)

// umrAVX2 writes and counts a plain UMR of n entries, n not 0, to wqe, from
// where the ring must hold all of it. flags are those of mode.
//
//go:noescape
func umrAVX2(q *QP, wqe *byte, list *sg.Entry, n int, mkey, umrLen uint32, flags uint8)

var avx2 = cpu.X86.HasAVX2
