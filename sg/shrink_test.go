package sg

import (
	"math"
	"slices"
	"testing"
)

const manySteps = 1 << 20

func TestShrinkReachesTheMinimum(t *testing.T) {
	const page = 4096
	pair := func(f func(a, b Entry) bool) func(List) bool {
		return func(l List) bool { return !joints(l, func(a, b Entry) bool { return !f(a, b) }) }
	}
	tests := []struct {
		name  string
		fails func(List) bool
		want  List
	}{
		{"always", func(List) bool { return true }, nil},
		{"five entries", func(l List) bool { return len(l) >= 5 },
			List{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}}},
		{"ends in mid-page before an aligned start elsewhere", pair(func(a, b Entry) bool {
			return a.End()%page != 0 && b.Addr%page == 0 && b.Addr/page != a.Addr/page
		}), List{{0, 1, 0}, {page, 1, 0}}},
		{"ends at 2^64", func(l List) bool {
			return anyEntry(l, func(e Entry) bool { return e.Len > 0 && e.Last() == top })
		}, List{{top, 1, 0}}},
		{"total of 2^32", func(l List) bool { return l.Total() >= 1<<32 }, List{{0, 1, 0}, {0, math.MaxUint32, 0}}},
		{"a length of 513", func(l List) bool {
			return anyEntry(l, func(e Entry) bool { return e.Len >= 513 })
		}, List{{0, 513, 0}}},
		{"three in a row in memory, above 64 KiB", func(l List) bool {
			for i := 2; i < len(l); i++ {
				if l[i-2].Len > 0 && l[i-1].Len > 0 && l[i-2].continuedBy(l[i-1]) && l[i-1].continuedBy(l[i]) && l[i-2].Addr >= 1<<16 {
					return true
				}
			}
			return false
		}, List{{1 << 16, 1, 0}, {1<<16 + 1, 1, 0}, {1<<16 + 2, 1, 0}}},
		{"two keys", func(l List) bool { return l.Features(page)&Keys != 0 }, List{{0, 1, 1}, {0, 1, 0}}},
		{"last byte of a page", func(l List) bool {
			return anyEntry(l, func(e Entry) bool { return e.Addr%page == page-1 && e.Len == 1 })
		}, List{{page - 1, 1, 0}}},
		{"three of one length", func(l List) bool {
			return len(l) >= 3 && allEntries(l, func(e Entry) bool { return e.Len == l[0].Len })
		}, List{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}}},
		{"two that overlap behind a third", func(l List) bool {
			return len(l) == 3 && l[0].Addr == 0 && overlap(l[1], l[2])
		}, List{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}}},
		{"in the rest of fours", func(l List) bool {
			return len(l) > 4 && len(l)%4 == 3 && l[len(l)-3].Len > 65 && l[len(l)-3].Len < 511
		}, List{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 66, 0}, {0, 1, 0}, {0, 1, 0}}},
		{"seven pieces of a page", func(l List) bool {
			n := uint32(0)
			for _, e := range l {
				n += (e.Len + page - 1) / page
			}
			return n >= 7
		}, List{{0, 6*page + 1, 0}}},
		{"entry across 4 GiB", func(l List) bool { return l.Features(page)&Cross32 != 0 }, List{{math.MaxUint32, 2, 0}}},
	}
	start := shrinkStart(t)
	rest := make(List, 23)
	for i := range rest {
		rest[i] = Entry{uint64(i) << 20, 200, 0}
	}
	special := map[string]List{
		"in the rest of fours":            rest,
		"three of one length":             {{1 << 40, 5000, 1}, {9, 5000, 0}, {1 << 50, 5000, 7}, {0, 5000, 0}, {77, 5000, 0}},
		"seven pieces of a page":          {{0xfff, 4097, 0}, {0x7000, 12289, 1}, {0x5fff, 4097, 0}},
		"two that overlap behind a third": {{0, 500, 1}, {0x7123456000, 70, 0}, {0x7123456001, 70, 0}},
	}
	for _, tt := range tests {
		start := start
		if l, ok := special[tt.name]; ok {
			start = l
		}
		if !tt.fails(start) {
			t.Fatalf("%s: the list does not fail to begin with", tt.name)
		}
		got := Shrink(start, tt.fails, manySteps)
		if tt.name == "total of 2^32" { // how the bytes are shared out does not matter
			if len(got) != 2 || got.Total() != 1<<32 || got[0].Addr|got[1].Addr != 0 {
				t.Errorf("%s: %v", tt.name, got)
			}
			continue
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\ngot\n%vwant\n%v", tt.name, got, tt.want)
		}
	}
}

// shrinkStart is a list that has everything the tests look for, somewhere.
func shrinkStart(t *testing.T) List {
	r := newRng(t, 13)
	l := make(List, 60)
	for i := range l {
		l[i] = Entry{r.next() >> 9, uint32(r.below(9000)) + 1, uint32(r.below(4)) * 77}
	}
	l[10] = Entry{0x7f1234000, 5000, 9}
	l[11] = Entry{0x7f9876000, 4096, 9}
	l[20] = Entry{top - 70000, 70001, 0}
	l[30] = Entry{0x55555000, 7777, 1}
	l[31] = Entry{l[30].End(), 600, 1}
	l[32] = Entry{l[31].End(), 1 << 20, 1}
	l[40] = Entry{1<<32 - 4000, 1 << 22, 3}
	l[45] = Entry{0xabcdefff, 1, 3}
	for i := 50; i < 60; i++ {
		l[i].Len = 1 << 29
	}
	return l
}

