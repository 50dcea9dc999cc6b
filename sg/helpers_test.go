package sg

import (
	"slices"
	"testing"
)

// rng is the tests' own source of randomness: SplitMix64, so that a failure
// can be had again from the seed it prints.
type rng struct{ state uint64 }

func newRng(t testing.TB, seed uint64) *rng {
	t.Helper()
	t.Logf("seed %#x", seed)
	return &rng{seed}
}

func (r *rng) next() uint64 {
	r.state += golden
	return mix64(r.state)
}

func (r *rng) below(n uint64) uint64 { return r.next() % n }

func (r *rng) bytes(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.next())
	}
	return p
}

// entry draws anything, with a liking for edges and wraps.
func (r *rng) entry() Entry {
	e := Entry{Addr: r.next() >> r.below(64), Len: uint32(r.next() >> (32 + r.below(32)))}
	switch r.below(8) {
	case 0:
		e.Addr = -e.Addr
	case 1:
		e.Len = 0
	case 2:
		e.Addr = -uint64(e.Len)
	case 3:
		e.Lkey = uint32(r.next())
	}
	return e
}

func (r *rng) list(maxEntries uint64) List {
	l := make(List, r.below(maxEntries+1))
	for i := range l {
		l[i] = r.entry()
	}
	return l
}

// naiveExtents merges a sequence of byte addresses, one at a time.
func naiveExtents(addrs []uint64) []Extent {
	var out []Extent
	for i, a := range addrs {
		if i > 0 && a != 0 && addrs[i-1]+1 == a {
			out[len(out)-1].Len++
			continue
		}
		out = append(out, Extent{a, 1})
	}
	return out
}

// streamAddrs is the host address of each byte of l's stream.
func streamAddrs(l List) []uint64 {
	var addrs []uint64
	for _, e := range l {
		for k := range uint64(e.Len) {
			addrs = append(addrs, e.Addr+k)
		}
	}
	return addrs
}

func sameList(t *testing.T, what string, got, want List) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}
