package sg

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestGeneratorTable(t *testing.T) {
	sum, names := 0, map[string]bool{}
	for _, g := range Generators() {
		if g.Name == "" || g.Reason == "" || g.Weight <= 0 || g.Draw == nil || names[g.Name] {
			t.Errorf("%q: weight %d, reason %q, or twice", g.Name, g.Weight, g.Reason)
		}
		names[g.Name] = true
		sum += g.Weight
		if got, ok := GeneratorByName(g.Name); !ok || got.Reason != g.Reason {
			t.Errorf("%q is not found by name", g.Name)
		}
	}
	if sum != 256 {
		t.Errorf("weights sum to %d; one choice byte needs 256", sum)
	}
	if _, ok := GeneratorByName("nonsense"); ok || Generators()[0].Name != "literal" {
		t.Error("found nonsense, or literal is not the first")
	}
}

func TestEdgeTables(t *testing.T) {
	lengths := func(v uint64) bool { return v >= 1 && v <= math.MaxUint32 }
	any := func(uint64) bool { return true }
	tables := []struct {
		name  string
		edges []Edge
		legal func(uint64) bool
	}{{"length", LengthEdges(), lengths}, {"offset", OffsetEdges(), any}, {"address", AddressEdges(), any}}
	for _, tt := range tables {
		values, reasons := map[uint64]bool{}, map[string]bool{}
		for _, e := range tt.edges {
			v := e.Value(4096)
			if e.Weight <= 0 || e.Reason == "" || values[v] || reasons[e.Reason] || !tt.legal(v) {
				t.Errorf("%s %+v: value %#x, or twice", tt.name, e, v)
			}
			values[v], reasons[e.Reason] = true, true
		}
	}
	want := map[string]uint64{"one below a page": 8191, "last page of the address space": math.MaxUint64 - 8191,
		"4 GiB less one page: longest page-aligned entry": 1<<32 - 8192}
	for _, e := range slices.Concat(LengthEdges(), AddressEdges()) {
		if v, ok := want[e.Reason]; ok && e.Value(8192) != v {
			t.Errorf("%s of 8 KiB is %#x", e.Reason, e.Value(8192))
		}
		delete(want, e.Reason)
	}
	if len(want) != 0 {
		t.Errorf("no edge for %v", want)
	}
}

func TestPickEdgeReachesAll(t *testing.T) {
	seen, c := map[uint64]int{}, NewRandom(1)
	for range 20000 {
		seen[c.pickEdge(lengthEdges, lengthWeight, 4096)]++
	}
	for _, e := range lengthEdges {
		share := float64(seen[e.Value(4096)]) / 20000 * float64(lengthWeight)
		if share < float64(e.Weight)*0.5 || share > float64(e.Weight)*1.7 {
			t.Errorf("%s: drawn like weight %.1f, has %d", e.Reason, share, e.Weight)
		}
	}
}

// aligned reports whether every address given is a multiple of unit.
func aligned(unit uint64, addrs ...uint64) bool {
	for _, a := range addrs {
		if a%unit != 0 {
			return false
		}
	}
	return true
}

func anyEntry(l List, f func(e Entry) bool) bool { return slices.ContainsFunc(l, f) }
func allEntries(l List, f func(e Entry) bool) bool {
	return !slices.ContainsFunc(l, func(e Entry) bool { return !f(e) })
}

// joints reports whether all pairs of neighbours satisfy f.
func joints(l List, f func(a, b Entry) bool) bool {
	for i := 1; i < len(l); i++ {
		if !f(l[i-1], l[i]) {
			return false
		}
	}
	return true
}

func overlap(a, b Entry) bool { return a.Addr <= b.Last() && b.Addr <= a.Last() }

