package sg

import "encoding/binary"

// mix64 is the output function of SplitMix64 (Steele, Lea, Flood, "Fast
// splittable pseudorandom number generators", 2014). It is a bijection, so two
// different inputs never give the same word, and every input bit reaches every
// output bit.
func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// golden is 2^64 divided by the golden ratio, made odd: SplitMix64's step.
const golden = 0x9e3779b97f4a7c15

// Pattern is the content of an untouched byte at addr in a memory of the given
// seed. Aligned eight-byte words at different addresses always differ: a swap
// of cache lines, of pages, of 64 KiB blocks or of 4 GiB blocks shows. Two
// single bytes are equal by chance one time in 256, another time for each
// seed.
func Pattern(seed, addr uint64) byte {
	return byte(patternWord(seed, addr>>3) >> (8 * (addr & 7)))
}

// patternWord is the little-endian content of the aligned word number n.
func patternWord(seed, n uint64) uint64 {
	return mix64((n + mix64(seed+golden)) * golden)
}

// FillPattern sets p to what Pattern gives for addr, addr+1, …, eight bytes at
// a time. Past the top of the address space it goes on at 0.
func FillPattern(seed, addr uint64, p []byte) {
	for len(p) != 0 && addr&7 != 0 {
		p[0] = Pattern(seed, addr)
		p, addr = p[1:], addr+1
	}
	// x runs over the arguments of mix64 for successive words: one addition
	// takes the place of one multiplication. Four words at a time keep the
	// multiplier busy.
	x := (addr>>3 + mix64(seed+golden)) * golden
	addr += uint64(len(p)) &^ 7
	for len(p) >= 32 {
		q := p[:32:32]
		binary.LittleEndian.PutUint64(q[0:], mix64(x))
		binary.LittleEndian.PutUint64(q[8:], mix64(x+step1))
		binary.LittleEndian.PutUint64(q[16:], mix64(x+step2))
		binary.LittleEndian.PutUint64(q[24:], mix64(x+step3))
		p, x = p[32:], x+step4
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, mix64(x))
		p, x = p[8:], x+golden
	}
	for i := range p {
		p[i] = Pattern(seed, addr+uint64(i))
	}
}

// Multiples of golden modulo 2^64.
const (
	step1 = golden
	step2 = golden * 2 & (1<<64 - 1)
	step3 = golden * 3 & (1<<64 - 1)
	step4 = golden * 4 & (1<<64 - 1)
)
