package sg

// drawUserBuffer is a pinned user buffer: its pages are anywhere in physical
// memory, though often next to each other.
func drawUserBuffer(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	offset := m.Uint(m.page - 1)
	a := m.place(m.page)
	m.add(a+offset, m.page-offset)
	for m.more() {
		next := m.last().End()
		if m.Uint(3) != 0 || m.runsOut(next) {
			next = m.place(m.page)
		}
		m.add(next, m.page)
	}
	if len(m.l)-m.base > 1 {
		m.last().Len -= uint32(m.Uint(m.page - 1))
	}
	return m.l
}

// runsOut reports whether no page fits at a.
func (m *maker) runsOut(a uint64) bool { return a == 0 || a+m.page < a }

// drawWritev alternates headers of up to 128 bytes from one arena with bodies
// of whole pages, or of any bytes.
func drawWritev(c *Choices, p *Params, dst List) List {
	m := begin(c, p, dst)
	header := m.place(maxDrawn*256) + m.Uint(m.page-1)
	for {
		n := m.Between(1, 128)
		m.add(header, n)
		header += n + m.Uint(127)
		if m.Bool() {
			m.addBytes()
		} else {
			n = m.pages()
			m.add(m.place(n), n)
		}
		if !m.more() {
			return m.l
		}
	}
}
