package ofed

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Negative errnos that PostSend returns.
const (
	errNOMEM = -12 // ENOMEM
	errINVAL = -22 // EINVAL
)

// QP is a queue pair as far as posting sends goes. The first group is the
// caller's; the rest is state that PostSend keeps, which a caller may set
// beforehand.
type QP struct {
	Ring    *mlx5model.Ring
	QPN     uint32 // 24 bits
	PDN     uint32 // 24 bits; written to registrations, where no mask bit lets it act
	PALkey  uint32 // reserved key for DMA addresses: key of the lists
	SigAll  bool   // created with IB_SIGNAL_ALL_WR
	WQSig   bool   // WQE signatures enabled
	MaxPost uint32 // work requests outstanding; 0 means no limit

	CurPost  uint16  // producer counter, in WQEBBs
	FMCache  uint8   // fence pending for the next request
	Head     uint32  // work requests posted
	Tail     uint32  // work requests completed; the caller advances it
	DBRec    uint32  // doorbell record [SND], host byte order
	Doorbell [8]byte // last write to the UAR
}

// PostResult is what ib_post_send returned.
type PostResult struct {
	Err   int // 0 or a negative errno
	BadWR int // index of the refused work request, -1 if none
	NReq  int // work requests posted
}

// PostSend is one ib_post_send call on a chain of work requests. It stops at
// the first one that is refused; those before it are posted and the doorbell is
// rung for them. Refused are, before anything is written: an unknown Op
// (-EINVAL), more data than a WQE or the ring holds and a full queue (-ENOMEM);
// and after bytes 8 to Fh of the slot were written: a registration with
// SendInline or, which the driver would not notice, with a list that is missing
// or too small for ListLen (-EINVAL).
func (q *QP) PostSend(wrs []WR) PostResult {
	p := post{qp: q}
	r := PostResult{BadWR: -1}
	for ; r.NReq < len(wrs); r.NReq++ {
		if r.Err = p.one(&wrs[r.NReq], uint32(r.NReq)); r.Err != 0 {
			r.BadWR = r.NReq
			break
		}
	}
	if r.NReq > 0 {
		q.Head += uint32(r.NReq)
		q.DBRec = uint32(q.CurPost)
		copy(q.Doorbell[:], q.Ring.At(p.last, 0))
	}
	return r
}

// post is the state of one call.
type post struct {
	qp    *QP
	ctrl  uint32 // counter where the current WQE starts
	last  uint32 // counter of the last finished WQE
	ds    uint8
	armed uint8 // next_fence: the fence for requests after the current one
}

func (p *post) one(wr *WR, nreq uint32) int {
	if errno := p.check(wr, nreq); errno != 0 {
		return errno
	}
	fence := getFence(p.qp.FMCache, wr)
	p.begin(wr)
	switch wr.Op {
	case OpRegIndirMR:
		if errno := p.regIndir(wr); errno != 0 {
			return errno
		}
		p.armed = mlx5model.FenceSmall
	case OpLocalInv:
		p.localInv()
		p.armed = mlx5model.FenceSmall
	case OpRDMAWrite, OpRDMARead:
		b := p.seg()
		binary.BigEndian.PutUint64(b, wr.RAddr)
		binary.BigEndian.PutUint32(b[8:], wr.RKey)
		binary.BigEndian.PutUint32(b[12:], 0)
		p.data(wr)
	case OpSend:
		p.data(wr)
	}
	p.finish(wr, fence)
	return 0
}

func (p *post) check(wr *WR, nreq uint32) int {
	q := p.qp
	if wr.Op == 0 || wr.Op >= opEnd {
		return errINVAL
	}
	ds := uint64(mlx5model.UMRFixedDS + 1)
	if wr.Op != OpRegIndirMR && wr.Op != OpLocalInv {
		ds = 2 + uint64(len(wr.SGEs))
	}
	if ds > mlx5model.MaxDS || mlx5model.WQEBBs(uint8(ds)) > q.Ring.WQEBBs() {
		return errNOMEM
	}
	if q.MaxPost != 0 && q.Head-q.Tail+nreq >= q.MaxPost {
		return errNOMEM
	}
	return 0
}

// getFence is the fence of a request while pending is what the one before it
// left.
func getFence(pending uint8, wr *WR) uint8 {
	switch {
	case wr.Op == OpLocalInv && wr.Flags&SendFence != 0:
		return mlx5model.FenceStrong
	case pending != 0 && wr.Flags&SendFence != 0:
		return mlx5model.FenceSmallAndFull
	}
	return pending
}

// begin writes bytes 8 to Fh of the control segment.
func (p *post) begin(wr *WR) {
	q := p.qp
	p.ctrl, p.ds = uint32(q.CurPost), mlx5model.CtrlSize/mlx5model.DSSize
	var flags uint8
	if q.SigAll || wr.Flags&SendSignaled != 0 {
		flags |= mlx5model.CtrlCEAlways
	}
	if wr.Flags&SendSolicited != 0 {
		flags |= mlx5model.CtrlSolicited
	}
	var imm uint32
	if wr.Op == OpRegIndirMR || wr.Op == OpLocalInv {
		imm = wr.Key
	}
	b := q.Ring.At(p.ctrl, 0)
	binary.BigEndian.PutUint32(b[8:], uint32(flags))
	binary.BigEndian.PutUint32(b[12:], imm)
}

// finish writes bytes 0 to 7, the fence and the signature, and moves on.
func (p *post) finish(wr *WR, fence uint8) {
	q := p.qp
	b := q.Ring.At(p.ctrl, 0)
	binary.BigEndian.PutUint32(b, uint32(q.CurPost)<<8|uint32(wqeOpcode[wr.Op]))
	binary.BigEndian.PutUint32(b[4:], q.QPN<<8|uint32(p.ds))
	b[0x0b] |= fence
	if q.WQSig {
		b[8] = 0xff // the driver sums up an empty range
	}
	p.last = p.ctrl
	q.CurPost += uint16(mlx5model.WQEBBs(p.ds))
	q.FMCache = p.armed
}

// seg gives the next 16-byte unit of the WQE.
func (p *post) seg() []byte {
	b := p.qp.Ring.At(p.ctrl, int(p.ds)*mlx5model.DSSize)[:mlx5model.DSSize]
	p.ds++
	return b
}

// data writes the data segments.
func (p *post) data(wr *WR) {
	for i := range wr.SGEs {
		e := &wr.SGEs[i]
		if e.Len == 0 {
			continue
		}
		s := mlx5model.DataSeg{ByteCount: e.Len, Lkey: e.Lkey, Addr: e.Addr}
		s.Put(p.seg())
	}
}
