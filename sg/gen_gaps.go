package sg

import "math"

func drawBytes(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for {
		m.addBytes()
		if !m.more() {
			return m.l
		}
	}
}

// addBytes adds up to three pages at any byte.
func (m *maker) addBytes() {
	n := m.Between(1, 3*m.page)
	m.add(m.place(n+m.page)+m.Uint(m.page-1), n)
}

func drawEdges(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for {
		m.addEdge()
		if !m.more() {
			return m.l
		}
	}
}

// addEdge adds an entry with a length, an offset and perhaps an address from
// the tables.
func (m *maker) addEdge() {
	n := m.edgeLength()
	a := m.place(n + m.page)
	if m.Bool() {
		a = m.pickEdge(addressEdges, addressWeight, m.page)
	}
	m.add(a+m.pickEdge(offsetEdges, offsetWeight, m.page)%m.page, n)
}

func (m *maker) edgeLength() uint64 {
	return max(min(m.pickEdge(lengthEdges, lengthWeight, m.page), m.longest), 1)
}

// drawGaps makes every joint of two entries a gap: an end in mid-page before
// an aligned start, an aligned end before a start in mid-page, or both off.
func drawGaps(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	start := m.Uint(m.page - 1)
	for len(m.l)-m.base < 2 || m.more() {
		kind := m.Uint(2)
		var end, next uint64
		if kind != 1 {
			end = m.within()
		}
		if kind != 0 {
			next = m.within()
		}
		if m.full() {
			break
		}
		m.addSpan(start, end)
		start = next
	}
	return m.l
}

// addSpan adds whole pages less those bytes of the first page that are before
// start, and with end bytes of another page.
func (m *maker) addSpan(start, end uint64) {
	n := m.page * m.Uint(3)
	if n+end <= start {
		n += m.page
	}
	n += end - start
	if n > m.longest { // pages near the longest entry
		n = (end - start) & (m.page - 1)
		if n == 0 {
			n = m.page
		}
	}
	m.add(m.place(n+m.page)+start, n)
}

// drawContiguous makes runs of neighbours with odd lengths.
func drawContiguous(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	half := (min(2*m.page, m.longest) - 1) / 2
	run := 2 * m.page * maxDrawn // at most
	a := m.place(run) + m.Uint(m.page-1)
	for {
		n := 2*m.Uint(half) + 1
		m.add(a, n)
		if !m.more() {
			return m.l
		}
		if a += n; m.Uint(7) == 7 {
			a = m.place(run) + m.Uint(m.page-1)
		}
	}
}

// drawKeys is drawContiguous with keys, from whole pages and odd bytes.
func drawKeys(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	a := m.place(1 << 32)
	for {
		n := m.pages()
		if m.Bool() {
			n = m.Between(1, m.page)
		}
		m.add(a, n)
		m.last().Lkey = uint32(m.Between(1, 3)) << 8
		a = m.last().End()
		if !m.more() {
			return m.l
		}
	}
}

// drawShreds makes entries of one byte: side by side upwards or downwards, one
// per page at the same or a moving offset, or anywhere.
func drawShreds(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	m.stop = min(m.stop, 8)
	steps := [...]uint64{1, math.MaxUint64, 2, m.page - 1, m.page, m.page + 1, 0}
	step := steps[m.Uint(uint64(len(steps)-1))]
	a := m.place(2*m.page*maxDrawn) + (m.page+1)*maxDrawn
	for {
		m.add(a, 1)
		if !m.more() {
			return m.l
		}
		if a += step; step == 0 {
			a = m.place(m.page) + m.Uint(m.page-1)
		}
	}
}

// drawAliased derives entries from earlier ones.
func drawAliased(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for m.addBytes(); len(m.l)-m.base < 2 || m.more(); {
		if m.full() {
			break
		}
		e := m.l[m.base+int(m.Uint(uint64(len(m.l)-m.base-1)))]
		n := uint64(e.Len)
		kinds := uint64(4)
		if len(m.l)-m.base == 1 {
			kinds = 3 // one alias at least
		}
		switch m.Uint(kinds) {
		case 0: // the same again
			m.add(e.Addr, n)
		case 1: // its tail, and as much beyond
			m.add(e.Addr+m.Uint(n-1), n)
		case 2: // a part
			skip := m.Uint(n - 1)
			m.add(e.Addr+skip, m.Between(1, n-skip))
		case 3: // more on both sides
			m.add(e.Addr-min(e.Addr, m.Uint(m.page)), n+m.page)
		case 4: // something else
			m.addBytes()
		}
	}
	return m.l
}
