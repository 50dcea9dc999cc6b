package linux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// want is what a naive reference, which looks at one byte at a time, says.
type want struct {
	m    Mapping
	addr []uint64 // addresses of the covered bytes
	desc []byte
}

// refPages finds the longest prefix by the definition of a page list: byte k of
// the region has virtual offset (first address mod page) + k, and the page of
// an offset has one address.
func refPages(l sg.List, from Pos, page uint64, maxPages int) want {
	w := want{m: Mapping{Next: Pos{Entry: len(l)}}}
	var bases []uint64
	for i := from.Entry; i < len(l); i++ {
		for off := uint64(0); off < uint64(l[i].Len); off++ {
			if i == from.Entry && off < from.Off {
				continue
			}
			a := l[i].Addr + off
			if len(w.addr) == 0 {
				w.m.IOVA = a
			}
			v := w.m.IOVA%page + uint64(len(w.addr))
			stop := StopEnd
			switch {
			case a%page != v%page, v/page < uint64(len(bases)) && bases[v/page] != a-a%page:
				stop = StopGap
			case len(w.addr) > 0 && w.m.IOVA+uint64(len(w.addr)) == 0:
				stop = StopTop
			case v/page >= uint64(maxPages):
				stop = StopFull
			}
			if stop != StopEnd {
				w.m.Next, w.m.Stop = Pos{i, off}, stop
				return w.pages(bases)
			}
			if v/page == uint64(len(bases)) {
				bases = append(bases, a-a%page)
			}
			w.addr = append(w.addr, a)
		}
	}
	return w.pages(bases)
}

func (w want) pages(bases []uint64) want {
	w.m.N, w.m.Length = len(bases), uint64(len(w.addr))
	for _, b := range bases {
		w.desc = binary.BigEndian.AppendUint64(w.desc, b|3)
	}
	return w
}

// refKLMs opens a KLM at each entry and after each maxBytes bytes of it.
func refKLMs(l sg.List, from Pos, maxKLMs int, maxBytes uint64) want {
	w := want{m: Mapping{Next: Pos{Entry: len(l)}}}
	var list []mlx5model.KLM
	for i := from.Entry; i < len(l); i++ {
		open := false
		for off := uint64(0); off < uint64(l[i].Len); off++ {
			if i == from.Entry && off < from.Off {
				continue
			}
			a := l[i].Addr + off
			if len(w.addr) == 0 {
				w.m.IOVA = a
			}
			fresh := !open || uint64(list[len(list)-1].ByteCount) == maxBytes
			stop := StopEnd
			if len(w.addr) > 0 && w.m.IOVA+uint64(len(w.addr)) == 0 {
				stop = StopTop
			} else if fresh && len(list) == maxKLMs {
				stop = StopFull
			}
			if stop != StopEnd {
				w.m.Next, w.m.Stop = Pos{i, off}, stop
				return w.klms(list)
			}
			if fresh {
				list = append(list, mlx5model.KLM{Key: l[i].Lkey, VA: a})
				open = true
			}
			list[len(list)-1].ByteCount++
			w.addr = append(w.addr, a)
		}
	}
	return w.klms(list)
}

func (w want) klms(list []mlx5model.KLM) want {
	w.m.N, w.m.Length = len(list), uint64(len(w.addr))
	for i := range list {
		var b [16]byte
		list[i].Put(b[:])
		w.desc = append(w.desc, b[:]...)
	}
	return w
}

// check compares one mapping with the reference and reports the position to go
// on from.
func check(t *testing.T, what string, w want, got Mapping, err error, dst []byte) (next Pos, more bool) {
	t.Helper()
	if len(w.addr) == 0 {
		if !errors.Is(err, ErrNothing) && !errors.Is(err, ErrNoRoom) || got != (Mapping{}) {
			t.Fatalf("%s: %+v, %v; want nothing and an error", what, got, err)
		}
		return Pos{}, false
	}
	if err != nil || got != w.m || string(dst[:len(w.desc)]) != string(w.desc) {
		t.Fatalf("%s:\n got %+v %x, %v\nwant %+v %x", what, got, dst[:len(w.desc)], err, w.m, w.desc)
	}
	return got.Next, got.Stop != StopEnd
}

// small is a universe of short entries around two page borders at either end
// of the address space, in pages of 4 bytes.
func small() []sg.Entry {
	var u []sg.Entry
	for _, a := range []uint64{0, 1, 3, 4, 6, 8, ^uint64(7), ^uint64(5), ^uint64(3), ^uint64(0)} {
		for n := uint32(0); n <= 6; n++ {
			if e := (sg.Entry{Addr: a, Len: n, Lkey: uint32(a) | 1}); !e.Wraps() && (n != 5 || a < 2) {
				u = append(u, e)
			}
		}
	}
	return u
}

// forSmallLists calls f with all lists of up to two entries of the universe
// and a third of those of three.
func forSmallLists(f func(l sg.List)) {
	u, l := small(), make(sg.List, 3)
	f(nil)
	for i := range u {
		l[0] = u[i]
		f(l[:1])
		for j := range u {
			l[1] = u[j]
			f(l[:2])
			for k := (i + j) % 3; k < len(u); k += 3 {
				l[2] = u[k]
				f(l)
			}
		}
	}
}

