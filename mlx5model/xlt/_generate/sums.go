package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// drop in a shuffle gives a byte of 0.
const drop = 0x80

// toCounts takes the byte_counts that stand in bytes 0-3 and 4-7 to two
// 8-byte words.
var toCounts = [16]byte{3, 2, 1, 0, drop, drop, drop, drop, 7, 6, 5, 4, drop, drop, drop, drop}

// blockKLMs is how many KLMs are judged at once.
const blockKLMs = 8

// sums emits sums: eight KLMs at a time, and one at a time what remains or has
// an entry out of range among its eight.
func sums() {
	mask := bytesTable("sumsShuffle", toCounts)
	begin("sums", "func(dst *uint64, list *byte, n int, from uint64, least uint32, most uint32) int")
	dst := Load(Param("dst"), GP64()).(GPVirtual)
	list := Load(Param("list"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	from := Load(Param("from"), GP64()).(GPVirtual)
	least := Load(Param("least"), GP32()).(GPVirtual)
	span := Load(Param("most"), GP32()).(GPVirtual)
	done := GP64()
	XORQ(done, done)
	SUBL(least, span) // a count is in range if count-least is not above, unsigned
	JB(LabelRef("end"))
	CMPQ(n, U32(blockKLMs))
	JB(LabelRef("rest"))

	c := counts{m: YMM(), zero: YMM()}
	VBROADCASTI128(mask, c.m)
	VPXOR(c.zero, c.zero, c.zero)
	total, low, high := YMM(), YMM(), YMM()
	everyLane(from, total)
	lowHalves(least, low)
	lowHalves(span, high)
	SUBQ(U32(blockKLMs), n)
	Label("block")
	a, b := c.load(list, 0), c.load(list, 4*klmSize)
	over, other, ok := YMM(), YMM(), GP32()
	VPSUBD(low, a, over)
	VPSUBD(low, b, other)
	VPMAXUD(over, other, over)
	VPMAXUD(over, high, over)
	VPCMPEQD(over, high, over)
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
	JBE(LabelRef("block"))
	Label("stop")
	ADDQ(U32(blockKLMs), n)
	VMOVQ(total.AsX(), from)
	VZEROUPPER()

	Label("rest")
	CMPQ(done, n)
	JAE(LabelRef("end"))
	count, offset := GP32(), GP32()
	MOVL(Mem{Base: list}, count)
	BSWAPL(count)
	MOVL(count, offset)
	SUBL(least, offset)
	CMPL(offset, span)
	JA(LabelRef("end"))
	ADDQ(count.As64(), from) // MOVL cleared the upper half
	MOVQ(from, Mem{Base: dst, Index: done, Scale: 8})
	ADDQ(U32(klmSize), list)
	INCQ(done)
	JMP(LabelRef("rest"))
	Label("end")
	Store(done, ReturnIndex(0))
	RET()
}

// lowHalves puts 4 bytes into the lower half of every 8-byte word.
func lowHalves(r Register, v VecVirtual) {
	VMOVD(r, v.AsX())
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
