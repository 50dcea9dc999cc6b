package reg

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

func readable(r *Registration, tu Tuple) error {
	_, err := r.Dev.Translate(nil, mlx5model.Access{Op: mlx5model.RemoteRead, QPN: r.QPN, PD: r.PD, Key: tu.Rkey, VA: tu.Addr, Len: tu.Len})
	return err
}

// TestEveryStrategyEveryDialect registers random lists, compares what the
// tuples reach with the list, releases, and tries the old tuples again.
func TestEveryStrategyEveryDialect(t *testing.T) {
	r := newRng(t, 42)
	env := NewEnv(sg.NewMemory(1))
	var x Registration
	accepted := map[string]int{}
	for i := range 400 {
		l := r.list(12)
		c := EnvConfig{
			Profile: profile(t, []string{"default", "cx4", "cx7", "strict", "noumr", "small"}[r.IntN(6)]),
			Dialect: Dialects()[r.IntN(len(Dialects()))], WQEBBs: 1 << r.IntN(7), Start: r.Uint32(), Prefill: byte(r.Uint32()),
			Peer: anyPeer{},
		}
		if err := env.Reset(c, l); err != nil {
			t.Fatal(err)
		}
		for _, s := range Strategies() {
			what := fmt.Sprintf("%d: %s on %s, %s, %d WQEBBs, %v", i, s.Name(), c.Dialect, c.Profile.Name, c.WQEBBs, l)
			req := request(l)
			if r.IntN(3) == 0 && l.Total() > 0 {
				req.Offset = r.Uint64() % l.Total()
			}
			req.DMA = []sg.DMA{{}, {Mode: sg.Merge, Limit: 65536}, {Mode: sg.Split, Limit: 4096}}[r.IntN(3)]
			err := s.Register(env, req, &x)
			var f *Refusal
			if err != nil {
				if !errors.As(err, &f) {
					t.Fatalf("%s: %v", what, err)
				}
				checkNoLeaks(t, env, what)
				continue
			}
			accepted[s.Name()]++
			checkUse(t, env, s, &x, what)
		}
	}
	for _, s := range Strategies() {
		if accepted[s.Name()] < 20 {
			t.Errorf("%s accepted %d lists only", s.Name(), accepted[s.Name()])
		}
	}
	t.Log(accepted)
}

type anyPeer struct{}

func (anyPeer) Transfer(bool, uint32, uint64, []sg.Extent, mlx5model.HostMemory) mlx5model.Syndrome {
	return mlx5model.SynOK
}

func checkUse(t *testing.T, env *Env, s Strategy, x *Registration, what string) {
	t.Helper()
	if !x.Whole || x.DMANents != len(x.Mapped) || x.MapNents != len(x.Request.List) || x.Covered != rest(x.Mapped, x.From) {
		t.Errorf("%s: %+v", what, x)
	}
	if !x.Initiator && len(x.CopyIn) == 0 && !sameExtents(streamExtents(t, x, mlx5model.RemoteWrite), covered(x)) {
		t.Errorf("%s: reaches other memory", what)
	}
	if err := s.Release(env, x); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	checkNoLeaks(t, env, what)
	if env.DMA.LastUnmapNents != len(x.Request.List) || env.DMA.LastMapNents != len(x.Request.List) {
		t.Errorf("%s: %+v", what, env.DMA)
	}
	for _, tu := range x.Tuples {
		if readable(x, tu) == nil {
			t.Errorf("%s: %+v can be read after release", what, tu)
		}
	}
	if err := s.Release(env, x); err != nil || env.DMA.Maps != env.DMA.Unmaps {
		t.Errorf("%s: second release: %v, %+v", what, err, env.DMA)
	}
}

// TestKeyReuse makes 600 registrations with a pool of one key: tags go round,
// and a stale key never reads the next registration's data.
func TestKeyReuse(t *testing.T) {
	l := scattered(3)
	for _, d := range Dialects() {
		e := newTestEnv(t, EnvConfig{Dialect: d, PoolSize: 1}, l)
		var r Registration
		var last Tuple
		for i := range 600 {
			if err := (Indirect{}).Register(e, request(l), &r); err != nil {
				t.Fatal(err)
			}
			now := r.Tuples[0]
			if i > 0 && (now.Rkey == last.Rkey || mlx5model.KeyIndex(now.Rkey) != mlx5model.KeyIndex(last.Rkey)) {
				t.Fatalf("%s, %d: key %#x after %#x", d, i, now.Rkey, last.Rkey)
			}
			if i > 0 && readable(&r, last) == nil {
				t.Fatalf("%s, %d: stale key %#x reads", d, i, last.Rkey)
			}
			last = now
			if err := (Indirect{}).Release(e, &r); err != nil {
				t.Fatal(err)
			}
		}
		if want := map[bool]int{true: 0, false: 600}[e.Enc.Caps().Invalidate]; e.KeysDestroyed() != want {
			t.Errorf("%s: %d keys destroyed, want %d", d, e.KeysDestroyed(), want)
		}
	}
}

