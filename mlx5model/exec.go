package mlx5model

import (
	"encoding/binary"
	"fmt"
)

// WQEError says why a WQE failed. The completion carries Syndrome and, as
// vendor syndrome, Reason.
type WQEError struct {
	Syndrome Syndrome
	Reason   Reason
	Opcode   Opcode
	Index    uint16 // WQEBB counter of the WQE
	QPN      uint32
	Key      uint32 // the key of the WQE at fault, or 0
	Err      error  // an *AccessError, a decoding error or nil
}

func (e *WQEError) Error() string {
	s := fmt.Sprintf("qpn %#x WQE %d opcode %#02x: %v (syndrome %#02x)", e.QPN, e.Index, uint8(e.Opcode), e.Reason, uint8(e.Syndrome))
	if e.Key != 0 {
		s += fmt.Sprintf(", key %#x", e.Key)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *WQEError) Unwrap() error { return e.Err }

// Doorbell tells the device that the producer counter of qp is pi: it executes
// every WQE from the consumer counter up to pi in order. Counters count WQEBBs;
// pi may be the full counter or its low 16 bits.
//
// A peer that answers SynWait ends the batch before its WQE, which the next
// Doorbell or Step tries again.
//
// A WQE that fails completes with an error, takes the queue pair to QPError,
// and the WQEs behind it, like all later ones, complete with SynFlush. Checks
// of the frame come first: index, QPN, DS, opcode; all are SynLocalQPOp. A
// producer counter more than a ring ahead fails the whole batch. Flushed WQEs
// whose completion mode is CtrlCEFirst stay silent; so do successful ones
// unless their mode or SigAll asks for a completion.
func (d *Device) Doorbell(qp *QP, pi uint32) {
	if qp.state == QPGone {
		return
	}
	left := uint32(uint16(pi - qp.ci))
	if left > qp.cfg.SQ.WQEBBs() {
		if qp.state == QPReady {
			d.fail(qp, &Ctrl{Index: uint16(qp.ci)}, &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonOverrun})
		}
		qp.ci += left
		return
	}
	for left > 0 {
		n := d.step(qp, left)
		if n == 0 {
			return // the peer waits
		}
		qp.ci += n
		left -= n
	}
}

// step executes or flushes the WQE at the consumer counter and gives its
// length in WQEBBs, 1 to left, or 0 if the peer waits.
func (d *Device) step(qp *QP, left uint32) uint32 {
	d.signed = d.signed[:0]
	raw := d.raw[:CtrlSize]
	copy(raw, qp.cfg.SQ.At(qp.ci, 0))
	ctrl := ParseCtrl(raw)
	n := min(max(WQEBBs(ctrl.DS), 1), left)
	if qp.late != nil && qp.state == QPReady && qp.late.blocks(&ctrl) {
		d.Land(qp)
	}
	if qp.state == QPError {
		qp.flush(&ctrl, uint16(qp.ci))
		return n
	}
	bytes, err := d.frame(qp, &ctrl, left)
	if err == nil {
		bytes, err = d.execute(qp, d.raw[:bytes])
	}
	if err != nil {
		if err.Syndrome == SynWait {
			return 0
		}
		d.fail(qp, &ctrl, err)
		return n
	}
	if qp.late == nil || qp.late.at != qp.ci {
		qp.succeed(&ctrl, bytes)
	}
	return n
}

// succeed completes a WQE that was executed, if that is asked for.
func (q *QP) succeed(c *Ctrl, bytes int) {
	wants := q.cfg.SigAll || c.FmCeSe&CtrlCEMask >= CtrlCEAlways
	if wants || q.late != nil {
		q.complete(c, CQE{Opcode: CQERequester, ByteCount: uint32(bytes), Index: uint16(q.ci)}, wants)
	}
}

// flush completes a WQE of a queue pair in the error state.
func (q *QP) flush(c *Ctrl, index uint16) {
	if c.FmCeSe&CtrlCEMask != CtrlCEFirst {
		q.complete(c, CQE{Opcode: CQEReqErr, Syndrome: SynFlush, Index: index}, true)
	}
}

