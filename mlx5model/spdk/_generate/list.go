package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// entries writes the list, and zeroes up to the end of its last WQEBB.
func (r *request) entries() {
	list := r.Argument("list", r.GP64())
	r.toKLM = r.YMM()
	r.VMOVDQU(emit.Field(r.tables, "tables_toKLM", 0), r.toKLM)
	r.SUBQ(I8(4*blockKLMs), r.n)
	r.JL(LabelRef("fewer"))
	r.Label("loop")
	r.blocks(list, 4)
	r.SUBQ(I8(4*blockKLMs), r.n)
	r.JGE(LabelRef("loop"))
	r.Label("fewer")
	r.TESTL(U32(2*blockKLMs), r.n.As32())
	r.JE(LabelRef("half"))
	r.blocks(list, 2)
	r.Label("half")
	r.TESTL(U32(blockKLMs), r.n.As32())
	r.JE(LabelRef("rest"))
	r.blocks(list, 1)
	r.Label("rest")
	r.rest(list)
}

// blocks writes n whole WQEBBs.
func (r *request) blocks(list GPVirtual, n int) {
	v := make([]VecVirtual, n*emit.WQEBBSize/vectorSize)
	for i := range v {
		v[i] = r.YMM()
		r.VMOVDQU(Mem{Base: list, Disp: i * vectorSize}, v[i])
	}
	for i := range v {
		r.VPSHUFB(r.toKLM, v[i], v[i])
	}
	for i := range v {
		r.VMOVDQU(v[i], r.at(i*vectorSize))
	}
	r.ADDQ(I32(n*emit.WQEBBSize), list)
	r.ADDQ(I32(n*emit.WQEBBSize), r.wqe)
}

// rest writes a last WQEBB of one to three entries. What lacks is not read: a
// load of 16 bytes clears the other half.
func (r *request) rest(list GPVirtual) {
	low, high := r.YMM(), r.YMM()
	r.ANDL(I8(blockKLMs-1), r.n.As32())
	r.JE(LabelRef("listed"))
	r.CMPL(r.n.As32(), I8(2))
	r.JB(LabelRef("one"))
	r.convert(Mem{Base: list}, low, low, 0)
	r.JE(LabelRef("two"))
	r.convert(Mem{Base: list, Disp: vectorSize}, high.AsX(), high, vectorSize)
	r.JMP(LabelRef("listed"))
	r.Label("one")
	r.convert(Mem{Base: list}, low.AsX(), low, 0)
	r.Label("two")
	r.VMOVDQU(r.zero, r.at(vectorSize))
	r.Label("listed")
}

// convert turns the entries that part of a vector, or all of it, has room for to
// KLMs and writes the vector.
func (r *request) convert(from Mem, part Register, all VecVirtual, off int) {
	shuffle := Register(r.toKLM)
	if part.Size() != all.Size() {
		shuffle = r.toKLM.AsX()
	}
	r.VMOVDQU(from, part)
	r.VPSHUFB(shuffle, part, part)
	r.VMOVDQU(all, r.at(off))
}

// at is a place in the list.
func (r *request) at(off int) Mem {
	return Mem{Base: r.wqe, Disp: fixedBlocks*emit.WQEBBSize + off}
}
