package fuzz

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// expectFailure demands that a property fails, and that the report has the
// shrunk case, of few entries, as a file that can be replayed.
func expectFailure(t *testing.T, prop gopter.Prop, p *gopter.TestParameters, entries int) {
	t.Helper()
	r := prop.Check(p)
	if r.Passed() || len(r.Args) == 0 {
		t.Fatalf("%v after %d runs: %v", r.Status, r.Succeeded, r.Error)
	}
	dir := t.TempDir()
	text := report(t.Name(), dir, p.Seed(), r)
	c := r.Args[0].Arg.(*propCase)
	if len(c.List) > entries {
		t.Errorf("%d entries are left, want %d at most:\n%s", len(c.List), entries, text)
	}
	file := filepath.Join(dir, "shrunk.sgcase")
	if !strings.Contains(text, corpus.Format(&c.Case)) || !strings.Contains(text, "sgfuzz replay "+file) || !strings.Contains(text, "SGFUZZ_SEED=") {
		t.Errorf("report lacks the case or the commands:\n%s", text)
	}
	if back, err := corpus.Load(file); err != nil || corpus.Format(back) != corpus.Format(&c.Case) {
		t.Errorf("saved case: %v", err)
	}
}

// TestBrokenChecks demands that the property of every check fails for a defect
// that the check is there for, and shrinks.
func TestBrokenChecks(t *testing.T) {
	for _, c := range []struct {
		check   oracle.Check
		mutant  string
		entries int
	}{
		{oracle.ReadStream, "gap-only-at-unaligned-start", 2},
		{oracle.WriteStream, "errno-compared-unsigned", 2},
		{oracle.Confinement, "virtual-address-ignored", 1},
		{oracle.SubRange, "length-keeps-the-offset", 1},
		{oracle.Conservation, "piece-minimum-before-offset", 1},
		{oracle.Resume, "gap-only-at-unaligned-start", 3},
		{oracle.Rights, "iova-in-32-bits", 1},
		{oracle.Structure, "pages-without-the-offset", 1},
		{oracle.RoundTrip, "octowords-not-rounded", 1},
		{oracle.Agreement, "stale-entries-registered", 1},
		{oracle.CostClaims, "length-keeps-the-offset", 1},
		{oracle.DMAContract, "allocated-entries-counted", 1},
		{oracle.LimitsKept, "length-keeps-the-offset", 1},
		{oracle.Termination, "", 1},
	} {
		t.Run(c.check.String(), func(t *testing.T) {
			o := Options{Wrap: func(s reg.Strategy) reg.Strategy { return endless{s} }}
			if c.mutant != "" {
				m, ok := mutants.ByName(c.mutant)
				if !ok {
					t.Fatalf("no mutant %s", c.mutant)
				}
				o = MutantOptions(m)
			}
			o.Variants = true
			ran := 0
			p := propParameters(t, 1200)
			p.MaxSize = 14 // shorter lists: shrinking long ones takes its time
			expectFailure(t, checkProperty(c.check, o, &ran), p, c.entries)
		})
	}
}

// endless advertises empty tuples without end, which no mutant does.
type endless struct{ reg.Strategy }

func (e endless) Register(env *reg.Env, req *reg.Request, r *reg.Registration) error {
	err := e.Strategy.Register(env, req, r)
	if err == nil && len(r.Tuples) > 0 {
		last := r.Tuples[len(r.Tuples)-1]
		for range 200 {
			r.Tuples = append(r.Tuples, reg.Tuple{Rkey: last.Rkey, Addr: last.Addr + last.Len})
		}
		r.Cost.RemoteDescs = len(r.Tuples)
	}
	return err
}

