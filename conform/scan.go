package conform

import (
	"bytes"
	"strconv"
)

// MaxLine is the longest line in bytes, without its line feed.
const MaxLine = 16 << 20

// maxDepth bounds the nesting of values that are passed over: recorded vectors
// nest five deep.
const maxDepth = 32

// fieldSet is what an object may hold.
type fieldSet struct {
	names    []string
	required uint64 // bit i: names[i] must be there
	lenient  bool   // other fields are passed over
}

// fields makes a fieldSet of required names and, behind "|", optional ones.
func fields(names ...string) *fieldSet {
	f := &fieldSet{}
	optional := false
	for _, n := range names {
		if n == "|" {
			optional = true
			continue
		}
		if !optional {
			f.required |= 1 << len(f.names)
		}
		f.names = append(f.names, n)
	}
	return f
}

// passOver makes a set ignore fields that are not in it.
func (f *fieldSet) passOver() *fieldSet {
	f.lenient = true
	return f
}

// frame is an object or array that is being read.
type frame struct {
	array bool
	begun bool   // a field or element was read
	index int    // array: the element; object: the field in its set, or -1
	name  []byte // object: the field's name as it stands in the line
	start int    // object: where the field's name begins
	seen  uint64 // object: fields read
}

// scanner reads one line. The first error sticks: from then on every method
// gives a zero value, objects and arrays end, and err says what and where.
type scanner struct {
	b     []byte
	i     int
	err   *LineError
	stack [8]frame
	depth int
	// text holds decoded strings and bytes. It never moves while a line is
	// read: no string is longer than what stands in the line.
	text []byte
	// keep makes rest take the outermost object's fields that its set does not
	// know, as they stand in the line, with commas between them.
	keep bool
	rest []byte
}

// reset starts on a line.
func (s *scanner) reset(line []byte) {
	s.b, s.i, s.err, s.depth = line, 0, nil, 0
	if len(line) > MaxLine {
		s.b = line[:MaxLine]
		s.i = MaxLine
		s.fail(ErrLong, "")
		return
	}
	if cap(s.text) < len(line) {
		s.text = make([]byte, 0, len(line)+len(line)/2)
	}
	s.text, s.rest, s.keep = s.text[:0], s.rest[:0], false
}

// fail keeps the first error, at the place where the scanner is.
func (s *scanner) fail(err error, detail string) { s.failAt(s.i, err, detail) }

func (s *scanner) failAt(at int, err error, detail string) {
	if s.err == nil {
		s.err = &LineError{Field: s.path(), Offset: at, Err: err, Detail: detail}
	}
}

// path names the value that is being read.
func (s *scanner) path() string {
	var p []byte
	for _, f := range s.stack[:s.depth] {
		switch {
		case !f.begun:
		case f.array:
			p = strconv.AppendInt(append(p, '['), int64(f.index), 10)
			p = append(p, ']')
		case len(f.name) > 0:
			if len(p) > 0 {
				p = append(p, '.')
			}
			p = append(p, bytes.ToValidUTF8(f.name[:min(len(f.name), 64)], []byte("?"))...)
		}
	}
	return string(p)
}

// space passes over white space; a line has no line feed inside.
func (s *scanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\r') {
		s.i++
	}
}

// peek gives the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.err != nil || s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// open enters an object or array.
func (s *scanner) open(c byte) bool {
	if s.peek() != c {
		s.wrongType("an object", "a list", c == '{')
		return false
	}
	if s.depth == len(s.stack) {
		s.fail(ErrDepth, "")
		return false
	}
	s.i++
	s.stack[s.depth] = frame{array: c == '[', index: -1}
	s.depth++
	return true
}

// close leaves the innermost object or array at its closing byte.
func (s *scanner) close() {
	s.i++
	s.depth--
}

// wrongType reports that the next value is not what it should be.
func (s *scanner) wrongType(yes, no string, which bool) {
	if !which {
		yes = no
	}
	if c := s.peek(); startsValue(c) {
		s.fail(ErrType, "want "+yes)
	} else {
		s.fail(ErrSyntax, "want "+yes)
	}
}

func startsValue(c byte) bool {
	return c == '{' || c == '[' || c == '"' || c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n'
}

// object enters an object; field then gives its fields.
func (s *scanner) object() bool { return s.open('{') }

// field goes to the value of the next field and gives its name, one of set's,
// or "" at the object's end.
func (s *scanner) field(set *fieldSet) string {
	for s.err == nil {
		f := &s.stack[s.depth-1]
		if !s.more(f, '}') {
			s.finish(f, set)
			return ""
		}
		f.name, f.index = nil, -1
		f.start = s.i
		f.name = s.key()
		if s.peek() != ':' {
			s.fail(ErrSyntax, "want a colon")
			return ""
		}
		s.i++
		if i := set.find(f.name, f.seen); i >= 0 {
			f.index = i
			if f.seen&(1<<i) != 0 {
				s.failAt(f.start, ErrDuplicate, "")
			}
			f.seen |= 1 << i
			return set.names[i]
		}
		if !set.lenient {
			s.failAt(f.start, ErrUnknown, "")
			return ""
		}
		s.skip()
		if s.err == nil && s.keep && s.depth == 1 {
			s.rest = append(append(s.rest, s.b[f.start:s.i]...), ',')
		}
	}
	return ""
}

// find gives the index of a name, first behind the fields that were seen, as
// fields mostly come in order.
func (f *fieldSet) find(name []byte, seen uint64) int {
	n := len(f.names)
	first := 0
	for first < n && seen&(1<<first) != 0 {
		first++
	}
	for k := range n {
		i := first + k
		if i >= n {
			i -= n
		}
		if string(name) == f.names[i] {
			return i
		}
	}
	return -1
}

// more goes to the next field or element; false at the closing byte.
func (s *scanner) more(f *frame, end byte) bool {
	c := s.peek()
	if c == end {
		return false
	}
	if f.begun {
		if c != ',' {
			s.fail(ErrSyntax, "want a comma or the end")
			return false
		}
		s.i++
		s.space()
	}
	f.begun = true
	return true
}

// finish ends an object and demands its required fields.
func (s *scanner) finish(f *frame, set *fieldSet) {
	if s.err != nil {
		return
	}
	if missing := set.required &^ f.seen; missing != 0 {
		i := 0
		for missing&(1<<i) == 0 {
			i++
		}
		f.name, f.begun = []byte(set.names[i]), true
		s.fail(ErrMissing, "")
		return
	}
	s.close()
}

// array enters a list; element then goes from value to value.
func (s *scanner) array() bool { return s.open('[') }

// element goes to the next value of a list; false at its end.
func (s *scanner) element() bool {
	if s.err != nil {
		return false
	}
	f := &s.stack[s.depth-1]
	if !s.more(f, ']') {
		if s.err == nil {
			s.close()
		}
		return false
	}
	f.index++
	return true
}

// end demands that nothing follows.
func (s *scanner) end() {
	s.space()
	if s.err == nil && s.i < len(s.b) {
		s.fail(ErrTrailing, "")
	}
}

// null takes a null if one stands here.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.word("null")
	return s.err == nil
}

func (s *scanner) word(w string) {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		s.fail(ErrSyntax, "want "+w)
		return
	}
	s.i += len(w)
}
