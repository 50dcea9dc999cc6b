package program

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// runner executes requests of one end, and keeps what completes.
type runner struct {
	*world
	by, to  uint64 // ends
	done    []completion
	arrived []completion
	overlap bool // bytes would move onto themselves
}

// completion is what a completion queue says of an action.
type completion struct {
	line   int
	status Status
	end    uint64 // of receives
	opcode int    // of requests that succeeded
	bytes  uint64 // of messages that arrived
	inval  bool   // the message invalidated the key of object
	object uint64
}

// possible reports whether a request can be posted: what it needs is there.
func (w *world) possible(a *Action) bool {
	switch {
	case !w.ends[a.End].made:
		return false
	case a.Kind == List || a.Kind == Interleaved:
		return w.live(a.Object, Mkey) != nil
	case a.Kind == Bind:
		window, region := w.live(a.Object, Window), w.live(a.Below, Region)
		return window != nil && region != nil && window.pd == region.pd
	}
	return true
}

// request executes one request; last, it is the last one posted together.
func (r *runner) request(a *Action, line int, last bool) {
	e := &r.ends[r.by]
	syn := mlx5model.SynFlush
	if a.Kind == Bind {
		r.objects[a.Object].rename() // what the window's owner will call it, come what may
	}
	if !e.broken {
		if syn = r.execute(a, line); r.overlap {
			return
		}
	}
	if syn != mlx5model.SynOK {
		r.done = append(r.done, completion{line: line, status: statusOf[syn]})
		r.fail(r.by)
	} else if last || signaled(a) {
		r.done = append(r.done, completion{line: line, opcode: opcodes[a.Kind]})
	}
}

// signaled is whether a request asks for a completion, if another one posted
// with it follows. The player has the same rule.
func signaled(a *Action) bool { return a.Kind == Read || a.Kind == Swap || a.Kind == Bind }

// fail takes an end to the error state.
func (r *runner) fail(n uint64) {
	e := &r.ends[n]
	e.broken = true
	for _, x := range e.receives {
		r.arrived = append(r.arrived, completion{end: n, line: x.line, status: statusOf[mlx5model.SynFlush]})
	}
	e.receives = nil
}

// refuse is fail for the responder.
func (r *runner) refuse(s mlx5model.Syndrome) mlx5model.Syndrome {
	r.fail(r.to)
	return s
}

func (r *runner) execute(a *Action, line int) mlx5model.Syndrome {
	switch a.Kind {
	case Write, Read:
		return r.rdma(a)
	case Add, Swap:
		return r.atomic(a)
	case Send, SendInv:
		return r.send(a)
	}
	q := keymodel.Request{Kind: keymodel.Invalidate, ClearTag: true}
	switch a.Kind {
	case LocalInv:
		q.Key = r.key(a.Key)
	case Bind:
		q.Kind, q.Key = keymodel.Bind, r.key(Ref{Object: a.Object})
		q.Register = keymodel.Key{Rights: rights(a.Access) &^ mlx5model.AccLR, Start: a.Addr, Size: a.Len,
			List: []keymodel.Entry{{Key: r.key(Ref{Object: a.Below}), Addr: a.Addr, Size: a.Len}}}
	default:
		q.Kind, q.Key = keymodel.Register, r.key(Ref{Object: a.Object})
		q.Register = r.layout(a)
	}
	return r.model.Execute(r.user(r.by), keymodel.User{}, &q)
}

// layout is what a key becomes: the pieces one after another, cycle by cycle.
func (r *runner) layout(a *Action) keymodel.Key {
	k := keymodel.Key{Rights: rights(a.Access) &^ mlx5model.AccLR, Capacity: (len(a.Pieces) + 3) &^ 3}
	cycles := uint64(1)
	if a.Kind == Interleaved {
		cycles, k.Capacity = a.Cycles, (len(a.Pieces)+1+3)&^3 // one for the header
	}
	for c := range cycles {
		for _, p := range a.Pieces {
			k.List = append(k.List, keymodel.Entry{Key: r.key(p.Key), Addr: p.Addr + c*(p.Len+p.Skip), Size: p.Len})
			k.Size += p.Len
		}
	}
	return k
}

func (r *runner) list(pieces []Piece) (l sg.List) {
	for _, p := range pieces {
		l = append(l, sg.Entry{Lkey: r.key(p.Key), Addr: p.Addr, Len: uint32(p.Len)})
	}
	return l
}

// reach asks whether the other end is there, and lets in who asks for access.
func (r *runner) reach(access uint64, n uint64) mlx5model.Syndrome {
	to := &r.ends[r.to]
	switch {
	case to.broken:
		return mlx5model.SynTransportRetry
	case n > 0 && to.access&access == 0:
		return r.refuse(mlx5model.SynRemoteAccess)
	}
	return mlx5model.SynOK
}

