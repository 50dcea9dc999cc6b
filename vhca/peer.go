//go:build linux && (amd64 || arm64)

package vhca

import (
	"encoding/binary"
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// peer is the other end of a queue pair: whatever its attributes, or the
// WQE's address, name when a WQE executes.
type peer struct {
	e *Engine
	q *qp // of another process: its number, type and destination only

	foreign bool   // q is of another process
	dest    []byte // then, its WQE's address segment
}

// address is the address segment of the WQE under way.
func (p *peer) address() []byte {
	if p.foreign {
		return p.dest
	}
	return p.e.dev.Dest()
}

func (p *peer) reliable() bool { return p.q.spec.Type == RC || p.q.spec.Type == XRCIni }

// settle is the syndrome that the requester sees: an unreliable one sees none.
func (p *peer) settle(s mlx5model.Syndrome) mlx5model.Syndrome {
	if s != mlx5model.SynOK && !p.reliable() {
		return mlx5model.SynOK
	}
	return s
}

// connected finds the queue pair at the other end, ready to receive from this
// one.
func (p *peer) connected() *qp {
	to := p.e.qps[p.q.attr.DestQPN]
	if to == nil || to.state < RTR || to.state == Err || to.attr.DestQPN != p.q.n || !matches(p.q.spec.Type, to.spec.Type) {
		return nil
	}
	return to
}

func matches(from, to QPType) bool {
	if from == XRCIni {
		return to == XRCTgt
	}
	return from == to
}

func (p *peer) remote() bool {
	return p.e.c.Remote != nil && !p.foreign && p.q.attr.DestQPN>>16 != p.e.c.Slot
}

// domain is the PD whose keys count at the responder: that of the receive
// queue for XRC, whose target has none.
func (p *peer) domain(to *qp, dest []byte) (pd uint32, s *srq) {
	if to.spec.Type != XRCTgt {
		return to.spec.PD, to.srq
	}
	s = p.e.srqs[mlx5model.XRCSRQN(dest)]
	if s == nil || s.spec.XRCD != to.spec.XRCD {
		return 0, nil
	}
	return s.spec.PD, s
}

// Transfer implements mlx5model.Peer.
func (p *peer) Transfer(write bool, rkey uint32, raddr uint64, local []sg.Extent, mem mlx5model.HostMemory) mlx5model.Syndrome {
	to := p.connected()
	if to == nil {
		return p.away(write, rkey, raddr, local, mem)
	}
	pd, s := p.domain(to, p.address())
	if to.spec.Type == XRCTgt && s == nil {
		return p.refuse(to, mlx5model.SynRemoteInvReq, 0, errNoSRQ)
	}
	syn, done := p.reach(to, pd, write, rkey, raddr, local, mem)
	if done {
		p.e.stats.moved += total(local)
	}
	return syn
}

// reach moves the bytes of a WRITE or READ at the responder's end. It gives what
// the requester sees, which of an unreliable service is nothing, and whether they
// moved.
func (p *peer) reach(to *qp, pd uint32, write bool, rkey uint32, raddr uint64, local []sg.Extent, mem mlx5model.HostMemory) (mlx5model.Syndrome, bool) {
	op, flag := mlx5model.RemoteRead, uint32(accessRemoteRead)
	if write {
		op, flag = mlx5model.RemoteWrite, accessRemoteWrite
	}
	n := total(local)
	if n > 0 && to.attr.Access&flag == 0 {
		return p.refuse(to, mlx5model.SynRemoteAccess, eventAccess, errQPRights), false
	}
	var err error
	p.e.scatter, err = p.e.dev.Reach(p.e.scatter[:0], mlx5model.Access{Op: op, QPN: to.n, PD: pd, Key: rkey, VA: raddr, Len: n})
	if err != nil {
		return p.refuse(to, p.e.c.Profile.SynKeyRemote, eventAccess, err), false
	}
	if write {
		err = p.e.move(p.e.scatter, local, mem)
	} else {
		err = mlx5model.CopyExtents(local, mem, p.e.scatter, p.e.c.Memory, p.e.buf)
	}
	if err != nil {
		if p.e.requesters(write, local, mem) {
			return p.ownFault(err), false
		}
		return p.refuse(to, mlx5model.SynRemoteOp, eventAccess, err), false
	}
	return mlx5model.SynOK, true
}

// requesters tells whether a copy that failed did so at the requester's end:
// its bytes cannot be read, or, if it reads, the responder's in e.scatter can.
func (e *Engine) requesters(write bool, local []sg.Extent, mem mlx5model.HostMemory) bool {
	if write {
		return !e.readable(local, mem)
	}
	return e.readable(e.scatter, e.c.Memory)
}

func (e *Engine) readable(x []sg.Extent, mem mlx5model.HostMemory) bool {
	for _, p := range x {
		for off := uint64(0); off < p.Len; off += uint64(len(e.buf)) {
			if mem.Read(p.Addr+off, e.buf[:min(p.Len-off, uint64(len(e.buf)))]) != nil {
				return false
			}
		}
	}
	return true
}

// ownFault is what a requester sees that could not reach its own memory. The
// responder hears nothing of it.
func (p *peer) ownFault(why error) mlx5model.Syndrome {
	p.e.explain(p.q, p.q, why)
	return mlx5model.SynLocalProt
}

// Errors of responders.
var (
	errNoSRQ    = errors.New("no shared receive queue of this number in the target's XRC domain")
	errQPRights = errors.New("the responder's qp_access_flags do not allow this")
	errAligned  = errors.New("the address of an atomic is not a multiple of 8")
)

// refuse takes the responder to the error state, if the service is reliable,
// and gives what the requester sees.
func (p *peer) refuse(to *qp, s mlx5model.Syndrome, event uint32, why error) mlx5model.Syndrome {
	if !p.reliable() {
		return mlx5model.SynOK
	}
	p.e.explain(p.q, to, why)
	if event != 0 {
		p.e.async(&to.events, to.spec.Async, to.spec.Handle, event)
	}
	p.e.broken(to, why)
	return s
}

// away is a transfer to a queue pair that is not here, or not ready.
func (p *peer) away(write bool, rkey uint32, raddr uint64, local []sg.Extent, mem mlx5model.HostMemory) mlx5model.Syndrome {
	if !p.remote() {
		return p.wait(mlx5model.SynTransportRetry)
	}
	r := p.request(mlx5model.OpRDMARead, p.q.attr.DestQPN, rkey, raddr)
	if write {
		r.Opcode = mlx5model.OpRDMAWrite
	}
	s, _ := p.e.c.Remote.Ask(r, local, mem)
	return p.answer(s)
}

// request begins a message to another process.
func (p *peer) request(op mlx5model.Opcode, to, rkey uint32, raddr uint64) *Request {
	r := &Request{From: p.q.n, To: to, Type: p.q.spec.Type, Opcode: op, RKey: rkey, RAddr: raddr}
	copy(r.Dest[:], p.e.dev.Dest())
	return r
}

// answer turns the answer of another process into a wait where it means one.
func (p *peer) answer(s mlx5model.Syndrome) mlx5model.Syndrome {
	switch s {
	case mlx5model.SynWait:
		return p.wait(mlx5model.SynRNRRetry)
	case mlx5model.SynTransportRetry:
		return p.wait(mlx5model.SynTransportRetry)
	case mlx5model.SynLocalProt:
		return s
	}
	return p.settle(s)
}

// move copies a message into e.scatter's extents or others of the process.
func (e *Engine) move(dst, local []sg.Extent, mem mlx5model.HostMemory) error {
	return mlx5model.CopyExtents(dst, e.c.Memory, local, mem, e.buf)
}

// Atomic implements mlx5model.AtomicPeer. The 8 bytes need not be in one
// piece of memory.
func (p *peer) Atomic(op mlx5model.Opcode, rkey uint32, raddr, swapAdd, compare uint64) (uint64, mlx5model.Syndrome) {
	to := p.connected()
	if to == nil {
		return p.awayAtomic(op, rkey, raddr, swapAdd, compare)
	}
	pd, s := p.domain(to, p.address())
	switch {
	case p.q.spec.Type != RC && p.q.spec.Type != XRCIni, to.spec.Type == XRCTgt && s == nil:
		return 0, p.refuse(to, mlx5model.SynRemoteInvReq, 0, errNoSRQ)
	case to.attr.Access&accessRemoteAtomic == 0:
		return 0, p.refuse(to, mlx5model.SynRemoteAccess, eventAccess, errQPRights)
	case raddr%mlx5model.AtomicSize != 0:
		return 0, p.refuse(to, mlx5model.SynRemoteInvReq, 0, errAligned)
	}
	before, err := p.e.fetch(mlx5model.Access{Op: mlx5model.RemoteAtomic, QPN: to.n, PD: pd, Key: rkey, VA: raddr}, op, swapAdd, compare)
	if err != nil {
		return 0, p.refuse(to, p.e.c.Profile.SynKeyRemote, eventAccess, err)
	}
	return before, mlx5model.SynOK
}

func (p *peer) awayAtomic(op mlx5model.Opcode, rkey uint32, raddr, swapAdd, compare uint64) (uint64, mlx5model.Syndrome) {
	if !p.remote() {
		return 0, p.wait(mlx5model.SynTransportRetry)
	}
	r := p.request(op, p.q.attr.DestQPN, rkey, raddr)
	r.Operand = [2]uint64{swapAdd, compare}
	s, before := p.e.c.Remote.Ask(r, nil, nil)
	return before, p.answer(s)
}

// fetch executes an atomic on host memory.
func (e *Engine) fetch(a mlx5model.Access, op mlx5model.Opcode, swapAdd, compare uint64) (uint64, error) {
	var b [mlx5model.AtomicSize]byte
	x, err := e.atomicRead(a, b[:])
	if err != nil {
		return 0, err
	}
	before := binary.NativeEndian.Uint64(b[:])
	after := before + swapAdd
	if op == mlx5model.OpAtomicCS {
		if after = swapAdd; before != compare {
			return before, nil
		}
	}
	binary.NativeEndian.PutUint64(b[:], after)
	return before, mlx5model.CopyExtents(x, e.c.Memory, []sg.Extent{{Len: mlx5model.AtomicSize}}, &flatMemory{b: b[:]}, e.buf)
}

func (e *Engine) atomicRead(a mlx5model.Access, b []byte) ([]sg.Extent, error) {
	a.Len = mlx5model.AtomicSize
	var err error
	if e.scatter, err = e.dev.Translate(e.scatter[:0], a); err != nil {
		return nil, err
	}
	return e.scatter, mlx5model.CopyExtents([]sg.Extent{{Len: a.Len}}, &flatMemory{b: b}, e.scatter, e.c.Memory, e.buf)
}

// flatMemory is a slice as memory from address 0 on.
type flatMemory struct{ b []byte }

func (m *flatMemory) Read(addr uint64, p []byte) error {
	copy(p, m.b[addr:])
	return nil
}

func (m *flatMemory) Write(addr uint64, p []byte) error {
	copy(m.b[addr:], p)
	return nil
}
