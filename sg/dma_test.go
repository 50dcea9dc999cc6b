package sg

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestDMAMap(t *testing.T) {
	e := func(addr uint64, n uint32) Entry { return Entry{Addr: addr, Len: n} }
	tests := []struct {
		name string
		d    DMA
		in   List
		want List
	}{
		{"identity", DMA{}, List{e(0, 4), e(4, 4), e(9, 0)}, List{e(0, 4), e(4, 4), e(9, 0)}},
		{"merge three", DMA{Merge, 64}, List{e(1, 3), e(4, 4), e(8, 1), e(10, 1)}, List{e(1, 8), e(10, 1)}},
		{"merge up to the limit", DMA{Merge, 8}, List{e(0, 4), e(4, 4), e(8, 4), e(12, 5)}, List{e(0, 8), e(8, 4), e(12, 5)}},
		{"longer than the limit already", DMA{Merge, 4}, List{e(0, 9), e(9, 1)}, List{e(0, 9), e(9, 1)}},
		{"not into what was there", DMA{Merge, 64}, List{e(2, 4), e(6, 4)}, List{e(2, 8)}},
		{"not backwards", DMA{Merge, 64}, List{e(4, 4), e(0, 4)}, List{e(4, 4), e(0, 4)}},
		{"keys differ", DMA{Merge, 64}, List{{0, 4, 1}, {4, 4, 2}, {8, 4, 2}}, List{{0, 4, 1}, {4, 8, 2}}},
		{"empty neighbour", DMA{Merge, 64}, List{e(0, 0), e(0, 4), e(4, 0), e(9, 0)}, List{e(0, 4), e(9, 0)}},
		{"never across 2^64", DMA{Merge, 64}, List{e(top-3, 4), e(0, 4)}, List{e(top-3, 4), e(0, 4)}},
		{"wrapping ones alone", DMA{Merge, 64}, List{e(top-9, 8), e(top-1, 4), e(2, 4)}, List{e(top-9, 8), e(top-1, 4), e(2, 4)}},
		// iommu/dma __finalise_sg before ab2cbeb0ed30 let the sum pass 2^32.
		{"sum of 2^32-1", DMA{Merge, math.MaxUint64}, List{e(0, 1<<31), e(1<<31, 1<<31-1)}, List{e(0, math.MaxUint32)}},
		{"sum of 2^32", DMA{Merge, math.MaxUint64}, List{e(0, 1<<31), e(1<<31, 1<<31)}, List{e(0, 1<<31), e(1<<31, 1<<31)}},
		{"split", DMA{Split, 4096}, List{e(0xfff, 4098), e(0x5000, 4096)}, List{e(0xfff, 1), e(0x1000, 4096), e(0x2000, 1), e(0x5000, 4096)}},
		{"split keeps keys", DMA{Split, 2}, List{{1, 2, 7}}, List{{1, 1, 7}, {2, 1, 7}}},
		{"split any boundary", DMA{Split, 3}, List{e(2, 5)}, List{e(2, 1), e(3, 3), e(6, 1)}},
		{"split at 4 GiB", DMA{Split, 1 << 32}, List{e(1<<32-1, math.MaxUint32)}, List{e(1<<32-1, 1), e(1<<32, math.MaxUint32-1)}},
		{"split up to 2^64", DMA{Split, 4096}, List{e(top-4096, 4097)}, List{e(top-4096, 1), e(top-4095, 4096)}},
		{"split leaves wraps and empties", DMA{Split, 1}, List{e(top, 9), e(7, 0)}, List{e(top, 9), e(7, 0)}},
	}
	for _, tt := range tests {
		have := List{e(0, 0), e(1, 1)}
		got, err := tt.d.Map(slices.Clone(have), tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		sameList(t, tt.name+": kept", got[:2], have)
		sameList(t, tt.name, got[2:], tt.want)
	}
}

func TestDMARefuses(t *testing.T) {
	huge := make(List, 11)
	for i := range huge {
		huge[i].Len = math.MaxUint32
	}
	tests := []struct {
		name string
		d    DMA
		l    List
		want error
	}{
		{"merge 0", DMA{Merge, 0}, nil, ErrDMALimit},
		{"split 0", DMA{Split, 0}, nil, ErrDMALimit},
		{"mode", DMA{7, 1}, nil, ErrDMAMode},
		{"too many pieces", DMA{Split, 1}, huge, ErrDMAEntries},
		{"too many by one", DMA{Split, 1}, List{{Len: MaxDMAEntries}, {Len: 1}}, ErrDMAEntries},
	}
	for _, tt := range tests {
		dst, err := tt.d.Map(List{{Len: 5}}, tt.l)
		if !errors.Is(err, tt.want) || len(dst) != 1 {
			t.Errorf("%s: %d entries, %v; want %v", tt.name, len(dst), err, tt.want)
		}
	}
	if n := (DMA{Split, 1}).count(List{{Len: MaxDMAEntries}}); n != MaxDMAEntries {
		t.Errorf("count at the limit is %d", n)
	}
}

// TestDMAKeepsTheStream: whatever the mode, byte k of the stream lives at the
// same address and under the same key, segments obey the limit, and merging
// misses nothing.
func TestDMAKeepsTheStream(t *testing.T) {
	r := newRng(t, 5)
	for range 3000 {
		l := make(List, r.below(9))
		next := r.below(32) - 16
		for i := range l {
			if r.below(3) == 0 {
				next = r.below(32) - 16
			}
			l[i] = Entry{next, uint32(r.below(7)), uint32(r.below(5) / 4)}
			next = l[i].End()
		}
		d := DMA{DMAMode(r.below(3)), 1 + r.below(12)}
		got, err := d.Map(nil, l)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(streamAddrs(l), streamAddrs(got)) {
			t.Fatalf("%v: %v became %v", d, l, got)
		}
		if !slices.Equal(streamKeys(l), streamKeys(got)) {
			t.Fatalf("%v: keys of %v became %v", d, l, got)
		}
		if n := d.count(l); d.Mode == Split && n != uint64(len(got)) {
			t.Fatalf("%v: %v: counted %d, made %d", d, l, n, len(got))
		}
		checkSegments(t, d, l, got)
	}
}

func streamKeys(l List) (keys []uint32) {
	for _, e := range l {
		for range e.Len {
			keys = append(keys, e.Lkey)
		}
	}
	return keys
}

func checkSegments(t *testing.T, d DMA, l, got List) {
	t.Helper()
	for i, e := range got {
		if e.Len == 0 || e.Wraps() {
			continue
		}
		if d.Mode == Split && e.Addr/d.Limit != e.Last()/d.Limit {
			t.Fatalf("%v: %v: %v crosses the boundary", d, l, e)
		}
		if d.Mode == Merge && uint64(e.Len) > d.Limit && !slices.Contains(l, e) {
			t.Fatalf("%v: %v: %v is longer than the limit", d, l, e)
		}
		if d.Mode == Merge && i > 0 && got[i-1].continuedBy(e) && uint64(got[i-1].Len)+uint64(e.Len) <= d.Limit {
			t.Fatalf("%v: %v: entries %d and %d of %v could have been merged", d, l, i-1, i, got)
		}
	}
}

func TestParseDMA(t *testing.T) {
	tests := []struct {
		in   string
		want DMA
		out  string
	}{
		{"identity", DMA{}, "identity"},
		{"merge 65536", DMA{Merge, 65536}, "merge 65536"},
		{"  split\t0x1000 ", DMA{Split, 4096}, "split 4096"},
		{"merge 18446744073709551615", DMA{Merge, math.MaxUint64}, "merge 18446744073709551615"},
	}
	for _, tt := range tests {
		d, err := ParseDMA(tt.in)
		if err != nil || d != tt.want || d.String() != tt.out {
			t.Errorf("%q: %v, %v", tt.in, d, err)
		}
	}
	bad := map[string]error{
		"": ErrDMASyntax, "merge": ErrDMASyntax, "identity 5": ErrDMASyntax, "split -1": ErrDMASyntax,
		"split 4k": ErrDMASyntax, "merge 18446744073709551616": ErrDMASyntax, "Merge 4": ErrDMASyntax,
		"merge 0": ErrDMALimit, "split 0x0": ErrDMALimit,
	}
	for in, want := range bad {
		if d, err := ParseDMA(in); !errors.Is(err, want) || d != (DMA{}) {
			t.Errorf("%q: %v, %v", in, d, err)
		}
	}
}

func TestDMAAllocatesNothing(t *testing.T) {
	l := List{{0, 4096, 0}, {4096, 9000, 0}, {1 << 40, 1 << 20, 0}}
	dst := make(List, 0, 1024)
	for _, d := range []DMA{{}, {Merge, 1 << 20}, {Split, 4096}} {
		if n := testing.AllocsPerRun(100, func() { dst, _ = d.Map(dst[:0], l) }); n != 0 {
			t.Errorf("%v: %v allocations", d, n)
		}
	}
}
