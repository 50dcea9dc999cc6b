package fuzz

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// scattered is a list of n byte-aligned entries in pages of their own.
func scattered(n int) sg.List {
	l := make(sg.List, n)
	for i := range l {
		l[i] = sg.Entry{Addr: 0x1_0000_0000 + uint64(i)*0x11013, Len: uint32(1 + i*37%1000)}
	}
	return l
}

// BenchmarkVerify registers long lists through multimr, several regions beyond
// 65,532 entries, and judges them. ns/entry must not grow with n.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{1 << 10, 1 << 14, 1 << 18, 1 << 20} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			r := NewRunner(Options{})
			c := corpus.Case{Strategy: "multimr", List: scattered(n)}
			for b.Loop() {
				outs, err := r.Run(&c)
				if err != nil || outs[0].Failed() || outs[0].Answer != Accepted {
					b.Fatal(outs, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}

// BenchmarkRun is the whole check loop on a list of eight entries: register,
// execute, judge, release, register again, judge.
func BenchmarkRun(b *testing.B) {
	for _, s := range corpus.Strategies() {
		b.Run(s, func(b *testing.B) {
			r := NewRunner(Options{Quick: true})
			c := corpus.Case{Strategy: s, List: eight}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Run(&c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// eight is a list that every strategy takes: an unaligned start, full pages,
// a short end.
var eight = sg.List{
	{Addr: 0x10000e00, Len: 512}, {Addr: 0x20000000, Len: 4096}, {Addr: 0x30000000, Len: 8192}, {Addr: 0x40000000, Len: 4096},
	{Addr: 0x50000000, Len: 4096}, {Addr: 0x60000000, Len: 4096}, {Addr: 0x70000000, Len: 4096}, {Addr: 0x80000000, Len: 100},
}

// TestSteadyStateAllocatesNothing holds the check loop to its promise for
// every strategy on a list that it accepts.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, s := range corpus.Strategies() {
		r := NewRunner(Options{})
		c := corpus.Case{Strategy: s, List: eight}
		if outs, err := r.Run(&c); err != nil || outs[0].Failed() || outs[0].Answer != Accepted {
			t.Fatalf("%s: %v %v", s, outs, err)
		}
		if n := testing.AllocsPerRun(50, func() { _, _ = r.Run(&c) }); n > 0 {
			t.Errorf("%s: %v allocations a case", s, n)
		}
	}
}

// TestMillionEntries is the longest list of the test run: sixteen regions.
func TestMillionEntries(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	r := NewRunner(Options{})
	outs, err := r.Run(&corpus.Case{Strategy: "multimr", List: scattered(n)})
	if err != nil || outs[0].Failed() || outs[0].Answer != Accepted {
		t.Fatalf("multimr: %v %v", outs, err)
	}
	outs, err = r.Run(&corpus.Case{Strategy: "indirect", List: scattered(n)})
	if err != nil {
		t.Fatal(err)
	}
	if o := outs[0]; o.Failed() || o.Refusal == nil || o.Refusal.Limit != 65532 {
		t.Errorf("indirect: %v, %v", o.Answer, o.Err)
	}
}

// BenchmarkCheckLoop is CheckLoop on all cores, in registrations per second.
func BenchmarkCheckLoop(b *testing.B) {
	for _, strategies := range [][]string{nil, {"indirect"}} {
		name := "all"
		if strategies != nil {
			name = strategies[0]
		}
		b.Run(name, func(b *testing.B) {
			var seed, total atomic.Uint64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				l, err := NewCheckLoop(seed.Add(1)<<32, strategies...)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for pb.Next() {
					k, err := l.Step()
					if err != nil {
						b.Error(err)
						return
					}
					n += k
				}
				total.Add(uint64(n))
			})
			b.ReportMetric(float64(total.Load())/b.Elapsed().Seconds(), "registrations/s")
		})
	}
}

// TestCheckLoop runs lists of both kinds; CheckLoop itself demands that every
// strategy takes them and is right.
func TestCheckLoop(t *testing.T) {
	var entries, steps int
	for _, strategies := range [][]string{nil, {"indirect"}, {"rdmarw", "bounce"}, {"umem"}} {
		l, err := NewCheckLoop(1, strategies...)
		if err != nil {
			t.Fatal(err)
		}
		want := len(strategies)
		if want == 0 {
			want = len(corpus.Strategies())
		}
		for range 500 {
			n, err := l.Step()
			if err != nil {
				t.Fatal(err)
			}
			if n != want {
				t.Fatalf("%v: %d registrations, want %d", strategies, n, want)
			}
			entries, steps = entries+len(l.c.List), steps+1
		}
	}
	if mean := float64(entries) / float64(steps); mean < CheckLoopEntries-0.5 || mean > CheckLoopEntries+0.5 {
		t.Errorf("%.2f entries in the mean, want %d", mean, CheckLoopEntries)
	}
	if _, err := NewCheckLoop(1, "nonsense"); err == nil {
		t.Error("an unknown strategy is taken")
	}
}

// TestCheckLoopAllocatesNothing holds CheckLoop to its promise.
func TestCheckLoopAllocatesNothing(t *testing.T) {
	l, err := NewCheckLoop(1)
	if err != nil {
		t.Fatal(err)
	}
	step := func() {
		if _, err := l.Step(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		step()
	}
	if n := testing.AllocsPerRun(200, step); n > 0 {
		t.Errorf("%v allocations a list", n)
	}
}
