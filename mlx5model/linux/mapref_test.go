package linux

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// refMapKLMs takes one KLM at a time.
func refMapKLMs(dst []byte, l sg.List, from Pos, lkey uint32, maxKLMs int, maxBytes uint64, iova *uint64) (m Mapping, err error) {
	c := cursor{l: l, pos: from}
	if maxBytes == 0 {
		maxBytes = MaxKLMBytes
	}
	for {
		addr, n, err := c.run()
		if err != nil {
			return Mapping{}, err
		}
		if n == 0 {
			return settled(&m, &c, StopEnd)
		}
		take := m.begin(addr, iova).belowTop(min(n, maxBytes))
		switch {
		case take == 0:
			return settled(&m, &c, StopTop)
		case m.N >= min(len(dst)/mlx5model.KLMSize, maxKLMs):
			return settled(&m, &c, StopFull)
		}
		k := mlx5model.KLM{ByteCount: uint32(take), Key: lkey, VA: addr}
		if lkey == 0 {
			k.Key = l[c.pos.Entry].Lkey
		}
		if m.N == 0 && k.Key == mlx5model.RepeatOp {
			return Mapping{}, ErrKey
		}
		k.Put(dst[m.N*mlx5model.KLMSize:])
		m.N++
		m.Length += take
		c.pos.Off += take
	}
}

func settled(m *Mapping, c *cursor, stop StopReason) (Mapping, error) {
	if err := m.finish(c, stop); err != nil {
		return Mapping{}, err
	}
	return *m, nil
}

// refMapPages takes one page's bytes of one entry at a time.
func refMapPages(dst []byte, l sg.List, from Pos, pageSize uint64, maxPages int, iova *uint64) (m Mapping, err error) {
	c := cursor{l: l, pos: from}
	room := min(len(dst)/mlx5model.MTTSize, maxPages)
	var end uint64
	for {
		addr, n, err := c.run()
		switch {
		case err != nil:
			return Mapping{}, err
		case n == 0:
			return settled(&m, &c, StopEnd)
		case room <= 0:
			return settled(&m, &c, StopFull)
		case m.Length == 0:
			if m.begin(addr, iova); (m.IOVA^addr)%pageSize != 0 {
				return Mapping{}, ErrIOVA
			}
		case end != addr && (end|addr)%pageSize != 0:
			return settled(&m, &c, StopGap)
		}
		take := m.belowTop(min(n, pageSize-addr%pageSize))
		if take == 0 {
			return settled(&m, &c, StopTop)
		}
		if m.N == 0 || addr%pageSize == 0 {
			if m.N == room {
				return settled(&m, &c, StopFull)
			}
			binary.BigEndian.PutUint64(dst[m.N*mlx5model.MTTSize:], addr&^(pageSize-1)|3)
			m.N++
		}
		m.Length += take
		c.pos.Off += take
		end = addr + take
	}
}

// anyEntries is a list of up to n entries: runs of whole pages and of
// neighbours, with any entries among them.
func anyEntries(r *rand.Rand, n int, pageSize uint64, odd int) sg.List {
	l := make(sg.List, 0, n)
	next := r.Uint64() &^ (pageSize - 1)
	for range n {
		e := sg.Entry{Addr: next, Len: uint32(pageSize) * uint32(1+r.IntN(4)), Lkey: r.Uint32() | 1}
		switch k := r.IntN(6 * odd); {
		case k < 3:
			e.Addr = r.Uint64() &^ (pageSize - 1)
		case k == 3:
			e.Len = r.Uint32() >> r.IntN(32)
		case k == 4:
			e.Len = 0
		case k == 5 && r.IntN(8) == 0:
			e.Addr = -uint64(e.Len) + uint64(r.IntN(2))
		}
		l = append(l, e)
		next = e.Addr + uint64(e.Len)
	}
	return l
}

