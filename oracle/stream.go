package oracle

import (
	"sort"

	"github.com/sgfuzz/sgfuzz/sg"
)

// stream answers questions about a list's byte stream by binary search, after
// one pass over the list.
type stream struct {
	list sg.List
	ends []uint64 // stream offset behind each entry
}

func (s *stream) set(l sg.List) {
	s.list, s.ends = l, s.ends[:0]
	var sum uint64
	for i := range l {
		sum += uint64(l[i].Len)
		s.ends = append(s.ends, sum)
	}
}

func (s *stream) total() uint64 {
	if len(s.ends) == 0 {
		return 0
	}
	return s.ends[len(s.ends)-1]
}

// entryAt is the first entry that ends behind stream offset off.
func (s *stream) entryAt(off uint64) int {
	return sort.Search(len(s.ends), func(i int) bool { return s.ends[i] > off })
}

// extents appends the host memory of the window [off, off+n).
func (s *stream) extents(dst []sg.Extent, off, n uint64) []sg.Extent {
	i := s.entryAt(off)
	if i == len(s.ends) {
		return dst
	}
	start := s.ends[i] - uint64(s.list[i].Len)
	return s.list[i:].AppendExtents(dst, off-start, n)
}

// read gives the bytes of a window as they stand in mem.
func (s *stream) read(mem *sg.Memory, off uint64, p []byte) error {
	return s.move(off, p, mem.Read)
}

// write scatters p over the window, in stream order.
func (s *stream) write(mem *sg.Memory, off uint64, p []byte) error {
	return s.move(off, p, mem.Write)
}

func (s *stream) move(off uint64, p []byte, each func(uint64, []byte) error) error {
	i := s.entryAt(off)
	for len(p) > 0 && i < len(s.list) {
		size := uint64(s.list[i].Len)
		in := off - (s.ends[i] - size)
		n := min(size-in, uint64(len(p)))
		if n > 0 {
			if err := each(s.list[i].Addr+in, p[:n]); err != nil {
				return err
			}
		}
		p, off, i = p[n:], off+n, i+1
	}
	return nil
}

// firstDifference finds where two extent lists, both with neighbours merged,
// stop describing the same memory. off is the byte offset of the difference.
func firstDifference(a, b []sg.Extent) (off uint64, x, y sg.Extent, differs bool) {
	for i := 0; i < len(a) || i < len(b); i++ {
		x, y = sg.Extent{}, sg.Extent{}
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x == y {
			off += x.Len
			continue
		}
		if x.Addr == y.Addr {
			short := min(x.Len, y.Len)
			off, x, y = off+short, sg.Extent{Addr: x.Addr + short, Len: x.Len - short}, sg.Extent{Addr: y.Addr + short, Len: y.Len - short}
		}
		return off, x, y, true
	}
	return 0, x, y, false
}

// total is the length of a run of extents in bytes.
func total(es []sg.Extent) uint64 {
	var n uint64
	for i := range es {
		n += es[i].Len
	}
	return n
}
