package fuzz

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// exhaust enumerates and demands that the arguments were right.
func exhaust(t testing.TB, c ExhaustConfig) *ExhaustSummary {
	t.Helper()
	s, err := Exhaust(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clean demands that nothing was found.
func clean(t *testing.T, s *ExhaustSummary) {
	t.Helper()
	for _, f := range s.Findings {
		t.Errorf("%s: %d lists, the smallest is %d: %s: %s", f.Class, s.Classes[f.Class], f.Index, listLabel(f.List), f.Text)
	}
	if s.Failed != 0 || len(s.Classes) != 0 {
		t.Errorf("%d failures in %d classes", s.Failed, len(s.Classes))
	}
}

// TestExhaustCorrect enumerates small scopes whole, at several sizes of page
// and places. The numbers of lists are worked out by hand: 8 units make 44
// entries, 4 make 14, 16 make 152.
func TestExhaustCorrect(t *testing.T) {
	for _, row := range []struct {
		name  string
		c     ExhaustConfig
		lists uint64
		tries uint64
	}{
		{"two pages", ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4}, 1 + 44 + 44*44, 7},
		{"one page, three entries", ExhaustConfig{Entries: 3, Pages: 1, PageSize: 4}, 1 + 14 + 14*14 + 14*14*14, 7},
		{"four pages", ExhaustConfig{Entries: 1, Pages: 4, PageSize: 4}, 1 + 152, 7},
		{"top", ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4, Base: ExhaustTop(2, 4)}, 1 + 44 + 44*44, 7},
		{"sectors", ExhaustConfig{Entries: 2, Pages: 2, PageSize: 512}, 1 + 44 + 44*44, 8},
		{"pages of 4 KiB", ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4096}, 1 + 44 + 44*44, 7},
		{"units of a page", ExhaustConfig{Entries: 3, Pages: 4, PageSize: 8, Unit: 8}, 1 + 14 + 14*14 + 14*14*14, 7},
		{"edges", ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4, Edges: true}, 1 + 44 + 44*44, 7},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := exhaust(t, row.c)
			clean(t, s)
			if s.Total != row.lists || s.Lists != row.lists || s.Checks != row.lists*row.tries || !s.Complete() {
				t.Errorf("%d lists of %d and %d checks, want %d lists with %d strategies", s.Lists, s.Total, s.Checks, row.lists, row.tries)
			}
			if s.Walked == 0 || s.Walked > s.Windows {
				t.Errorf("%d windows walked of %d", s.Walked, s.Windows)
			}
			for i := range s.Strategies {
				if x := &s.Strategies[i]; x.Cases() != row.lists || x.Accepted == 0 || x.Refused == 0 || x.Broken != 0 {
					t.Errorf("%+v of %d lists", *x, row.lists)
				}
			}
			if n := len(s.Strategies) + len(s.Skipped); n != len(corpus.Strategies()) {
				t.Errorf("%d strategies tried or skipped of %d", n, len(corpus.Strategies()))
			}
			for _, k := range s.Skipped {
				if k.Lists != row.lists || k.Why == "" {
					t.Errorf("%s is skipped on %d lists: %q", k.Strategy, k.Lists, k.Why)
				}
			}
		})
	}
}

// TestExhaustEnumeration: walking gives every list once, in the order of the
// indices, and as many as the formula says.
func TestExhaustEnumeration(t *testing.T) {
	c, err := ExhaustConfig{Entries: 3, Pages: 2, PageSize: 4, Unit: 2}.normal()
	if err != nil {
		t.Fatal(err)
	}
	w, at := listWalk{u: newUniverse(&c)}, listWalk{u: newUniverse(&c)}
	seen := map[string]bool{}
	var lengths []int
	for i := range c.To {
		if i == 0 {
			w.seek(0)
		} else {
			w.step()
		}
		at.seek(i)
		if !slices.Equal(w.list, at.list) {
			t.Fatalf("list %d is %s, or %s", i, listLabel(w.list), listLabel(at.list))
		}
		for _, e := range w.list {
			if e.Addr < c.Base || e.Addr >= c.Base+8 || e.Addr+uint64(e.Len) > c.Base+8 || (e.Addr|uint64(e.Len))%2 != 0 {
				t.Fatalf("list %d leaves the universe: %s", i, listLabel(w.list))
			}
		}
		seen[listLabel(w.list)] = true
		lengths = append(lengths, len(w.list))
	}
	if n := 1 + 14 + 14*14 + 14*14*14; uint64(n) != c.To || len(seen) != n || !slices.IsSorted(lengths) {
		t.Errorf("%d lists, %d different, in order of length %v; want %d", c.To, len(seen), slices.IsSorted(lengths), n)
	}
	if n, ok := ExhaustCount(16, 256); ok {
		t.Errorf("too many lists are counted as %d", n)
	}
}