func TestMapPagesExhaustive(t *testing.T) {
	var dst [8 * 8]byte
	lists, maps := 0, 0
	forSmallLists(func(l sg.List) {
		lists++
		for max := 0; max <= 4; max++ {
			covered := uint64(0)
			for from, more := (Pos{}), true; more; maps++ {
				w := refPages(l, from, 4, max)
				m, err := MapPages(dst[:], l, from, 4, max)
				from, more = check(t, fmt.Sprintf("%v from %v, %d pages", l, from, max), w, m, err, dst[:])
				covered += m.Length
			}
			if max > 0 && covered != l.Total() {
				t.Fatalf("%v, %d pages: resumed mappings cover %d bytes", l, max, covered)
			}
		}
	})
	t.Logf("%d lists, %d mappings", lists, maps)
}

// Every start, not only those that a stop leads to.
func TestMapPagesEveryStart(t *testing.T) {
	var dst [8 * 8]byte
	u := small()
	for i := range u {
		for j := range u {
			l := sg.List{u[i], u[j]}
			for e := range l {
				for off := uint64(0); off <= uint64(l[e].Len); off++ {
					w := refPages(l, Pos{e, off}, 4, 2)
					m, err := MapPages(dst[:], l, Pos{e, off}, 4, 2)
					check(t, fmt.Sprintf("%v from %d+%d", l, e, off), w, m, err, dst[:])
				}
			}
		}
	}
}

func TestMapKLMsExhaustive(t *testing.T) {
	var dst [16 * 16]byte
	forSmallLists(func(l sg.List) {
		for _, limit := range []struct {
			klms  int
			bytes uint64
		}{{0, 8}, {1, 8}, {2, 8}, {3, 8}, {1, 1}, {2, 2}, {4, 3}, {8, 2}} {
			covered := uint64(0)
			for from, more := (Pos{}), true; more; {
				w := refKLMs(l, from, limit.klms, limit.bytes)
				m, err := MapKLMs(dst[:], l, from, 0, limit.klms, limit.bytes)
				from, more = check(t, fmt.Sprintf("%v from %v, %+v", l, from, limit), w, m, err, dst[:])
				covered += m.Length
			}
			if limit.klms > 0 && covered != l.Total() {
				t.Fatalf("%v, %+v: resumed mappings cover %d bytes", l, limit, covered)
			}
		}
	})
}

func TestMapPagesLarge(t *testing.T) {
	dst := make([]byte, 64*8)
	for _, c := range []struct {
		name  string
		list  sg.List
		page  uint64
		max   int
		want  Mapping
		descs string
	}{
		{"4 GiB - 1 in one 4 GiB page", entries(1<<40, 1<<32-1), 1 << 32, 64,
			Mapping{1, 1 << 40, 1<<32 - 1, Pos{1, 0}, StopEnd}, "10000000003"},
		{"contiguous entries share a 1 TiB page", entries(5, 1<<32-1, 4+1<<32, 10), 1 << 40, 1,
			Mapping{1, 5, 1<<32 + 9, Pos{2, 0}, StopEnd}, "3"},
		{"2 GiB pages, unaligned start", entries(1<<33+7, 1<<32-1), 1 << 31, 2,
			Mapping{2, 1<<33 + 7, 1<<32 - 7, Pos{0, 1<<32 - 7}, StopFull}, "200000003 280000003"},
		{"ends at 2^64", entries(^uint64(0x1fff), 0x2000), 4096, 64,
			Mapping{2, ^uint64(0x1fff), 0x2000, Pos{1, 0}, StopEnd}, "ffffffffffffe003 fffffffffffff003"},
		{"would pass 2^64", entries(^uint64(0xfff), 0x1000, 0x5000, 0x1000), 4096, 64,
			Mapping{1, ^uint64(0xfff), 0x1000, Pos{1, 0}, StopTop}, "fffffffffffff003"},
		{"would pass 2^64 inside an entry", entries(^uint64(0x1fff), 0x1000, 0x5000, 0x2000), 4096, 64,
			Mapping{2, ^uint64(0x1fff), 0x2000, Pos{1, 0x1000}, StopTop}, "ffffffffffffe003 5003"},
		{"sector pages", entries(0x200, 0x200, 0x1000, 0x400), 512, 64,
			Mapping{3, 0x200, 0x600, Pos{2, 0}, StopEnd}, "203 1003 1203"},
	} {
		m, err := MapPages(dst, c.list, Pos{}, c.page, c.max)
		if got := mtts(dst[:m.N*8]); err != nil || m != c.want || got != c.descs {
			t.Errorf("%s:\n got %+v %s, %v\nwant %+v %s", c.name, m, got, err, c.want, c.descs)
		}
	}
}

