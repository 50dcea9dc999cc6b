package corpus

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxIovecLine bounds a line of an iovec log, in bytes: 64 MiB, more than four
// million entries of the usual size.
const MaxIovecLine = 64 << 20

// ReadIovecs reads an iovec log: a line for each list, "NAME ADDR+LEN ADDR+LEN
// …", numbers decimal or 0x hexadecimal. NAME is a free word, as a rule the
// system call. Empty lines and lines that start with '#' are passed over. fn
// gets the line number from 1; name and list are valid until it returns, and
// its error ends the reading and is returned as it is.
//
// Refused with a *ParseError: entries without '+', lengths beyond 2^32-1,
// entries that wrap past 2^64, a name without entries, more than MaxEntries
// entries and more than MaxIovecLine bytes in a line. Zero lengths are legal:
// real programs pass them. The file name is for messages only.
func ReadIovecs(r io.Reader, file string, fn func(line int, name string, l sg.List) error) error {
	in := newLines(r, MaxIovecLine)
	var list sg.List
	for {
		line, ok := in.next()
		if !ok {
			return iovecEnd(in, file)
		}
		name, l, err := parseIovec(line, list[:0], in.num)
		if err != nil {
			return located(file, in.num, err)
		}
		list = l
		if name == "" {
			continue
		}
		if err := fn(in.num, name, l); err != nil {
			return err
		}
	}
}

func located(file string, line int, err error) *ParseError {
	e := &ParseError{File: file, Line: line, Column: 1, Msg: err.Error()}
	var v *valueError
	if errors.As(err, &v) {
		e.Column += v.off
	}
	return e
}

// iovecEnd judges why there are no more lines.
func iovecEnd(in *lines, file string) error {
	switch {
	case in.tooLong():
		return located(file, in.num+1, valueErrorf(MaxIovecLine, "line is longer than %d bytes", MaxIovecLine))
	case in.err != io.EOF:
		return fmt.Errorf("%s: %w", file, in.err)
	}
	return nil
}

// parseIovec adds a line's entries to list. The name is "" for a line that
// holds no list.
func parseIovec(line string, list sg.List, num int) (name string, l sg.List, err error) {
	line = strings.TrimSuffix(line, "\r")
	at := skipBlanks(line, 0)
	if at == len(line) || line[at] == '#' {
		return "", list, checkText(line, num)
	}
	end := wordEnd(line, at)
	name = line[at:end]
	if err := checkText(name, num); err != nil {
		return "", nil, shifted(err, at)
	}
	if strings.ContainsRune(name, '+') {
		return "", nil, valueErrorf(at, "a name must come first, not %q", clip(name))
	}
	for at = skipBlanks(line, end); at < len(line); at = skipBlanks(line, end) {
		end = wordEnd(line, at)
		if len(list) == MaxEntries {
			return "", nil, valueErrorf(at, "list has more than %d entries", MaxEntries)
		}
		e, err := parseEntry(line[at:end])
		if err == nil && e.Wraps() {
			err = valueErrorf(0, "entry %q: %v", line[at:end], sg.ErrWraps)
		}
		if err != nil {
			return "", nil, shifted(err, at)
		}
		list = append(list, e)
	}
	if len(list) == 0 {
		return "", nil, valueErrorf(len(line), "no entries behind %q", clip(name))
	}
	return name, list, nil
}

func skipBlanks(s string, at int) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\t') {
		at++
	}
	return at
}

// wordEnd is where the word that begins at at ends.
func wordEnd(s string, at int) int {
	for at < len(s) && s[at] != ' ' && s[at] != '\t' {
		at++
	}
	return at
}
