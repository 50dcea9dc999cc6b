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
	translate("klms", "func(dst *byte, list *byte, n int, lkey uint32)", toKLM, keyOfKLM)
	translate("keyedKLMs", "func(dst *byte, list *byte, n int)", toKeyedKLM, nil)
	translate("klmEntries", "func(dst *byte, list *byte, n int)", toEntry, nil)
	translate("mtts", "func(dst *byte, list *byte, n int, bits uint64)", toMTT, bitsOfMTT)
}

// keyOfKLM fills bytes 4-7 of both lanes with the parameter lkey, big-endian,
// and the others with 0.
func keyOfKLM() Op {
	key := Load(Param("lkey"), GP32())
	BSWAPL(key)
	v := YMM()
	VMOVD(key, v.AsX())
	VPSLLDQ(U8(4), v.AsX(), v.AsX())
	VINSERTI128(U8(1), v.AsX(), v, v)
	return v
}

// bitsOfMTT fills every 8 bytes with the parameter bits, big-endian.
func bitsOfMTT() Op {
	bits := Load(Param("bits"), GP64())
	BSWAPQ(bits)
	v := YMM()
	everyLane(bits, v)
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

// translate emits a function that shuffles every 16 bytes of list to dst and
// ors what or gives to each vector; nil for nothing. n is in bytes, a multiple
// of 8 for MTTs and of 16 for KLMs; 0 is none.
//
// A length that is no multiple of what is taken at a time is dealt with by
// vectors counted from the end: they overlap the others and write the same
// bytes again.
func translate(name, signature string, shuffle [16]byte, or func() Op) {
	mask := bytesTable(name+"Shuffle", shuffle)
	begin(name, signature)
	t := translation{
		dst: Load(Param("dst"), GP64()).(GPVirtual),
		src: Load(Param("list"), GP64()).(GPVirtual),
		n:   Load(Param("n"), GP64()).(GPVirtual),
	}
	m := YMM()
	VBROADCASTI128(mask, m)
	t.mask = m
	if or != nil {
		t.or = or().(VecVirtual)
	}
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
	t.short()
}

type translation struct {
	dst, src, n GPVirtual
	mask        VecVirtual
	or          VecVirtual // nil for nothing to or
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

// short takes less than a vector: the first 16 bytes and the last, or 8.
func (t *translation) short() {
	v := XMM()
	turn := func() {
		VPSHUFB(t.mask.AsX(), v, v)
		if t.or != nil {
			VPOR(t.or.AsX(), v, v)
		}
	}
	CMPQ(t.n, U32(klmSize))
	JB(LabelRef("half"))
	for _, off := range []Mem{{}, {Index: t.n, Scale: 1, Disp: -klmSize}} {
		from, to := off, off
		from.Base, to.Base = t.src, t.dst
		VMOVDQU(from, v)
		turn()
		VMOVDQU(v, to)
	}
	VZEROUPPER()
	RET()
	Label("half")
	TESTQ(t.n, t.n)
	JE(LabelRef("none"))
	VMOVQ(Mem{Base: t.src}, v)
	turn()
	VMOVQ(v, Mem{Base: t.dst})
	Label("none")
	VZEROUPPER()
	RET()
}
