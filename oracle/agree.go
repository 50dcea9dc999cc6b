package oracle

import (
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Stream is what a registration exposes, reduced to what strategies can be
// compared by: the host memory behind each byte, neighbours merged.
type Stream struct {
	Name    string
	Extents []sg.Extent
	Bytes   uint64 // length of the stream
	From    uint64 // stream offset in the list of its first byte
}

// StreamOf reads the stream of a live registration through the device into s,
// whose storage is reused. It is empty with ok false for a registration that
// initiates its transfers or that no peer may read or write.
func (o *Oracle) StreamOf(r *reg.Registration, s *Stream, v *Verdict) (ok bool) {
	if o.seenOf == r && r.PostedTo == o.seenAt { // Judge has just read it
		s.Name, s.Bytes, s.From, s.Extents = r.Strategy, r.Covered, o.base, append(s.Extents[:0], o.seen...)
		return true
	}
	o.load(r, v)
	s.Name, s.Bytes, s.From, s.Extents = r.Strategy, r.Covered, o.base, s.Extents[:0]
	op, ok := o.readOp()
	via := &o.in
	if !ok {
		op, ok = o.writeOp()
		via = &o.out
	}
	if !ok || r.Initiator || !o.tuplesUsable() {
		return false
	}
	var err error
	if o.exposed, err = o.translate(o.exposed[:0], op, window{0, r.Covered}); err != nil {
		return false
	}
	if len(via.runs) == 0 {
		s.Extents = append(s.Extents, o.exposed...)
		return true
	}
	s.Extents, ok = via.through(s.Extents, o.exposed)
	return ok
}

// JudgeAgreement is check 10: two registrations of the same list, or of lists
// that must behave alike, expose the same stream. shift is added to the
// addresses of a, for a list that was moved in memory as a whole.
func (o *Oracle) JudgeAgreement(a, b *Stream, shift uint64, v *Verdict) {
	v.ran(Agreement)
	if a.Bytes != b.Bytes {
		end := Place{Knows: KnowsStream, Stream: b.From + min(a.Bytes, b.Bytes)}
		v.failAt(Agreement, end, "%s exposes %d bytes, %s %d", a.Name, a.Bytes, b.Name, b.Bytes)
		return
	}
	o.got = o.got[:0]
	for _, e := range a.Extents {
		o.got = sg.AppendExtent(o.got, e.Addr+shift, e.Len)
	}
	if off, x, y, differs := firstDifference(o.got, b.Extents); differs {
		p := Place{Knows: KnowsStream, Stream: b.From + off} // the two lists may have other entries
		v.failAt(Agreement, p, "stream byte %d: %s reaches %#x+%d, %s %#x+%d", p.Stream, a.Name, x.Addr, x.Len, b.Name, y.Addr, y.Len)
	}
}
