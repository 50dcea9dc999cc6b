package mlx5model

import "encoding/binary"

// Transport is a queue pair's service as far as the form of its WQEs goes.
type Transport uint8

// Transports. From UD on, WQEs that carry messages have an address segment
// behind the control segment.
const (
	RC  Transport = iota
	UC            // as RC; the peer decides what unreliable means
	UD            // 48 bytes of address vector
	XRC           // 16 bytes that name the shared receive queue
)

// Address segments. Authority: include/linux/mlx5/qp.h mlx5_wqe_datagram_seg,
// mlx5_wqe_xrc_seg.
const (
	AVSize  = 48
	XRCSize = 16
)

// XRCSRQN is the shared receive queue that an XRC segment names, 24 bits.
func XRCSRQN(dest []byte) uint32 { return binary.BigEndian.Uint32(dest) & 0xffffff }

// AV is an address vector.
//
//	+00  qkey            +08  bit 31 extended | destination QPN
//	+0C  static_rate_sl  fl_mlid  rlid
//	+1C  bit 30 GRH present, flow label        +20  destination GID
//
// Authority: include/linux/mlx5/qp.h mlx5_av.
type AV struct {
	QKey uint32
	QPN  uint32 // 24 bits
	GRH  bool
	LID  uint16
	GID  [16]byte
}

// ParseAV reads the 48 bytes of an address vector.
func ParseAV(b []byte) AV {
	b = b[:AVSize]
	return AV{
		QKey: binary.BigEndian.Uint32(b),
		QPN:  binary.BigEndian.Uint32(b[8:]) & 0xffffff,
		LID:  binary.BigEndian.Uint16(b[0xe:]),
		GRH:  b[0x1c]&0x40 != 0,
		GID:  [16]byte(b[0x20:]),
	}
}

// address takes the address segment out of a WQE that has one, into d.dest,
// and gives the WQE as it would be on a connected queue pair.
func (d *Device) address(qp *QP, raw []byte) []byte {
	d.dest = d.dest[:0]
	n := addressSize(raw, qp.cfg.Transport)
	if n == 0 {
		return raw
	}
	if len(raw) < CtrlSize+n {
		return raw[:0] // Decode refuses it
	}
	d.dest = append(d.dest, raw[CtrlSize:CtrlSize+n]...)
	return WithoutAddress(raw, qp.cfg.Transport)
}

// addressSize is the length of a WQE's address segment.
func addressSize(raw []byte, t Transport) int {
	switch Opcode(raw[3]) {
	case OpSend, OpSendImm, OpSendInval, OpRDMARead, OpRDMAWrite, OpRDMAWriteImm, OpAtomicCS, OpAtomicFA:
	default:
		return 0
	}
	switch t {
	case UD:
		return AVSize
	case XRC:
		return XRCSize
	}
	return 0
}

// WithoutAddress closes the gap that the address segment of a UD or XRC WQE
// leaves, in place, and mends its DS: what comes back can be decoded as a WQE
// of a connected queue pair. A WQE without one comes back as it is.
func WithoutAddress(raw []byte, t Transport) []byte {
	n := addressSize(raw, t)
	if n == 0 || len(raw) < CtrlSize+n || raw[7]&MaxDS < uint8((CtrlSize+n)/DSSize) {
		return raw
	}
	raw[7] -= uint8(n / DSSize)
	return raw[:CtrlSize+copy(raw[CtrlSize:], raw[CtrlSize+n:])]
}

// Step executes or flushes the WQE at the consumer counter of qp, if the
// producer counter pi is beyond it, as Doorbell does for all of them. It gives
// the WQEBBs it consumed: 0 if the queue is empty or the peer waits.
func (d *Device) Step(qp *QP, pi uint32) uint32 {
	left := uint32(uint16(pi - qp.ci))
	if qp.state == QPGone || left == 0 {
		return 0
	}
	if left > qp.cfg.SQ.WQEBBs() {
		d.Doorbell(qp, pi)
		return left
	}
	noted, last := qp.ordering, qp.lastNote
	n := d.step(qp, left)
	if n == 0 {
		qp.ordering, qp.lastNote = noted, last // it will be noted again
	}
	qp.ci += n
	return n
}

// Dest is the address segment of the WQE under way, for a Peer's Transfer and
// Atomic; Messages carry it themselves.
func (d *Device) Dest() []byte { return d.dest }

// SetPeer connects the queue pair to another end.
func (q *QP) SetPeer(p Peer) { q.cfg.Peer = p }

// Fail takes the queue pair to QPError, as a command or the responder's side
// does: WQEs behind the consumer counter will be flushed.
func (q *QP) Fail(err error) {
	if q.state == QPReady {
		q.flushLate()
		q.state, q.err, q.pending = QPError, err, 0
	}
}

// Inject fails the WQE at the consumer counter as if it had met syndrome s, if
// the producer counter pi is beyond it, and gives the WQEBBs it consumed.
func (d *Device) Inject(qp *QP, pi uint32, s Syndrome) uint32 {
	left := uint32(uint16(pi - qp.ci))
	if qp.state != QPReady || left == 0 {
		return 0
	}
	ctrl := ParseCtrl(qp.cfg.SQ.At(qp.ci, 0))
	d.fail(qp, &ctrl, &WQEError{Syndrome: s, Reason: ReasonPeer})
	n := min(max(WQEBBs(ctrl.DS), 1), left)
	qp.ci += n
	return n
}

// SQ is the send queue.
func (q *QP) SQ() *Ring { return q.cfg.SQ }
