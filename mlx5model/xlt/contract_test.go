package xlt

import (
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// TestTooShort: a destination without room panics although its capacity has
// some, and nothing is written.
func TestTooShort(t *testing.T) {
	for _, n := range []int{1, 3, 16, 100} {
		list, pages, klms := make([]sg.Entry, n), make([]uint64, n), make([]byte, n*KLMSize)
		mem := make([]byte, 4096)
		fill(mem, canary)
		back := cast[sg.Entry](mem, 256)
		for name, f := range map[string]func(){
			"KLMs":      func() { KLMs(mem[:n*KLMSize-1], list, 1) },
			"KeyedKLMs": func() { KeyedKLMs(mem[:n*KLMSize-1], list) },
			"MTTs":      func() { MTTs(mem[:n*MTTSize-1], pages, 3) },
			"Entries":   func() { Entries(back[:n-1], klms) },
			"Pad":       func() { Pad(mem[:64*n-1], 64*n-1) },
		} {
			mustPanic(t, name, f)
		}
		if i := firstOther(mem, canary); i >= 0 {
			t.Errorf("n = %d: byte %d was written", n, i)
		}
	}
}

// TestWritten: what is returned is what was written, and no byte more was.
func TestWritten(t *testing.T) {
	for n := range 70 {
		list, pages := make([]sg.Entry, n), make([]uint64, n)
		mem := make([]byte, 4096)
		for name, f := range map[string]func() int{
			"KLMs":      func() int { return KLMs(mem, list, 0) },
			"KeyedKLMs": func() int { return KeyedKLMs(mem, list) },
			"MTTs":      func() int { return MTTs(mem, pages, 0) },
			"MTTRun":    func() int { return MTTRun(mem[:n*MTTSize+n%MTTSize], 0, 0, 0) },
		} {
			fill(mem, canary)
			got := f()
			if zeros := firstOther(mem, 0); got != zeros || firstOther(mem[zeros:], canary) >= 0 {
				t.Errorf("%s of %d: returned %d, zeros up to %d", name, n, got, zeros)
			}
		}
	}
}

// TestPad holds it to the rounding that UMRs count lists in, and to every byte.
func TestPad(t *testing.T) {
	for end := range 300 {
		mem := make([]byte, 512)
		fill(mem, canary)
		to := Pad(mem, end)
		if to%64 != 0 || to < end || to-end >= 64 {
			t.Fatalf("Pad(%d) = %d", end, to)
		}
		if firstOther(mem[:end], canary) >= 0 || firstOther(mem[end:to], 0) >= 0 || firstOther(mem[to:], canary) >= 0 {
			t.Fatalf("Pad(%d) = %d leaves %x", end, to, mem)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	list, pages, mem := make([]sg.Entry, 64), make([]uint64, 64), make([]byte, 2048)
	if n := testing.AllocsPerRun(100, func() {
		end := Pad(mem, KLMs(mem, list, 1))
		end += KeyedKLMs(mem, list[:3])
		end = RingKLMs(mem, end&^15, list, 1)
		RingKeyedKLMs(mem, end, list)
		MTTs(mem, pages, 3)
		MTTRun(mem, 0, 4096, 3)
		Entries(list, mem[:1024])
		Sums(pages, mem, 0, 0, 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
