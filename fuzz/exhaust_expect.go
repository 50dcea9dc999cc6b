package fuzz

import (
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// unitStream is a stream as the addresses of its units.
type unitStream struct {
	addr []uint64
	run  []int // one behind the last unit that continues this one without a gap
}

// settle works out the runs.
func (s *unitStream) settle(unit uint64) {
	n := len(s.addr)
	if cap(s.run) < n {
		s.run = make([]int, n, cap(s.addr))
	}
	s.run = s.run[:n]
	for k := n - 1; k >= 0; k-- {
		if s.run[k] = k + 1; k+1 < n && s.addr[k]+unit == s.addr[k+1] && s.addr[k+1] != 0 {
			s.run[k] = s.run[k+1]
		}
	}
}

// match reports whether extents are the units from from to to, end excluded.
func (s *unitStream) match(ext []sg.Extent, from, to int, shift uint8) bool {
	for i := range ext {
		x := &ext[i]
		if from >= to || x.Addr != s.addr[from] {
			return false
		}
		n := int(x.Len >> shift)
		if uint64(n)<<shift != x.Len || n > min(s.run[from], to)-from {
			return false
		}
		from += n
	}
	return from == to
}

// expectation is what a list says, one unit at a time. Nothing in it looks at
// borders of entries but for the positions that refusals name.
type expectation struct {
	unitStream
	at   []linux.Pos // of each unit, and the list's end
	unit uint64      // bytes
	live int         // entries with bytes
}

func (x *expectation) set(l sg.List) {
	x.addr, x.at, x.live = x.addr[:0], x.at[:0], 0
	for i := range l {
		if l[i].Len > 0 {
			x.live++
		}
		for off := uint64(0); off < uint64(l[i].Len); off += x.unit {
			x.addr = append(x.addr, l[i].Addr+off)
			x.at = append(x.at, linux.Pos{Entry: i, Off: off})
		}
	}
	x.at = append(x.at, linux.Pos{Entry: len(l)})
	x.settle(x.unit)
}

// size is the stream's length in units.
func (x *expectation) size() int { return len(x.addr) }

// pagesEnd is where a page list that starts with unit from must end: unit
// from+k of it is k units behind the first in virtual memory, keeps its place
// inside the page, and all units of a virtual page are in one page of memory.
// A unit lies inside a page or is a whole number of pages.
func (x *expectation) pagesEnd(from int, page uint64) int {
	virtual := x.addr[from] & (page - 1)
	frame := x.addr[from] - virtual
	for k := from + 1; k < len(x.addr); k++ {
		virtual += x.unit
		place := virtual & (page - 1)
		if x.addr[k]&(page-1) != place {
			return k
		}
		if place < x.unit { // the first unit of a virtual page chooses its frame
			frame = x.addr[k] - place
		}
		if x.addr[k]-place != frame {
			return k
		}
	}
	return len(x.addr)
}

// whole reports whether a page list takes the stream, which has bytes.
func (x *expectation) whole(page uint64) bool { return x.pagesEnd(0, page) == len(x.addr) }

// pages is the number of pages of a virtual range like the units from from to
// to.
func (x *expectation) pages(from, to int, page uint64) int {
	bytes := x.addr[from]&(page-1) + uint64(to-from)*x.unit
	return int((bytes + page - 1) / page)
}

// fewestPages is the least number of pages that a page list of the whole
// stream can have on a device with pages from least bytes on, a size that
// fits.
func (x *expectation) fewestPages(least uint64) int {
	best := x.pages(0, x.size(), least)
	for page := least << 1; best > 1 && page <= maxExhaustSpan && x.whole(page); page <<= 1 {
		best = min(best, x.pages(0, x.size(), page))
	}
	return best
}

// bounced sets s to the buffers that hold the stream, from the copies that go
// with it. It reports whether the copies cover the list's units in order, and
// that those back are the same in reverse.
func (s *unitStream) bounced(x *expectation, in, out []reg.Copy) bool {
	s.addr = s.addr[:0]
	if len(in) != len(out) {
		return false
	}
	for i, c := range in {
		if out[i] != (reg.Copy{From: c.To, To: c.From, Len: c.Len}) || c.Len&(x.unit-1) != 0 {
			return false
		}
		for off := uint64(0); off < c.Len; off += x.unit {
			if k := len(s.addr); k == x.size() || x.addr[k] != c.From+off {
				return false
			}
			s.addr = append(s.addr, c.To+off)
		}
	}
	s.settle(x.unit)
	return len(s.addr) == x.size()
}

// logOf is the log2 of a power of two.
func logOf(n uint64) uint8 { return uint8(bits.TrailingZeros64(n)) }
