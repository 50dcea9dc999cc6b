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
	r.first()
	r.SUBQ(I8(4*blockKLMs), r.n)
	r.JL(LabelRef("fewer"))
	r.Label("loop")
	r.blocks(4)
	r.JE(LabelRef("listed"))
	r.SUBQ(I8(4*blockKLMs), r.n)
	r.JGE(LabelRef("loop"))
	r.Label("fewer")
	r.TESTL(U32(2*blockKLMs), r.n.As32())
	r.JE(LabelRef("half"))
	r.blocks(2)
	r.Label("half")
	r.TESTL(U32(blockKLMs), r.n.As32())
	r.JE(LabelRef("rest"))
	r.blocks(1)
	r.Label("rest")
	r.rest()
	half := r.YMM()
	r.VEXTRACTI128(U8(1), r.sums[0], half.AsX())
	r.VPADDD(half.AsX(), r.sums[0].AsX(), r.sums[0].AsX())
	r.VEXTRACTI128(U8(1), r.sums[1], half.AsX())
	r.VPADDQ(half.AsX(), r.sums[1].AsX(), r.sums[1].AsX())
}

// first makes ready for the first entries.
func (r *request) first() {
	r.Argument("list", r.list)
	r.VMOVDQU(r.table("toKLM", nil, 0, 0), r.toKLM)
	for _, sum := range r.sums {
		r.VPXOR(sum, sum, sum)
	}
	r.MOVQ(r.wqe, r.to)
}

// cut is the way of a WQE whose list the ring's end cuts, or begins at: whole
// WQEBBs one by one. One that is cut elsewhere, one that goes to the BlueFlame
// register whole, and one that is longer than the ring are left to the fallback.
func (r *request) cut() {
	r.Label("cut")
	r.CMPQ(r.size, U32(bfSize))
	r.JBE(LabelRef("fallback"))
	start, end := r.GP64(), r.GP64()
	r.MOVQ(Mem{Base: r.ring, Disp: emit.RingLen}, end)
	r.CMPQ(r.size, end)
	r.JA(LabelRef("fallback"))
	r.SUBQ(U32(fixedSize), end)
	r.CMPQ(r.wqe, end)
	r.JA(LabelRef("fallback"))
	r.MOVQ(Mem{Base: r.ring, Disp: emit.RingBase}, start)
	r.ADDQ(start, r.wqe)
	r.ADDQ(start, end)
	r.SUBQ(U32(fixedSize), start)
	r.fields()
	r.head()
	r.first()
	r.SUBQ(I8(blockKLMs), r.n)
	r.Label("block")
	r.CMPQ(r.to, end)
	r.CMOVQEQ(start, r.to)
	r.blocks(1)
	r.SUBQ(I8(blockKLMs), r.n)
	r.JGE(LabelRef("block"))
	r.CMPQ(r.to, end)
	r.CMOVQEQ(start, r.to)
	r.JMP(LabelRef("rest"))
}

// blocks writes n whole WQEBBs, and leaves the flags alone.
func (r *request) blocks(n int) {
	v := make([]VecVirtual, n*emit.WQEBBSize/vectorSize)
	for i := range v {
		v[i] = r.YMM()
		r.VMOVDQU(Mem{Base: r.list, Disp: i * vectorSize}, v[i])
	}
	for i := range v {
		r.add(v[i])
		r.VPSHUFB(r.toKLM, v[i], v[i])
	}
	for i := range v {
		r.VMOVDQU(v[i], Mem{Base: r.to, Disp: fixedSize + i*vectorSize})
	}
	r.LEAQ(Mem{Base: r.list, Disp: n * emit.WQEBBSize}, r.list)
	r.LEAQ(Mem{Base: r.to, Disp: n * emit.WQEBBSize}, r.to)
}

// add adds a vector of entries to the sums.
func (r *request) add(v VecVirtual) {
	r.VPADDD(v, r.sums[0], r.sums[0])
	r.VPADDQ(v, r.sums[1], r.sums[1])
}

// rest writes a last WQEBB of one to three entries. What lacks is not read: a
// load of 16 bytes clears the other half.
func (r *request) rest() {
	low, high := r.YMM(), r.YMM()
	convert := func(off int, part Register, all VecVirtual) {
		r.load(Mem{Base: r.list, Disp: off}, part, all)
		r.add(all)
		r.VPSHUFB(r.toKLM, all, all)
		r.VMOVDQU(all, Mem{Base: r.to, Disp: fixedSize + off})
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
	r.VMOVDQU(r.zero, Mem{Base: r.to, Disp: fixedSize + vectorSize})
	r.Label("listed")
}

// load loads part of a vector and clears the rest of it, which avo takes for
// left as it was.
func (r *request) load(from Mem, part Register, all VecVirtual) {
	r.Instruction(&ir.Instruction{Opcode: "VMOVDQU", Operands: []Op{from, part}, Inputs: []Op{from}, Outputs: []Op{all}})
}
