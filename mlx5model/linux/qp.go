package linux

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Op is the kind of a work request.
type Op uint8

// Operations, after include/rdma/ib_verbs.h enum ib_wr_opcode. PostSend
// refuses others with -EINVAL.
const (
	OpRegMR Op = iota + 1
	OpLocalInv
	OpRDMAWrite
	OpRDMAWriteImm
	OpRDMARead
	OpSend
	OpSendImm
	OpSendInv
)

// wqeOpcode is the opcode on the wire, as in drivers/infiniband/hw/mlx5/wr.c
// mlx5_ib_opcode.
var wqeOpcode = [...]mlx5model.Opcode{
	OpRegMR:        mlx5model.OpUMR,
	OpLocalInv:     mlx5model.OpUMR,
	OpRDMAWrite:    mlx5model.OpRDMAWrite,
	OpRDMAWriteImm: mlx5model.OpRDMAWriteImm,
	OpRDMARead:     mlx5model.OpRDMARead,
	OpSend:         mlx5model.OpSend,
	OpSendImm:      mlx5model.OpSendImm,
	OpSendInv:      mlx5model.OpSendInval,
}

// Send flags. Authority: include/rdma/ib_verbs.h enum ib_send_flags.
const (
	SendFence     = 1 << 0
	SendSignaled  = 1 << 1
	SendSolicited = 1 << 2
	SendInline    = 1 << 3
)

// WR is a work request; which fields count depends on Op.
type WR struct {
	Op     Op
	Flags  uint8   // SendFence and so on
	MR     *MR     // OpRegMR: mapped region; nil is refused
	Key    uint32  // OpRegMR: full key with the tag to set; OpLocalInv, OpSendInv: key to invalidate
	Access uint32  // OpRegMR: AccessLocalWrite and so on
	Imm    uint32  // OpRDMAWriteImm, OpSendImm: host byte order
	RAddr  uint64  // RDMA: remote address
	RKey   uint32  // RDMA: remote key
	SGEs   sg.List // sends and RDMA: local data; entries without bytes are left out
}

// QP is a reliable-connection queue pair as far as posting sends goes. Ring,
// QPN and the capabilities are the caller's; the rest is state that PostSend
// keeps, which a caller may set beforehand.
type QP struct {
	Ring         *mlx5model.Ring
	QPN          uint32 // 24 bits
	PDN          uint32 // 24 bits; REG_MR does not write it
	LocalDMALkey uint32 // of the PD: key of lists by pointer
	UMRFence     uint8  // FenceNone, FenceSmall or FenceStrong: capability umr_fence as a control byte
	SigAll       bool   // created with IB_SIGNAL_ALL_WR
	WQSig        bool   // WQE signatures enabled

	// Capabilities that REG_MR asks: include/linux/mlx5/mlx5_ifc.h
	// mlx5_ifc_cmd_hca_cap_bits.
	CapAtomic                  bool
	CapUMRModifyAtomicDisabled bool
	CapROWrite, CapROWriteUMR  bool // relaxed_ordering_write, relaxed_ordering_write_umr
	CapRORead, CapROReadUMR    bool // relaxed_ordering_read, relaxed_ordering_read_umr

	MaxGS   int    // data segments per WR; 0 means what a WQE and the ring hold
	MaxPost uint32 // work requests outstanding; 0 means no limit

	CurPost   uint16  // producer counter, in WQEBBs
	NextFence uint8   // fence for the next work request, as a control byte
	Head      uint32  // work requests posted
	Tail      uint32  // work requests completed; the caller advances it
	DBRec     uint32  // doorbell record [SND], host byte order
	Doorbell  [8]byte // last write to the UAR
	Rings     uint64  // doorbells rung
}

// PostResult is what ib_post_send returned.
type PostResult struct {
	Err   int // 0 or a negative errno
	BadWR int // index of the refused work request, -1 if none
	NReq  int // work requests posted
}

