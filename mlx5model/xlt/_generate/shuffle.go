package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Shuffles of 16 bytes: byte i of the result is byte shuffle[i] of the source;
// drop gives 0.
//
// In memory an entry is addr in bytes 0-7, len in 8-11 and lkey in 12-15, all
// little-endian; a KLM is byte_count in bytes 0-3, key in 4-7 and va in 8-15,
// all big-endian.
const drop = 0x80

var (
	toKeyedKLM = [16]byte{11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0}
	toKLM      = [16]byte{11, 10, 9, 8, drop, drop, drop, drop, 7, 6, 5, 4, 3, 2, 1, 0}
	toEntry    = [16]byte{15, 14, 13, 12, 11, 10, 9, 8, 3, 2, 1, 0, 7, 6, 5, 4}
	toMTT      = [16]byte{7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8}
)

func shuffles() {
	const pre = "n is in bytes, a multiple of 16 and at least 32."
	translate("klmsAVX2", "func(dst *byte, src *byte, n int, key uint64)", toKLM, lowOfLanes,
		"klmsAVX2 writes KLMs; key is what stands in the first 8 bytes of each beside", "byte_count, as a little-endian load sees it. "+pre)
	translate("keyedKLMsAVX2", "func(dst *byte, src *byte, n int)", toKeyedKLM, nil,
		"keyedKLMsAVX2 writes KLMs under the entries' own keys. "+pre)
	translate("entriesAVX2", "func(dst *byte, src *byte, n int)", toEntry, nil,
		"entriesAVX2 reads KLMs. "+pre)
	translate("mttsAVX2", "func(dst *byte, src *byte, n int, bits uint64)", toMTT, everyWord,
		"mttsAVX2 writes MTTs; bits is or-ed in, its bytes swapped. n is in bytes, a", "multiple of 8 and at least 32.")
}

// lowOfLanes fills both lanes of a vector with the third parameter and 8 zero
// bytes.
func lowOfLanes() Op {
	v := YMM()
	VMOVQ(param("key"), v.AsX())
	VINSERTI128(Imm(1), v.AsX(), v, v)
	return v
}

// everyWord fills a vector with the third parameter.
func everyWord() Op {
	v := YMM()
	VPBROADCASTQ(param("bits"), v)
	return v
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

// translate emits a function that shuffles every 16 bytes of src to dst and
// ors what or gives to each vector; nil for nothing.
//
// A length that is no multiple of what is taken at a time is dealt with by
// vectors counted from the end: they overlap the others and write the same
// bytes again.
func translate(name, signature string, shuffle [16]byte, or func() Op, doc ...string) {
	mask := bytesTable(name+"Shuffle", shuffle)
	TEXT(name, noSplit, signature)
	Doc(doc...)
	Pragma("noescape")
	t := translation{
		dst: Load(Param("dst"), GP64()).(GPVirtual),
		src: Load(Param("src"), GP64()).(GPVirtual),
		n:   Load(Param("n"), GP64()).(GPVirtual),
	}
	m := YMM()
	VBROADCASTI128(mask, m)
	t.mask = m
	if or != nil {
		t.or = or()
	}
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
}

type translation struct {
	dst, src, n GPVirtual
	mask        Op
	or          Op
}

// vectors takes k vectors, the first ones or the last ones.
func (t *translation) vectors(k int, last bool) {
	v := make([]VecVirtual, k)
	for i := range v {
		v[i] = YMM()
		VMOVDQU(t.at(t.src, k, i, last), v[i])
	}
	for i := range v {
		VPSHUFB(t.mask, v[i], v[i])
	}
	for i := range v {
		if t.or != nil {
			VPOR(t.or, v[i], v[i])
		}
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
