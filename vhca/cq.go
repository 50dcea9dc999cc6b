//go:build linux && (amd64 || arm64)

package vhca

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
	"syscall"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// CQSpec describes a completion queue whose memory the library made.
type CQSpec struct {
	Buf     uint64 // address of the entries
	DB      uint64 // address of the two doorbell words: consumer index, arm
	Entries uint32 // a power of two
	Size    uint32 // bytes of an entry, 64 or 128
	Handle  uint64 // what events carry
	Channel int32  // where completion events are written, or -1
	Async   int32  // where asynchronous events are written, or -1
}

// cq is a completion queue.
type cq struct {
	n    uint32
	spec CQSpec
	buf  []byte
	pi   uint32 // 24 bits of it count
	bad  bool   // it overran
	uses int    // queue pairs and SRQs that complete here

	armed         bool
	solicitedOnly bool
	solicited     uint32 // pi behind the last solicited or failed completion
	fired         uint32 // completion events sent
	events        uint32 // asynchronous events sent
}

const index24 = 1<<24 - 1

// CreateCQ adds a completion queue and gives its number.
func (e *Engine) CreateCQ(s CQSpec) (uint32, error) {
	if s.Entries == 0 || s.Entries&(s.Entries-1) != 0 || s.Entries > maxCQEs || s.Size != 64 && s.Size != 128 || s.Buf == 0 || s.DB == 0 {
		return 0, syscall.EINVAL
	}
	n := e.number(&e.nextCQ, index24, func(n uint32) bool { return e.cqs[n] != nil })
	c := &cq{n: n, spec: s}
	c.buf = bytesAt(s.Buf, int(s.Entries*s.Size))
	e.cqs[n] = c
	return n, nil
}

// DestroyCQ removes a completion queue, gives how many completion and
// asynchronous events it sent, and fails while something completes there.
func (e *Engine) DestroyCQ(n uint32) (completion, asynchronous uint32, err error) {
	c := e.cqs[n]
	switch {
	case c == nil:
		return 0, 0, syscall.EINVAL
	case c.uses > 0:
		return 0, 0, syscall.EBUSY
	}
	delete(e.cqs, n)
	return c.fired, c.events, nil
}

// ResizeCQ moves a completion queue to other memory. What the user has not
// read stays in the old one, with a completion behind it that says so; the
// library copies.
func (e *Engine) ResizeCQ(n uint32, buf uint64, entries, size uint32) error {
	c := e.cqs[n]
	if c == nil || buf == 0 || entries == 0 || entries&(entries-1) != 0 || entries > maxCQEs || size != 64 && size != 128 {
		return syscall.EINVAL
	}
	if c.unread() >= min(entries, c.spec.Entries) {
		return syscall.EINVAL
	}
	c.put(&mlx5model.CQE{Opcode: mlx5model.CQEResize}, nil)
	c.spec.Buf, c.spec.Entries, c.spec.Size = buf, entries, size
	c.buf = bytesAt(buf, int(entries*size))
	return nil
}

// unread is how many completions the user has not taken.
func (c *cq) unread() uint32 {
	ci := bits.ReverseBytes32(atomic.LoadUint32(wordAt(c.spec.DB)))
	return (c.pi - ci) & index24
}

// receive is what a responder's completion says beside a CQE's fields.
type receive struct {
	src uint32 // source QPN
	grh bool
}

// put writes a completion to the next slot; the last word goes last.
func (c *cq) put(e *mlx5model.CQE, r *receive) {
	var b [mlx5model.CQESize]byte
	e.Put(b[:])
	if r != nil {
		// flags_rqpn: bits 29:28 say GRH, 23:0 are the source QPN; slid.
		// Authority: include/linux/mlx5/device.h struct mlx5_cqe64.
		word := r.src & index24
		if r.grh {
			word |= 1 << 28
		}
		binary.BigEndian.PutUint32(b[0x18:], word)
		binary.BigEndian.PutUint16(b[0x16:], portLID)
	}
	if !e.Failed() && e.Sig == nil {
		binary.BigEndian.PutUint64(b[0x30:], uint64(clock()))
	}
	log := bits.TrailingZeros32(c.spec.Entries)
	b[0x3f] |= uint8(c.pi>>log) & 1
	slot := int(c.pi&(c.spec.Entries-1))*int(c.spec.Size) + int(c.spec.Size) - mlx5model.CQESize
	dst := c.buf[slot:][:mlx5model.CQESize]
	copy(dst[:0x3c], b[:])
	atomic.StoreUint32(wordOf(dst[0x3c:]), binary.NativeEndian.Uint32(b[0x3c:]))
	c.pi++
}

// push completes something: a completion, and an event if the user waits for
// one. A queue without room stops, as a device's does, and says so.
func (e *Engine) push(c *cq, x *mlx5model.CQE, r *receive) {
	if c == nil || c.bad {
		return
	}
	if c.unread() >= c.spec.Entries {
		c.bad = true
		e.stats.overruns++
		e.async(&c.events, c.spec.Async, c.spec.Handle, eventCQErr)
		return
	}
	c.put(x, r)
	e.stats.completions++
	if x.Solicited || x.Failed() {
		c.solicited = c.pi
	}
	if c.armed && (!c.solicitedOnly || c.solicited == c.pi) {
		e.fire(c)
	}
}

// Arm takes what the user wrote to the arm word: the consumer index up to
// which it has seen completions, and whether only solicited ones count.
// Authority: providers/mlx5/cq.c mlx5_arm_cq.
func (e *Engine) Arm(n, word uint32) {
	c := e.cqs[n]
	if c == nil {
		return
	}
	c.armed, c.solicitedOnly = true, word&(1<<24) != 0
	seen := word & index24
	last := c.pi
	if c.solicitedOnly {
		last = c.solicited
	}
	if ahead := (last - seen) & index24; ahead != 0 && ahead <= (c.pi-seen)&index24 {
		e.fire(c)
	}
}

func (e *Engine) fire(c *cq) {
	c.armed = false
	if c.spec.Channel < 0 {
		return
	}
	var rec [8]byte // struct ib_uverbs_comp_event_desc
	binary.NativeEndian.PutUint64(rec[:], c.spec.Handle)
	c.fired++
	e.post(c.spec.Channel, rec[:])
}

// async sends an asynchronous event: struct ib_uverbs_async_event_desc.
func (e *Engine) async(count *uint32, fd int32, handle uint64, kind uint32) {
	if fd < 0 {
		return
	}
	var rec [16]byte
	binary.NativeEndian.PutUint64(rec[:], handle)
	binary.NativeEndian.PutUint32(rec[8:], kind)
	*count++
	e.post(fd, rec[:])
}

// EventsGone has no event written to fd from now on: it is closed, and its
// number will be that of something else.
func (e *Engine) EventsGone(fd int32) {
	forget := func(at *int32) {
		if *at == fd {
			*at = -1
		}
	}
	for _, c := range e.cqs {
		forget(&c.spec.Channel)
		forget(&c.spec.Async)
	}
	for _, s := range e.srqs {
		forget(&s.spec.Async)
	}
	for _, q := range e.qps {
		forget(&q.spec.Async)
	}
}

// Asynchronous events. Authority: infiniband/verbs.h enum ibv_event_type.
const (
	eventCQErr    = 0
	eventAccess   = 3
	eventDrained  = 5
	eventSRQLimit = 15
	eventLastWQE  = 16
)
