package fuzz

import (
	"math/bits"

	"github.com/sgfuzz/sgfuzz/sg"
)

// ExhaustCount is the number of lists of 0 to entries entries in a universe of
// so many units: with e = units*(units+3)/2 entries to choose from (one for
// each pair of a first and a last unit, and an empty one at each unit), it is
// 1 + e + e^2 + … ok is false above 2^62.
func ExhaustCount(entries, units int) (n uint64, ok bool) {
	e := uint64(units) * uint64(units+3) / 2
	n = 1
	for power := uint64(1); entries > 0; entries-- {
		hi, lo := bits.Mul64(power, e)
		if power = lo; hi != 0 || power > maxExhaustLists || n+power > maxExhaustLists {
			return 0, false
		}
		n += power
	}
	return n, true
}

// universe numbers the lists of a scope: shorter lists come first, and of one
// length the first entry counts most.
type universe struct {
	alphabet []sg.Entry // shorter entries first
	first    []uint64   // index of the first list of each length
}

func newUniverse(c *ExhaustConfig) *universe {
	u := &universe{}
	units := c.units()
	for n := 0; n <= units; n++ {
		for at := 0; at+max(n, 1) <= units; at++ {
			u.alphabet = append(u.alphabet, sg.Entry{Addr: c.Base + uint64(at)*c.Unit, Len: uint32(uint64(n) * c.Unit)})
		}
	}
	for n := range c.Entries + 1 {
		before := uint64(0)
		if n > 0 {
			before, _ = ExhaustCount(n-1, units)
		}
		u.first = append(u.first, before)
	}
	return u
}

// listWalk is a place in the enumeration.
type listWalk struct {
	u      *universe
	digits []int // letters of the list
	list   sg.List
}

// seek goes to the list of an index.
func (w *listWalk) seek(index uint64) {
	n := len(w.u.first) - 1
	for w.u.first[n] > index {
		n--
	}
	w.resize(n)
	rest := index - w.u.first[n]
	for i := n - 1; i >= 0; i-- {
		w.set(i, int(rest%uint64(len(w.u.alphabet))))
		rest /= uint64(len(w.u.alphabet))
	}
}

// step goes to the next list.
func (w *listWalk) step() {
	for i := len(w.digits) - 1; i >= 0; i-- {
		if d := w.digits[i] + 1; d < len(w.u.alphabet) {
			w.set(i, d)
			return
		}
		w.set(i, 0)
	}
	w.resize(len(w.digits) + 1)
	for i := range w.digits {
		w.set(i, 0)
	}
}

func (w *listWalk) resize(n int) {
	if cap(w.digits) < n {
		w.digits, w.list = make([]int, n, maxExhaustEntries+1), make(sg.List, n, maxExhaustEntries+1)
	}
	w.digits, w.list = w.digits[:n], w.list[:n]
}

func (w *listWalk) set(i, digit int) {
	w.digits[i] = digit
	w.list[i] = w.u.alphabet[digit]
}
