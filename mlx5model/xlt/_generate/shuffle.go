package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Shuffles of 16 bytes: byte i of the result is byte shuffle[i] of the source.
//
// In memory an entry is addr in bytes 0-7, len in 8-11 and lkey in 12-15, all
// little-endian; a KLM is byte_count in bytes 0-3, key in 4-7 and va in 8-15,
// all big-endian.
var (
	toKLM   = [16]byte{11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0}
	toEntry = [16]byte{15, 14, 13, 12, 11, 10, 9, 8, 3, 2, 1, 0, 7, 6, 5, 4}
	toMTT   = [16]byte{7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8}
)

func shuffles() {
	translate("klms", "func(dst *byte, list *byte, n int, lkey uint32)", klmSize, toKLM, underOneKey)
	translate("keyedKLMs", "func(dst *byte, list *byte, n int)", klmSize, toKLM, asItIs)
	translate("klmEntries", "func(dst *byte, list *byte, n int)", klmSize, toEntry, asItIs)
	translate("mtts", "func(dst *byte, list *byte, n int, bits uint64)", mttSize, toMTT, withBits)
}

// A loader loads what will be shuffled to a vector or half of one.
type loader func(from Mem, to VecVirtual)

func asItIs() loader {
	return func(from Mem, to VecVirtual) { VMOVDQU(from, to) }
}

// underOneKey replaces each entry's lkey, words 3 and 7 of a vector, by the
// parameter lkey.
func underOneKey() loader {
	const keys = 0b1000_1000
	v := YMM()
	VMOVD(Load(Param("lkey"), GP32()), v.AsX())
	VPBROADCASTD(v.AsX(), v)
	return func(from Mem, to VecVirtual) {
		if to.Size() == vectorSize {
			VPBLENDD(U8(0xff&^keys), from, v, to)
		} else {
			VPBLENDD(U8(0xf&^keys), from, v.AsX(), to)
		}
	}
}

// withBits ors the parameter bits in.
func withBits() loader {
	v := YMM()
	VPBROADCASTQ(param("bits"), v)
	return func(from Mem, to VecVirtual) {
		if to.Size() == vectorSize {
			VPOR(from, v, to)
		} else {
			VPOR(from, v.AsX(), to)
		}
	}
}

// Attributes that textflag.h names.
const (
	noSplit  = 4
	readOnly = 8 | 16 // RODATA|NOPTR
)

// bytesTable puts 16 bytes into the program.
func bytesTable(name string, table [16]byte) Mem {
	m := GLOBL(name, readOnly)
	for i, b := range table {
		DATA(i, U8(b))
	}
	return m
}