// At another iova, a list that passes the top of the address space is one
// region.
func TestMapAt(t *testing.T) {
	l := entries(^uint64(0xfff), 0x1000, 0x5000, 0x1000)
	dst := make([]byte, 64)
	m, err := MapPagesAt(dst, l, Pos{}, 4096, 8, 0)
	if want := (Mapping{2, 0, 0x2000, Pos{2, 0}, StopEnd}); err != nil || m != want {
		t.Errorf("pages: %+v, %v; want %+v", m, err, want)
	}
	if _, err := MapPagesAt(dst, l, Pos{}, 4096, 8, 1); !errors.Is(err, ErrIOVA) {
		t.Errorf("iova in another place of the page: %v", err)
	}
	if m, err = MapKLMsAt(dst, l, Pos{}, 1, 4, 0, 7); err != nil || m.IOVA != 7 || m.Length != 0x2000 || m.Stop != StopEnd {
		t.Errorf("KLMs: %+v, %v", m, err)
	}
	if m, err = MapKLMs(dst, l, Pos{}, 1, 4, 0); err != nil || m.Length != 0x1000 || m.Stop != StopTop {
		t.Errorf("KLMs at their own address: %+v, %v", m, err)
	}
}

func TestMapKLMsSplit(t *testing.T) {
	dst := make([]byte, 64)
	m, err := MapKLMs(dst, entries(0x10, 1<<32-1), Pos{}, 9, 4, 0)
	if got := klms(dst[:m.N*16]); err != nil || m.Stop != StopEnd || got != "{80000000,9,10} {7fffffff,9,80000010}" {
		t.Errorf("%+v %s, %v", m, got, err)
	}
}

func TestMappingErrors(t *testing.T) {
	dst := make([]byte, 64)
	wraps := sg.List{{Addr: 0x1000, Len: 0x1000}, {Addr: ^uint64(0), Len: 2}}
	for _, c := range []struct {
		name string
		list sg.List
		from Pos
		page uint64
		max  int
		err  error
	}{
		{"page size 0", wraps, Pos{}, 0, 8, ErrPageSize},
		{"page size 2", wraps, Pos{}, 2, 8, ErrPageSize},
		{"page size 12288", wraps, Pos{}, 12288, 8, ErrPageSize},
		{"wraps", wraps, Pos{}, 512, 8, sg.ErrWraps},
		{"negative entry", wraps, Pos{-1, 0}, 512, 8, ErrPos},
		{"entry behind the end", wraps, Pos{3, 0}, 512, 8, ErrPos},
		{"offset at the end", wraps, Pos{2, 1}, 512, 8, ErrPos},
		{"offset beyond the entry", wraps, Pos{0, 0x1001}, 512, 8, ErrPos},
		{"at the end", wraps, Pos{2, 0}, 512, 8, ErrNothing},
		{"no entries", nil, Pos{}, 512, 8, ErrNothing},
		{"only empty entries", make(sg.List, 3), Pos{}, 512, 8, ErrNothing},
		{"no room", wraps, Pos{}, 512, 0, ErrNoRoom},
		{"negative room", wraps, Pos{}, 512, -1, ErrNoRoom},
	} {
		if m, err := MapPages(dst, c.list, c.from, c.page, c.max); !errors.Is(err, c.err) || m != (Mapping{}) {
			t.Errorf("pages, %s: %+v, %v; want %v", c.name, m, err, c.err)
		}
		if c.err == ErrPageSize {
			continue
		}
		if m, err := MapKLMs(dst, c.list, c.from, 1, c.max, 0); !errors.Is(err, c.err) || m != (Mapping{}) {
			t.Errorf("KLMs, %s: %+v, %v; want %v", c.name, m, err, c.err)
		}
	}
	var e *sg.EntryError
	if _, err := MapPages(dst, wraps, Pos{}, 512, 8); !errors.As(err, &e) || e.Index != 1 {
		t.Errorf("wrapping entry: %v does not name entry 1", err)
	}
	if _, err := MapPages(nil, wraps, Pos{}, 512, 8); !errors.Is(err, ErrNoRoom) {
		t.Errorf("no buffer: %v", err)
	}
	if _, err := MapKLMs(dst, wraps, Pos{}, mlx5model.RepeatOp, 4, 0); !errors.Is(err, ErrKey) {
		t.Errorf("first key 400h: %v", err)
	}
	if m, err := MapKLMs(dst, wraps[:1], Pos{}, 1, 1, 0); err != nil || m.Length != 0x1000 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestMappingAllocatesNothing(t *testing.T) {
	l, dst := pageList(64), make([]byte, 64*16)
	for name, f := range map[string]func(){
		"MapPages":  func() { _, _ = MapPages(dst, l, Pos{}, 4096, 64) },
		"MapKLMs":   func() { _, _ = MapKLMs(dst, l, Pos{}, 1, 64, 0) },
		"SGToPages": func() { SGToPages(dst, 64, l, nil, 4096) },
		"SGToKLMs":  func() { SGToKLMs(dst, 64, l, nil, 1) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// pageList has n entries of one page each, not contiguous.
func pageList(n int) sg.List {
	l := make(sg.List, n)
	for i := range l {
		l[i] = sg.Entry{Addr: uint64(i+1) << 13, Len: 4096}
	}
	return l
}
