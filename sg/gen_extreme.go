package sg

import (
	"math"
	"math/bits"
)

var hugeLengths = [...]uint64{
	1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1, 1<<32 - 2, 1<<32 - 4096, 1 << 30, 3 << 30,
}

// drawHuge mixes huge entries with short ones.
func drawHuge(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for {
		n := hugeLengths[m.Uint(uint64(len(hugeLengths)-1))]
		m.add(m.place(n+m.page)+m.pickEdge(offsetEdges, offsetWeight, m.page)%m.page, n)
		if m.Bool() {
			m.addBytes()
		}
		if !m.more() {
			return m.l
		}
	}
}

// drawTotals picks a total and a length that divides the work, lays the
// entries side by side or apart, and gives the last one what is missing.
func drawTotals(c *Choices, p *Params, dst List) List {
	m := beginFixed(c, p, dst)
	total := uint64(1)<<m.Between(31, 33) + m.Uint(2) - 1
	if m.Bool() {
		total += m.Uint(2 * m.page)
	}
	n := min(uint64(1)<<m.Between(28, 31)+m.Uint(2)-1, m.longest)
	apart := m.Bool()
	a := m.place(total) + m.Uint(m.page-1)
	for total != 0 && !m.full() {
		take := min(n, total)
		m.add(a, take)
		total -= take
		if a += take; apart {
			a += m.page
		}
	}
	return m.l
}

// drawTop measures from the top of the address space.
func drawTop(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for {
		n := m.edgeLength()
		var below uint64 // bytes between the entry's end and 2^64
		if m.Bool() {
			below = m.pickEdge(offsetEdges, offsetWeight, m.page) % m.page
		}
		m.add(-(n + below), n)
		if m.Bool() {
			m.addBytes()
		}
		if !m.more() {
			return m.l
		}
	}
}

// drawWrapping puts one range past 2^64 among others.
func drawWrapping(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for m.MoreUnless(128) && len(m.l)+1 < m.limit {
		m.addBytes()
	}
	n := max(m.edgeLength(), 2)
	m.l = append(m.l, Entry{Addr: -m.Between(1, n-1), Len: uint32(n)})
	for m.more() {
		m.addBytes()
	}
	return m.l
}

// drawEmpties puts empty entries before, between and behind others.
func drawEmpties(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	m.addEmpty()
	for m.more() {
		if m.Bool() {
			m.addBytes()
		} else {
			m.addEmpty()
		}
	}
	if n := len(m.l) - m.base; n > 1 { // the first one goes anywhere
		k := m.base + int(m.Uint(uint64(n-1)))
		m.l[m.base], m.l[k] = m.l[k], m.l[m.base]
	}
	return m.l
}

// addEmpty adds an entry without bytes: where the latest one ends, on a page
// boundary, or in mid-page.
func (m *maker) addEmpty() {
	kind := m.Uint(2)
	switch {
	case kind == 0 && len(m.l) > m.base:
		m.add(m.last().End(), 0)
	case kind == 1:
		m.add(m.place(0)+m.within(), 0)
	default:
		m.add(m.place(0), 0)
	}
}

// pickCapacity draws one of the device's limits. Long lists take long: a limit
// has a weight of 1 by its length in bits.
func (m *maker) pickCapacity(capacities []int) uint64 {
	sum := 0
	for _, n := range capacities {
		sum += capacityWeight(n)
	}
	v := int(m.Uint(math.MaxUint16)) * sum >> 16
	for _, n := range capacities {
		if v -= capacityWeight(n); v < 0 {
			return uint64(n)
		}
	}
	return 1 // no limit is above zero
}

func capacityWeight(n int) int {
	if n < 1 {
		return 0
	}
	return max(64/bits.Len(uint(n)), 1)
}

// drawCapacity repeats one shape as often as a limit says, once to three
// times, or one more or less than that. The count comes from Params and not
// from the stream, so here is no choice per element.
func drawCapacity(c *Choices, p *Params, dst List) List {
	m := beginFixed(c, p, dst)
	n := m.pickCapacity(p.capacities())
	if m.Uint(3) == 3 {
		n *= m.Between(2, 3)
	}
	n += m.Uint(2)
	n = min(max(n, 2)-1, uint64(m.limit-m.base))
	shape := m.Uint(4)
	if shape == 4 {
		m.addOnePiece(n)
		return m.l
	}
	stride := 2 * m.page
	a := m.place(n*stride) + m.page
	for i := range n {
		switch at := a + i*stride; shape {
		case 0: // whole pages
			m.add(at, m.page)
		case 1: // gaps everywhere
			m.add(at+1, m.page/2)
		case 2: // single bytes
			m.add(at+m.page-1, 1)
		case 3: // pages, the first one entered in the middle
			m.add(at, m.page)
			if i == 0 {
				m.last().Addr += m.page / 2
				m.last().Len -= uint32(m.page / 2)
			}
		}
	}
	return m.l
}

// addOnePiece adds contiguous entries of as many pages in all as n says; half
// of the time moved off the page boundary, so that there is a page more.
func (m *maker) addOnePiece(n uint64) {
	a := m.place((n + 1) * m.page)
	if m.Bool() {
		a += m.within()
	}
	longest := m.floor(m.longest, m.page)
	for left := n * m.page; left != 0 && !m.full(); {
		take := min(left, longest)
		m.add(a, take)
		a += take
		left -= take
	}
}
