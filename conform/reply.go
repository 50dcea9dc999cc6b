package conform

import (
	"strconv"

	"github.com/sgfuzz/sgfuzz/reg"
)

// Parser reads lines and owns what they hold. A Reply or Request that it filled
// is valid until its next line. The zero Parser is ready to use; it is not safe
// for concurrent use.
type Parser struct {
	s scanner
}

var (
	replyFields    = fields("id", "|", "ok", "reject", "why", "skip")
	helloFields    = fields("name", "|", "ops", "version")
	mapFields      = fields("ret", "sg_offset_out", "iova", "length", "ndescs", "descs")
	wqeFields      = fields("ret", "wqes", "|", "descs")
	registerFields = fields("regions", "wqes", "|", "host", "copy_in", "copy_out")
	regionFields   = fields("rkey", "addr", "len")
	hostFields     = fields("addr", "bytes")
)

// ParseReply reads a reply to a request of operation op into r, whose slices it
// reuses. line has no line feed. The error is a *LineError; r is then
// undefined.
func (p *Parser) ParseReply(op Op, line []byte, r *Reply) error {
	s := &p.s
	s.reset(line)
	r.Answer, r.Reason, r.Why = 0, nil, nil
	if op == 0 || int(op) > NumOps {
		s.fail(ErrOp, "")
	}
	if s.err == nil && s.object() {
		for name := s.field(replyFields); name != ""; name = s.field(replyFields) {
			switch name {
			case "id":
				r.ID = s.uint64()
			case "ok":
				s.answer(r, OK)
				s.ok(op, r)
			case "reject":
				s.answer(r, Reject)
				r.Reason = s.errno()
			case "skip":
				s.answer(r, Skip)
				r.Reason = s.str()
			case "why":
				r.Why = s.str()
			}
		}
	}
	s.end()
	s.complete(r)
	if s.err != nil {
		return s.err
	}
	return nil
}

// answer notes that one of ok, reject and skip stands here.
func (s *scanner) answer(r *Reply, a Answer) {
	if s.err == nil && r.Answer != 0 {
		s.failAt(s.stack[s.depth-1].start, ErrAnswer, r.Answer.String()+" is there as well")
	}
	r.Answer = a
}

// complete demands an answer, and why with reject only.
func (s *scanner) complete(r *Reply) {
	switch {
	case s.err != nil:
	case r.Answer == 0:
		s.fail(ErrAnswer, "none of them is there")
	case r.Why != nil && r.Answer != Reject:
		s.err = &LineError{Field: "why", Offset: s.i, Err: ErrUnknown, Detail: "it goes with reject only"}
	}
}

// errno reads the name of an errno: capital letters and digits behind an E.
func (s *scanner) errno() []byte {
	s.space()
	at := s.i
	t := s.str()
	if s.err != nil {
		return nil
	}
	ok := len(t) > 1 && t[0] == 'E'
	for _, c := range t {
		ok = ok && (c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
	}
	if !ok {
		s.failAt(at, ErrErrno, "")
	}
	return t
}

func (s *scanner) ok(op Op, r *Reply) {
	if s.err != nil || !s.object() {
		return
	}
	switch op {
	case OpHello:
		s.helloReply(&r.Hello)
	case OpSGToPages, OpSGToKLMs:
		s.mapReply(&r.Map)
	case OpWQE:
		s.wqeReply(&r.WQE)
	case OpRegister:
		s.registerReply(&r.Registration)
	}
}

func (s *scanner) helloReply(h *HelloReply) {
	h.Name, h.Version, h.Ops = nil, Version, h.Ops[:0]
	for name := s.field(helloFields); name != ""; name = s.field(helloFields) {
		switch name {
		case "name":
			h.Name = s.str()
		case "version":
			h.Version = s.uint64()
		case "ops":
			for more := s.array() && s.element(); more; more = s.element() {
				h.Ops = append(h.Ops, s.str())
			}
		}
	}
}

func (s *scanner) mapReply(m *MapReply) {
	for name := s.field(mapFields); name != ""; name = s.field(mapFields) {
		switch name {
		case "ret":
			m.Ret = s.int()
		case "sg_offset_out":
			m.SGOffsetOut = s.uint32()
		case "iova":
			m.IOVA = s.uint64()
		case "length":
			m.Length = s.uint64()
		case "ndescs":
			m.NDescs = s.uint64()
		case "descs":
			m.Descs = s.bytes()
		}
	}
}

func (s *scanner) wqeReply(w *WQEReply) {
	w.Ret, w.WQEs, w.Descs = w.Ret[:0], w.WQEs[:0], w.Descs[:0]
	for name := s.field(wqeFields); name != ""; name = s.field(wqeFields) {
		switch name {
		case "ret":
			for more := s.array() && s.element(); more; more = s.element() {
				w.Ret = append(w.Ret, s.int())
			}
		case "wqes":
			w.WQEs = s.byteLists(w.WQEs)
		case "descs":
			w.Descs = s.byteLists(w.Descs)
		}
	}
}

// byteLists reads a list of strings of hexadecimal digits.
func (s *scanner) byteLists(dst [][]byte) [][]byte {
	for more := s.array() && s.element(); more; more = s.element() {
		dst = append(dst, s.bytes())
	}
	return dst
}

func (s *scanner) registerReply(r *RegisterReply) {
	r.Regions, r.WQEs, r.Host = r.Regions[:0], r.WQEs[:0], r.Host[:0]
	r.CopyIn, r.CopyOut = r.CopyIn[:0], r.CopyOut[:0]
	for name := s.field(registerFields); name != ""; name = s.field(registerFields) {
		switch name {
		case "regions":
			for more := s.array() && s.element(); more; more = s.element() {
				r.Regions = append(r.Regions, s.region())
			}
		case "wqes":
			r.WQEs = s.byteLists(r.WQEs)
		case "host":
			for more := s.array() && s.element(); more; more = s.element() {
				r.Host = append(r.Host, s.hostWrite())
			}
		case "copy_in":
			r.CopyIn = s.copies(r.CopyIn)
		case "copy_out":
			r.CopyOut = s.copies(r.CopyOut)
		}
	}
}

func (s *scanner) region() (t reg.Tuple) {
	if !s.object() {
		return t
	}
	for name := s.field(regionFields); name != ""; name = s.field(regionFields) {
		switch name {
		case "rkey":
			t.Rkey = s.uint32()
		case "addr":
			t.Addr = s.uint64()
		case "len":
			t.Len = s.uint64()
		}
	}
	return t
}

func (s *scanner) hostWrite() (h HostWrite) {
	if !s.object() {
		return h
	}
	for name := s.field(hostFields); name != ""; name = s.field(hostFields) {
		switch name {
		case "addr":
			h.Addr = s.uint64()
		case "bytes":
			h.Bytes = s.bytes()
		}
	}
	return h
}

func (s *scanner) copies(dst []reg.Copy) []reg.Copy {
	for more := s.array() && s.element(); more; more = s.element() {
		var v [3]uint64
		s.tuple(v[:], 3)
		dst = append(dst, reg.Copy{From: v[0], To: v[1], Len: v[2]})
	}
	return dst
}

// tuple reads a list of least to len(v) numbers.
func (s *scanner) tuple(v []uint64, least int) {
	n := 0
	for more := s.array() && s.element(); more; more = s.element() {
		if n == len(v) {
			s.fail(ErrType, "want "+strconv.Itoa(n)+" numbers")
			return
		}
		v[n] = s.uint64()
		n++
	}
	if s.err == nil && n < least {
		s.fail(ErrType, "want "+strconv.Itoa(least)+" numbers")
	}
}
