package runner

import (
	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
)

// source gives an operation's requests: recorded vectors, then cases from
// outside, then drawn ones.
type source struct {
	e     *engine
	op    conform.Op
	vecs  []*vector
	cases []*corpus.Case
	drawn uint64
}

func (e *engine) source(op conform.Op) *source {
	s := &source{e: e, op: op, vecs: e.vectors[op]}
	if op != conform.OpWQE { // the inputs of a vector are no case
		s.cases = e.Corpus
	}
	return s
}

// next fills a slot; false if there are no more requests.
func (s *source) next(x *slot) bool {
	x.vec = nil
	switch {
	case len(s.vecs) > 0:
		x.vec, s.vecs = s.vecs[0], s.vecs[1:]
		x.fromVector()
	case len(s.cases) > 0:
		c := s.cases[0]
		s.cases = s.cases[1:]
		list := append(x.c.List[:0], c.List...)
		x.c = *c
		x.c.List = list
		build(&x.req, s.op, &x.c)
	case s.op == conform.OpWQE:
		return false // nothing but vectors
	default:
		s.e.drawer.draw(&x.c, s.op, s.drawn)
		s.drawn++
		build(&x.req, s.op, &x.c)
	}
	return true
}

// fromVector makes a slot of a vector, and of a mapping a case as well.
func (x *slot) fromVector() {
	v := x.vec
	list := append(x.c.List[:0], v.req.Map.SG...)
	sg := append(x.req.Map.SG[:0], v.req.Map.SG...)
	reg := x.req.Register
	x.req = v.req
	x.req.Map.SG, x.req.Register = sg, reg
	x.c = corpus.Case{Name: v.id, List: list}
	if m := &v.req.Map; v.req.Op != conform.OpWQE {
		x.c.PageSize, x.c.Offset, x.c.Limits.MaxEntries = uint64(m.PageSize), uint64(m.Offset), m.MaxDescs
	}
}
