package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// entries writes the list, and zeroes up to the end of its last WQEBB.
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
}

// first makes ready for the first entries.
func (r *request) first() {
	r.Argument("list", r.list)
	r.VMOVDQU(emit.Field(r.tables, "tables_toKLM", 0), r.toKLM)
}

// cut is the way of a WQE whose list the ring's end cuts, or begins at: whole
// WQEBBs one by one. One that is cut elsewhere and one that is longer than the
// ring are left to the fallback.
func (r *request) cut() {
	r.Label("cut")
	mask := Mem{Base: r.ring, Disp: emit.RingMask}
	start, end, last := r.GP64(), r.GP64(), r.GP64()
	r.LEAL(Mem{Base: r.wqebbs, Disp: -1}, last.As32())
	r.CMPL(last.As32(), mask)
	r.JA(LabelRef("fallback"))
	r.LEAL(Mem{Base: r.wqe, Disp: fixedBlocks - 1}, last.As32())
	r.CMPL(last.As32(), mask)
	r.JA(LabelRef("fallback"))
	r.MOVQ(Mem{Base: r.ring, Disp: emit.RingBase}, start)
	r.SHLQ(U8(6), r.wqe)
	r.ADDQ(start, r.wqe)
	r.SUBQ(U32(fixedBlocks*emit.WQEBBSize), start)
	r.MOVQ(Mem{Base: r.ring, Disp: emit.RingLen}, end)
	r.ADDQ(start, end)
	const way = "Cut"
	r.mode(way)
	r.fixed()
	r.first()
	r.SUBQ(I8(blockKLMs), r.n)
	r.JL(LabelRef("cutRest"))
	r.Label("block")
	r.CMPQ(r.wqe, end)
	r.CMOVQEQ(start, r.wqe)
	r.blocks(1)
	r.SUBQ(I8(blockKLMs), r.n)
	r.JGE(LabelRef("block"))
	r.Label("cutRest")
	r.CMPQ(r.wqe, end)
	r.CMOVQEQ(start, r.wqe)
	r.JMP(LabelRef("rest"))
	r.otherModes(way)
}

// blocks writes n whole WQEBBs, and leaves the flags alone.
func (r *request) blocks(n int) {
	v := make([]VecVirtual, n*emit.WQEBBSize/vectorSize)
	for i := range v {
		v[i] = r.YMM()
		r.VMOVDQU(Mem{Base: r.list, Disp: i * vectorSize}, v[i])
	}
	for i := range v {
		r.VPSHUFB(r.toKLM, v[i], v[i])
	}
	for i := range v {
		r.VMOVDQU(v[i], r.at(i*vectorSize))
	}
	r.LEAQ(Mem{Base: r.list, Disp: n * emit.WQEBBSize}, r.list)
	r.LEAQ(Mem{Base: r.wqe, Disp: n * emit.WQEBBSize}, r.wqe)
}

// rest writes a last WQEBB of one to three entries. What lacks is not read: a
// load of 16 bytes clears the other half.
func (r *request) rest() {
	low, high := r.YMM(), r.YMM()
	r.ANDL(I8(blockKLMs-1), r.n.As32())
	r.JE(LabelRef("listed"))
	r.CMPL(r.n.As32(), I8(2))
	r.JB(LabelRef("one"))
	r.convert(Mem{Base: r.list}, low, low, 0)
	r.JE(LabelRef("two"))
	r.convert(Mem{Base: r.list, Disp: vectorSize}, high.AsX(), high, vectorSize)
	r.JMP(LabelRef("listed"))
	r.Label("one")
	r.convert(Mem{Base: r.list}, low.AsX(), low, 0)
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
