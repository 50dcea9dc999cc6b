package picture

import (
	"encoding/binary"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// spoilt spoils descriptors after the correct mapping.
type spoilt struct {
	reg.Corrected
	klms  func(klms []byte, m *linux.Mapping)
	pages func(mtts []byte)
}

func (s spoilt) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error) {
	m, err := s.Corrected.KLMs(dst, l, from, lkey, maxKLMs, maxBytes)
	if err == nil && s.klms != nil {
		s.klms(dst, &m)
	}
	return m, err
}

func (s spoilt) Pages(dst []byte, l sg.List, from linux.Pos, pageSize uint64, maxPages int) (linux.Mapping, error) {
	m, err := s.Corrected.Pages(dst, l, from, pageSize, maxPages)
	if err == nil && s.pages != nil {
		s.pages(dst)
	}
	return m, err
}

// editKLM changes one KLM.
func editKLM(i int, edit func(*mlx5model.KLM)) func([]byte, *linux.Mapping) {
	return func(klms []byte, _ *linux.Mapping) {
		k := mlx5model.ParseKLM(klms[i*mlx5model.KLMSize:])
		edit(&k)
		k.Put(klms[i*mlx5model.KLMSize:])
	}
}

// spoiltPicture is the picture of a strategy whose mapper is spoilt.
func spoiltPicture(t *testing.T, l sg.List, strategy string, m reg.Mapper) *Strategy {
	t.Helper()
	c := &corpus.Case{Name: "spoilt", List: l}
	b := builder{c: c, o: Options{Most: 64}, ix: newIndex(l)}
	if err := b.run(fuzz.Options{Strategies: []string{strategy}, Mapper: m, Watch: b.look}); err != nil {
		t.Fatal(err)
	}
	p := b.picture()
	checkBlame(t, "spoilt", c, &p.Strategies[0])
	return &p.Strategies[0]
}

// TestBlame spoils one descriptor at a time and holds that it is the one that
// is named, with the first byte that differs.
func TestBlame(t *testing.T) {
	list := sg.List{{Addr: 0x10000000, Len: 1000}, {Addr: 0x20000000, Len: 2000}, {Addr: 0x30000000, Len: 3000}}
	run := sg.List{{Addr: 0x40000000, Len: 32 * 4096}}
	far := func(k *mlx5model.KLM) { k.VA += 1 << 40 }
	for name, x := range map[string]struct {
		list   sg.List
		with   string
		mapper spoilt
		part   string
		stream uint64
		differ uint64
		text   string
	}{
		"address": {list, "indirect", spoilt{klms: editKLM(1, far)}, "KLM 1", 1000, 2000, "KLM 1 reaches 0x10020000000, where the list has 0x20000000"},
		"last":    {list, "indirect", spoilt{klms: editKLM(2, far)}, "KLM 2", 3000, 3000, "KLM 2 reaches 0x10030000000, where the list has 0x30000000"},
		"short": {list, "indirect", spoilt{klms: func(b []byte, m *linux.Mapping) {
			editKLM(1, func(k *mlx5model.KLM) { k.ByteCount-- })(b, m)
			editKLM(2, func(k *mlx5model.KLM) { k.ByteCount++ })(b, m)
		}}, "KLM 1", 2999, 3001, "KLM 1 ends inside entry 1, 1 byte early: all behind it is shifted"},
		"long": {list, "indirect", spoilt{klms: func(b []byte, m *linux.Mapping) {
			editKLM(0, func(k *mlx5model.KLM) { k.ByteCount += 10 })(b, m)
			editKLM(1, func(k *mlx5model.KLM) { k.ByteCount -= 10 })(b, m)
		}}, "KLM 0", 1000, 2000, "KLM 0 is right for 1,000 bytes and then reaches 0x100003e8, where the list has 0x20000000"},
		"key":   {list, "indirect", spoilt{klms: editKLM(2, func(k *mlx5model.KLM) { k.Key ^= 0x100 })}, "KLM 2", 3000, 3000, "KLM 2: the device refuses stream bytes 3,000 to 5,999: no such key"},
		"total": {list, "indirect", spoilt{klms: func(_ []byte, m *linux.Mapping) { m.Length += 8 }}, "KLM 3", 6000, 8, ""},
		"page in a run": {run, "fastreg", spoilt{pages: func(b []byte) {
			binary.BigEndian.PutUint64(b[17*8:], 0x7000_0000|3)
		}}, "MTT 17", 17 * 4096, 4096, "MTT 17 reaches 0x70000000, where the list has 0x40011000"},
	} {
		t.Run(name, func(t *testing.T) {
			s := spoiltPicture(t, x.list, x.with, x.mapper)
			b := s.Blame
			if b == nil {
				t.Fatalf("nothing is blamed: %v", s.Failures)
			}
			if b.Part != x.part || b.Stream != x.stream || b.Differ != x.differ || x.text != "" && b.Text != x.text {
				t.Errorf("%s: byte %d, %d differ: %s; want %s, %d, %d: %s", b.Part, b.Stream, b.Differ, b.Text, x.part, x.stream, x.differ, x.text)
			}
			wrong := uint64(0)
			for i := range s.Regions {
				for _, q := range s.Regions[i].Pieces {
					wrong += q.WrongBytes
					if q.Wrong != (q.WrongBytes > 0) {
						t.Errorf("%+v", q)
					}
				}
			}
			if wrong != x.differ {
				t.Errorf("pieces have %d wrong bytes, %d differ", wrong, x.differ)
			}
		})
	}
}

