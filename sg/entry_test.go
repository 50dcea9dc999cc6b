package sg

import (
	"errors"
	"math"
	"slices"
	"testing"
	"unsafe"
)

const top = math.MaxUint64 // the last address

func TestEntryIsSixteenBytes(t *testing.T) {
	// struct ib_sge: u64 addr; u32 length; u32 lkey.
	var e Entry
	if unsafe.Sizeof(e) != 16 || unsafe.Offsetof(e.Len) != 8 || unsafe.Offsetof(e.Lkey) != 12 {
		t.Fatalf("size %d, Len at %d, Lkey at %d", unsafe.Sizeof(e), unsafe.Offsetof(e.Len), unsafe.Offsetof(e.Lkey))
	}
}

func TestEntryEnds(t *testing.T) {
	tests := []struct {
		name  string
		e     Entry
		wraps bool
		last  uint64
		end   uint64
	}{
		{"plain", Entry{Addr: 0x1000, Len: 16}, false, 0x100f, 0x1010},
		{"empty", Entry{Addr: 0x1000}, false, 0x1000, 0x1000},
		{"empty at top", Entry{Addr: top}, false, top, top},
		{"last byte", Entry{Addr: top, Len: 1}, false, top, 0},
		{"ends at 2^64", Entry{Addr: top - 4095, Len: 4096}, false, top, 0},
		{"one past", Entry{Addr: top - 4094, Len: 4096}, true, 0, 1},
		{"longest", Entry{Addr: top, Len: math.MaxUint32}, true, math.MaxUint32 - 2, math.MaxUint32 - 1},
	}
	for _, tt := range tests {
		if tt.e.Wraps() != tt.wraps || tt.e.Last() != tt.last || tt.e.End() != tt.end {
			t.Errorf("%s: wraps %v last %#x end %#x", tt.name, tt.e.Wraps(), tt.e.Last(), tt.e.End())
		}
	}
}

func TestTotalPasses32Bits(t *testing.T) {
	l := List{{Len: math.MaxUint32}, {Len: math.MaxUint32}, {Len: 7}}
	if got, want := l.Total(), uint64(2*math.MaxUint32+7); got != want {
		t.Fatalf("total %d, want %d", got, want)
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name  string
		l     List
		want  error
		index int
	}{
		{"nothing", nil, ErrEmpty, -1},
		{"only empty entries", List{{Addr: 1}, {Addr: top}}, ErrEmpty, -1},
		{"empty among others", List{{Addr: 1}, {Addr: 2, Len: 1}}, nil, -1},
		{"ends at 2^64", List{{Addr: top, Len: 1}}, nil, -1},
		{"second wraps", List{{Addr: 1, Len: 1}, {Addr: top, Len: 2}}, ErrWraps, 1},
	}
	for _, tt := range tests {
		err := tt.l.Validate()
		var at *EntryError
		if !errors.Is(err, tt.want) || errors.As(err, &at) != (tt.index >= 0) {
			t.Errorf("%s: %v", tt.name, err)
		} else if at != nil && at.Index != tt.index {
			t.Errorf("%s: entry %d, want %d", tt.name, at.Index, tt.index)
		}
	}
}

func TestAppendExtentKeepsToTheAddressSpace(t *testing.T) {
	tests := []struct {
		name    string
		addr, n uint64
		want    []Extent
	}{
		{"nothing", top, 0, []Extent{{top, 1}}},
		{"from 2^64 to 0", 0, 5, []Extent{{top, 1}, {0, 5}}},
		{"apart", 9, 1, []Extent{{top, 1}, {9, 1}}},
		{"wraps", top - 1, 5, []Extent{{top, 1}, {top - 1, 2}, {0, 3}}},
		{"wraps by all it can", top, top, []Extent{{top, 1}, {top, 1}, {0, top - 1}}},
	}
	for _, tt := range tests {
		got := AppendExtent([]Extent{{top, 1}}, tt.addr, tt.n)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	// All addresses do not fit one extent's length.
	got := AppendExtent([]Extent{{0, top}}, top, 1)
	if !slices.Equal(got, []Extent{{0, top}, {top, 1}}) {
		t.Errorf("whole space: %v", got)
	}
}

// TestAppendExtentsAgainstBytes compares every window of small lists with the
// stream written out byte by byte.
func TestAppendExtentsAgainstBytes(t *testing.T) {
	r := newRng(t, 1)
	for range 300 {
		l := make(List, r.below(6))
		for i := range l {
			l[i] = Entry{Addr: r.below(24) - 12, Len: uint32(r.below(5))} // some wrap
		}
		addrs := streamAddrs(l)
		for off := range len(addrs) + 2 {
			for n := range len(addrs) + 2 {
				lo := min(off, len(addrs))
				want := naiveExtents(addrs[lo:min(lo+n, len(addrs))])
				got := l.AppendExtents(nil, uint64(off), uint64(n))
				if !slices.Equal(got, want) {
					t.Fatalf("%v window %d+%d: got %v, want %v", l, off, n, got, want)
				}
			}
		}
	}
}

func TestAppendExtentsOfHugeWindows(t *testing.T) {
	l := List{{Addr: 1 << 40, Len: math.MaxUint32}, {Addr: 1<<40 + math.MaxUint32, Len: 2}, {Addr: 5, Len: 5}}
	got := l.AppendExtents(nil, 1, math.MaxUint64)
	want := []Extent{{1<<40 + 1, 1 << 32}, {5, 5}}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestMergeExtents(t *testing.T) {
	const top = ^uint64(0)
	for _, tt := range []struct{ in, want []Extent }{
		{nil, nil},
		{[]Extent{{5, 0}}, nil},
		{[]Extent{{10, 5}, {0, 5}}, []Extent{{0, 5}, {10, 5}}},
		{[]Extent{{10, 5}, {0, 10}}, []Extent{{0, 15}}},                  // touch
		{[]Extent{{0, 10}, {5, 10}, {6, 2}}, []Extent{{0, 15}}},          // overlap, inside
		{[]Extent{{top - 4, 5}, {0, 3}}, []Extent{{0, 3}, {top - 4, 5}}}, // the top does not touch 0
		{[]Extent{{top - 9, 5}, {top - 4, 5}}, []Extent{{top - 9, 10}}},  // up to the top
		{[]Extent{{7, 1}, {7, 1}, {7, 0}, {8, 1}, {20, 1}}, []Extent{{7, 2}, {20, 1}}},
	} {
		if got := MergeExtents(slices.Clone(tt.in)); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.in, got, tt.want)
		}
	}
}
