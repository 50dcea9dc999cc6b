//go:build !purego

package xlt

import (
	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/sg"
)

// avx2 says whether the assembly may run; without, it jumps to the fallbacks.
// Tests switch it off.
var avx2 = cpu.X86.HasAVX2

// Parameters are those of the fallbacks.

//go:noescape
func klms(dst *byte, list *sg.Entry, n int, lkey uint32)

//go:noescape
func keyedKLMs(dst *byte, list *sg.Entry, n int)

//go:noescape
func klmEntries(dst *sg.Entry, list *byte, n int)

//go:noescape
func mtts(dst *byte, list *uint64, n int, bits uint64)

//go:noescape
func mttRun(dst *byte, n int, page, step, bits uint64)

//go:noescape
func sums(dst *uint64, list *byte, n int, from uint64, least, most uint32) int