func (r *runner) rdma(a *Action) mlx5model.Syndrome {
	q := keymodel.Request{Kind: keymodel.RDMA, Key: r.key(a.Key), Write: a.Kind == Write, RAddr: a.Addr, SGEs: r.list(a.Pieces)}
	to, from, syn := r.model.Reach(r.user(r.by), r.user(r.to), &q)
	if syn == mlx5model.SynLocalProt {
		return syn
	}
	flag := uint64(accessRemoteRead)
	if q.Write {
		flag = accessRemoteWrite
	}
	if s := r.reach(flag, q.SGEs.Total()); s != mlx5model.SynOK {
		return s
	}
	if syn != mlx5model.SynOK {
		return r.refuse(syn)
	}
	r.move(to, from)
	return syn
}

func (r *runner) atomic(a *Action) mlx5model.Syndrome {
	local, n, why := r.model.Local(mlx5model.LocalWrite, r.user(r.by), r.list(a.Pieces))
	if why != 0 {
		return mlx5model.SynLocalProt
	}
	if s := r.reach(accessRemoteAtomic, n); s != mlx5model.SynOK {
		return s
	}
	if a.Addr%8 != 0 {
		return r.refuse(mlx5model.SynRemoteInvReq)
	}
	theirs, why := r.model.Access(nil, mlx5model.RemoteAtomic, r.key(a.Key), r.user(r.to), a.Addr, n)
	if why != 0 {
		return r.refuse(mlx5model.SynRemoteAccess)
	}
	before := r.number(theirs)
	after := before + a.Operand
	if a.Kind == Swap {
		if after = a.Operand; before != a.Compare {
			after = before
		}
	}
	if r.move(local, theirs); r.overlap {
		return mlx5model.SynOK
	}
	p := binary.NativeEndian.AppendUint64(nil, after)
	for _, x := range theirs {
		p = p[copy(r.model.At(x.Addr, x.Len), p):]
	}
	return mlx5model.SynOK
}

// number is 8 bytes of memory as the processor has them.
func (w *world) number(at []sg.Extent) uint64 {
	var b []byte
	for _, x := range at {
		b = append(b, w.model.At(x.Addr, x.Len)...)
	}
	return binary.NativeEndian.Uint64(b)
}

func (r *runner) send(a *Action) mlx5model.Syndrome {
	local, n, why := r.model.Local(mlx5model.LocalRead, r.user(r.by), r.list(a.Pieces))
	if why != 0 {
		return mlx5model.SynLocalProt
	}
	to := &r.ends[r.to]
	switch {
	case to.broken:
		return mlx5model.SynTransportRetry
	case len(to.receives) == 0:
		return mlx5model.SynRNRRetry
	}
	taken := to.receives[0]
	room, own := r.room(taken.pieces, n)
	if own != mlx5model.SynOK {
		to.receives = to.receives[1:]
		r.arrived = append(r.arrived, completion{end: r.to, line: taken.line, status: statusOf[own]})
		if own == mlx5model.SynLocalLength {
			return r.refuse(mlx5model.SynRemoteInvReq)
		}
		return r.refuse(mlx5model.SynRemoteOp)
	}
	if r.move(room, local); r.overlap {
		return mlx5model.SynOK
	}
	if a.Kind == SendInv && r.model.RemoteInvalidate(r.key(a.Key), r.user(r.to)) != 0 {
		return r.refuse(mlx5model.SynRemoteAccess) // the bytes are there, the receive is flushed
	}
	to.receives = to.receives[1:]
	r.arrived = append(r.arrived, completion{end: r.to, line: taken.line, bytes: n, inval: a.Kind == SendInv, object: a.Key.Object})
	return mlx5model.SynOK
}

// room is where the n bytes of a message go.
func (r *runner) room(pieces []Piece, n uint64) (to []sg.Extent, own mlx5model.Syndrome) {
	for _, p := range pieces {
		var why mlx5model.Reason
		part := min(p.Len, n)
		if to, why = r.model.Access(to, mlx5model.ReceiveWrite, r.key(p.Key), r.user(r.to), p.Addr, part); why != 0 {
			return nil, mlx5model.SynLocalProt
		}
		n -= part
	}
	if n > 0 {
		return nil, mlx5model.SynLocalLength
	}
	return to, mlx5model.SynOK
}

// move moves bytes, unless some would move onto others of them: what then
// happens nobody says.
func (r *runner) move(to, from []sg.Extent) {
	for _, a := range to {
		for _, b := range from {
			if a.Addr < b.Addr+b.Len && b.Addr < a.Addr+a.Len {
				r.overlap = true
				return
			}
		}
	}
	r.model.Move(to, from)
}
