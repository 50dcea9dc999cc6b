package xlt

import (
	"bytes"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// TestRing writes lists of every length at every offset of small rings and
// compares with the linear list laid around the end.
func TestRing(t *testing.T) {
	const lkey = 0x01020304
	for size := KLMSize; size <= 8*KLMSize; size += KLMSize {
		for off := 0; off <= size; off += KLMSize {
			for n := 0; n <= size/KLMSize; n++ {
				list := entries(n)
				want := bytes.Repeat([]byte{canary}, size)
				end := (off + n*KLMSize) % size
				check := func(name string, linear, got []byte, gotEnd int) {
					t.Helper()
					lay(want, off, linear)
					if gotEnd != end || !bytes.Equal(got, want) {
						t.Fatalf("%s: ring of %d, offset %d, %d entries: end %d, want %d\n got %x\nwant %x", name, size, off, n, gotEnd, end, got, want)
					}
				}
				ring := bytes.Repeat([]byte{canary}, size)
				check("RingKLMs", refKLMs(list, constant(lkey)), ring, RingKLMs(ring, off, list, lkey))
				check("RingKeyedKLMs", refKLMs(list, own), ring, RingKeyedKLMs(ring, off, list))
			}
		}
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// firstOther is the index of the first byte that is not v, or -1.
func firstOther(b []byte, v byte) int {
	for i := range b {
		if b[i] != v {
			return i
		}
	}
	return -1
}

func mustPanic(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", name)
		}
	}()
	f()
}

// lay copies p into ring from off on, around its end.
func lay(ring []byte, off int, p []byte) {
	for i := range p {
		ring[(off+i)%len(ring)] = p[i]
	}
}

// TestRingRefuses: mistakes panic before a byte is written.
func TestRingRefuses(t *testing.T) {
	list := make([]sg.Entry, 5)
	for _, c := range []struct {
		name      string
		size, off int
		n         int
	}{
		{"list longer than the ring", 64, 0, 5},
		{"offset inside an entry", 64, 8, 1},
		{"offset beyond the ring", 64, 80, 1},
		{"negative offset", 64, -16, 1},
		{"ring not in units of 16 bytes", 72, 0, 1},
	} {
		ring := make([]byte, c.size, 256)
		fill(ring[:256], canary)
		mustPanic(t, c.name, func() { RingKLMs(ring, c.off, list[:c.n], 1) })
		mustPanic(t, c.name, func() { RingKeyedKLMs(ring, c.off, list[:c.n]) })
		if i := firstOther(ring[:256], canary); i >= 0 {
			t.Errorf("%s: byte %d was written", c.name, i)
		}
	}
}
