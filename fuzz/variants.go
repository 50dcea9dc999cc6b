package fuzz

import (
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// A variant is a list that must behave as the original does: another way to
// say the same bytes, or the same bytes somewhere else.
type variant struct {
	name string
	// make appends the variant of l to dst; shift is how far it moved. ok is
	// false if l has no such variant.
	make func(dst, l sg.List) (out sg.List, shift uint64, ok bool)
}

// moveBy is a multiple of every page size up to 2^40, so that alignment stays.
const moveBy = 1 << 40

var variants = []variant{
	{"split", splitLongest},
	{"moved", moveList},
	{"padded", insertEmpty},
}

// splitLongest cuts the longest entry in two at an odd place.
func splitLongest(dst, l sg.List) (sg.List, uint64, bool) {
	longest := -1
	for i := range l {
		if l[i].Len > 1 && (longest < 0 || l[i].Len > l[longest].Len) {
			longest = i
		}
	}
	if longest < 0 {
		return dst, 0, false
	}
	e := l[longest]
	cut := e.Len/2 | 1
	dst = append(dst, l[:longest]...)
	dst = append(dst, sg.Entry{Addr: e.Addr, Len: cut, Lkey: e.Lkey}, sg.Entry{Addr: e.Addr + uint64(cut), Len: e.Len - cut, Lkey: e.Lkey})
	return append(dst, l[longest+1:]...), 0, true
}

// moveList moves all entries by the same distance, if none passes 2^64.
func moveList(dst, l sg.List) (sg.List, uint64, bool) {
	up := true
	for i := range l {
		up = up && l[i].Last() < ^uint64(0)-moveBy
	}
	shift := uint64(moveBy)
	if !up {
		shift = -shift
	}
	for _, e := range l {
		if !up && e.Addr < moveBy {
			return dst, 0, false
		}
		e.Addr += shift
		dst = append(dst, e)
	}
	return dst, shift, true
}

// insertEmpty puts an entry without bytes in front of the last one.
func insertEmpty(dst, l sg.List) (sg.List, uint64, bool) {
	if len(l) < 2 {
		return dst, 0, false
	}
	dst = append(dst, l[:len(l)-1]...)
	dst = append(dst, sg.Entry{Addr: l[0].Addr, Lkey: l[0].Lkey})
	return append(dst, l[len(l)-1]), 0, true
}

// variants registers each variant of the case's list and compares its stream
// with the original's. A variant may be refused where the original was not, as
// it can have more entries; that refusal is judged like any other.
func (r *Runner) variants(s reg.Strategy, c *corpus.Case, out *Outcome) error {
	if err := r.reset(c); err != nil {
		return err
	}
	if s.Register(r.env, &r.req, &r.first) != nil || !r.judge.StreamOf(&r.first, &r.base, &r.spare) {
		return nil
	}
	for _, v := range variants {
		list, shift, ok := v.make(r.varied[:0], c.List)
		r.varied = list
		if !ok {
			continue
		}
		changed := *c
		changed.List = list
		if err := r.compareVariant(s, &changed, v.name, shift, out); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) compareVariant(s reg.Strategy, c *corpus.Case, name string, shift uint64, out *Outcome) error {
	if err := r.reset(c); err != nil {
		return err
	}
	err := s.Register(r.env, &r.req, &r.second)
	out.trail.variant(name, err == nil)
	if err != nil {
		r.judge.JudgeRefusal(&r.req, err, r.facts(), &out.Verdict)
		return nil
	}
	r.base.Name = s.Name()
	if r.judge.StreamOf(&r.second, &r.other, &out.Verdict) {
		r.other.Name = s.Name() + " " + name
		r.judge.JudgeAgreement(&r.base, &r.other, shift, &out.Verdict)
	}
	return nil
}