// claims is what each list of a generator must be; often is what must come up
// in a good part of them.
var claims = map[string]struct {
	always func(l List, page uint64) bool
	often  func(l List, page uint64) bool
}{
	"pages": {func(l List, page uint64) bool {
		return allEntries(l, func(e Entry) bool { return aligned(page, e.Addr, e.End()) })
	}, func(l List, _ uint64) bool { return len(l) > 4 }},
	"frwr": {func(l List, page uint64) bool {
		return joints(l, func(a, b Entry) bool { return aligned(page, a.End(), b.Addr) && a.End() != b.Addr })
	}, func(l List, page uint64) bool { return l[0].Addr%page != 0 && l[len(l)-1].End()%page != 0 }},
	"sectors": {func(l List, _ uint64) bool {
		return allEntries(l, func(e Entry) bool { return aligned(512, e.Addr, e.End()) })
	}, nil},
	"bytes": {nil, func(l List, page uint64) bool {
		return !joints(l, func(a, b Entry) bool { return aligned(4, a.End(), b.Addr) })
	}},
	"gaps": {func(l List, page uint64) bool {
		return len(l) > 1 && joints(l, func(a, b Entry) bool {
			return a.End()/page != b.Addr/page && !aligned(page, a.End(), b.Addr)
		})
	}, func(l List, page uint64) bool {
		return !joints(l, func(a, b Entry) bool { return aligned(page, a.End()) || !aligned(page, b.Addr) })
	}},
	"contiguous": {func(l List, _ uint64) bool {
		return allEntries(l, func(e Entry) bool { return e.Len&1 == 1 })
	}, func(l List, _ uint64) bool {
		return len(l) > 2 && joints(l, func(a, b Entry) bool { return a.End() == b.Addr })
	}},
	"shreds": {func(l List, _ uint64) bool {
		return allEntries(l, func(e Entry) bool { return e.Len == 1 })
	}, func(l List, _ uint64) bool { return len(l) > 64 }},
	"aliased": {func(l List, _ uint64) bool { return len(l) > 1 && overlap(l[0], l[1]) }, nil},
	"huge": {func(l List, _ uint64) bool {
		return anyEntry(l, func(e Entry) bool { return e.Len >= 1<<30 })
	}, func(l List, _ uint64) bool { return anyEntry(l, func(e Entry) bool { return e.Len > 1<<31 }) }},
	"totals": {func(l List, _ uint64) bool { return l.Total() >= 1<<31-1 },
		func(l List, _ uint64) bool { return l.Total() >= 1<<32 }},
	"top": {func(l List, page uint64) bool {
		return anyEntry(l, func(e Entry) bool { return e.Last() >= top-page })
	}, func(l List, _ uint64) bool { return anyEntry(l, func(e Entry) bool { return e.Last() == top }) }},
	"wrapping": {func(l List, _ uint64) bool { return errors.Is(l.Validate(), ErrWraps) }, nil},
	"empties": {func(l List, _ uint64) bool {
		return anyEntry(l, func(e Entry) bool { return e.Len == 0 })
	}, func(l List, _ uint64) bool { return l.Total() != 0 && l[0].Len != 0 }},
	"small": {func(l List, page uint64) bool {
		return allEntries(l, func(e Entry) bool { return e.Last() < 10*page && aligned(page/4, e.Addr, e.End()) })
	}, nil},
	"userbuf": {func(l List, page uint64) bool {
		return joints(l, func(a, b Entry) bool { return aligned(page, a.End(), b.Addr) }) &&
			allEntries(l, func(e Entry) bool { return uint64(e.Len) <= page })
	}, func(l List, page uint64) bool {
		return l[0].Addr%page != 0 && !joints(l, func(a, b Entry) bool { return a.End() != b.Addr })
	}},
	"writev": {func(l List, _ uint64) bool { return l[0].Len <= 128 }, func(l List, _ uint64) bool { return len(l) >= 4 }},
	"strided": {func(l List, _ uint64) bool {
		return joints(l, func(a, b Entry) bool { return a.Len == b.Len && b.Addr-a.Addr == l[1].Addr-l[0].Addr })
	}, func(l List, page uint64) bool {
		return allEntries(l, func(e Entry) bool { return aligned(page, e.Addr, e.End()) })
	}},
	"blocks": {func(l List, _ uint64) bool { return l[0].End() == l[1].Addr && l[1].End() == l[2].Addr }, nil},
	"keys": {func(l List, _ uint64) bool {
		return joints(l, func(a, b Entry) bool { return a.End() == b.Addr && b.Lkey != 0 })
	}, func(l List, _ uint64) bool { return !joints(l, func(a, b Entry) bool { return a.Lkey == b.Lkey }) }},
	"capacity": {func(l List, _ uint64) bool { return len(l) > 0 }, nil},
	"edges":    {nil, func(l List, _ uint64) bool { return l.Features(4096)&EntryOver31 == 0 }},
	"literal":  {nil, nil},
}

// TestGeneratorsKeepTheirClaims draws each generator's lists with several page
// sizes: what it claims is so, ranges are legal, bounds hold, and the recorded
// choices give the same list again.
func TestGeneratorsKeepTheirClaims(t *testing.T) {
	newRng(t, 0)
	c, replay := NewRandom(0), NewChoices(nil)
	var l, again List
	for _, g := range Generators() {
		claim, ok := claims[g.Name]
		if !ok {
			t.Errorf("%s: claims nothing", g.Name)
		}
		for _, page := range []uint64{4, 512, 4096, 65536, 2 << 20} {
			p := &Params{PageSize: page}
			often := 0
			for seed := range uint64(200) {
				c.ResetRandom(seed<<8 ^ page)
				l = g.Draw(c, p, l[:0])
				if err := wellFormed(g.Name, l); err != nil {
					t.Fatalf("%s, page %d, seed %d: %v", g.Name, page, seed, err)
				}
				if claim.always != nil && !claim.always(l, page) {
					t.Fatalf("%s, page %d, seed %d: not what is claimed:\n%v", g.Name, page, seed, l)
				}
				if claim.often != nil && claim.often(l, page) {
					often++
				}
				replay.Reset(c.Recorded())
				again = g.Draw(replay, p, again[:0])
				if !slices.Equal(l, again) {
					t.Fatalf("%s, page %d, seed %d: replay differs", g.Name, page, seed)
				}
			}
			if claim.often != nil && often < 25 {
				t.Errorf("%s, page %d: only %d of 200 lists are what is wanted often", g.Name, page, often)
			}
		}
	}
}

