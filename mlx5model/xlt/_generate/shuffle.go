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
	unroll     = 4  // vectors that a loop takes at a time
)

// translate emits a function that loads and shuffles every 16 bytes of list to
// dst. n is in bytes, a multiple of size; 0 is none.
//
// A length that is no multiple of what is taken at a time is dealt with by
// vectors counted from the end: they overlap the others and write the same
// bytes again.
func translate(name, signature string, size int, shuffle [16]byte, newLoader func() loader) {
	table := bytesTable(name+"Shuffle", shuffle)
	begin(name, signature)
	t := translation{
		dst: Load(Param("dst"), GP64()).(GPVirtual),
		src: Load(Param("list"), GP64()).(GPVirtual),
		n:   Load(Param("n"), GP64()).(GPVirtual),
	}
	t.load = newLoader()
	t.shuffle = YMM()
	VBROADCASTI128(table, t.shuffle)
	CMPQ(t.n, U32(vectorSize))
	JB(LabelRef("short"))
	for k := 1; k <= unroll; k *= 2 {
		longer := fmt.Sprintf("longer%d", 2*k)
		CMPQ(t.n, U32(2*k*vectorSize))
		JA(LabelRef(longer))
		t.vectors(k, false)
		t.vectors(k, true)
		VZEROUPPER()
		RET()
		Label(longer)
	}
	Label("loop")
	t.vectors(unroll, false)
	ADDQ(U32(unroll*vectorSize), t.src)
	ADDQ(U32(unroll*vectorSize), t.dst)
	SUBQ(U32(unroll*vectorSize), t.n)
	CMPQ(t.n, U32(unroll*vectorSize))
	JA(LabelRef("loop"))
	t.vectors(unroll, true)
	VZEROUPPER()
	RET()
	Label("short")
	t.short(size)
}

type translation struct {
	dst, src, n GPVirtual
	load        loader
	shuffle     VecVirtual
}

// vectors takes k vectors, the first ones or the last ones.
func (t *translation) vectors(k int, last bool) {
	v := make([]VecVirtual, k)
	for i := range v {
		v[i] = YMM()
		t.load(t.at(t.src, k, i, last), v[i])
	}
	for i := range v {
		VPSHUFB(t.shuffle, v[i], v[i])
	}
	for i := range v {
		VMOVDQU(v[i], t.at(t.dst, k, i, last))
	}
}

func (t *translation) at(base GPVirtual, k, i int, last bool) Mem {
	if last {
		return Mem{Base: base, Index: t.n, Scale: 1, Disp: (i - k) * vectorSize}
	}
	return Mem{Base: base, Disp: i * vectorSize}
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
