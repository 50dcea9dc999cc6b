package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const inlineKLMs = 4 // longest list in the WQE

// register emits register: everything is asked before anything is written, and
// what has an unlikely answer goes to registerFallback in the same frame.
func register(f *emit.Function) {
	f.Function("register")
	f.Attributes(emit.NoSplit)
	f.SignatureExpr("func(qp *byte, wr *byte, list *byte, n int, pageSize uint32, lkey uint32) (mapped int, err int)")
	r := registration{Function: f}
	r.ask()
	r.vectors()
	f.CMPQ(r.n, I8(inlineKLMs))
	f.JA(LabelRef("pointer"))
	r.inline()
	f.JMP(LabelRef("head"))
	f.Label("pointer")
	r.pointer()
	f.Label("head")
	r.head()
	r.context()
	r.state()
	f.VZEROUPPER()
	f.Store(r.n, f.ReturnIndex(0))
	zero := f.GP64()
	f.XORL(zero.As32(), zero.As32())
	f.Store(zero, f.ReturnIndex(1))
	f.RET()
	f.Label("fallback")
	f.TailCall("registerFallback")
}

// registration is what a registration has in registers.
type registration struct {
	*emit.Function
	qp, wr, mr GPVirtual
	list, n    GPVirtual
	cur, wqe   GPVirtual // producer counter, and where it points to
	access     GPVirtual
	key        VecVirtual // every dword
	shuffle    VecVirtual
	zero       VecVirtual
	total      GPVirtual // bytes of the list
	form       GPVirtual // first word of the control segment: constants, then all
	umr        GPVirtual // first word of the UMR control segment
}

// ask asks whether it is a plain registration.
func (r *registration) ask() {
	fallback := LabelRef("fallback")
	r.CMPB(emit.Symbol("avx2"), U8(0))
	r.JE(fallback)
	r.qp, r.wr, r.n = r.Argument("qp", r.GP64()), r.Argument("wr", r.GP64()), r.Argument("n", r.GP64())
	r.Compare("CMPB", emit.Field(r.wr, "WR_Op", 0), "OpRegMR")
	r.JNE(fallback)
	r.CMPQ(emit.Field(r.wr, "WR_SGEs", 8), I8(0))
	r.JNE(fallback)
	r.Test("TESTB", "SendInline", emit.Field(r.wr, "WR_Flags", 0))
	r.JNE(fallback)
	r.access = r.GP64()
	r.MOVL(emit.Field(r.wr, "WR_Access", 0), r.access.As32())
	r.Test("TESTL", "accessAsked", r.access.As32())
	r.JNE(fallback)
	r.mr = r.GP64()
	r.MOVQ(emit.Field(r.wr, "WR_MR", 0), r.mr)
	r.TESTQ(r.mr, r.mr)
	r.JE(fallback)
	r.Compare("CMPB", emit.Field(r.mr, "MR_Mode", 0), "modeKLM")
	r.JNE(fallback)

	t := r.GP64()
	r.LEAQ(Mem{Base: r.n, Disp: -1}, t)
	r.Compare("CMPQ", t, "maxPlain")
	r.JAE(fallback)
	r.CMPQ(r.n, emit.Field(r.mr, "MR_MaxDescs", 0))
	r.JGT(fallback)
	r.MOVQ(emit.Field(r.mr, "MR_Descs", 8), t)
	r.SHRQ(U8(4), t)
	r.CMPQ(r.n, t)
	r.JA(fallback)

	r.CMPL(emit.Field(r.qp, "QP_MaxPost", 0), I8(0))
	r.JNE(fallback)
	ring, size, end := r.GP64(), r.GP64(), r.GP64()
	r.MOVQ(emit.Field(r.qp, "QP_Ring", 0), ring)
	r.TESTQ(ring, ring)
	r.JE(fallback)
	r.MOVQ(Mem{Base: ring, Disp: emit.RingLen}, size)
	r.cur, r.wqe = r.GP64(), r.GP64()
	r.MOVWLZX(emit.Field(r.qp, "QP_CurPost", 0), r.cur.As32())
	r.MOVL(r.cur.As32(), r.wqe.As32())
	r.SHLL(U8(6), r.wqe.As32())
	r.LEAQ(Mem{Base: size, Disp: -1}, end)
	r.ANDQ(end, r.wqe)
	r.LEAQ(Mem{Base: r.wqe, Disp: 3 * emit.WQEBBSize}, end)
	r.CMPQ(end, size)
	r.JA(fallback)
	r.ADDQ(Mem{Base: ring, Disp: emit.RingBase}, r.wqe)
}

// half writes 32 bytes to the WQE, from two vectors of two words.
func (r *registration) half(low, high VecVirtual, off int) {
	both := r.YMM()
	r.VINSERTI128(U8(1), high, low.AsY(), both)
	r.VMOVDQU(both, Mem{Base: r.wqe, Disp: off})
}

