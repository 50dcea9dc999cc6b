//go:build linux && (amd64 || arm64)

package vhca

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Remote connects the adapters of the processes of one run. Each has a slot,
// which is in the upper bits of its queue pair numbers, and a datagram socket
// whose name, in the abstract namespace, is the group's and the slot. A
// requester's adapter asks the responder's, which moves the data between both
// processes' memories itself (process_vm_readv), and waits for the answer. While
// it waits it serves others: two adapters may ask each other at once.
type Remote struct {
	fd    int
	group string
	seq   uint64
	slot  uint32

	answers map[uint64]answer
	buf     []byte
	engine  *Engine
}

// Request is what a requester's adapter asks.
type Request struct {
	Seq       uint64
	PID, Slot uint32 // of the requester
	From, To  uint32 // queue pairs
	RKey      uint32
	Imm       uint32
	RAddr     uint64
	Operand   [2]uint64 // swap or add, compare
	Dest      [mlx5model.AVSize]byte
	Type      QPType
	Opcode    mlx5model.Opcode
	Solicited bool
	Extents   uint16 // how many follow: where the requester's bytes are
}

// answer is what comes back.
type answer struct {
	Seq      uint64
	Before   uint64 // of an atomic
	Syndrome mlx5model.Syndrome
}

const (
	kindRequest = 1
	kindAnswer  = 2
	maxExtents  = 256
	lastSlot    = 254
	// patient is how long an adapter waits for another's answer: it may be
	// stopped, or held up by a debugger.
	patient = 2 * time.Second
)

// Join takes a free slot of a group.
func Join(group string) (*Remote, uint32, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	// Yama allows process_vm_readv to parents only, unless told otherwise;
	// without Yama the call is an error that does not matter.
	_ = unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	r := &Remote{fd: fd, group: group, answers: map[uint64]answer{}, buf: make([]byte, 64<<10)}
	for r.slot = 1; r.slot <= lastSlot; r.slot++ {
		if err = unix.Bind(fd, r.address(r.slot)); err == nil {
			return r, r.slot, nil
		}
	}
	return nil, 0, fmt.Errorf("no slot for another process: %w", err)
}

func (r *Remote) address(slot uint32) unix.Sockaddr {
	return &unix.SockaddrUnix{Name: fmt.Sprintf("@sgfuzz-vhca-%s-%d", r.group, slot)}
}

// Ask has a request carried out by the adapter of the queue pair To, with the
// bytes that local names in mem. A process that is not there answers
// SynTransportRetry, as one that does not answer.
func (r *Remote) Ask(q *Request, local []sg.Extent, mem mlx5model.HostMemory) (mlx5model.Syndrome, uint64) {
	r.seq++
	q.Seq, q.PID, q.Slot = r.seq, uint32(os.Getpid()), r.slot
	copied, err := r.flatten(&local, mem, q.Opcode)
	if err != nil {
		return mlx5model.SynLocalProt, 0
	}
	q.Extents = uint16(len(local))
	msg := append(make([]byte, 0, 4096), kindRequest)
	msg, _ = binary.Append(msg, binary.NativeEndian, q)
	for i := range local {
		msg = binary.NativeEndian.AppendUint64(msg, local[i].Addr)
		msg = binary.NativeEndian.AppendUint64(msg, local[i].Len)
	}
	deadline := time.Now().Add(patient)
	if !r.send(q.To>>16, msg, deadline) {
		return mlx5model.SynTransportRetry, 0
	}
	for time.Now().Before(deadline) {
		r.receive()
		if a, ok := r.answers[q.Seq]; ok {
			delete(r.answers, q.Seq)
			if err := copied(); err != nil {
				return mlx5model.SynLocalProt, 0
			}
			return a.Syndrome, a.Before
		}
		r.poll(unix.POLLIN)
	}
	return mlx5model.SynTransportRetry, 0
}

