package wqeview

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/style"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// TextOptions govern WriteText.
type TextOptions struct {
	Style style.Style
	Brief bool // reasons and findings only, no bytes and fields
}

// WriteText writes the document for a terminal: an overview if it has more than
// one item, then each item, reasons and findings first, and the findings once
// more at the end, where a reader's terminal stands. The error is out's.
func (d *Document) WriteText(out io.Writer, opt TextOptions) error {
	t := texter{Document: d, out: bufio.NewWriter(out), s: opt.Style, brief: opt.Brief}
	if len(d.Items) > 1 {
		t.overview()
	}
	for i := range d.Items {
		t.item(i)
	}
	if !opt.Brief {
		t.recap()
	}
	if err := t.err; err != nil {
		return err
	}
	return t.out.Flush()
}

// texter is the state of one WriteText.
type texter struct {
	*Document
	out *bufio.Writer
	s   style.Style
	err error // of an item's text

	brief bool
}

func (t *texter) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// maxOverview bounds the lines of the overview.
const maxOverview = 40

// Counts says in words how much there is and how much is wrong.
func (d *Document) Counts() string {
	wqes, cqes := 0, 0
	for _, it := range d.Items {
		if it.What == "cqe" {
			cqes++
		} else {
			wqes++
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{wqes, "WQE"}, {cqes, "CQE"}, {d.Broken, "undecodable"}, {d.Errors, "error"}, {d.Warnings, "warning"}} {
		switch {
		case p.n == 0:
		case p.what == "undecodable":
			parts = append(parts, fmt.Sprintf("%d undecodable", p.n))
		default:
			parts = append(parts, plural(p.n, p.what))
		}
	}
	if d.Errors+d.Warnings == 0 {
		parts = append(parts, "nothing wrong with the bytes")
	}
	if d.Omitted > 0 {
		parts = append(parts, fmt.Sprintf("%d more left out", d.Omitted))
	}
	return strings.Join(parts, ", ")
}

// overview lists the items, a line for each.
func (t *texter) overview() {
	t.printf("%s\n", t.s.Bold(fmt.Sprintf("%s: %s", t.Format, t.Counts())))
	for i, it := range t.Items {
		if i == maxOverview {
			t.printf("  … %d more\n", len(t.Items)-i)
			break
		}
		brief := it.What + " " + Brief(it)
		switch {
		case it.Syndrome != nil:
			brief = t.s.Bad("cqe failed: " + it.Syndrome.Name)
		case it.Error != "" || strings.HasSuffix(brief, "error") || strings.HasSuffix(brief, "errors"):
			brief = t.s.Bad(brief)
		case strings.HasSuffix(brief, "warning") || strings.HasSuffix(brief, "warnings"):
			brief = t.s.Warn(brief)
		}
		t.printf("  #%-3d %-14s QPN %#06x index %#04x  %s\n", i+1, t.Where(it), it.QPN, it.Index, brief)
		t.leading(it)
	}
	t.printf("\n")
}

// leading prints the first errors and warnings of an item in the overview.
func (t *texter) leading(it *Item) {
	const most = 2
	shown := 0
	for j := range it.Findings {
		if f := &it.Findings[j]; f.Severity != mlx5model.Note && shown < most {
			t.printf("       %s at %s: %s\n", t.paint(mlx5model.RoleOf(f.Severity), fmt.Sprintf("[%d]", f.Number)), f.Where(), f.Text)
			shown++
		}
	}
}

// Where says where an item stands in the paste.
func (d *Document) Where(it *Item) string {
	switch line := d.Blocks[it.Block].Line; {
	case line == 0:
		return fmt.Sprintf("byte %#x", it.Offset)
	case it.Offset > 0:
		return fmt.Sprintf("line %d+%#x", line, it.Offset)
	default:
		return fmt.Sprintf("line %d", line)
	}
}

func (t *texter) item(i int) {
	it := t.Items[i]
	if i > 0 {
		t.printf("\n")
	}
	head := fmt.Sprintf("== #%d %s, %s", i+1, t.Format, t.Where(it))
	if source := t.Blocks[it.Block].Source; source != "" {
		head += ": " + source
	}
	t.printf("%s\n", t.s.Muted(head))
	if it.Syndrome != nil {
		t.syndrome(it)
	}
	if it.Match != nil {
		t.match(it)
	}
	if it.Dialect != nil && it.Error == "" {
		t.printf("%s\n", it.Dialect.Summary)
	}
	write := it.WriteText
	if t.brief {
		write = it.WriteHead
	}
	if err := write(t.out, t.paint); err != nil && t.err == nil {
		t.err = err
	}
}

// maxRecap bounds the lines of the recap.
const maxRecap = 12

// recap repeats the errors and warnings, a line for each.
func (t *texter) recap() {
	n := t.Errors + t.Warnings
	if n == 0 {
		return
	}
	t.printf("\n%s\n", t.s.Bold("== "+t.Counts()))
	shown := 0
	for i, it := range t.Items {
		for j := range it.Findings {
			f := &it.Findings[j]
			if f.Severity == mlx5model.Note {
				continue
			}
			if shown++; shown > maxRecap {
				t.printf("  … %d more\n", n-maxRecap)
				return
			}
			t.printf("  #%d %s at %s: %s\n", i+1, t.paint(mlx5model.RoleOf(f.Severity), fmt.Sprintf("[%d] %s", f.Number, f.Severity)), f.Where(), f.Text)
		}
	}
}

func (t *texter) match(it *Item) {
	text := it.Match.Text
	if it.Match.Item >= 0 {
		text += fmt.Sprintf(" (#%d)", it.Match.Item+1)
	}
	t.printf("%s\n", t.s.Warn("-> "+text))
}

func (t *texter) syndrome(it *Item) {
	e := it.Syndrome
	name := e.Name
	if name == "" {
		name = "unknown syndrome"
	}
	t.printf("%s\n", t.s.Bad(fmt.Sprintf("%s (%s%s)", name, e.Value, suffix(", the consumer sees ", e.Status))))
	t.wrapped("", e.Meaning)
	for _, c := range e.Causes {
		t.wrapped("- ", c)
	}
	if e.Vendor != "" {
		t.wrapped("", e.Vendor)
	}
	t.printf("  %s\n", t.s.Muted(e.Authority))
}

func suffix(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

// wrapped prints prose within the terminal's width, further lines under the
// first.
func (t *texter) wrapped(bullet, text string) {
	indent, width := "  ", max(40, min(t.s.Width(), 110))
	line := indent + bullet
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && style.Columns(line)+1+style.Columns(word) > width {
			t.printf("%s\n", line)
			line, empty = indent+strings.Repeat(" ", len(bullet)), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	t.printf("%s\n", line)
}

// paint gives a piece of an item's text its colour.
func (t *texter) paint(role mlx5model.Role, text string) string {
	switch role {
	case mlx5model.RoleTitle, mlx5model.RolePart:
		return t.s.Bold(text)
	case mlx5model.RoleName:
		return t.s.Accent(text)
	case mlx5model.RoleMuted, mlx5model.RoleNote:
		return t.s.Muted(text)
	case mlx5model.RoleGood:
		return t.s.Good(text)
	case mlx5model.RoleWarning:
		return t.s.Warn(text)
	case mlx5model.RoleError:
		return t.s.Bad(text)
	}
	return text
}