func wellFormed(name string, l List) error {
	limit := 3 * maxDrawn
	switch {
	case name == "literal":
		return nil
	case len(l) == 0:
		return errors.New("no entries")
	case len(l) > limit:
		return fmt.Errorf("%d entries", len(l))
	}
	err := l.Validate()
	if name == "wrapping" && errors.Is(err, ErrWraps) || name == "empties" && errors.Is(err, ErrEmpty) {
		return nil
	}
	if name != "empties" && anyEntry(l, func(e Entry) bool { return e.Len == 0 }) {
		return errors.New("empty entry")
	}
	return err
}

func TestParamsTakeTheNearestLegalValue(t *testing.T) {
	tests := []struct {
		p       *Params
		page    uint64
		entries int
		bytes   uint64
		limits  int // how many capacities
	}{
		{nil, 4096, 1 << 20, math.MaxUint32, len(defaultCapacities)},
		{&Params{}, 4096, 1 << 20, math.MaxUint32, len(defaultCapacities)},
		{&Params{1, []int{7}, 1, 1}, 4, 1, 512, 1},
		{&Params{4097, []int{7, 8}, -3, 600}, 4096, 1 << 20, 4096, 2},
		{&Params{65535, nil, 5, 1 << 20}, 32768, 5, 1 << 20, len(defaultCapacities)},
		{&Params{math.MaxUint64, nil, math.MaxInt, math.MaxUint64}, 1 << 31, 1 << 30, math.MaxUint32, len(defaultCapacities)},
	}
	for _, tt := range tests {
		if p := tt.p; p.pageSize() != tt.page || p.maxEntries() != tt.entries || p.maxEntryBytes() != tt.bytes || len(p.capacities()) != tt.limits {
			t.Errorf("%+v: page %d, %d entries of %d bytes, limits %v", p, p.pageSize(), p.maxEntries(), p.maxEntryBytes(), p.capacities())
		}
	}
}

// TestGeneratorsTakeAnyStream: nothing but bounds is asked of odd streams and
// odd parameters, and what was in dst stays.
func TestGeneratorsTakeAnyStream(t *testing.T) {
	r := newRng(t, 8)
	streams := [][]byte{nil, {0}, bytes.Repeat([]byte{0xff}, 40000), bytes.Repeat([]byte{0x20}, 999)}
	for range 60 {
		streams = append(streams, r.bytes(int(r.below(300))))
	}
	params := []*Params{nil, {}, {MaxEntries: math.MaxInt}, {PageSize: 1, MaxEntries: 1, MaxEntryBytes: 1}, {PageSize: 5, MaxEntries: 2, Capacities: []int{0, -7}},
		{PageSize: math.MaxUint64, MaxEntries: 9, MaxEntryBytes: math.MaxUint64}, {PageSize: 4096, MaxEntryBytes: 4096, MaxEntries: 100}}
	kept := Entry{1, 2, 3}
	for _, g := range Generators() {
		for _, p := range params {
			for _, s := range streams {
				l := g.Draw(NewChoices(s), p, List{kept})
				if l[0] != kept || len(l)-1 > p.maxEntries() {
					t.Fatalf("%s, %+v, %x: %d entries, first %v", g.Name, p, s, len(l), l[0])
				}
				counted := g.Name == "literal" || g.Name == "capacity" || g.Name == "totals"
				if !counted && len(l)-1 > maxDrawn {
					t.Fatalf("%s, %+v: %d entries", g.Name, p, len(l)-1)
				}
				long := func(e Entry) bool { return uint64(e.Len) > p.maxEntryBytes() }
				if g.Name != "literal" && anyEntry(l[1:], long) {
					t.Fatalf("%s, %+v, %x: entry too long in %v", g.Name, p, s, l)
				}
				if g.Name != "literal" && g.Name != "wrapping" && anyEntry(l[1:], Entry.Wraps) {
					t.Fatalf("%s, %+v, %x: %v wraps", g.Name, p, s, l)
				}
			}
		}
	}
}

