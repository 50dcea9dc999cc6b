package reg

import (
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// slowBlocks lays the stream out byte by byte and returns the page behind each
// page of the iova range, or false if a page would need two.
func slowBlocks(l sg.List, iova, page uint64) ([]uint64, bool) {
	var out []uint64
	at := iova
	for _, e := range l {
		for i := range uint64(e.Len) {
			phys := e.Addr + i
			if phys%page != at%page {
				return nil, false
			}
			if len(out) == 0 || at%page == 0 {
				out = append(out, phys-phys%page)
			} else if out[len(out)-1] != phys-phys%page {
				return nil, false
			}
			at++
		}
	}
	return out, true
}

// slowBest tries every size; sizes beyond the one that covers the range with
// one page are no better.
func slowBest(l sg.List, iova, supported uint64) uint64 {
	best := uint64(0)
	for b := supported; b != 0; b &= b - 1 {
		p := b & -b
		if blocks, ok := slowBlocks(l, iova, p); ok {
			best = p
			if len(blocks) == 1 && iova/p == (iova+l.Total()-1)/p {
				break
			}
		} else if iova/p == (iova+l.Total()-1)/p {
			break
		}
	}
	return best
}

// TestBestPageSizeSmallUniverse compares with byte-by-byte layout: all lists of
// up to three entries in 16 addresses with lengths to 6, all iovas to 16, pages
// of 1 to 16 bytes in four sets.
func TestBestPageSizeSmallUniverse(t *testing.T) {
	var entries []sg.Entry
	for a := range uint64(16) {
		for n := range uint32(7) {
			entries = append(entries, sg.Entry{Addr: a, Len: n})
		}
	}
	cases := 0
	check := func(l sg.List) {
		if l.Total() == 0 {
			return
		}
		for iova := range uint64(16) {
			for _, set := range [...]uint64{1 | 2 | 4 | 8 | 16, 2 | 8, 4 | 16, 16} {
				cases++
				want := slowBest(l, iova, set)
				got, err := BestPageSize(l, iova, set)
				var f *Refusal
				if got != want || (err != nil) != (want == 0) || err != nil && (!errors.As(err, &f) || f.Reason != ReasonPageSize) {
					t.Fatalf("list %v iova %d sizes %#x: %d, %v; want %d", l, iova, set, got, err, want)
				}
				if want == 0 {
					continue
				}
				blocks, _ := slowBlocks(l, iova, want)
				have := AppendBlocks(nil, l, iova, want)
				if !sameWords(have, blocks) || Blocks(iova, l.Total(), want) != uint64(len(blocks)) {
					t.Fatalf("list %v iova %d page %d: %v, want %v", l, iova, want, have, blocks)
				}
			}
		}
	}
	for i, a := range entries {
		check(sg.List{a})
		for j, b := range entries {
			check(sg.List{a, b})
			if (i+j)%5 == 0 {
				for k := i % 3; k < len(entries); k += 3 {
					check(sg.List{a, b, entries[k]})
				}
			}
		}
	}
	t.Logf("%d cases", cases)
}

func sameWords(a, b []uint64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestBestPageSizeHistory has the triggers of faults that kernels had.
func TestBestPageSizeHistory(t *testing.T) {
	const gi = 1 << 30
	all := ^uint64(0) &^ 0xfff
	chain := func(addr uint64, n int, each uint32) (l sg.List) {
		for range n {
			l = append(l, sg.Entry{Addr: addr, Len: each})
			addr += uint64(each)
		}
		return l
	}
	tests := []struct {
		name      string
		list      sg.List
		iova      uint64
		supported uint64
		size      uint64
		blocks    uint64
		reason    Reason
	}{
		{"length aligned, end is not", sg.List{{Addr: 0x1800, Len: 0x1000}, {Addr: 0x9800, Len: 0x1000}}, 0x1800, all, 0, 0, ReasonPageSize},
		{"first length odd, end aligned", sg.List{{Addr: 0x1800, Len: 0x800}, {Addr: 0x9000, Len: 0x1000}}, 0x1800, all, 0x1000, 2, 0},
		{"entry 0 counts", sg.List{{Addr: 0x1000, Len: 0x800}, {Addr: 0x9800, Len: 0x800}}, 0x1000, all, 0, 0, ReasonPageSize},
		{"small pages inside a large one", sg.List{{Addr: 0x15000, Len: 0x8000}}, 0x15000, 1 << 12, 0x1000, 8, 0},
		{"nothing supported", sg.List{{Addr: 0x1000, Len: 0x1000}}, 0x1000, 0, 0, 0, ReasonPageSize},
		{"16 GiB in odd pieces", chain(16*gi, 4, 1<<32-4096), 16 * gi, all, 1 << 34, 1, 0},
		{"16 GiB at 1 GiB offset", chain(17*gi, 4, 1<<32-4096), 17 * gi, (1<<35 - 1) &^ 0xfff, 1 << 34, 2, 0},
		{"page of 4 GiB over several entries", append(chain(8*gi, 4, 1<<30), chain(32*gi, 4, 1<<30)...), 1 << 40, 1<<32 | 1<<12, 1 << 32, 2, 0},
		{"3 GiB in 2 GiB pages, start inside", sg.List{{Addr: gi, Len: 3 * gi}}, gi, 1 << 31, 1 << 31, 2, 0},
		{"iova beyond 32 bits", sg.List{{Addr: 0x1000, Len: 0x2000}}, 1<<40 | 0x3000, all, 0x2000, 2, 0},
		{"iova near the top", sg.List{{Addr: 0x1000, Len: 0x1000}}, ^uint64(0xfff), all, 0x1000, 1, 0},
		{"iova past the top", sg.List{{Addr: 0x1000, Len: 0x1001}}, ^uint64(0xfff), all, 0, 0, ReasonWrap},
		{"ends at 2^64 and goes on at 0", sg.List{{Addr: ^uint64(0xfff), Len: 0x1000}, {Addr: 0, Len: 0x1000}}, 0xf000, all, 0x10000, 2, 0},
		{"iova differs from address", sg.List{{Addr: 0x1234, Len: 1}}, 0x1235, all, 0, 0, ReasonPageSize},
		{"page of 2^63", chain(1<<63, 2, 1<<32-1), 0, 1 << 63, 1 << 63, 1, 0},
	}
	for _, tt := range tests {
		size, err := BestPageSize(tt.list, tt.iova, tt.supported)
		var f *Refusal
		if tt.reason != 0 {
			if !errors.As(err, &f) || f.Reason != tt.reason || size != 0 {
				t.Errorf("%s: %#x, %v", tt.name, size, err)
			}
			continue
		}
		if err != nil || size != tt.size {
			t.Errorf("%s: page %#x, %v; want %#x", tt.name, size, err, tt.size)
			continue
		}
		b := AppendBlocks(nil, tt.list, tt.iova, size)
		if uint64(len(b)) != tt.blocks || Blocks(tt.iova, tt.list.Total(), size) != tt.blocks {
			t.Errorf("%s: %d blocks, want %d", tt.name, len(b), tt.blocks)
		}
		for i := range b {
			if b[i]&(size-1) != 0 {
				t.Errorf("%s: block %d at %#x", tt.name, i, b[i])
			}
		}
	}
}

func TestUMemRows(t *testing.T) {
	top := ^uint64(0)
	checkRows(t, UMem{}, EnvConfig{}, []refusalRow{
		{name: "one entry", list: sg.List{{Addr: 0x1234, Len: 5000}}},
		{name: "runs", list: sg.List{{Addr: 0x1200, Len: 0xe00}, {Addr: 0x9000, Len: 4096}, {Addr: 0xa000, Len: 1}, {Addr: 3}}},
		{name: "iova", list: sg.List{{Addr: 0x1234, Len: 5000}}, change: func(q *Request) { q.IOVA = 0xabc00234 }},
		{name: "iova and offset", list: sg.List{{Addr: 0x1234, Len: 5000}}, change: func(q *Request) { q.IOVA, q.Offset = 0xabc00234, 77 }},
		{name: "offset", list: sg.List{{Addr: 0x1234, Len: 5000}}, change: func(q *Request) { q.Offset = 17 }},
		{name: "past the top", list: sg.List{{Addr: top - 4095, Len: 4096}, {Addr: 0x5000, Len: 4096}}},
		{name: "bitmap", list: sg.List{{Addr: 1 << 30, Len: 1 << 21}}, change: func(q *Request) { q.PageSizes = 1<<12 | 1<<16 }},
		{name: "device has no such size", list: sg.List{{Addr: 1 << 32, Len: 1 << 20}}, change: func(q *Request) { q.PageSizes = 1 << 32 }, reason: ReasonPageSize, entry: -1},
		{name: "blocks", list: sg.List{{Addr: 0x1800, Len: 8192}}, change: func(q *Request) { q.Limits.MaxEntries, q.PageSizes = 3, 4096 }},
		{name: "blocks+1", list: sg.List{{Addr: 0x1800, Len: 8192}}, change: func(q *Request) { q.Limits.MaxEntries, q.PageSizes = 2, 4096 }, reason: ReasonEntries, entry: -1, limit: 2},
		{name: "no page size", list: sg.List{{Addr: 1, Len: 1}, {Addr: 1, Len: 1}}, reason: ReasonPageSize, entry: -1},
	})
	checkRows(t, UMem{}, EnvConfig{Profile: profile(t, "cx7")}, []refusalRow{
		{name: "4 GiB page", list: sg.List{{Addr: 1 << 33, Len: 1 << 31}, {Addr: 1<<33 + 1<<31, Len: 1 << 31}}, change: func(q *Request) { q.PageSizes = 1 << 32 }},
	})
	checkRows(t, UMem{}, EnvConfig{Profile: profile(t, "small")}, []refusalRow{
		{name: "device limit", list: sg.List{{Addr: 0x1000, Len: 1 << 16}}},
		{name: "device limit+1", list: sg.List{{Addr: 0x1000, Len: 1<<16 + 1}}, reason: ReasonTotal, entry: -1, limit: 1 << 16},
	})
}

func TestUMemPostsNothing(t *testing.T) {
	l := sg.List{{Addr: 0x1234, Len: 5000}}
	e := newTestEnv(t, EnvConfig{}, l)
	var r Registration
	if err := (UMem{}).Register(e, request(l), &r); err != nil {
		t.Fatal(err)
	}
	want := Cost{MRs: 1, Descriptors: 1, RemoteDescs: 1}
	if r.Cost != want || r.PostedFrom != r.PostedTo {
		t.Errorf("cost %+v, want %+v", r.Cost, want)
	}
	ctx, ok := e.Dev.QueryMkey(r.Keys[0])
	if !ok || ctx.Free || ctx.Mode != mlx5model.ModeMTT || ctx.LogPageSize != 14 {
		t.Errorf("context %+v", ctx)
	}
	if err := (UMem{}).Release(e, &r); err != nil {
		t.Fatal(err)
	}
	if _, ok := e.Dev.QueryMkey(r.Keys[0]); ok {
		t.Error("the key outlives its release")
	}
}

func TestUMemWithoutAnyPageSize(t *testing.T) {
	// no supported size, and a range that would pass 2^64: found by fuzzing
	l := sg.List{{Addr: 1<<64 - 4096, Len: 4096}, {Addr: 0x10000, Len: 4096}}
	r := Registration{Request: &Request{}, Mapped: l}
	if iova := umemIOVA(&r, l, 0); iova != 0 {
		t.Errorf("iova %#x", iova)
	}
}
