package sg

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestFeatures(t *testing.T) {
	e := func(addr uint64, n uint32) Entry { return Entry{Addr: addr, Len: n} }
	tests := []struct {
		name string
		l    List
		want string
	}{
		{"nothing", nil, "n0"},
		{"only empty", List{e(0x1003, 0)}, "n1 zero-length"},
		{"one page", List{e(0x1000, 4096)}, "n1 first-start:page last-end:page"},
		{"one byte", List{e(0x1001, 1)}, "n1 first-start:odd last-end:odd"},
		{"classes", List{e(0x1200, 64)}, "n1 first-start:512 last-end:64"},
		{"word", List{e(0x1040, 4)}, "n1 first-start:64 last-end:4"},
		{"gap after the end", List{e(0x1000, 1), e(0x5000, 4096)},
			"n2 first-start:page first-end:odd interior:page interior:odd last-end:page gap-end"},
		{"gap before the start", List{e(0x1000, 4096), e(0x5200, 0x200)},
			"n2 first-start:page first-end:page interior:page interior:512 last-end:512 gap-start"},
		{"gap on both sides", List{e(0x1000, 64), e(0x5004, 4)},
			"n2 first-start:page first-end:64 interior:64 interior:4 last-end:4 gap-both"},
		{"no gap", List{e(0x1ffc, 4), e(0x9000, 4096)},
			"n2 first-start:4 first-end:page interior:page last-end:page"},
		{"contiguous in mid-page", List{e(0x1000, 1), e(0x1001, 1)},
			"n2 first-start:page first-end:odd interior:odd last-end:odd coalescible"},
		{"contiguous, other key", List{{0x1000, 1, 0}, {0x1001, 1, 1}},
			"n2 first-start:page first-end:odd interior:odd last-end:odd continues-key keys"},
		{"empty one between is skipped", List{e(0x1000, 64), e(0x9001, 0), e(0x1040, 64)},
			"n3-4 first-start:page first-end:64 interior:64 last-end:64 coalescible zero-length"},
		{"first end and others", List{e(0x1000, 64), e(0x3000, 1), e(0x5000, 4096)},
			"n3-4 first-start:page first-end:64 interior:page interior:64 interior:odd last-end:page gap-end"},
		{"the same twice", List{e(0x1000, 64), e(0x1000, 64)},
			"n2 first-start:page first-end:64 interior:page interior:64 last-end:64 gap-end aliased"},
		{"backwards", List{e(0x2000, 64), e(0x1fff, 1)},
			"n2 first-start:page first-end:64 interior:64 interior:odd last-end:page gap-both backwards"},
		{"two pages", List{e(0x1fff, 2)}, "n1 first-start:odd last-end:odd cross-page"},
		{"2^31", List{e(0, 1<<31)}, "n1 first-start:page last-end:page cross-page entry>=2^31 total>=2^31"},
		{"2^32 in all", List{e(0, 1<<31), e(1<<31, 1<<31)},
			"n2 first-start:page first-end:page interior:page last-end:page coalescible cross-page entry>=2^31 total>=2^31 total>=2^32"},
		{"below 2^31", List{e(0, 1<<31-1)}, "n1 first-start:page last-end:odd cross-page"},
		{"crosses 2^32", List{e(1<<32-1, 2)}, "n1 first-start:odd last-end:odd cross-page cross-2^32"},
		{"above 2^32", List{e(1<<32, 64)}, "n1 first-start:page last-end:64 high"},
		{"ends at 2^64", List{e(top-63, 64)}, "n1 first-start:64 last-end:page high top"},
		{"one short of 2^64", List{e(top-64, 64)}, "n1 first-start:odd last-end:odd high"},
		{"wraps", List{e(top-62, 64)}, "n1 first-start:odd last-end:odd cross-page cross-2^32 high wraps"},
		{"from the top to 0", List{e(top, 1), e(0, 64)},
			"n2 first-start:odd first-end:page interior:page last-end:64 backwards high top"},
	}
	for _, tt := range tests {
		if got := tt.l.Features(4096).String(); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestFeaturesFollowThePage(t *testing.T) {
	l := List{{Addr: 4, Len: 4}, {Addr: 16, Len: 3}}
	for page, want := range map[uint64]string{
		4: "n2 first-start:page first-end:page interior:page last-end:odd",
		8: "n2 first-start:4 first-end:page interior:page last-end:odd",
		0: "n2 first-start:4 first-end:4 interior:4 last-end:odd gap-both",
	} {
		if got := l.Features(page).String(); got != want {
			t.Errorf("page %d: %s, want %s", page, got, want)
		}
	}
	if l.Features(0) != l.Features(4096) || l.Features(5) != l.Features(4) {
		t.Error("odd page sizes are not taken as documented")
	}
}

func TestFeatureCounts(t *testing.T) {
	words := map[int]string{0: "n0", 1: "n1", 2: "n2", 3: "n3-4", 4: "n3-4", 5: "n5-8", 8: "n5-8", 9: "n9-64", 64: "n9-64", 65: "n65-256",
		256: "n65-256", 257: "n257-4096", 4096: "n257-4096", 4097: "n4097-65535", 65535: "n4097-65535", 65536: "n65536+"}
	for n, want := range words {
		l := make(List, n)
		if got := l.Features(4096).Names()[0]; got != want {
			t.Errorf("%d entries: %s, want %s", n, got, want)
		}
	}
}

func TestFeatureNames(t *testing.T) {
	names := Features(math.MaxUint64).Names()
	if len(names) != afterFeatures || afterFeatures > 64 {
		t.Fatalf("%d names for %d features", len(names), afterFeatures)
	}
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, " ,;\t") || slices.Index(names, name) != i {
			t.Errorf("name %d is %q", i, name)
		}
	}
	for f, want := range map[Features]string{Wraps: "wraps", LastEndOdd: "last-end:odd", Coalescible: "coalescible", Count0: "n0", 0: ""} {
		if f.String() != want {
			t.Errorf("%s, want %s", f, want)
		}
	}
	for name := range Features(math.MaxUint64).All() {
		if name != "n0" {
			t.Fatalf("first is %s", name)
		}
		break
	}
}