// TestBlameShowsBytes holds the bytes that differ against memory.
func TestBlameShowsBytes(t *testing.T) {
	l := sg.List{{Addr: 0x10000000, Len: 5}, {Addr: 0x20000000, Len: 7}}
	b := spoiltPicture(t, l, "indirect", spoilt{klms: editKLM(1, func(k *mlx5model.KLM) { k.VA += 3 })}).Blame
	var want [10]byte
	sg.FillPattern(0x5e9f, 0x20000000, want[:]) // the seed of package fuzz
	if string(b.Expected) != string(want[:7]) || string(b.Got) != string(want[3:10]) {
		t.Errorf("%x and %x, memory has %x", b.Expected, b.Got, want)
	}
	if b.Entry != 1 || b.Off != 0 || b.Reaches.Addr != 0x20000003 || b.Want.Addr != 0x20000000 {
		t.Errorf("%+v", b)
	}
}

// TestDescriptors holds how keys are taken apart.
func TestDescriptors(t *testing.T) {
	var mtts []byte
	for _, a := range []uint64{0x5000, 0x6000, 0x7000, 0x9000, 0xa000} {
		mtts = binary.BigEndian.AppendUint64(mtts, a|3)
	}
	ctx := mlx5model.MkeyContext{Mode: mlx5model.ModeMTT, LogPageSize: 12, Start: 0x123, Len: 5 * 4096}
	p, _ := mlx5model.ProfileByName("default")
	never := func(uint64) uint64 { return ^uint64(0) }
	ds := descriptors(&p, &ctx, mtts, 0x200, 0x4e00, never)
	want := []descriptor{
		{index: 0, count: 3, in: 0x200, off: 0, len: 0x2e00, va: 0x200, addr: 0x5000, size: 4096},
		{index: 3, count: 2, off: 0x2e00, len: 0x2000, va: 0x3000, addr: 0x9000, size: 4096},
	}
	if !reflect.DeepEqual(ds, want) {
		t.Errorf("%+v, want %+v", ds, want)
	}
	if got, want := ds[0].cut(1, 3), (descriptor{index: 1, count: 2, off: 0xe00, len: 0x2000, va: 0x1000, addr: 0x6000, size: 4096}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if ds = descriptors(&p, &ctx, mtts, 0x200, 0x2e00, func(uint64) uint64 { return 0xe00 }); len(ds) != 3 || ds[1].index != 1 {
		t.Errorf("a border is passed: %+v", ds)
	}
	if ds = descriptors(&p, &ctx, mtts, 0x4fff, 10, never); len(ds) != 2 || ds[1] != (descriptor{index: 5, count: 1, off: 1, len: 9, va: 0x5000}) {
		t.Errorf("what is missing: %+v", ds)
	}
	ctx.Mode, ctx.Start = mlx5model.ModeKLM, 0x1000
	var klms []byte
	for _, k := range []mlx5model.KLM{{ByteCount: 10, Key: 7, VA: 100}, {}, {ByteCount: 20, Key: 7, VA: 200}} {
		klms = append(klms, make([]byte, mlx5model.KLMSize)...)
		k.Put(klms[len(klms)-mlx5model.KLMSize:])
	}
	p.ZeroKLM = mlx5model.ZeroKLMSkip
	want = []descriptor{
		{index: 0, count: 1, off: 0, len: 5, va: 0x1005, addr: 100, size: 10, key: 7},
		{index: 2, count: 1, off: 5, len: 20, va: 0x100a, addr: 200, size: 20, key: 7},
		{index: 3, count: 1, off: 25, len: 2, va: 0x101e},
	}
	if ds = descriptors(&p, &ctx, klms, 0x1005, 27, never); !reflect.DeepEqual(ds, want) {
		t.Errorf("%+v, want %+v", ds, want)
	}
	ctx.Mode, ctx.LogPageSize, ctx.Start = mlx5model.ModeKSM, 12, 0
	if ds = descriptors(&p, &ctx, klms, 0, 4097, never); len(ds) != 2 || ds[0].addr != 100 || ds[0].key != 7 || ds[1].index != 1 {
		t.Errorf("KSM: %+v", ds)
	}
}

// TestJSON holds that a picture survives JSON, with all 64 bits of addresses.
func TestJSON(t *testing.T) {
	p := drawnPicture(t, 4, 0) // ends at 2^64
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var q Picture
	if err := json.Unmarshal(data, &q); err != nil {
		t.Fatal(err)
	}
	for i := range p.Strategies {
		for k := range p.Strategies[i].Requests {
			p.Strategies[i].Requests[k].Table = nil // not part of it
		}
	}
	if !reflect.DeepEqual(p, &q) {
		t.Errorf("%+v\n%+v", p, q)
	}
}

func BenchmarkOf(b *testing.B) {
	var l sg.List
	for i := range 256 {
		l = append(l, sg.Entry{Addr: uint64(i+1) << 20, Len: uint32(100 + i)})
	}
	c := &corpus.Case{List: l}
	for b.Loop() {
		if _, err := Of(c, Options{Strategies: []string{"indirect"}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSVG(b *testing.B) {
	var l sg.List
	for i := range 256 {
		l = append(l, sg.Entry{Addr: uint64(i+1) << 20, Len: uint32(100 + i)})
	}
	p, err := Of(&corpus.Case{List: l}, Options{Strategies: []string{"indirect"}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p.SVG(&p.Strategies[0], SVGOptions{})
	}
}

// TestBlamePlace holds where a failure is that no descriptor is to blame for: by
// what the check says, counted from the list's first byte also if the
// registration begins behind it.
func TestBlamePlace(t *testing.T) {
	for name, x := range map[string]struct {
		mutant, strategy string
		c                corpus.Case
		stream, off      uint64
		entry            int
		reaches          *Extent
	}{
		"offset": {"dma-read-wraps-in-page", "indirect",
			corpus.Case{Offset: 100, List: sg.List{{Addr: 0x10000000, Len: 1000}, {Addr: 0x20000800, Len: 3000}}}, 1000 + 2048, 2048, 1, nil},
		"second part": {"dma-write-lost-at-odd-end", "fastreg",
			corpus.Case{List: sg.List{{Addr: 0x10000000, Len: 1000}, {Addr: 0x20000000, Len: 99}}}, 1098, 98, 1, &Extent{0x20000062, 1}},
		"refusal": {"gap-by-lengths-refuses", "fastreg",
			corpus.Case{List: sg.List{{Addr: 0x10000e00, Len: 512}, {Addr: 0x30000000, Len: 4096}}}, 512, 0, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Of(&x.c, Options{Mutant: x.mutant, Strategies: []string{x.strategy}})
			if err != nil {
				t.Fatal(err)
			}
			b := p.Strategies[0].Blame
			if b == nil || b.Part != "" {
				t.Fatalf("blamed: %+v", b)
			}
			if b.Stream != x.stream || b.Entry != x.entry || b.Off != x.off || !reflect.DeepEqual(b.Reaches, x.reaches) {
				t.Errorf("%s: byte %d, entry %d+%d, reaches %v; want %d, %d+%d, %v", b.Text, b.Stream, b.Entry, b.Off, b.Reaches, x.stream, x.entry, x.off, x.reaches)
			}
		})
	}
}
