package sg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
)

func TestFillPatternIsPattern(t *testing.T) {
	r := newRng(t, 2)
	for _, base := range []uint64{0, 1<<12 - 5, 1<<32 - 9, 1 << 63, top - 40} {
		for off := range uint64(9) {
			for n := range 40 {
				seed := r.next()
				got := make([]byte, n)
				FillPattern(seed, base+off, got)
				for i, b := range got {
					if want := Pattern(seed, base+off+uint64(i)); b != want {
						t.Fatalf("seed %#x, %#x+%d: byte %d is %#x, want %#x", seed, base+off, n, i, b, want)
					}
				}
			}
		}
	}
}

// TestPatternShowsSwaps: whatever single address bit a bug gets wrong, and
// whatever stands for it (a page, 64 KiB, 4 GiB), each aligned word differs.
func TestPatternShowsSwaps(t *testing.T) {
	r := newRng(t, 3)
	word := func(seed, addr uint64) uint64 {
		var p [8]byte
		FillPattern(seed, addr&^7, p[:])
		return binary.LittleEndian.Uint64(p[:])
	}
	for bit := 3; bit < 64; bit++ {
		equal, equalBytes := 0, 0
		for range 2000 {
			seed, addr := r.next(), r.next()
			if word(seed, addr) == word(seed, addr^1<<bit) {
				equal++
			}
			if Pattern(seed, addr) == Pattern(seed, addr^1<<bit) {
				equalBytes++
			}
		}
		// Expected: none, and one byte in 256, about 8 of 2000.
		if equal != 0 || equalBytes > 30 {
			t.Errorf("bit %d: %d words and %d of 2000 bytes unchanged", bit, equal, equalBytes)
		}
	}
}

func TestPatternDependsOnSeed(t *testing.T) {
	var a, b [64]byte
	FillPattern(0, 0x1000, a[:])
	FillPattern(1, 0x1000, b[:])
	if a == b {
		t.Fatal("seeds 0 and 1 give the same bytes")
	}
}

// shadow is a memory as a map from address to byte.
type shadow struct {
	seed  uint64
	bytes map[uint64]byte
}

func (s *shadow) at(addr uint64) byte {
	if b, ok := s.bytes[addr]; ok {
		return b
	}
	return Pattern(s.seed, addr)
}

func (s *shadow) extents() []Extent {
	var addrs []uint64
	for a := range s.bytes {
		addrs = append(addrs, a)
	}
	slices.Sort(addrs)
	return naiveExtents(addrs)
}

func TestMemoryAgainstMap(t *testing.T) {
	r := newRng(t, 4)
	m := NewMemory(0)
	for round := range 60 {
		seed := r.next()
		m.Reset(seed)
		s := &shadow{seed, map[uint64]byte{}}
		// A few hundred bytes around three places, one of them the top.
		place := func(longest uint64) (addr, n uint64) {
			addr = []uint64{0, 1<<32 - 300, top - 599}[r.below(3)] + r.below(600)
			if n = r.below(longest); addr > 1<<63 {
				n = min(n, -addr) // up to 2^64
			}
			return addr, n
		}
		for range 40 {
			addr, n := place(300)
			p := r.bytes(int(n))
			if err := m.Write(addr, p); err != nil {
				t.Fatal(err)
			}
			for i, b := range p {
				s.bytes[addr+uint64(i)] = b
			}
			addr, n = place(700)
			got := make([]byte, n)
			if err := m.Read(addr, got); err != nil {
				t.Fatal(err)
			}
			for i, b := range got {
				if want := s.at(addr + uint64(i)); b != want {
					t.Fatalf("round %d: %#x is %#x, want %#x", round, addr+uint64(i), b, want)
				}
			}
		}
		if got, want := m.AppendWritten(nil), s.extents(); !slices.Equal(got, want) {
			t.Fatalf("round %d: written %v, want %v", round, got, want)
		}
	}
}

