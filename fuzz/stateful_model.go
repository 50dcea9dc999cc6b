package fuzz

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// modelKey is a memory key as the stateful target's model sees it: no context,
// no list in bytes, only what was said about it.
type modelKey struct {
	exists, free bool
	pages        bool // a page list, else KLM
	tag          uint8
	pd           uint32
	rights       uint8
	remoteInval  bool // a SEND_INVAL may free it
	capacity     int  // octowords of its list
	start, size  uint64
	list         []modelEntry
	pageSize     uint64
}

// modelEntry is a page, or bytes of another key.
type modelEntry struct {
	key  uint32
	addr uint64
	size uint64
}

// model is the independent side of the stateful target: what keys there are,
// and what the host's memory holds.
type model struct {
	keys    map[uint32]*modelKey // by index
	depth   int                  // levels of keys that point to keys
	memory  []byte               // expected content from statefulBase on
	scratch []sg.Extent
}

func (m *model) usable(key, pd uint32, right uint8) (*modelKey, mlx5model.Reason) {
	k := m.keys[key>>8]
	switch {
	case k == nil || !k.exists:
		return nil, mlx5model.ReasonNoKey
	case k.tag != uint8(key):
		return nil, mlx5model.ReasonTag
	case k.free:
		return nil, mlx5model.ReasonFree
	case k.pd != pd:
		return nil, mlx5model.ReasonPD
	case k.rights&right == 0:
		return nil, mlx5model.ReasonRights
	}
	return k, 0
}

// translate appends the host memory behind n > 0 bytes at va of a key. The
// reason is 0 if all of them are there.
func (m *model) translate(dst []sg.Extent, key, pd uint32, va, n uint64, right, nested uint8, level int) ([]sg.Extent, mlx5model.Reason) {
	k, why := m.usable(key, pd, right)
	if why != 0 {
		return dst, why
	}
	off := va - k.start
	if off > k.size || n > k.size-off {
		return dst, mlx5model.ReasonBounds
	}
	if k.list == nil { // physical
		return sg.AppendExtent(dst, va, n), 0
	}
	if !k.pages && level >= m.depth {
		return dst, mlx5model.ReasonDepth
	}
	if k.pages {
		off += k.start % k.pageSize
	}
	for _, e := range k.list {
		if n == 0 {
			return dst, 0
		}
		if off >= e.size {
			off -= e.size
			continue
		}
		part := min(n, e.size-off)
		if k.pages {
			dst = sg.AppendExtent(dst, e.addr+off, part)
		} else if dst, why = m.translate(dst, e.key, pd, e.addr+off, part, nested, nested, level+1); why != 0 {
			return dst, why
		}
		n, off = n-part, 0
	}
	if n > 0 {
		return dst, mlx5model.ReasonListEnd
	}
	return dst, 0
}

// access translates an access of any length from outside.
func (m *model) access(dst []sg.Extent, op mlx5model.Op, key, pd uint32, va, n uint64) ([]sg.Extent, mlx5model.Reason) {
	if n == 0 {
		return dst, 0
	}
	right, nested := uint8(mlx5model.AccLR), uint8(mlx5model.AccLR)
	switch op {
	case mlx5model.LocalWrite:
		right, nested = mlx5model.AccLW, mlx5model.AccLW
	case mlx5model.RemoteRead:
		right = mlx5model.AccRR
	case mlx5model.RemoteWrite:
		right, nested = mlx5model.AccRW, mlx5model.AccLW
	}
	return m.translate(dst, key, pd, va, n, right, nested, 0)
}

func (m *model) at(addr, n uint64) []byte { return m.memory[addr-statefulBase:][:n] }

// move copies between two streams of one length, piece by piece: a piece ends
// where an extent of either side does, and is read before it is written.
func (m *model) move(to, from []sg.Extent) {
	var toOff, fromOff uint64
	for len(to) > 0 && len(from) > 0 {
		n := min(to[0].Len-toOff, from[0].Len-fromOff)
		copy(m.at(to[0].Addr+toOff, n), m.at(from[0].Addr+fromOff, n)) // as if by a buffer
		if toOff += n; toOff == to[0].Len {
			to, toOff = to[1:], 0
		}
		if fromOff += n; fromOff == from[0].Len {
			from, fromOff = from[1:], 0
		}
	}
}

// request is a work request that was posted and not executed.
type request struct {
	kind     requestKind
	counter  uint32 // of its first WQEBB
	signaled bool
	key      uint32

	register modelKey // what the key is to become
	free     bool     // the key must be free

	clearTag bool // an invalidate that resets the tag

	write bool
	raddr uint64
	sges  sg.List
}

type requestKind uint8

const (
	reqRegister requestKind = iota
	reqInvalidate
	reqRDMA
)

// execute is what a work request does to the model: SynOK, or the syndrome
// that it fails with, and then nothing has changed.
func (m *model) execute(q *statefulQP, r *request) mlx5model.Syndrome {
	if r.kind == reqRDMA {
		return m.rdma(q, r)
	}
	k := m.keys[r.key>>8]
	if k == nil || !k.exists {
		return mlx5model.SynMWBind
	}
	if r.kind == reqInvalidate {
		k.free = true
		if r.clearTag {
			k.tag = 0
		}
		return mlx5model.SynOK
	}
	n := &r.register
	if r.free && !k.free || n.capacity > k.capacity {
		return mlx5model.SynMWBind
	}
	k.free, k.tag, k.size, k.list, k.pageSize = false, uint8(r.key), n.size, n.list, n.pageSize
	k.rights = n.rights | k.rights&mlx5model.AccLR
	if r.free { // the kernel's: first address and remote invalidation too
		k.start, k.remoteInval = n.start, true
		k.rights |= mlx5model.AccLR
	}
	return mlx5model.SynOK
}

func (m *model) rdma(q *statefulQP, r *request) mlx5model.Syndrome {
	op, peer := mlx5model.LocalWrite, mlx5model.RemoteRead
	if r.write {
		op, peer = mlx5model.LocalRead, mlx5model.RemoteWrite
	}
	local := m.scratch[:0]
	var total uint64
	for _, e := range r.sges {
		var why mlx5model.Reason
		if local, why = m.access(local, op, e.Lkey, q.pd, e.Addr, uint64(e.Len)); why != 0 {
			return mlx5model.SynLocalProt
		}
		total += uint64(e.Len)
	}
	m.scratch = local
	remote, why := m.access(nil, peer, r.key, statefulPeerPD, r.raddr, total)
	if why != 0 {
		return mlx5model.SynRemoteAccess
	}
	if r.write {
		m.move(remote, local)
	} else {
		m.move(local, remote)
	}
	return mlx5model.SynOK
}
