package picture

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/style"
)

// mapLines is how many lines the map of memory has at most, about.
const mapLines = 40

// likeRun is the number of pages of one entry from which those between the
// first and the last are one line.
const likeRun = 4

// memory draws a line for each touched page.
func (t *printer) memory() {
	page := t.p.PageSize
	if bits.OnesCount64(page) != 1 || len(t.p.Memory) == 0 {
		return
	}
	t.heading("memory, a line for each page of " + size(page))
	cells := t.cells()
	var left uint64 // pages that are not drawn
	for i := range t.p.Memory {
		b := &t.p.Memory[i]
		if t.lines >= mapLines {
			left += pagesOf(b, page)
			continue
		}
		if i > 0 {
			t.line(t.st.Muted("   ⋮ gap of " + size(b.Gap)))
		}
		left += t.band(b, page, cells)
	}
	if left > 0 {
		t.line(t.st.Muted("   … " + count(left, "more page") + " …"))
	}
	legend := fmt.Sprintf("A cell is %s: the last digit of the entry, · no entry, + several, # bytes that several entries name.", size(max(page/uint64(cells), 1)))
	for _, l := range wrap(legend, t.st.Width()) {
		t.line(t.st.Muted(l))
	}
}

// cells is how many parts of a page a line has: a power of two.
func (t *printer) cells() int {
	room := t.st.Width() - 20 - 2
	n := 16
	for n*2 <= min(room-10, 64) && uint64(n*2) <= t.p.PageSize {
		n *= 2
	}
	return n
}

func pagesOf(b *Band, page uint64) uint64 {
	if b.Len == 0 {
		return -page/page + 1
	}
	return b.Len / page
}

// band draws the pages of a band and returns how many it did not.
func (t *printer) band(b *Band, page uint64, cells int) uint64 {
	n := pagesOf(b, page)
	seg := 0
	for k := uint64(0); k < n; k++ {
		if t.lines >= mapLines && k+1 < n {
			return n - k
		}
		at := b.Addr + Addr(k*page)
		for at-b.Segments[seg].Addr >= Addr(b.Segments[seg].Len) && seg+1 < len(b.Segments) {
			seg++
		}
		m := &b.Segments[seg]
		t.page(b, at, page, cells, seg)
		if alike := (m.Len - uint64(at-m.Addr)) / page; alike > likeRun {
			t.line(t.st.Muted(fmt.Sprintf("   ⋮ %s more pages of %s", commas(alike-2), m.named())))
			k += alike - 2
			t.lines++
		}
	}
	return 0
}

// page draws one page, whose first byte is in segment seg.
func (t *printer) page(b *Band, at Addr, page uint64, cells int, seg int) {
	t.lines++
	cell := Addr(max(page/uint64(cells), 1))
	var bar strings.Builder
	var names []int
	more := 0
	note := func(e int) {
		if len(names) == 0 || names[len(names)-1] != e {
			if names = append(names, e); len(names) > 3 {
				names, more = names[:3], more+1
			}
		}
	}
	var run strings.Builder // cells of one entry, painted together
	last := -1
	flush := func() {
		if last >= 0 {
			bar.WriteString(t.st.Series(last, run.String()))
		} else {
			bar.WriteString(run.String())
		}
		run.Reset()
	}
	for i := range cells {
		from := at + Addr(i)*cell
		mark, entry := "·", -1
		for k := seg; k < len(b.Segments) && (b.Segments[k].Addr < from+cell || from+cell == 0); k++ {
			m := &b.Segments[k]
			if m.Named == 0 || from-m.Addr >= Addr(m.Len) && m.Addr < from {
				continue
			}
			note(m.Entries[0])
			switch {
			case m.Named > 1:
				mark, entry = "#", -1
			case mark == "·":
				mark, entry = fmt.Sprint(m.Entries[0]%10), m.Entries[0]
			case mark != "#" && entry != m.Entries[0]:
				mark, entry = "+", -1
			}
		}
		if entry != last {
			flush()
			last = entry
		}
		run.WriteString(mark)
	}
	flush()
	words := make([]string, len(names))
	for i, e := range names {
		words[i] = commas(e)
	}
	text := strings.Join(words, ", ")
	if more > 0 {
		text += " …"
	}
	line := style.PadLeft(at.String(), 18) + " │" + bar.String() + "│ "
	t.line(line + style.Cut(text+" ", max(t.st.Width()-style.Columns(line), 1)))
}