// TestResume registers a list in pieces of three pages, holding all of them.
func TestResume(t *testing.T) {
	l := sg.List{{Addr: 0x1234, Len: 50000}, {}, {Addr: 0x90001, Len: 4095}, {Addr: 0x20000, Len: 1}}
	for _, s := range []Strategy{FastReg{}, Indirect{}, Auto{}} {
		e := newTestEnv(t, EnvConfig{}, l)
		var at linux.Pos
		var got []sg.Extent
		var sum uint64
		held := make([]Registration, 0, 20)
		for {
			held = append(held, Registration{})
			r := &held[len(held)-1]
			req := request(l)
			req.Partial, req.From = true, at
			req.Limits.MaxEntries = 3
			if s.Name() == "indirect" {
				req.Limits.MaxEntryBytes = 1000
			}
			if err := s.Register(e, req, r); err != nil {
				t.Fatalf("%s at %+v: %v", s.Name(), at, err)
			}
			for _, x := range streamExtents(t, r, mlx5model.RemoteRead) {
				got = sg.AppendExtent(got, x.Addr, x.Len)
			}
			sum += r.Covered
			if at = r.Next; r.Whole {
				break
			}
		}
		if sum != l.Total() || !sameExtents(got, l.AppendExtents(nil, 0, ^uint64(0))) {
			t.Errorf("%s: %d bytes in %d pieces: %v", s.Name(), sum, len(held), got)
		}
		for i := range held {
			if err := s.Release(e, &held[i]); err != nil {
				t.Error(err)
			}
		}
		checkNoLeaks(t, e, s.Name())
	}
}

func TestFromIsChecked(t *testing.T) {
	l := sg.List{{Addr: 0x1000, Len: 10}, {Addr: 0x5000, Len: 5}}
	for _, at := range []linux.Pos{{Entry: -1}, {Entry: 3}, {Entry: 1, Off: 6}, {Entry: 2, Off: 1}} {
		e := newTestEnv(t, EnvConfig{}, l)
		req := request(l)
		req.From = at
		var r Registration
		var f *Refusal
		if err := (Indirect{}).Register(e, req, &r); !errors.As(err, &f) || f.Reason != ReasonOffset {
			t.Errorf("%+v: %v", at, err)
		}
		checkNoLeaks(t, e, "from")
	}
}

// faultyEncoder is the kernel's, but the nth registration is spoilt.
type faultyEncoder struct {
	linuxEncoder
	n     int
	spoil func(*RegWR) error
}

func (x *faultyEncoder) Register(w *RegWR) (uint64, error) {
	if x.n--; x.n == 0 {
		if err := x.spoil(w); err != nil {
			return 0, err
		}
	}
	return x.linuxEncoder.Register(w)
}

// TestFaults spoils the k-th registration of a command and expects everything
// back, a queue that works, and an error of the right kind.
func TestFaults(t *testing.T) {
	l := gaps(9)
	refused := errors.New("post refused")
	faults := map[string]func(*RegWR) error{
		"completion": func(w *RegWR) error { w.Key = 0xdead00; return nil }, // no such key
		"post":       func(w *RegWR) error { return refused },
		"list":       func(w *RegWR) error { w.N, w.List = 100, make([]byte, 1600); return nil }, // longer than the key
	}
	for name, spoil := range faults {
		for k := 1; k <= 10; k++ { // the tenth is the table
			for _, ring := range []int{4, 64} {
				x := &faultyEncoder{n: k, spoil: spoil}
				e := newTestEnv(t, EnvConfig{Encoder: x, WQEBBs: ring}, l)
				var r Registration
				err := (&MultiMR{}).Register(e, request(l), &r)
				var ce *CompletionError
				if err == nil || errors.As(err, &ce) == (name == "post") || errors.Is(err, refused) != (name == "post") {
					t.Errorf("%s %d: %v", name, k, err)
				}
				if len(r.Tuples)+len(r.Keys)+len(r.AuxKeys)+len(r.Own) != 0 {
					t.Errorf("%s %d: %+v left", name, k, r)
				}
				checkNoLeaks(t, e, name)
				if e.KeysDestroyed() != 0 {
					t.Errorf("%s %d: %d keys destroyed, not invalidated", name, k, e.KeysDestroyed())
				}
				if err := (&MultiMR{}).Register(e, request(l), &r); err != nil {
					t.Errorf("%s %d: afterwards: %v", name, k, err)
				} else if !sameExtents(streamExtents(t, &r, mlx5model.RemoteRead), covered(&r)) {
					t.Errorf("%s %d: afterwards other memory", name, k)
				}
			}
		}
	}
}

