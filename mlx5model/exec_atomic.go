package mlx5model

import "encoding/binary"

// AtomicPeer is a Peer that executes atomics on its 8 bytes behind rkey at
// raddr: fetch and add, or with OpAtomicCS compare and swap. It returns what
// was there before. Values are numbers in the peer's own byte order.
type AtomicPeer interface {
	Peer
	Atomic(op Opcode, rkey uint32, raddr, swapAdd, compare uint64) (before uint64, s Syndrome)
}

// AtomicSize is the length of an atomic's operand in bytes.
const AtomicSize = 8

// atomicFixed is what precedes an atomic's data segments.
const atomicFixed = RaddrSize + 16

// atomic executes an atomic WQE: raddr segment, be64 swap or add, be64
// compare, and where to put the 8 bytes that were there, in the host's byte
// order. Authority: include/linux/mlx5/qp.h mlx5_wqe_atomic_seg.
func (d *Device) atomic(qp *QP, w *WQE) (int, *WQEError) {
	peer, ok := qp.cfg.Peer.(AtomicPeer)
	if !ok {
		return 0, &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonOpcode}
	}
	if len(w.Data) < atomicFixed {
		return 0, &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonWQESize}
	}
	seg := w.Data
	rkey := binary.BigEndian.Uint32(seg[8:])
	w.Data = seg[atomicFixed:]
	mem, total, e := d.localSide(qp, w, LocalWrite)
	switch {
	case e != nil:
		return 0, e
	case total != AtomicSize:
		return 0, &WQEError{Syndrome: SynLocalLength, Reason: ReasonSegments}
	}
	before, s := peer.Atomic(w.Opcode, rkey, binary.BigEndian.Uint64(seg),
		binary.BigEndian.Uint64(seg[16:]), binary.BigEndian.Uint64(seg[24:]))
	if s != SynOK {
		return 0, &WQEError{Syndrome: s, Reason: ReasonPeer, Key: rkey}
	}
	if l := d.putOffData(qp, w, total); l != nil {
		binary.NativeEndian.PutUint64(l.bytes, before)
		return AtomicSize, nil
	}
	var b [AtomicSize]byte
	binary.NativeEndian.PutUint64(b[:], before)
	done := uint64(0)
	for _, x := range d.gather {
		if err := mem.Write(x.Addr, b[done:done+x.Len]); err != nil {
			return 0, &WQEError{Syndrome: SynLocalProt, Reason: ReasonHostMemory, Err: err}
		}
		done += x.Len
	}
	return AtomicSize, nil
}
