package corpus

import (
	"bytes"
	"io"
	"strings"
)

// lines cuts a stream into lines. It makes one string of many lines at a time,
// so that a line costs no allocation of its own; who keeps a piece of a line
// must clone it.
type lines struct {
	r     io.Reader
	most  int    // bytes in a line, without the newline
	buf   []byte // grows up to most+1
	n     int    // bytes in buf: the beginning of a line
	ready string // whole lines not yet handed out
	err   error  // of the reader; io.EOF at the end
	num   int    // number of the line handed out last, from 1
}

const chunk = 64 << 10

func newLines(r io.Reader, most int) *lines {
	return &lines{r: r, most: most, buf: make([]byte, min(most+1, chunk))}
}

// next hands out the next line without its newline. At the end, or when
// reading fails, or when the line is longer than most, ok is false
// tooLong tell which.
func (l *lines) next() (line string, ok bool) {
	if l.ready == "" && !l.fill() {
		return "", false
	}
	l.num++
	line, l.ready, _ = strings.Cut(l.ready, "\n")
	return line, true
}

// tooLong reports whether next stopped at a line longer than most. Its number
// is num+1.
func (l *lines) tooLong() bool { return l.err == nil }

// fill reads until a whole line is there and moves it, with the whole lines
// behind it, to ready.
func (l *lines) fill() bool {
	scanned := 0
	for {
		if i := bytes.LastIndexByte(l.buf[scanned:l.n], '\n'); i >= 0 {
			end := scanned + i + 1
			l.ready = string(l.buf[:end])
			l.n = copy(l.buf, l.buf[end:l.n])
			return true
		}
		scanned = l.n
		if l.err != nil {
			return l.flush()
		}
		if l.n == len(l.buf) && !l.grow() {
			return false
		}
		var k int
		k, l.err = l.r.Read(l.buf[l.n:])
		l.n += k
	}
}

// flush hands out what stands behind the last newline when the input ends.
func (l *lines) flush() bool {
	if l.err != io.EOF || l.n == 0 {
		return false
	}
	l.ready = string(l.buf[:l.n])
	l.n = 0
	return true
}

func (l *lines) grow() bool {
	if len(l.buf) > l.most {
		return false
	}
	bigger := make([]byte, min(2*len(l.buf), l.most+1))
	copy(bigger, l.buf)
	l.buf = bigger
	return true
}
