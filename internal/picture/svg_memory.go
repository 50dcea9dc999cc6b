package picture

import (
	"fmt"
	"math"
	"math/bits"
)

// maxTicks is how many page borders of a band are drawn; of more, the first and
// the last are.
const maxTicks = 24

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
		d.f(`<g class="e%d" data-entry="%[1]d" data-addr="%v" data-bytes="%d">`, m.Entries[0], m.Addr, m.Len)
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
	if b.foreign {
		d.halo(memX+memW/2, (y0+y1)/2+4, "outside the list")
		return
	}
	d.label(memX+10, (y0+y1)/2+4, "ps", m.named()+", "+size(m.Len), 32)
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
		y := b.begin(i * page)
		shape := fmt.Sprintf("M%d %.1fh%d", memX-6, y, memW+12)
		if b.labelAt(y) {
			shape = fmt.Sprintf("M%d %.1fh12M%d %.1fh40", memX-6, y, memX+memW-34, y)
		}
		d.f(`<path d="%s" class="edge pd pn" stroke-width="1.5"/>`+"\n", shape)
	}
	if !all {
		d.label(memX+memW-6, b.top+13, "muted ps pr", commas(n)+" pages", 20)
	}
}

// labelAt says that a line at height y would strike through a label.
func (b *memBand) labelAt(y float64) bool {
	for i := range b.Segments {
		if m := &b.Segments[i]; m.Named > 0 {
			if y0, y1 := b.place(m); math.Abs((y0+y1)/2-y) < 8 {
				return true
			}
		}
	}
	return false
}
