package sg

import (
	"math/bits"
	"slices"
)

// sortedPages returns the numbers of all written pages in rising order. The
// slice is the Memory's own and valid until the next call.
func (m *Memory) sortedPages() []uint64 {
	m.order = m.order[:0]
	for i := range m.used {
		m.order = append(m.order, m.arena[i/arenaChunk][i%arenaChunk].number)
	}
	slices.Sort(m.order)
	return m.order
}

// AppendWritten adds every byte written since the last Reset to dst, as
// extents in rising order that neither touch nor overlap. It is exact: bytes
// beside a written one are not in it.
func (m *Memory) AppendWritten(dst []Extent) []Extent {
	out := dst[len(dst):] // never merged with what the caller had
	for _, number := range m.sortedPages() {
		p := m.page(number)
		for w, set := range p.written {
			out = appendBits(out, number<<pageShift+uint64(w)*64, set)
		}
	}
	return append(dst, out...)
}

// appendBits adds the bytes at addr+i for which bit i of set is 1.
func appendBits(dst []Extent, addr, set uint64) []Extent {
	for set != 0 {
		low := bits.TrailingZeros64(set)
		n := bits.TrailingZeros64(^(set >> low))
		dst = AppendExtent(dst, addr+uint64(low), uint64(n))
		set &^= (^uint64(0) >> (64 - n)) << low
	}
	return dst
}

// FirstDifference compares m and o at every byte that was written in either
// of them and returns the lowest address where their content differs. Bytes
// written in neither are not compared, even if the seeds differ.
func (m *Memory) FirstDifference(o *Memory) (addr uint64, differs bool) {
	a, b := m.sortedPages(), o.sortedPages()
	if m == o {
		return 0, false
	}
	for len(a) != 0 || len(b) != 0 {
		var number uint64
		switch {
		case len(b) == 0 || len(a) != 0 && a[0] < b[0]:
			number, a = a[0], a[1:]
		case len(a) == 0 || b[0] < a[0]:
			number, b = b[0], b[1:]
		default:
			number, a, b = a[0], a[1:], b[1:]
		}
		if off, ok := m.pageDifference(o, number); ok {
			return number<<pageShift + uint64(off), true
		}
	}
	return 0, false
}

// pageDifference finds the first byte of a page that was written in m or o and
// differs.
func (m *Memory) pageDifference(o *Memory, number uint64) (int, bool) {
	var one, two memoryPage
	m.load(number, &one)
	o.load(number, &two)
	if one.data == two.data {
		return 0, false
	}
	for i := range one.data {
		mask := one.written[i/64] | two.written[i/64]
		if mask>>(i%64)&1 != 0 && one.data[i] != two.data[i] {
			return i, true
		}
	}
	return 0, false
}

// load copies a page, or what it would hold, to p.
func (m *Memory) load(number uint64, p *memoryPage) {
	if have := m.page(number); have != nil {
		*p = *have
		return
	}
	FillPattern(m.seed, number<<pageShift, p.data[:])
}
