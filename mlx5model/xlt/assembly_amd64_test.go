//go:build !purego

package xlt

import (
	"testing"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/sg"
)

// withoutAVX2 is the assembly on a processor that lacks it.
func withoutAVX2() []implementation {
	off := func(f func()) {
		defer func(was bool) { avx2 = was }(avx2)
		avx2 = false
		f()
	}
	return []implementation{{
		"fallback",
		func(dst []byte, list []sg.Entry, lkey uint32) { off(func() { KLMs(dst, list, lkey) }) },
		func(dst []byte, list []sg.Entry) { off(func() { KeyedKLMs(dst, list) }) },
		func(dst []byte, pages []uint64, bits uint64) { off(func() { MTTs(dst, pages, bits) }) },
		func(dst []byte, page, step, bits uint64) { off(func() { MTTRun(dst, page, step, bits) }) },
		func(dst []sg.Entry, list []byte) { off(func() { Entries(dst, list) }) },
		func(dst []uint64, list []byte, from uint64, least, most uint32) (n int) {
			off(func() { n = Sums(dst, list, from, least, most) })
			return n
		},
	}}
}

// TestAssemblyChosen fails where the processor could and the package would not.
func TestAssemblyChosen(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	if !avx2 {
		t.Fatal("AVX2 is there but not used")
	}
}
