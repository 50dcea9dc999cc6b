package picture

import (
	"fmt"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

// maxTicks is how many page borders of a band are drawn; of more, the first and
// the last are.
const maxTicks = 24

func series(entry int) int { return entry % page.Series }

// memory draws the left column.
func (d *drawing) memory() {
	d.f("<g>\n")
	for i := range d.bands {
		b := &d.bands[i]
		if b.Gap > 0 && i > 0 {
			y := (d.bands[i-1].bottom + b.top) / 2
			d.f(`<path d="M%d %.1fl8 -4l8 8l8 -8l8 8l8 -4" class="pn edge" transform="translate(%d 0)"/>`+"\n", memX, y, memW/2-20)
			d.label(memX-8, y+4, "muted ps pr", "gap of "+size(b.Gap), 20)
		}
		for k := range b.Segments {
			d.segment(b, &b.Segments[k])
		}
		d.f(`<rect x="%d" y="%.1f" width="%d" height="%.1f" class="pn edge"/>`+"\n", memX, b.top, memW, b.bottom-b.top)
		d.pageBorders(b)
		for k := range b.Segments {
			d.segmentLabels(b, &b.Segments[k])
		}
	}
	d.f("</g>\n")
}

// place is where a segment of a band begins and ends.
func (b *memBand) place(m *Segment) (y0, y1 float64) {
	off := uint64(m.Addr - b.Addr)
	if off+m.Len < off || m.Len == 0 {
		return b.begin(off), b.bottom
	}
	return b.begin(off), b.end(off + m.Len)
}

func (d *drawing) segment(b *memBand, m *Segment) {
	y0, y1 := b.place(m)
	title := fmt.Sprintf("%v + %s: ", m.Addr, commas(m.Len))
	class, fill := "", ""
	switch {
	case b.foreign:
		title, class, fill = title+"outside the list: a wrong descriptor reaches it", "bad-line", ` fill="url(#`+d.o.ID+`-w)"`
	case m.Named == 0:
		title, class, fill = title+"no entry names it", "rule", ` fill="url(#`+d.o.ID+`-n)"`
	case m.Named == 1:
		title, class = title+m.named(), fmt.Sprintf("s%d pe", series(m.Entries[0]))
	default:
		title, class = title+m.named(), "raised edge"
	}
	if m.Named == 1 {
		d.f(`<g data-entry="%d" data-addr="%v" data-bytes="%d">`, m.Entries[0], m.Addr, m.Len)
	} else {
		d.f(`<g>`)
	}
	d.f(`<title>%s</title><rect x="%d" y="%.1f" width="%d" height="%.1f" class="%s"%s/>`, text(title), memX, y0, memW, y1-y0, class, fill)
	if m.Named == 1 {
		d.f(`<rect x="%d" y="%.1f" width="4" height="%.1f" class="s%d pg"/>`, memX, y0, y1-y0, series(m.Entries[0]))
	}
	d.f("</g>\n")
}

func (d *drawing) segmentLabels(b *memBand, m *Segment) {
	if m.Named == 0 && !b.foreign {
		return
	}
	y0, y1 := b.place(m)
	d.label(memX-8, y0+12, "mono ps pr", m.Addr.String(), 20)
	words := m.named()
	if b.foreign {
		words = "outside the list"
	}
	d.label(memX+10, (y0+y1)/2+4, "ps px", words+", "+size(m.Len), 32)
}

// closest is how near to each other page borders may be drawn, in pixels.
const closest = 7

// pageBorders draws the borders of the pages of a band: all, or if they are too
// many or too close the first and the last two.
func (d *drawing) pageBorders(b *memBand) {
	page := d.p.PageSize
	if bits.OnesCount64(page) != 1 || b.foreign || b.Len == 0 {
		return
	}
	n := b.Len / page
	all := n <= maxTicks
	for i := uint64(1); all && i <= n; i++ {
		all = b.begin(i*page)-b.begin((i-1)*page) >= closest
	}
	for i := uint64(0); i <= n; i++ {
		if !all && i == 2 && n > 3 {
			i = n - 1
		}
		d.f(`<path d="M%d %.1fh%d" class="edge pd" stroke-width="1.5"/>`+"\n", memX-6, b.begin(i*page), memW+12)
	}
	if !all {
		d.label(memX+memW-6, b.top+13, "muted ps pr px", commas(n)+" pages", 20)
	}
}

// stream draws the right column.
func (d *drawing) stream() {
	d.f("<g>\n")
	for i := range d.p.List {
		e := &d.p.List[i]
		y0, y1 := d.axis.begin(e.Stream), d.axis.end(e.Stream+e.Len)
		switch {
		case e.Skipped > 0:
			d.f(`<rect x="%d" y="%.1f" width="%d" height="%.1f" fill="url(#%s-n)" class="rule"/>`+"\n", strX, y0, strW, y1-y0, d.o.ID)
			d.halo(strX+strW/2, (y0+y1)/2+4, fmt.Sprintf("… %s more entries …", commas(e.Skipped)))
		case e.Len == 0:
			d.f(`<path d="M%d %.1fh%d" class="edge" stroke-width="1"><title>%s</title></path>`+"\n", strX, y0, strW, text(fmt.Sprintf("entry %d at %v is empty", e.Index, e.Addr)))
			continue
		default:
			title := fmt.Sprintf("entry %d: %v + %s, stream bytes %s to %s", e.Index, e.Addr, commas(e.Len), commas(e.Stream), commas(e.Stream+e.Len-1))
			d.f(`<g data-from="%d" data-bytes="%d">`, e.Stream, e.Len)
			d.f(`<title>%s</title><rect x="%d" y="%.1f" width="%d" height="%.1f" class="s%d l%[6]d pe"/><rect x="%[2]d" y="%.1[3]f" width="4" height="%.1[5]f" class="s%[6]d pg"/>`, text(title), strX, y0, strW, y1-y0, series(e.Index))
			d.label(strX+10, (y0+y1)/2+4, "ps", fmt.Sprintf("entry %s, %s", commas(e.Index), size(e.Len)), 24)
			d.f("</g>\n")
		}
		d.label(strX+strW+8, y0+11, "mono ps muted", commas(e.Stream), 20)
	}
	if n := len(d.axis.at); n > 0 && d.p.Bytes > 0 {
		d.label(strX+strW+8, d.axis.end(d.p.Bytes)+8, "mono ps muted", commas(d.p.Bytes), 20)
	}
	if r := d.s.Refusal; r != nil && r.Entry >= 0 {
		y := d.axis.begin(r.Stream)
		d.f(`<path d="M%d %.1fH%d" class="bad-line" stroke-width="2"/>`+"\n", strX-14, y, strX+strW+14)
		d.label(strX+strW+18, y-3, "bad ps", "refused here", 20)
	}
	d.f("</g>\n")
}

// halo is text in the middle of x that stays readable on a hatching.
func (d *drawing) halo(x, y float64, s string) {
	w := 6.2*float64(len([]rune(s))) + 10
	d.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="15" class="paper" rx="3"/>`, x-w/2, y-11.5, w)
	d.label(x, y, "ps pm", s, 60)
}

// regions draws the middle column.
func (d *drawing) regions(top float64) {
	d.f("<g>\n")
	lines := d.refusalLines()
	if len(d.s.Regions) == 0 {
		d.f(`<rect x="%d" y="%.1f" width="%d" height="%d" rx="4" class="raised edge"/>`+"\n", midX, top, midW, 16+18*len(lines))
		for i, l := range lines {
			d.label(midX+12, top+20+float64(18*i), "", l, 60)
		}
	}
	for i := range d.s.Regions {
		if g := &d.s.Regions[i]; !g.Aux {
			d.region(i, g)
		}
	}
	d.f("</g>\n")
}

// refusalLines are what stands in the middle if nothing was registered.
func (d *drawing) refusalLines() []string {
	if len(d.s.Regions) > 0 {
		return nil
	}
	switch {
	case d.s.Refusal != nil:
		return wrap("Refused: "+d.p.reason(d.s.Refusal)+".", 46)
	case d.s.Error != "":
		return wrap("Nothing is registered: "+d.s.Error, 46)
	}
	return []string{"Nothing to show."}
}

func (d *drawing) region(i int, g *Region) {
	y0, y1 := d.axis.begin(g.Stream), d.axis.end(g.Stream+g.Bytes)
	d.f(`<rect x="%d" y="%.1f" width="%d" height="%.1f" rx="4" class="raised edge"/>`+"\n", midX-6, y0-regionHd+4, midW+12, y1-y0+regionHd)
	title := g.title()
	if d.s.Parts > 1 {
		title = fmt.Sprintf("part %d · %s", g.Part+1, title)
	}
	d.label(midX, y0-18, "ph", title, 44)
	d.label(midX, y0-5, "ps muted", g.detail()+d.posted(g), 60)
	for k := range g.Pieces {
		d.piece(i, g, &g.Pieces[k])
	}
}

// posted says which work request made a region.
func (d *drawing) posted(g *Region) string {
	for i := range d.s.Requests {
		q := &d.s.Requests[i]
		switch {
		case g.Kind == KindSGE && q.Index == g.Request:
			return fmt.Sprintf("; %s, %d bytes", q.Opcode, q.Bytes)
		case g.Kind == KindSGE || q.Key != g.Key || g.Skipped > 0:
		case q.Inline:
			return fmt.Sprintf("; list inline in WQE %d", q.Index)
		case q.ListLen > 0:
			return fmt.Sprintf("; list at %v", q.List)
		}
	}
	return ""
}

func (d *drawing) piece(i int, g *Region, q *Piece) {
	y0, y1 := d.axis.begin(q.Stream), d.axis.end(q.Stream+q.Len)
	title := fmt.Sprintf("%s: %s; stream bytes %s to %s", q.name(g.Kind), q.says(g.Kind), commas(q.Stream), commas(q.Stream+q.Len-1))
	class, fill := "paper edge", ""
	switch b := d.s.Blame; {
	case b != nil && b.Region == i && b.Index == q.Index && q.Skipped == 0:
		fill, class = ` fill="url(#`+d.o.ID+`-w)" stroke-width="2.5"`, "bad-line"
	case q.Wrong:
		class = "bad-soft bad-line"
	case q.Skipped > 0 && !q.Run:
		fill, class = ` fill="url(#`+d.o.ID+`-n)"`, "rule"
	}
	d.f(`<g data-from="%d" data-bytes="%d">`, q.Stream, q.Len)
	d.f(`<title>%s</title><rect x="%d" y="%.1f" width="%d" height="%.1f" class="%s"%s/>`+"\n", text(title), midX, y0+1, midW, max(y1-y0-2, 1), class, fill)
	if q.Skipped > 0 && !q.Run {
		d.halo(midX+midW/2, (y0+y1)/2+4, q.name(g.Kind)+" "+q.says(g.Kind))
		d.f("</g>\n")
		return
	}
	for at := q.Stream; !q.Wrong && at < q.Stream+q.Len; {
		entry, n := d.p.entryAt(at, q.Stream+q.Len-at)
		t0, t1 := max(d.axis.begin(at), y0+1), min(d.axis.end(at+n), y1-1)
		d.f(`<rect x="%d" y="%.1f" width="%d" height="%.1f" class="s%d pe"/>`, midX, t0, midW, max(t1-t0, 1), series(max(entry, 0)))
		at += n
	}
	if g.Kind == KindMTT && !q.Run && !q.Wrong {
		d.gauge(q, y0+1, max(y1-y0-2, 1))
	}
	if q.Wrong {
		d.f(`<rect x="%d" y="%.1f" width="%d" height="15" class="paper" rx="3"/>`, midX+20, (y0+y1)/2-7.5, midW-28)
	}
	name, class := q.name(g.Kind), "ps"
	if q.Wrong {
		name, class = "✗ "+name, "ps bad ph"
	}
	d.label(midX+24, (y0+y1)/2+4, class, name, 20)
	d.label(max(midX+112, midX+34+6.2*float64(len([]rune(name)))), (y0+y1)/2+4, "mono ps", q.says(g.Kind), 28)
	d.f("</g>\n")
}

// gauge shows which part of its page a piece uses.
func (d *drawing) gauge(q *Piece, y, h float64) {
	at := q.Memory
	if len(q.Via) > 0 {
		at = q.Via
	}
	if len(at) == 0 || q.Size == 0 {
		return
	}
	from := float64(uint64(at[0].Addr)&(q.Size-1)) / float64(q.Size)
	part := float64(q.Len) / float64(q.Size)
	d.f(`<rect x="%d" y="%.1f" width="9" height="%.1f" class="paper edge"/><rect x="%d" y="%.1f" width="9" height="%.1f" class="s%d pg"/>`,
		midX+7, y+1, max(h-2, 1), midX+7, y+1+from*(h-2), max(part*(h-2), 1), series(q.First))
}

// flows draws the bands between the columns.
func (d *drawing) flows() {
	d.f("<g>\n")
	for i := range d.s.Regions {
		g := &d.s.Regions[i]
		if g.Aux {
			continue
		}
		for k := range g.Pieces {
			if q := &g.Pieces[k]; q.Skipped == 0 || q.Run {
				d.flow(g, q)
			}
		}
	}
	if len(d.s.Regions) == 0 {
		d.plainFlows()
	}
	d.f("</g>\n")
}

// flow draws a piece's bytes, entry by entry.
func (d *drawing) flow(g *Region, q *Piece) {
	at := q.Stream
	for _, e := range q.Memory {
		for rest := e.Len; rest > 0; {
			entry, n := d.p.entryAt(at, rest)
			d.leftFlow(q, g, entry, e.Addr+Addr(e.Len-rest), at, n)
			at, rest = at+n, rest-n
		}
	}
	for at := q.Stream; at < q.Stream+q.Len; {
		entry, n := d.p.entryAt(at, q.Stream+q.Len-at)
		class := fmt.Sprintf("pf s%d l%[1]d", series(max(entry, 0)))
		if q.Wrong {
			class = "pf bad-fill bad-line"
		}
		if q.Wrong && at+n > q.WrongAt {
			w := max(at, q.WrongAt)
			d.f(`<rect x="%d" y="%.1f" width="10" height="%.1f" fill="url(#%s-w)" class="bad-line"/>`+"\n", strX-10, d.axis.begin(w), max(d.axis.end(at+n)-d.axis.begin(w), 1), d.o.ID)
		}
		d.band(class, fmt.Sprintf("stream bytes %s to %s", commas(at), commas(at+n-1)), midX+midW+6, d.axis.begin(at), d.axis.end(at+n), strX-mark(q), d.axis.begin(at), d.axis.end(at+n))
		at += n
	}
	for _, w := range q.Want {
		d.wanted(q, w)
		break
	}
}

// mark is the room that the hatching of wrong bytes takes beside the stream.
func mark(q *Piece) float64 {
	if q.Wrong {
		return 10
	}
	return 0
}

// leftFlow draws n bytes at addr in memory that become those at a stream
// offset.
func (d *drawing) leftFlow(q *Piece, g *Region, entry int, addr Addr, at, n uint64) {
	b := find(d.bands, addr)
	if b == nil {
		return
	}
	class := fmt.Sprintf("pf s%d l%[1]d", series(max(entry, 0)))
	if len(q.Via) > 0 {
		class += " pd"
	}
	if b.named(addr) > manyNames {
		class += " pa"
	}
	if q.Wrong && at+n > q.WrongAt {
		class = "pf bad-fill bad-line"
	}
	off := uint64(addr - b.Addr)
	d.band(class, fmt.Sprintf("%v + %s → %s → stream byte %s", addr, commas(n), q.name(g.Kind), commas(at)),
		memX+memW, b.begin(off), b.end(min(off+n, b.at[len(b.at)-1])), midX-6, d.axis.begin(at), d.axis.end(at+n))
}

// manyNames is how many entries must name memory for its flows to be pale: one
// upon the other they would hide everything.
const manyNames = 4

// named is how many entries name the byte at addr.
func (b *memBand) named(addr Addr) int {
	for i := range b.Segments {
		if m := &b.Segments[i]; addr-m.Addr < Addr(m.Len) {
			return m.Named
		}
	}
	return 0
}

// wanted draws where the list has the bytes of a wrong piece.
func (d *drawing) wanted(q *Piece, w Extent) {
	b := find(d.bands, w.Addr)
	if b == nil {
		return
	}
	y0, y1 := b.begin(uint64(w.Addr-b.Addr)), d.axis.begin(q.Stream)
	d.f(`<path d="M%d %.1fC%d %.1f %d %.1f %d %.1f" class="pn edge pd" stroke-width="2"><title>%s</title></path>`+"\n", memX+memW, y0+4, (memX+memW+midX)/2, y0+4,
		(memX+memW+midX)/2, y1+6, midX-6, y1+6, text(fmt.Sprintf("the list has %v + %s here", w.Addr, commas(w.Len))))
}

// plainFlows join memory and stream where there is no registration between.
func (d *drawing) plainFlows() {
	for i := range d.p.List {
		e := &d.p.List[i]
		b := find(d.bands, e.Addr)
		if e.Skipped > 0 || e.Len == 0 || b == nil {
			continue
		}
		off := uint64(e.Addr - b.Addr)
		d.band(fmt.Sprintf("pf pd s%d l%[1]d", series(e.Index)), fmt.Sprintf("entry %d: %v + %s", e.Index, e.Addr, commas(e.Len)),
			memX+memW, b.begin(off), b.end(min(off+e.Len, b.at[len(b.at)-1])), strX, d.axis.begin(e.Stream), d.axis.end(e.Stream+e.Len))
	}
}
