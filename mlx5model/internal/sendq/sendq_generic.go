//go:build !amd64 || purego

package sendq

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Total is the sum of the lengths.
func Total(list []sg.Entry) uint64 { return totalGo(list) }

// Scan looks through a list, which must have an entry.
func Scan(list []sg.Entry) Facts { return scanGo(list) }

// Push copies the n WQEBBs from counter pi on to dst, which must have room for
// them.
func Push(dst []byte, r *mlx5model.Ring, pi, n uint32) { push(dst, r, pi, n) }