// head writes the control and the UMR control segment.
func (r *registration) head() {
	word, qpn := r.GP64(), r.GP64()
	r.MOVQ(r.cur, word)
	r.SHLQ(U8(40), word)
	r.MOVL(emit.Field(r.qp, "QP_QPN", 0), qpn.As32())
	r.SHLL(U8(8), qpn.As32())
	r.ORQ(r.form, word)
	r.ORQ(qpn, word)
	r.BSWAPQ(word)
	r.form = word

	// Signature, fm_ce_se and key, from the last byte to the first.
	flags, fm, sig := r.GP64(), r.GP64(), r.GP64()
	r.MOVBLZX(emit.Field(r.wr, "WR_Flags", 0), flags.As32())
	r.ANDL(I8(7), flags.As32())
	r.LEAQ(emit.Symbol("regFmCeSe"), fm)
	r.MOVBLZX(Mem{Base: fm, Index: flags, Scale: 1}, fm.As32())
	always := r.GP64()
	r.MOVBLZX(emit.Field(r.qp, "QP_SigAll", 0), always.As32())
	r.Change("SHLL", "ceAlwaysShift", always.As32())
	r.ORL(always.As32(), fm.As32())
	r.ORB(emit.Field(r.qp, "QP_UMRFence", 0), fm.As8())
	r.SHLL(U8(24), fm.As32())
	r.MOVBLZX(emit.Field(r.qp, "QP_WQSig", 0), sig.As32())
	r.NEGL(sig.As32())
	r.MOVBLZX(sig.As8(), sig.As32())
	r.ORL(sig.As32(), fm.As32())
	key := r.GP64()
	r.MOVL(emit.Field(r.wr, "WR_Key", 0), key.As32())
	r.BSWAPL(key.As32())
	r.SHLQ(U8(32), key)
	r.ORQ(key, fm)
	r.MOVQ(word, Mem{Base: r.wqe})
	r.MOVQ(fm, Mem{Base: r.wqe, Disp: 8})
	r.MOVQ(r.umr, Mem{Base: r.wqe, Disp: 16})
	mask := r.GP64()
	r.MOVQ(emit.Symbol("regMask"), mask)
	r.MOVQ(mask, Mem{Base: r.wqe, Disp: 24})
	r.zero = r.YMM()
	r.VPXOR(r.zero.AsX(), r.zero.AsX(), r.zero.AsX())
	r.VMOVDQU(r.zero, Mem{Base: r.wqe, Disp: 32})
}

// context writes the mkey context and what the region keeps of it.
func (r *registration) context() {
	word, table := r.GP64(), r.GP64()
	r.MOVL(emit.Field(r.wr, "WR_Key", 0), word.As32())
	r.SHLQ(U8(56), word)
	r.ANDL(I8(7), r.access.As32())
	r.LEAQ(emit.Symbol("regRights"), table)
	r.ORQ(Mem{Base: table, Index: r.access, Scale: 8}, word)
	rights, place := r.XMM(), r.XMM()
	r.VMOVQ(word, rights)
	r.VPINSRQ(U8(1), emit.Symbol("regFlags"), rights, rights)
	r.VMOVQ(Mem{Base: r.list}, place)
	r.VPINSRQ(U8(1), r.total, place, place)
	r.VMOVDQU(place, emit.Field(r.mr, "MR_IOVA", 0)) // and MR.Length
	r.VPSHUFB(emit.Symbol("swapWords"), place, place)
	r.half(rights, place, emit.WQEBBSize)
	size, sizes := r.GP64(), r.XMM()
	r.LEAQ(Mem{Base: r.n, Disp: 7}, size)
	r.ANDQ(I8(^7), size)
	r.BSWAPQ(size)
	r.VMOVQ(size, sizes)
	r.half(r.zero, sizes, emit.WQEBBSize+32)
}

// state counts the registration and rings the doorbell, last of all.
func (r *registration) state() {
	r.MOVQ(r.n, emit.Field(r.mr, "MR_NDescs", 0))
	page := r.Argument("pageSize", r.GP32())
	r.MOVL(page, emit.Field(r.mr, "MR_PageSize", 0))
	r.ADDL(I8(3), r.cur.As32())
	r.MOVWLZX(r.cur.As16(), r.cur.As32())
	armed := r.GP64()
	r.MOVL(r.cur.As32(), armed.As32())
	r.Change("ORL", "fenceBehind", armed.As32())
	r.MOVL(armed.As32(), emit.Field(r.qp, "QP_CurPost", 0)) // and QP.NextFence
	r.INCL(emit.Field(r.qp, "QP_Head", 0))
	r.INCQ(emit.Field(r.qp, "QP_Rings", 0))
	r.MOVL(r.cur.As32(), emit.Field(r.qp, "QP_DBRec", 0))
	r.MOVQ(r.form, emit.Field(r.qp, "QP_Doorbell", 0))
}
