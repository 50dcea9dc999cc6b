package picture

import (
	"bytes"
	"fmt"
	"html"
	"math/bits"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

// SVGOptions say what kind of picture SVG makes.
type SVGOptions struct {
	// ID begins the ids of the picture's elements; it must differ between the
	// pictures of one page, begin with a letter and hold letters, digits and '-'.
	ID string
	// Alone says that the picture is a file of its own: it then brings its
	// colours along.
	Alone bool
	// NoTitle leaves out what the page around the picture says itself: title,
	// answer, cost and blame.
	NoTitle bool
	// Bare leaves out the style element: the page around the picture has CSS in
	// a file, as its policy forbids styles in between.
	Bare bool
}

// CSS is the style of pictures beside that of pages.
const CSS = `.pf { fill-opacity: .2; stroke-opacity: .55; stroke-width: 1; } .pf:hover { fill-opacity: .55; }
.pa { stroke-opacity: .12; } .pe { fill-opacity: .18; } .pg { fill-opacity: .85; } .pn { fill: none; } .pd { stroke-dasharray: 4 3; }
svg text.ps { font-size: 11px; } svg text.ph { font-weight: 600; font-size: 13px; } svg text.pt { font-weight: 600; font-size: 16px; }
svg text.ps { pointer-events: none; } svg text.pm { text-anchor: middle; } svg text.pr { text-anchor: end; }
`

// Columns of the picture, in pixels.
const (
	memX, memW = 150, 190
	midX, midW = 470, 300
	strX, strW = 890, 150
	width      = 1180
)

// drawing is one picture under way.
type drawing struct {
	bytes.Buffer
	p     *Picture
	s     *Strategy
	o     SVGOptions
	axis  axis // of the stream
	bands []memBand
	left  map[Addr]int // flows that left a segment of memory, where they do by slices
}

// SVG draws what strategy s of p made of the list, as one svg element: memory
// at the left, the strategy's keys in the middle, the stream at the right.
// What stands for stream bytes has them in its attributes data-from and
// data-bytes, memory of one entry the entry, address and length in data-entry,
// data-addr and data-bytes.
func (p *Picture) SVG(s *Strategy, o SVGOptions) []byte {
	if o.ID == "" {
		o.ID = "p"
	}
	d := &drawing{p: p, s: s, o: o}
	var head drawing // its height must be known first
	head.p, head.s, head.o = p, s, o
	y := head.header()
	var bottom float64
	d.axis, d.bands, bottom = layout(p, s, y)
	bottom = max(bottom, y+float64(30+20*len(d.refusalLines()))) + 16
	foot := drawing{p: p, s: s, o: o}
	d.open(foot.legend(bottom))
	d.Write(head.Bytes())
	d.flows()
	d.memory()
	d.stream()
	d.regions(y)
	d.Write(foot.Bytes())
	d.WriteString("</svg>\n")
	return d.Bytes()
}

func (d *drawing) f(format string, args ...any) { fmt.Fprintf(d, format, args...) }

// open begins the element: style, name and description for those who do not see
// it, and the hatchings that stand beside colour.
func (d *drawing) open(h float64) {
	p, s, id := d.p, d.s, d.o.ID
	d.f(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" id="%s" role="img" aria-labelledby="%[5]s-t %[5]s-d">`+"\n", width, h, width, h, id)
	d.f("<title id=\"%s-t\">%s</title>\n", id, text(s.Name+" on "+p.name()))
	d.f("<desc id=\"%s-d\">%s</desc>\n", id, text(d.describe()))
	if d.o.Alone {
		d.WriteString(string(page.SVGStyle()))
	}
	if !d.o.Bare {
		d.f("<style>\n%s", CSS)
		d.follow()
		d.f("</style>\n")
	}
	d.f(`<defs>
<pattern id="%[1]s-w" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="bad-soft"/><line x1="0" y1="0" x2="0" y2="6" class="bad-line" stroke-width="2.4"/></pattern>
<pattern id="%[1]s-n" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="7" class="rule" stroke-width="1.6"/></pattern>
</defs>
<rect width="%[2]d" height="%.0[3]f" class="paper"/>
`, id, width, h)
}

// follow writes the rules by which the flows of an entry stand out while one
// points at any part of it.
func (d *drawing) follow() {
	for i := range d.p.List {
		if e := &d.p.List[i]; e.Skipped == 0 && e.Len > 0 {
			d.f("#%s:has(.e%d:hover) .pf:not(.e%[2]d) { fill-opacity: .015; stroke-opacity: .06; }\n", d.o.ID, e.Index)
		}
	}
}

// name is the case's, or what it is.
func (p *Picture) name() string {
	if p.Case == "" {
		return "a list"
	}
	return p.Case
}

// describe is the picture in a sentence or two.
func (d *drawing) describe() string {
	p, s := d.p, d.s
	text := fmt.Sprintf("A list of %s and %s in memory at the left, the byte stream that it stands for at the right. %s: %s.",
		entries(p.Entries), bytesIn(p.Bytes), s.Name, p.headline(s))
	if c := s.Cost.costs(); c != "" {
		text += " Cost: " + c + "."
	}
	if s.Refusal != nil {
		text += " Refused because " + p.reason(s.Refusal) + "."
	}
	if s.Blame != nil {
		text += " Wrong: " + s.Blame.Text + "."
	}
	return text
}

// header writes what stands above the columns and returns where they begin.
func (d *drawing) header() float64 {
	if d.o.NoTitle {
		return d.headings(20)
	}
	p, s := d.p, d.s
	d.label(16, 28, "pt", p.name()+" · "+s.Name, 110)
	y := 50.0
	d.label(16, y, "", fmt.Sprintf("%s, %s, pages of %s", entries(p.Entries), bytesIn(p.Bytes), size(p.PageSize))+
		and("offset", p.Offset != 0, size(p.Offset))+and("after DMA mapping", p.Mapped != nil, entries(p.MappedEntries))+and("mutant", p.Mutant != "", p.Mutant), 180)
	y += 20
	line, class := p.headline(s), ""
	if c := s.Cost.costs(); c != "" && s.Answer != "refused" {
		line += " · " + c
	}
	if s.Failed() {
		line, class = "FAILED · "+line, "bad"
	}
	d.label(16, y, class, line, 185)
	if s.Why != "" {
		y += 18
		d.label(16, y, "muted", "why: "+s.Why, 185)
	}
	if s.Blame != nil {
		y = d.blameBox(y + 14)
	}
	return d.headings(y + 34)
}

// headings writes what stands above each column.
func (d *drawing) headings(y float64) float64 {
	d.label(memX, y, "ph", "Memory", 30)
	d.label(midX, y, "ph", d.middle(), 40)
	d.label(strX, y, "ph", "Stream", 30)
	d.label(strX+55, y, "muted ps", "what the peer sees", 30)
	return y + aboveAll + 6
}

func and(what string, is bool, value string) string {
	if !is {
		return ""
	}
	return ", " + what + " " + value
}

// middle heads the middle column.
func (d *drawing) middle() string {
	switch {
	case len(d.s.Regions) == 0:
		return d.s.Name
	case d.s.Copies > 0:
		return "Bounce pages, which the HCA walks"
	case d.s.Initiator:
		return "What the HCA gathers from or scatters to"
	}
	return "What the HCA walks"
}

// blameBox writes what is wrong and returns where it ends.
func (d *drawing) blameBox(y float64) float64 {
	b := d.s.Blame
	lines := []string{}
	if b.Part == "" {
		lines = append(lines, wrap(b.Text, 165)...)
	} else {
		lines = append(lines, wrap("To blame: "+b.Text, 165)...)
		lines = append(lines, wrap(d.s.cause(), 165)...)
	}
	if b.Entry >= 0 {
		where := fmt.Sprintf("first at stream byte %s = entry %s, byte %s", commas(b.Stream), commas(b.Entry), commas(b.Off))
		if b.Differ > 0 {
			where += "; " + count(b.Differ, "byte") + " in all"
		}
		lines = append(lines, where)
	}
	h := float64(18*len(lines) + 12)
	if len(b.Got)+len(b.Expected) > 0 {
		h += 38
	}
	d.f(`<rect x="16" y="%.0f" width="%d" height="%.0f" rx="4" class="bad-soft bad-line" stroke-width="1"/>`+"\n", y, width-32, h)
	for i, l := range lines {
		class := ""
		if i == 0 {
			class = "ph bad"
		}
		d.label(28, y+20+float64(18*i), class, l, 170)
	}
	if at := y + 20 + float64(18*len(lines)); len(b.Got)+len(b.Expected) > 0 {
		d.label(28, at, "", "the list has", 20)
		d.label(130, at, "mono", hexText(b.Expected)+"  "+b.Want.at(), 120)
		d.label(28, at+18, "", "the peer gets", 20)
		d.label(130, at+18, "mono bad", hexText(b.Got)+"  "+b.Reaches.at(), 120)
	}
	return y + h
}

func (e *Extent) at() string {
	if e == nil {
		return ""
	}
	return "at " + e.Addr.String()
}

func hexText(b Bytes) string {
	if len(b) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("% x", []byte(b))
}

// wrap breaks text at blanks into lines of at most n runes, as far as it can.
func wrap(s string, n int) (lines []string) {
	line := ""
	for _, w := range strings.Fields(s) {
		if line != "" && len([]rune(line))+1+len([]rune(w)) > n {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	return append(lines, line)
}

// label writes text of at most n runes with its base line at y.
func (d *drawing) label(x, y float64, class, s string, n int) {
	if r := []rune(s); len(r) > n {
		s = string(r[:n-1]) + "…"
	}
	d.f(`<text x="%.0f" y="%.1f"`, x, y)
	if class != "" {
		d.f(` class="%s"`, class)
	}
	d.f(">%s</text>\n", text(s))
}

func text(s string) string { return html.EscapeString(s) }

// band is a flow between two columns: from the height a0–a1 at x0 to b0–b1 at
// x1.
func (d *drawing) band(class, title string, x0, a0, a1, x1, b0, b1 float64) {
	m := (x0 + x1) / 2
	d.f(`<path class="%s" d="M%.0f %.1fC%.0f %.1f %.0f %.1f %.0f %.1fV%.1fC%.0f %.1f %.0f %.1f %.0f %.1fZ"><title>%s</title></path>`+"\n",
		class, x0, a0, m, a0, m, b0, x1, b0, max(b1, b0+1), m, b1, m, a1, x0, a1, text(title))
}

// legend explains below y what is not said elsewhere, and returns where it
// ends.
func (d *drawing) legend(y float64) float64 {
	d.f(`<line x1="16" y1="%.0f" x2="%d" y2="%.0f" class="rule"/>`+"\n", y, width-16, y)
	x := 16.0
	item := func(is bool, shape, s string) {
		w := 44 + 6.1*float64(len([]rune(s)))
		if !is {
			return
		}
		if x+w > width-16 {
			x, y = 16, y+20
		}
		d.f(shape, x, y+12)
		d.label(x+30, y+23, "ps", s, 60)
		x += w
	}
	wrong := false
	for i := range d.s.Regions {
		wrong = wrong || slices.ContainsFunc(d.s.Regions[i].Pieces, func(q Piece) bool { return q.Wrong })
	}
	pages := len(d.s.Regions) > 0 && d.s.Regions[0].Kind == KindMTT
	hatch := `<rect x="%.0f" y="%.0f" width="22" height="14" fill="url(#` + d.o.ID + `-`
	item(true, `<rect x="%.0f" y="%.0f" width="22" height="14" class="s0 l0 pe"/>`, "bytes of an entry, in its colour")
	item(true, hatch+`n)" class="rule"/>`, "no entry names it, or left out")
	item(bits.OnesCount64(d.p.PageSize) == 1, `<path d="M%.0f %.0fm0 7h22" class="edge pd" stroke-width="1.5"/>`, "page border of "+size(d.p.PageSize))
	item(pages, `<path d="M%.0f %.0fm7 -1h9v16h-9z" class="paper edge"/><path d="M%[1]f %[2]fm7 5h9v10h-9z" class="s0"/>`, "part of a page that is used")
	item(d.s.Copies > 0, `<rect x="%.0f" y="%.0f" width="22" height="14" class="s0 l0 pe pd"/>`, "bytes that are copied")
	item(wrong, hatch+`w)" class="bad-line"/>`, "wrong")
	item(wrong, `<path d="M%.0f %.0fm0 7h22" class="edge pd" stroke-width="2"/>`, "where the list has it")
	y += 20
	d.label(16, y+23, "muted ps", "Heights grow with the logarithm of the length. Point at a shape for its numbers and the way of its bytes.", 120)
	return y + 32
}