// badInvalidate names a key that does not exist, once.
type badInvalidate struct {
	linuxEncoder
	spoilt bool
}

func (x *badInvalidate) Invalidate(key uint32) error {
	if !x.spoilt {
		x.spoilt, key = true, 0xdead00
	}
	return x.linuxEncoder.Invalidate(key)
}

// TestReleaseFails expects an error, everything back, stale keys dead and a
// queue that works.
func TestReleaseFails(t *testing.T) {
	l := gaps(3)
	e := newTestEnv(t, EnvConfig{Encoder: new(badInvalidate)}, l)
	var r Registration
	if err := (&MultiMR{}).Register(e, request(l), &r); err != nil {
		t.Fatal(err)
	}
	var ce *CompletionError
	if err := (&MultiMR{}).Release(e, &r); !errors.As(err, &ce) {
		t.Fatal(err)
	}
	checkNoLeaks(t, e, "release")
	for _, tu := range r.Tuples {
		if readable(&r, tu) == nil {
			t.Errorf("%+v can be read", tu)
		}
	}
	if err := (&MultiMR{}).Register(e, request(l), &r); err != nil {
		t.Fatal(err)
	}
	if err := (&MultiMR{}).Release(e, &r); err != nil {
		t.Fatal(err)
	}
}

// TestCost has the whole record of some registrations.
func TestCost(t *testing.T) {
	tests := []struct {
		name    string
		s       Strategy
		dialect string
		list    sg.List
		want    Cost
	}{
		{"inline", Indirect{}, "linux", scattered(4), Cost{MRs: 1, WQEs: 1, WQEBytes: 192, Descriptors: 4, Fetches: 1, RemoteDescs: 1}},
		{"pointer", Indirect{}, "linux", scattered(5), Cost{MRs: 1, WQEs: 1, WQEBytes: 144, Descriptors: 5, Fetches: 2, RemoteDescs: 1}},
		{"always pointer", Indirect{}, "ofed", scattered(1), Cost{MRs: 1, WQEs: 1, WQEBytes: 144, Descriptors: 1, Fetches: 2, RemoteDescs: 1}},
		{"always inline", Indirect{}, "libmlx5", scattered(9), Cost{MRs: 1, WQEs: 1, WQEBytes: 320, Descriptors: 9, Fetches: 1, RemoteDescs: 1}},
		{"pages", FastReg{}, "linux", sg.List{{Addr: 0x1800, Len: 9 << 12}}, Cost{MRs: 1, WQEs: 1, WQEBytes: 144, Descriptors: 10, Fetches: 2, RemoteDescs: 1}},
		{"regions and table", &MultiMR{}, "linux", gaps(3), Cost{MRs: 4, WQEs: 4, WQEBytes: 4 * 192, Descriptors: 7, Fetches: 4, RemoteDescs: 3}},
		{"bounce", Bounce{}, "linux", scattered(2000), Cost{MRs: 1, WQEs: 1, WQEBytes: 192, Descriptors: 3, BytesCopied: 10000, Buffers: 3, Fetches: 1, RemoteDescs: 1}},
		{"segments", RDMARW{}, "linux", scattered(31), Cost{WQEs: 2, WQEBytes: 32*16 + 3*16, Descriptors: 31, Fetches: 2}},
	}
	for _, tt := range tests {
		e := newTestEnv(t, EnvConfig{Dialect: tt.dialect, Peer: anyPeer{}}, tt.list)
		var r Registration
		if err := tt.s.Register(e, request(tt.list), &r); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if r.Cost != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, r.Cost, tt.want)
		}
	}
}

// lazyMapper claims nothing and goes nowhere.
type lazyMapper struct{ m linux.Mapping }

func (x lazyMapper) Pages([]byte, sg.List, linux.Pos, uint64, int) (linux.Mapping, error) {
	return x.m, nil
}

