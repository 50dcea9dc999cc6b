package sg

import (
	"math"
	"math/bits"
)

// Choices is the stream of choices that a generator makes a case from. Every
// byte string is a valid stream; behind its end are zeros, for ever. A
// fuzzer's mutation of one byte so changes one choice, and cutting the stream
// short gives a smaller case.
//
// A generator must not ask how much is left: only then does Recorded replay
// the case it made.
type Choices struct {
	data   []byte // what is there; in random mode what has been drawn so far
	pos    int    // bytes consumed
	random bool
	state  uint64 // SplitMix64
	own    []byte // buffer that random mode writes to, kept for reuse
}

// MaxRandomChoices is how many bytes a random stream yields before it turns to
// zeros: 16 MiB.
const MaxRandomChoices = 1 << 24

// NewChoices returns a stream over data, which it does not change and which
// must stay as it is.
func NewChoices(data []byte) *Choices {
	c := new(Choices)
	c.Reset(data)
	return c
}

// NewRandom returns a pseudorandom stream (SplitMix64) that depends on the
// seed only.
func NewRandom(seed uint64) *Choices {
	c := new(Choices)
	c.ResetRandom(seed)
	return c
}

// Reset makes c the stream over data, as NewChoices does.
func (c *Choices) Reset(data []byte) {
	c.data, c.pos, c.random = data, 0, false
}

// ResetRandom makes c the stream of NewRandom. It allocates nothing once the
// longest stream so far fits.
func (c *Choices) ResetRandom(seed uint64) {
	c.data, c.pos, c.random, c.state = c.own[:0], 0, true, seed
}

// Recorded is what has been consumed: NewChoices of it gives the same draws
// again. The slice belongs to c and is valid until its next draw or Reset.
func (c *Choices) Recorded() []byte { return c.data[:min(c.pos, len(c.data))] }

// Exhausted reports whether the next byte is one of the zeros behind the end.
func (c *Choices) Exhausted() bool {
	return c.pos >= len(c.data) && (!c.random || c.pos >= MaxRandomChoices)
}

// Byte draws a byte, each value equally likely.
func (c *Choices) Byte() byte {
	if c.pos >= len(c.data) && !c.refill() {
		return 0
	}
	b := c.data[c.pos]
	c.pos++
	return b
}

// refill adds eight bytes to a random stream.
func (c *Choices) refill() bool {
	if c.Exhausted() {
		return false
	}
	c.state += golden
	x := mix64(c.state)
	for range 8 {
		c.data = append(c.data, byte(x))
		x >>= 8
	}
	c.own = c.data
	return true
}

// Uint draws a number from 0 to max, both included, from as few bytes as can
// hold max, the lowest first. What the bytes say is taken modulo max+1, so that
// numbers are equally likely if max+1 is a power of 2, and otherwise the low
// ones may come up twice as often as others. Zero bytes give 0.
func (c *Choices) Uint(max uint64) uint64 {
	var v uint64
	for shift := 0; shift < bits.Len64(max); shift += 8 {
		v |= uint64(c.Byte()) << shift
	}
	if v > max { // max < 2^64-1 here, so max+1 is not 0
		v %= max + 1
	}
	return v
}

// Between draws a number from low to high, both included; low must not be
// above high.
func (c *Choices) Between(low, high uint64) uint64 { return low + c.Uint(high-low) }

// Bool draws true half of the time; a zero byte gives false.
func (c *Choices) Bool() bool { return c.Byte()&1 != 0 }

// stopMore is where More says no: one byte value in eight.
const stopMore = 32

// More draws whether there is another element: seven times in eight, so that
// lists have eight elements in the mean. An exhausted stream says no.
func (c *Choices) More() bool { return c.MoreUnless(stopMore) }

// MoreUnless is More with another mean: it says no if the byte drawn is below
// stop, and at 0 always.
func (c *Choices) MoreUnless(stop byte) bool { return c.Byte() >= max(stop, 1) }

// Pick draws an index of weights, each as likely as its share of the sum, to
// one part in 256 if the sum is at most 256 (one byte), else one in 2^32 (four
// bytes). Weights must not be negative, nor their sum above 2^31-1. Zero bytes
// give the first index that has any weight; Pick is 0 if none has.
func (c *Choices) Pick(weights []int) int {
	sum := uint64(0)
	for _, w := range weights {
		sum += uint64(w)
	}
	var v uint64
	if sum <= 256 {
		v = uint64(c.Byte()) * sum >> 8
	} else {
		v = c.Uint(math.MaxUint32) * sum >> 32
	}
	for i, w := range weights {
		if v < uint64(w) {
			return i
		}
		v -= uint64(w)
	}
	return 0
}
