package sg

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Reasons that a ParseError gives, found with errors.Is.
var (
	ErrNumber   = errors.New("a decimal or 0x hexadecimal number is needed")
	ErrTooBig   = errors.New("number is too big")
	ErrPlus     = errors.New("a + between address and length is needed")
	ErrTrailing = errors.New("only lkey=NUMBER may follow the length")
)

// ParseError says where a text is not an entry.
type ParseError struct {
	Line   int // in a text of several lines, from 1; 0 when there is one only
	Offset int // bytes from the start of the whole text
	Err    error
}

func (e *ParseError) Error() string {
	if e.Line != 0 {
		return fmt.Sprintf("line %d, offset %d: %v", e.Line, e.Offset, e.Err)
	}
	return fmt.Sprintf("offset %d: %v", e.Offset, e.Err)
}

func (e *ParseError) Unwrap() error { return e.Err }

// AppendEntry adds the text form of e to dst: "0xADDR+LEN", the address in
// hexadecimal and the length in decimal bytes, and " lkey=0xKEY" if the key is
// not zero.
func AppendEntry(dst []byte, e Entry) []byte {
	dst = append(dst, "0x"...)
	dst = strconv.AppendUint(dst, e.Addr, 16)
	dst = append(dst, '+')
	dst = strconv.AppendUint(dst, uint64(e.Len), 10)
	if e.Lkey != 0 {
		dst = append(dst, " lkey=0x"...)
		dst = strconv.AppendUint(dst, uint64(e.Lkey), 16)
	}
	return dst
}

// String gives the text form of AppendEntry.
func (e Entry) String() string { return string(AppendEntry(nil, e)) }

// String gives the entries' text forms, a line each.
func (l List) String() string {
	var b []byte
	for _, e := range l {
		b = append(AppendEntry(b, e), '\n')
	}
	return string(b)
}

// ParseEntry reads the text form of an entry. All numbers may be decimal or
// 0x hexadecimal, in capitals or not; blanks around the entry and before the
// key are skipped. Addresses go to 2^64-1, lengths and keys to 2^32-1. Errors
// are *ParseError. A range that runs past 2^64 is no error here: see
// List.Validate.
func ParseEntry(s string) (Entry, error) {
	e, at, err := parseEntry(s)
	if err != nil {
		return Entry{}, &ParseError{Offset: at, Err: err}
	}
	return e, nil
}

// ParseList reads one entry per line. Blank lines are skipped. The *ParseError
// counts lines from 1 and offsets from the start of s.
func ParseList(s string) (List, error) {
	var l List
	offset, number := 0, 0
	for line := range strings.Lines(s) {
		number++
		if skipBlanks(line, 0) != len(line) {
			e, at, err := parseEntry(line)
			if err != nil {
				return nil, &ParseError{number, offset + at, err}
			}
			l = append(l, e)
		}
		offset += len(line)
	}
	return l, nil
}

// parseEntry returns the offset at which it gave up with the error.
func parseEntry(s string) (e Entry, at int, err error) {
	at = skipBlanks(s, 0)
	v, n, err := scanNumber(s[at:], math.MaxUint64)
	if err != nil {
		return e, at, err
	}
	e.Addr = v
	at += n
	if at == len(s) || s[at] != '+' {
		return e, at, ErrPlus
	}
	at++
	if v, n, err = scanNumber(s[at:], math.MaxUint32); err != nil {
		return e, at, err
	}
	e.Len = uint32(v)
	e.Lkey, at, err = parseLkey(s, at+n)
	return e, at, err
}

// parseLkey reads what follows the length, from s[at] to the end.
func parseLkey(s string, at int) (lkey uint32, stop int, err error) {
	stop = skipBlanks(s, at)
	if stop == len(s) {
		return 0, stop, nil
	}
	const word = "lkey="
	if stop == at || !strings.HasPrefix(s[stop:], word) {
		return 0, stop, ErrTrailing
	}
	stop += len(word)
	v, n, err := scanNumber(s[stop:], math.MaxUint32)
	if err != nil {
		return 0, stop, err
	}
	if stop = skipBlanks(s, stop+n); stop != len(s) {
		return 0, stop, ErrTrailing
	}
	return uint32(v), stop, nil
}

func skipBlanks(s string, at int) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\t' || s[at] == '\r' || s[at] == '\n') {
		at++
	}
	return at
}

// scanNumber reads the number at the start of s and returns it with its
// length. It takes no sign, no digit separators and no other base than 10 and
// 16.
func scanNumber(s string, limit uint64) (v uint64, n int, err error) {
	base := uint64(10)
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		base, n = 16, 2
	}
	first := n
	for ; n < len(s); n++ {
		d := digit(s[n])
		if d >= base {
			break
		}
		if v > (limit-d)/base {
			return 0, 0, ErrTooBig
		}
		v = v*base + d
	}
	if n == first {
		return 0, 0, ErrNumber
	}
	return v, n, nil
}

// digit is the value of a hexadecimal digit; anything else gives 255.
func digit(c byte) uint64 {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return uint64(c|0x20-'a') + 10
	}
	return 255
}
