package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// entries writes the list, with zeroes up to the end of its last WQEBB, and adds
// up the lengths.
func (r *request) entries() {
	list, to := r.Argument("list", r.GP64()), r.GP64()
	r.toKLM = r.YMM()
	r.VMOVDQU(r.table("toKLM", nil, 0, 0), r.toKLM)
	for i := range r.sums {
		r.sums[i] = r.YMM()
		r.VPXOR(r.sums[i], r.sums[i], r.sums[i])
	}
	r.MOVQ(r.wqe, to)
	r.SUBQ(I8(4*blockKLMs), r.n)
	r.JL(LabelRef("fewer"))
	r.Label("loop")
	r.blocks(list, to, 4)
	r.SUBQ(I8(4*blockKLMs), r.n)
	r.JGE(LabelRef("loop"))
	r.Label("fewer")
	r.TESTL(U32(2*blockKLMs), r.n.As32())
	r.JE(LabelRef("half"))
	r.blocks(list, to, 2)
	r.Label("half")
	r.TESTL(U32(blockKLMs), r.n.As32())
	r.JE(LabelRef("rest"))
	r.blocks(list, to, 1)
	r.Label("rest")
	r.rest(list, to)
	half := r.YMM()
	r.VEXTRACTI128(U8(1), r.sums[0], half.AsX())
	r.VPADDD(half.AsX(), r.sums[0].AsX(), r.sums[0].AsX())
	r.VEXTRACTI128(U8(1), r.sums[1], half.AsX())
	r.VPADDQ(half.AsX(), r.sums[1].AsX(), r.sums[1].AsX())
}

// blocks writes n whole WQEBBs.
func (r *request) blocks(list, to GPVirtual, n int) {
	v := make([]VecVirtual, n*emit.WQEBBSize/vectorSize)
	for i := range v {
		v[i] = r.YMM()
		r.VMOVDQU(Mem{Base: list, Disp: i * vectorSize}, v[i])
	}
	for i := range v {
		r.add(v[i])
		r.VPSHUFB(r.toKLM, v[i], v[i])
	}
	for i := range v {
		r.VMOVDQU(v[i], Mem{Base: to, Disp: fixedSize + i*vectorSize})
	}
	r.ADDQ(I32(n*emit.WQEBBSize), list)
	r.ADDQ(I32(n*emit.WQEBBSize), to)
}

// add adds a vector of entries to the sums.
func (r *request) add(v VecVirtual) {
	r.VPADDD(v, r.sums[0], r.sums[0])
	r.VPADDQ(v, r.sums[1], r.sums[1])
}

// rest writes a last WQEBB of one to three entries. What lacks is not read: a
// load of 16 bytes clears the other half.
func (r *request) rest(list, to GPVirtual) {
	low, high := r.YMM(), r.YMM()
	convert := func(off int, part Register, all VecVirtual) {
		r.load(Mem{Base: list, Disp: off}, part, all)
		r.add(all)
		r.VPSHUFB(r.toKLM, all, all)
		r.VMOVDQU(all, Mem{Base: to, Disp: fixedSize + off})
	}
	r.ANDL(I8(blockKLMs-1), r.n.As32())
	r.JE(LabelRef("listed"))
	r.CMPL(r.n.As32(), I8(2))
	r.JB(LabelRef("one"))
	convert(0, low, low)
	r.JE(LabelRef("two"))
	convert(vectorSize, high.AsX(), high)
	r.JMP(LabelRef("listed"))
	r.Label("one")
	convert(0, low.AsX(), low)
	r.Label("two")
	r.VMOVDQU(r.zero, Mem{Base: to, Disp: fixedSize + vectorSize})
	r.Label("listed")
}

// load loads part of a vector and clears the rest of it, which avo takes for
// left as it was.
func (r *request) load(from Mem, part Register, all VecVirtual) {
	r.Instruction(&ir.Instruction{Opcode: "VMOVDQU", Operands: []Op{from, part}, Inputs: []Op{from}, Outputs: []Op{all}})
}
