package oracle

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// rig is one registration with everything around it.
type rig struct {
	t    *testing.T
	mem  *sg.Memory
	env  *reg.Env
	o    *Oracle
	req  reg.Request
	r    reg.Registration
	v    Verdict
	conf reg.EnvConfig
}

func newRig(t *testing.T, l sg.List) *rig {
	t.Helper()
	p, _ := mlx5model.ProfileByName("default")
	g := &rig{t: t, mem: sg.NewMemory(7), o: New(), conf: reg.EnvConfig{Profile: p, Dialect: "linux", Prefill: 0xcc}}
	g.env = reg.NewEnv(g.mem)
	g.req = reg.Request{
		List: l, PageSize: 4096, Dir: reg.DirBoth,
		Access: mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW,
	}
	g.o.Peer = NewPeer(reg.Remote{Rkey: 0x9900, Addr: 1 << 44})
	g.req.Remote = g.o.Peer.Remote()
	return g
}

func (g *rig) register(s reg.Strategy) *rig {
	g.t.Helper()
	g.conf.Peer = g.o.Peer
	if err := g.env.Reset(g.conf, g.req.List); err != nil {
		g.t.Fatal(err)
	}
	g.o.Begin(g.mem)
	if err := s.Register(g.env, &g.req, &g.r); err != nil {
		g.t.Fatal(err)
	}
	return g
}

func (g *rig) judge() []Check {
	g.o.Judge(&g.r, &g.v)
	return g.v.FailedChecks()
}

// expect demands that exactly the given checks fire.
func (g *rig) expect(want ...Check) {
	g.t.Helper()
	if got := g.v.FailedChecks(); !slices.Equal(got, want) {
		g.t.Errorf("checks that fired: %v, want %v", got, want)
		for _, f := range g.v.Failures {
			g.t.Log(f)
		}
	}
	for _, f := range g.v.Failures {
		if p := f.Place; p.Knows&KnowsStream != 0 {
			if q := at(g.req.List, p.Stream); p.Knows&^KnowsAddr != q.Knows || p.Entry != q.Entry || p.Off != q.Off {
				g.t.Errorf("%v: at %+v, the list has %+v there", f, p, q)
			}
		} else if p.Knows&KnowsEntry != 0 {
			g.t.Errorf("%v: at %+v: an entry without its place in the stream", f, p)
		}
	}
}

// odd is a list that only byte-granular registration can take: borders in the
// middle of pages, an alias, one byte, and coalescible neighbours.
var odd = sg.List{
	{Addr: 0x10000fff, Len: 1}, {Addr: 0x20000000, Len: 8192}, {Addr: 0x30000123, Len: 77}, {Addr: 0x30000170, Len: 600},
	{Addr: 0x20000004, Len: 8}, {Addr: 0x1_0000_0000_0000, Len: 4096},
}

// pages is a list that a page list can take.
var pages = sg.List{{Addr: 0x10000e00, Len: 512}, {Addr: 0x20000000, Len: 8192}, {Addr: 0x40001000, Len: 100}}

func TestSoundRegistrationsPass(t *testing.T) {
	long := make(sg.List, 300)
	for i := range long {
		long[i] = sg.Entry{Addr: uint64(i)*0x11000 + 0x5_0000_0000, Len: uint32(1 + 37*i)}
	}
	huge := sg.List{{Addr: 3, Len: 1<<32 - 1}, {Addr: 1<<64 - 4096, Len: 4096}, {Addr: 9 << 40, Len: 1<<31 + 1}}
	for _, c := range []struct {
		name string
		s    reg.Strategy
		l    sg.List
	}{
		{"indirect odd", reg.Indirect{}, odd},
		{"indirect long", reg.Indirect{}, long},
		{"indirect huge", reg.Indirect{}, huge},
		{"fastreg pages", reg.FastReg{}, pages},
	} {
		for _, full := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, " full=", full), func(t *testing.T) {
				g := newRig(t, c.l)
				g.o.Full = full
				g.register(c.s).judge()
				g.expect()
				for _, c := range []Check{ReadStream, WriteStream, Confinement, SubRange, Conservation, Rights, Structure, RoundTrip, CostClaims, DMAContract, LimitsKept, Termination} {
					if g.v.Ran[c] == 0 {
						t.Errorf("check %v did not run", c)
					}
				}
			})
		}
	}
}
