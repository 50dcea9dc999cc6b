package chart

import (
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

// Sizes in pixels, for the 12-pixel text of package page.
const (
	width      = 760
	glyph      = 7.4 // width of a character in a wide font
	lineHeight = 16
	gap        = 8
	titleRoom  = 28
)

// element is an SVG element.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []*element
}

// root is the picture; Style stands in front of its elements.
type root struct {
	XMLName xml.Name `xml:"svg"`
	NS      string   `xml:"xmlns,attr"`
	ViewBox string   `xml:"viewBox,attr"`
	Width   string   `xml:"width,attr"`
	Height  string   `xml:"height,attr"`
	Role    string   `xml:"role,attr"`
	Label   string   `xml:"aria-label,attr"`
	Style   string   `xml:",innerxml"`
}

// canvas collects elements.
type canvas struct {
	parts []*element
}

// add appends an element with attributes in pairs of name and value.
func (c *canvas) add(name string, pairs ...string) *element {
	e := &element{XMLName: xml.Name{Local: name}}
	for i := 0; i < len(pairs); i += 2 {
		e.set(pairs[i], pairs[i+1])
	}
	c.parts = append(c.parts, e)
	return e
}

// set adds an attribute.
func (e *element) set(name, value string) *element {
	e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
	return e
}

// tip is the text shown when e is pointed at.
func (e *element) tip(format string, args ...any) {
	e.Kids = append(e.Kids, &element{XMLName: xml.Name{Local: "title"}, Text: fmt.Sprintf(format, args...)})
}

// px is a length or place in pixels.
func px(v float64) string { return fmt.Sprintf("%.1f", v) }

// text writes at the baseline's start, middle or end, as anchor says.
func (c *canvas) text(x, y float64, anchor, class, text string) *element {
	e := c.add("text", "x", px(x), "y", px(y), "text-anchor", anchor)
	if class != "" {
		e.set("class", class)
	}
	e.Text = text
	return e
}

func (c *canvas) title(text string) {
	c.text(0, lineHeight, "start", "", text).set("style", "font-weight: 600; font-size: 13px")
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	c.add("line", "class", class, "x1", px(x1), "y1", px(y1), "x2", px(x2), "y2", px(y2))
}

// textWidth estimates how wide a text is: the font is the reader's.
func textWidth(s string) float64 { return glyph * float64(len([]rune(s))) }

// encode writes the picture; style is "" inside a page.
func (c *canvas) encode(w io.Writer, title string, height float64, style string) error {
	var b strings.Builder
	b.WriteString("\n" + style)
	enc := xml.NewEncoder(&b)
	enc.Indent("", " ")
	for _, p := range c.parts {
		if err := enc.Encode(p); err != nil {
			return err
		}
	}
	b.WriteString("\n")
	r := root{
		NS: "http://www.w3.org/2000/svg", ViewBox: fmt.Sprintf("0 0 %d %.0f", width, height),
		Width: fmt.Sprint(width), Height: fmt.Sprintf("%.0f", height), Role: "img", Label: title, Style: b.String(),
	}
	if err := xml.NewEncoder(w).Encode(r); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// drawing is a chart: draw fills a canvas and gives its height.
type drawing interface {
	draw(c *canvas) (height float64, err error)
	name() string
}

// writeAlone writes a file: with colours of its own and a ground.
func writeAlone(w io.Writer, d drawing) error {
	var c canvas
	c.add("rect", "class", "paper", "width", "100%", "height", "100%")
	height, err := d.draw(&c)
	if err != nil {
		return err
	}
	return c.encode(w, d.name(), height, string(page.SVGStyle()))
}

// inPage is the element for a page.
func inPage(d drawing) (template.HTML, error) {
	var c canvas
	height, err := d.draw(&c)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := c.encode(&b, d.name(), height, ""); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}
