package ofed

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
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
	var p post
	p.qp, p.Ring, p.QPN, p.SigAll, p.WQSig = q, q.Ring, q.QPN, q.SigAll, q.WQSig
	at, last := q.CurPost, q.CurPost
	r := PostResult{BadWR: -1}
	for ; r.NReq < len(wrs); r.NReq++ {
		var ds uint32
		if ds, r.Err = p.one(at, &wrs[r.NReq], uint32(r.NReq)); r.Err != 0 {
			r.BadWR = r.NReq
			break
		}
		last = at
		at += uint16((ds + 3) / 4)
	}
	if r.NReq > 0 {
		q.Head += uint32(r.NReq)
		q.CurPost, q.DBRec = at, uint32(at)
		q.Doorbell = [8]byte(sendq.At(q.Ring, uint32(last))[:])
	}
	return r
}

// post is the state of one call.
type post struct {
	sendq.Post
	qp    *QP
	armed uint8 // next_fence: the fence for requests after the current one
}

// one writes a WQE at counter at and returns its units.
func (p *post) one(at uint16, wr *WR, nreq uint32) (ds uint32, errno int) {
	if errno := p.check(wr, nreq); errno != 0 {
		return 0, errno
	}
	fence := getFence(p.qp.FMCache, wr)
	switch wr.Op {
	case OpRegIndirMR:
		if wr.Flags&SendInline != 0 || !wr.List.fill(wr.ListLen) {
			p.Refuse(at, wr.Flags, wr.Key)
			return 0, errINVAL
		}
		ds = p.regIndir(at, wr, fence)
		p.armed = mlx5model.FenceSmall
	case OpLocalInv:
		ds = p.LocalInv(at, wr.Flags, fence, wr.Key)
		p.armed = mlx5model.FenceSmall
	case OpRDMAWrite, OpRDMARead:
		sendq.PutRaddr(sendq.At(p.Ring, uint32(at)), wr.RAddr, wr.RKey)
		ds = p.Transfer(at, wqeOpcode[wr.Op], 2, wr.Flags, fence, 0, wr.SGEs)
	case OpSend:
		ds = p.Transfer(at, wqeOpcode[wr.Op], 1, wr.Flags, fence, 0, wr.SGEs)
	}
	p.qp.FMCache = p.armed
	return ds, 0
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
	if ds > mlx5model.MaxDS || !p.Fits(uint32(ds)) {
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
