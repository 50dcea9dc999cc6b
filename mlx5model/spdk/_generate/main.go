// Command _generate writes the assembly of package spdk, post_amd64.s; the
// package's post.go has the call.
package main

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	emit.Run(func(f *emit.Function) {
		umr(f, "umrConfigure", false)
		umr(f, "umrPost", true)
	})
}

const (
	vectorSize  = 32
	blockKLMs   = 4 // KLMs in a WQEBB
	fixedBlocks = 2 // WQEBBs in front of the list
)

// umr emits a function that writes and counts a UMR, and rings the doorbell for
// it if door is set: everything is asked before anything is written, and what
// has an unlikely answer goes to the Go function of the same name with Fallback
// behind it, in the same frame.
//
// A processor takes a request every twenty cycles or so: as many as it has
// loads, stores and instructions to get through, whatever they wait for. So
// each field is loaded once, neighbours are stored together, and what a request
// has in common with others of its size comes from a table.
func umr(f *emit.Function, name string, door bool) {
	f.Function(name)
	f.Attributes(emit.NoSplit)
	f.SignatureExpr("func(q *byte, keyLen uint64, list *byte, n int, flags uint8) error")
	r := newRequest(f, door)
	r.ask()
	r.mode("")
	r.fixed()
	r.entries()
	r.count()
	const result = 40 // an interface, which avo does not know
	f.VMOVDQU(r.zero.AsX(), NewParamAddr("ret", result))
	f.VZEROUPPER()
	f.RET()
	r.otherModes("")
	r.cut()
	f.Label("fallback")
	f.TailCall(name + "Fallback")
}

// request is what a request has in registers.
type request struct {
	*emit.Function
	door       bool
	q, tables  GPVirtual
	ring       GPVirtual
	list       GPVirtual
	n, wqebbs  GPVirtual // entries, and WQEBBs with the fixed ones
	pi, wqe    GPVirtual // producer counter, and where it points to
	left       GPVirtual // WQEBBs that stay free
	unsignaled GPVirtual // WQEBBs
	asked      GPVirtual // flags, and the signalling mode above them
	flags      GPVirtual // fm_ce_se, 16 bits up
	ctrl       VecVirtual
	toKLM      VecVirtual
	zero       VecVirtual
}

// newRequest gives a request the registers that more than one way through the
// function has something in.
func newRequest(f *emit.Function, door bool) *request {
	r := &request{Function: f, door: door}
	for _, v := range []*GPVirtual{&r.q, &r.tables, &r.ring, &r.list, &r.n, &r.wqebbs, &r.pi, &r.wqe, &r.left, &r.unsignaled, &r.asked, &r.flags} {
		*v = f.GP64()
	}
	for _, v := range []*VecVirtual{&r.ctrl, &r.toKLM, &r.zero} {
		*v = f.YMM()
	}
	return r
}

// ask asks whether it is a plain request.
func (r *request) ask() {
	fallback := LabelRef("fallback")
	r.Argument("q", r.q)
	r.Argument("n", r.n)
	r.TESTQ(r.n, r.n)
	r.JE(fallback)
	r.LEAQ(Mem{Base: r.n, Disp: blockKLMs - 1 + fixedBlocks*blockKLMs}, r.wqebbs)
	r.SHRQ(U8(2), r.wqebbs)
	r.CMPQ(r.wqebbs, emit.Symbol("longest"))
	r.JA(fallback)
	r.MOVWLZX(emit.Field(r.q, "QP_TxAvailable", 0), r.left.As32())
	r.SUBL(r.wqebbs.As32(), r.left.As32())
	r.JB(fallback)
	r.CMPL(r.n.As32(), emit.Field(r.q, "QP_MaxSendSGE", 0))
	r.JA(fallback)

	// The last WQEBB must not lie behind the ring's end.
	last := r.GP64()
	r.MOVQ(emit.Field(r.q, "QP_Ring", 0), r.ring)
	mask := Mem{Base: r.ring, Disp: emit.RingMask}
	r.MOVWLZX(emit.Field(r.q, "QP_PI", 0), r.pi.As32())
	r.MOVL(mask, r.wqe.As32())
	r.ANDL(r.pi.As32(), r.wqe.As32())
	r.LEAL(Mem{Base: r.wqe, Index: r.wqebbs, Scale: 1, Disp: -1}, last.As32())
	r.CMPL(last.As32(), mask)
	r.JA(LabelRef("cut"))
	r.SHLQ(U8(6), r.wqe)
	r.ADDQ(Mem{Base: r.ring, Disp: emit.RingBase}, r.wqe)
}