// PostSend is one ib_post_send call on a chain of work requests
// (drivers/infiniband/hw/mlx5/wr.c mlx5_ib_post_send), which it leaves
// unchanged. It stops at the first work request that is refused; those before
// it are posted and the doorbell is rung for them.
//
// Refused are:
//
//   - -EINVAL, before anything is written: an unknown Op, more than MaxGS
//     entries, or (not a case in the kernel) a nil MR or Ring;
//   - -ENOMEM, before anything is written: the queue is full, or (not a case in
//     the kernel) the ring is smaller than the three WQEBBs of a REG_MR or the two of
//     a LOCAL_INV;
//   - -EINVAL, after bytes 8 to Fh of the WQE's place are written: a REG_MR
//     with SendInline, or with rights that the device cannot change by UMR;
//   - -ENOMEM, after the control and remote address segments are written:
//     SendInline with data. The model's QP has max_inline_data 0.
//
// A doorbell that goes with a refusal of the last two kinds carries the first 8
// bytes of the refused WQE's place, which still hold what they held.
//
// Faults reproduced: from the first REG_MR of a call on, every later work
// request of the call is fenced, and the first one of the next call; a REG_MR
// ignores SendFence; the WQE signature is always FFh; lists inline leave the
// rest of their 64 bytes unwritten.
func (qp *QP) PostSend(wrs []WR) PostResult {
	var p post
	p.qp, p.Ring, p.QPN, p.SigAll, p.WQSig = qp, qp.Ring, qp.QPN, qp.SigAll, qp.WQSig
	r := PostResult{BadWR: -1}
	at, begun := qp.CurPost, qp.CurPost
	// A REG_MR that check has nothing against goes past it.
	plain := qp.Ring != nil && p.Fits(maxRegMR) && qp.MaxPost == 0
	for ; r.NReq < len(wrs); r.NReq++ {
		wr := &wrs[r.NReq]
		var ds uint32
		if plain && wr.Op == OpRegMR && wr.MR != nil && len(wr.SGEs) == 0 {
			begun = at
			ds, r.Err = p.regMR(at, wr)
		} else if r.Err = p.check(wr, uint32(r.NReq)); r.Err == 0 {
			begun = at
			ds, r.Err = p.write(at, wr)
		}
		if r.Err != 0 {
			r.BadWR = r.NReq
			break
		}
		qp.NextFence = p.armed
		at += uint16((ds + 3) / 4)
	}
	if r.NReq > 0 {
		qp.Head += uint32(r.NReq)
		qp.CurPost, qp.DBRec = at, uint32(at)
		qp.Doorbell = [8]byte(sendq.At(qp.Ring, uint32(begun))[:])
		qp.Rings++
	}
	return r
}

// post is the state of one call.
type post struct {
	sendq.Post
	qp    *QP
	armed uint8 // fence that the WRs after a REG_MR get
}

// check refuses what is refused before anything is written.
func (p *post) check(wr *WR, nreq uint32) int {
	qp := p.qp
	switch {
	case qp.Ring == nil, len(wr.SGEs) > 0 && len(wr.SGEs) > p.maxGS(), wr.Op == OpRegMR && wr.MR == nil, wr.Op == 0, int(wr.Op) >= len(wqeOpcode):
		return errINVAL
	case qp.MaxPost != 0 && qp.Head-qp.Tail+nreq >= qp.MaxPost,
		wr.Op == OpRegMR && !p.Fits(maxRegMR),
		wr.Op == OpLocalInv && !p.Fits(mlx5model.UMRFixedDS):
		return errNOMEM
	}
	return 0
}

// maxRegMR is the units of a REG_MR at most.
const maxRegMR = mlx5model.UMRFixedDS + InlineThreshold/mlx5model.DSSize

// maxGS keeps a WQE within its 6-bit size and within the ring.
func (p *post) maxGS() int {
	n := int(min(mlx5model.MaxDS, p.qp.Ring.WQEBBs()*4)) - (mlx5model.CtrlSize+mlx5model.RaddrSize)/mlx5model.DSSize
	if p.qp.MaxGS > 0 {
		n = min(n, p.qp.MaxGS)
	}
	return n
}

// fence is the fence bits of a work request that is no REG_MR.
func (p *post) fence(wr *WR) uint8 {
	switch {
	case wr.Flags&SendFence == 0:
		return p.qp.NextFence
	case p.qp.NextFence != 0:
		return mlx5model.FenceSmallAndFull
	}
	return mlx5model.FenceFence
}

// imm is the last word of a control segment.
func (wr *WR) imm() uint32 {
	switch wr.Op {
	case OpRegMR, OpLocalInv, OpSendInv:
		return wr.Key
	case OpRDMAWriteImm, OpSendImm:
		return wr.Imm
	}
	return 0
}

// inlineMark is bit 31 of a data segment's byte count: the data follow.
// Authority: include/linux/mlx5/qp.h MLX5_INLINE_SEG.
const inlineMark = 1 << 31

// write writes a WQE at counter at and returns its units.
func (p *post) write(at uint16, wr *WR) (ds uint32, err int) {
	switch wr.Op {
	case OpRegMR:
		return p.regMR(at, wr)
	case OpLocalInv:
		return p.LocalInv(at, wr.Flags, p.fence(wr), wr.Key), 0
	}
	first := uint32(mlx5model.CtrlSize / mlx5model.DSSize)
	b := sendq.At(p.Ring, uint32(at))
	if wr.Op == OpRDMAWrite || wr.Op == OpRDMAWriteImm || wr.Op == OpRDMARead {
		sendq.PutRaddr(b, wr.RAddr, wr.RKey)
		first += mlx5model.RaddrSize / mlx5model.DSSize
	}
	op := wqeOpcode[wr.Op]
	if wr.Flags&SendInline == 0 || len(wr.SGEs) == 0 {
		return p.Transfer(at, op, first, wr.Flags, p.fence(wr), wr.imm(), wr.SGEs), 0
	}
	if wr.SGEs.Total() != 0 {
		p.Refuse(at, wr.Flags, wr.imm())
		return 0, errNOMEM
	}
	sendq.PutCtrl(b, sendq.Head(at, op, p.QPN, first+1), p.Flags(wr.Flags, p.fence(wr), wr.imm()))
	binary.BigEndian.PutUint32(b[first*mlx5model.DSSize:], inlineMark)
	return first + 1, 0
}
