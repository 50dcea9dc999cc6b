package corpus

import (
	"errors"
	"fmt"
	"strings"
)

// ParseError says where a case file or an iovec log is wrong.
type ParseError struct {
	File   string // as given to the reader; may be ""
	Line   int    // from 1
	Column int    // in bytes, from 1
	Msg    string
}

func (e *ParseError) Error() string {
	file := e.File
	if file == "" {
		file = "case"
	}
	return fmt.Sprintf("%s:%d:%d: %s", file, e.Line, e.Column, e.Msg)
}

// valueError is an error inside a value; off is in bytes from its start.
type valueError struct {
	off int
	msg string
}

func (e *valueError) Error() string { return e.msg }

func valueErrorf(off int, format string, args ...any) error {
	return &valueError{off, fmt.Sprintf(format, args...)}
}

// shifted moves an error inside a value by n bytes.
func shifted(err error, n int) error {
	if err == nil { // the usual case must not allocate
		return nil
	}
	var v *valueError
	if errors.As(err, &v) {
		return &valueError{v.off + n, v.msg}
	}
	return err
}

// clip keeps a quoted piece of bad input short.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// oneOf refuses a name that is not known, with the nearest one as suggestion.
func oneOf(what, name string, known []string) error {
	for _, k := range known {
		if k == name {
			return nil
		}
	}
	return valueErrorf(0, "unknown %s %q%s", what, clip(name), suggestion(name, known))
}

// suggestion names the known word nearest to a misspelt one, or all of them
// when none is near and they are few.
func suggestion(name string, known []string) string {
	best, at := 3, ""
	if len(name) <= 32 {
		for _, k := range known {
			if d := distance(strings.ToLower(name), k); d < best {
				best, at = d, k
			}
		}
	}
	switch {
	case at != "":
		return fmt.Sprintf("; did you mean %q?", at)
	case len(known) <= 8:
		return "; known: " + strings.Join(known, " ")
	}
	return ""
}

// distance is the edit distance (insert, delete, replace) between two words,
// with '_' counted as '-'.
func distance(a, b string) int {
	a = strings.ReplaceAll(a, "_", "-")
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, diag+1, row[j]+1)
		}
	}
	return row[len(b)]
}
