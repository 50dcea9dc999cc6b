package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// run emits mttRunAVX2. Each of four vectors holds four addresses in a row and
// moves on by sixteen steps a turn.
func run() {
	mask := bytesTable("mttRunShuffle", toMTT)
	TEXT("mttRunAVX2", noSplit, "func(dst *byte, n int, page uint64, step uint64, bits uint64)")
	Doc("mttRunAVX2 writes the MTTs of n pages, a multiple of 16, the first at page, each", "next one a step on, with bits or-ed in.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	page := Load(Param("page"), GP64())
	step := Load(Param("step"), GP64())

	m, or, by := YMM(), YMM(), YMM()
	VBROADCASTI128(mask, m)
	VPBROADCASTQ(param("bits"), or)
	v := [unroll]VecVirtual{}
	v[0] = ramp(page, step)
	SHLQ(U8(2), step) // four pages
	everyLane(step, by)
	for i := 1; i < unroll; i++ {
		v[i] = YMM()
		VPADDQ(by, v[i-1], v[i])
	}
	VPSLLQ(U8(2), by, by) // sixteen pages

	Label("pages")
	out := [unroll]VecVirtual{}
	for i := range v {
		out[i] = YMM()
		VPOR(or, v[i], out[i])
		VPADDQ(by, v[i], v[i])
	}
	for i := range v {
		VPSHUFB(m, out[i], out[i])
		VMOVDQU(out[i], Mem{Base: dst, Disp: i * vectorSize})
	}
	ADDQ(U32(unroll*vectorSize), dst)
	SUBQ(U32(4*unroll), n)
	JNZ(LabelRef("pages"))
	VZEROUPPER()
	RET()
}

// ramp makes a vector of first, first+step, first+2*step and first+3*step.
func ramp(first, step Register) VecVirtual {
	v, steps := YMM(), YMM()
	at := GP64()
	low, high := XMM(), XMM()
	// 0 and step in the low lane, 2*step and 3*step in the high one.
	XORQ(at, at)
	VMOVQ(at, low)
	VPINSRQ(U8(1), step, low, low)
	LEAQ(Mem{Base: step, Index: step, Scale: 1}, at)
	VMOVQ(at, high)
	ADDQ(step, at)
	VPINSRQ(U8(1), at, high, high)
	VINSERTI128(U8(1), high, low.AsY(), steps)
	everyLane(first, v)
	VPADDQ(steps, v, v)
	return v
}

// everyLane fills v with the 8 bytes of r.
func everyLane(r Register, v VecVirtual) {
	VMOVQ(r, v.AsX())
	VPBROADCASTQ(v.AsX(), v)
}
