// Package style colours and measures text for a terminal. Colour is used only
// if the output is a terminal that can show it and NO_COLOR is not set
// (no-color.org); otherwise every method returns its text as it is.
package style

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/fatih/color"
	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// DefaultWidth is the width of an output that has none, in columns.
const DefaultWidth = 80

// Style is how text looks on one output. The zero Style is plain.
type Style struct {
	colour bool
	width  int
}

// For looks at an output: w is the writer behind all buffers; getenv is
// os.Getenv or a replacement. The width of what is not a terminal is COLUMNS
// if that is set, DefaultWidth else.
func For(w io.Writer, getenv func(string) string) Style {
	s := Style{width: DefaultWidth}
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		s.width = n
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.colour = getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
		s.width = n
	}
	return s
}

// Forced is a Style with colour and a width, for tests.
func Forced(width int) Style { return Style{colour: true, width: width} }

// Width is the number of columns of the output, at least 1.
func (s Style) Width() int {
	if s.width == 0 {
		return DefaultWidth
	}
	return s.width
}

// Colour tells whether text is coloured.
func (s Style) Colour() bool { return s.colour }

func (s Style) paint(text string, attributes ...color.Attribute) string {
	if !s.colour || text == "" {
		return text
	}
	c := color.New(attributes...)
	c.EnableColor()
	return c.Sprint(text)
}

// Bold is for headings.
func (s Style) Bold(text string) string { return s.paint(text, color.Bold) }

// Muted is for what matters less.
func (s Style) Muted(text string) string { return s.paint(text, color.Faint) }

// Accent is for names that the eye looks for.
func (s Style) Accent(text string) string { return s.paint(text, color.FgCyan) }

// Good is for what passed.
func (s Style) Good(text string) string { return s.paint(text, color.FgGreen) }

// Warn is for what may be wrong.
func (s Style) Warn(text string) string { return s.paint(text, color.FgYellow) }

// Bad is for what is wrong.
func (s Style) Bad(text string) string { return s.paint(text, color.FgRed, color.Bold) }

var series = []color.Attribute{color.FgBlue, color.FgYellow, color.FgGreen, color.FgMagenta, color.FgRed, color.FgCyan, color.FgHiYellow, color.FgHiBlue}

// Series is for things told apart by colour: number i, round and round.
func (s Style) Series(i int, text string) string { return s.paint(text, series[i%len(series)]) }

// Columns is the number of columns that text takes, colours not counted.
func Columns(text string) int { return uniseg.StringWidth(plain(text)) }

// plain is text without the colours of this package.
func plain(text string) string {
	if !strings.Contains(text, "\x1b[") {
		return text
	}
	var b strings.Builder
	for {
		head, tail, ok := strings.Cut(text, "\x1b[")
		b.WriteString(head)
		if !ok {
			return b.String()
		}
		_, text, _ = strings.Cut(tail, "m")
	}
}

// Pad appends blanks up to n columns.
func Pad(text string, n int) string { return text + strings.Repeat(" ", max(0, n-Columns(text))) }

// PadLeft prepends blanks up to n columns.
func PadLeft(text string, n int) string { return strings.Repeat(" ", max(0, n-Columns(text))) + text }

// Cut is text without colours, shortened to n columns with an ellipsis at its
// end if it is longer. n is at least 1.
func Cut(text string, n int) string {
	if Columns(text) <= n {
		return text
	}
	var b strings.Builder
	g, left := uniseg.NewGraphemes(plain(text)), n-1
	for g.Next() && g.Width() <= left {
		b.WriteString(g.Str())
		left -= g.Width()
	}
	return b.String() + "…"
}
