// Command _generate writes the assembly of package libmlx5, post_amd64.s; the
// package's post.go has the call.
package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() { emit.Run(post) }

const (
	vectorSize  = 32
	blockKLMs   = 4 // KLMs in a WQEBB
	fixedBlocks = 2 // WQEBBs in front of the list
	fixedSize   = fixedBlocks * emit.WQEBBSize
	bfSize      = 256 // bytes of a WQE that goes to the BlueFlame register whole
)

// post emits postMRList: everything is asked before anything is written, and
// what has an unlikely answer goes to postMRListFallback in the same frame.
//
// It takes the time of its instructions and stores, not of what they wait for.
// So what a request has in common with others of its size or with the same flags
// comes from tables, and neighbouring fields of the queue are stored together.
func post(f *emit.Function) {
	f.Function("postMRList")
	f.Attributes(emit.NoSplit)
	f.SignatureExpr("func(q *byte, mkey *byte, list *byte, n int, flags uint32, access uint32) error")
	r := newRequest(f)
	r.ask()
	r.fields()
	r.head()
	r.entries()
	r.context()
	r.state()
	r.doorbell()
	const result = 40 // an interface, which avo does not know
	f.VMOVDQU(r.zero.AsX(), NewParamAddr("ret", result))
	f.VZEROUPPER()
	f.RET()
	r.push()
	r.wide()
	r.cut()
	f.Label("fallback")
	f.TailCall("postMRListFallback")
}

// request is what a request has in registers.
type request struct {
	*emit.Function
	q, mkey  GPVirtual
	tables   GPVirtual // the constants
	n, size  GPVirtual // entries of the list, and bytes of the WQE
	ring     GPVirtual
	wqe      GPVirtual // where it begins
	list, to GPVirtual // next entry, and so many bytes before its KLM as the fixed part has
	flags    GPVirtual // wr_flags without Inline
	access   GPVirtual
	counters VecVirtual // QPN, CurPost, DBRec, Head and BFOffset
	varying  VecVirtual // QPN, CurPost, flags and fences (see mode), key
	ctrl     VecVirtual // first half of the first WQEBB
	mkc      VecVirtual // and of the second
	zero     VecVirtual
	toKLM    VecVirtual
	length   VecVirtual    // of the region, low half
	sums     [2]VecVirtual // dwords of the entries added up, and quadwords
}

// newRequest gives a request the registers that more than one way through the
// function has something in.
func newRequest(f *emit.Function) *request {
	r := &request{Function: f}
	for _, v := range []*GPVirtual{&r.q, &r.mkey, &r.tables, &r.n, &r.size, &r.ring, &r.wqe, &r.flags, &r.access, &r.list, &r.to} {
		*v = f.GP64()
	}
	for _, v := range []*VecVirtual{&r.counters, &r.ctrl, &r.mkc, &r.zero, &r.toKLM, &r.sums[0], &r.sums[1]} {
		*v = f.YMM()
	}
	r.varying, r.length = f.XMM(), f.XMM()
	return r
}

// ask asks whether it is a plain request.
func (r *request) ask() {
	fallback := LabelRef("fallback")
	r.Argument("q", r.q)
	r.Argument("mkey", r.mkey)
	r.Argument("n", r.n)
	r.TESTQ(r.n, r.n)
	r.JE(fallback)
	r.LEAQ(Mem{Base: r.n, Disp: blockKLMs - 1 + fixedBlocks*blockKLMs}, r.size)
	r.SHRQ(U8(2), r.size)
	r.SHLQ(U8(6), r.size)
	r.CMPQ(r.size, emit.Symbol("longest"))
	r.JA(fallback)
	flags := r.GP64()
	r.Argument("flags", flags.As32().(GPVirtual))
	r.Argument("access", r.access.As32().(GPVirtual))
	r.LEAL(Mem{Base: flags, Disp: -inline}, r.flags.As32())
	r.CMPL(r.flags.As32(), U8(inline-1))
	r.JA(fallback)
	r.Compare("CMPL", r.access.As32(), "accessMkey")
	r.JA(fallback)

	// What must be 0. A pointer that is cleared must be known to the collector.
	nothing, t := r.GP64(), r.GP64()
	r.MOVWLZX(emit.Field(r.q, "QP_WQSig", 0), nothing.As32())
	r.ORL(emit.Field(r.mkey, "Mkey_Signature", 0), nothing.As32())
	r.ORQ(emit.Field(r.q, "QP_err", 0), nothing)
	r.ORQ(emit.Field(r.q, "QP_mkey", 0), nothing)
	r.JNE(fallback)

	// Room in key, queue and ring. The longest list fits 16 bits.
	r.CMPW(r.n.As16(), emit.Field(r.mkey, "Mkey_NumDesc", 0))
	r.JA(fallback)
	r.MOVL(r.n.As32(), t.As32())
	r.SHLL(U8(4), t.As32())
	r.SUBL(U8(4), t.As32())
	r.CMPL(t.As32(), emit.Field(r.q, "QP_MaxInlineData", 0))
	r.JA(fallback)
	most, used := r.GP64(), r.GP64()
	r.MOVL(emit.Field(r.q, "QP_MaxPost", 0), most.As32())
	r.DECL(most.As32()) // without a limit it is the greatest number
	r.MOVL(emit.Field(r.q, "QP_Head", 0), used.As32())
	r.SUBL(emit.Field(r.q, "QP_Tail", 0), used.As32())
	r.CMPL(used.As32(), most.As32())
	r.JA(fallback)
	end := r.GP64()
	r.MOVQ(emit.Field(r.q, "QP_Ring", 0), r.ring)
	r.MOVL(emit.Field(r.q, "QP_CurPost", 0), r.wqe.As32())
	r.ANDL(Mem{Base: r.ring, Disp: emit.RingMask}, r.wqe.As32())
	r.SHLQ(U8(6), r.wqe)
	r.LEAQ(Mem{Base: r.wqe, Index: r.size, Scale: 1}, end)
	r.CMPQ(end, Mem{Base: r.ring, Disp: emit.RingLen})
	r.JA(LabelRef("cut"))
	r.ADDQ(Mem{Base: r.ring, Disp: emit.RingBase}, r.wqe)
}

const inline = 8 // the flag; post_amd64.go asks for it