func (x lazyMapper) KLMs([]byte, sg.List, linux.Pos, uint32, int, uint64) (linux.Mapping, error) {
	return x.m, nil
}

func TestFaultyMapperEnds(t *testing.T) {
	l := gaps(3)
	for _, m := range []linux.Mapping{
		{}, {N: 1, Length: 1, Stop: linux.StopGap}, {N: 1, Next: linux.Pos{Entry: 1}}, {N: 1 << 20, Length: 5, Next: linux.Pos{Entry: 3}}, {N: -1, Length: 5, Next: linux.Pos{Entry: 3}},
	} {
		for _, s := range Strategies() {
			if s.Name() == "umem" {
				continue // has no mapper
			}
			e := newTestEnv(t, EnvConfig{Mapper: lazyMapper{m}}, l)
			var r Registration
			if err := s.Register(e, request(l), &r); err == nil && !r.Initiator {
				t.Errorf("%s accepts %+v", s.Name(), m)
			} else if r.Initiator {
				continue
			}
			checkNoLeaks(t, e, s.Name())
		}
	}
}

func TestResetRefuses(t *testing.T) {
	e := NewEnv(sg.NewMemory(1))
	p := profile(t, "default")
	for _, tt := range []struct {
		c    EnvConfig
		want error
	}{
		{EnvConfig{Profile: p, Dialect: "windows"}, ErrDialect},
		{EnvConfig{Profile: p, Dialect: "linux", WQEBBs: 3}, mlx5model.ErrRingSize},
		{EnvConfig{Dialect: "linux"}, mlx5model.ErrProfile},
		{EnvConfig{Profile: p, Dialect: "linux"}, nil},
	} {
		if err := e.Reset(tt.c, nil); !errors.Is(err, tt.want) {
			t.Errorf("%v, want %v", err, tt.want)
		}
	}
}

// TestSteadyState runs whole cases without allocating.
func TestSteadyState(t *testing.T) {
	l := sg.List{{Addr: 0x1200, Len: 0xe00}, {Addr: 0x9000, Len: 4096}, {Addr: 0x3000, Len: 7}}
	long := scattered(40)
	p := profile(t, "default")
	for _, d := range Dialects() {
		for _, s := range Strategies() {
			e := NewEnv(sg.NewMemory(1))
			var r Registration
			req := request(l)
			if s.Name() == "indirect" || s.Name() == "bounce" {
				req.List = long
			}
			caps := func() error {
				if err := e.Reset(EnvConfig{Profile: p, Dialect: d, Peer: anyPeer{}}, req.List); err != nil {
					t.Fatal(err)
				}
				e.Mem.Reset(1)
				if err := s.Register(e, req, &r); err != nil {
					return err
				}
				return s.Release(e, &r)
			}
			if caps() != nil || s.Name() == "auto" && d != "linux" {
				continue // refusals are allocated
			}
			if n := testing.AllocsPerRun(50, func() { _ = caps() }); n != 0 {
				t.Errorf("%s on %s: %v allocations a case", s.Name(), d, n)
			}
		}
	}
}

func BenchmarkCase(b *testing.B) {
	p := profile(b, "default")
	for _, d := range Dialects() {
		for _, s := range Strategies() {
			l := sg.List{{Addr: 0x1200, Len: 0xe00}, {Addr: 0x9000, Len: 4096}, {Addr: 0x3000, Len: 7}}
			b.Run(s.Name()+"/"+d, func(b *testing.B) {
				e := NewEnv(sg.NewMemory(1))
				var r Registration
				req := request(l)
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Reset(EnvConfig{Profile: p, Dialect: d, WQEBBs: 64, Peer: anyPeer{}}, l); err != nil {
						b.Fatal(err)
					}
					if err := s.Register(e, req, &r); err != nil {
						b.Skip(err)
					}
					if err := s.Release(e, &r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func TestPrefill(t *testing.T) {
	for _, b := range []byte{0, 0xcc} {
		e := newTestEnv(t, EnvConfig{WQEBBs: 8, Prefill: 0x11}, nil)
		if err := e.Reset(EnvConfig{Profile: e.Profile, Dialect: "linux", WQEBBs: 8, Prefill: b}, nil); err != nil {
			t.Fatal(err)
		}
		for i, x := range e.Ring.Bytes() {
			if x != b {
				t.Fatalf("byte %d is %#x, not %#x", i, x, b)
			}
		}
	}
}
