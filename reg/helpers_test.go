package reg

import (
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

const allRights = mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW

func profile(t testing.TB, name string) mlx5model.Profile {
	t.Helper()
	p, ok := mlx5model.ProfileByName(name)
	if !ok {
		t.Fatalf("no profile %q", name)
	}
	return p
}

// newTestEnv is an Env ready for the list.
func newTestEnv(t testing.TB, c EnvConfig, l sg.List) *Env {
	t.Helper()
	if c.Profile.Name == "" {
		c.Profile = profile(t, "default")
	}
	if c.Dialect == "" {
		c.Dialect = "linux"
	}
	e := NewEnv(sg.NewMemory(1))
	if err := e.Reset(c, l); err != nil {
		t.Fatal(err)
	}
	return e
}

func request(l sg.List) *Request {
	return &Request{List: l, Access: allRights, Dir: DirBoth}
}

// streamExtents is the host memory that r's tuples reach, in order.
func streamExtents(t testing.TB, r *Registration, op mlx5model.Op) []sg.Extent {
	t.Helper()
	var out []sg.Extent
	for _, tu := range r.Tuples {
		ext, err := r.Dev.Translate(nil, mlx5model.Access{Op: op, QPN: r.QPN, PD: r.PD, Key: tu.Rkey, VA: tu.Addr, Len: tu.Len})
		if err != nil {
			t.Fatalf("%s: tuple %+v: %v", r.Strategy, tu, err)
		}
		for _, x := range ext {
			out = sg.AppendExtent(out, x.Addr, x.Len)
		}
	}
	return out
}

// covered is what the tuples should reach: Covered bytes of Mapped from From.
func covered(r *Registration) []sg.Extent {
	off := r.Mapped[:r.From.Entry].Total() + r.From.Off
	return r.Mapped.AppendExtents(nil, off, r.Covered)
}

func sameExtents(a, b []sg.Extent) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// checkNoLeaks fails if anything taken from the Env was not given back.
func checkNoLeaks(t testing.TB, e *Env, what string) {
	t.Helper()
	if e.KeysInUse() != 0 || e.BuffersInUse() != 0 || e.MappingsInUse() != 0 {
		t.Errorf("%s: %d keys, %d buffers, %d mappings left", what, e.KeysInUse(), e.BuffersInUse(), e.MappingsInUse())
	}
}

// rng draws lists with a liking for page borders, neighbours and empty entries.
type rng struct{ *rand.Rand }

func newRng(t testing.TB, seed uint64) rng {
	t.Helper()
	t.Logf("seed %#x", seed)
	return rng{rand.New(rand.NewPCG(seed, 0))}
}

func (r rng) list(maxEntries int) sg.List {
	switch r.IntN(4) {
	case 0:
		return r.aligned(maxEntries, 4096)
	case 1:
		return r.aligned(maxEntries, 512)
	}
	l := make(sg.List, 0, maxEntries)
	at := uint64(r.Uint32()) << 8
	for range 1 + r.IntN(maxEntries) {
		switch r.IntN(4) {
		case 0: // somewhere
			at = uint64(r.Uint32()) << r.IntN(16)
		case 1: // next page border
			at = (at + 4095) &^ 4095
		case 2: // a gap
			at += uint64(r.IntN(5000))
		}
		n := uint32(r.IntN(9000))
		switch r.IntN(6) {
		case 0:
			n = 0
		case 1:
			n &^= 4095
		case 2:
			n = uint32((4096 - at%4096) % 4096)
		}
		l = append(l, sg.Entry{Addr: at, Len: n})
		at += uint64(n)
	}
	return l
}

// aligned draws lists whose inner borders are multiples of unit.
func (r rng) aligned(maxEntries int, unit uint64) sg.List {
	l := make(sg.List, 1+r.IntN(maxEntries))
	for i := range l {
		l[i] = sg.Entry{Addr: uint64(r.Uint32()) * unit, Len: uint32(uint64(r.IntN(5)) * unit)}
	}
	skip := uint32(r.Uint64N(unit))
	if first := &l[0]; first.Len > 0 {
		first.Addr += uint64(skip)
		first.Len -= skip
	}
	l[len(l)-1].Len += uint32(r.Uint64N(unit))
	return l
}
