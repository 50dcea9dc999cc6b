package bench

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// The picture is three lines over two logarithmic axes, written as SVG with
// encoding/xml: gonum's plot would bring a dozen modules into this one, and
// the small SVG writers have seen no release for years.

// Sizes of the picture in pixels.
const (
	plotWidth, plotHeight = 760, 520
	plotLeft, plotRight   = 80, 170 // margins
	plotTop, plotBottom   = 30, 60
)

type svg struct {
	XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	ViewBox string   `xml:"viewBox,attr"`
	Width   int      `xml:"width,attr"`
	Height  int      `xml:"height,attr"`
	Font    string   `xml:"font-family,attr"`
	Size    int      `xml:"font-size,attr"`
	Parts   []any
}

type svgLine struct {
	XMLName xml.Name `xml:"polyline"`
	Points  string   `xml:"points,attr"`
	Stroke  string   `xml:"stroke,attr"`
	Width   string   `xml:"stroke-width,attr"`
	Dash    string   `xml:"stroke-dasharray,attr,omitempty"`
	Fill    string   `xml:"fill,attr"`
}

type svgDot struct {
	XMLName xml.Name `xml:"circle"`
	X       string   `xml:"cx,attr"`
	Y       string   `xml:"cy,attr"`
	R       int      `xml:"r,attr"`
	Fill    string   `xml:"fill,attr"`
}

type svgRect struct {
	XMLName xml.Name `xml:"rect"`
	Width   string   `xml:"width,attr"`
	Height  string   `xml:"height,attr"`
	Fill    string   `xml:"fill,attr"`
}

type svgText struct {
	XMLName   xml.Name `xml:"text"`
	X         string   `xml:"x,attr"`
	Y         string   `xml:"y,attr"`
	Anchor    string   `xml:"text-anchor,attr"`
	Transform string   `xml:"transform,attr,omitempty"`
	Fill      string   `xml:"fill,attr"`
	Text      string   `xml:",chardata"`
}

// colours are told apart by the colour-blind too (Okabe and Ito's palette).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// plot is a picture and its scales.
type plot struct {
	svg
	xLow, xHigh float64 // logarithms to base 2 of n
	yLow, yHigh float64 // logarithms to base 10 of ns
}

// WriteSVG draws the series: time against the number of entries, both on
// logarithmic axes, and in grey what linear growth from the first point of
// each would be.
func WriteSVG(w io.Writer, all []Series) error {
	p := newPlot(all)
	p.axes()
	for i, s := range all {
		p.series(s, colours[i%len(colours)])
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	if err := enc.Encode(p.svg); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func newPlot(all []Series) *plot {
	p := &plot{xLow: math.Inf(1), xHigh: math.Inf(-1), yLow: math.Inf(1), yHigh: math.Inf(-1)}
	for _, s := range all {
		for _, q := range s.Points {
			x, y := math.Log2(float64(q.N)), math.Log10(q.Ns)
			p.xLow, p.xHigh = min(p.xLow, x), max(p.xHigh, x)
			p.yLow, p.yHigh = min(p.yLow, math.Floor(y)), max(p.yHigh, math.Ceil(y))
		}
	}
	p.svg = svg{
		ViewBox: fmt.Sprintf("0 0 %d %d", plotWidth, plotHeight), Width: plotWidth, Height: plotHeight,
		Font: "sans-serif", Size: 12, Parts: []any{svgRect{Width: "100%", Height: "100%", Fill: "#fff"}},
	}
	return p
}

// x and y give places for logarithms.
func (p *plot) x(log2 float64) float64 {
	return plotLeft + (log2-p.xLow)/(p.xHigh-p.xLow)*(plotWidth-plotLeft-plotRight)
}

func (p *plot) y(log10 float64) float64 {
	return plotHeight - plotBottom - (log10-p.yLow)/(p.yHigh-p.yLow)*(plotHeight-plotTop-plotBottom)
}

func px(v float64) string { return fmt.Sprintf("%.1f", v) }

func at(x, y float64) string { return px(x) + "," + px(y) }

func (p *plot) line(colour, width, dash string, points ...string) {
	p.Parts = append(p.Parts, svgLine{Points: strings.Join(points, " "), Stroke: colour, Width: width, Dash: dash, Fill: "none"})
}

func (p *plot) text(x, y float64, anchor, colour, text string) {
	p.Parts = append(p.Parts, svgText{X: px(x), Y: px(y), Anchor: anchor, Fill: colour, Text: text})
}

const (
	black = "#222"
	grey  = "#bbb"
	faint = "#e6e6e6"
)

func (p *plot) axes() {
	left, right, top, bottom := p.x(p.xLow), p.x(p.xHigh), p.y(p.yHigh), p.y(p.yLow)
	for v := p.yLow; v <= p.yHigh; v++ {
		p.line(faint, "1", "", at(left, p.y(v)), at(right, p.y(v)))
		p.text(left-8, p.y(v)+4, "end", black, duration(v))
	}
	for v := math.Ceil(p.xLow); v <= p.xHigh; v += 2 {
		p.line(faint, "1", "", at(p.x(v), top), at(p.x(v), bottom))
		p.text(p.x(v), bottom+18, "middle", black, fmt.Sprintf("%.0f", math.Exp2(v)))
	}
	p.line(black, "1", "", at(left, top), at(left, bottom), at(right, bottom))
	p.text((left+right)/2, plotHeight-16, "middle", black, "entries in the list")
	p.Parts = append(p.Parts, svgText{
		X: "0", Y: "0", Anchor: "middle", Fill: black, Text: "time for the list",
		Transform: fmt.Sprintf("translate(18 %.1f) rotate(-90)", (top+bottom)/2),
	})
}

// duration names 10^v ns.
func duration(v float64) string {
	unit := []string{"ns", "µs", "ms", "s"}
	i := min(max(int(v)/3, 0), len(unit)-1)
	return fmt.Sprintf("%.0f %s", math.Pow10(int(v)-3*i), unit[i])
}

func (p *plot) series(s Series, colour string) {
	var points []string
	first, last := s.Points[0], s.Points[len(s.Points)-1]
	for _, q := range s.Points {
		x, y := p.x(math.Log2(float64(q.N))), p.y(math.Log10(q.Ns))
		points = append(points, at(x, y))
	}
	linear := math.Log10(first.Ns) + math.Log10(float64(last.N)/float64(first.N))
	if linear <= p.yHigh {
		p.line(grey, "1", "4 3", points[0], at(p.x(math.Log2(float64(last.N))), p.y(linear)))
	}
	p.line(colour, "2", "", points...)
	for _, q := range s.Points {
		p.Parts = append(p.Parts, svgDot{X: px(p.x(math.Log2(float64(q.N)))), Y: px(p.y(math.Log10(q.Ns))), R: 3, Fill: colour})
	}
	y := p.y(math.Log10(last.Ns))
	p.text(p.x(p.xHigh)+10, y, "start", colour, s.Name)
	p.text(p.x(p.xHigh)+10, y+15, "start", colour, fmt.Sprintf("slope %.3f", s.Slope))
}
