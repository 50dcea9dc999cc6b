package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// entries writes the list but for its last WQEBB, which it leaves in registers
// as it does the one before, and adds up the lengths.
func (r *request) entries() {
	list, to := r.Argument("list", r.GP64()), r.GP64()
	r.toKLM, r.zero = r.YMM(), r.YMM()
	r.VBROADCASTI128(emit.Symbol("toKLM"), r.toKLM)
	r.VPXOR(r.zero, r.zero, r.zero)
	for i := range r.sums {
		r.sums[i] = r.YMM()
		r.VPXOR(r.sums[i], r.sums[i], r.sums[i])
		r.firstBlock[i] = r.YMM()
		r.tail[i] = r.YMM()
	}
	r.LEAQ(Mem{Base: r.wqe, Disp: fixedSize}, to)
	left := r.GP64()
	r.LEAQ(Mem{Base: r.n, Disp: -1 - 2*blockKLMs}, left)
	lengths := []VecVirtual{r.YMM(), r.YMM()}
	whole := func(blocks int) {
		for b := range blocks {
			for i := range r.firstBlock {
				off := b*emit.WQEBBSize + i*vectorSize
				r.VMOVDQU(Mem{Base: list, Disp: off}, r.firstBlock[i])
				r.convert(r.firstBlock[i], lengths[i], i)
				r.VMOVDQU(r.firstBlock[i], Mem{Base: to, Disp: off})
			}
		}
		r.ADDQ(I32(blocks*emit.WQEBBSize), list)
		r.ADDQ(I32(blocks*emit.WQEBBSize), to)
	}
	r.TESTQ(left, left)
	r.JL(LabelRef("fewer"))
	r.Label("loop")
	whole(2)
	r.SUBQ(I8(2*blockKLMs), left)
	r.JGE(LabelRef("loop"))
	r.Label("fewer")
	r.ADDQ(I8(blockKLMs), left)
	r.JL(LabelRef("last"))
	whole(1)
	r.Label("last")

	// One to four entries. What lacks is not read: a load of 16 bytes clears
	// the other half.
	rest := r.GP64()
	r.LEAQ(Mem{Base: r.n, Disp: -1}, rest)
	r.ANDL(I8(blockKLMs-1), rest.As32())
	low, high := r.tail[0], r.tail[1]
	r.VPXOR(high, high, high)
	r.CMPL(rest.As32(), I8(1))
	r.JB(LabelRef("single"))
	r.VMOVDQU(Mem{Base: list}, low)
	r.JE(LabelRef("loaded"))
	r.CMPL(rest.As32(), I8(2))
	r.JE(LabelRef("three"))
	r.VMOVDQU(Mem{Base: list, Disp: vectorSize}, high)
	r.JMP(LabelRef("loaded"))
	r.Label("three")
	r.VMOVDQU(Mem{Base: list, Disp: vectorSize}, high.AsX())
	r.JMP(LabelRef("loaded"))
	r.Label("single")
	r.VMOVDQU(Mem{Base: list}, low.AsX())
	r.Label("loaded")
	for i := range r.tail {
		r.convert(r.tail[i], lengths[i], i)
		r.VMOVDQU(r.tail[i], Mem{Base: to, Disp: i * vectorSize})
	}
	sum, half := r.sums[0], r.XMM()
	r.VPADDQ(r.sums[1], sum, sum)
	r.VEXTRACTI128(U8(1), sum, half)
	r.VPADDQ(half, sum.AsX(), sum.AsX())
}

// convert adds up the lengths in a vector of entries and turns them to KLMs.
func (r *request) convert(v, lengths VecVirtual, i int) {
	const lens = 0b0100_0100
	r.VPBLENDD(U8(lens), v, r.zero, lengths)
	r.VPADDQ(lengths, r.sums[i], r.sums[i])
	r.VPSHUFB(r.toKLM, v, v)
}
