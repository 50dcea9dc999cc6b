package chart

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

// Point is a point of a line; X or Y may be NaN for a hole.
type Point struct{ X, Y float64 }

// Line is one line of a chart.
type Line struct {
	Name   string // stands at its end
	Note   string // under the name; may be empty
	Points []Point
	// Guide makes it a dashed grey line without marks, to compare others with.
	Guide bool
}

// Lines are lines over two axes.
type Lines struct {
	Title string
	X, Y  Axis
	Lines []Line
}

// WriteSVG writes the picture as a file of its own. Errors are those of the
// package, and w's.
func (l *Lines) WriteSVG(w io.Writer) error { return writeAlone(w, l) }

// SVG is the picture as an element for a page.
func (l *Lines) SVG() (template.HTML, error) { return inPage(l) }

func (l *Lines) name() string { return l.Title }

// plotHeight is that of the part between the axes, in pixels.
const plotHeight = 340

func (l *Lines) draw(c *canvas) (float64, error) {
	var xs, ys []float64
	right := 0.0
	for i := range l.Lines {
		line := &l.Lines[i]
		if !line.Guide {
			right = max(right, textWidth(line.Name), textWidth(line.Note))
		}
		for _, p := range line.Points {
			if l.X.shows(p.X) && l.Y.shows(p.Y) && !line.Guide {
				xs, ys = append(xs, p.X), append(ys, p.Y)
			}
		}
	}
	top, bottom := float64(titleRoom+gap), float64(titleRoom+gap+plotHeight)
	y, err := l.Y.ruler(ys, bottom, top)
	if err != nil {
		return 0, err
	}
	left := lineHeight + y.labels() + gap
	x, err := l.X.ruler(xs, left, width-right-3*gap)
	if err != nil {
		return 0, err
	}
	c.title(l.Title)
	x.grid(c, top, bottom)
	y.side(c, x.from, x.to)
	for i := range l.Lines {
		l.Lines[i].draw(c, x, y, i)
	}
	l.names(c, x, y)
	return bottom + x.footer(c, bottom), nil
}

// labels is the width of a vertical axis's ticks.
func (r *ruler) labels() float64 {
	w := 0.0
	for _, v := range r.ticks() {
		w = max(w, textWidth(r.format(v)))
	}
	return w + gap
}

// side draws the ticks and label of a vertical axis.
func (r *ruler) side(c *canvas, left, right float64) {
	for _, v := range r.ticks() {
		y := r.at(v)
		c.line("rule", left, y, right, y)
		c.text(left-gap, y+4, "end", "muted", r.format(v))
	}
	c.line("edge", left, r.from, right, r.from)
	if r.Label != "" {
		c.text(0, 0, "middle", "", r.Label).set("transform", fmt.Sprintf("translate(%d %s) rotate(-90)", lineHeight-4, px((r.from+r.to)/2)))
	}
}

// draw draws a line and its marks, with a hole where a value is missing.
func (l *Line) draw(c *canvas, x, y *ruler, i int) {
	var run []string
	flush := func() {
		if len(run) > 1 {
			e := c.add("polyline", "points", strings.Join(run, " "), "fill", "none")
			if l.Guide {
				e.set("class", "edge").set("stroke-dasharray", "4 3")
			} else {
				e.set("class", colour("l", i)).set("stroke-width", "2")
			}
		}
		run = run[:0]
	}
	for _, p := range l.Points {
		if !x.shows(p.X) || !y.shows(p.Y) {
			flush()
			continue
		}
		run = append(run, px(x.at(p.X))+","+px(y.at(p.Y)))
	}
	flush()
	if l.Guide {
		return
	}
	for _, p := range l.Points {
		if x.shows(p.X) && y.shows(p.Y) {
			mark(c, i, x.at(p.X), y.at(p.Y)).tip("%s", join(l.Name, x.format(p.X), y.format(p.Y)))
		}
	}
}

// mark draws the shape of line i: circle, square, diamond or triangle. Where
// the colours begin anew the shapes do not.
func mark(c *canvas, i int, x, y float64) *element {
	class := colour("s", i)
	switch (i + i/page.Series) % 4 {
	case 0:
		return c.add("circle", "class", class, "cx", px(x), "cy", px(y), "r", "3.5")
	case 1:
		return c.add("rect", "class", class, "x", px(x-3.2), "y", px(y-3.2), "width", "6.4", "height", "6.4")
	case 2:
		return c.add("path", "class", class, "d", fmt.Sprintf("M%s %sl4.5 4.5l-4.5 4.5l-4.5 -4.5z", px(x), px(y-4.5)))
	}
	return c.add("path", "class", class, "d", fmt.Sprintf("M%s %sl4.2 7.4h-8.4z", px(x), px(y-4.6)))
}

// label is a line's name on its way to its place.
type label struct {
	line      int
	at, drawn float64 // where the line ends and where its name goes
	height    float64
}

// names writes each line's name beside its last point, with its mark in front.
func (l *Lines) names(c *canvas, x, y *ruler) {
	var all []label
	for i := range l.Lines {
		line := &l.Lines[i]
		for _, p := range slices.Backward(line.Points) {
			if line.Guide || !x.shows(p.X) || !y.shows(p.Y) {
				continue
			}
			n := label{line: i, at: y.at(p.Y), height: lineHeight}
			if line.Note != "" {
				n.height *= 2
			}
			all = append(all, n)
			break
		}
	}
	spread(all, y.to, y.from+lineHeight)
	for _, n := range all {
		mark(c, n.line, x.to+gap+2, n.drawn)
		c.text(x.to+2*gap+2, n.drawn+4, "start", "", l.Lines[n.line].Name)
		if n.height > lineHeight {
			c.text(x.to+2*gap+2, n.drawn+4+lineHeight, "start", "muted", l.Lines[n.line].Note)
		}
	}
}

// spread pushes names down where they would overlap, and back up where that
// went past the bottom.
func spread(all []label, top, bottom float64) {
	slices.SortStableFunc(all, func(a, b label) int { return cmp.Compare(a.at, b.at) })
	for i := range all {
		all[i].drawn = max(all[i].at, top)
		top = all[i].drawn + all[i].height
	}
	for i := range slices.Backward(all) {
		all[i].drawn = min(all[i].drawn, bottom-all[i].height)
		bottom = all[i].drawn
	}
}
