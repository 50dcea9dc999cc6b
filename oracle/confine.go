package oracle

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// maxProbed bounds the tuples whose edges and rights are probed; the first,
// the last and an even choice between are taken.
const maxProbed = 64

// probed calls f for the tuples that are worth probing.
func (o *Oracle) probed(f func(i int, t reg.Tuple)) {
	n := len(o.r.Tuples)
	if n == 0 {
		return
	}
	step := (n + maxProbed - 1) / maxProbed
	for i := 0; i < n-1; i += step {
		f(i, o.r.Tuples[i])
	}
	f(n-1, o.r.Tuples[n-1])
}

// checkEdges is the access side of check 3: one byte before a tuple, one byte
// behind it, and the tuple with one byte more are refused.
func (o *Oracle) checkEdges() {
	op, ok := o.readOp()
	if !ok {
		if op, ok = o.writeOp(); !ok {
			return
		}
	}
	o.v.ran(Confinement)
	o.probed(func(i int, t reg.Tuple) {
		if t.Len == 0 {
			return
		}
		o.refused(Confinement, o.access(op, t.Rkey, t.Addr-1, 1), "the byte before", " tuple", i)
		o.refused(Confinement, o.access(op, t.Rkey, t.Addr+t.Len, 1), "the byte behind", " tuple", i)
		if t.Len+1 != 0 {
			o.refused(Confinement, o.access(op, t.Rkey, t.Addr, t.Len+1), "one byte too many of", " tuple", i)
		}
	})
}

// refused demands that the device refuses a. what and kind say what it is. The
// place is the last byte of a: the byte that a tuple must not reach, if it
// reaches one too many.
func (o *Oracle) refused(c Check, a mlx5model.Access, what, kind string, tuple int) {
	var ok bool
	if o.exposed, ok = o.r.Dev.TryTranslate(o.exposed[:0], a); ok {
		o.v.failAt(c, namingLast(o.r.Request.List, o.exposed), "%s%s %d is reachable: key %#x address %#x+%d", what, kind, tuple, a.Key, a.VA, a.Len)
	}
}

// granted demands that the device serves a.
func (o *Oracle) granted(c Check, a mlx5model.Access, what string, tuple int) {
	var err error
	if o.exposed, err = o.r.Dev.Translate(o.exposed[:0], a); err != nil {
		o.v.failAt(c, o.atTuple(tuple), "%s of tuple %d: %v", what, tuple, err)
	}
}