// TestBrokenProfiles: a region that is a byte short is noticed on any device,
// and the device is shrunk to the default one.
func TestBrokenProfiles(t *testing.T) {
	rig := &deviceRig{Runner: NewRunner(Options{Mapper: badMapper{klms: func(dst []byte, m *linux.Mapping) {
		dst[15]++ // the first entry begins a byte late
	}}})}
	p := propParameters(t, 400)
	r := profileProperty(rig).Check(p)
	if r.Passed() || len(r.Args) == 0 {
		t.Fatalf("%v: %v", r.Status, r.Error)
	}
	c := r.Args[0].Arg.(*propCase)
	if plain := mlx5model.Profiles()[0]; c.profile != plain || len(c.List) != 1 {
		t.Errorf("left with %d entries on %s", len(c.List), profileDiff(plain, c.profile))
	}
}

// TestBrokenRelations: mappings that depend on what must not matter.
func TestBrokenRelations(t *testing.T) {
	late := func(dst []byte) { binary.BigEndian.PutUint64(dst[8:], binary.BigEndian.Uint64(dst[8:])+1) }
	byCount := badList(func(dst []byte, l sg.List, _ uint64, klms bool) {
		if klms && len(l)%2 == 1 {
			late(dst)
		}
	})
	for _, c := range []struct {
		relation string
		mapper   reg.Mapper
		entries  int
	}{
		{"split", byCount, 2},
		{"merge", byCount, 2},
		{"dma stage", byCount, 2},
		{"translate", badList(func(dst []byte, l sg.List, _ uint64, klms bool) {
			if klms && l[0].Addr >= 1<<40 {
				late(dst)
			}
		}), 1},
		{"page size", badList(func(dst []byte, _ sg.List, page uint64, klms bool) {
			if !klms && page > 1<<20 {
				binary.BigEndian.PutUint64(dst, binary.BigEndian.Uint64(dst)^page)
			}
		}), 1},
	} {
		t.Run(c.relation, func(t *testing.T) {
			for _, rel := range relations {
				if rel.name == c.relation {
					compared := 0
					expectFailure(t, relationProperty(rel, NewRunner(Options{Mapper: c.mapper}), &compared), propParameters(t, 2000), c.entries)
				}
			}
		})
	}
}

// badList is the corrected mapping with something done to its descriptors that
// depends on the list or the page size.
type badList func(dst []byte, l sg.List, page uint64, klms bool)

func (b badList) Pages(dst []byte, l sg.List, from linux.Pos, page uint64, n int) (linux.Mapping, error) {
	m, err := reg.Corrected{}.Pages(dst, l, from, page, n)
	if err == nil {
		b(dst, l, page, false)
	}
	return m, err
}

func (b badList) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, n int, size uint64) (linux.Mapping, error) {
	m, err := reg.Corrected{}.KLMs(dst, l, from, lkey, n, size)
	if err == nil {
		b(dst, l, 0, true)
	}
	return m, err
}

// TestBrokenBytes: a mapping that loses an address bit, and a peer's reads that
// depend on their size.
func TestBrokenBytes(t *testing.T) {
	lossy := badList(func(dst []byte, _ sg.List, _ uint64, klms bool) {
		if klms { // bit 44, which only the other places have
			dst[10] &^= 0x10
		}
	})
	expectFailure(t, placementProperty(&byteRig{Runner: NewRunner(Options{Mapper: lossy})}), propParameters(t, 400), 1)
	skewed := &byteRig{Runner: NewRunner(Options{}), skew: 1}
	expectFailure(t, chunkProperty(skewed), propParameters(t, 400), 1)
}

// keeping never invalidates what it registered.
type keeping struct{ reg.Indirect }

func (k keeping) Release(*reg.Env, *reg.Registration) error { return nil }

