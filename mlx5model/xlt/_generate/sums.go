package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// toCounts takes the byte_counts that stand in bytes 0-3 and 4-7 to two
// 8-byte words.
var toCounts = [16]byte{3, 2, 1, 0, drop, drop, drop, drop, 7, 6, 5, 4, drop, drop, drop, drop}

// blockKLMs is how many KLMs are judged at once.
const blockKLMs = 8

// sums emits sumsAVX2.
func sums() {
	mask := bytesTable("sumsShuffle", toCounts)
	TEXT("sumsAVX2", noSplit, "func(dst *uint64, list *byte, n int, from uint64, least uint32, span uint32) int")
	Doc("sumsAVX2 adds up the byte_counts of n KLMs, a multiple of 8 and not 0, and stops",
		"in front of the eight that have one which is not from least to least+span. It", "returns how many sums it wrote.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(GPVirtual)
	list := Load(Param("list"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	c := counts{m: YMM(), zero: YMM()}
	VBROADCASTI128(mask, c.m)
	VPXOR(c.zero, c.zero, c.zero)
	total, least, span := YMM(), YMM(), YMM()
	VPBROADCASTQ(param("from"), total)
	lowHalves("least", least)
	lowHalves("span", span)
	done := GP64()
	XORQ(done, done)

	Label("block")
	a, b := c.load(list, 0), c.load(list, 4*klmSize)
	// The larger of count-least, unsigned, must not be above span. The upper
	// halves of the words are 0 on both sides.
	over, other, ok := YMM(), YMM(), GP32()
	VPSUBD(least, a, over)
	VPSUBD(least, b, other)
	VPMAXUD(over, other, over)
	VPMAXUD(over, span, over)
	VPCMPEQD(over, span, over)
	VPMOVMSKB(over, ok)
	CMPL(ok, I8(-1))
	JNE(LabelRef("stop"))
	c.ascend(a)
	c.ascend(b)
	sum := YMM()
	VPADDQ(total, a, sum)
	VMOVDQU(sum, Mem{Base: dst, Index: done, Scale: 8})
	c.carry(a, total)
	VPADDQ(total, b, sum)
	VMOVDQU(sum, Mem{Base: dst, Index: done, Scale: 8, Disp: vectorSize})
	c.carry(b, total)
	ADDQ(U32(blockKLMs*klmSize), list)
	ADDQ(U32(blockKLMs), done)
	CMPQ(done, n)
	JB(LabelRef("block"))
	Label("stop")
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// lowHalves puts a 4-byte parameter into the lower half of every 8-byte word.
func lowHalves(name string, v VecVirtual) {
	VMOVD(Load(Param(name), GP32()), v.AsX())
	VPBROADCASTQ(v.AsX(), v)
}

type counts struct{ m, zero VecVirtual }

// load makes a vector of the byte_counts of four KLMs.
func (c *counts) load(list GPVirtual, off int) VecVirtual {
	v, w := YMM(), YMM()
	VMOVDQU(Mem{Base: list, Disp: off}, v)              // 0 | 1
	VMOVDQU(Mem{Base: list, Disp: off + vectorSize}, w) // 2 | 3
	VPUNPCKLDQ(w, v, v)                                 // counts of 0 and 2 | of 1 and 3
	VPSHUFB(c.m, v, v)
	VPERMQ(U8(0b11_01_10_00), v, v) // 0 1 | 2 3
	return v
}

// ascend replaces each word by the sum of itself and those before it.
func (c *counts) ascend(v VecVirtual) {
	w := YMM()
	VPSLLDQ(U8(8), v, w)
	VPADDQ(w, v, v)
	VPERMQ(U8(0b01_01_00_00), v, w)         // word 1 in both words of the high lane
	VPBLENDD(U8(0b0000_1111), c.zero, w, w) // 0 in the low lane
	VPADDQ(w, v, v)
}

// carry adds the last word of v to every word of total.
func (c *counts) carry(v, total VecVirtual) {
	w := YMM()
	VPERMQ(U8(0b11_11_11_11), v, w)
	VPADDQ(w, total, total)
}
