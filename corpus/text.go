package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Bounds of a case file.
const (
	MaxLine     = 64 << 10 // bytes in a line
	MaxEntries  = 16 << 20 // sg lines
	MaxComments = 64 << 10 // comments, and blank lines that separate groups
)

// Comment is a comment, or a blank line between groups.
type Comment struct {
	// At is the key of the line the comment belongs to; "" is the top of the
	// file and "end" its end.
	At    string
	Index int    // which of the sg or want lines, from 0
	Tail  bool   // behind the value instead of above the line
	Text  string // with its '#'; "" is a blank line
}

// Parse reads the text of one case. Errors are *ParseError; the case is nil
// then. Lines may end in CR LF, the last line needs no end. What the text
// means is not judged: see Case.Validate.
func Parse(data []byte) (*Case, error) { return Read(bytes.NewReader(data), "") }

// Read is Parse for a stream. The file name is for error messages. Errors are
// *ParseError, or those of r, wrapped.
func Read(r io.Reader, file string) (*Case, error) {
	p := parser{file: file, c: new(Case), in: newLines(r, MaxLine)}
	for {
		line, ok := p.in.next()
		if !ok {
			break
		}
		if err := p.line(line); err != nil {
			return nil, p.locate(err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return p.c, nil
}

type parser struct {
	file    string
	c       *Case
	in      *lines
	seen    [64]bool // options met
	any     bool     // a key was met
	noList  bool     // "sg none" was met
	pending []string // comments above the next line; "" is a blank line
}

func (p *parser) locate(err error) error {
	e := &ParseError{File: p.file, Line: p.in.num, Column: 1, Msg: err.Error()}
	var v *valueError
	if errors.As(err, &v) {
		e.Column += v.off
	}
	return e
}

// finish judges how the input ended.
func (p *parser) finish() error {
	if p.in.tooLong() {
		p.in.num++
		return p.locate(valueErrorf(MaxLine, "line is longer than %d bytes", MaxLine))
	}
	if p.in.err != io.EOF {
		return fmt.Errorf("%s: %w", p.file, p.in.err)
	}
	p.in.num++
	if len(p.c.List) == 0 && !p.noList {
		return p.locate(valueErrorf(0, `no sg line (an empty list is written "sg none"): file cut short?`))
	}
	at := keyEnd
	if !p.any {
		at = keyHead
	}
	p.attach(at, 0)
	return nil
}

func (p *parser) line(s string) error {
	s = strings.TrimSuffix(s, "\r")
	if done, err := p.entry(s); done {
		return err
	}
	if err := checkText(s, p.in.num); err != nil {
		return err
	}
	body, note := s, ""
	if i := strings.IndexByte(s, '#'); i >= 0 {
		body, note = s[:i], strings.TrimRight(s[i:], " \t")
	}
	body = strings.TrimRight(body, " \t")
	name := strings.TrimLeft(body, " \t")
	if name == "" {
		return p.comment(note)
	}
	start := len(body) - len(name)
	name, value, _ := cutBlank(name)
	if value == "" && name == seriesHead && !p.any {
		return valueErrorf(start, "a file with several cases, where one is wanted")
	}
	if value == "" {
		return valueErrorf(start, "key %q has no value%s", clip(name), unknownNote(name))
	}
	index, err := p.set(name, value, start, len(body)-len(value))
	if err == nil && note != "" {
		err = p.keep(Comment{strings.Clone(name), index, true, strings.Clone(note)})
	}
	return err
}

// entry is the short way for an sg line without comment; everything else,
// faulty lines included, is left to line.
func (p *parser) entry(s string) (done bool, err error) {
	if !strings.HasPrefix(s, "sg ") || strings.IndexByte(s, '\r') >= 0 {
		return false, nil
	}
	e, err := sg.ParseEntry(s[len("sg "):])
	if err != nil {
		return false, nil
	}
	p.before(keySG, len(p.c.List))
	return true, shifted(p.add(e), len("sg "))
}

// set takes the line "name value" and returns which of its kind it is. Errors
// count bytes from the start of the line, where the key is at and the value at
// from.
func (p *parser) set(name, value string, at, from int) (int, error) {
	switch r := rank(name); {
	case name == keyHead || r == rankEnd():
		return 0, valueErrorf(at, "unknown key %q%s", clip(name), suggestion(name, keyNames()))
	case r == rankSG():
		p.before(keySG, len(p.c.List))
		return len(p.c.List), shifted(p.slowEntry(value), from)
	case r == rankWant():
		p.before(keyWant, len(p.c.Wants))
		return len(p.c.Wants), shifted(p.want(value), from)
	case p.seen[r]:
		return 0, valueErrorf(at, "key %q occurs twice", name)
	default:
		p.seen[r] = true
		p.before(options[r].name, 0)
		return 0, shifted(options[r].scan(p.c, value), from)
	}
}

func (p *parser) add(e sg.Entry) error {
	if p.noList {
		return valueErrorf(0, `an entry beside "sg none"`)
	}
	if len(p.c.List) == MaxEntries {
		return valueErrorf(0, "list has more than %d entries", MaxEntries)
	}
	p.c.List = append(p.c.List, e)
	return nil
}

func (p *parser) slowEntry(value string) error {
	if value == emptyList {
		if len(p.c.List) != 0 || p.noList {
			return valueErrorf(0, `"sg none" beside another sg line`)
		}
		p.noList = true
		return nil
	}
	e, err := parseEntry(value)
	if err != nil {
		return err
	}
	return p.add(e)
}

// parseEntry is sg.ParseEntry with an error that knows what is too big.
func parseEntry(s string) (sg.Entry, error) {
	e, err := sg.ParseEntry(s)
	var bad *sg.ParseError
	if !errors.As(err, &bad) {
		return e, err
	}
	msg := bad.Err.Error()
	if errors.Is(err, sg.ErrTooBig) {
		msg = "address is beyond 2^64-1"
		if before := s[:bad.Offset]; strings.Contains(before, "lkey") {
			msg = "lkey is beyond 2^32-1"
		} else if strings.Contains(before, "+") {
			msg = "length is beyond 2^32-1"
		}
	}
	return sg.Entry{}, valueErrorf(bad.Offset, "entry %q: %s", clip(s), msg)
}

// want reads "STRATEGY VERDICT [REASON]".
func (p *parser) want(value string) error {
	strategy, rest, at := cutBlank(value)
	if err := oneOf("strategy", strategy, strategies); err != nil {
		return err
	}
	if _, dup := p.c.Want(strategy); dup {
		return valueErrorf(0, "two want lines for %q", strategy)
	}
	verdict, reason, n := cutBlank(rest)
	if err := oneOf("verdict", verdict, verdicts); err != nil {
		return shifted(err, at)
	}
	if i := strings.IndexAny(reason, " \t"); i >= 0 {
		return valueErrorf(at+n+i, "a reason is one word")
	}
	if len(reason) > maxWord {
		return valueErrorf(at+n, "reason is longer than %d bytes", maxWord)
	}
	p.c.Wants = append(p.c.Wants, Want{strings.Clone(strategy), strings.Clone(verdict), strings.Clone(reason)})
	return nil
}

// comment takes a line without key. Two blank lines in a row count as one.
func (p *parser) comment(text string) error {
	if n := len(p.pending); text == "" && n > 0 && p.pending[n-1] == "" {
		return nil
	}
	if len(p.pending)+len(p.c.Comments) >= MaxComments {
		return tooManyComments()
	}
	p.pending = append(p.pending, strings.Clone(text))
	return nil
}

func (p *parser) keep(c Comment) error {
	if len(p.c.Comments) >= MaxComments {
		return tooManyComments()
	}
	p.c.Comments = append(p.c.Comments, c)
	return nil
}

func tooManyComments() error {
	return valueErrorf(0, "more than %d comments and blank lines", MaxComments)
}

// before gives the comments that wait to the line that has come; those above
// the first line of all go to the top of the file.
func (p *parser) before(name string, index int) {
	if !p.any {
		name, index = keyHead, 0
	}
	p.any = true
	p.attach(name, index)
}

func (p *parser) attach(at string, index int) {
	for _, text := range p.pending {
		p.c.Comments = append(p.c.Comments, Comment{At: at, Index: index, Text: text})
	}
	p.pending = p.pending[:0]
}

// cutBlank cuts at the first run of blanks; at is where the rest begins.
func cutBlank(s string) (first, rest string, at int) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", len(s)
	}
	rest = strings.TrimLeft(s[i:], " \t")
	return s[:i], rest, len(s) - len(rest)
}

func unknownNote(name string) string {
	if rank(name) != rankEnd() {
		return ""
	}
	return " and is unknown" + suggestion(name, keyNames())
}

// checkText refuses what an editor would not show: control characters, byte
// order marks and bytes that are not UTF-8.
func checkText(s string, line int) error {
	const bom = "\ufeff"
	if line == 1 && strings.HasPrefix(s, bom) {
		return valueErrorf(0, "byte order mark: save the file as plain UTF-8")
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return valueErrorf(i, "byte 0x%02x is not UTF-8", s[i])
		case r < ' ' && r != '\t' || r == 0x7f:
			return valueErrorf(i, "control character 0x%02x", r)
		}
		i += n
	}
	return nil
}