// mode looks up the fm_ce_se byte, and what it makes of the unsignaled WQEBBs. Its
// labels, and those of the otherModes that belong to it, end in way.
func (r *request) mode(way string) {
	r.LEAQ(emit.Symbol("constants"), r.tables)
	r.Load(r.Param("flags"), r.asked.As32())
	r.CMPB(emit.Field(r.q, "QP_SigMode", 0), U8(0))
	r.JNE(LabelRef("mode" + way))
	r.Label("moded" + way)
	table := "tables_modes"
	if r.door {
		table = "tables_doorModes"
	}
	entry := emit.Field(r.tables, table, 0)
	entry.Index, entry.Scale = r.asked, 8
	keep := entry
	keep.Disp = 4
	r.MOVL(entry, r.flags.As32())
	r.MOVWLZX(emit.Field(r.q, "QP_NonsignaledOutstanding", 0), r.unsignaled.As32())
	r.ADDL(r.wqebbs.As32(), r.unsignaled.As32())
	r.ANDL(keep, r.unsignaled.As32())
}

// otherModes is mode for signalling modes that are not 0, behind the rest.
func (r *request) otherModes(way string) {
	r.Label("mode" + way)
	mode := r.GP32()
	r.MOVBLZX(emit.Field(r.q, "QP_SigMode", 0), mode)
	r.Compare("CMPL", mode, "SigLast")
	r.JA(LabelRef("fallback"))
	r.SHLL(U8(8), mode)
	r.ORL(mode, r.asked.As32())
	r.JMP(LabelRef("moded" + way))
}

// fixed writes the first two WQEBBs: what is not constant is brought together in
// 16 bytes, which are shuffled into the control segment and into the length of
// the mkey context.
func (r *request) fixed() {
	fields, halves := r.XMM(), r.YMM()
	r.ORL(r.pi.As32(), r.flags.As32())
	r.VMOVD(emit.Field(r.q, "QP_QPN", 0), fields)
	r.VPINSRD(U8(1), r.flags.As32(), fields, fields)
	r.VPINSRQ(U8(1), r.Parameter("keyLen"), fields, fields)
	at := r.GP64()
	r.MOVL(r.wqebbs.As32(), at.As32())
	r.SHLL(U8(5), at.As32())
	form := emit.Field(r.tables, "tables_forms", 0)
	form.Index, form.Scale = at, 1
	r.VPSHUFB(emit.Field(r.tables, "tables_toCtrl", 0), fields, r.ctrl.AsX())
	r.VPOR(form, r.ctrl, r.ctrl)
	r.VPSHUFB(emit.Field(r.tables, "tables_toLen", 0), fields, halves.AsX())
	r.VPXOR(r.zero, r.zero, r.zero)
	r.VINSERTI128(U8(1), halves.AsX(), r.zero, halves)
	for i, v := range []VecVirtual{r.ctrl, r.zero, halves, r.zero} {
		r.VMOVDQU(v, Mem{Base: r.wqe, Disp: i * vectorSize})
	}
}

// count moves the counters on, and rings the doorbell or leaves the head of the
// WQE to the one who will.
func (r *request) count() {
	r.ADDL(r.wqebbs.As32(), r.pi.As32())
	r.MOVWLZX(r.pi.As16(), r.pi.As32())
	r.SHLL(U8(16), r.left.As32())
	r.ORL(r.pi.As32(), r.left.As32()) // PI and TxAvailable
	r.MOVW(r.unsignaled.As16(), emit.Field(r.q, "QP_NonsignaledOutstanding", 0))
	if !r.door {
		r.MOVL(r.left.As32(), emit.Field(r.q, "QP_PI", 0))
		r.VMOVQ(r.ctrl.AsX(), emit.Field(r.q, "QP_head", 0))
		return
	}
	head := r.XMM()
	r.VMOVQ(r.ctrl.AsX(), head)
	r.SHLQ(U8(32), r.left)
	r.ORQ(r.pi, r.left)
	r.MOVQ(r.left, emit.Field(r.q, "QP_DBRec", 0))
	r.VMOVDQU(head, emit.Field(r.q, "QP_Doorbell", 0)) // and no head
}
