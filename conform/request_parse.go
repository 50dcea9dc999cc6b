package conform

import (
	"bytes"
	"math"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

var (
	anyFields   = fields("id", "op").passOver()
	pagesIn     = fields("id", "op", "page_size", "max_descs", "sg", "|", "sg_offset").passOver()
	klmsIn      = fields("id", "op", "max_descs", "local_dma_lkey", "sg", "|", "sg_offset").passOver()
	helloIn     = fields("id", "op", "version").passOver()
	wqeIn       = fields("id", "op", "producer", "version").passOver()
	registerIn  = fields("id", "op", "list", "lkey", "page_size", "max_entries", "max_entry_bytes", "max_regions", "keys", "qpn", "pd", "access", "scratch", "dir").passOver()
	keyIn       = fields("key", "mode", "max").passOver()
	scratchIn   = fields("addr", "len").passOver()
	requestSets = [NumOps + 1]*fieldSet{OpHello: helloIn, OpSGToPages: pagesIn, OpSGToKLMs: klmsIn, OpWQE: wqeIn, OpRegister: registerIn}
)

// ParseRequest reads a request into q, whose slices it reuses. line has no line
// feed. The error is a *LineError; q is then undefined but for ID and Op, as far
// as they were read.
func (p *Parser) ParseRequest(line []byte, q *Request) error {
	s := &p.s
	s.reset(line)
	q.ID, q.Op = 0, 0
	s.head(q)
	if s.err == nil {
		s.reset(line)
		s.body(q)
		s.end()
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// head finds id and op, wherever they stand.
func (s *scanner) head(q *Request) {
	if s.err != nil || !s.object() {
		return
	}
	for name := s.field(anyFields); name != ""; name = s.field(anyFields) {
		switch name {
		case "id":
			q.ID = s.uint64()
		case "op":
			s.space()
			at := s.i
			name := s.str()
			op, ok := ParseOp(string(name))
			if s.err == nil && !ok {
				s.failAt(at, ErrOp, string(bytes.ToValidUTF8(name[:min(len(name), 32)], nil)))
			}
			q.Op = op
		}
	}
}

func (s *scanner) body(q *Request) {
	if !s.object() {
		return
	}
	set := requestSets[q.Op]
	q.Map.HasOffset, q.Map.Offset = false, 0 // a field that may be missing
	s.keep = q.Op == OpWQE
	if s.keep {
		s.rest = append(s.rest, '{')
	}
	for name := s.field(set); name != ""; name = s.field(set) {
		switch {
		case name == "id" || name == "op":
			s.skip()
		case q.Op == OpHello:
			q.Version = s.uint64()
		case q.Op == OpWQE:
			s.wqeField(name, &q.WQE)
		case q.Op == OpRegister:
			s.registerField(name, &q.Register)
		default:
			s.mapField(name, &q.Map)
		}
	}
	if s.err == nil && s.keep {
		s.rest = append(bytes.TrimSuffix(s.rest, []byte(",")), '}')
		q.WQE.Inputs = s.rest
	}
}

func (s *scanner) wqeField(name string, w *WQE) {
	switch name {
	case "producer":
		w.Producer = same(w.Producer, s.str())
	case "version":
		w.Version = same(w.Version, s.str())
	}
}

// same is b as a string, without allocating if it is the old one.
func same(old string, b []byte) string {
	if old == string(b) {
		return old
	}
	return string(b)
}

func (s *scanner) mapField(name string, m *Map) {
	switch name {
	case "page_size":
		m.PageSize = s.uint32()
	case "max_descs":
		m.MaxDescs = s.uint32()
	case "local_dma_lkey":
		m.LocalLkey = s.uint32()
	case "sg":
		m.SG = s.entries(m.SG[:0])
	case "sg_offset":
		if m.HasOffset = !s.null(); m.HasOffset {
			m.Offset = s.uint32()
		}
	}
}

// entries reads a list of [addr,len] and [addr,len,lkey].
func (s *scanner) entries(dst sg.List) sg.List {
	for more := s.array() && s.element(); more; more = s.element() {
		s.space()
		at := s.i
		var v [3]uint64
		s.tuple(v[:], 2)
		if s.err == nil && (v[1] > math.MaxUint32 || v[2] > math.MaxUint32) {
			s.failAt(at, ErrRange, "length and key have 32 bits")
		}
		dst = append(dst, sg.Entry{Addr: v[0], Len: uint32(v[1]), Lkey: uint32(v[2])})
	}
	return dst
}

func (s *scanner) registerField(name string, r *Register) {
	switch name {
	case "list":
		r.List = s.entries(r.List[:0])
	case "lkey":
		r.Lkey = s.uint32()
	case "page_size":
		r.PageSize = s.uint64()
	case "max_entries":
		r.MaxEntries = s.uint64()
	case "max_entry_bytes":
		r.MaxEntryBytes = s.uint64()
	case "max_regions":
		r.MaxRegions = s.uint64()
	case "keys":
		r.Keys = r.Keys[:0]
		for more := s.array() && s.element(); more; more = s.element() {
			r.Keys = append(r.Keys, s.memoryKey())
		}
	case "qpn":
		r.QPN = s.uint32()
	case "pd":
		r.PD = s.uint32()
	case "access":
		r.Access = s.access()
	case "scratch":
		r.Scratch = s.extent()
	case "dir":
		r.Dir = reg.Dir(s.oneOf(dirNames[:]))
	}
}

func (s *scanner) memoryKey() (k Key) {
	if !s.object() {
		return k
	}
	for name := s.field(keyIn); name != ""; name = s.field(keyIn) {
		switch name {
		case "key":
			k.Key = s.uint32()
		case "mode":
			k.Mode = mlx5model.AccessMode(s.oneOf(modeNames[:]))
		case "max":
			k.Max = s.uint32()
		}
	}
	return k
}

func (s *scanner) extent() (e sg.Extent) {
	if !s.object() {
		return e
	}
	for name := s.field(scratchIn); name != ""; name = s.field(scratchIn) {
		switch name {
		case "addr":
			e.Addr = s.uint64()
		case "len":
			e.Len = s.uint64()
		}
	}
	return e
}

// oneOf reads a string that is one of names and gives its index; "" is no name.
func (s *scanner) oneOf(names []string) int {
	s.space()
	at := s.i
	t := s.str()
	for i, n := range names {
		if n != "" && n == string(t) {
			return i
		}
	}
	s.failAt(at, ErrName, "")
	return 0
}

// access reads rights joined by '|'; "" is none.
func (s *scanner) access() uint8 {
	s.space()
	at := s.i
	t := s.str()
	for a, text := range accessText {
		if text == string(t) && a&^mlx5model.AccRights == 0 {
			return uint8(a)
		}
	}
	if a, err := corpus.ParseAccess(string(t)); err == nil {
		return uint8(a)
	}
	s.failAt(at, ErrName, "")
	return 0
}
