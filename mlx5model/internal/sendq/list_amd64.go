//go:build !purego

package sendq

import (
	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/sg"
)

// paddedAVX2 is paddedGo for n entries.
//
//go:noescape
func paddedAVX2(dst *byte, list *sg.Entry, n int) (total uint64)

// scanAVX2 is scanGo for n entries. wraps is 0 or 1.
//
//go:noescape
func scanAVX2(list *sg.Entry, n int) (total, wraps uint64, least, most uint32)

var avx2 = cpu.X86.HasAVX2

func padded(dst []byte, list []sg.Entry) (total uint64) {
	if len(list) == 0 {
		return 0
	}
	if !avx2 {
		return paddedGo(dst, list)
	}
	dst = dst[:ListBlocks(len(list))*len(Block{})]
	return paddedAVX2(&dst[0], &list[0], len(list))
}

// Scan looks through a list, which must have an entry.
func Scan(list []sg.Entry) Facts {
	if !avx2 {
		return scanGo(list)
	}
	total, wraps, least, most := scanAVX2(&list[0], len(list))
	return Facts{Total: total, Least: least, Most: most, Wraps: wraps != 0}
}
