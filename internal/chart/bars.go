package chart

import (
	"fmt"
	"html/template"
	"io"
	"math"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

// Values are one series of a bar chart.
type Values struct {
	Name string    // in the legend; needed if there are several series
	V    []float64 // one a label; must not be below 0
	Bad  bool      // in the colour of what is wrong, not the series' own
}

// Bars are horizontal bars, one a label, from top to bottom. Several series are
// stacked from left to right.
type Bars struct {
	Title  string
	Labels []string
	Series []Values
	Axis   Axis // of the values; logarithmic only for one series
	// Notes stand at the ends of the bars, one a label; nil for the values, or
	// the sums of what is stacked.
	Notes []string
}

// WriteSVG writes the picture as a file of its own. Errors are those of the
// package, and w's.
func (b *Bars) WriteSVG(w io.Writer) error { return writeAlone(w, b) }

// SVG is the picture as an element for a page.
func (b *Bars) SVG() (template.HTML, error) { return inPage(b) }

func (b *Bars) name() string { return b.Title }

// Sizes of bars.
const (
	barPitch  = 24.0
	barHeight = 15.0
)

// total is the length of bar i, NaN if nothing is there.
func (b *Bars) total(i int) float64 {
	sum := math.NaN()
	for _, s := range b.Series {
		if v := s.V[i]; !math.IsNaN(v) {
			if math.IsNaN(sum) {
				sum = 0
			}
			sum += v
		}
	}
	return sum
}

func (b *Bars) check() error {
	if len(b.Labels) == 0 || len(b.Series) == 0 {
		return ErrNoData
	}
	if len(b.Series) > 1 && b.Axis.Scale != Linear {
		return fmt.Errorf("%w: stacks on a logarithmic axis", ErrValue)
	}
	if b.Notes != nil && len(b.Notes) != len(b.Labels) {
		return fmt.Errorf("%w: %d notes, %d labels", ErrShape, len(b.Notes), len(b.Labels))
	}
	for _, s := range b.Series {
		if len(s.V) != len(b.Labels) {
			return fmt.Errorf("%w: %q has %d values for %d labels", ErrShape, s.Name, len(s.V), len(b.Labels))
		}
		for _, v := range s.V {
			if v < 0 {
				return fmt.Errorf("%w: %v in %q", ErrValue, v, s.Name)
			}
		}
	}
	return nil
}

func (b *Bars) draw(c *canvas) (float64, error) {
	if err := b.check(); err != nil {
		return 0, err
	}
	totals, notes := make([]float64, len(b.Labels)), b.Notes
	left, right := 0.0, 0.0
	for i := range totals {
		totals[i] = b.total(i)
		if b.Notes == nil {
			notes = append(notes, b.Axis.format(totals[i]))
		}
		left, right = max(left, textWidth(b.Labels[i])), max(right, textWidth(notes[i]))
	}
	left += gap
	r, err := b.Axis.ruler(totals, left, width-right-2*gap)
	if err != nil {
		return 0, err
	}
	c.title(b.Title)
	top := titleRoom + b.legend(c)
	bottom := top + barPitch*float64(len(b.Labels))
	r.grid(c, top, bottom)
	for i := range b.Labels {
		b.bar(c, r, i, top+barPitch*float64(i), notes[i])
	}
	return bottom + r.footer(c, bottom), nil
}

// legend names the series and says how high that is.
func (b *Bars) legend(c *canvas) float64 {
	if len(b.Series) < 2 {
		return 0
	}
	x, y := 0.0, float64(titleRoom)
	for i, s := range b.Series {
		w := 14 + textWidth(s.Name) + 2*gap
		if x > 0 && x+w > width {
			x, y = 0, y+lineHeight
		}
		c.add("rect", "class", b.class(i), "x", px(x), "y", px(y), "width", "10", "height", "10")
		c.text(x+14, y+10, "start", "", s.Name)
		x += w
	}
	return y + lineHeight + gap - titleRoom
}

// class is that of series i's bars.
func (b *Bars) class(i int) string {
	if b.Series[i].Bad {
		return "bad-fill"
	}
	return colour("s", i)
}

// colour is the class of series i.
func colour(kind string, i int) string { return fmt.Sprintf("%s%d", kind, i%page.Series) }

func (b *Bars) bar(c *canvas, r *ruler, i int, y float64, note string) {
	c.text(r.from-gap, y+barHeight-2, "end", "", b.Labels[i])
	at, sum := r.from, 0.0
	for k, s := range b.Series {
		v := s.V[i]
		if math.IsNaN(v) {
			continue
		}
		sum += v
		if !r.shows(sum) {
			continue
		}
		end := r.at(sum)
		if end-at >= 0.05 {
			e := c.add("rect", "class", b.class(k), "x", px(at), "y", px(y+2), "width", px(end-at), "height", px(barHeight))
			e.tip("%s", join(b.Labels[i], s.Name, b.Axis.format(v)))
		}
		at = end
	}
	c.text(at+gap/2, y+barHeight-2, "start", "muted", note)
}

// join is "label, name: value"; the name may be missing.
func join(label, name, value string) string {
	if name != "" {
		label += ", " + name
	}
	return label + ": " + value
}

// grid draws the ticks of a horizontal axis.
func (r *ruler) grid(c *canvas, top, bottom float64) {
	for _, v := range r.ticks() {
		x := r.at(v)
		c.line("rule", x, top, x, bottom)
		c.text(x, bottom+lineHeight, "middle", "muted", r.format(v))
	}
	c.line("edge", r.from, top, r.from, bottom)
}

// footer writes a horizontal axis's label and says how high ticks and label are.
func (r *ruler) footer(c *canvas, bottom float64) float64 {
	if r.Label == "" {
		return lineHeight + gap
	}
	c.text((r.from+r.to)/2, bottom+2*lineHeight+2, "middle", "", r.Label)
	return 2*lineHeight + gap
}
