//go:build !purego

package sendq

import (
	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// pushAVX2 copies a WQE of that many WQEBBs, not 0, which the ring's end does
// not cut.
//
//go:noescape
func pushAVX2(dst, wqe *byte, wqebbs int)

// totalAVX2 is totalGo for n entries.
//
//go:noescape
func totalAVX2(list *sg.Entry, n int) (total uint64)

// scanAVX2 is scanGo for n entries. wraps is 0 or 1.
//
//go:noescape
func scanAVX2(list *sg.Entry, n int) (total, wraps uint64, least, most uint32)

var avx2 = cpu.X86.HasAVX2

// fewEntries is the shortest list that is added up faster many at a time.
const fewEntries = 4

// Total is the sum of the lengths.
func Total(list []sg.Entry) uint64 {
	if !avx2 || len(list) < fewEntries {
		return totalGo(list)
	}
	return totalAVX2(&list[0], len(list))
}

// Scan looks through a list, which must have an entry.
func Scan(list []sg.Entry) Facts {
	if !avx2 {
		return scanGo(list)
	}
	total, wraps, least, most := scanAVX2(&list[0], len(list))
	return Facts{Total: total, Least: least, Most: most, Wraps: wraps != 0}
}

// Push copies the n WQEBBs from counter pi on to dst, which must have room for
// them. The first half of the first was written in words, and is read so: a
// wider load would have to wait until they are in the cache.
func Push(dst []byte, r *mlx5model.Ring, pi, n uint32) {
	buf, at, size := r.Bytes(), int(r.Index(pi))*mlx5model.WQEBBSize, int(n)*mlx5model.WQEBBSize
	if !avx2 || n == 0 || at+size > len(buf) {
		push(dst, r, pi, n)
		return
	}
	dst = dst[:size]
	pushAVX2(&dst[0], &buf[at], int(n))
}
