package mlx5model

import (
	"encoding/binary"
	"errors"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Peer is the other end of a reliable connection: what an RDMA WQE of a queue
// pair talks to. Transfer moves the message between the peer's memory behind
// rkey at raddr and the extents local of mem, in stream order: with write the
// peer takes the bytes of local, else it fills them. It returns SynOK or the
// syndrome with which the requester completes, normally SynRemoteAccess. local
// is valid only during the call.
type Peer interface {
	Transfer(write bool, rkey uint32, raddr uint64, local []sg.Extent, mem HostMemory) Syndrome
}

// Message is what a SEND or an RDMA WRITE with immediate delivers.
type Message struct {
	Opcode Opcode
	Imm    uint32 // immediate, or the key to invalidate for OpSendInval; as a number
	RKey   uint32 // OpRDMAWriteImm
	RAddr  uint64 // OpRDMAWriteImm
	Local  []sg.Extent
	Memory HostMemory // what Local refers to

	Solicited bool   // the WQE asks for a solicited event (CtrlSolicited)
	Dest      []byte // UD: the address vector, XRC: the XRC segment; valid during the call
}

// MessagePeer is a Peer that takes messages too. Without it SEND, SEND_INVAL
// and RDMA WRITE with immediate are not supported opcodes.
type MessagePeer interface {
	Peer
	Message(m Message) Syndrome
}

// errInlineRange reports an access outside a WQE's inline data.
var errInlineRange = errors.New("outside the WQE's inline data")

// inlineMemory is a WQE's inline data as memory from address 0 on.
type inlineMemory struct {
	buf [MaxDS * DSSize]byte
	n   uint64
}

func (m *inlineMemory) Read(addr uint64, p []byte) error {
	if addr > m.n || uint64(len(p)) > m.n-addr {
		return errInlineRange
	}
	copy(p, m.buf[addr:])
	return nil
}

func (m *inlineMemory) Write(uint64, []byte) error { return errInlineRange }

// inlineBit marks inline data in a data segment's byte_count:
// include/linux/mlx5/qp.h MLX5_INLINE_SEG.
const inlineBit = 1 << 31

// rdma executes an RDMA READ or WRITE and gives a READ's byte count.
func (d *Device) rdma(qp *QP, w *WQE) (int, *WQEError) {
	read := w.Opcode == OpRDMARead
	op := LocalRead
	if read {
		op = LocalWrite
	}
	mem, total, e := d.localSide(qp, w, op)
	if e != nil {
		return 0, e
	}
	if qp.cfg.Peer == nil {
		return 0, &WQEError{Syndrome: SynTransportRetry, Reason: ReasonNoPeer}
	}
	local, late := d.gather, false
	if read && qp.putOff {
		if l := d.putOffData(qp, w, total); l != nil {
			local, mem, late = []sg.Extent{{Len: total}}, l, true
		}
	}
	if s := qp.cfg.Peer.Transfer(!read, w.RKey, w.RAddr, local, mem); s != SynOK {
		if late {
			qp.late = nil
		}
		return 0, &WQEError{Syndrome: s, Reason: ReasonPeer, Key: w.RKey}
	}
	if !read {
		total = 0
	}
	return int(total), nil
}

func (d *Device) message(qp *QP, w *WQE) *WQEError {
	peer, ok := qp.cfg.Peer.(MessagePeer)
	if !ok {
		return &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonOpcode}
	}
	mem, _, e := d.localSide(qp, w, LocalRead)
	if e != nil {
		return e
	}
	m := Message{Opcode: w.Opcode, Imm: w.Imm, RKey: w.RKey, RAddr: w.RAddr, Local: d.gather, Memory: mem,
		Solicited: w.FmCeSe&CtrlSolicited != 0, Dest: d.dest}
	if s := peer.Message(m); s != SynOK {
		return &WQEError{Syndrome: s, Reason: ReasonPeer, Key: w.RKey}
	}
	return nil
}

// localSide translates a WQE's data segments into d.gather and gives the
// memory that it refers to and the message's length. A byte_count of 0 is 2^31
// bytes (drivers/infiniband/hw/mlx5/odp.c pagefault_data_segments). Inline data
// and pointers do not mix in one WQE, and an RDMA READ has no inline data.
func (d *Device) localSide(qp *QP, w *WQE, op Op) (HostMemory, uint64, *WQEError) {
	d.gather = d.gather[:0]
	if len(w.Data) > 0 && w.Data[0]&0x80 != 0 {
		total, ok := d.inlineData(w.Data)
		if !ok || op != LocalRead {
			return nil, 0, &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonSegments}
		}
		d.gather = sg.AppendExtent(d.gather, 0, total)
		return &d.inline, total, nil
	}
	total, e := d.segments(qp, w.Data, op)
	return d.mem, total, e
}