// TestExhaustTranslation is the argument for one universe standing for all:
// whole pages further up every strategy answers every list alike.
func TestExhaustTranslation(t *testing.T) {
	c := ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4}
	want := exhaust(t, c).Digest
	for _, base := range []uint64{4, 0xff8, 0x7fff_fffc, 0xffff_fffc, 1 << 40, 1<<63 - 4, ExhaustTop(3, 4), ExhaustTop(2, 4)} {
		c.Base = base
		if s := exhaust(t, c); s.Digest != want || s.Failed != 0 {
			t.Errorf("at %#x %d lists fail and the answers are %#x, not %#x", base, s.Failed, s.Digest, want)
		}
	}
	c.Entries = 1
	if exhaust(t, c).Digest == want {
		t.Error("the digest does not depend on the answers")
	}
}

// TestExhaustParts: pieces of the index range, by any number of workers, give
// together what the whole gives.
func TestExhaustParts(t *testing.T) {
	c := ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4, Jobs: 3}
	whole := exhaust(t, c)
	var sum ExhaustStats
	for _, end := range []uint64{0, 1, 2, 700, 1500, whole.Total} {
		if c.From, c.To = c.To, end; end == 0 {
			continue
		}
		s := exhaust(t, c)
		if s.Covered != end || s.Lists != end-c.From || s.Complete() {
			t.Errorf("lists %d to %d: %d lists up to %d", c.From, end, s.Lists, s.Covered)
		}
		sum.Digest, sum.Checks, sum.Windows = sum.Digest+s.Digest, sum.Checks+s.Checks, sum.Windows+s.Windows
	}
	if sum.Digest != whole.Digest || sum.Checks != whole.Checks || sum.Windows != whole.Windows {
		t.Errorf("in pieces %+v, as a whole %+v", sum, whole.ExhaustStats)
	}
}

// TestExhaustInterrupt: what is claimed as covered was enumerated.
func TestExhaustInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	called := false
	s, err := Exhaust(ctx, ExhaustConfig{Entries: 4, Pages: 4, PageSize: 4, Every: time.Millisecond, Progress: func(s ExhaustStats) {
		called = true
		if s.Lists > 0 {
			cancel()
		}
	}})
	if err != nil || !called {
		t.Fatal(err, called)
	}
	clean(t, s)
	if s.Lists == 0 || s.Lists != s.Covered || s.Complete() {
		t.Errorf("%d lists, covered up to %d of %d", s.Lists, s.Covered, s.Total)
	}
}

