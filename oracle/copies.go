package oracle

import (
	"cmp"
	"slices"
	"sort"

	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// copies maps the host memory that a registration exposes (bounce pages) to
// the memory that it stands for (the list), or the other way round.
type copies struct {
	runs []reg.Copy // From: exposed side, To: list side; sorted by From
	hint int        // run found last
}

// setOut takes copies exposed → list as they are.
func (c *copies) setOut(cs []reg.Copy) { c.runs = append(c.runs[:0], cs...); c.sort() }

// setIn takes copies list → exposed and turns them round.
func (c *copies) setIn(cs []reg.Copy) {
	c.runs = c.runs[:0]
	for _, k := range cs {
		c.runs = append(c.runs, reg.Copy{From: k.To, To: k.From, Len: k.Len})
	}
	c.sort()
}

func (c *copies) sort() {
	c.hint = 0
	for i := 1; i < len(c.runs); i++ {
		if c.runs[i].From < c.runs[i-1].From {
			slices.SortFunc(c.runs, func(a, b reg.Copy) int { return cmp.Compare(a.From, b.From) })
			return
		}
	}
}

// at is the first run that ends behind addr. The one it found last and the next
// are tried before a search: pages are mostly used in order.
func (c *copies) at(addr uint64) int {
	behind := func(i int) bool {
		k := &c.runs[i]
		return k.Len != 0 && k.From+k.Len-1 >= addr
	}
	for i := c.hint; i < len(c.runs) && i <= c.hint+1; i++ {
		if behind(i) && (i == 0 || !behind(i-1)) {
			c.hint = i
			return i
		}
	}
	c.hint = sort.Search(len(c.runs), behind)
	return c.hint
}

// ambiguous finds two runs that share an exposed byte.
func (c *copies) ambiguous() (addr uint64, found bool) {
	for i := 1; i < len(c.runs); i++ {
		p := c.runs[i-1]
		if p.Len != 0 && c.runs[i].Len != 0 && p.From+p.Len-1 >= c.runs[i].From {
			return c.runs[i].From, true
		}
	}
	return 0, false
}

// each calls f for the runs that cover e, in order, cut to e; the rest of e
// that no run covers is reported with covered false.
func (c *copies) each(e sg.Extent, f func(exposed, list, n uint64, covered bool)) {
	for e.Len > 0 {
		i := c.at(e.Addr)
		if i == len(c.runs) || c.runs[i].From > e.Addr+e.Len-1 {
			f(e.Addr, 0, e.Len, false)
			return
		}
		k := c.runs[i]
		if k.From > e.Addr {
			gap := k.From - e.Addr
			f(e.Addr, 0, gap, false)
			e.Addr, e.Len = e.Addr+gap, e.Len-gap
		}
		in := e.Addr - k.From
		n := min(k.Len-in, e.Len)
		f(e.Addr, k.To+in, n, true)
		e.Addr, e.Len = e.Addr+n, e.Len-n
	}
}

// through appends what the exposed extents es stand for. ok is false where a
// byte stands for nothing.
func (c *copies) through(dst, es []sg.Extent) (out []sg.Extent, ok bool) {
	ok = true
	for _, e := range es {
		c.each(e, func(exposed, list, n uint64, covered bool) {
			if !covered {
				ok = false
				list = exposed
			}
			dst = sg.AppendExtent(dst, list, n)
		})
	}
	return dst, ok
}