func TestMemoryRange(t *testing.T) {
	tests := []struct {
		addr uint64
		n    int
		ok   bool
	}{
		{top, 1, true}, {top, 2, false}, {top - 4095, 4096, true}, {top - 4094, 4096, false},
		{top, 0, true}, {0, 4096, true},
	}
	for _, tt := range tests {
		m := NewMemory(9)
		p := bytes.Repeat([]byte{0xa5}, tt.n)
		for op, err := range map[string]error{"write": m.Write(tt.addr, p), "read": m.Read(tt.addr, slices.Clone(p))} {
			var me *MemoryError
			switch {
			case tt.ok && err != nil, !tt.ok && !errors.Is(err, ErrMemoryRange):
				t.Errorf("%s %#x+%d: %v", op, tt.addr, tt.n, err)
			case !tt.ok && (!errors.As(err, &me) || me.Op != op || me.Addr != tt.addr || me.Len != tt.n):
				t.Errorf("%s %#x+%d: error says %v", op, tt.addr, tt.n, err)
			}
		}
		if !tt.ok && m.Pages() != 0 {
			t.Errorf("%#x+%d: refused, yet %d pages written", tt.addr, tt.n, m.Pages())
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	m := NewMemory(1)
	m.SetLimit(4 * pageCost)
	if err := m.Write(0x1080, make([]byte, 3*pageSize)); err != nil { // pages 0x10 to 0x13
		t.Fatal(err)
	}
	before := m.AppendWritten(nil)
	if err := m.Write(0x1300, make([]byte, pageSize+1)); !errors.Is(err, ErrMemoryLimit) {
		t.Fatalf("fifth page: %v", err)
	}
	if after := m.AppendWritten(nil); !slices.Equal(before, after) {
		t.Fatalf("refused write changed %v to %v", before, after)
	}
	if err := m.Write(0x1000, make([]byte, 4*pageSize)); err != nil {
		t.Fatalf("pages that are there already: %v", err)
	}
	m.SetLimit(0)
	if err := m.Write(0x1000, []byte{1}); err != nil {
		t.Fatalf("page in use after the limit sank: %v", err)
	}
	if err := m.Write(0x9000, nil); err != nil {
		t.Fatalf("empty write: %v", err)
	}
	m.Reset(1)
	if err := m.Write(0x1000, []byte{1}); !errors.Is(err, ErrMemoryLimit) {
		t.Fatalf("limit 0: %v", err)
	}
}

func TestMemoryDefaultLimitHolds(t *testing.T) {
	if n := NewMemory(0).limit; n*pageCost > DefaultMemoryLimit || (n+1)*pageCost <= DefaultMemoryLimit {
		t.Fatalf("default limit is %d pages", n)
	}
}

func TestWritingTheSameByteCounts(t *testing.T) {
	m := NewMemory(7)
	if err := m.Write(0x2001, []byte{Pattern(7, 0x2001)}); err != nil {
		t.Fatal(err)
	}
	have := []Extent{{0x2000, 1}} // would continue, but is the caller's
	want := []Extent{{0x2000, 1}, {0x2001, 1}}
	if got := m.AppendWritten(have); !slices.Equal(got, want) {
		t.Fatalf("written %v, want %v", got, want)
	}
}

func TestFirstDifference(t *testing.T) {
	type write struct {
		addr uint64
		p    string
	}
	tests := []struct {
		name  string
		a, b  []write
		seedB uint64
		addr  uint64
		diff  bool
	}{
		{"nothing written", nil, nil, 5, 0, false},
		{"other seed, nothing written", nil, nil, 6, 0, false},
		{"same writes", []write{{0x100, "abc"}}, []write{{0x102, "c"}, {0x100, "ab"}}, 5, 0, false},
		{"same writes, other seed", []write{{0x100, "abc"}}, []write{{0x100, "abc"}}, 6, 0, false},
		{"only in the first", []write{{0x1ff, "\x00\x01\x02"}}, nil, 5, 0x1ff, true},
		{"only in the second", nil, []write{{top - 2, "\x00\x01\x02"}}, 5, top - 2, true},
		{"second page is lower", []write{{0x9000, "x"}}, []write{{0x300, "\x00\x01\x02"}}, 5, 0x300, true},
		{"pages take turns", []write{{0x100, "x"}, {0x900, "y"}}, []write{{0x100, "x"}, {0x500, "abc"}}, 5, 0x500, true},
		{"lowest wins", []write{{0x9000, "x"}, {0x300, "ab"}}, []write{{0x9000, "y"}, {0x300, "ac"}}, 5, 0x301, true},
	}
	for _, tt := range tests {
		a, b := NewMemory(5), NewMemory(tt.seedB)
		for _, w := range tt.a {
			a.Write(w.addr, []byte(w.p))
		}
		for _, w := range tt.b {
			b.Write(w.addr, []byte(w.p))
		}
		for range 2 { // and the other way round
			if addr, diff := a.FirstDifference(b); diff != tt.diff || addr != tt.addr {
				t.Errorf("%s: %#x %v, want %#x %v", tt.name, addr, diff, tt.addr, tt.diff)
			}
			a, b = b, a
		}
		if _, diff := a.FirstDifference(a); diff {
			t.Errorf("%s: differs from itself", tt.name)
		}
	}
}

// TestUntouchedMemoryIsFree reads from ends of a million entries of almost
// 4 GiB each: no page comes to be.
func TestUntouchedMemoryIsFree(t *testing.T) {
	m := NewMemory(3)
	var one [1]byte
	for i := range uint64(1_000_000) {
		e := Entry{Addr: i << 32, Len: math.MaxUint32}
		if err := m.Read(e.Last(), one[:]); err != nil || one[0] != Pattern(3, e.Last()) {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	if m.Pages() != 0 || m.arena != nil || m.table.slots != nil {
		t.Fatalf("%d pages, %d chunks, %d slots", m.Pages(), len(m.arena), len(m.table.slots))
	}
}

func TestMemorySteadyStateAllocatesNothing(t *testing.T) {
	m := NewMemory(0)
	buf := make([]byte, 3000)
	var ext []Extent
	round := func() {
		m.Reset(m.Seed() + 1)
		for i := range uint64(200) {
			if m.Write(i*0x1_0000_1001, buf[:17]) != nil || m.Read(i*0x1_0000_1001+5, buf) != nil {
				t.Fatal("access failed")
			}
		}
		ext = m.AppendWritten(ext[:0])
	}
	round()
	if n := testing.AllocsPerRun(20, round); n != 0 {
		t.Fatalf("%v allocations per round", n)
	}
}

// TestResetForgetsWhileTheTableGrows: slots of former writes must not move to
// the bigger table.
func TestResetForgetsWhileTheTableGrows(t *testing.T) {
	m := NewMemory(1)
	for i := range uint64(31) {
		m.Write(i<<20, []byte{^Pattern(1, i<<20)})
	}
	m.Reset(1)
	for i := range uint64(200) {
		m.Write(i<<20|1<<50, []byte{1})
	}
	var got [1]byte
	for i := range uint64(31) {
		if m.Read(i<<20, got[:]) != nil || got[0] != Pattern(1, i<<20) {
			t.Fatalf("write to %#x is not forgotten", i<<20)
		}
	}
}

func TestPageTableSurvivesEraWrap(t *testing.T) {
	m := NewMemory(0)
	m.Write(0x1000, []byte{1})
	m.table.era = math.MaxUint32
	m.table.slots[3].era = 1 // stale, must not come back to life
	m.Reset(0)
	if m.Write(0x5000, []byte{2}) != nil || m.Pages() != 1 {
		t.Fatal("write after the era counter wrapped")
	}
	if got := m.AppendWritten(nil); !slices.Equal(got, []Extent{{0x5000, 1}}) {
		t.Fatalf("written %v", got)
	}
	if m.table.slots[3].era == 1 && m.table.slots[3].number != 0x50 {
		t.Fatal("stale slot kept")
	}
}

func BenchmarkFillPattern(b *testing.B) {
	p := make([]byte, 64<<10)
	b.SetBytes(int64(len(p)))
	for i := range b.N {
		FillPattern(1, uint64(i)*4099, p)
	}
}

func BenchmarkMemoryWrite(b *testing.B) {
	m := NewMemory(1)
	p := make([]byte, 64<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for i := range b.N {
		m.Reset(uint64(i))
		if m.Write(0x10000fff, p) != nil {
			b.Fatal("write failed")
		}
	}
}

func BenchmarkMemoryScatteredBytes(b *testing.B) {
	m := NewMemory(1)
	b.ReportAllocs()
	for i := range b.N {
		m.Reset(uint64(i))
		for k := range uint64(256) {
			if m.Write(k*0x10001, []byte{1}) != nil {
				b.Fatal("write failed")
			}
		}
	}
}
