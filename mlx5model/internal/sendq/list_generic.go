//go:build !amd64 || purego

package sendq

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

func padded(dst []byte, list []sg.Entry) (total uint64) { return paddedGo(dst, list) }

// Total is the sum of the lengths.
func Total(list []sg.Entry) uint64 { return totalGo(list) }

// Scan looks through a list, which must have an entry.
func Scan(list []sg.Entry) Facts { return scanGo(list) }

// PutRest writes a UMR from byte 20h on: a mkey context with the first word
// rights and the length of the list, and the list, padded with zeroes. The
// length is the sum of the entries' lengths, which is returned: in 64 bits if
// wide is set, or else sign-extended from 32. The ring must hold all of it.
func PutRest(r *mlx5model.Ring, pi uint32, rights uint64, wide bool, list []sg.Entry) (length uint64) {
	return putRest(r, pi, rights, wide, list)
}

// Push copies the n WQEBBs from counter pi on to dst, which must have room for
// them.
func Push(dst []byte, r *mlx5model.Ring, pi, n uint32) { push(dst, r, pi, n) }
