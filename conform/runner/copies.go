package runner

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// checkCopies demands that bounce copies go between the list and the scratch
// memory, and that there are no more than the stream has bytes.
func (b *bench) checkCopies(q *conform.Register, r *conform.RegisterReply, v *verdict) bool {
	if len(r.CopyIn)+len(r.CopyOut) > 0 {
		b.indexList(q.List)
	}
	for _, side := range [...]struct {
		name   string
		copies []reg.Copy
		out    bool
	}{{"copy_in", r.CopyIn, false}, {"copy_out", r.CopyOut, true}} {
		var sum, carry uint64
		for i, c := range side.copies {
			list, scratch := sg.Extent{Addr: c.From, Len: c.Len}, sg.Extent{Addr: c.To, Len: c.Len}
			if side.out {
				list, scratch = scratch, list
			}
			if !within(scratch, q.Scratch) {
				v.fail(oracle.Confinement, "%s %d, %#x+%d, is not in the scratch memory", side.name, i, scratch.Addr, scratch.Len)
				return false
			}
			if !b.listHolds(list) {
				v.fail(oracle.Confinement, "%s %d, %#x+%d, is not in the list", side.name, i, list.Addr, list.Len)
				return false
			}
			sum, carry = bits.Add64(sum, c.Len, carry)
		}
		if total := q.List.Total(); carry != 0 || sum > total {
			v.fail(oracle.Conservation, "%s moves %d bytes, the list has %d", side.name, sum, total)
			return false
		}
	}
	return true
}

// indexList makes b.held the list's memory in ascending order, what touches or
// overlaps as one. No entry wraps.
func (b *bench) indexList(l sg.List) {
	b.held = b.held[:0]
	for _, e := range l {
		if e.Len > 0 {
			b.held = append(b.held, sg.Extent{Addr: e.Addr, Len: uint64(e.Len)})
		}
	}
	slices.SortFunc(b.held, func(x, y sg.Extent) int { return cmp.Compare(x.Addr, y.Addr) })
	n := 0
	for _, e := range b.held[1:] {
		if last := &b.held[n]; e.Addr-last.Addr <= last.Len {
			last.Len = max(last.Len, e.Addr-last.Addr+e.Len)
			continue
		}
		n++
		b.held[n] = e
	}
	b.held = b.held[:n+1]
}

// listHolds says whether every byte of e is some entry's.
func (b *bench) listHolds(e sg.Extent) bool {
	i, found := slices.BinarySearchFunc(b.held, e.Addr, func(x sg.Extent, addr uint64) int { return cmp.Compare(x.Addr, addr) })
	if !found {
		i--
	}
	return e.Len == 0 || i >= 0 && within(e, b.held[i])
}

// direct deals with a registration of which only a part is bounced: what the
// peer reaches outside of the scratch memory becomes a copy onto itself, so that
// the oracle finds a copy for every byte. Copies of scratch memory that the peer
// does not reach would carry anything.
func (b *bench) direct(q *conform.Register, v *verdict) bool {
	if q.Dir&reg.DirRead != 0 && !b.directTo(q, mlx5model.RemoteRead, &b.reg.CopyIn, v) {
		return false
	}
	return q.Dir&reg.DirWrite == 0 || b.directTo(q, mlx5model.RemoteWrite, &b.reg.CopyOut, v)
}

// directTo is direct for one of copy_in and copy_out.
func (b *bench) directTo(q *conform.Register, op mlx5model.Op, copies *[]reg.Copy, v *verdict) bool {
	if len(*copies) == 0 {
		return true
	}
	b.reached = b.reached[:0]
	for _, t := range b.reg.Tuples {
		// an access that is refused is the oracle's to report
		b.reached, _ = b.dev.TryTranslate(b.reached, mlx5model.Access{Op: op, QPN: q.QPN, PD: q.PD, Key: t.Rkey, VA: t.Addr, Len: t.Len})
	}
	b.reached = union(b.reached)
	for i, c := range *copies {
		e := sg.Extent{Addr: c.To, Len: c.Len} // of copy_in
		if op == mlx5model.RemoteWrite {
			e.Addr = c.From
		}
		at, found := slices.BinarySearchFunc(b.reached, e.Addr, func(x sg.Extent, a uint64) int { return cmp.Compare(x.Addr, a) })
		if !found {
			at--
		}
		if e.Len > 0 && (at < 0 || !within(e, b.reached[at])) {
			v.fail(oracle.Confinement, "copy %d, %#x+%d: the peer does not reach these bytes of the scratch memory", i, e.Addr, e.Len)
			return false
		}
	}
	for _, e := range b.reached {
		if !within(e, q.Scratch) {
			*copies = append(*copies, reg.Copy{From: e.Addr, To: e.Addr, Len: e.Len})
			b.oracle.Intervals = true // bytes there change before the copies are made
		}
	}
	return true
}

// union sorts extents and joins those that touch or overlap.
func union(es []sg.Extent) []sg.Extent {
	slices.SortFunc(es, func(a, b sg.Extent) int { return cmp.Compare(a.Addr, b.Addr) })
	out := es[:0]
	for _, e := range es {
		if n := len(out); n > 0 {
			last := &out[n-1]
			if gap := e.Addr - last.Addr; gap <= last.Len {
				last.Len = max(last.Len, gap+e.Len)
				continue
			}
		}
		out = append(out, e)
	}
	return out
}
