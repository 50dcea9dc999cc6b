package mlx5model

import (
	"bytes"
	"errors"
	"testing"
)

func TestRingSizes(t *testing.T) {
	for _, n := range []int{-1, 0, 3, 6, MaxRingWQEBBs - 1, MaxRingWQEBBs + 1, 2 * MaxRingWQEBBs} {
		if r, err := NewRing(n); !errors.Is(err, ErrRingSize) || r != nil {
			t.Errorf("%d WQEBBs: %v, %v", n, r, err)
		}
	}
	for _, n := range []int{1, 2, 64, MaxRingWQEBBs} {
		r, err := NewRing(n)
		if err != nil || r.WQEBBs() != uint32(n) || len(r.Bytes()) != n*WQEBBSize {
			t.Errorf("%d WQEBBs: %v", n, err)
		}
	}
	for _, n := range []int{0, 63, 65, 192, (MaxRingWQEBBs + 1) * WQEBBSize} {
		if r, err := WrapRing(make([]byte, n)); !errors.Is(err, ErrRingSize) || r != nil {
			t.Errorf("%d bytes: %v, %v", n, r, err)
		}
	}
	mem := make([]byte, 128)
	r, err := WrapRing(mem)
	if err != nil {
		t.Fatal(err)
	}
	r.Fill(0xcc)
	if !bytes.Equal(mem, bytes.Repeat([]byte{0xcc}, 128)) {
		t.Error("a ring over foreign memory has memory of its own")
	}
}

// Every position: what is written at one counter is read back there, stands
// where the counter says, and nothing else changes.
func TestRingWraps(t *testing.T) {
	p := make([]byte, 3*WQEBBSize)
	for i := range p {
		p[i] = byte(i) | 1
	}
	for pi := uint32(0xfffe); pi < 0x10008; pi++ {
		for off := 0; off <= 128; off += 16 {
			r, err := NewRing(4)
			if err != nil {
				t.Fatal(err)
			}
			data := p[:len(p)-off]
			r.Write(pi, off, data)
			got := make([]byte, len(data))
			r.Read(pi, off, got)
			if !bytes.Equal(got, data) {
				t.Fatalf("counter %#x offset %d: read % x", pi, off, got)
			}
			for i, b := range r.Bytes() {
				k := (i - int(pi%4)*WQEBBSize - off + 2*len(r.Bytes())) % len(r.Bytes())
				want := byte(0)
				if k < len(data) {
					want = data[k]
				}
				if b != want {
					t.Fatalf("counter %#x offset %d: ring byte %d is %d, want %d", pi, off, i, b, want)
				}
			}
			at := r.At(pi, off)
			if len(at) != WQEBBSize-off%WQEBBSize || !bytes.Equal(at, data[:len(at)]) {
				t.Fatalf("counter %#x offset %d: At gives % x", pi, off, at)
			}
			if r.Index(pi) != pi%4 {
				t.Fatalf("counter %#x: index %d", pi, r.Index(pi))
			}
		}
	}
}

func TestRingTooLong(t *testing.T) {
	r, _ := NewRing(1)
	for name, f := range map[string]func([]byte){"Write": func(p []byte) { r.Write(0, 0, p) }, "Read": func(p []byte) { r.Read(0, 0, p) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s beyond the ring's size does not panic", name)
				}
			}()
			f(make([]byte, WQEBBSize+1))
		}()
	}
}
