package conform

import (
	"strconv"
	"unicode/utf8"

	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// line is a line that is being written. Field names carry what separates them
// from the value before.
type line struct {
	b   []byte
	hex bool // numbers above 2^53 as strings
}

// exactFloat is the largest number up to which every integer is a float64.
const exactFloat = 1 << 53

func (l *line) raw(s string) { l.b = append(l.b, s...) }

func (l *line) uint(before string, v uint64) {
	l.raw(before)
	if l.hex && v > exactFloat {
		l.b = append(strconv.AppendUint(append(l.b, `"0x`...), v, 16), '"')
		return
	}
	l.b = strconv.AppendUint(l.b, v, 10)
}

const digits = "0123456789abcdef"

// bytes writes hexadecimal digits in quotes.
func (l *line) bytes(before string, p []byte) {
	l.raw(before)
	l.b = append(l.b, '"')
	for _, c := range p {
		l.b = append(l.b, digits[c>>4], digits[c&15])
	}
	l.b = append(l.b, '"')
}

// text writes a JSON string; bytes that are not UTF-8 become U+FFFD.
func (l *line) text(before string, p []byte) {
	l.raw(before)
	l.b = append(l.b, '"')
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		switch {
		case r == '"' || r == '\\':
			l.b = append(l.b, '\\', byte(r))
		case r < ' ':
			l.b = append(l.b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			l.b = utf8.AppendRune(l.b, r)
		}
		p = p[n:]
	}
	l.b = append(l.b, '"')
}

// next separates element i from the one before.
func (l *line) next(i int) {
	if i > 0 {
		l.b = append(l.b, ',')
	}
}

func (l *line) byteLists(before string, v [][]byte) {
	l.raw(before)
	for i := range v {
		l.next(i)
		l.bytes("", v[i])
	}
	l.raw("]")
}

func (l *line) entries(before string, v sg.List) {
	l.raw(before)
	for i := range v {
		l.next(i)
		l.uint("[", v[i].Addr)
		l.uint(",", uint64(v[i].Len))
		if v[i].Lkey != 0 {
			l.uint(",", uint64(v[i].Lkey))
		}
		l.raw("]")
	}
	l.raw("]")
}

func (l *line) copies(before string, v []reg.Copy) {
	if len(v) == 0 {
		return
	}
	l.raw(before)
	for i := range v {
		l.next(i)
		l.uint("[", v[i].From)
		l.uint(",", v[i].To)
		l.uint(",", v[i].Len)
		l.raw("]")
	}
	l.raw("]")
}

// AppendReply adds to dst the canonical form of a reply to a request of
// operation op, without a line feed: fields in the order of the package
// comment, numbers in decimal, optional lists only if they hold something.
// ParseReply reads back what was written.
func AppendReply(dst []byte, op Op, r *Reply) []byte {
	l := line{b: dst}
	l.uint(`{"id":`, r.ID)
	switch r.Answer {
	case OK:
		l.ok(op, r)
	case Reject:
		l.text(`,"reject":`, r.Reason)
		if r.Why != nil {
			l.text(`,"why":`, r.Why)
		}
	case Skip:
		l.text(`,"skip":`, r.Reason)
	}
	l.raw("}")
	return l.b
}

func (l *line) ok(op Op, r *Reply) {
	l.raw(`,"ok":{`)
	switch op {
	case OpHello:
		l.hello(&r.Hello)
	case OpSGToPages, OpSGToKLMs:
		m := &r.Map
		l.raw(`"ret":`)
		l.b = strconv.AppendInt(l.b, int64(m.Ret), 10)
		l.uint(`,"sg_offset_out":`, uint64(m.SGOffsetOut))
		l.uint(`,"iova":`, m.IOVA)
		l.uint(`,"length":`, m.Length)
		l.uint(`,"ndescs":`, m.NDescs)
		l.bytes(`,"descs":`, m.Descs)
	case OpWQE:
		l.raw(`"ret":[`)
		for i, v := range r.WQE.Ret {
			l.next(i)
			l.b = strconv.AppendInt(l.b, int64(v), 10)
		}
		l.byteLists(`],"wqes":[`, r.WQE.WQEs)
		if len(r.WQE.Descs) > 0 {
			l.byteLists(`,"descs":[`, r.WQE.Descs)
		}
	case OpRegister:
		l.registration(&r.Registration)
	}
	l.raw("}")
}

func (l *line) hello(h *HelloReply) {
	l.text(`"name":`, h.Name)
	if h.Version != Version {
		l.uint(`,"version":`, h.Version)
	}
	l.raw(`,"ops":[`)
	for i, name := range h.Ops {
		l.next(i)
		l.text("", name)
	}
	l.raw("]")
}

func (l *line) registration(r *RegisterReply) {
	l.raw(`"regions":[`)
	for i := range r.Regions {
		l.next(i)
		l.uint(`{"rkey":`, uint64(r.Regions[i].Rkey))
		l.uint(`,"addr":`, r.Regions[i].Addr)
		l.uint(`,"len":`, r.Regions[i].Len)
		l.raw("}")
	}
	l.byteLists(`],"wqes":[`, r.WQEs)
	if len(r.Host) > 0 {
		l.raw(`,"host":[`)
		for i := range r.Host {
			l.next(i)
			l.uint(`{"addr":`, r.Host[i].Addr)
			l.bytes(`,"bytes":`, r.Host[i].Bytes)
			l.raw("}")
		}
		l.raw("]")
	}
	l.copies(`,"copy_in":[`, r.CopyIn)
	l.copies(`,"copy_out":[`, r.CopyOut)
}
