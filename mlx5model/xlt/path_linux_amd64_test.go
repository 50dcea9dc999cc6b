//go:build !purego

package xlt

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/sg"
)

// TestAssemblyRuns gives every exported function a destination that faults and
// looks which function stood at the fault.
func TestAssemblyRuns(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	const n = 64
	a := newArena(t, 1)
	beyond := cast[byte](a[len(a)-1:], n*16+1)[1:]
	list, klms, pages := make([]sg.Entry, n), make([]byte, n*KLMSize), make([]uint64, n)
	for _, c := range []struct {
		want string
		min  int // elements from which on the assembly is taken
		call func(n int)
	}{
		{"klmsAVX2", minKLMs, func(n int) { KLMs(beyond, list[:n], 1) }},
		{"klmsAVX2", minKLMs, func(n int) { RingKLMs(beyond[:n*KLMSize], 0, list[:n], 1) }},
		{"keyedKLMsAVX2", minKLMs, func(n int) { KeyedKLMs(beyond, list[:n]) }},
		{"keyedKLMsAVX2", minKLMs, func(n int) { RingKeyedKLMs(beyond[:n*KLMSize], 0, list[:n]) }},
		{"mttsAVX2", minMTTs, func(n int) { MTTs(beyond, pages[:n], 3) }},
		{"mttRunAVX2", minRun, func(n int) { MTTRun(beyond, 0, 4096, n, 3) }},
		{"entriesAVX2", minKLMs, func(n int) { Entries(cast[sg.Entry](beyond, n), klms[:n*KLMSize]) }},
		{"sumsAVX2", minSums, func(n int) { Sums(cast[uint64](beyond, n), klms[:n*KLMSize], 0, 0, 1) }},
	} {
		for _, k := range []int{c.min - 1, c.min, n} {
			at := faultIn(t, func() { c.call(k) })
			if ran := slices.Contains(at, c.want); ran != (k >= c.min) {
				t.Errorf("%s with %d elements, assembly from %d on: the fault is in %v", c.want, k, c.min, at)
			}
		}
	}
}

// faultIn gives the package's functions that were on the stack when f faulted,
// without their package.
func faultIn(t *testing.T, f func()) (names []string) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() == nil {
			t.Fatal("no fault")
		}
		pc := make([]uintptr, 32)
		frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
		for more := true; more; {
			var fr runtime.Frame
			fr, more = frames.Next()
			if _, name, ok := strings.Cut(fr.Function, "/xlt."); ok {
				names = append(names, name)
			}
		}
	}()
	f()
	return nil
}
