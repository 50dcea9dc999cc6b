package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	mttSize = 8
	mtts    = vectorSize / mttSize // in a vector
	unroll  = 4                    // vectors that a loop takes at a time
)

// run emits mttRun: n MTTs, the first at page, each next one a step on. Four
// vectors hold four addresses in a row each and move on by sixteen steps a
// turn; what remains is done by one vector at a time and then by single words.
func run() {
	mask := bytesTable("mttRunShuffle", toMTT)
	odd, high := wordsTable("odd", 0, ^uint64(0), 0, ^uint64(0)), wordsTable("high", 0, 0, ^uint64(0), ^uint64(0))
	begin("mttRun", "func(dst *byte, n int, page uint64, step uint64, bits uint64)")
	dst := Load(Param("dst"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	page := Load(Param("page"), GP64()).(GPVirtual)
	step := Load(Param("step"), GP64()).(GPVirtual)
	bits := Load(Param("bits"), GP64()).(GPVirtual)
	CMPQ(n, U32(mtts))
	JB(LabelRef("singles"))

	m, or, first, one, two, four, sixteen := YMM(), YMM(), YMM(), YMM(), YMM(), YMM(), YMM()
	VBROADCASTI128(mask, m)
	VPBROADCASTQ(param("bits"), or)
	VPBROADCASTQ(param("page"), first)
	VPBROADCASTQ(param("step"), one)
	VPADDQ(one, one, two)
	VPADDQ(two, two, four)
	VPAND(odd, one, one)
	VPAND(high, two, two)
	VPADDQ(one, first, first)
	VPADDQ(two, first, first) // page, and 1, 2 and 3 steps on
	v := [unroll]VecVirtual{first}
	out := [unroll]VecVirtual{YMM(), YMM(), YMM(), YMM()}
	// put writes the first k vectors and moves them on.
	put := func(k int, by VecVirtual) {
		for i := range k {
			VPOR(or, v[i], out[i])
			VPADDQ(by, v[i], v[i])
		}
		for i := range k {
			VPSHUFB(m, out[i], out[i])
			VMOVDQU(out[i], Mem{Base: dst, Disp: i * vectorSize})
		}
		ADDQ(U32(k*vectorSize), dst)
		SUBQ(U32(k*mtts), n)
		CMPQ(n, U32(k*mtts))
	}
	CMPQ(n, U32(unroll*mtts))
	JB(LabelRef("vector"))
	VPSLLQ(U8(2), four, sixteen)
	for i := 1; i < unroll; i++ {
		v[i] = YMM()
		VPADDQ(four, v[i-1], v[i])
	}
	Label("loop")
	put(unroll, sixteen)
	JAE(LabelRef("loop"))
	CMPQ(n, U32(mtts))
	JB(LabelRef("rest"))
	Label("vector")
	put(1, four)
	JAE(LabelRef("vector"))
	Label("rest")
	VMOVQ(v[0].AsX(), page)
	VZEROUPPER()
	Label("singles")
	TESTQ(n, n)
	JE(LabelRef("end"))
	Label("single")
	word := GP64()
	MOVQ(page, word)
	ORQ(bits, word)
	BSWAPQ(word)
	MOVQ(word, Mem{Base: dst})
	ADDQ(step, page)
	ADDQ(U32(mttSize), dst)
	DECQ(n)
	JNE(LabelRef("single"))
	Label("end")
	RET()
}

// wordsTable puts four words of 8 bytes into the program.
func wordsTable(name string, words ...uint64) Mem {
	m := GLOBL(name, readOnly)
	for i, w := range words {
		DATA(8*i, U64(w))
	}
	return m
}

// everyLane fills v with the 8 bytes of r.
func everyLane(r Register, v VecVirtual) {
	VMOVQ(r, v.AsX())
	VPBROADCASTQ(v.AsX(), v)
}
