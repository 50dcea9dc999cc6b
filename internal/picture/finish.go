package picture

import (
	"github.com/sgfuzz/sgfuzz/sg"
)

// finish fills s with what was seen.
func (t *shot) finish(s *Strategy) {
	l := &t.last
	s.Dialect, s.Chosen, s.Why, s.Again = l.Dialect, l.Chosen, l.Why, t.again
	s.Covered, s.Initiator, s.Copies, s.Cost = l.Covered, l.Initiator, l.Copies, l.Cost
	s.Tuples, s.TupleCount, s.Requests, s.RequestCount = l.Tuples, l.TupleCount, l.Requests, l.RequestCount
	if s.Tuples == nil {
		s.Tuples = []Tuple{}
	}
	if s.Requests == nil {
		s.Requests = []Request{}
	}
	culprit := -1
	if s.Failed() {
		s.Blame, culprit = t.blame(s)
	}
	t.pieces(s, culprit)
}

// must are the descriptors that have to be seen.
func (t *shot) must(s *Strategy, culprit int) (must []int) {
	if culprit >= 0 {
		must = append(must, culprit)
	}
	if r := s.Refusal; r != nil && r.Entry >= 0 {
		for i := range t.found {
			if f := &t.found[i]; f.stream <= r.Stream && r.Stream-f.stream <= f.len {
				must = append(must, i)
			}
		}
	}
	return must
}

// pieces fills s.Regions.
func (t *shot) pieces(s *Strategy, culprit int) {
	regions := make([]Region, len(t.regions))
	copy(regions, t.regions)
	for _, sp := range choose(len(t.found), t.b.o.Most, t.must(s, culprit)) {
		for i := sp.from; i < sp.to; {
			g, j := t.found[i].region, i+1
			for !sp.shown && j < sp.to && t.found[j].region == g {
				j++
			}
			regions[g].Pieces = append(regions[g].Pieces, t.piece(i, j, sp.shown))
			i = j
		}
	}
	region := -1
	if culprit >= 0 {
		region = t.found[culprit].region
	}
	s.Regions = []Region{}
	for i := range regions {
		if k := len(s.Regions) - 1; k >= 0 && blank(&s.Regions[k]) && blank(&regions[i]) {
			join(&s.Regions[k], &regions[i])
			continue
		}
		if i == region {
			s.Blame.Region = len(s.Regions)
		}
		s.Regions = append(s.Regions, regions[i])
	}
}

// blank says that nothing of a region is shown.
func blank(g *Region) bool {
	return g.Skipped > 0 || len(g.Pieces) == 1 && g.Pieces[0].Skipped == g.Descriptors && !g.Pieces[0].Run && g.Descriptors > 1
}

// join makes one region of two that are not shown.
func join(a, b *Region) {
	a.Skipped = max(a.Skipped, 1) + 1
	a.Bytes, a.Len, a.Descriptors = a.Bytes+b.Bytes, a.Len+b.Len, a.Descriptors+b.Descriptors
	p, q := &a.Pieces[0], &b.Pieces[0]
	p.Skipped, p.Len, p.Size, p.Last, p.WrongBytes = p.Skipped+q.Skipped, p.Len+q.Len, p.Size+q.Size, q.Last, p.WrongBytes+q.WrongBytes
	p.Wrong = p.Wrong || q.Wrong
}

// piece describes the descriptors [from, to) of one region.
func (t *shot) piece(from, to int, shown bool) Piece {
	f, last := &t.found[from], &t.found[to-1]
	p := Piece{
		Index: f.index, Stream: f.stream, VA: Addr(f.va), Addr: Addr(f.addr), Key: Addr(f.key),
		First: t.b.ix.at(f.stream), Last: t.b.ix.at(last.stream + last.len - 1),
	}
	for i := from; i < to; i++ {
		d := &t.found[i]
		p.Len, p.WrongBytes, p.Skipped = p.Len+d.len, p.WrongBytes+d.differ, p.Skipped+d.count
		p.Wrong = p.Wrong || d.differ > 0 || d.refused != ""
		p.Size += d.size * uint64(d.count)
	}
	if !shown {
		return p
	}
	p.Refused, p.Memory, p.Via, p.Want = f.refused, t.kept(f.mem), t.kept(f.via), t.kept(f.want)
	if p.Wrong {
		p.WrongAt = f.wrongAt
	}
	if p.Run = f.count > 1; !p.Run {
		p.Skipped = 0
	}
	return p
}

// maxExtents is how many extents of one piece are listed.
const maxExtents = 16

func (t *shot) kept(r [2]int) (out []Extent) {
	es := t.extents[r[0]:r[1]]
	for _, e := range es[:min(len(es), maxExtents)] {
		out = append(out, extent(e))
	}
	return out
}

func extent(e sg.Extent) Extent { return Extent{Addr(e.Addr), e.Len} }
