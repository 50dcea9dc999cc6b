package mlx5model

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxLateBytes bounds what a READ fetches that lands late.
const MaxLateBytes = 64 << 10

// late is a WQE that has been executed as far as others can tell: its effect
// comes later.
type late struct {
	at    uint32 // its WQEBB counter
	ctrl  Ctrl
	raw   []byte // the WQE, without an address segment
	umr   bool   // its change of the key is to come, else its data are to land
	bytes []byte // what is to land
	held  []held // the WQEs behind it that were executed
}

// held is a WQE that cannot complete before the late one does.
type held struct {
	ctrl  Ctrl
	cqe   CQE
	wants bool // a completion, if it was executed well
}

// Read and Write make bytes a memory from address 0 on.
func (l *late) Read(addr uint64, p []byte) error {
	if addr > uint64(len(l.bytes)) || uint64(len(p)) > uint64(len(l.bytes))-addr {
		return errInlineRange
	}
	copy(p, l.bytes[addr:])
	return nil
}

func (l *late) Write(addr uint64, p []byte) error {
	if addr > uint64(len(l.bytes)) || uint64(len(p)) > uint64(len(l.bytes))-addr {
		return errInlineRange
	}
	copy(l.bytes[addr:], p)
	return nil
}

// StepLate is Step for a WQE that may take effect later than WQEs behind it: a
// UMR, whose change of the key waits, or an RDMA READ or atomic, whose data
// wait before they land; the responder has executed it. Until Land, WQEs behind
// it are executed, unless they have to wait for it:
//
//   - for a UMR, WQEs with a fence other than FenceFence, and UMRs and SET_PSVs;
//   - for a READ or atomic, WQEs with a fence other than FenceSmall, and all but
//     SENDs, RDMA WRITEs and NOPs.
//
// Completions stay in order: those of WQEs behind it wait. One WQE of a queue is
// late at a time; signatures, long READs and other opcodes are not put off. That
// the fences mean this is what drivers assume: the kernel puts FenceSmall on what
// follows a UMR (drivers/infiniband/hw/mlx5/wr.c mlx5_ib_post_send next_fence),
// and IB_SEND_FENCE, which waits for READs and atomics, is FenceFence, or
// FenceSmallAndFull with a UMR before it.
func (d *Device) StepLate(qp *QP, pi uint32) uint32 {
	qp.putOff = qp.late == nil
	n := d.Step(qp, pi)
	qp.putOff = false
	return n
}

// Late gives the 16-bit index of the WQE that has still to take effect.
func (q *QP) Late() (index uint16, ok bool) {
	if q.late == nil {
		return 0, false
	}
	return uint16(q.late.at), true
}

// LateBlocks reports whether the WQE at the consumer counter, which must be
// posted, has to wait for the late one: Step makes that land first.
func (d *Device) LateBlocks(qp *QP) bool {
	if qp.late == nil || qp.state != QPReady {
		return false
	}
	c := ParseCtrl(qp.cfg.SQ.At(qp.ci, 0))
	return qp.late.blocks(&c)
}

func (l *late) blocks(c *Ctrl) bool {
	fence := c.FmCeSe & FenceMask
	switch c.Opcode {
	case OpNop, OpSend, OpSendImm, OpSendInval, OpRDMAWrite, OpRDMAWriteImm:
	case OpRDMARead, OpAtomicCS, OpAtomicFA:
		if !l.umr {
			return true
		}
	default:
		return true
	}
	if l.umr {
		return fence != FenceNone && fence != FenceFence
	}
	return fence != FenceNone && fence != FenceSmall
}

// OnLand has f told before a late WQE takes effect, by Land or by a Step; what f
// gives is told afterwards, with the error or nil.
func (d *Device) OnLand(f func(qp *QP, index uint16, wqe []byte) func(err error)) { d.onLand = f }

// putOffUMR makes the UMR under way a late one.
func (d *Device) putOffUMR(qp *QP, w *WQE, raw []byte) {
	qp.late = &late{at: qp.ci, ctrl: w.Ctrl, raw: append([]byte(nil), raw...), umr: true}
	qp.uses(w.Imm)
	if w.HasPointer {
		qp.uses(w.Pointer.Lkey)
	}
	qp.changed(KeyIndex(w.Imm))
}

// putOffData makes the READ or atomic under way a late one, if that can be: it
// fetches n bytes into what it gives.
func (d *Device) putOffData(qp *QP, w *WQE, n uint64) *late {
	if !qp.putOff || n == 0 || n > MaxLateBytes || len(d.signed) > 0 {
		return nil
	}
	qp.late = &late{at: qp.ci, ctrl: w.Ctrl, raw: append([]byte(nil), d.raw[:int(d.wqe.DS)*DSSize]...), bytes: make([]byte, n)}
	return qp.late
}

// Land has the late WQE of a queue take effect, if there is one: it completes,
// and behind it the WQEs that waited for that. If it fails, they are flushed,
// though they were executed.
func (d *Device) Land(qp *QP) {
	l := qp.late
	if l == nil {
		return
	}
	qp.late = nil
	d.signed = d.signed[:0]
	done := func(error) {}
	if d.onLand != nil {
		done = d.onLand(qp, uint16(l.at), l.raw)
	}
	now, noted, last := qp.ci, qp.ordering, qp.lastNote
	qp.ci = l.at // it is the WQE under way
	err := d.takeEffect(qp, l)
	qp.ordering, qp.lastNote = noted, last // noted when it was put off
	if err != nil {
		d.fail(qp, &l.ctrl, err)
		done(err)
	} else {
		qp.succeed(&l.ctrl, len(l.bytes))
		done(nil)
	}
	qp.ci = now
	for i := range l.held {
		h := &l.held[i]
		if err != nil {
			qp.flush(&h.ctrl, h.cqe.Index)
		} else if h.wants {
			qp.cqes = append(qp.cqes, h.cqe)
		}
	}
}

func (d *Device) takeEffect(qp *QP, l *late) *WQEError {
	w := &d.wqe
	if err := Decode(l.raw, w); err != nil {
		return &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonWQESize, Err: err}
	}
	if l.umr {
		return d.umr(qp, w)
	}
	if w.Opcode != OpRDMARead {
		w.Data = w.Data[atomicFixed:]
	}
	d.gather = d.gather[:0]
	if _, err := d.segments(qp, w.Data, LocalWrite); err != nil {
		return err
	}
	n := uint64(len(l.bytes))
	if err := CopyExtents(d.gather, d.mem, []sg.Extent{{Len: n}}, l, make([]byte, min(n, copyChunk))); err != nil {
		return &WQEError{Syndrome: SynLocalProt, Reason: ReasonHostMemory, Err: fmt.Errorf("landing: %w", err)}
	}
	return nil
}

// flushLate flushes the late WQE and those that wait for it.
func (q *QP) flushLate() {
	l := q.late
	if l == nil {
		return
	}
	q.late = nil
	q.flush(&l.ctrl, uint16(l.at))
	for i := range l.held {
		q.flush(&l.held[i].ctrl, l.held[i].cqe.Index)
	}
}
