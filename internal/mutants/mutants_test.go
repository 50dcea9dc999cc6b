package mutants

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// randomList draws entries around page borders and the top of the address
// space, some contiguous, some empty.
func randomList(r *rand.Rand) sg.List {
	var l sg.List
	for range 1 + r.IntN(6) {
		e := sg.Entry{Addr: r.Uint64N(64) << 11, Len: uint32(r.Uint64N(5)) << 11}
		switch r.IntN(8) {
		case 0:
			e.Addr += r.Uint64N(4096)
		case 1:
			e.Len += uint32(r.Uint64N(4096))
		case 2:
			e.Addr = -uint64(e.Len)
		case 3:
			if len(l) > 0 {
				e.Addr = l[len(l)-1].End()
			}
		}
		if e.Wraps() {
			e.Addr, e.Len = 0, 1
		}
		l = append(l, e)
	}
	return l
}

// TestMappersStayInside runs every defective mapper on random lists: what it
// does wrong is in its result, never a panic or a byte behind the array.
func TestMappersStayInside(t *testing.T) {
	const seed = 5
	for _, m := range All() {
		mapper := m.Parts().Mapper
		if mapper == nil {
			continue
		}
		r := rand.New(rand.NewPCG(seed, 0))
		for range 400 {
			l := randomList(r)
			max := 1 + r.IntN(12)
			buf := bytes.Repeat([]byte{0x5a}, (max+1)*mlx5model.KLMSize)
			from := linux.Pos{Entry: r.IntN(len(l))}
			from.Off = r.Uint64N(uint64(l[from.Entry].Len) + 1)
			n := max * mlx5model.MTTSize
			_, _ = mapper.Pages(buf[:n:n], l, from, 4096, max)
			if !bytes.Equal(buf[n:], bytes.Repeat([]byte{0x5a}, len(buf)-n)) {
				t.Fatalf("seed %d: %s writes behind the MTTs of %v", seed, m.Name, l)
			}
			n = max * mlx5model.KLMSize
			_, _ = mapper.KLMs(buf[:n:n], l, from, 0x42, max, 0)
			if !bytes.Equal(buf[n:], bytes.Repeat([]byte{0x5a}, len(buf)-n)) {
				t.Fatalf("seed %d: %s writes behind the KLMs of %v", seed, m.Name, l)
			}
		}
	}
}

// TestGapPredicates shows on single borders what each defective gap rule sees.
func TestGapPredicates(t *testing.T) {
	const page = 0x10000
	for _, tt := range []struct {
		name, mutant string
		list         sg.List
		stop         linux.StopReason
		n            int
		length       uint64
	}{
		{"short end, aligned start", "gap-only-at-unaligned-start", sg.List{{Addr: page, Len: 1}, {Addr: 2 * page, Len: 1}}, linux.StopEnd, 2, 2},
		{"unaligned start", "gap-only-at-unaligned-start", sg.List{{Addr: page, Len: 1}, {Addr: 2*page + 1, Len: 1}}, linux.StopGap, 1, 1},
		{"end in a later page", "gap-test-on-first-page", sg.List{{Addr: page, Len: 6144}, {Addr: 2 * page, Len: 1}}, linux.StopEnd, 3, 6145},
		{"end in the first page", "gap-test-on-first-page", sg.List{{Addr: page, Len: 1024}, {Addr: 2 * page, Len: 1}}, linux.StopGap, 1, 1024},
		{"length of a page", "gap-by-lengths-misses", sg.List{{Addr: page + 512, Len: 4096}, {Addr: 2 * page, Len: 1}}, linux.StopEnd, 3, 4097},
		{"odd length, aligned end", "gap-by-lengths-refuses", sg.List{{Addr: page + 3584, Len: 512}, {Addr: 2 * page, Len: 1}}, linux.StopGap, 1, 512},
		{"continuation", "continuation-is-a-gap", sg.List{{Addr: page, Len: 512}, {Addr: page + 512, Len: 512}}, linux.StopGap, 1, 512},
	} {
		m, ok := ByName(tt.mutant)
		if !ok {
			t.Fatalf("no mutant %s", tt.mutant)
		}
		dst := make([]byte, 16*mlx5model.MTTSize)
		got, err := m.Parts().Mapper.Pages(dst, tt.list, linux.Pos{}, 4096, 16)
		if err != nil || got.Stop != tt.stop || got.N != tt.n || got.Length != tt.length {
			t.Errorf("%s: %s gives %+v, %v", tt.name, tt.mutant, got, err)
		}
	}
}

