package serve

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// parse reads a case and judges what would keep it from being run at all.
func (s *Server) parse(text string) (*corpus.Case, error) {
	c, err := corpus.Parse([]byte(text))
	if err != nil {
		return nil, located(text, err)
	}
	if len(c.List) > s.MaxEntries {
		return nil, s.tooMany(len(c.List))
	}
	c.Name = "case"
	return c, nil
}

// located says where in the text an error is. Errors without a place are given
// as they are.
func located(text string, err error) error {
	e, ok := errors.AsType[*corpus.ParseError](err)
	if !ok {
		return err
	}
	p := problemf(http.StatusUnprocessableEntity, "text", "%s", e.Msg)
	p.Line, p.Column = e.Line, e.Column
	at, entry := 0, 0
	for n := 1; ; n++ {
		line, rest, more := strings.Cut(text[at:], "\n")
		key, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
		if n == e.Line {
			p.Offset = at + min(e.Column-1, len(line))
			if key == "sg" {
				p.Entry = &entry
			}
			if word := strings.TrimSpace(key); word != "" && !strings.HasPrefix(word, "#") {
				p.Field = word
			}
			return p
		}
		if key == "sg" {
			entry++
		}
		if !more {
			return p
		}
		at = len(text) - len(rest)
	}
}

// judged puts an error that says a case cannot be run on the field that is at
// fault.
func judged(c *corpus.Case, err error) error {
	valid := c.Validate()
	for _, f := range []struct {
		err   error
		field string
	}{{corpus.ErrPageSize, "page-size"}, {corpus.ErrQueue, "queue"}, {corpus.ErrAccess, "access"}} {
		if errors.Is(valid, f.err) {
			return problemf(http.StatusUnprocessableEntity, f.field, "%v", f.err)
		}
	}
	p := problemf(http.StatusUnprocessableEntity, "", "%v", err)
	if e, ok := errors.AsType[*sg.EntryError](valid); ok {
		p.Field, p.Entry = "sg", &e.Index
	}
	if strings.Contains(err.Error(), "unknown profile") {
		p.Field = "profile"
	}
	return p
}