// param is where a parameter stands in the caller's frame.
func param(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

const (
	klmSize    = 16
	vectorSize = 32 // bytes
	block      = 8  // vectors that a loop takes at a time
)

// translate emits a function that loads and shuffles every 16 bytes of list to
// dst. n is in bytes, a multiple of size; 0 is none.
//
// What the time of a list of a few hundred bytes goes to, but for its stores, is
// branches that are taken. A list of whole blocks has but those of its loop.
func translate(name, signature string, size int, shuffle [16]byte, newLoader func() loader) {
	table := bytesTable(name+"Shuffle", shuffle)
	TEXT(name, noSplit, signature)
	CMPB(symbol("avx2"), U8(0))
	JE(LabelRef("fallback"))
	t := translation{
		dst: Load(Param("dst"), GP64()).(GPVirtual),
		src: Load(Param("list"), GP64()).(GPVirtual),
		n:   Load(Param("n"), GP64()).(GPVirtual),
	}
	t.load = newLoader()
	t.shuffle = YMM()
	VBROADCASTI128(table, t.shuffle)
	CMPQ(t.n, U32(block*vectorSize))
	JB(LabelRef("shorter"))
	t.blocks()
	Label("end")
	VZEROUPPER()
	RET()
	Label("shorter")
	t.twice()
	Label("short")
	t.short(size)
	Label("fallback")
	fallback(name)
}

type translation struct {
	dst, src, n GPVirtual
	load        loader
	shuffle     VecVirtual
}

// blocks takes a block and more. What remains is dealt with by vectors counted
// from the end: they overlap the others and write the same bytes again.
func (t *translation) blocks() {
	Label("blocks")
	t.blockVectors()
	ADDQ(U32(block*vectorSize), t.src)
	ADDQ(U32(block*vectorSize), t.dst)
	SUBQ(U32(block*vectorSize), t.n)
	CMPQ(t.n, U32(block*vectorSize))
	JAE(LabelRef("blocks"))
	TESTQ(t.n, t.n)
	JE(LabelRef("end"))
	last := func(k int) string { return fmt.Sprintf("last%d", k) }
	for k := 1; k < block; k *= 2 {
		CMPQ(t.n, U32(k*vectorSize))
		JBE(LabelRef(last(k)))
	}
	for k := block; k > 0; k-- {
		if k&(k-1) == 0 && k < block {
			Label(last(k))
		}
		t.vector(t.last(k))
	}
}

// twice takes from one vector to a block: so many at the front as make up half of
// it or more, and as many from the end.
func (t *translation) twice() {
	CMPQ(t.n, U32(vectorSize))
	JB(LabelRef("short"))
	for k := 1; k < block; k *= 2 {
		longer := fmt.Sprintf("longer%d", 2*k)
		if 2*k < block {
			CMPQ(t.n, U32(2*k*vectorSize))
			JA(LabelRef(longer))
		}
		for i := range k {
			t.vector(t.first(i))
		}
		for i := k; i > 0; i-- {
			t.vector(t.last(i))
		}
		VZEROUPPER()
		RET()
		if 2*k < block {
			Label(longer)
		}
	}
}

// blockVectors takes the vectors of a block, so many loads before so many stores.
func (t *translation) blockVectors() {
	const group = 4
	for i := 0; i < block; i += group {
		var v [group]VecVirtual
		for j := range v {
			v[j] = YMM()
			from, _ := t.first(i + j)
			t.load(from, v[j])
		}
		for j := range v {
			VPSHUFB(t.shuffle, v[j], v[j])
		}
		for j := range v {
			_, to := t.first(i + j)
			VMOVDQU(v[j], to)
		}
	}
}

// vector takes a vector.
func (t *translation) vector(from, to Mem) {
	v := YMM()
	t.load(from, v)
	VPSHUFB(t.shuffle, v, v)
	VMOVDQU(v, to)
}

// first is the place of vector i.
func (t *translation) first(i int) (from, to Mem) {
	off := i * vectorSize
	return Mem{Base: t.src, Disp: off}, Mem{Base: t.dst, Disp: off}
}

// last is the place of the vector that is k-th from the end.
func (t *translation) last(k int) (from, to Mem) {
	off := -k * vectorSize
	return Mem{Base: t.src, Index: t.n, Scale: 1, Disp: off}, Mem{Base: t.dst, Index: t.n, Scale: 1, Disp: off}
}

// short takes less than a vector: the first 16 bytes and the last, or 8.
func (t *translation) short(size int) {
	v := XMM()
	one := func(from, to Mem) {
		t.load(from, v)
		VPSHUFB(t.shuffle.AsX(), v, v)
		VMOVDQU(v, to)
	}
	CMPQ(t.n, U32(klmSize))
	JB(LabelRef("less"))
	one(Mem{Base: t.src}, Mem{Base: t.dst})
	if size < klmSize {
		last := Mem{Index: t.n, Scale: 1, Disp: -klmSize}
		from, to := last, last
		from.Base, to.Base = t.src, t.dst
		one(from, to)
	}
	VZEROUPPER()
	RET()
	Label("less")
	if size < klmSize {
		TESTQ(t.n, t.n)
		JE(LabelRef("none"))
		word := GP64()
		MOVQ(Mem{Base: t.src}, word)
		ORQ(param("bits"), word)
		BSWAPQ(word)
		MOVQ(word, Mem{Base: t.dst})
		Label("none")
	}
	VZEROUPPER()
	RET()
}