// TestExactPages holds the Mapper's view of the kernel's function against
// lists that it maps rightly: there it must agree with the correct mapping.
func TestExactPages(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 0))
	agreed := 0
	for range 2000 {
		l := randomList(r)
		a := pagesArgs{dst: make([]byte, 64*mlx5model.MTTSize), l: l, page: 4096, max: 64}
		if hasEmpty(&a) || reachesTop(&a) {
			continue
		}
		want, err := a.correct()
		if err != nil || want.Stop == linux.StopFull {
			continue
		}
		mtts := append([]byte(nil), a.dst...)
		got, err := exactPages(&a)
		if err != nil || got != want || !bytes.Equal(a.dst, mtts) {
			t.Fatalf("seed %d: %v: %+v, %v, must be %+v", seed, l, got, err, want)
		}
		agreed++
	}
	if agreed < 200 {
		t.Errorf("only %d lists compared", agreed)
	}
}

// TestMergeRules shows what the defective DMA stages make of a list.
func TestMergeRules(t *testing.T) {
	const k = 1 << 10
	for _, tt := range []struct {
		mutant string
		limit  uint64
		list   sg.List
		want   sg.List
	}{
		{"may-merge-stays-set", 64 * k, sg.List{{Addr: 0, Len: 64 * k}, {Addr: 64 * k, Len: 60 * k}, {Addr: 124 * k, Len: 8 * k}}, sg.List{{Addr: 0, Len: 64 * k}, {Addr: 64 * k, Len: 68 * k}}},
		{"adjacent-below-is-joined", 64 * k, sg.List{{Addr: 8 * k, Len: 4 * k}, {Addr: 4 * k, Len: 4 * k}}, sg.List{{Addr: 4 * k, Len: 8 * k}}},
		{"merged-length-wraps", 1<<32 - 1, sg.List{{Addr: 1 << 32, Len: 1 << 31}, {Addr: 3 << 31, Len: 1<<31 + 5}}, sg.List{{Addr: 1 << 32, Len: 5}}},
		{"stale-entries-registered", 64 * k, sg.List{{Addr: 4 * k, Len: 4 * k}, {Addr: 8 * k, Len: 4 * k}}, sg.List{{Addr: 4 * k, Len: 8 * k}, {Addr: 8 * k, Len: 4 * k}}},
		{"latent-cpu-entries", 64 * k, sg.List{{Addr: 4 * k, Len: 4 * k}, {Addr: 8 * k, Len: 4 * k}}, sg.List{{Addr: 4 * k, Len: 4 * k}}},
	} {
		m, _ := ByName(tt.mutant)
		spy := &spy{}
		req := reg.Request{List: tt.list, DMA: sg.DMA{Mode: sg.Merge, Limit: tt.limit}}
		if err := m.Parts().Wrap(spy).Register(nil, &req, &reg.Registration{}); err != nil {
			t.Fatal(err)
		}
		if len(spy.list) != len(tt.want) {
			t.Errorf("%s: %v, must be %v", tt.mutant, spy.list, tt.want)
			continue
		}
		for i := range tt.want {
			if spy.list[i] != tt.want[i] {
				t.Errorf("%s: entry %d is %+v, must be %+v", tt.mutant, i, spy.list[i], tt.want[i])
			}
		}
	}
}

// spy is a Strategy that keeps what it was asked to register.
type spy struct {
	reg.Strategy
	list sg.List
}

func (s *spy) Register(_ *reg.Env, req *reg.Request, _ *reg.Registration) error {
	s.list = append(sg.List(nil), req.List...)
	return nil
}
