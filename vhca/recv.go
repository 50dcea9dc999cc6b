//go:build linux && (amd64 || arm64)

package vhca

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"sync/atomic"
	"syscall"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// recvQueue is a queue pair's own receive queue: count slots of 1<<shift
// bytes, each a list of data segments.
type recvQueue struct {
	buf    []byte
	stride int
	count  uint32
	db     uint64 // address of the producer counter
	ci     uint32 // 16 bits of it count
}

// posted is how many receives wait.
func (r *recvQueue) posted() uint32 {
	if r.count == 0 {
		return 0
	}
	return uint32(uint16(bits.ReverseBytes32(atomic.LoadUint32(wordAt(r.db))) - r.ci))
}

// head is the segments of the next receive and the number that its completion
// carries.
func (r *recvQueue) head() (segs []byte, index uint16) {
	at := int(r.ci&(r.count-1)) * r.stride
	return r.buf[at:][:r.stride], uint16(r.ci)
}

// SRQSpec describes a shared receive queue whose memory the library made.
type SRQSpec struct {
	PD     uint32
	CQ     uint32 // XRC: where its receives complete
	XRCD   uint32 // XRC: its domain, 0 otherwise
	Buf    uint64
	DB     uint64
	WRs    uint32 // a power of two
	SGEs   uint32
	Limit  uint32
	UIDX   uint32
	Handle uint64
	Async  int32
}

// srq is a shared receive queue: a linked list through the slots, whose next
// indexes the library keeps. Authority: include/linux/mlx5/qp.h
// mlx5_wqe_srq_next_seg.
type srq struct {
	n      uint32
	spec   SRQSpec
	buf    []byte
	stride int
	head   uint32
	taken  uint32 // 16 bits of it count
	cq     *cq
	uses   int
	limit  uint32 // 0 for none
	events uint32
}

const srqNext = 16 // bytes of a slot before its data segments

// CreateSRQ adds a shared receive queue and gives its number.
func (e *Engine) CreateSRQ(s SRQSpec) (uint32, error) {
	if e.pds[s.PD] == nil || s.WRs == 0 || s.WRs&(s.WRs-1) != 0 || s.WRs > 1<<15 || s.SGEs > 64 || s.Buf == 0 || s.DB == 0 || s.Limit > s.WRs {
		return 0, syscall.EINVAL
	}
	q := &srq{spec: s, limit: s.Limit, stride: 32}
	for q.stride < srqNext+int(s.SGEs)*mlx5model.DataSegSize {
		q.stride *= 2
	}
	if s.XRCD != 0 {
		if q.cq = e.cqs[s.CQ]; q.cq == nil || !e.xrcds[s.XRCD] {
			return 0, syscall.EINVAL
		}
		q.cq.uses++
	}
	q.buf = bytesAt(s.Buf, int(s.WRs)*q.stride)
	q.n = e.number(&e.nextSRQ, index24, func(n uint32) bool { return e.srqs[n] != nil })
	e.srqs[q.n] = q
	e.pds[s.PD].uses++
	return q.n, nil
}

// LimitSRQ arms the event that tells that fewer receives than limit wait.
func (e *Engine) LimitSRQ(n, limit uint32) error {
	q := e.srqs[n]
	if q == nil || limit > q.spec.WRs {
		return syscall.EINVAL
	}
	q.limit = limit
	e.checkLimit(q)
	return nil
}

// SRQLimit is the limit armed, 0 after its event.
func (e *Engine) SRQLimit(n uint32) (uint32, error) {
	if q := e.srqs[n]; q != nil {
		return q.limit, nil
	}
	return 0, syscall.EINVAL
}

func (e *Engine) checkLimit(q *srq) {
	if q.limit != 0 && q.posted() < q.limit {
		q.limit = 0
		e.async(&q.events, q.spec.Async, q.spec.Handle, eventSRQLimit)
	}
}

// DestroySRQ removes a shared receive queue and gives how many events it sent.
func (e *Engine) DestroySRQ(n uint32) (uint32, error) {
	q := e.srqs[n]
	switch {
	case q == nil:
		return 0, syscall.EINVAL
	case q.uses > 0:
		return 0, syscall.EBUSY
	}
	if q.cq != nil {
		q.cq.uses--
	}
	e.pds[q.spec.PD].uses--
	delete(e.srqs, n)
	return q.events, nil
}

func (q *srq) posted() uint32 {
	return uint32(uint16(bits.ReverseBytes32(atomic.LoadUint32(wordAt(q.spec.DB))) - q.taken))
}

func (q *srq) slot() []byte { return q.buf[int(q.head)*q.stride:][:q.stride] }

// sink is where a message's bytes go: a receive that was posted.
type sink struct {
	segs  []byte
	index uint16
	pd    uint32
	srq   *srq
	rq    *recvQueue
}

// next gives the next receive of a queue pair, without taking it.
func (q *qp) next() (s sink, ok bool) {
	if q.srq != nil {
		return q.srq.next()
	}
	if q.rq.posted() == 0 {
		return s, false
	}
	s.rq, s.pd = &q.rq, q.spec.PD
	s.segs, s.index = q.rq.head()
	return s, true
}

func (q *srq) next() (s sink, ok bool) {
	if q.posted() == 0 {
		return s, false
	}
	return sink{segs: q.slot()[srqNext:], index: uint16(q.head), pd: q.spec.PD, srq: q}, true
}

// take removes the receive from its queue.
func (e *Engine) take(s *sink) {
	if s.srq == nil {
		s.rq.ci++
		return
	}
	next := uint32(binary.BigEndian.Uint16(s.srq.slot()[2:]))
	s.srq.head = next & (s.srq.spec.WRs - 1)
	s.srq.taken++
	e.checkLimit(s.srq)
}

// errTooLong reports a message longer than the receive that it met.
var errTooLong = errors.New("message is longer than the receive")

// room translates the first need bytes of a receive into e.scatter. The list
// ends at a segment of InvalidLkey without length.
func (e *Engine) room(s *sink, qpn uint32, need uint64) error {
	e.scatter = e.scatter[:0]
	if e.c.Record != nil {
		e.c.Record.receive(e, s, qpn)
	}
	for segs := s.segs; need > 0; segs = segs[mlx5model.DataSegSize:] {
		if len(segs) < mlx5model.DataSegSize {
			return errTooLong
		}
		d := mlx5model.ParseDataSeg(segs)
		if d.ByteCount == 0 && d.Lkey == mlx5model.InvalidLkey {
			return errTooLong
		}
		n := min(uint64(d.ByteCount), need)
		var err error
		e.scatter, err = e.dev.Reach(e.scatter, mlx5model.Access{Op: mlx5model.ReceiveWrite, QPN: qpn, PD: s.pd, Key: d.Lkey, VA: d.Addr, Len: n})
		if err != nil {
			return err
		}
		need -= n
	}
	return nil
}

// after is the extents of x from offset off on, in e.tail.
func (e *Engine) after(x []sg.Extent, off uint64) []sg.Extent {
	e.tail = e.tail[:0]
	for _, p := range x {
		if off >= p.Len {
			off -= p.Len
			continue
		}
		e.tail = append(e.tail, sg.Extent{Addr: p.Addr + off, Len: p.Len - off})
		off = 0
	}
	return e.tail
}

func total(x []sg.Extent) (n uint64) {
	for i := range x {
		n += x[i].Len
	}
	return n
}
