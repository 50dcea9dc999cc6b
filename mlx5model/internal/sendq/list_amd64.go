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

// mappedAVX2 is klmsGo for n entries, under the key of a keyWord that is 0 if
// own is set. wraps is 0 or 1.
//
//go:noescape
func mappedAVX2(dst *byte, list *sg.Entry, n int, key uint64, own bool) (total, wraps uint64, least, most uint32)

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

func klms(dst []byte, list []sg.Entry, key uint32, own bool) Mapped {
	if !avx2 {
		return klmsGo(dst, list, key, own)
	}
	word := keyWord(key)
	if own {
		word = 0
	}
	total, wraps, least, most := mappedAVX2(&dst[0], &list[0], len(list), word, own)
	return Mapped{Total: total, Least: least, Most: most, Wraps: wraps != 0}
}
