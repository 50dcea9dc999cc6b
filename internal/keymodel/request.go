package keymodel

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Request is a work request.
type Request struct {
	Kind Kind
	Key  uint32 // the key to change, or the remote one; all 32 bits

	Register  Key  // Register, Bind: what the key is to become
	WantsFree bool // Register: the key must be free

	ClearTag bool // Invalidate: the tag becomes 0

	Write bool    // RDMA: else a READ
	RAddr uint64  // RDMA
	SGEs  sg.List // RDMA: where the bytes are on this side
}

// Kind is what a work request asks for.
type Kind uint8

// Kinds of work requests.
const (
	Register   Kind = iota // a UMR that gives a key a list
	Invalidate             // a UMR that frees a key
	Bind                   // a UMR that opens a window, for one queue pair
	RDMA
)

// Execute is what a work request of a queue pair does to the model: SynOK, or
// the syndrome that it fails with, and then nothing has changed. peer is the
// queue pair at the other end.
func (m *Model) Execute(by, peer User, r *Request) mlx5model.Syndrome {
	if r.Kind == RDMA {
		to, from, syn := m.Reach(by, peer, r)
		m.Move(to, from)
		return syn
	}
	k := m.Keys[r.Key>>8]
	if k == nil || !k.Exists {
		return mlx5model.SynMWBind
	}
	n, start := &r.Register, k.Start
	if r.Kind == Bind || r.WantsFree {
		start = n.Start
	}
	switch {
	case r.Kind == Invalidate:
		return k.invalidate(by, r.ClearTag)
	case n.Size != 0 && start+n.Size-1 < start: // past 2^64
		return mlx5model.SynMWBind
	case r.Kind == Bind:
		if !k.Free {
			return mlx5model.SynMWBind
		}
		k.QPN = by.QPN
	default:
		if r.WantsFree && !k.Free || n.Capacity > k.Capacity {
			return mlx5model.SynMWBind
		}
	}
	k.Start = start
	k.Free, k.Tag, k.Size, k.List, k.PageSize = false, uint8(r.Key), n.Size, n.List, n.PageSize
	k.Rights = n.Rights | k.Rights&mlx5model.AccLR
	if r.WantsFree { // the kernel's: remote invalidation too
		k.RemoteInval = true
		k.Rights |= mlx5model.AccLR
	}
	return mlx5model.SynOK
}

func (k *Key) invalidate(by User, clearTag bool) mlx5model.Syndrome {
	if k.QPN != 0 && k.QPN != by.QPN {
		return mlx5model.SynMWBind
	}
	k.Free, k.QPN = true, 0
	if clearTag {
		k.Tag = 0
	}
	return mlx5model.SynOK
}

// RemoteInvalidate is what a SEND_INVAL does to the key it names: by is the
// queue pair that receives it. No right is needed but the key's leave.
func (m *Model) RemoteInvalidate(key uint32, by User) mlx5model.Reason {
	k, why := m.Usable(key, by, 0xff)
	if why == mlx5model.ReasonRights {
		k, why = m.Keys[key>>8], 0
	}
	switch {
	case why != 0:
		return why
	case !k.RemoteInval:
		return mlx5model.ReasonRights
	}
	k.Free = true
	return 0
}

// Local is the memory behind a list of pieces of keys, and its length: reason
// 0 if all is allowed. It is valid until the next call.
func (m *Model) Local(op mlx5model.Op, by User, list sg.List) ([]sg.Extent, uint64, mlx5model.Reason) {
	local := m.scratch[:0]
	var total uint64
	for _, e := range list {
		var why mlx5model.Reason
		if local, why = m.Access(local, op, e.Lkey, by, e.Addr, uint64(e.Len)); why != 0 {
			return nil, 0, why
		}
		total += uint64(e.Len)
	}
	m.scratch = local
	return local, total, 0
}

// Reach is where an RDMA request moves bytes to and from, or the syndrome that
// it fails with.
func (m *Model) Reach(by, peer User, r *Request) (to, from []sg.Extent, syn mlx5model.Syndrome) {
	op, theirs := mlx5model.LocalWrite, mlx5model.RemoteRead
	if r.Write {
		op, theirs = mlx5model.LocalRead, mlx5model.RemoteWrite
	}
	local, total, why := m.Local(op, by, r.SGEs)
	if why != 0 {
		return nil, nil, mlx5model.SynLocalProt
	}
	remote, why := m.Access(nil, theirs, r.Key, peer, r.RAddr, total)
	if why != 0 {
		return nil, nil, mlx5model.SynRemoteAccess
	}
	if r.Write {
		return remote, local, mlx5model.SynOK
	}
	return local, remote, mlx5model.SynOK
}