// TestExhaustFinds plants defects and looks at the smallest list that each is
// found with.
func TestExhaustFinds(t *testing.T) {
	for _, row := range []struct {
		mutant, class, list string
		replayed            string // what the oracle says with pages of 512 bytes
	}{
		// one byte, and a second one at the start of a page: B01
		{"gap-only-at-unaligned-start", "resume/fastreg", "0xfffffffc+1 0xfffffffc+1", "read-stream/fastreg"},
		{"gap-only-at-unaligned-start", "cost/multimr", "0xfffffffc+1 0xfffffffc+1", "read-stream/multimr"},
		// a legal list is refused
		{"continuation-is-a-gap", "limits/fastreg", "0xfffffffc+1 0xfffffffd+1", "resume/fastreg"},
		{"klm-neighbours-swapped", "read-stream/indirect", "0xfffffffc+1 0xfffffffd+1", "read-stream/indirect"},
		{"mkc-length-page-rounded", "confinement/fastreg", "0xfffffffc+1", "confinement/fastreg"},
		{"never-invalidated", "rights/fastreg", "0xfffffffc+1", "rights/fastreg"},
		{"rdma-segments-reversed", "write-stream/rdmarw", "0xfffffffc+1 0xfffffffd+1", "read-stream/rdmarw"},
		{"copy-back-forgotten", "conservation/bounce", "0xfffffffc+1", "write-stream/bounce"},
		{"blocks-of-the-length", "read-stream/umem", "0xffffffff+2", "read-stream/umem"},
	} {
		t.Run(row.mutant+" "+row.class, func(t *testing.T) {
			_, strategy, _ := strings.Cut(row.class, "/")
			s := exhaust(t, ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4, To: 1000, Mutant: row.mutant, Strategies: []string{strategy}, Out: filepath.Join(t.TempDir(), "new")})
			i := slices.IndexFunc(s.Findings, func(f ExhaustFinding) bool { return f.Class == row.class })
			if i < 0 {
				t.Fatalf("classes found: %v", s.Classes)
			}
			f := &s.Findings[i]
			if listLabel(f.List) != row.list || f.Replayed != row.replayed || s.Classes[f.Class] == 0 || s.Failed == 0 {
				t.Errorf("smallest of %d is %s: %s; replayed as %q", s.Classes[f.Class], listLabel(f.List), f.Text, f.Replayed)
			}
			c, err := corpus.Load(f.Path)
			if err != nil || c.PageSize != 512 || len(c.List) != len(f.List) || c.List.Total() != 128*f.List.Total() || c.Strategy != strategy {
				t.Errorf("case %v, %v for %s", c, err, row.list)
			}
		})
	}
}

// TestExhaustWindows: a window that is not the list's memory is found though
// the whole region was right.
func TestExhaustWindows(t *testing.T) {
	c, err := ExhaustConfig{Entries: 2, Pages: 2, PageSize: 4}.normal()
	if err != nil {
		t.Fatal(err)
	}
	for _, edges := range []bool{false, true} {
		for broken := range 3 {
			k := &exhaustion{ExhaustConfig: c, u: newUniverse(&c), found: map[string]*ExhaustFinding{}}
			k.Strategies = []string{"indirect"}
			k.sum.Classes = map[string]uint64{}
			k.choose()
			w, err := newExhauster(k)
			if err != nil {
				t.Fatal(err)
			}
			w.walk.list = sg.List{{Addr: c.Base + 4, Len: 2}, {Addr: c.Base + 1, Len: 1}}
			w.x.set(w.walk.list)
			w.req = reg.Request{List: w.walk.list, Access: mlx5model.AccRR | mlx5model.AccLW, Dir: reg.DirBoth}
			if !w.register(w.own(), 0, 0, 0) {
				t.Fatal("refused")
			}
			w.x.addr[broken] ^= 2
			w.x.settle(1)
			if edges {
				w.edges(&w.r.Tuples[0], &w.x.unitStream, 0, 3)
			} else {
				w.windows(&w.r.Tuples[0], &w.x.unitStream, 0, 3)
			}
			if k.sum.Classes["sub-range/indirect"] != 1 {
				t.Errorf("edges %v, unit %d: %v", edges, broken, k.sum.Classes)
			}
		}
	}
}

// TestExhaustUsage refuses scopes that cannot be enumerated.
func TestExhaustUsage(t *testing.T) {
	for _, row := range []struct {
		c    ExhaustConfig
		text string
	}{
		{ExhaustConfig{Pages: 1, PageSize: 4}, "0 entries"},
		{ExhaustConfig{Entries: 17, Pages: 1, PageSize: 4}, "17 entries"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 2}, "pages of 2 bytes"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 12}, "pages of 12 bytes"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 4, Unit: 8}, "units of 8"},
		{ExhaustConfig{Entries: 1, Pages: 0, PageSize: 4}, "0 pages"},
		{ExhaustConfig{Entries: 1, Pages: 65, PageSize: 4}, "65 pages"},
		{ExhaustConfig{Entries: 1, Pages: 2, PageSize: 1 << 31}, "2 pages"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 1 << 63}, "1 pages"},
		{ExhaustConfig{Entries: 1, Pages: 2, PageSize: 4, Base: 2}, "base 0x2"},
		{ExhaustConfig{Entries: 1, Pages: 2, PageSize: 4, Base: ExhaustTop(1, 4)}, "base 0xffff"},
		{ExhaustConfig{Entries: 16, Pages: 4, PageSize: 4}, "2^62"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 4, From: 2, To: 1}, "lists 2 to 1"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 4, To: 99}, "lists 0 to 99 of 15"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 4, Strategies: []string{"nosuch"}}, "nosuch"},
		{ExhaustConfig{Entries: 1, Pages: 1, PageSize: 4, Mutant: "nosuch"}, "nosuch"},
	} {
		if s, err := Exhaust(t.Context(), row.c); s != nil || err == nil || !strings.Contains(err.Error(), row.text) {
			t.Errorf("%+v: %v, want %q", row.c, err, row.text)
		}
	}
}