// TestAliasesAgainstPairs compares the sorted search with all pairs.
func TestAliasesAgainstPairs(t *testing.T) {
	r := newRng(t, 10)
	yes := 0
	for range 3000 {
		l := make(List, r.below(60))
		for i := range l {
			l[i] = Entry{Addr: r.below(5000) - 100, Len: uint32(r.below(8))}
		}
		want := pairAliases(l)
		if l.HasAliases() != want {
			t.Fatalf("aliases %v, want %v:\n%v", !want, want, l)
		}
		if want {
			yes++
		}
	}
	if yes < 500 || yes > 2500 {
		t.Fatalf("%d of 3000 have aliases: says little", yes)
	}
}

func TestPairAliasesAgainstBytes(t *testing.T) {
	r := newRng(t, 11)
	for range 2000 {
		l := make(List, r.below(5))
		for i := range l {
			l[i] = Entry{Addr: r.below(40), Len: uint32(r.below(6))}
		}
		addrs := streamAddrs(l)
		slices.Sort(addrs)
		if want := len(slices.Compact(slices.Clone(addrs))) != len(addrs); pairAliases(l) != want || l.HasAliases() != want {
			t.Fatalf("%v: %v", l, !want)
		}
	}
}

func TestFeaturesAllocateNothing(t *testing.T) {
	r := newRng(t, 12)
	short, long := make(List, 10), make(List, 5000)
	for i := range long {
		long[i] = Entry{Addr: r.next() >> 8, Len: 7}
	}
	copy(short, long)
	long.Features(4096)
	if n := testing.AllocsPerRun(20, func() { short.Features(4096); long.Features(4096) }); n > 1 { // a GC may empty the pool
		t.Fatalf("%v allocations", n)
	}
}

func TestStats(t *testing.T) {
	tests := []struct {
		l    List
		want Stats
		text string
	}{
		{nil, Stats{}, "0 entries, no bytes"},
		{List{{Addr: 9}}, Stats{Entries: 1, Empty: 1}, "1 entries, no bytes"},
		{List{{0x5000, 4095, 0}, {0, 0, 0}, {0x1000, 5, 0}}, Stats{3, 1, 4100, 5, 4095, 0x1000, 0x5ffe},
			"3 entries, 4100 bytes, 5 to 4095 each, in 0x1000-0x5ffe, 1 empty"},
		{List{{top, 2, 0}, {top - 9, 1, 0}}, Stats{2, 0, 3, 1, 2, top - 9, top},
			"2 entries, 3 bytes, 1 to 2 each, in 0xfffffffffffffff6-0xffffffffffffffff"},
	}
	for _, tt := range tests {
		if got := tt.l.Stats(); got != tt.want || got.String() != tt.text {
			t.Errorf("%+v: %v", got, got)
		}
	}
}

func BenchmarkFeatures(b *testing.B) {
	c := NewRandom(0)
	lists := make([]List, 256)
	entries := 0
	for i := range lists {
		lists[i], _ = Generate(c, nil, nil)
		entries += len(lists[i])
	}
	b.ReportAllocs()
	b.ReportMetric(float64(entries)/256, "entries/op")
	for i := range b.N {
		lists[i&255].Features(4096)
	}
}
