package oracle

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// klmMapper is the corrected mapping with something done to its result.
type klmMapper struct {
	reg.Corrected
	change func(dst []byte, m *linux.Mapping)
}

func (b klmMapper) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, n int, size uint64) (linux.Mapping, error) {
	m, err := b.Corrected.KLMs(dst, l, from, lkey, n, size)
	if err == nil {
		b.change(dst, &m)
	}
	return m, err
}

// shortMapper leaves one page of every region unused.
type shortMapper struct{ reg.Corrected }

func (s shortMapper) Pages(dst []byte, l sg.List, from linux.Pos, page uint64, n int) (linux.Mapping, error) {
	return s.Corrected.Pages(dst, l, from, page, n-1)
}

// wrEncoder is the kernel's encoder with something done to each request.
type wrEncoder struct {
	reg.Encoder
	change func(*reg.RegWR)
}

func (e wrEncoder) Register(w *reg.RegWR) (uint64, error) {
	c := *w
	e.change(&c)
	return e.Encoder.Register(&c)
}

func withEncoder(g *rig, change func(*reg.RegWR)) {
	e, err := reg.NewEncoder("linux")
	if err != nil {
		g.t.Fatal(err)
	}
	g.conf.Encoder = wrEncoder{e, change}
}

func withMapper(g *rig, change func(dst []byte, m *linux.Mapping)) {
	g.conf.Mapper = klmMapper{change: change}
}

// TestEveryCheckFires breaks one thing at a time in a sound registration and
// names every check that sees it. The first column is the check that the row
// is there for.
func TestEveryCheckFires(t *testing.T) {
	for _, c := range []struct {
		check Check
		name  string
		list  sg.List
		setup func(*rig) // before registering
		spoil func(*rig) // after it
		want  []Check
	}{
		{
			check: ReadStream, name: "two entries of one length swapped", list: odd,
			setup: func(g *rig) {
				g.req.List = sg.List{{Addr: 0x1111, Len: 64}, {Addr: 0x777777, Len: 64}}
				g.req.Dir = reg.DirRead
				withMapper(g, func(dst []byte, _ *linux.Mapping) {
					var first [mlx5model.KLMSize]byte
					copy(first[:], dst)
					copy(dst, dst[16:32])
					copy(dst[16:], first[:])
				})
			},
			want: []Check{ReadStream, SubRange},
		},
		{
			check: WriteStream, name: "the last byte is not copied back", list: pages,
			spoil: func(g *rig) { bounceBy(g, 4096); g.r.CopyOut[0].From, g.r.CopyOut[0].To, g.r.CopyOut[0].Len = 0, 0, 0 },
			want:  []Check{WriteStream},
		},
		{
			check: Confinement, name: "registering writes a stray byte", list: odd,
			spoil: func(g *rig) { must(g, g.mem.Write(0x777_0000, []byte{1})) },
			want:  []Check{Confinement},
		},
		{
			check: Confinement, name: "the region is one byte too long", list: odd,
			setup: func(g *rig) { withEncoder(g, func(w *reg.RegWR) { w.Length++ }) },
			spoil: func(g *rig) { extendLastKLM(g) },
			want:  []Check{Confinement},
		},
		{
			check: SubRange, name: "an entry begins one byte late", list: odd,
			setup: func(g *rig) {
				withMapper(g, func(dst []byte, _ *linux.Mapping) { dst[31]++ })
			},
			want: []Check{ReadStream, WriteStream, SubRange},
		},
		{
			check: Conservation, name: "an entry mapped twice in place of another", list: odd,
			setup: func(g *rig) {
				g.req.List = sg.List{{Addr: 0x1111, Len: 64}, {Addr: 0x777777, Len: 64}}
				withMapper(g, func(dst []byte, _ *linux.Mapping) { copy(dst[16:32], dst[:16]) })
			},
			want: []Check{ReadStream, WriteStream, SubRange, Conservation},
		},
		{
			check: Conservation, name: "calls a whole registration partial", list: odd,
			spoil: func(g *rig) { g.r.Whole = false },
			want:  []Check{Conservation},
		},
		{
			check: Resume, name: "a page of the region stays unused", list: sg.List{{Addr: 0x100000, Len: 1 << 16}},
			setup: func(g *rig) {
				g.req.Partial, g.req.Limits.MaxEntries = true, 4
				g.conf.Mapper = shortMapper{}
			},
			want: []Check{Resume},
		},
		{
			check: Rights, name: "remote write granted, not asked for", list: odd,
			setup: func(g *rig) {
				g.req.Access = mlx5model.AccLW | mlx5model.AccRR
				withEncoder(g, func(w *reg.RegWR) { w.Access |= mlx5model.AccRW })
			},
			want: []Check{Rights},
		},
		{
			check: Structure, name: "translations_octword_size of the context is wrong", list: odd,
			spoil: func(g *rig) { g.r.Ring.At(g.r.PostedFrom, 0x40)[0x37] ^= 0x10 },
			want:  []Check{Structure},
		},
		{
			check: RoundTrip, name: "a reserved byte of the UMR control segment is set", list: odd,
			spoil: func(g *rig) { g.r.Ring.At(g.r.PostedFrom, 0x10)[0x1f] = 1 },
			want:  []Check{Structure, RoundTrip},
		},
		{
			check: CostClaims, name: "claims a descriptor too many", list: odd,
			spoil: func(g *rig) { g.r.Cost.Descriptors++ },
			want:  []Check{CostClaims},
		},
		{
			check: DMAContract, name: "unmaps the merged entries", list: odd,
			setup: func(g *rig) { g.req.DMA = sg.DMA{Mode: sg.Merge, Limit: 65536} },
			spoil: func(g *rig) { g.r.UnmapNents = len(g.r.Mapped) },
			want:  []Check{DMAContract},
		},
		{
			check: LimitsKept, name: "more descriptors than allowed", list: odd,
			spoil: func(g *rig) { g.req.Limits.MaxEntries = len(odd) - 1 },
			want:  []Check{LimitsKept},
		},
		{
			check: Termination, name: "empty tuples without end", list: odd,
			spoil: func(g *rig) {
				for range 100 {
					g.r.Tuples = append(g.r.Tuples, reg.Tuple{Rkey: g.r.Tuples[0].Rkey, Addr: g.r.Tuples[0].Addr + g.r.Tuples[0].Len})
				}
				g.r.Cost.RemoteDescs = len(g.r.Tuples)
			},
			want: []Check{Termination},
		},
	} {
		t.Run(c.check.String()+"/"+c.name, func(t *testing.T) {
			g := newRig(t, c.list)
			if c.setup != nil {
				c.setup(g)
			}
			var s reg.Strategy = reg.Indirect{}
			if c.check == Resume || c.check == WriteStream {
				s = reg.FastReg{}
			}
			g.register(s)
			if c.spoil != nil {
				c.spoil(g)
			}
			g.judge()
			g.expect(c.want...)
			if g.v.Failed[c.check] == 0 {
				t.Errorf("%v did not fire", c.check)
			}
		})
	}
}

