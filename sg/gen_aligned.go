package sg

const sector = 512

func drawPages(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for {
		n := m.pages()
		m.add(m.place(n), n)
		if !m.more() {
			return m.l
		}
	}
}

// drawFRWR lays out whole pages and then takes bytes from the first start and
// the last end: less than a page each, and never all of an entry.
func drawFRWR(c *Choices, p *Params, dst List) List {
	front := c.Uint(p.pageSize() - 1)
	back := c.Uint(p.pageSize() - 1)
	dst, base := drawPages(c, p, dst), len(dst)
	first, last := &dst[base], &dst[len(dst)-1]
	first.Addr += front
	first.Len -= uint32(front)
	last.Len -= uint32(min(back, uint64(last.Len)-1))
	return dst
}

func drawSectors(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for {
		n := m.floor(sector*m.Between(1, 64), sector)
		a := m.place(n + m.page)
		if m.page > sector {
			a += sector * m.Uint(m.page/sector-1)
		}
		m.add(a&^(sector-1), n)
		if !m.more() {
			return m.l
		}
	}
}

// drawSmall has pages of four quarters and eight pages from address 0 on. With
// pages of four bytes the quarters are bytes.
func drawSmall(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	quarter := m.page / 4
	for {
		start, n := m.Uint(31), m.Between(1, 8)
		m.add(quarter*start, m.floor(quarter*n, quarter))
		if !m.more() {
			return m.l
		}
	}
}

// drawStrided repeats one length at one stride; shorter strides make entries
// overlap. Both are powers of two from a page up, as KSM wants them, or any
// number of bytes.
func drawStrided(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	n, stride := m.page<<m.Uint(3), m.page<<m.Uint(3)
	if m.Bool() {
		n, stride = m.Between(1, 2*m.page), m.Between(1, 2*m.page)
	}
	n = min(n, m.longest)
	a := m.place(stride*maxDrawn + n)
	for {
		m.add(a, n)
		a += stride
		if !m.more() {
			return m.l
		}
	}
}

// drawBlocks cuts runs of large pages (16 pages to 1 GiB and more) into
// contiguous entries. What a registration then sees as its page size depends
// on where the cuts are and where the first byte is.
func drawBlocks(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	for {
		block := m.page << m.Between(4, 18)
		a := m.place(4*block+1<<34) &^ (block - 1)
		if m.Bool() {
			a += m.Uint(m.page - 1)
		}
		n := block
		switch m.Uint(3) {
		case 1:
			n = block - m.page
		case 2:
			n = m.Between(1, block)
		case 3:
			n = 1<<32 - m.page
		}
		for range 4 {
			m.add(a, n)
			a += min(n, m.longest)
		}
		if !m.more() {
			return m.l
		}
	}
}