// TestCapacityHitsTheLimits: each limit, one less, one more and multiples of
// it come up as entry counts, and as page counts of one entry.
func TestCapacityHitsTheLimits(t *testing.T) {
	p := &Params{Capacities: []int{1, 30, 1000}}
	entries, pages := map[int]bool{}, map[uint64]bool{}
	for seed := range uint64(20000) {
		l := drawCapacity(NewRandom(seed), p, nil)
		entries[len(l)] = true
		if len(l) == 1 {
			pages[l[0].Last()/4096-l[0].Addr/4096+1] = true
		}
	}
	for _, n := range []int{1, 2, 3, 29, 30, 31, 59, 60, 61, 89, 90, 91, 999, 1000, 1001, 1999, 2000, 2001, 2999, 3000, 3001} {
		if !entries[n] {
			t.Errorf("never %d entries", n)
		}
		if n != 3 && !pages[uint64(n)] {
			t.Errorf("never %d pages in one entry", n)
		}
	}
}

func TestGenerateEmptyStream(t *testing.T) {
	if l, name := Generate(NewChoices(nil), nil, nil); len(l) != 0 || name != "literal" {
		t.Fatalf("%s: %v", name, l)
	}
}

func TestGenerateFollowsWeights(t *testing.T) {
	hits := map[string]int{}
	for b := range 256 {
		_, name := Generate(NewChoices([]byte{byte(b)}), nil, nil)
		hits[name]++
	}
	for _, g := range Generators() {
		if hits[g.Name] != g.Weight {
			t.Errorf("%s: %d of 256 choices, weight %d", g.Name, hits[g.Name], g.Weight)
		}
	}
}

func TestEncodeListRoundTrip(t *testing.T) {
	r := newRng(t, 9)
	c := NewChoices(nil)
	for range 2000 {
		want := r.list(40)
		stream := append(EncodeList(nil, want), 0xab)
		c.Reset(stream)
		got, name := Generate(c, nil, nil)
		if name != "literal" {
			t.Fatalf("generator %s", name)
		}
		sameList(t, "round trip", got, want)
		if b := c.Byte(); b != 0xab {
			t.Fatalf("the byte behind the list is %#x", b)
		}
	}
}

func TestEncodeListOfTheLongestList(t *testing.T) {
	for _, n := range []int{DefaultMaxEntries, 100_000} {
		want := make(List, n)
		for i := range want {
			want[i] = Entry{uint64(i), uint32(i), uint32(i)}
		}
		if got, _ := Generate(NewChoices(EncodeList(nil, want)), nil, nil); !slices.Equal(got, want) {
			t.Fatalf("%d entries came back as %d", n, len(got))
		}
	}
}

func TestGenerateAllocatesNothing(t *testing.T) {
	p := &Params{Capacities: []int{1, 4, 30, 500}, MaxEntries: 5000}
	c := NewRandom(0)
	l := make(List, 0, 5000)
	seed := uint64(0)
	round := func() {
		for range 300 {
			seed = (seed + 1) % 300
			c.ResetRandom(seed)
			l, _ = Generate(c, p, l[:0])
		}
	}
	round()
	if n := testing.AllocsPerRun(5, round); n != 0 {
		t.Fatalf("%v allocations in 300 lists", n)
	}
}

func FuzzGenerate(f *testing.F) {
	f.Add([]byte{})
	f.Add(EncodeList(nil, List{{1, 2, 3}, {top, math.MaxUint32, 0}}))
	for b := range 256 {
		f.Add([]byte{byte(b), 200, 100, 50, 25, 12, 6, 3, 1, 99, 98, 97})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, name := Generate(NewChoices(data), nil, nil)
		if again, _ := Generate(NewChoices(EncodeList(nil, l)), nil, nil); !slices.Equal(l, again) {
			t.Fatalf("%s: %v came back as %v", name, l, again)
		}
	})
}

func BenchmarkGenerate(b *testing.B) {
	c := NewRandom(0)
	var l List
	entries := 0
	b.ReportAllocs()
	for i := range b.N {
		c.ResetRandom(uint64(i))
		l, _ = Generate(c, nil, l[:0])
		entries += len(l)
	}
	b.ReportMetric(float64(entries)/float64(b.N), "entries/op")
}

func BenchmarkGenerators(b *testing.B) {
	for _, g := range Generators() {
		b.Run(g.Name, func(b *testing.B) {
			c := NewRandom(0)
			var l List
			entries := 0
			b.ReportAllocs()
			for i := range b.N {
				c.ResetRandom(uint64(i))
				l = g.Draw(c, nil, l[:0])
				entries += len(l)
			}
			b.ReportMetric(float64(entries)/float64(b.N), "entries/op")
		})
	}
}
