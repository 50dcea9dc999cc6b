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
	klmSize    = 16 // bytes of a KLM and of an entry
	vectorSize = 32
	blockKLMs  = 4 // KLMs in a WQEBB
	fixedSize  = 2 * emit.WQEBBSize
	mostPushed = 2 // WQEBBs of the list in a WQE that goes to the BlueFlame register whole
)

// post emits postMRList: everything is asked before anything is written, and
// what has an unlikely answer goes to postMRListFallback in the same frame.
func post(f *emit.Function) {
	f.Function("postMRList")
	f.Attributes(emit.NoSplit)
	f.SignatureExpr("func(q *byte, mkey *byte, list *byte, n int, flags uint32, access uint32) (errno int)")
	r := request{Function: f}
	r.ask()
	r.entries()
	r.head()
	r.context()
	r.ring()
	r.state()
	r.doorbell()
	f.VZEROUPPER()
	zero := f.GP64()
	f.XORL(zero.As32(), zero.As32())
	f.Store(zero, f.ReturnIndex(0))
	f.RET()
	f.Label("fallback")
	f.TailCall("postMRListFallback")
}

// request is what a request has in registers.
type request struct {
	*emit.Function
	q, mkey    GPVirtual
	n, blocks  GPVirtual // entries and WQEBBs of the list
	cur, wqe   GPVirtual // producer counter, and where it points to
	flags      GPVirtual // wr_flags
	access     GPVirtual
	size       GPVirtual // DS
	zero       VecVirtual
	sums       [2]VecVirtual // lengths added up, in upper words; the total ends up in the first one's
	form, mkc  VecVirtual    // first halves of the WQE's first two WQEBBs
	toKLM      VecVirtual
	tail       [2]VecVirtual // the list's last WQEBB
	firstBlock [2]VecVirtual // the one before, if the list has two
}

// ask asks whether it is a plain request.
func (r *request) ask() {
	fallback := LabelRef("fallback")
	r.CMPB(emit.Symbol("avx2"), U8(0))
	r.JE(fallback)
	r.q, r.mkey, r.n = r.Argument("q", r.GP64()), r.Argument("mkey", r.GP64()), r.Argument("n", r.GP64())
	r.flags, r.access = r.GP64(), r.GP64()
	r.Argument("flags", r.flags.As32().(GPVirtual))
	r.Argument("access", r.access.As32().(GPVirtual))
	r.Test("TESTL", "Inline", r.flags.As32())
	r.JE(fallback)
	r.Compare("CMPL", r.access.As32(), "accessMkey")
	r.JA(fallback)
	for _, flag := range []string{"QP_WQSig", "QP_NoTagUpdate"} {
		r.CMPB(emit.Field(r.q, flag, 0), I8(0))
		r.JNE(fallback)
	}
	// A pointer that is cleared must be known to the collector.
	for _, pointer := range []string{"QP_err", "QP_mkey"} {
		r.CMPQ(emit.Field(r.q, pointer, 0), I8(0))
		r.JNE(fallback)
	}
	for _, attribute := range []string{"Mkey_Signature", "Mkey_sigState", "Mkey_cryptoState"} {
		r.CMPB(emit.Field(r.mkey, attribute, 0), I8(0))
		r.JNE(fallback)
	}

	t, most := r.GP64(), r.GP64()
	r.LEAQ(Mem{Base: r.n, Disp: -1}, t)
	r.MOVWLZX(emit.Field(r.mkey, "Mkey_NumDesc", 0), most.As32())
	r.CMPQ(t, most)
	r.JAE(fallback)
	r.MOVL(emit.Field(r.q, "QP_MaxInlineData", 0), most.As32())
	r.ADDQ(I8(4), most)
	r.SHRQ(U8(4), most)
	r.CMPQ(r.n, most)
	r.JA(fallback)
	room := r.GP64()
	r.MOVL(emit.Field(r.q, "QP_MaxPost", 0), room.As32())
	r.TESTL(room.As32(), room.As32())
	r.JE(LabelRef("unbounded"))
	r.MOVL(emit.Field(r.q, "QP_Head", 0), t.As32())
	r.SUBL(emit.Field(r.q, "QP_Tail", 0), t.As32())
	r.CMPL(t.As32(), room.As32())
	r.JAE(fallback)
	r.Label("unbounded")

	r.blocks = r.GP64()
	r.LEAQ(Mem{Base: r.n, Disp: blockKLMs - 1}, r.blocks)
	r.SHRQ(U8(2), r.blocks)
	ring, size, end := r.GP64(), r.GP64(), r.GP64()
	r.MOVQ(emit.Field(r.q, "QP_Ring", 0), ring)
	r.MOVQ(Mem{Base: ring, Disp: emit.RingLen}, size)
	r.cur, r.wqe = r.GP64(), r.GP64()
	r.MOVL(emit.Field(r.q, "QP_CurPost", 0), r.cur.As32())
	r.MOVQ(r.cur, r.wqe)
	r.SHLQ(U8(6), r.wqe)
	r.LEAQ(Mem{Base: size, Disp: -1}, end)
	r.ANDQ(end, r.wqe)
	r.MOVQ(r.blocks, end)
	r.SHLQ(U8(6), end)
	r.LEAQ(Mem{Base: r.wqe, Index: end, Scale: 1, Disp: fixedSize}, end)
	r.CMPQ(end, size)
	r.JA(fallback)
	r.ADDQ(Mem{Base: ring, Disp: emit.RingBase}, r.wqe)
}

// bf is a place in the BlueFlame register.
func (r *request) bf(off int) Mem { return emit.Field(r.q, "QP_bf", off) }
