package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// words gives four words, two vectors of two, as they stand in the WQE.
func (r *request) words(low, high VecVirtual) VecVirtual {
	v, swap := r.YMM(), r.YMM()
	r.VINSERTI128(U8(1), high, low.AsY(), v)
	r.VBROADCASTI128(emit.Symbol("swapWords"), swap)
	r.VPSHUFB(swap, v, v)
	return v
}

// head makes the control and the UMR control segment.
func (r *request) head() {
	r.size = r.GP64()
	r.LEAQ(Mem{Base: r.blocks, Index: r.blocks, Scale: 1, Disp: 4}, r.size)
	r.ADDL(r.size.As32(), r.size.As32())
	index, word := r.GP64(), r.GP64()
	r.MOVWLZX(r.cur.As16(), index.As32())
	r.SHLQ(U8(40), index)
	r.MOVL(emit.Field(r.q, "QP_QPN", 0), word.As32())
	r.SHLL(U8(8), word.As32())
	r.ORL(r.size.As32(), word.As32())
	r.ORQ(index, word)
	opcode := r.GP64()
	r.Move("MOVQ", "umrOpcode", opcode)
	r.ORQ(opcode, word)

	// fm_ce_se and key.
	fence, full, always := r.GP64(), r.GP64(), r.GP64()
	r.MOVBLZX(emit.Field(r.q, "QP_FMCache", 0), fence.As32())
	r.MOVB(fence.As8(), emit.Field(r.q, "QP_rollback", rollbackFence))
	r.Move("MOVL", "fenceSmallAndFull", full.As32())
	r.Test("TESTL", "Fence", r.flags.As32())
	r.CMOVLNE(full.As32(), fence.As32())
	r.MOVBLZX(emit.Field(r.q, "QP_SigAll", 0), always.As32())
	r.Change("SHLL", "signaledShift", always.As32())
	r.ORL(r.flags.As32(), always.As32())
	r.MOVL(r.flags.As32(), emit.Field(r.q, "QP_Flags", 0))
	signaled := r.GP64()
	r.MOVL(always.As32(), signaled.As32())
	r.Change("ANDL", "Signaled", signaled.As32())
	r.Change("SHLL", "ceAlwaysShift", signaled.As32())
	r.ORL(signaled.As32(), fence.As32())
	r.Change("ANDL", "Solicited", r.flags.As32())
	r.Change("SHRL", "solicitedShift", r.flags.As32())
	r.ORL(r.flags.As32(), fence.As32())
	r.SHLQ(U8(32), fence)
	key := r.GP64()
	r.MOVL(emit.Field(r.mkey, "Mkey_Lkey", 0), key.As32())
	r.ORQ(key, fence)
	ctrl, umr := r.XMM(), r.XMM()
	r.VMOVQ(word, ctrl)
	r.VPINSRQ(U8(1), fence, ctrl, ctrl)

	octowords := r.GP64()
	r.MOVQ(r.blocks, octowords)
	r.SHLL(U8(16+2), octowords.As32()) // of which 16 bits stay
	r.BTSQ(U8(63), octowords)          // UMRInline
	r.VMOVQ(octowords, umr)
	r.VPINSRQ(U8(1), emit.Symbol("umrMask"), umr, umr)
	r.form = r.words(ctrl, umr)

	// The first word of the mkey context, with the tag.
	table, rights := r.GP64(), r.XMM()
	r.LEAQ(emit.Symbol("listRights"), table)
	r.MOVBLZX(key.As8(), key.As32())
	r.ORQ(Mem{Base: table, Index: r.access, Scale: 8}, key)
	r.VMOVQ(key, rights)
	r.mkc = rights
}

// context makes the first half of the mkey context.
func (r *request) context() {
	length := r.sums[0].AsX().(VecVirtual)
	r.Compare("CMPQ", emit.Field(r.q, "QP_Version", 0), "V44")
	r.JNE(LabelRef("wide"))
	sign := r.XMM()
	r.VPSRAD(U8(31), length, sign)
	r.VPSLLQ(U8(32), sign, sign)
	r.VPBLENDD(U8(0b1000), sign, length, length)
	r.Label("wide")
	r.VMOVHPS(length, emit.Field(r.mkey, "Mkey_length", 0))
	r.mkc = r.words(r.mkc, length)
}

// fixed writes the first two WQEBBs to a place.
func (r *request) fixed(at func(off int) Mem) {
	r.VMOVDQU(r.form, at(0))
	r.VMOVDQU(r.zero, at(vectorSize))
	r.VMOVDQU(r.mkc, at(2*vectorSize))
	r.VMOVDQU(r.zero, at(3*vectorSize))
}

func (r *request) ring() {
	r.fixed(func(off int) Mem { return Mem{Base: r.wqe, Disp: off} })
}

// rollbackFence is where rollback has its fence; post_amd64.go asks for it.
const rollbackFence = 4

// state counts the request as Start, MRList and Complete do.
func (r *request) state() {
	r.MOVL(r.cur.As32(), emit.Field(r.q, "QP_rollback", 0))
	r.MOVL(r.cur.As32(), emit.Field(r.q, "QP_ctrl", 0))
	r.MOVL(r.size.As32(), emit.Field(r.q, "QP_size", 0))
	r.MOVL(U32(1), emit.Field(r.q, "QP_nreq", 0))
	next := r.GP64()
	r.LEAQ(Mem{Base: r.cur, Index: r.blocks, Scale: 1, Disp: 2}, next)
	r.MOVL(next.As32(), emit.Field(r.q, "QP_CurPost", 0))
	r.Move("MOVB", "fenceSmall", emit.Field(r.q, "QP_FMCache", 0))
	r.INCL(emit.Field(r.q, "QP_Head", 0))
	r.MOVWLZX(next.As16(), next.As32())
	r.MOVL(next.As32(), emit.Field(r.q, "QP_DBRec", 0))
	r.Change("XORL", "bfBufSize", emit.Field(r.q, "QP_BFOffset", 0))
}

// doorbell writes to the BlueFlame register, last of all.
func (r *request) doorbell() {
	r.CMPQ(r.blocks, I8(mostPushed))
	r.JA(LabelRef("ring"))
	r.fixed(r.bf)
	list, length := fixedSize, r.GP64()
	r.JNE(LabelRef("one"))
	for i, v := range r.firstBlock {
		r.VMOVDQU(v, r.bf(list+i*vectorSize))
	}
	for i, v := range r.tail {
		r.VMOVDQU(v, r.bf(list+emit.WQEBBSize+i*vectorSize))
	}
	r.MOVL(U32(fixedSize+2*emit.WQEBBSize), length.As32())
	r.JMP(LabelRef("rung"))
	r.Label("one")
	for i, v := range r.tail {
		r.VMOVDQU(v, r.bf(list+i*vectorSize))
	}
	r.MOVL(U32(fixedSize+emit.WQEBBSize), length.As32())
	r.JMP(LabelRef("rung"))
	r.Label("ring")
	r.VMOVQ(r.form.AsX(), r.bf(0))
	r.MOVL(U32(8), length.As32())
	r.Label("rung")
	r.MOVQ(length, emit.Field(r.q, "QP_bfLen", 0))
}
