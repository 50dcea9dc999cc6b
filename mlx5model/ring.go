package mlx5model

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrRingSize reports a send queue whose WQEBB count is not a power of two
// between 1 and MaxRingWQEBBs.
var ErrRingSize = errors.New("send queue size is not a power of two within 1..32768 WQEBBs")

// MaxRingWQEBBs bounds a send queue: its 16-bit producer counter must tell a
// full ring from an empty one.
const MaxRingWQEBBs = 1 << 15

// Ring is a send queue's memory: a power-of-two count of 64-byte WQEBBs. It
// only maps positions to bytes; who writes what is the dialects' affair, and
// bytes they do not write keep what they held.
type Ring struct {
	buf  []byte
	mask uint32 // WQEBB count - 1
}

// NewRing makes a ring of wqebbs WQEBBs, a power of two, all bytes zero.
func NewRing(wqebbs int) (*Ring, error) {
	if wqebbs < 1 || wqebbs > MaxRingWQEBBs || wqebbs&(wqebbs-1) != 0 {
		return nil, fmt.Errorf("%d WQEBBs: %w", wqebbs, ErrRingSize)
	}
	return &Ring{buf: make([]byte, wqebbs*WQEBBSize), mask: uint32(wqebbs - 1)}, nil
}

// WrapRing makes a ring over memory that somebody else owns.
func WrapRing(buf []byte) (*Ring, error) {
	n := len(buf) / WQEBBSize
	if n*WQEBBSize != len(buf) || n < 1 || n > MaxRingWQEBBs || n&(n-1) != 0 {
		return nil, fmt.Errorf("%d bytes: %w", len(buf), ErrRingSize)
	}
	return &Ring{buf: buf, mask: uint32(n - 1)}, nil
}

// WQEBBs is the ring's size in WQEBBs.
func (r *Ring) WQEBBs() uint32 { return r.mask + 1 }

// Bytes is the ring's memory itself, not a copy.
func (r *Ring) Bytes() []byte { return r.buf }

// Fill sets every byte of the ring.
func (r *Ring) Fill(b byte) {
	r.buf[0] = b
	for n := 1; n < len(r.buf); n *= 2 {
		copy(r.buf[n:], r.buf[:n])
	}
}

// FillWQEBBs sets every byte of the n WQEBBs from counter pi on, wrapping at the
// ring's end. More than the ring has fills it.
func (r *Ring) FillWQEBBs(pi, n uint32, b byte) {
	if n >= r.WQEBBs() {
		r.Fill(b)
		return
	}
	word := uint64(b) * 0x0101010101010101
	for ; n > 0; pi, n = pi+1, n-1 {
		block := (*[WQEBBSize]byte)(r.buf[int(pi&r.mask)*WQEBBSize:])
		for i := 0; i < WQEBBSize; i += 8 {
			binary.NativeEndian.PutUint64(block[i:i+8], word)
		}
	}
}

// Index is the WQEBB number that the running counter pi falls on.
func (r *Ring) Index(pi uint32) uint32 { return pi & r.mask }

// At returns the bytes from offset off (bytes, any multiple of 16) of the WQE
// that starts at counter pi up to the next WQEBB border, at most 64. A segment
// of 16 bytes at a 16-byte offset never straddles the ring's end.
func (r *Ring) At(pi uint32, off int) []byte {
	pos := (int(pi&r.mask)*WQEBBSize + off) % len(r.buf)
	return r.buf[pos : pos+WQEBBSize-pos%WQEBBSize]
}

// Write copies p to offset off (bytes) of the WQE that starts at counter pi,
// wrapping at the ring's end. It panics if p is longer than the ring.
func (r *Ring) Write(pi uint32, off int, p []byte) {
	if len(p) > len(r.buf) {
		panic("mlx5model: WQE longer than the ring")
	}
	pos := (int(pi&r.mask)*WQEBBSize + off) % len(r.buf)
	n := copy(r.buf[pos:], p)
	copy(r.buf, p[n:])
}

// Read copies len(p) bytes from offset off (bytes) of the WQE that starts at
// counter pi into p, wrapping at the ring's end. It panics if p is longer than
// the ring.
func (r *Ring) Read(pi uint32, off int, p []byte) {
	if len(p) > len(r.buf) {
		panic("mlx5model: WQE longer than the ring")
	}
	pos := (int(pi&r.mask)*WQEBBSize + off) % len(r.buf)
	n := copy(p, r.buf[pos:])
	copy(p[n:], r.buf)
}
