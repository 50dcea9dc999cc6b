//go:build linux && (amd64 || arm64)

package vhca

import (
	"errors"
	"syscall"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// QPType is a queue pair's service. Authority: rdma/ib_user_ioctl_verbs.h enum
// ib_uverbs_qp_type.
type QPType uint8

// Queue pair types.
const (
	RC     QPType = 2
	UC     QPType = 3
	UD     QPType = 4
	XRCIni QPType = 9  // sends only
	XRCTgt QPType = 10 // receives only, through shared receive queues
)

// State is a queue pair's. Authority: infiniband/verbs.h enum ibv_qp_state.
type State uint8

// States.
const (
	Reset State = iota
	Init
	RTR
	RTS
	SQD
	SQE
	Err
)

// QPSpec describes a queue pair whose memory the library made.
type QPSpec struct {
	Type     QPType
	PD       uint32 // not for XRCTgt
	XRCD     uint32 // XRCTgt
	SendCQ   uint32
	RecvCQ   uint32
	SRQ      uint32 // 0 for none
	SQ       uint64 // address
	SQWQEBBs uint32 // a power of two, or 0
	RQ       uint64 // address
	RQCount  uint32 // slots, a power of two, or 0
	RQShift  uint32 // log2 of a slot's bytes
	DB       uint64 // address of the two counters: receive, send
	SigAll   bool
	UIDX     uint32
	Handle   uint64
	Async    int32
}

// Attr are the attributes that count here; Mask says which are given.
// Authority: infiniband/verbs.h enum ibv_qp_attr_mask.
type Attr struct {
	Mask     uint32
	State    State
	CurState State
	Access   uint32 // as for a registration
	QKey     uint32
	DestQPN  uint32
	Timeout  uint8 // 4.096 µs << Timeout, 0 for never
	Retries  uint8
	RNR      uint8 // 7 for ever
	MinRNR   uint8 // index into the table of RNR delays
	Notify   bool  // an event when the send queue has drained
}

// Bits of Attr.Mask.
const (
	attrState    = 1 << 0
	attrCurState = 1 << 1
	attrNotify   = 1 << 2
	attrAccess   = 1 << 3
	attrPKey     = 1 << 4
	attrPort     = 1 << 5
	attrQKey     = 1 << 6
	attrAV       = 1 << 7
	attrMTU      = 1 << 8
	attrTimeout  = 1 << 9
	attrRetries  = 1 << 10
	attrRNR      = 1 << 11
	attrRQPSN    = 1 << 12
	attrRdAtomic = 1 << 13
	attrMinRNR   = 1 << 15
	attrSQPSN    = 1 << 16
	attrDestRd   = 1 << 17
	attrDest     = 1 << 20
)

// qp is a queue pair: the device's send side, and what the device lacks.
type qp struct {
	n      uint32
	spec   QPSpec
	dev    *mlx5model.QP
	sendCQ *cq
	recvCQ *cq
	srq    *srq
	rq     recvQueue
	state  State
	attr   Attr
	events uint32
	peer   *peer
	drain  bool // a signature error stops the send queue

	deadline int64 // when the wait of the WQE at the head ends, 0 for no wait
	why      mlx5model.Syndrome
	noted    uint64 // ordering notes of the device that were reported
	delayed  int64  // injected: nothing executes before
	putOff   bool   // injected: the WQE at the head takes effect late
	landBy   int64  // when a late WQE takes effect, 0 for none
}

// CreateQP adds a queue pair in state Reset and gives its number.
func (e *Engine) CreateQP(s QPSpec) (uint32, error) {
	q := &qp{spec: s, sendCQ: e.cqs[s.SendCQ], recvCQ: e.cqs[s.RecvCQ]}
	if err := e.checkQP(q); err != nil {
		return 0, err
	}
	sq := make([]byte, mlx5model.WQEBBSize) // a queue pair without one never rings
	if s.SQWQEBBs != 0 {
		sq = bytesAt(s.SQ, int(s.SQWQEBBs)*mlx5model.WQEBBSize)
	}
	ring, err := mlx5model.WrapRing(sq)
	if err != nil {
		return 0, syscall.EINVAL
	}
	slot := e.c.Slot << 16
	q.n = slot | e.number(&e.nextQP, 0xffff, func(n uint32) bool { return e.qps[slot|n] != nil })
	if s.RQCount != 0 {
		q.rq = recvQueue{buf: bytesAt(s.RQ, int(s.RQCount)<<s.RQShift), stride: 1 << s.RQShift, count: s.RQCount, db: s.DB}
	}
	q.peer = &peer{e: e, q: q}
	q.dev, err = e.dev.CreateQP(mlx5model.QPConfig{QPN: q.n, PD: s.PD, SQ: ring, Peer: q.peer, SigAll: s.SigAll,
		UIDX: s.UIDX, Transport: transports[s.Type]})
	if err != nil {
		return 0, errnoOf(err)
	}
	e.qps[q.n] = q
	e.hold(q, 1)
	return q.n, nil
}

var transports = map[QPType]mlx5model.Transport{
	RC: mlx5model.RC, UC: mlx5model.UC, UD: mlx5model.UD, XRCIni: mlx5model.XRC, XRCTgt: mlx5model.RC,
}

func (e *Engine) checkQP(q *qp) error {
	s := &q.spec
	_, known := transports[s.Type]
	switch {
	case !known:
		return syscall.EOPNOTSUPP
	case s.Type == XRCTgt && !e.xrcds[s.XRCD], s.Type != XRCTgt && e.pds[s.PD] == nil,
		s.Type != XRCTgt && q.sendCQ == nil, s.DB == 0 && s.Type != XRCTgt,
		s.RQCount&(s.RQCount-1) != 0, s.RQCount > 1<<15, s.RQCount != 0 && (s.RQShift < 4 || s.RQShift > 12),
		s.RQCount != 0 && q.recvCQ == nil:
		return syscall.EINVAL
	}
	if s.SRQ != 0 {
		if q.srq = e.srqs[s.SRQ]; q.srq == nil || q.recvCQ == nil {
			return syscall.EINVAL
		}
	}
	return nil
}

// hold counts the queue pair's uses of other objects up or down.
func (e *Engine) hold(q *qp, by int) {
	if p := e.pds[q.spec.PD]; p != nil {
		p.uses += by
	}
	if q.sendCQ != nil {
		q.sendCQ.uses += by
	}
	if q.recvCQ != nil {
		q.recvCQ.uses += by
	}
	if q.srq != nil {
		q.srq.uses += by
	}
}

// DestroyQP removes a queue pair and gives how many events it sent.
func (e *Engine) DestroyQP(n uint32) (uint32, error) {
	q := e.qps[n]
	if q == nil {
		return 0, syscall.EINVAL
	}
	e.hold(q, -1)
	delete(e.qps, n)
	delete(e.restless, q)
	return q.events, e.dev.DestroyQP(n)
}

// ModifyQP changes attributes and the state. Errors are EINVAL and leave the
// queue pair as it was.
func (e *Engine) ModifyQP(n uint32, a Attr) error {
	q := e.qps[n]
	if q == nil {
		return syscall.EINVAL
	}
	to := q.state
	if a.Mask&attrState != 0 {
		to = a.State
	}
	if a.Mask&attrCurState != 0 && a.CurState != q.state || !allowed(q.spec.Type, q.state, to, a.Mask) {
		return syscall.EINVAL
	}
	q.attr.set(&a)
	e.enter(q, to)
	return nil
}

func (a *Attr) set(from *Attr) {
	if from.Mask&attrAccess != 0 {
		a.Access = from.Access
	}
	if from.Mask&attrQKey != 0 {
		a.QKey = from.QKey
	}
	if from.Mask&attrDest != 0 {
		a.DestQPN = from.DestQPN
	}
	if from.Mask&attrTimeout != 0 {
		a.Timeout = from.Timeout
	}
	if from.Mask&attrRetries != 0 {
		a.Retries = from.Retries
	}
	if from.Mask&attrRNR != 0 {
		a.RNR = from.RNR
	}
	if from.Mask&attrMinRNR != 0 {
		a.MinRNR = from.MinRNR
	}
	a.Notify = from.Mask&attrNotify != 0 && from.Notify
}

// errModified is why a queue pair that was told to is in the error state.
var errModified = errors.New("the program took the queue pair to the error state")

// enter changes the state and does what follows from it.
func (e *Engine) enter(q *qp, to State) {
	from := q.state
	q.state = to
	switch to {
	case Reset:
		q.dev.Recover(0)
		q.dev.ClearCompletions()
		q.rq.ci, q.deadline, q.attr, q.drain = 0, 0, Attr{}, false
		q.delayed, q.putOff, q.landBy = 0, false, 0
		delete(e.restless, q)
		return
	case Err:
		if from != Err {
			q.state = from
			e.broken(q, errModified)
		}
	case SQD:
		e.land(q)
		e.drained(q)
	}
	e.run(q)
}

func (e *Engine) drained(q *qp) {
	if q.attr.Notify {
		e.async(&q.events, q.spec.Async, q.spec.Handle, eventDrained)
	}
}

// QPState is the state as ibv_query_qp tells it.
func (e *Engine) QPState(n uint32) (State, error) {
	if q := e.qps[n]; q != nil {
		return q.state, nil
	}
	return 0, syscall.EINVAL
}

// allowed tells whether a transition is one, with the attributes it needs.
// Authority: drivers/infiniband/core/verbs.c qp_state_table.
func allowed(t QPType, from, to State, mask uint32) bool {
	if to == Reset || to == Err {
		return true
	}
	need := uint32(0)
	connected := t != UD
	reliable := t == RC || t == XRCIni || t == XRCTgt
	responds := t == RC || t == XRCTgt
	switch [2]State{from, to} {
	case [2]State{Reset, Init}:
		need = attrPKey | attrPort | attrAccess
		if !connected {
			need = attrPKey | attrPort | attrQKey
		}
	case [2]State{Init, RTR}:
		if connected {
			need = attrAV | attrMTU | attrDest | attrRQPSN
		}
		if responds {
			need |= attrDestRd | attrMinRNR
		}
	case [2]State{RTR, RTS}:
		need = attrSQPSN
		if reliable {
			need |= attrTimeout
		}
		if t == RC || t == XRCIni {
			need |= attrRetries | attrRNR | attrRdAtomic
		}
	case [2]State{Init, Init}, [2]State{RTS, RTS}, [2]State{RTS, SQD}, [2]State{SQD, SQD}, [2]State{SQD, RTS}, [2]State{SQE, RTS}:
	default:
		return false
	}
	return mask&need == need
}