// frame checks the control segment, fetches the whole WQE into d.raw and gives
// its length in bytes.
func (d *Device) frame(qp *QP, c *Ctrl, left uint32) (int, *WQEError) {
	size := int(c.DS) * DSSize
	r := reasonNone
	switch {
	case c.Index != uint16(qp.ci):
		r = ReasonWQEIndex
	case c.QPN != qp.cfg.QPN:
		r = ReasonWQEQPN
	case c.DS == 0 || WQEBBs(c.DS) > left || size > d.p.MaxWQEBytes:
		r = ReasonWQESize
	case c.Opmod != 0:
		r = ReasonOpcode
	}
	if r != reasonNone {
		return 0, &WQEError{Syndrome: SynLocalQPOp, Reason: r}
	}
	qp.cfg.SQ.Read(qp.ci, 0, d.raw[:size])
	return size, nil
}

// execute carries out one WQE and gives the byte count of its completion.
func (d *Device) execute(qp *QP, raw []byte) (int, *WQEError) {
	if qp.cfg.Transport >= UD {
		raw = d.address(qp, raw)
	}
	w := &d.wqe
	if err := Decode(raw, w); err != nil {
		return 0, &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonWQESize, Err: err}
	}
	qp.fence(w.FmCeSe)
	switch w.Opcode {
	case OpNop:
		return 0, nil
	case OpUMR:
		if qp.putOff {
			d.putOffUMR(qp, w, raw)
			return 0, nil
		}
		return 0, d.umr(qp, w)
	case OpSetPSV:
		return 0, d.setPSV(w)
	case OpRDMAWrite, OpRDMARead:
		return d.rdma(qp, w)
	case OpRDMAWriteImm, OpSend, OpSendImm, OpSendInval:
		return 0, d.message(qp, w)
	case OpAtomicCS, OpAtomicFA:
		return d.atomic(qp, w)
	}
	return 0, &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonOpcode}
}

// fail completes the WQE with an error and takes the queue pair to QPError.
func (d *Device) fail(qp *QP, c *Ctrl, e *WQEError) {
	if qp.late != nil {
		if d.Land(qp); qp.state == QPError {
			qp.flush(c, uint16(qp.ci))
			return
		}
	}
	e.Opcode, e.Index, e.QPN = c.Opcode, uint16(qp.ci), qp.cfg.QPN
	qp.complete(c, CQE{Opcode: CQEReqErr, Syndrome: e.Syndrome, Vendor: uint8(e.Reason), Index: uint16(qp.ci)}, true)
	qp.state, qp.err, qp.pending = QPError, e, 0
}

// complete adds a completion; behind a late WQE it waits, and wants says whether
// it is one then.
func (q *QP) complete(c *Ctrl, e CQE, wants bool) {
	e.WQEOpcode, e.QPN, e.UIDX = c.Opcode, q.cfg.QPN, q.cfg.UIDX
	e.WantsEvent = c.FmCeSe&CtrlCEMask == CtrlCEEvent
	if q.late != nil {
		q.late.held = append(q.late.held, held{*c, e, wants})
		return
	}
	q.cqes = append(q.cqes, e)
}

// fence notes that the WQE waits for the UMRs before it, if its fence bits say
// so (include/linux/mlx5/qp.h MLX5_FENCE_MODE_*). FenceFence alone waits for
// RDMA READs and atomics only: with a UMR before it,
// drivers/infiniband/hw/mlx5/wr.c sends FenceSmallAndFull instead.
func (q *QP) fence(fmCeSe uint8) {
	if f := fmCeSe & FenceMask; f != FenceNone && f != FenceFence {
		q.pending = 0
	}
}

// changed notes that a UMR changed a key and no fence has followed yet. Beyond
// the table's size the oldest is forgotten.
func (q *QP) changed(index uint32) {
	if q.pending == len(q.unfenced) {
		q.pending = copy(q.unfenced[:], q.unfenced[1:])
	}
	q.unfenced[q.pending] = index
	q.pending++
}

// uses notes that the WQE under way goes through a key.
func (q *QP) uses(key uint32) {
	for _, index := range q.unfenced[:q.pending] {
		if index == KeyIndex(key) {
			q.ordering++
			q.lastNote = OrderingNote{WQE: uint16(q.ci), Key: key}
			return
		}
	}
}

// setPSV remembers the transient signature: be32 index, be16 syndrome, be16
// reserved, be64 transient signature behind the control segment. Authority:
// include/linux/mlx5/qp.h mlx5_seg_set_psv.
func (d *Device) setPSV(w *WQE) *WQEError {
	if len(w.Data) != 16 {
		return &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonWQESize}
	}
	index := binary.BigEndian.Uint32(w.Data)
	if _, ok := d.psvs[index]; !ok && len(d.psvs) >= d.p.MaxPSVs {
		return &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonPSVs}
	}
	d.psvs[index] = binary.BigEndian.Uint64(w.Data[8:])
	return nil
}
