// Package keymodel is what memory keys, and work requests that change and use
// them, must do, told as simply as it can be: a key is a list of pieces of
// other keys or of pages, rights and a few flags. It knows no context, no list
// in bytes and no WQE, and shares no code with what is tested against it: of
// mlx5model it takes names only (reasons, syndromes, rights).
//
// The stateful target of package fuzz holds mlx5model.Device to it, and the
// random programs of vhca/suite hold the virtual adapter behind libmlx5 to it;
// vhca/opinion comments by it on what the adapter does.
package keymodel

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Key is a memory key as far as what was said about it goes.
type Key struct {
	Exists, Free bool
	Pages        bool // a page list, else pieces of keys
	Tag          uint8
	PD           uint32
	QPN          uint32 // the only queue pair that may use it, 0 for all
	Rights       uint8  // bits of mlx5model.AccRights
	RemoteInval  bool   // a SEND_INVAL may free it
	Capacity     int    // octowords of its list
	Start, Size  uint64 // addresses, bytes
	List         []Entry
	PageSize     uint64 // bytes: Start's place in a page is the first byte's
}

// Entry is a page, or bytes of another key.
type Entry struct {
	Key  uint32
	Addr uint64
	Size uint64 // bytes
}

// User is who uses a key: a queue pair and its protection domain.
type User struct{ QPN, PD uint32 }

// Model is which keys there are, and what memory must hold.
type Model struct {
	Keys   map[uint32]*Key // by index; a Key whose List is nil is of physical memory
	Depth  int             // levels of keys that point to keys
	Base   uint64          // address of Memory
	Memory []byte          // expected content

	scratch []sg.Extent
}

// Usable gives the key if a user may use it with a right, or the reason why
// not.
func (m *Model) Usable(key uint32, by User, right uint8) (*Key, mlx5model.Reason) {
	k := m.Keys[key>>8]
	switch {
	case k == nil || !k.Exists:
		return nil, mlx5model.ReasonNoKey
	case k.Tag != uint8(key):
		return nil, mlx5model.ReasonTag
	case k.Free:
		return nil, mlx5model.ReasonFree
	case k.PD != by.PD:
		return nil, mlx5model.ReasonPD
	case k.QPN != 0 && k.QPN != by.QPN:
		return nil, mlx5model.ReasonQPN
	case k.Rights&right == 0:
		return nil, mlx5model.ReasonRights
	}
	return k, 0
}

// translate appends the host memory behind n > 0 bytes at va of a key. The
// reason is 0 if all of them are there.
func (m *Model) translate(dst []sg.Extent, key uint32, by User, va, n uint64, right, nested uint8, level int) ([]sg.Extent, mlx5model.Reason) {
	k, why := m.Usable(key, by, right)
	if why != 0 {
		return dst, why
	}
	off := va - k.Start
	if off > k.Size || n > k.Size-off {
		return dst, mlx5model.ReasonBounds
	}
	if k.List == nil { // physical
		return sg.AppendExtent(dst, va, n), 0
	}
	if !k.Pages && level >= m.Depth {
		return dst, mlx5model.ReasonDepth
	}
	if k.Pages {
		off += k.Start % k.PageSize
	}
	for _, e := range k.List {
		if n == 0 {
			return dst, 0
		}
		if off >= e.Size {
			off -= e.Size
			continue
		}
		part := min(n, e.Size-off)
		if k.Pages {
			dst = sg.AppendExtent(dst, e.Addr+off, part)
		} else if dst, why = m.translate(dst, e.Key, by, e.Addr+off, part, nested, nested, level+1); why != 0 {
			return dst, why
		}
		n, off = n-part, 0
	}
	if n > 0 {
		return dst, mlx5model.ReasonListEnd
	}
	return dst, 0
}

// Access appends the memory behind an access of any length. The reason is 0 if
// it is allowed; if not, dst has grown in vain.
func (m *Model) Access(dst []sg.Extent, op mlx5model.Op, key uint32, by User, va, n uint64) ([]sg.Extent, mlx5model.Reason) {
	if n == 0 {
		return dst, 0
	}
	right, nested := uint8(mlx5model.AccLR), uint8(mlx5model.AccLR)
	switch op {
	case mlx5model.LocalWrite, mlx5model.ReceiveWrite:
		right, nested = mlx5model.AccLW, mlx5model.AccLW
	case mlx5model.RemoteRead:
		right = mlx5model.AccRR
	case mlx5model.RemoteWrite:
		right, nested = mlx5model.AccRW, mlx5model.AccLW
	case mlx5model.RemoteAtomic:
		right, nested = mlx5model.AccA, mlx5model.AccLW
	}
	return m.translate(dst, key, by, va, n, right, nested, 0)
}

// At is n bytes of memory from an address on, which must be there.
func (m *Model) At(addr, n uint64) []byte { return m.Memory[addr-m.Base:][:n] }

// Move copies between two streams of one length, piece by piece: a piece ends
// where an extent of either side does, and is read before it is written.
func (m *Model) Move(to, from []sg.Extent) {
	var toOff, fromOff uint64
	for len(to) > 0 && len(from) > 0 {
		n := min(to[0].Len-toOff, from[0].Len-fromOff)
		copy(m.At(to[0].Addr+toOff, n), m.At(from[0].Addr+fromOff, n)) // as if by a buffer
		if toOff += n; toOff == to[0].Len {
			to, toOff = to[1:], 0
		}
		if fromOff += n; fromOff == from[0].Len {
			from, fromOff = from[1:], 0
		}
	}
}
