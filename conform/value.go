package conform

import (
	"math"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string and gives its text, which stays valid until the next line.
func (s *scanner) str() []byte {
	start, end, plain, ok := s.quoted()
	if !ok {
		return nil
	}
	if plain {
		return s.keepText(s.b[start:end])
	}
	return s.unescape(start, end)
}

// key reads a field's name. The result stays valid as long as the line.
func (s *scanner) key() []byte {
	start, end, plain, ok := s.quoted()
	if !ok {
		return nil
	}
	if plain {
		return s.b[start:end]
	}
	return s.unescape(start, end)
}

func (s *scanner) keepText(b []byte) []byte {
	n := len(s.text)
	s.text = append(s.text, b...)
	return s.text[n:len(s.text):len(s.text)]
}

// quoted passes over a string and says where its content stands and whether it
// is without escapes.
func (s *scanner) quoted() (start, end int, plain, ok bool) {
	if s.peek() != '"' {
		s.wrongType("a string", "", true)
		return 0, 0, false, false
	}
	s.i++
	start, plain = s.i, true
	ascii := true
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			if !ascii && !utf8.Valid(s.b[start:s.i]) {
				s.failAt(start, ErrUTF8, "")
				return 0, 0, false, false
			}
			end = s.i
			s.i++
			return start, end, plain, true
		case c == '\\':
			plain = false
			s.i++ // what is escaped is looked at by unescape
		case c < ' ':
			s.fail(ErrSyntax, "control character in a string")
			return 0, 0, false, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.i = len(s.b)
	s.fail(ErrSyntax, "string without an end")
	return 0, 0, false, false
}

const escapes = `"\/bfnrt`
const escaped = "\"\\/\b\f\n\r\t"

// unescape decodes the string that stands between two places of the line.
func (s *scanner) unescape(start, end int) []byte {
	n := len(s.text)
	for i := start; i < end; {
		c := s.b[i]
		if c != '\\' {
			s.text = append(s.text, c)
			i++
			continue
		}
		if k := indexByte(escapes, s.b[i+1]); k >= 0 {
			s.text = append(s.text, escaped[k])
			i += 2
			continue
		}
		r, size := s.unicode(i, end)
		if s.err != nil {
			return nil
		}
		s.text = utf8.AppendRune(s.text, r)
		i += size
	}
	return s.text[n:len(s.text):len(s.text)]
}

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// unicode reads the \u escape, or pair of them, at place i.
func (s *scanner) unicode(i, end int) (r rune, size int) {
	r, ok := s.hex4(i, end)
	if !ok {
		s.failAt(i, ErrSyntax, "unknown escape")
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := s.hex4(i+6, end); ok {
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return both, 12
		}
	}
	s.failAt(i, ErrUTF8, "half of a surrogate pair")
	return 0, 0
}

func (s *scanner) hex4(i, end int) (rune, bool) {
	if i+6 > end || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.b[i+2 : i+6] {
		d := hexDigit[c]
		if d > 15 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// hexDigit is the value of a hexadecimal digit, upper or lower case, and more
// than 15 for any other byte.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// number reads an integer in either form as sign and magnitude.
func (s *scanner) number() (neg bool, v uint64) {
	c := s.peek()
	if c == '"' {
		return s.hexNumber()
	}
	start := s.i
	if c == '-' {
		neg = true
		s.i++
	}
	first := s.i
	for ; s.i < len(s.b); s.i++ {
		d := s.b[s.i] - '0'
		if d > 9 {
			break
		}
		hi, lo := bits.Mul64(v, 10)
		sum, carry := bits.Add64(lo, uint64(d), 0)
		if hi|carry != 0 {
			s.failAt(start, ErrRange, "more than 64 bits")
			return false, 0
		}
		v = sum
	}
	switch {
	case s.i == first && !neg:
		s.wrongType("a number", "", true)
	case s.i == first, s.b[first] == '0' && s.i > first+1:
		s.failAt(start, ErrSyntax, "not a number")
	case s.i < len(s.b) && (s.b[s.i] == '.' || s.b[s.i]|0x20 == 'e'):
		s.failAt(start, ErrNumber, "")
	}
	return neg, v
}

// hexNumber reads an integer in the form "0x…".
func (s *scanner) hexNumber() (neg bool, v uint64) {
	at := s.i
	start, end, plain, ok := s.quoted()
	if !ok {
		return false, 0
	}
	d := s.b[start:end]
	if neg = len(d) > 0 && d[0] == '-'; neg {
		d = d[1:]
	}
	if !plain || len(d) < 3 || d[0] != '0' || d[1] != 'x' {
		s.failAt(at, ErrNumber, "")
		return false, 0
	}
	for _, c := range d[2:] {
		x := hexDigit[c]
		switch {
		case x > 15:
			s.failAt(at, ErrNumber, "")
			return false, 0
		case v>>60 != 0:
			s.failAt(at, ErrRange, "more than 64 bits")
			return false, 0
		}
		v = v<<4 | uint64(x)
	}
	return neg, v
}

// uint reads a number from 0 to most.
func (s *scanner) uint(most uint64) uint64 {
	s.space()
	at := s.i
	neg, v := s.number()
	if s.err == nil && (neg || v > most) {
		s.failAt(at, ErrRange, "0 to "+strconv.FormatUint(most, 10))
		return 0
	}
	return v
}

func (s *scanner) uint32() uint32 { return uint32(s.uint(math.MaxUint32)) }
func (s *scanner) uint64() uint64 { return s.uint(math.MaxUint64) }

// int reads a number that may be negative, of 32 bits as a C int has.
func (s *scanner) int() int32 {
	s.space()
	at := s.i
	neg, v := s.number()
	if s.err == nil && (v > math.MaxInt32+1 || v == math.MaxInt32+1 && !neg) {
		s.failAt(at, ErrRange, "32 bits, signed")
		return 0
	}
	if neg {
		return int32(-int64(v))
	}
	return int32(v)
}

// bytes reads a string of hexadecimal digits. The result stays valid until the
// next line.
func (s *scanner) bytes() []byte {
	start, end, plain, ok := s.quoted()
	if !ok {
		return nil
	}
	d := s.b[start:end]
	if !plain || len(d)%2 != 0 {
		s.failAt(start, ErrHex, "")
		return nil
	}
	n := len(s.text)
	for i := 0; i < len(d); i += 2 {
		hi, lo := lowerDigit[d[i]], lowerDigit[d[i+1]]
		if hi|lo > 15 {
			s.failAt(start+i, ErrHex, "")
			return nil
		}
		s.text = append(s.text, hi<<4|lo)
	}
	return s.text[n:len(s.text):len(s.text)]
}

// lowerDigit is hexDigit without the upper-case digits.
var lowerDigit = func() (t [256]byte) {
	t = hexDigit
	for c := 'A'; c <= 'F'; c++ {
		t[c] = 0xff
	}
	return t
}()
