package fuzz

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// firstFailure runs a body over random programs until it fails.
func firstFailure(body func([]byte) error, seeds [][]byte) error {
	for _, b := range seeds {
		if err := body(b); err != nil {
			return err
		}
	}
	for seed := range uint64(3000) {
		c := sg.NewRandom(seed)
		for range 40 + seed%200 {
			c.Byte()
		}
		if err := body(c.Recorded()); err != nil {
			return err
		}
	}
	return nil
}

// seedsOf are a target's seeds.
func seedsOf(t *testing.T, f func() ([][]byte, error)) [][]byte {
	t.Helper()
	seeds, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return seeds
}

// expectClass demands that something broken is noticed under a class.
func expectClass(t *testing.T, err error, class string) {
	t.Helper()
	if err == nil {
		t.Fatalf("nothing noticed, want %q", class)
	}
	if got := Class(err); !strings.Contains(got, class) {
		t.Errorf("noticed as %q, want %q:\n%v", got, class, err)
	}
	if first, _, _ := strings.Cut(err.Error(), "\n"); first != Class(err) {
		t.Errorf("first line %q is not the class", first)
	}
}

// badMapper is the corrected mapping with something done to it.
type badMapper struct {
	reg.Corrected
	pages func(dst []byte, m *linux.Mapping)
	klms  func(dst []byte, m *linux.Mapping)
}

func (b badMapper) Pages(dst []byte, l sg.List, from linux.Pos, page uint64, n int) (linux.Mapping, error) {
	m, err := b.Corrected.Pages(dst, l, from, page, n)
	if err == nil && b.pages != nil {
		b.pages(dst, &m)
	}
	return m, err
}

func (b badMapper) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, n int, size uint64) (linux.Mapping, error) {
	m, err := b.Corrected.KLMs(dst, l, from, lkey, n, size)
	if err == nil && b.klms != nil {
		b.klms(dst, &m)
	}
	return m, err
}

