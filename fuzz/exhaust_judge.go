package fuzz

import (
	"slices"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// access is the connected peer's access to n bytes from off on of a tuple.
func (w *exhauster) access(op mlx5model.Op, t *reg.Tuple, off, n uint64) mlx5model.Access {
	return mlx5model.Access{Op: op, QPN: w.env.QPN, PD: w.env.PD, Key: t.Rkey, VA: t.Addr + off, Len: n}
}

// whole demands that the registration claims the units from from to to, end
// excluded, and no others.
func (w *exhauster) whole(from, to int) bool {
	r := &w.r
	bytes := uint64(to-from) << w.shift
	start := w.x.at[from]
	switch {
	case r.From != start:
		w.fail(oracle.Resume, "starts at entry %d+%d, not at %d+%d", r.From.Entry, r.From.Off, start.Entry, start.Off)
	case r.Covered != bytes:
		w.fail(oracle.Resume, "covers %d bytes of %d", r.Covered, bytes)
	case r.Next != w.x.at[to] || r.Whole != (to == w.x.size()):
		w.fail(oracle.Resume, "stops at entry %d+%d (whole: %v), not at %d+%d", r.Next.Entry, r.Next.Off, r.Whole, w.x.at[to].Entry, w.x.at[to].Off)
	}
	return !w.failed
}

// judge checks a registration of the units from from to to in so many
// regions, each as long as the page rule allows if there are several.
func (w *exhauster) judge(from, to, regions int) {
	if !w.whole(from, to) {
		return
	}
	if len(w.r.Tuples) != regions || len(w.r.Keys) != regions {
		w.fail(oracle.CostClaims, "%d regions with %d keys, %d are needed", len(w.r.Tuples), len(w.r.Keys), regions)
		return
	}
	for i := range w.r.Tuples {
		t, end := &w.r.Tuples[i], to
		if regions > 1 {
			end = w.x.pagesEnd(from, w.k.PageSize)
		}
		if t.Len != uint64(end-from)<<w.shift {
			w.fail(oracle.Conservation, "region %d has %d bytes, not %d", i, t.Len, uint64(end-from)<<w.shift)
			return
		}
		if w.tuple(t, &w.x.unitStream, from, end); w.failed {
			return
		}
		from = end
	}
}

// descriptors compares the claimed cost with the least possible.
func (w *exhauster) descriptors(n int) {
	if !w.failed && w.r.Cost.Descriptors != n {
		w.fail(oracle.CostClaims, "%d descriptors, %d are needed", w.r.Cost.Descriptors, n)
	}
}

// tuple checks that t is the units from from to to of s: whole in both
// directions, its edges, and its windows.
func (w *exhauster) tuple(t *reg.Tuple, s *unitStream, from, to int) {
	if ext, ok := w.reach(mlx5model.RemoteRead, t, 0, t.Len); !ok || !s.match(ext, from, to, w.shift) {
		w.wrongBytes(oracle.ReadStream, t, s, from, to, ext, ok)
		return
	}
	if ext, ok := w.reach(mlx5model.RemoteWrite, t, 0, t.Len); !ok || !s.match(ext, from, to, w.shift) {
		w.wrongBytes(oracle.WriteStream, t, s, from, to, ext, ok)
		return
	}
	for _, out := range [...]struct{ off, n uint64 }{{^uint64(0), 1}, {t.Len, 1}, {0, t.Len + 1}} {
		if ext, ok := w.reach(mlx5model.RemoteRead, t, out.off, out.n); ok {
			w.fail(oracle.Confinement, "%d bytes from %d on are not refused: %s", out.n, int64(out.off), extentsLabel(ext))
			return
		}
	}
	all := uint64(to-from) * uint64(to-from+1) / 2
	if w.k.Edges {
		all = 3 * uint64(to-from)
	}
	w.stats.Windows += all
	if w.proved.known(w.env.Dev, t) {
		return
	}
	if w.k.Edges {
		w.edges(t, s, from, to)
	} else {
		w.windows(t, s, from, to)
	}
	if !w.failed {
		w.stats.Walked += all
		w.proved.add()
	}
}

func (w *exhauster) reach(op mlx5model.Op, t *reg.Tuple, off, n uint64) (ext []sg.Extent, ok bool) {
	ext, ok = w.env.Dev.TryTranslate(w.ext[:0], w.access(op, t, off, n))
	w.ext = ext[:0]
	return ext, ok
}

// windows exhaustTries every sub-range of the tuple.
func (w *exhauster) windows(t *reg.Tuple, s *unitStream, from, to int) {
	a := w.access(mlx5model.RemoteRead, t, 0, 0)
	unit := uint64(1) << w.shift
	for i := from; i < to; i++ {
		a.Len = 0
		for j := i + 1; j <= to; j++ {
			a.Len += unit
			ext, ok := w.env.Dev.TryTranslate(w.ext[:0], a)
			if w.ext = ext[:0]; !ok || !s.match(ext, i, j, w.shift) {
				w.wrongBytes(oracle.SubRange, t, s, i, j, ext, ok)
				return
			}
		}
		a.VA += unit
	}
}

// edges exhaustTries each unit, each start and each end.
func (w *exhauster) edges(t *reg.Tuple, s *unitStream, from, to int) {
	for i := from; i < to; i++ {
		for _, win := range [...][2]int{{i, i + 1}, {i, to}, {from, i + 1}} {
			off, n := uint64(win[0]-from)<<w.shift, uint64(win[1]-win[0])<<w.shift
			if ext, ok := w.reach(mlx5model.RemoteRead, t, off, n); !ok || !s.match(ext, win[0], win[1], w.shift) {
				w.wrongBytes(oracle.SubRange, t, s, win[0], win[1], ext, ok)
				return
			}
		}
	}
}

// exhaustPeer is the peer of an initiator: it compares the memory that each
// request names with the list, and moves nothing.
type exhaustPeer struct {
	s     *unitStream
	write bool
	at    int // units that came so far
	wrong bool
	shift uint8
}

func (p *exhaustPeer) expect(s *unitStream, write bool) {
	*p = exhaustPeer{s: s, write: write, shift: p.shift}
}

// Transfer is mlx5model.Peer's.
func (p *exhaustPeer) Transfer(write bool, rkey uint32, raddr uint64, local []sg.Extent, _ mlx5model.HostMemory) mlx5model.Syndrome {
	var n uint64
	for _, x := range local {
		n += x.Len
	}
	to := p.at + int(n>>p.shift)
	if write != p.write || rkey != peerRkey || raddr != peerAddr+uint64(p.at)<<p.shift || to > len(p.s.addr) || !p.s.match(local, p.at, to, p.shift) {
		p.wrong = true
		return mlx5model.SynOK
	}
	p.at = to
	return mlx5model.SynOK
}

// wrongBytes records that a window is not the list's memory.
func (w *exhauster) wrongBytes(c oracle.Check, t *reg.Tuple, s *unitStream, from, to int, got []sg.Extent, ok bool) {
	var want []sg.Extent
	for _, a := range s.addr[from:to] {
		want = sg.AppendExtent(want, a, w.k.Unit)
	}
	if !ok {
		_, err := w.env.Dev.Translate(nil, w.access(mlx5model.RemoteRead, t, 0, t.Len))
		w.fail(c, "units %d to %d are %s; the device refuses them (the whole region: %v)", from, to, extentsLabel(want), err)
		return
	}
	w.fail(c, "units %d to %d are %s, the device takes %s", from, to, extentsLabel(want), extentsLabel(slices.Clone(got)))
}

func extentsLabel(ext []sg.Extent) string {
	l := make(sg.List, len(ext))
	for i, x := range ext {
		l[i] = sg.Entry{Addr: x.Addr, Len: uint32(x.Len)}
	}
	return listLabel(l)
}