// TestExhaustPagesRule compares the byte-wise rule with a second statement of
// it: a page list exists if some assignment of frames to virtual pages does.
func TestExhaustPagesRule(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := expectation{unit: 1}
	for range 20000 {
		var l sg.List
		for range 1 + rng.IntN(4) {
			at := rng.Uint64N(16)
			l = append(l, sg.Entry{Addr: 64 + at, Len: uint32(rng.Uint64N(17 - at))})
		}
		x.set(l)
		if x.size() == 0 {
			continue
		}
		frames, want := map[uint64]uint64{}, x.size()
		for k, a := range x.addr {
			v := x.addr[0]%4 + uint64(k)
			if f, ok := frames[v/4]; a%4 != v%4 || ok && f != a/4 {
				want = k
				break
			}
			frames[v/4] = a / 4
		}
		if got := x.pagesEnd(0, 4); got != want {
			t.Fatalf("%s ends after %d bytes, not %d", listLabel(l), got, want)
		}
	}
}

// TestExhaustProvedKeys: a key counts as known only if everything that serves
// its bytes is the same; entries behind those do not count.
func TestExhaustProvedKeys(t *testing.T) {
	p, _ := mlx5model.ProfileByName("default")
	p.LogPageMin = 2
	d, err := mlx5model.NewDevice(p, sg.NewMemory(1))
	if err != nil {
		t.Fatal(err)
	}
	type state struct {
		start, n uint64
		pages    [3]uint64
	}
	base := state{1, 6, [3]uint64{0x100, 0x200, 0x300}} // bytes 1 to 6: two pages
	for i, row := range []struct {
		s     state
		known bool
	}{
		{base, true},
		{state{1, 6, [3]uint64{0x100, 0x200, 0x900}}, true}, // a page behind the end
		{state{1, 6, [3]uint64{0x100, 0x204, 0x300}}, false},
		{state{1, 5, [3]uint64{0x100, 0x200, 0x300}}, false},
		{state{2, 6, [3]uint64{0x100, 0x200, 0x300}}, false},
	} {
		var keys provedKeys
		for j, s := range []state{base, row.s} {
			var xlt []byte
			for _, page := range s.pages {
				xlt = binary.BigEndian.AppendUint64(xlt, page|mlx5model.MTTRead)
			}
			key, err := d.CreateMkey(uint32(0x100+2*i+j), mlx5model.MkeyContext{
				Mode: mlx5model.ModeMTT, Start: s.start, Len: s.n, LogPageSize: 2, XltOctowords: 2, Tag: uint8(j),
			}, xlt)
			if err != nil {
				t.Fatal(err)
			}
			known := keys.known(d, &reg.Tuple{Rkey: key, Addr: 1, Len: s.n})
			if j == 0 {
				keys.add()
			}
			if known != (j == 1 && row.known) {
				t.Errorf("row %d, key %d: known is %v", i, j, known)
			}
		}
	}
}

func BenchmarkExhaust(b *testing.B) {
	c := ExhaustConfig{Entries: 3, Pages: 4, PageSize: 4, Jobs: 1}
	total, _ := ExhaustCount(3, 16)
	c.From = total / 2
	c.To = c.From + 20000
	b.ReportAllocs()
	for b.Loop() {
		s := exhaust(b, c)
		if s.Failed != 0 {
			b.Fatal(s.Classes)
		}
		b.ReportMetric(float64(s.Elapsed.Nanoseconds())/float64(s.Checks), "ns/check")
		b.ReportMetric(float64(s.Windows)/float64(s.Lists), "windows/list")
		b.ReportMetric(float64(s.Walked)/float64(s.Lists), "walked/list")
	}
}
