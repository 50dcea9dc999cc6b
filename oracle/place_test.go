package oracle

import (
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestPlaces breaks one byte at a time and holds where the first failure of a
// check is said to be.
func TestPlaces(t *testing.T) {
	const whole, addr = KnowsStream | KnowsEntry, KnowsAddr
	list := sg.List{{Addr: 0x10000000, Len: 1000}, {Addr: 0x20000000}, {Addr: 0x30000000, Len: 2000}, {Addr: 0x40000000, Len: 3000}}
	far := func(i int) func(*rig) { // KLM i reaches elsewhere: the empty entry has none
		return func(g *rig) {
			withMapper(g, func(dst []byte, _ *linux.Mapping) {
				k := mlx5model.ParseKLM(dst[i*mlx5model.KLMSize:])
				k.VA += 1 << 40
				k.Put(dst[i*mlx5model.KLMSize:])
			})
		}
	}
	for _, x := range []struct {
		name  string
		s     reg.Strategy
		list  sg.List
		check Check
		setup func(*rig)
		spoil func(*rig)
		want  Place
	}{
		{"an entry elsewhere", reg.Indirect{}, list, ReadStream, far(1), nil, Place{whole | addr, 1000, 2, 0, 0x100_3000_0000}},
		{"the same, 300 bytes left out", reg.Indirect{}, list, ReadStream, func(g *rig) { far(1)(g); g.req.Offset = 300 }, nil,
			Place{whole | addr, 1000, 2, 0, 0x100_3000_0000}},
		{"no such key", reg.Indirect{}, list, ReadStream, nil, func(g *rig) { g.r.Tuples[0].Rkey ^= 0x80 }, Place{whole, 0, 0, 0, 0}},
		{"a stray byte", reg.Indirect{}, list, Confinement, nil, func(g *rig) { must(g, g.mem.Write(0x777_0000, []byte{1})) },
			Place{addr, 0, 0, 0, 0x777_0000}},
		{"a byte of the list", reg.Indirect{}, list, Confinement, nil, func(g *rig) { must(g, g.mem.Write(0x30000007, []byte{1})) },
			Place{whole | addr, 1007, 2, 7, 0x30000007}},
		{"one byte too long", reg.Indirect{}, list, Confinement, func(g *rig) { withEncoder(g, func(w *reg.RegWR) { w.Length++ }) }, extendLastKLM,
			Place{addr, 0, 0, 0, 0x40000000 + 3000}},
		{"calls a whole registration partial", reg.Indirect{}, list, Conservation, nil, func(g *rig) { g.r.Whole = false }, Place{KnowsStream, 6000, 0, 0, 0}},
		{"a tuple too few", &reg.MultiMR{}, sg.List{{Addr: 0x10000000, Len: 1000}, {Addr: 0x20000000, Len: 9}}, Conservation, nil,
			func(g *rig) { g.r.Tuples = g.r.Tuples[:1] }, Place{whole, 1000, 1, 0, 0}},
		{"works on another list", reg.Indirect{}, list, DMAContract, nil, func(g *rig) {
			g.r.Mapped = append(sg.List(nil), g.r.Mapped...)
			g.r.Mapped[3].Addr++
		}, Place{whole | addr, 3000, 3, 0, 0x40000001}},
		{"a transfer elsewhere", &reg.RDMARW{}, list, ReadStream, func(g *rig) { g.req.Dir = reg.DirRead }, func(g *rig) {
			g.env.Dev.Doorbell(g.r.QP, g.r.PostedTo)
			g.o.Peer.local[1].Addr += 1 << 40
		}, Place{whole | addr, 1000, 2, 0, 0x100_3000_0000}},
	} {
		t.Run(x.name, func(t *testing.T) {
			g := newRig(t, x.list)
			if x.setup != nil {
				x.setup(g)
			}
			g.register(x.s)
			if x.spoil != nil {
				x.spoil(g)
			}
			g.judge()
			for _, f := range g.v.Failures {
				if f.Check == x.check {
					if f.Place != x.want {
						t.Errorf("%v: at %+v, want %+v", f, f.Place, x.want)
					}
					return
				}
			}
			t.Errorf("check %v found nothing: %v", x.check, g.v.Failures)
		})
	}
}

// TestRefusalPlace holds where a wrong refusal is said to be.
func TestRefusalPlace(t *testing.T) {
	l := sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 0x9000, Len: 4096}, {Addr: 0x5000, Len: 10}}
	g := newRig(t, l)
	var v Verdict
	g.o.JudgeRefusal(&g.req, &reg.Refusal{Strategy: "fastreg", Reason: reg.ReasonGap, Entry: 1}, Facts{Profile: &g.conf.Profile}, &v)
	if want := (Place{KnowsStream | KnowsEntry, 4096, 1, 0, 0}); len(v.Failures) != 1 || v.Failures[0].Place != want {
		t.Errorf("%+v, want one at %+v", v.Failures, want)
	}
}

// TestChainPlace holds where parts that do not fit together are said to.
func TestChainPlace(t *testing.T) {
	var v Verdict
	parts := []ChainPart{{linux.Pos{}, linux.Pos{Entry: 1}, 100}, {linux.Pos{Entry: 2}, linux.Pos{Entry: 3}, 50}}
	New().JudgeChain(parts, 7, 150, &v)
	if len(v.Failures) != 1 || v.Failures[0].Place != (Place{Knows: KnowsStream, Stream: 107}) {
		t.Errorf("%+v", v.Failures)
	}
}