// flatten makes the extents few and such of the process's memory: inline data
// and long lists go through a buffer. What it gives copies a READ's bytes back.
func (r *Remote) flatten(local *[]sg.Extent, mem mlx5model.HostMemory, op mlx5model.Opcode) (func() error, error) {
	nothing := func() error { return nil }
	own := r.engine.c.Memory
	if len(*local) == 0 || len(*local) <= maxExtents && mem == mlx5model.HostMemory(own) {
		return nothing, nil
	}
	n := total(*local)
	flat := make([]byte, n)
	whole, via := []sg.Extent{{Len: n}}, &flatMemory{b: flat}
	was := append([]sg.Extent(nil), *local...)
	*local = []sg.Extent{{Addr: addressOf(flat), Len: n}}
	if op == mlx5model.OpRDMARead {
		return func() error { return mlx5model.CopyExtents(was, mem, whole, via, r.engine.buf) }, nil
	}
	kept := func() error { runtime.KeepAlive(flat); return nil }
	return kept, mlx5model.CopyExtents(whole, via, was, mem, r.engine.buf)
}

// send sends without blocking: while the other's queue is full, this adapter
// serves its own.
func (r *Remote) send(slot uint32, msg []byte, deadline time.Time) bool {
	for {
		err := unix.Sendto(r.fd, msg, unix.MSG_NOSIGNAL, r.address(slot))
		switch {
		case err == nil:
			return true
		case err != unix.EAGAIN && err != unix.EINTR && err != unix.ENOBUFS || time.Now().After(deadline):
			return false
		}
		r.receive()
		r.poll(unix.POLLIN | unix.POLLOUT)
	}
}

func (r *Remote) poll(events int16) {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(r.fd), Events: events}}, 1)
}

// receive takes what has arrived: answers, and what other adapters ask.
func (r *Remote) receive() {
	for {
		n, _, err := unix.Recvfrom(r.fd, r.buf, unix.MSG_DONTWAIT)
		if err != nil || n < 1 {
			return
		}
		switch r.buf[0] {
		case kindAnswer:
			var a answer
			if _, err := binary.Decode(r.buf[1:n], binary.NativeEndian, &a); err == nil {
				r.answers[a.Seq] = a
			}
		case kindRequest:
			r.serve(r.buf[1:n])
		}
	}
}

// serve carries out one request and answers it.
func (r *Remote) serve(msg []byte) {
	var q Request
	n, err := binary.Decode(msg, binary.NativeEndian, &q)
	if err != nil || len(msg) < n+16*int(q.Extents) {
		return
	}
	local := make([]sg.Extent, q.Extents)
	for i := range local {
		local[i] = sg.Extent{Addr: binary.NativeEndian.Uint64(msg[n+16*i:]), Len: binary.NativeEndian.Uint64(msg[n+16*i+8:])}
	}
	a := answer{Seq: q.Seq}
	a.Syndrome, a.Before = r.engine.asked(&q, local)
	out, _ := binary.Append([]byte{kindAnswer}, binary.NativeEndian, &a)
	r.send(q.Slot, out, time.Now().Add(patient))
}

// asked carries out a request of another process's adapter.
func (e *Engine) asked(q *Request, local []sg.Extent) (mlx5model.Syndrome, uint64) {
	from := &qp{n: q.From, spec: QPSpec{Type: q.Type}, attr: Attr{DestQPN: q.To, QKey: 0}}
	p := &peer{e: e, q: from, foreign: true, dest: q.Dest[:]}
	mem := NewProcess()
	mem.pid = int(q.PID)
	defer e.interrupted(q)() // this adapter may be in the middle of a WQE
	first := e.dev.Reached()
	s, before := p.carryOut(q, local, mem)
	e.settle(first, s == mlx5model.SynOK)
	return s, before
}

func (p *peer) carryOut(q *Request, local []sg.Extent, mem *Process) (mlx5model.Syndrome, uint64) {
	switch q.Opcode {
	case mlx5model.OpRDMAWrite, mlx5model.OpRDMARead:
		return p.Transfer(q.Opcode == mlx5model.OpRDMAWrite, q.RKey, q.RAddr, local, mem), 0
	case mlx5model.OpAtomicCS, mlx5model.OpAtomicFA:
		before, s := p.Atomic(q.Opcode, q.RKey, q.RAddr, q.Operand[0], q.Operand[1])
		return s, before
	}
	return p.Message(mlx5model.Message{Opcode: q.Opcode, Imm: q.Imm, RKey: q.RKey, RAddr: q.RAddr, Local: local, Memory: mem,
		Solicited: q.Solicited, Dest: q.Dest[:]}), 0
}