// TestBrokenMappings puts broken functions into the mapping target.
func TestBrokenMappings(t *testing.T) {
	for _, c := range []struct {
		name  string
		class string
		spoil func(*mapTarget)
	}{
		{"the kernel counts the last page", "SGToPages differs", func(m *mapTarget) {
			m.sgToPages = func(d []byte, n int, l sg.List, off *uint32, page uint32) linux.MapResult {
				r := linux.SGToPages(d, n, l, off, page)
				if r.SGOffset > 0 && r.Ret >= 0 {
					r.Length += uint64(page)
				}
				return r
			}
		}},
		{"the kernel sets the write bit only", "SGToPages differs from its description in a descriptor", func(m *mapTarget) {
			m.sgToPages = func(d []byte, n int, l sg.List, off *uint32, page uint32) linux.MapResult {
				r := linux.SGToPages(d, n, l, off, page)
				if r.NDescs > 0 {
					d[7] &^= mlx5model.MTTRead
				}
				return r
			}
		}},
		{"the kernel skips empty entries", "SGToKLMs differs", func(m *mapTarget) {
			m.sgToKLMs = func(d []byte, n int, l sg.List, off *uint32, lkey uint32) linux.MapResult {
				var full sg.List
				for _, e := range l {
					if e.Len > 0 {
						full = append(full, e)
					}
				}
				return linux.SGToKLMs(d, n, full, off, lkey)
			}
		}},
		{"a region one byte short", "length is not the distance covered", func(m *mapTarget) {
			m.mapper = badMapper{klms: func(_ []byte, m *linux.Mapping) { m.Length-- }}
		}},
		{"the second page is the first", "descriptors do not reach", func(m *mapTarget) {
			m.mapper = badMapper{pages: func(d []byte, m *linux.Mapping) {
				if m.N > 1 {
					copy(d[8:16], d[:8])
				}
			}}
		}},
		{"a gap is called the end", "ends before the list", func(m *mapTarget) {
			m.mapper = badMapper{pages: func(_ []byte, m *linux.Mapping) { m.Stop = linux.StopEnd }}
		}},
		{"a full list is called a gap", "gap misjudged", func(m *mapTarget) {
			m.mapper = badMapper{klms: func(_ []byte, m *linux.Mapping) {
				if m.Stop == linux.StopFull {
					m.Stop = linux.StopGap
				}
			}}
		}},
		{"a full list is called the top", "top of the address space misjudged", func(m *mapTarget) {
			m.mapper = badMapper{klms: func(_ []byte, m *linux.Mapping) {
				if m.Stop == linux.StopFull {
					m.Stop = linux.StopTop
				}
			}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMapTarget()
			c.spoil(m)
			expectClass(t, firstFailure(m.run, seedsOf(t, mapSeeds)), c.class)
		})
	}
}

// TestBrokenReference holds the byte-wise reference against a mapping that is
// wrong in one field.
func TestBrokenReference(t *testing.T) {
	m := newMapTarget()
	m.in = mapInput{list: sg.List{{Addr: 0x1100, Len: 0xf00}, {Addr: 0x3000, Len: 8}}, pageSize: 4096, maxDescs: 4}
	got, err := linux.MapPages(m.dst, m.in.list, linux.Pos{}, 4096, 4)
	if err := m.bytewise("pages", got, err, linux.Pos{}, nil); err != nil {
		t.Fatal(err)
	}
	got.N++
	expectClass(t, m.bytewise("pages", got, nil, linux.Pos{}, nil), "not what a look at every byte gives")
	got.N--
	m.dst[0]++
	expectClass(t, m.bytewise("pages", got, nil, linux.Pos{}, nil), "not what a look at every byte gives")
	expectClass(t, m.bytewise("pages", linux.Mapping{}, linux.ErrNoRoom, linux.Pos{}, nil), "not what a look at every byte gives")
}

// TestBrokenStrategies puts a broken mapper under the strategies target.
func TestBrokenStrategies(t *testing.T) {
	target := newCaseTarget(Options{Mapper: badMapper{klms: func(dst []byte, m *linux.Mapping) {
		if m.N > 1 { // the second entry begins a byte late
			binary.BigEndian.PutUint64(dst[24:], binary.BigEndian.Uint64(dst[24:])+1)
		}
	}}})
	err := firstFailure(target.run, seedsOf(t, caseSeeds))
	expectClass(t, err, "read-stream/")
	if !strings.Contains(err.Error(), "\nsg 0x") {
		t.Errorf("no case in %v", err)
	}
}

// TestBrokenDialects changes what a dialect posts, on both rings alike.
func TestBrokenDialects(t *testing.T) {
	for _, c := range []struct {
		name, class string
		off         int
		spoil       func(t *dialectTarget, b []byte)
	}{
		{"a reserved byte", "", 9, func(_ *dialectTarget, b []byte) { b[0] = 1 }},
		{"the key", "key differs", 12, func(_ *dialectTarget, b []byte) { b[3] ^= 1 }},
		{"the length", "length differs", 0x58, func(_ *dialectTarget, b []byte) { b[7] ^= 1 }},
		{"an entry", "list differs", 0x80, func(_ *dialectTarget, b []byte) { b[15] ^= 1 }},
		{"the mask", "breaks the rules", 0x18, func(_ *dialectTarget, b []byte) { b[0] |= 0x80 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDialectTarget()
			good := dialects[4] // ofed, whose post is replaced
			defer func() { dialects[4] = good }()
			dialects[4] = dialects[2]
			post := dialects[2].post
			dialects[4].post = func(x *dialectTarget) {
				n, before := len(x.wants), x.queues.libmlx5.CurPost
				post(x)
				if len(x.wants) > n && x.wants[n].inline && len(x.wants[n].entries) > 0 && !x.wants[n].loose {
					c.spoil(x, x.queues.libmlx5.Ring.At(before, c.off&^15)[c.off&15:])
				}
			}
			err := firstFailure(func(b []byte) error {
				b = append([]byte(nil), b...)
				b[0] = 4
				return d.run(b)
			}, seedsOf(t, dialectSeeds))
			expectClass(t, err, "work request")
			if c.class != "" {
				expectClass(t, err, c.class)
			}
		})
	}
}

// TestBrokenDecoders calls the decode target's parts with values that do not
// belong together.
func TestBrokenDecoders(t *testing.T) {
	seeds := seedsOf(t, wqeSeeds)
	w := new(wqeTarget)
	for _, b := range seeds {
		if err := w.run(b); err != nil {
			t.Fatal(err)
		}
	}
	b := seeds[1]
	expectClass(t, w.judge(b, nil, errors.New("refused")), "strict decoder takes what the lenient one refuses")
	w.lenient.Imm++
	expectClass(t, w.judge(b, nil, nil), "strict and lenient decoder differ")
	w.lenient.Mkey.Start, w.lenient.Opcode = 1, mlx5model.OpNop // a NOP has no context
	expectClass(t, w.canonical(b), "canonical form decodes to other values")
}

// TestBrokenDevice lets the device do what it must not, after a request.
func TestBrokenDevice(t *testing.T) {
	stray := make([]byte, 1)
	for _, c := range []struct {
		name, class string
		spoil       func(*deviceRun)
	}{
		{"reads elsewhere", "touches memory that no key allows", func(r *deviceRun) { _ = r.mem.Read(0x999999, stray) }},
		{"reads another domain's memory", "touches memory that no key allows", func(r *deviceRun) { _ = r.mem.Read(devForbidden, stray) }},
		{"reads across the end", "touches memory that no key allows", func(r *deviceRun) { _ = r.mem.Write(devMemory+devBytes-1, make([]byte, 2)) }},
		{"forgets the error", "error is not in the completion", func(r *deviceRun) {
			if r.qp.State() == mlx5model.QPError {
				r.qp.ClearCompletions()
			}
		}},
		{"goes on after an error", "failed completion, but the queue is ready", func(r *deviceRun) { r.qp.Recover(r.pi) }},
		{"changes a key on failure", "failed request changed a key", func(r *deviceRun) {
			if r.qp.State() == mlx5model.QPError {
				_ = r.dev.DestroyMkey(devMTT << 8)
			}
		}},
		{"changes another key", "changed a key that it does not name", func(r *deviceRun) {
			if r.qp.State() == mlx5model.QPReady {
				_ = r.dev.DestroyMkey(devMTTFixed << 8)
			}
		}},
		{"stops early", "consumer counter", func(r *deviceRun) { r.qp.Recover(r.pi - 1) }},
		{"serves flushed requests", "flushed request reaches memory", func(r *deviceRun) {
			if r.qp.State() == mlx5model.QPError {
				r.mem.accesses++
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newDeviceRun()
			if err := firstFailure(r.run, seedsOf(t, deviceSeeds)); err != nil {
				t.Fatalf("before: %v", err)
			}
			r.spoil = c.spoil
			expectClass(t, firstFailure(r.run, seedsOf(t, deviceSeeds)), c.class)
		})
	}
}

// TestBrokenStateful changes the device behind the model's back.
func TestBrokenStateful(t *testing.T) {
	remake := func(s *stateful, index uint32, change func(*mlx5model.MkeyContext)) {
		if ctx, ok := s.dev.QueryMkey(index << 8); ok {
			xlt := append([]byte(nil), s.dev.QueryXlt(index<<8)...)
			change(&ctx)
			_ = s.dev.DestroyMkey(index << 8)
			_, _ = s.dev.CreateMkey(index, ctx, xlt[:min(len(xlt), int(ctx.XltOctowords)*mlx5model.OctowordSize)])
		}
	}
	each := func(s *stateful, change func(*mlx5model.MkeyContext)) {
		for i := range uint32(statefulSlots) {
			remake(s, firstSlot+i, change)
		}
	}
	for _, c := range []struct {
		name, class string
		spoil       func(*stateful)
	}{
		{"a stray byte", "", func(s *stateful) { s.host[77] ^= 1 }},
		{"rights are not checked", "", func(s *stateful) {
			each(s, func(c *mlx5model.MkeyContext) { c.Access = mlx5model.AccRights &^ mlx5model.AccA })
		}},
		{"tags are not bumped", "", func(s *stateful) { each(s, func(c *mlx5model.MkeyContext) { c.Tag = 0 }) }},
		{"invalidated keys live on", "", func(s *stateful) { each(s, func(c *mlx5model.MkeyContext) { c.Free = false }) }},
		{"regions are a byte longer", "", func(s *stateful) { each(s, func(c *mlx5model.MkeyContext) { c.Len++ }) }},
		{"domains do not count", "", func(s *stateful) { each(s, func(c *mlx5model.MkeyContext) { c.PD = 0x40 }) }},
		{"keys vanish", "", func(s *stateful) { _ = s.dev.DestroyMkey((firstSlot + 1) << 8) }},
		{"queues recover alone", "queue's state differs", func(s *stateful) {
			for _, q := range s.qps {
				q.qp.Recover(q.rung)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStateful()
			seeds := seedsOf(t, statefulSeeds)
			if err := firstFailure(s.run, seeds); err != nil {
				t.Fatalf("before: %v", err)
			}
			s.spoil = c.spoil
			expectClass(t, firstFailure(s.run, seeds), "stateful: "+c.class)
		})
	}
}

// TestTargetsRepeat runs every body twice over its seeds, in both orders: the
// answers must not depend on what was run before.
func TestTargetsRepeat(t *testing.T) {
	for _, target := range Targets() {
		t.Run(target.Name, func(t *testing.T) {
			seeds, err := target.Seeds()
			if err != nil || len(seeds) == 0 {
				t.Fatalf("%d seeds, %v", len(seeds), err)
			}
			if target.Name == "Strategies" && testing.Short() {
				seeds = seeds[:40]
			}
			for i := range seeds {
				for _, b := range [][]byte{seeds[i], seeds[len(seeds)-1-i], nil, seeds[i][:len(seeds[i])/2]} {
					if err := target.Body(b); err != nil {
						t.Fatalf("%x: %v", b, err)
					}
				}
			}
		})
	}
}