// Long and short lists, plain and odd ones, from any position, with room and
// without, at their own address and elsewhere: what many entries at a time give
// is what one at a time gives, and nothing behind it is written.
func TestMapReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	stops := map[StopReason]int{}
	failed, long := 0, 0
	for i := range 20000 {
		pageSize := uint64(1) << (2 + r.IntN(12))
		l := anyEntries(r, r.IntN([]int{8, 40, 3 * lookAhead}[i%3]), pageSize, 1<<r.IntN(8))
		var from Pos
		if len(l) > 0 && r.IntN(2) == 0 {
			from.Entry = r.IntN(len(l))
			from.Off = r.Uint64N(uint64(l[from.Entry].Len) + 1)
		}
		most := r.IntN(4 * lookAhead)
		var iova *uint64
		if r.IntN(4) == 0 {
			v := r.Uint64()
			if r.IntN(2) == 0 && from.Entry < len(l) {
				v = l[from.Entry].Addr + from.Off
			}
			if r.IntN(2) == 0 {
				v = -(uint64(r.Uint32()>>r.IntN(32)) &^ (pageSize - 1)) | v&(pageSize-1)
			}
			iova = &v
		}
		got, want := bytes.Repeat([]byte{0xcc}, 4*lookAhead*16), bytes.Repeat([]byte{0xcc}, 4*lookAhead*16)
		check := func(what string, g Mapping, gerr error, w Mapping, werr error) {
			t.Helper()
			if gerr != nil {
				failed++
			} else {
				stops[g.Stop]++
			}
			if g.N > lookAhead {
				long++
			}
			var ge, we *sg.EntryError
			if errors.As(gerr, &ge) && errors.As(werr, &we) && *ge == *we {
				return // dst is undefined
			}
			if g != w || gerr != werr {
				t.Fatalf("case %d: %s from %v, at most %d, page %d, iova %v: %+v %v, want %+v %v\n%v", i, what, from, most, pageSize, iova, g, gerr, w, werr, l)
			}
			if gerr == nil && !bytes.Equal(got, want) {
				t.Fatalf("case %d: %s: descriptors differ", i, what)
			}
		}
		lkey, limit := uint32(r.IntN(3))*mlx5model.RepeatOp, uint64(r.IntN(2))<<(12+r.IntN(20))
		if lkey == mlx5model.RepeatOp && r.IntN(8) > 0 {
			lkey = 7
		}
		w, werr := refMapKLMs(want, l, from, lkey, most, limit, iova)
		if iova == nil {
			g, gerr := MapKLMs(got, l, from, lkey, most, limit)
			check("KLMs", g, gerr, w, werr)
		} else {
			g, gerr := MapKLMsAt(got, l, from, lkey, most, limit, *iova)
			check("KLMs", g, gerr, w, werr)
		}
		copy(got, want)
		w, werr = refMapPages(want, l, from, pageSize, most, iova)
		if iova == nil {
			g, gerr := MapPages(got, l, from, pageSize, most)
			check("pages", g, gerr, w, werr)
		} else {
			g, gerr := MapPagesAt(got, l, from, pageSize, most, *iova)
			check("pages", g, gerr, w, werr)
		}
	}
	if failed < 200 || long < 200 || stops[StopEnd] < 200 || stops[StopGap] < 200 || stops[StopFull] < 200 || stops[StopTop] < 200 {
		t.Errorf("%d refused, %d over %d descriptors, stops %v", failed, long, lookAhead, stops)
	}
}

// refSetPages is the kernel's loop over the pages of an entry.
func refSetPages(descs []byte, n *int, page, end, pageSize, last uint64, joined bool) (uint64, bool) {
	if joined {
		if page += pageSize; page >= end {
			return last, true
		}
	}
	for {
		if (*n+1)*mlx5model.MTTSize > len(descs) {
			return last, false
		}
		binary.BigEndian.PutUint64(descs[*n*mlx5model.MTTSize:], page|3)
		*n++
		last = page
		if page += pageSize; page >= end {
			return last, true
		}
	}
}

// Page sizes of any kind, entries of any kind, at the top too: a run of pages
// is what the kernel sets one by one.
func TestSetPagesReference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	full, wrapped := 0, 0
	for range 200000 {
		pageSize := uint64(1) << r.IntN(32)
		switch r.IntN(16) {
		case 0:
			pageSize = uint64(r.Uint32())
		case 1:
			pageSize = 0
		}
		start := r.Uint64() >> r.IntN(64)
		if r.IntN(2) == 0 {
			start = -(uint64(r.Uint32()) >> r.IntN(32))
		}
		end := start + uint64(r.Uint32())>>r.IntN(32)
		if end < start {
			wrapped++
		}
		room, done, joined := 8*r.IntN(40), r.IntN(3), r.IntN(4) == 0
		got, want := make([]byte, room+16), make([]byte, room+16)
		w, n := pageWriter{got, done}, done
		last, ok := w.setPages(start, end, pageSize, joined)
		wantLast, wantOK := refSetPages(want, &n, start&^(pageSize-1), end, pageSize, start, joined)
		if !ok {
			full++
		}
		if ok != wantOK || w.n != n || !ok && last != wantLast || !bytes.Equal(got, want) {
			t.Fatalf("[%#x, %#x) of %#x, joined %v, room %d: %#x %v %d, want %#x %v %d", start, end, pageSize, joined, room/8+2-done, last, ok, w.n, wantLast, wantOK, n)
		}
	}
	if full < 1000 || wrapped < 1000 {
		t.Errorf("%d full, %d wrapped", full, wrapped)
	}
}

// The kernel's KLMs, one by one.
func TestSGToKLMsReference(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		l := anyEntries(r, r.IntN(50), 4096, 2)
		room, most, lkey := r.IntN(60), r.IntN(60)-2, r.Uint32()
		var off *uint32
		if v := r.Uint32() >> r.IntN(32); r.IntN(3) > 0 {
			off = &v
		}
		got, want := bytes.Repeat([]byte{0xcc}, room*16), bytes.Repeat([]byte{0xcc}, room*16)
		ref := MapResult{IOVA: uint64(valueOf(off)), SGOffset: valueOf(off)}
		if len(l) > 0 {
			ref.IOVA += l[0].Addr
		}
		for _, e := range l[:min(len(l), room, max(most, 0))] {
			k := mlx5model.KLM{ByteCount: e.Len - ref.SGOffset, Key: lkey, VA: e.Addr + uint64(ref.SGOffset)}
			k.Put(want[ref.NDescs*16:])
			ref.NDescs++
			ref.Length += uint64(k.ByteCount)
			ref.SGOffset = 0
		}
		if ref.Ret = ref.NDescs; off == nil {
			ref.SGOffset = 0
		}
		if res := SGToKLMs(got, most, l, off, lkey); res != ref || !bytes.Equal(got, want) {
			t.Fatalf("%v, room %d, at most %d: %+v, want %+v\n got %x\nwant %x", l, room, most, res, ref, got, want)
		}
	}
}