func (d *Device) segments(qp *QP, data []byte, op Op) (uint64, *WQEError) {
	var total uint64
	for ; len(data) > 0; data = data[DataSegSize:] {
		s := ParseDataSeg(data)
		if s.ByteCount&inlineBit != 0 {
			return 0, &WQEError{Syndrome: SynLocalQPOp, Reason: ReasonSegments}
		}
		n := uint64(s.ByteCount)
		if n == 0 {
			n = 1 << 31
		}
		if total += n; total > d.p.MaxMsgBytes {
			return 0, &WQEError{Syndrome: SynLocalLength, Reason: ReasonMsgBytes, Key: s.Lkey}
		}
		qp.uses(s.Lkey)
		var err error
		d.gather, err = d.Reach(d.gather, Access{Op: op, QPN: qp.cfg.QPN, PD: qp.cfg.PD, Key: s.Lkey, VA: s.Addr, Len: n})
		if err != nil {
			return 0, localError(s.Lkey, err)
		}
	}
	return total, nil
}

func localError(key uint32, err error) *WQEError {
	e := &WQEError{Syndrome: SynLocalProt, Reason: ReasonLocalKey, Key: key, Err: err}
	var a *AccessError
	if errors.As(err, &a) {
		e.Syndrome = a.Syndrome
	}
	return e
}

// inlineData gathers inline segments, each be32 inlineBit|length, the bytes,
// and padding up to 16. Authority: include/linux/mlx5/qp.h
// mlx5_wqe_inline_seg.
func (d *Device) inlineData(data []byte) (uint64, bool) {
	m := &d.inline
	m.n = 0
	for len(data) > 0 {
		head := binary.BigEndian.Uint32(data)
		n := uint64(head &^ inlineBit)
		if head&inlineBit == 0 || n > uint64(len(data)-4) {
			return 0, false
		}
		m.n += uint64(copy(m.buf[m.n:], data[4:4+n]))
		data = data[min(AlignUp(4+n, DSSize), uint64(len(data))):]
	}
	return m.n, true
}

// Responder is a Peer that is a queue pair of a Device: remote keys are looked
// up there, and bytes move between the two memories. A Device may be connected
// to itself.
type Responder struct {
	Dev *Device
	QPN uint32
	PD  uint32

	ext []sg.Extent
	buf []byte
	err error
}

// Err is why the last Transfer failed, nil if it did not.
func (r *Responder) Err() error { return r.err }

const copyChunk = 64 << 10

// Transfer implements Peer. The whole remote range is translated before a byte
// moves. Bytes are copied in stream order in pieces of at most 64 KiB, so that
// overlapping memories see each piece read before it is written.
func (r *Responder) Transfer(write bool, rkey uint32, raddr uint64, local []sg.Extent, mem HostMemory) Syndrome {
	op := RemoteRead
	if write {
		op = RemoteWrite
	}
	var n uint64
	for _, e := range local {
		n += e.Len
	}
	r.ext, r.err = r.Dev.Translate(r.ext[:0], Access{Op: op, QPN: r.QPN, PD: r.PD, Key: rkey, VA: raddr, Len: n})
	if r.err != nil {
		return r.Dev.p.SynKeyRemote
	}
	if write {
		r.err = r.copyExtents(r.ext, r.Dev.mem, local, mem)
	} else {
		r.err = r.copyExtents(local, mem, r.ext, r.Dev.mem)
	}
	if r.err != nil {
		return SynRemoteOp
	}
	return SynOK
}

// copyExtents copies a byte stream between two lists of extents of one length.
func (r *Responder) copyExtents(dst []sg.Extent, to HostMemory, src []sg.Extent, from HostMemory) error {
	if r.buf == nil {
		r.buf = make([]byte, copyChunk)
	}
	return CopyExtents(dst, to, src, from, r.buf)
}

// CopyExtents copies a byte stream between two lists of extents of one length,
// by way of buf in pieces of at most its length, or directly where both are in
// one Copier.
func CopyExtents(dst []sg.Extent, to HostMemory, src []sg.Extent, from HostMemory, buf []byte) error {
	if c, ok := to.(Copier); ok && from == to {
		return c.CopyExtents(dst, src)
	}
	var di, si int
	var doff, soff uint64
	for di < len(dst) && si < len(src) {
		n := min(dst[di].Len-doff, src[si].Len-soff, uint64(len(buf)))
		p := buf[:n]
		if err := from.Read(src[si].Addr+soff, p); err != nil {
			return err
		}
		if err := to.Write(dst[di].Addr+doff, p); err != nil {
			return err
		}
		if doff += n; doff == dst[di].Len {
			di, doff = di+1, 0
		}
		if soff += n; soff == src[si].Len {
			si, soff = si+1, 0
		}
	}
	return nil
}
