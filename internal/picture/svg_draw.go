package picture

import (
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/internal/page"
)

func series(entry int) int { return entry % page.Series }

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
			d.f(`<g class="e%d" data-from="%d" data-bytes="%d">`, e.Index, e.Stream, e.Len)
			d.f(`<title>%s</title><rect x="%d" y="%.1f" width="%d" height="%.1f" class="s%d l%[6]d pe"/><rect x="%[2]d" y="%.1[3]f" width="4" height="%.1[5]f" class="s%[6]d pg"/>`, text(title), strX, y0, strW, y1-y0, series(e.Index))
			d.label(strX+10, (y0+y1)/2+4, "ps", fmt.Sprintf("entry %s, %s", commas(e.Index), size(e.Len)), 24)
			d.f("</g>\n")
		}
		d.label(strX+strW+8, y0+11, "mono ps muted", commas(e.Stream), 20)
	}
	if n := len(d.axis.at); n > 0 && d.p.Bytes > 0 {
		d.label(strX+strW+8, d.axis.end(d.p.Bytes)+8, "mono ps muted", commas(d.p.Bytes), 20)
	}
	if b := d.s.Blame; b != nil && b.Entry >= 0 && b.Index < 0 {
		y := d.axis.begin(b.Stream)
		d.f(`<path d="M%d %.1fl-12 -6v12z" class="bad-fill"><title>%s</title></path>`+"\n", strX, y+1, text(b.Text))
		word := "✗ byte " + commas(b.Stream)
		w := 6.6*float64(len([]rune(word))) + 4
		d.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="15" class="paper" rx="3"/>`, strX-14-w, y-7, w)
		d.label(strX-16, y+5, "bad ps pr", word, 20)
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
	d.f(`<g%s data-from="%d" data-bytes="%d">`, soleEntry(q), q.Stream, q.Len)
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

// soleEntry is the class of the entry that a piece serves, if it is one.
func soleEntry(q *Piece) string {
	if q.First != q.Last {
		return ""
	}
	return fmt.Sprintf(` class="e%d"`, q.First)
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
		size := min(e.Len, q.Stream+q.Len-at) // wrong copies may bring more than there is room for
		for rest := size; rest > 0; {
			entry, n := d.p.entryAt(at, rest)
			d.leftFlow(q, g, entry, e.Addr+Addr(size-rest), at, n)
			at, rest = at+n, rest-n
		}
	}
	for at := q.Stream; at < q.Stream+q.Len; {
		entry, n := d.p.entryAt(at, q.Stream+q.Len-at)
		class := flowClass(entry, q.Wrong)
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

// flowClass gives a flow its entry's colour, unless it is wrong.
func flowClass(entry int, wrong bool) string {
	colour := "bad-fill bad-line"
	if !wrong {
		colour = fmt.Sprintf("s%d l%[1]d", series(max(entry, 0)))
	}
	if entry < 0 {
		return "pf " + colour
	}
	return fmt.Sprintf("pf %s e%d", colour, entry)
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
	class := flowClass(entry, q.Wrong && at+n > q.WrongAt)
	if len(q.Via) > 0 {
		class += " pd"
	}
	y0, y1, sliced := d.leaves(b, addr, n)
	if sliced && !q.Wrong {
		class += " pa"
	}
	d.band(class, fmt.Sprintf("%v + %s → %s → stream byte %s", addr, commas(n), q.name(g.Kind), commas(at)),
		memX+memW, y0, y1, midX-6, d.axis.begin(at), d.axis.end(at+n))
}

// manyNames is how many entries must name memory for each flow from there to
// leave by a slice of its own: one upon the other they would hide everything.
const manyNames = 4

// leaves is where a flow of n bytes at addr leaves the left column, and whether
// by a slice of its own.
func (d *drawing) leaves(b *memBand, addr Addr, n uint64) (y0, y1 float64, sliced bool) {
	off := uint64(addr - b.Addr)
	y0, y1 = b.begin(off), b.end(min(off+n, b.at[len(b.at)-1]))
	i := slices.IndexFunc(b.Segments, func(m Segment) bool { return addr-m.Addr < Addr(m.Len) })
	if i < 0 || b.Segments[i].Named <= manyNames {
		return y0, y1, false
	}
	m := &b.Segments[i]
	if d.left == nil {
		d.left = map[Addr]int{}
	}
	k := d.left[m.Addr] % m.Named
	d.left[m.Addr]++
	step := (y1 - y0) / float64(m.Named)
	return y0 + float64(k)*step, y0 + float64(k+1)*step, true
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
		y0, y1, _ := d.leaves(b, e.Addr, e.Len)
		d.band(flowClass(e.Index, false)+" pd", fmt.Sprintf("entry %d: %v + %s", e.Index, e.Addr, commas(e.Len)),
			memX+memW, y0, y1, strX, d.axis.begin(e.Stream), d.axis.end(e.Stream+e.Len))
	}
}
