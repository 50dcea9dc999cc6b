package mlx5model

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// flatMemory is host memory without bytes, except a list at listAt; it costs
// nothing beside what is measured.
type flatMemory struct{ list []byte }

const listAt = 0x300000800

func (m *flatMemory) Read(addr uint64, p []byte) error {
	if addr >= listAt {
		copy(p, m.list[addr-listAt:])
	}
	return nil
}

func (m *flatMemory) Write(uint64, []byte) error { return nil }

// bench is a device with one UMR of n KLMs of 64 bytes each ready in its ring.
type bench struct {
	dev *Device
	qp  *QP
	sq  *Ring
	mem *flatMemory
	pi  uint32
	n   int
}

func newBench(t testing.TB, n int) *bench {
	p, _ := ProfileByName("default")
	b := &bench{mem: &flatMemory{}, n: n}
	for i := range n {
		b.mem.list = append(b.mem.list, klms(KLM{64, localKey, 0x10000 + uint64(i)*128})...)
	}
	for len(b.mem.list)%UMRListAlign != 0 {
		b.mem.list = append(b.mem.list, 0)
	}
	var err error
	if b.dev, err = NewDevice(p, b.mem); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	return b
}

func (b *bench) start(t testing.TB) {
	var err error
	if _, err = b.dev.CreateMkey(KeyIndex(localKey), physicalContext(), nil); err == nil {
		_, err = b.dev.CreateMkey(0xabcd, klmContext(uint32(len(b.mem.list)/OctowordSize)), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if b.sq == nil {
		b.sq, _ = NewRing(64)
	}
	b.pi = 0
	if b.qp, err = b.dev.CreateQP(QPConfig{QPN: testQPN, PD: testPD, SQ: b.sq}); err != nil {
		t.Fatal(err)
	}
}

// register posts and executes the UMR.
func (b *bench) register(t testing.TB) {
	var w [16 + UMRDataOff]byte
	size := len(b.mem.list)
	inline := size <= 52*KLMSize
	u := UMRCtrl{XltOctowords: uint16(size / OctowordSize), Mask: MaskLen | MaskFree | MaskRR | MaskRW}
	c := Ctrl{Opcode: OpUMR, Index: uint16(b.pi), QPN: testQPN, Imm: 0xabcd00, DS: UMRFixedDS + 1, FmCeSe: CtrlCEAlways}
	if inline {
		u.Flags, c.DS = UMRInline, uint8(UMRFixedDS+size/OctowordSize)
		b.sq.Write(b.pi, UMRDataOff, b.mem.list)
	} else {
		seg := DataSeg{uint32(size), localKey, listAt}
		seg.Put(w[UMRDataOff:])
	}
	c.Put(w[:])
	u.Put(w[CtrlSize:])
	ctx := MkeyContext{Len: uint64(b.n) * 64, Access: AccRR | AccRW}
	ctx.Put(w[CtrlSize+UMRCtrlSize:])
	if inline {
		b.sq.Write(b.pi, 0, w[:UMRDataOff])
	} else {
		b.sq.Write(b.pi, 0, w[:])
	}
	b.pi += WQEBBs(c.DS)
	b.qp.ClearCompletions()
	b.dev.Doorbell(b.qp, b.pi)
	if b.qp.State() != QPReady || len(b.qp.Completions()) != 1 {
		t.Fatal(b.qp.Err())
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, n := range []int{1, 52, 64, 1000} {
		b := newBench(t, n)
		var ext []sg.Extent
		p := *b.dev.Profile()
		cycle := func() {
			if err := b.dev.Reset(p, b.mem); err != nil {
				t.Fatal(err)
			}
			b.start(t)
			b.register(t)
			var err error
			if ext, err = b.dev.Translate(ext[:0], remote(RemoteRead, 0xabcd00, 0, uint64(n)*64)); err != nil || len(ext) != n {
				t.Fatalf("%d extents, %v", len(ext), err)
			}
		}
		cycle()
		if got := testing.AllocsPerRun(100, cycle); got != 0 {
			t.Errorf("%d KLMs: %v allocations per reset, registration and translation", n, got)
		}
	}
}

// TestLongestList registers the most KLMs one UMR can carry and looks at both
// ends of the list.
func TestLongestList(t *testing.T) {
	b := newBench(t, MaxKLMs)
	b.register(t)
	total := uint64(MaxKLMs) * 64
	ext, err := b.dev.Translate(nil, remote(RemoteRead, 0xabcd00, 0, total))
	if err != nil || len(ext) != MaxKLMs {
		t.Fatalf("%d extents, %v", len(ext), err)
	}
	last := sg.Extent{Addr: 0x10000 + (MaxKLMs-1)*128, Len: 64}
	if ext[MaxKLMs-1] != last {
		t.Errorf("last extent %#x, want %#x", ext[MaxKLMs-1], last)
	}
	last.Addr, last.Len = last.Addr+63, 1
	if ext, err = b.dev.Translate(ext[:0], remote(RemoteWrite, 0xabcd00, total-1, 1)); err != nil || ext[0] != last {
		t.Errorf("last byte at %#x, %v", ext, err)
	}
	if _, err = b.dev.Translate(ext[:0], remote(RemoteRead, 0xabcd00, total-1, 2)); err == nil {
		t.Error("a byte behind the longest list can be read")
	}
}

// TestSteadyStateOfSmallProfile does the same at the limits of a device whose
// memory bound is tight.
func TestSteadyStateOfSmallProfile(t *testing.T) {
	p, _ := ProfileByName("small")
	mem := &flatMemory{}
	d, err := NewDevice(p, mem)
	if err != nil {
		t.Fatal(err)
	}
	ctx := klmContext(16)
	list := make([]byte, 16*KLMSize)
	cycle := func() {
		if err := d.Reset(p, mem); err != nil {
			t.Fatal(err)
		}
		for i := range uint32(16) {
			if _, err := d.CreateMkey(i, ctx, list[:(i%4+1)*64]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := testing.AllocsPerRun(100, cycle); got != 0 {
		t.Errorf("%v allocations per case", got)
	}
}

var sizes = []int{16, 256, 4096, MaxKLMs}

func BenchmarkUMR(b *testing.B) {
	for _, n := range append([]int{1, 4, 52}, sizes...) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := newBench(b, n)
			b.ReportAllocs()
			for b.Loop() {
				d.register(b)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}

// BenchmarkTranslateRandom asks for 8 bytes at random offsets of a registered
// list.
func BenchmarkTranslateRandom(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := newBench(b, n)
			d.register(b)
			rng := rand.New(rand.NewSource(1))
			var ext []sg.Extent
			b.ReportAllocs()
			for b.Loop() {
				ext, _ = d.dev.Translate(ext[:0], remote(RemoteRead, 0xabcd00, uint64(rng.Intn(n*64-8)), 8))
			}
		})
	}
}

// BenchmarkTranslateSequential registers a list and reads it through from the
// start in windows of 4096 bytes.
func BenchmarkTranslateSequential(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := newBench(b, n)
			d.register(b)
			var ext []sg.Extent
			b.ReportAllocs()
			for b.Loop() {
				for at := uint64(0); at < uint64(n)*64; at += 4096 {
					ext, _ = d.dev.Translate(ext[:0], remote(RemoteRead, 0xabcd00, at, min(4096, uint64(n)*64-at)))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}

// BenchmarkRegisterAndRead is a whole case: reset, keys, UMR, one translation
// of everything.
func BenchmarkRegisterAndRead(b *testing.B) {
	for _, n := range []int{4, 64, 4096} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := newBench(b, n)
			p := *d.dev.Profile()
			var ext []sg.Extent
			b.ReportAllocs()
			for b.Loop() {
				d.dev.Reset(p, d.mem)
				d.start(b)
				d.register(b)
				ext, _ = d.dev.Translate(ext[:0], remote(RemoteRead, 0xabcd00, 0, uint64(n)*64))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}