func must(g *rig, err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// bounceBy turns the rig's registration into a bounced one: the list that is
// judged lies by bytes further up, and copies lead there and back.
func bounceBy(g *rig, by uint64) {
	moved := make(sg.List, len(g.req.List))
	for i, e := range g.req.List {
		to := e
		to.Addr += by << 28
		moved[i] = to
		g.r.CopyIn = append(g.r.CopyIn, reg.Copy{From: to.Addr, To: e.Addr, Len: uint64(e.Len)})
		g.r.CopyOut = append(g.r.CopyOut, reg.Copy{From: e.Addr, To: to.Addr, Len: uint64(e.Len) - 1}, reg.Copy{From: e.Last(), To: to.Last(), Len: 1})
		g.r.Own = append(g.r.Own, sg.Extent{Addr: e.Addr, Len: uint64(e.Len)})
	}
	g.r.Cost.BytesCopied = moved.Total()
	g.req.List = moved
	copy(g.r.Mapped, moved)
}

// extendLastKLM makes the last KLM in the key as long as the region claims.
func extendLastKLM(g *rig) {
	list := g.r.Dev.QueryXlt(g.r.Keys[0])
	n := g.r.Cost.Descriptors - 1
	k := mlx5model.ParseKLM(list[n*mlx5model.KLMSize:])
	k.ByteCount++
	k.Put(list[n*mlx5model.KLMSize:])
}

func TestChainFires(t *testing.T) {
	o := New()
	a := ChainPart{linux.Pos{}, linux.Pos{Entry: 1, Off: 8}, 100}
	b := ChainPart{linux.Pos{Entry: 1, Off: 8}, linux.Pos{Entry: 3}, 50}
	for _, c := range []struct {
		name  string
		parts []ChainPart
		fires bool
	}{
		{"sound", []ChainPart{a, b}, false},
		{"hole", []ChainPart{a, {linux.Pos{Entry: 1, Off: 9}, b.Next, 50}}, true},
		{"no progress", []ChainPart{a, {a.Next, a.Next, 0}, b}, true},
		{"short", []ChainPart{a}, true},
	} {
		var v Verdict
		o.JudgeChain(c.parts, 0, 150, &v)
		if fired := v.Failed[Resume] > 0; fired != c.fires || len(v.FailedChecks()) > 1 {
			t.Errorf("%s: %v", c.name, v.Failures)
		}
	}
}

func TestReleasedKeyFires(t *testing.T) {
	g := newRig(t, odd).register(reg.Indirect{})
	g.o.JudgeReleased(g.env, g.r.Tuples, &g.v) // still live
	g.expect(Rights)
	tuples := append([]reg.Tuple(nil), g.r.Tuples...)
	if err := (reg.Indirect{}).Release(g.env, &g.r); err != nil {
		t.Fatal(err)
	}
	g.v.Reset()
	g.o.JudgeReleased(g.env, tuples, &g.v)
	g.expect()
}

func TestAgreementFires(t *testing.T) {
	o := New()
	a := Stream{"a", []sg.Extent{{Addr: 0x1000, Len: 10}, {Addr: 0x9000, Len: 10}}, 20, 0}
	for _, c := range []struct {
		name  string
		b     Stream
		shift uint64
		fires bool
	}{
		{"same", Stream{"b", []sg.Extent{{Addr: 0x1000, Len: 10}, {Addr: 0x9000, Len: 10}}, 20, 0}, 0, false},
		{"moved", Stream{"b", []sg.Extent{{Addr: 0x3000, Len: 10}, {Addr: 0xb000, Len: 10}}, 20, 0}, 0x2000, false},
		{"swapped", Stream{"b", []sg.Extent{{Addr: 0x9000, Len: 10}, {Addr: 0x1000, Len: 10}}, 20, 0}, 0, true},
		{"shorter", Stream{"b", a.Extents[:1], 10, 0}, 0, true},
	} {
		var v Verdict
		o.JudgeAgreement(&a, &c.b, c.shift, &v)
		if fired := v.Failed[Agreement] > 0; fired != c.fires || len(v.FailedChecks()) > 1 {
			t.Errorf("%s: %v", c.name, v.Failures)
		}
	}
}

func TestVectorFires(t *testing.T) {
	const name = "kernel-sg2klm.jsonl"
	line := []byte(`{"id":"sg2klm-x","kind":"edge","note":"","seed":0,"type":"klm","max_num_sg":1,"max_descs":4,"desc_size":16,` +
		`"page_size":4096,"local_dma_lkey":5888,"prefill":204,"sg":[[4294967296,4096]],"sg_offset":null,"ret":1,"sg_offset_out":0,` +
		`"iova":4294967296,"length":4096,"ndescs":1,"descs":"00001000000017000000000100000000` +
		string(bytes.Repeat([]byte("cc"), 48)) + `"}` + "\n")
	for _, c := range []struct {
		name  string
		line  []byte
		fires bool
	}{
		{"as recorded", line, false},
		{"one bit of the va", bytes.Replace(line, []byte("0000000100000000cc"), []byte("0000000100000001cc"), 1), true},
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, c.line, 0o666); err != nil {
			t.Fatal(err)
		}
		rep, err := vectors.CheckFile(file, vectors.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var v Verdict
		JudgeVectors(&rep, &v)
		if fired := v.Failed[Vector] > 0; fired != c.fires || v.Ran[Vector] != 1 || len(v.FailedChecks()) > 1 {
			t.Errorf("%s: ran %d, %v", c.name, v.Ran[Vector], v.Failures)
		}
	}
}

func TestWrongRefusalFires(t *testing.T) {
	p, _ := mlx5model.ProfileByName("default")
	caps := reg.EncoderCaps{MTT: true, KLM: true, Pointer: true, MaxList: mlx5model.MaxKLMs}
	facts := Facts{Profile: &p, Caps: caps, PoolSize: 8, WQEBBs: 64}
	for _, c := range []struct {
		name  string
		list  sg.List
		err   error
		fires bool
	}{
		{"a gap", odd, &reg.Refusal{Reason: reg.ReasonGap, Entry: 1}, false},
		{"a gap where there is none", pages, &reg.Refusal{Reason: reg.ReasonGap, Entry: 1}, true},
		{"no such entry", pages, &reg.Refusal{Reason: reg.ReasonGap, Entry: 9}, true},
		{"a sector gap", odd, &reg.Refusal{Reason: reg.ReasonSector, Entry: 2}, false},
		{"sectors all right", pages, &reg.Refusal{Reason: reg.ReasonSector, Entry: 1}, true},
		{"not typed", pages, errors.New("no"), true},
		{"too strict a limit", odd, &reg.Refusal{Reason: reg.ReasonEntries, Limit: 3}, true},
		{"nothing wraps", odd, &reg.Refusal{Reason: reg.ReasonWrap}, true},
		{"it wraps", sg.List{{Addr: 1<<64 - 1, Len: 2}}, &reg.Refusal{Reason: reg.ReasonWrap}, false},
		{"not empty", odd, &reg.Refusal{Reason: reg.ReasonEmpty}, true},
		{"empty", sg.List{{Addr: 5}}, &reg.Refusal{Reason: reg.ReasonEmpty}, false},
		{"pool is larger", odd, &reg.Refusal{Reason: reg.ReasonPool, Limit: 4}, true},
		{"pool is that small", odd, &reg.Refusal{Reason: reg.ReasonPool, Limit: 8}, false},
		{"page size exists", pages, &reg.Refusal{Reason: reg.ReasonPageSize}, true},
		{"total within limit", odd, &reg.Refusal{Reason: reg.ReasonTotal, Limit: 1 << 30}, true},
		{"everything is supported", odd, &reg.Refusal{Reason: reg.ReasonUnsupported}, true},
	} {
		var v Verdict
		New().JudgeRefusal(&reg.Request{List: c.list, PageSize: 4096}, c.err, facts, &v)
		if fired := v.Failed[LimitsKept] > 0; fired != c.fires || len(v.FailedChecks()) > 1 {
			t.Errorf("%s: %v", c.name, v.Failures)
		}
	}
}