// TestShrinkKeepsEachFeature: whatever feature a list has, its smallest form
// has it still, shrinks no further, and was itself seen to fail.
func TestShrinkKeepsEachFeature(t *testing.T) {
	newRng(t, 0)
	c := NewRandom(0)
	most := map[Features]int{Count4: 3, Count8: 5, Count64: 9, Count256: 65, Count4096: 257, Count65535: 4097, CountMore: 65536}
	seen := Features(0)
	for seed := range uint64(600) {
		c.ResetRandom(seed)
		l, name := Generate(c, &Params{Capacities: []int{4, 30}}, nil)
		if len(l) > 64 {
			continue
		}
		for f := Features(1); f < 1<<afterFeatures; f <<= 1 {
			if l.Features(4096)&f == 0 || seed > 60 && seen&f != 0 {
				continue
			}
			seen |= f
			var tested List // the latest that failed
			fails := func(l List) bool {
				ok := l.Features(4096)&f != 0
				if ok {
					tested = slices.Clone(l)
				}
				return ok
			}
			got := Shrink(l, fails, manySteps)
			if !slices.Equal(got, tested) {
				t.Fatalf("seed %d %s, %v: result was not the last that failed:\n%v", seed, name, f, got)
			}
			if limit := max(most[f], 2); len(got) > limit {
				t.Fatalf("seed %d %s, %v: %d entries left:\n%v", seed, name, f, len(got), got)
			}
			if again := Shrink(got, fails, manySteps); !slices.Equal(again, got) {
				t.Fatalf("seed %d %s, %v: not minimal:\n%vcan be\n%v", seed, name, f, got, again)
			}
		}
	}
	if missing := (1<<afterFeatures - 1) &^ (seen | Count0 | Count256 | Count4096 | Count65535 | CountMore); missing != 0 {
		t.Errorf("never seen: %v", missing)
	}
}

func TestShrinkIsLocallyMinimal(t *testing.T) {
	r := newRng(t, 14)
	for salt := range uint64(3000) {
		// An odd predicate of everything, without any structure to help.
		fails := func(l List) bool {
			sum := salt
			for _, e := range l {
				sum = mix64(sum + e.Addr*3 + uint64(e.Len)*5)
			}
			return len(l) > 1 && sum%5 == 0
		}
		l := r.list(12)
		if !fails(l) {
			continue
		}
		got := Shrink(l, fails, manySteps)
		if !fails(got) || !slices.Equal(got, Shrink(got, fails, manySteps)) {
			t.Fatalf("%v\nbecame\n%v", l, got)
		}
		for i := range got {
			if fails(slices.Delete(slices.Clone(got), i, i+1)) {
				t.Fatalf("entry %d of %v could go", i, got)
			}
		}
	}
}

// TestShrinkDropsAgain: dropping one entry may make it possible to drop an
// earlier one.
func TestShrinkDropsAgain(t *testing.T) {
	failing := map[string]bool{"0x1+1\n0x2+1\n0x3+1\n0x4+1\n": true, "0x1+1\n0x2+1\n0x4+1\n": true, "0x2+1\n0x4+1\n": true}
	start := List{{1, 1, 0}, {2, 1, 0}, {3, 1, 0}, {4, 1, 0}}
	got := Shrink(start, func(l List) bool { return failing[l.String()] }, manySteps)
	if !slices.Equal(got, List{{2, 1, 0}, {4, 1, 0}}) {
		t.Fatalf("%v", got)
	}
}

// TestShrinkMovesInLeaps: an address that must keep its place in a page is
// brought down in one step, not bit by bit.
func TestShrinkMovesInLeaps(t *testing.T) {
	calls := 0
	got := Shrink(List{{0x7fff_dead_b234, 1, 0}}, func(l List) bool {
		calls++
		return len(l) == 1 && l[0].Addr&4095 == 0x234
	}, manySteps)
	if calls > 32 || !slices.Equal(got, List{{0x234, 1, 0}}) {
		t.Fatalf("%v after %d calls", got, calls)
	}
}

func TestShrinkIsBounded(t *testing.T) {
	start := shrinkStart(t)
	untouched := slices.Clone(start)
	for _, limit := range []int{-1, 0, 1, 2, 3, 10, 57, 200} {
		calls := 0
		var failed []List
		got := Shrink(start, func(l List) bool {
			calls++
			if len(l) < 7 {
				return false
			}
			failed = append(failed, slices.Clone(l))
			return true
		}, limit)
		if calls > max(limit, 0) {
			t.Errorf("limit %d: %d calls", limit, calls)
		}
		if limit > 0 && !slices.Equal(got, failed[len(failed)-1]) || limit <= 0 && !slices.Equal(got, start) {
			t.Errorf("limit %d: %v was not tested last", limit, got)
		}
	}
	if !slices.Equal(start, untouched) {
		t.Error("the list given was changed")
	}
}

func TestShrinkOfWhatDoesNotFail(t *testing.T) {
	l := List{{5, 5, 5}}
	got := Shrink(l, func(List) bool { return false }, 100)
	if !slices.Equal(got, l) || &got[0] == &l[0] {
		t.Fatalf("%v", got)
	}
}

func TestShrinkIsDeterministic(t *testing.T) {
	start := shrinkStart(t)
	run := func() (calls int, l List) {
		l = Shrink(start, func(l List) bool { calls++; return l.Features(512)&GapEnd != 0 && l.Total() > 99999 }, manySteps)
		return calls, l
	}
	n, l := run()
	for range 3 {
		if n2, l2 := run(); n2 != n || !slices.Equal(l, l2) {
			t.Fatalf("%d calls to %v, then %d to %v", n, l, n2, l2)
		}
	}
	t.Logf("%d calls", n)
}
