package oracle

import (
	"bytes"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// checkRead is check 1.
func (o *Oracle) checkRead() {
	op, ok := o.readOp()
	if !ok {
		return
	}
	o.v.ran(ReadStream)
	if addr, found := o.in.ambiguous(); found {
		o.v.failAt(ReadStream, Place{}.reaching(addr), "copies before the read fill %#x twice", addr)
	}
	if !o.checkMapping(ReadStream, op, window{0, o.r.Covered}, &o.in) {
		return
	}
	o.seen, o.seenOf, o.seenAt = append(o.seen[:0], o.reached...), o.r, o.r.PostedTo
	if o.intervals() {
		return
	}
	o.plan()
	for _, w := range o.windows {
		if !o.readWindow(ReadStream, op, w) {
			return
		}
	}
}

// readWindow moves a window's bytes both ways, through the device and through
// the list, and compares them.
func (o *Oracle) readWindow(c Check, op mlx5model.Op, w window) bool {
	if len(o.in.runs) > 0 && !o.copyIn(c, op, w) {
		return false
	}
	o.a, o.b = sized(o.a, w.n), sized(o.b, w.n)
	err := o.perTuple(w, func(key uint32, va, n, at uint64) error {
		return o.r.Dev.ReadHost(o.access(op, key, va, n), o.a[at:at+n])
	})
	if err != nil {
		o.failWindow(c, w, "read refused: %v", err)
		return false
	}
	if err := o.orig.read(o.mem, o.base+w.off, o.b); err != nil {
		o.failWindow(c, w, "the list's own bytes: %v", err)
		return false
	}
	if !bytes.Equal(o.a, o.b) {
		i := firstByte(o.a, o.b)
		p := o.at(w.off + uint64(i))
		o.v.failAt(c, p, "stream byte %d (%s): peer reads %#02x, the list holds %#02x", p.Stream, p.entry(), o.a[i], o.b[i])
		return false
	}
	return true
}

// copyIn makes the copies that a window needs before the peer reads it.
func (o *Oracle) copyIn(c Check, op mlx5model.Op, w window) bool {
	var err error
	if o.exposed, err = o.translate(o.exposed[:0], op, w); err != nil {
		o.failWindow(c, w, "access refused: %v", err)
		return false
	}
	for _, e := range o.exposed {
		o.in.each(e, func(exposed, list, n uint64, covered bool) {
			if covered {
				o.copyBytes(c, exposed, list, n)
			}
		})
	}
	return true
}

func (o *Oracle) copyBytes(c Check, to, from, n uint64) {
	o.a = sized(o.a, chunk)
	for n > 0 {
		k := min(n, chunk)
		err := o.mem.Read(from, o.a[:k])
		if err == nil {
			err = o.mem.Write(to, o.a[:k])
		}
		if err != nil {
			o.v.failAt(c, naming(o.r.Request.List, from), "copy %#x to %#x: %v", from, to, err)
			return
		}
		to, from, n = to+k, from+k, n-k
	}
}

// checkSubRanges is check 4: windows that start and end anywhere.
func (o *Oracle) checkSubRanges() {
	op, ok := o.readOp()
	via := &o.in
	if !ok {
		if op, ok = o.writeOp(); !ok {
			return
		}
		via = &o.out
	}
	n := o.r.Covered
	if n == 0 {
		return // check 15 says so
	}
	o.v.ran(SubRange)
	o.rng = o.seed() ^ subRangeSalt // the first windows are the same in all modes
	runs := subRangeRuns
	if o.intervals() {
		runs = subRangeQuick
	}
	for range runs {
		off := o.random(n)
		w := window{off, 1 + o.random(n-off)}
		if o.r.Cost.Descriptors > longList {
			w.n = 1 + o.random(min(longList*o.unit(), n-off)) // keeps the cost of one window bounded
		}
		if !o.checkMapping(SubRange, op, w, via) {
			return
		}
	}
}
