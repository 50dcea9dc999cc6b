package oracle

import (
	"cmp"
	"slices"

	"github.com/sgfuzz/sgfuzz/sg"
)

// cover is a set of host bytes as sorted, disjoint, non-touching extents.
type cover []sg.Extent

// set makes c the union of es.
func (c *cover) set(es []sg.Extent) { *c = sg.MergeExtents(append((*c)[:0], es...)) }

// outside gives the part of e, at or after its start, that c lacks: the first
// such run, with Len 0 if there is none.
func (c cover) outside(e sg.Extent) sg.Extent {
	for e.Len > 0 {
		last := e.Addr + e.Len - 1
		// i is the first extent that ends at or after e.Addr
		i, _ := slices.BinarySearchFunc(c, e.Addr, func(x sg.Extent, a uint64) int { return cmp.Compare(x.Addr+x.Len-1, a) })
		if i == len(c) || c[i].Addr > last {
			return e
		}
		if c[i].Addr > e.Addr {
			return sg.Extent{Addr: e.Addr, Len: c[i].Addr - e.Addr}
		}
		end := c[i].Addr + c[i].Len - 1
		if end >= last {
			return sg.Extent{}
		}
		e = sg.Extent{Addr: end + 1, Len: last - end}
	}
	return sg.Extent{}
}

// holds says whether c has the byte at addr.
func (c cover) holds(addr uint64) bool { return c.outside(sg.Extent{Addr: addr, Len: 1}).Len == 0 }

// size is the number of bytes in the set, modulo 2^64.
func (c cover) size() uint64 { return total(c) }