// TestBrokenLife breaks the life cycle in several places.
func TestBrokenLife(t *testing.T) {
	for _, c := range []struct {
		name     string
		strategy reg.Strategy
		spoil    func(*lifeSystem)
		want     string
	}{
		{"never invalidated", keeping{}, nil, "no memory key left|reaches data|keys or buffers are left"},
		{"a key destroyed in use", reg.Indirect{}, func(s *lifeSystem) {
			if s.live {
				_ = s.env.Dev.DestroyMkey(s.r.Tuples[0].Rkey)
			}
		}, "no such key|unknown to the device"},
		{"a byte lost", reg.Indirect{}, func(s *lifeSystem) {
			if s.live && len(s.r.Mapped) > 0 {
				_ = s.env.Mem.Write(s.r.Mapped[len(s.r.Mapped)-1].Last(), []byte{1})
			}
		}, "other bytes were read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := propParameters(t, 200)
			p.MinSize, p.MaxSize, p.MaxShrinkCount = 4, 16, 200
			r := lifeProperty(c.strategy, "linux", c.spoil).Check(p)
			if r.Passed() {
				t.Fatal("nothing noticed")
			}
			text := report(t.Name(), t.TempDir(), p.Seed(), r)
			for want := range strings.SplitSeq(c.want, "|") {
				if strings.Contains(text, want) {
					return
				}
			}
			t.Errorf("want %q in\n%s", c.want, text)
		})
	}
}

// TestShrinkers: both reach the smallest value for properties whose smallest
// failing value is known, whatever the seed.
func TestShrinkers(t *testing.T) {
	for seed := range int64(20) {
		p := propParameters(t, 400)
		p.SetSeed(seed)
		r := prop.ForAll(func(l sg.List) bool {
			return !(len(l) >= 2 && l[0].End()%4096 != 0 && l[1].Addr >= 1<<20 && l.Total() >= 100)
		}, genLists(4096, 1<<20)).Check(p)
		l, ok := r.Args[0].Arg.(sg.List)
		if r.Passed() || !ok || len(l) != 2 || l.Total() != 100 || l[1].Addr > 1<<20+4096 || l[0].Addr > 4096 {
			t.Errorf("seed %d: %v left", seed, l)
		}
		r = prop.ForAll(func(d mlx5model.Profile) bool { return d.MaxKLMBytes > 4096 }, genProfiles()).Check(p)
		d, ok := r.Args[0].Arg.(mlx5model.Profile)
		plain := mlx5model.Profiles()[0]
		plain.MaxKLMBytes = d.MaxKLMBytes
		if r.Passed() || !ok || d != plain {
			t.Errorf("seed %d: left with %s", seed, profileDiff(plain, d))
		}
	}
}

// TestSizes: the lists of a run are not all short, and not all long, at its
// begin and at its end.
func TestSizes(t *testing.T) {
	p := propParameters(t, 400)
	var sizes []int
	prop.ForAll(func(l sg.List) bool { sizes = append(sizes, len(l)); return true }, genLists(4096, 1<<32-1)).Check(p)
	for name, part := range map[string][]int{"first": sizes[:len(sizes)/2], "second": sizes[len(sizes)/2:]} {
		short, long := 0, 0
		for _, n := range part {
			if n <= 2 {
				short++
			} else if n >= 8 {
				long++
			}
		}
		if short < len(part)/20 || long < len(part)/10 {
			t.Errorf("%s half: %d short lists and %d long ones of %d", name, short, long, len(part))
		}
	}
}

// TestReportNamesTheDevice: a device that case files cannot name is described.
func TestReportNamesTheDevice(t *testing.T) {
	c := &propCase{profile: mlx5model.Profiles()[0]}
	c.List = sg.List{{Addr: 0x1000, Len: 1}}
	c.profile.MaxMkeys = 7
	dir := t.TempDir()
	text := report("TestX", dir, 5, &gopter.TestResult{Status: gopter.TestFailed, Args: gopter.PropArgs{{Arg: c}}})
	for _, want := range []string{"MaxMkeys 7", "sg 0x1000+1", "SGFUZZ_SEED=5 go test ./fuzz -run '^TestX$'"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "shrunk.sgcase")); err != nil {
		t.Error(err)
	}
}
