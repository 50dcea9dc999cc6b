//go:build linux && (amd64 || arm64)

package vhca

import (
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// grhSize is what precedes a UD message in the receiver's memory, a global
// routing header or as many bytes without meaning.
const grhSize = 40

// Message implements mlx5model.MessagePeer.
func (p *peer) Message(m mlx5model.Message) mlx5model.Syndrome {
	if p.q.spec.Type == UD {
		return p.datagram(&m)
	}
	to := p.connected()
	if to == nil {
		return p.awayMessage(&m, p.q.attr.DestQPN)
	}
	return p.deliver(to, &m)
}

func (p *peer) awayMessage(m *mlx5model.Message, to uint32) mlx5model.Syndrome {
	if !p.remote() {
		return p.wait(mlx5model.SynTransportRetry)
	}
	r := p.request(m.Opcode, to, m.RKey, m.RAddr)
	r.Imm, r.Solicited = m.Imm, m.Solicited
	s, _ := p.e.c.Remote.Ask(r, m.Local, m.Memory)
	return p.answer(s)
}

// deliver brings a message to a connected queue pair.
func (p *peer) deliver(to *qp, m *mlx5model.Message) mlx5model.Syndrome {
	e := p.e
	pd, shared := p.domain(to, m.Dest)
	if to.spec.Type == XRCTgt && shared == nil {
		return p.refuse(to, mlx5model.SynRemoteInvReq, 0, errNoSRQ)
	}
	n := total(m.Local)
	if m.Opcode == mlx5model.OpRDMAWriteImm && n > 0 {
		// The write comes first; without a receive, it is not repeated.
		if s, done := p.reach(to, pd, true, m.RKey, m.RAddr, m.Local, m.Memory); !done {
			return s
		}
	}
	var s sink
	var ok bool
	if to.spec.Type == XRCTgt {
		s, ok = shared.next()
	} else {
		s, ok = to.next()
	}
	if !ok {
		return p.noReceive()
	}
	if m.Opcode != mlx5model.OpRDMAWriteImm {
		if syn := p.scatter(to, &s, m, n); syn != mlx5model.SynOK {
			return syn
		}
	}
	if m.Opcode == mlx5model.OpSendInval {
		if err := e.dev.RemoteInvalidate(to.dev, m.Imm); err != nil {
			return p.refuse(to, e.c.Profile.SynKeyRemote, eventAccess, err)
		}
		if e.second != nil {
			e.second.Invalidated(m.Imm, to.n, to.spec.PD)
		}
	}
	e.stats.moved += n
	e.take(&s)
	e.received(to, &s, m, n, receive{src: p.q.n})
	return mlx5model.SynOK
}

func (p *peer) noReceive() mlx5model.Syndrome {
	p.e.stats.waits++
	if !p.reliable() {
		return mlx5model.SynOK // dropped
	}
	return p.wait(mlx5model.SynRNRRetry)
}

// scatter moves the message into a receive. Where that fails at the receiver,
// it completes with its own error, and the sender sees another.
func (p *peer) scatter(to *qp, s *sink, m *mlx5model.Message, n uint64) mlx5model.Syndrome {
	e := p.e
	err := e.room(s, to.n, n)
	if err == nil {
		if err = e.move(e.scatter, m.Local, m.Memory); err == nil {
			return mlx5model.SynOK
		}
		if e.requesters(true, m.Local, m.Memory) {
			return p.ownFault(err)
		}
	}
	if !p.reliable() {
		return mlx5model.SynOK // dropped; the receive stays
	}
	own, theirs := mlx5model.SynLocalProt, mlx5model.SynRemoteOp
	if errors.Is(err, errTooLong) {
		own, theirs = mlx5model.SynLocalLength, mlx5model.SynRemoteInvReq
	}
	e.explain(p.q, to, err)
	e.take(s)
	e.failReceive(to, s, own)
	e.broken(to, err)
	return theirs
}

var received = map[mlx5model.Opcode]mlx5model.CQEOpcode{
	mlx5model.OpSend: mlx5model.CQERecvSend, mlx5model.OpSendImm: mlx5model.CQERecvSendImm,
	mlx5model.OpSendInval: mlx5model.CQERecvSendInv, mlx5model.OpRDMAWriteImm: mlx5model.CQERecvWriteImm,
}

// received completes a receive.
func (e *Engine) received(to *qp, s *sink, m *mlx5model.Message, n uint64, r receive) {
	c, uidx := e.completesAt(to, s)
	e.push(c, &mlx5model.CQE{Opcode: received[m.Opcode], Index: s.index, QPN: to.n, UIDX: uidx, ByteCount: uint32(n),
		Imm: m.Imm, Solicited: m.Solicited}, &r)
}

func (e *Engine) failReceive(to *qp, s *sink, syn mlx5model.Syndrome) {
	e.stats.errors++
	c, uidx := e.completesAt(to, s)
	e.push(c, &mlx5model.CQE{Opcode: mlx5model.CQERespErr, Index: s.index, QPN: to.n, UIDX: uidx, Syndrome: syn}, nil)
}

// completesAt is the queue of a receive's completion, and the user index by
// which the library finds its object: XRC receives are the shared queue's.
func (e *Engine) completesAt(to *qp, s *sink) (*cq, uint32) {
	if s.srq != nil && s.srq.cq != nil {
		return s.srq.cq, s.srq.spec.UIDX
	}
	return to.recvCQ, to.spec.UIDX
}

// datagram brings a UD message to the queue pair that its address names. What
// does not fit is dropped, as by a network.
func (p *peer) datagram(m *mlx5model.Message) mlx5model.Syndrome {
	e := p.e
	av := mlx5model.ParseAV(m.Dest)
	to := e.qps[av.QPN]
	if to == nil && e.c.Remote != nil && av.QPN>>16 != e.c.Slot {
		return p.awayMessage(m, av.QPN)
	}
	key := av.QKey
	if key&(1<<31) != 0 {
		key = p.q.attr.QKey
	}
	if to == nil || to.spec.Type != UD || to.state < RTR || to.state == Err || to.attr.QKey != key {
		return mlx5model.SynOK
	}
	return p.datagramTo(to, m, av)
}

func (p *peer) datagramTo(to *qp, m *mlx5model.Message, av mlx5model.AV) mlx5model.Syndrome {
	e := p.e
	s, ok := to.next()
	n := total(m.Local)
	if !ok {
		return p.noReceive()
	}
	if e.room(&s, to.n, grhSize+n) != nil || n > mtu {
		return mlx5model.SynOK
	}
	body := e.after(e.scatter, grhSize)
	if av.GRH {
		head := routingHeader(n, &av)
		if mlx5model.CopyExtents(front(e.scatter, grhSize), e.c.Memory, []sg.Extent{{Len: grhSize}}, &flatMemory{b: head[:]}, e.buf) != nil {
			return mlx5model.SynOK
		}
	}
	if err := e.move(body, m.Local, m.Memory); err != nil {
		if e.requesters(true, m.Local, m.Memory) {
			return p.ownFault(err)
		}
		return mlx5model.SynOK
	}
	e.stats.moved += n
	e.take(&s)
	e.received(to, &s, m, n+grhSize, receive{src: p.q.n, grh: av.GRH})
	return mlx5model.SynOK
}

// mtu is the longest UD message in bytes.
const mtu = 4096

// front is the first n bytes of x.
func front(x []sg.Extent, n uint64) []sg.Extent {
	var out []sg.Extent
	for _, p := range x {
		take := min(n, p.Len)
		if take == 0 {
			break
		}
		out = append(out, sg.Extent{Addr: p.Addr, Len: take})
		n -= take
	}
	return out
}

// routingHeader is a GRH: version 6, next header 1Bh, both GIDs (InfiniBand
// Architecture volume 1, 8.3).
func routingHeader(n uint64, av *mlx5model.AV) (h [grhSize]byte) {
	h[0], h[4], h[5], h[6], h[7] = 0x60, byte(n>>8), byte(n), 0x1b, 0xff
	copy(h[8:], portGID[:])
	copy(h[24:], av.GID[:])
	return h
}

// portGID is the port's only GID.
var portGID = [16]byte{0xfe, 0x80, 8: 0x02, 0, 0, 0xff, 0xfe, 0, 0, 0x01}
