package linux

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
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
//   - -ENOMEM, before anything is written: the queue is full;
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
	p := post{qp: qp}
	r := PostResult{BadWR: -1}
	for ; r.NReq < len(wrs); r.NReq++ {
		if r.Err = p.one(&wrs[r.NReq], uint32(r.NReq)); r.Err != 0 {
			r.BadWR = r.NReq
			break
		}
	}
	if r.NReq > 0 {
		qp.Head += uint32(r.NReq)
		qp.DBRec = uint32(qp.CurPost)
		copy(qp.Doorbell[:], qp.Ring.At(p.ctrl, 0))
		qp.Rings++
	}
	return r
}

// post is the state of one call.
type post struct {
	qp    *QP
	ctrl  uint32 // counter of the WQE whose control segment was begun last
	ds    uint8  // its size so far
	armed uint8  // fence that the WRs after a REG_MR get
}

// one writes one WQE.
func (p *post) one(wr *WR, nreq uint32) int {
	if err := p.check(wr, nreq); err != 0 {
		return err
	}
	p.begin(wr)
	fence := p.fence(wr)
	var err int
	switch wr.Op {
	case OpRegMR:
		err = p.regMR(wr)
	case OpLocalInv:
		p.localInv(wr)
	case OpRDMAWrite, OpRDMAWriteImm, OpRDMARead:
		p.raddr(wr)
		err = p.data(wr)
	default:
		err = p.data(wr)
	}
	if err != 0 {
		return err
	}
	p.qp.NextFence = p.armed
	p.finish(wr, fence)
	return 0
}

func (p *post) check(wr *WR, nreq uint32) int {
	qp := p.qp
	if qp.Ring == nil || wr.Op == 0 || int(wr.Op) >= len(wqeOpcode) || len(wr.SGEs) > p.maxGS() || wr.Op == OpRegMR && wr.MR == nil {
		return errINVAL
	}
	if qp.MaxPost != 0 && qp.Head-qp.Tail+nreq >= qp.MaxPost {
		return errNOMEM
	}
	return 0
}

// maxGS keeps a WQE within its 6-bit size and within the ring.
func (p *post) maxGS() int {
	n := int(min(mlx5model.MaxDS, p.qp.Ring.WQEBBs()*4)) - (mlx5model.CtrlSize+mlx5model.RaddrSize)/mlx5model.DSSize
	if p.qp.MaxGS > 0 {
		n = min(n, p.qp.MaxGS)
	}
	return n
}

// begin writes bytes 8 to Fh of the control segment (mlx5r_begin_wqe).
func (p *post) begin(wr *WR) {
	qp := p.qp
	p.ctrl, p.ds = uint32(qp.CurPost), mlx5model.CtrlSize/mlx5model.DSSize
	var flags uint8
	if qp.SigAll || wr.Flags&SendSignaled != 0 {
		flags |= mlx5model.CtrlCEAlways
	}
	if wr.Flags&SendSolicited != 0 {
		flags |= mlx5model.CtrlSolicited
	}
	var imm uint32
	switch wr.Op {
	case OpRegMR, OpLocalInv, OpSendInv:
		imm = wr.Key
	case OpRDMAWriteImm, OpSendImm:
		imm = wr.Imm
	}
	b := qp.Ring.At(p.ctrl, 0)
	binary.BigEndian.PutUint32(b[8:], uint32(flags))
	binary.BigEndian.PutUint32(b[12:], imm)
}

// fence decides the fence bits and arms the fence of later work requests.
func (p *post) fence(wr *WR) uint8 {
	switch {
	case wr.Op == OpRegMR:
		p.armed = mlx5model.FenceSmall
		return p.qp.UMRFence
	case wr.Flags&SendFence == 0:
		return p.qp.NextFence
	case p.qp.NextFence != 0:
		return mlx5model.FenceSmallAndFull
	}
	return mlx5model.FenceFence
}

// finish writes bytes 0 to 7, the fence and the signature, and moves on
// (mlx5r_finish_wqe).
func (p *post) finish(wr *WR, fence uint8) {
	qp := p.qp
	b := qp.Ring.At(p.ctrl, 0)
	binary.BigEndian.PutUint32(b, uint32(qp.CurPost)<<8|uint32(wqeOpcode[wr.Op]))
	binary.BigEndian.PutUint32(b[4:], qp.QPN<<8|uint32(p.ds))
	b[11] |= fence
	if qp.WQSig {
		// The driver takes the length from the signature byte itself, which
		// is 0, and so complements an empty sum (wr.c wq_sig).
		b[8] = 0xff
	}
	qp.CurPost += uint16(mlx5model.WQEBBs(p.ds))
}

// seg gives the next 16-byte unit of the WQE.
func (p *post) seg() []byte {
	b := p.qp.Ring.At(p.ctrl, int(p.ds)*mlx5model.DSSize)[:mlx5model.DSSize]
	p.ds++
	return b
}

func (p *post) raddr(wr *WR) {
	b := p.seg()
	binary.BigEndian.PutUint64(b, wr.RAddr)
	binary.BigEndian.PutUint32(b[8:], wr.RKey)
	binary.BigEndian.PutUint32(b[12:], 0)
}

// inlineMark is bit 31 of a data segment's byte count: the data follow.
// Authority: include/linux/mlx5/qp.h MLX5_INLINE_SEG.
const inlineMark = 1 << 31

// data writes the data segments.
func (p *post) data(wr *WR) int {
	if wr.Flags&SendInline != 0 && len(wr.SGEs) > 0 {
		if wr.SGEs.Total() != 0 {
			return errNOMEM
		}
		binary.BigEndian.PutUint32(p.seg(), inlineMark)
		return 0
	}
	for i := range wr.SGEs {
		e := &wr.SGEs[i]
		if e.Len == 0 {
			continue
		}
		s := mlx5model.DataSeg{ByteCount: e.Len, Lkey: e.Lkey, Addr: e.Addr}
		s.Put(p.seg())
	}
	return 0
}
