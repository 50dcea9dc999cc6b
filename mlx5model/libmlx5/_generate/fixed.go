package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// table is a field of the constants, in the row that is that far from the first.
func (r *request) table(name string, row Register, scale uint8, off int) Mem {
	m := emit.Field(r.tables, "tables_"+name, off)
	m.Index, m.Scale = row, scale
	return m
}

// fields brings together what is not constant in the fixed part of a WQE.
func (r *request) fields() {
	r.LEAQ(emit.Symbol("constants"), r.tables)
	always, fences := r.GP64(), r.GP64()
	r.MOVBLZX(emit.Field(r.q, "QP_SigAll", 0), always.As32())
	r.LEAQ(Mem{Base: r.flags, Index: always, Scale: inline}, r.flags)
	r.MOVBLZX(emit.Field(r.q, "QP_FMCache", 0), fences.As32())
	r.IMUL3L(U32(0x101), fences.As32(), fences.As32())
	r.ANDL(r.table("modes", r.flags, 8, 0), fences.As32())
	r.ORL(r.table("modes", r.flags, 8, 4), fences.As32())
	r.VMOVDQU(emit.Field(r.q, "QP_QPN", 0), r.counters)
	r.VPINSRD(U8(2), fences.As32(), r.counters.AsX(), r.varying)
	r.VPINSRD(U8(3), emit.Field(r.mkey, "Mkey_Lkey", 0), r.varying, r.varying)
}

// head writes the first WQEBB, and the second half of the second.
func (r *request) head() {
	r.VPSHUFB(r.table("toCtrl", nil, 0, 0), r.varying, r.ctrl.AsX())
	r.VPOR(r.table("forms", r.size, 2, 0), r.ctrl, r.ctrl)
	r.VPXOR(r.zero, r.zero, r.zero)
	r.VMOVDQU(r.ctrl, Mem{Base: r.wqe})
	r.VMOVDQU(r.zero, Mem{Base: r.wqe, Disp: vectorSize})
	r.VMOVDQU(r.zero, Mem{Base: r.wqe, Disp: 3 * vectorSize})
	r.SHLL(U8(4), r.access.As32())
	r.VPSHUFB(r.table("toTag", nil, 0, 0), r.varying, r.mkc.AsX())
	r.VPOR(r.table("rights", r.access, 1, 0), r.mkc.AsX(), r.mkc.AsX())
}

// context writes the first half of the second WQEBB, with the length.
func (r *request) context() {
	dwords, length := r.sums[0].AsX(), r.length
	r.Compare("CMPQ", emit.Field(r.q, "QP_Version", 0), "V44")
	r.JNE(LabelRef("wide"))
	r.VPSRAD(U8(31), dwords, length)
	r.VPUNPCKHDQ(length, dwords, length)
	r.Label("lengthened")
	r.VMOVQ(length, emit.Field(r.mkey, "Mkey_length", 0))
	r.VPSHUFB(r.table("toLen", nil, 0, 0), length, length)
	r.VINSERTI128(U8(1), length, r.mkc, r.mkc)
	r.VMOVDQU(r.mkc, Mem{Base: r.wqe, Disp: emit.WQEBBSize})
}

// state counts the request as Start, MRList and Complete do.
func (r *request) state() {
	r.VPSHUFD(U8(0b11_01_01_00), r.counters, r.counters)
	r.VPADDD(r.table("forms", r.size, 2, vectorSize), r.counters, r.counters)
	r.VPAND(r.table("counted", nil, 0, 0), r.counters, r.counters)
	r.VMOVDQU(r.counters, emit.Field(r.q, "QP_QPN", 0))
	state := r.YMM()
	r.VPSHUFB(r.table("toState", nil, 0, 0), r.varying, state.AsX())
	r.VINSERTI128(U8(1), r.table("forms", r.size, 2, 2*vectorSize), state, state)
	r.VMOVDQU(state, emit.Field(r.q, "QP_rollback", 0))
}

// doorbell writes to the BlueFlame register, last of all.
func (r *request) doorbell() {
	r.CMPQ(r.size, U32(bfSize))
	r.JBE(LabelRef("push"))
	r.VMOVQ(r.ctrl.AsX(), r.bf(0))
	r.Label("rung")
}

// push writes a short WQE to the BlueFlame register whole.
func (r *request) push() {
	r.Label("push")
	for i, v := range []VecVirtual{r.ctrl, r.zero, r.mkc, r.zero} {
		r.VMOVDQU(v, r.bf(i*vectorSize))
	}
	block := func(off int) {
		for i := range emit.WQEBBSize / vectorSize {
			v := r.YMM()
			r.VMOVDQU(Mem{Base: r.wqe, Disp: off + i*vectorSize}, v)
			r.VMOVDQU(v, r.bf(off+i*vectorSize))
		}
	}
	block(fixedSize)
	r.CMPL(r.size.As32(), U32(bfSize))
	r.JB(LabelRef("rung"))
	block(fixedSize + emit.WQEBBSize)
	r.JMP(LabelRef("rung"))
}

// bf is a place in the BlueFlame register.
func (r *request) bf(off int) Mem { return emit.Field(r.q, "QP_bf", off) }

// wide is the length of versions that add up in 64 bits. What the upper halves
// of the quadwords got from their lkeys is taken out of them again.
func (r *request) wide() {
	r.Label("wide")
	quads, lkeys, length := r.sums[1].AsX().(VecVirtual), r.XMM(), r.length
	r.VPBLENDD(U8(0b1000), r.sums[0].AsX(), r.zero.AsX(), lkeys)
	r.VPSUBQ(lkeys, quads, quads)
	r.VPUNPCKHQDQ(quads, quads, length)
	r.JMP(LabelRef("lengthened"))
}
