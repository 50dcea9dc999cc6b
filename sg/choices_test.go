package sg

import (
	"bytes"
	"math"
	"testing"
)

func TestChoicesZeroFill(t *testing.T) {
	c := NewChoices([]byte{0x01, 0x02})
	if v := c.Uint(math.MaxUint32); v != 0x0201 {
		t.Fatalf("number from two bytes and two zeros: %#x", v)
	}
	if !c.Exhausted() || c.Byte() != 0 || c.Uint(math.MaxUint64) != 0 || c.Bool() || c.More() || c.Pick([]int{1, 1}) != 0 {
		t.Fatal("behind the end there is something")
	}
	if !bytes.Equal(c.Recorded(), []byte{1, 2}) {
		t.Fatalf("recorded %x", c.Recorded())
	}
}

func TestUintConsumesFewestBytes(t *testing.T) {
	tests := []struct {
		max  uint64
		want uint64
		used int
	}{
		{0, 0, 0},
		{1, 0x11 % 2, 1},
		{0xff, 0x11, 1},
		{0x100, 0x2211 % 0x101, 2},
		{0xffff, 0x2211, 2},
		{0xff_ffff, 0x332211, 3},
		{math.MaxUint32, 0x44332211, 4},
		{math.MaxUint64 - 1, 0x8877665544332211, 8},
		{math.MaxUint64, 0x8877665544332211, 8},
	}
	for _, tt := range tests {
		c := NewChoices([]byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99})
		if v := c.Uint(tt.max); v != tt.want || len(c.Recorded()) != tt.used {
			t.Errorf("max %#x: %#x from %d bytes", tt.max, v, len(c.Recorded()))
		}
	}
	c := NewChoices(bytes.Repeat([]byte{0xff}, 8))
	if v := c.Uint(math.MaxUint64 - 1); v != 0 {
		t.Errorf("2^64-1 modulo 2^64-1 is %d", v)
	}
}

func TestUintStaysWithinMax(t *testing.T) {
	c := NewRandom(7)
	for max := range uint64(400) {
		seen := make([]bool, max+1)
		for range 40 * (max + 1) {
			seen[c.Uint(max)] = true // panics beyond max
		}
		for v, ok := range seen {
			if !ok {
				t.Fatalf("max %d: %d never drawn", max, v)
			}
		}
	}
}

func TestBetween(t *testing.T) {
	c := NewChoices([]byte{0, 255, 3})
	if a, b, d := c.Between(5, 260), c.Between(5, 260), c.Between(7, 7); a != 5 || b != 260 || d != 7 {
		t.Fatalf("%d %d %d", a, b, d)
	}
}

func TestRandomReplays(t *testing.T) {
	draw := func(c *Choices) (out []uint64) {
		for c.More() {
			out = append(out, c.Uint(1<<40), uint64(c.Byte()), uint64(c.Pick([]int{5, 0, 300})))
			if c.Bool() {
				out = append(out, 1)
			}
		}
		return out
	}
	c, replay := NewRandom(0), NewChoices(nil)
	elements := 0
	for seed := range uint64(500) {
		c.ResetRandom(seed)
		want := draw(c)
		elements += len(want)
		replay.Reset(bytes.Clone(c.Recorded()))
		got := draw(replay)
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d draws, replayed %d", seed, len(want), len(got))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("seed %d: draw %d is %d, replayed %d", seed, i, want[i], got[i])
			}
		}
		if !replay.Exhausted() {
			t.Fatalf("seed %d: replay left bytes behind", seed)
		}
	}
	if mean := elements / 500; mean < 15 || mean > 40 { // 7 elements of 3.5 draws
		t.Fatalf("%d draws in the mean", mean)
	}
}

func TestRandomSeedsDiffer(t *testing.T) {
	if NewRandom(1).Uint(math.MaxUint64) == NewRandom(2).Uint(math.MaxUint64) {
		t.Fatal("seeds 1 and 2 start alike")
	}
}

func TestRandomStreamEnds(t *testing.T) {
	c := NewRandom(1)
	for range MaxRandomChoices {
		if c.Exhausted() {
			t.Fatal("ended early")
		}
		c.Byte()
	}
	if !c.Exhausted() || c.Uint(math.MaxUint64) != 0 || len(c.Recorded()) != MaxRandomChoices {
		t.Fatalf("goes on behind its end; %d recorded", len(c.Recorded()))
	}
}

func TestMoreUnless(t *testing.T) {
	tests := []struct {
		b, stop byte
		want    bool
	}{{0, 0, false}, {1, 0, true}, {0, 1, false}, {31, 32, false}, {32, 32, true}, {255, 255, true}, {254, 255, false}}
	for _, tt := range tests {
		if got := NewChoices([]byte{tt.b}).MoreUnless(tt.stop); got != tt.want {
			t.Errorf("byte %d, stop %d: %v", tt.b, tt.stop, got)
		}
	}
}

func TestPickFollowsWeights(t *testing.T) {
	var hits [4]int
	for b := range 256 {
		hits[NewChoices([]byte{byte(b)}).Pick([]int{64, 0, 160, 32})]++
	}
	if hits != [4]int{64, 0, 160, 32} {
		t.Fatalf("256 bytes picked %v", hits)
	}
	if NewRandom(1).Pick([]int{0, 0}) != 0 || NewRandom(1).Pick(nil) != 0 {
		t.Fatal("no weight at all must give 0")
	}
	if NewChoices(nil).Pick([]int{0, 3}) != 1 {
		t.Fatal("picked an index without weight")
	}
}

func TestChoicesAllocateNothing(t *testing.T) {
	c := NewRandom(0)
	round := func() {
		c.ResetRandom(1)
		for range 100 {
			c.Uint(math.MaxUint64)
		}
		c.Reset([]byte(nil))
		c.Byte()
	}
	round()
	if n := testing.AllocsPerRun(50, round); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
