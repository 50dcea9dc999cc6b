//go:build !purego

package xlt

import (
	"slices"
	"testing"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model/internal/guard"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestAssemblyRuns gives every exported function a destination that faults and
// looks which function stood at the fault: the assembly if the processor can,
// however short the list, and portable Go behind it if not.
func TestAssemblyRuns(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	const n = 64
	a := newArena(t, 1)
	beyond := cast[byte](a[len(a)-1:], n*16+1)[1:]
	list, klms, pages := make([]sg.Entry, n), make([]byte, n*KLMSize), make([]uint64, n)
	for _, c := range []struct {
		assembly, portable string
		call               func(n int)
	}{
		{"klms", "klmsGo", func(n int) { KLMs(beyond, list[:n], 1) }},
		{"klms", "klmsGo", func(n int) { RingKLMs(beyond[:n*KLMSize], 0, list[:n], 1) }},
		{"keyedKLMs", "keyedKLMsGo", func(n int) { KeyedKLMs(beyond, list[:n]) }},
		{"keyedKLMs", "keyedKLMsGo", func(n int) { RingKeyedKLMs(beyond[:n*KLMSize], 0, list[:n]) }},
		{"mtts", "mttsGo", func(n int) { MTTs(beyond, pages[:n], 3) }},
		{"mttRun", "mttRunGo", func(n int) { MTTRun(beyond[:n*MTTSize], 0, 4096, 3) }},
		{"klmEntries", "entriesGo", func(n int) { Entries(cast[sg.Entry](beyond, n), klms[:n*KLMSize]) }},
		{"sums", "sumsGo", func(n int) { Sums(cast[uint64](beyond, n), klms[:n*KLMSize], 0, 0, 1) }},
	} {
		for k := 1; k <= n; k++ {
			if at := guard.FaultIn(t, "xlt", func() { c.call(k) }); at[0] != c.assembly {
				t.Errorf("%d elements: the fault is in %v, not in %s", k, at, c.assembly)
			}
			avx2 = false
			at := guard.FaultIn(t, "xlt", func() { c.call(k) })
			avx2 = true
			if !slices.Contains(at, c.portable) {
				t.Errorf("%d elements without AVX2: the fault is in %v, not in %s", k, at, c.portable)
			}
		}
	}
}
