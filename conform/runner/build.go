package runner

import (
	"math"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// What a request has that its case does not say.
const (
	defaultEntries    = 256     // max_descs, max_entries
	defaultEntryBytes = 1 << 31 // max_entry_bytes: linux.MaxKLMBytes
	defaultRegions    = 16
	scratchBytes      = 1 << 20
	scratchBase       = 1 << 40
	scratchStride     = 1 << 36 // longer than an entry and the scratch memory together
)

// identity is a number that depends on a case's list and nothing else; keys and
// queue numbers are made of it, so that a case always gives the same request.
func identity(c *corpus.Case) uint64 {
	h := uint64(len(c.List)) + 0x9e3779b97f4a7c15
	for _, e := range c.List {
		h = (h ^ e.Addr) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>29 ^ uint64(e.Len)) * 0x94d049bb133111eb
		h ^= h >> 32
	}
	return h
}

// field takes n bits of an identity that no other field of the request has.
func field(h *uint64, n int) uint64 {
	v := *h & (1<<n - 1)
	*h = bits.RotateLeft64(*h, -n)
	return v
}

// build makes the request of an operation for a case.
func build(q *conform.Request, op conform.Op, c *corpus.Case) {
	q.Op = op
	h := identity(c)
	switch op {
	case conform.OpSGToPages, conform.OpSGToKLMs:
		buildMap(&q.Map, c, h)
	case conform.OpRegister:
		buildRegister(&q.Register, c, h)
	}
}

// pageSize is a case's page size as a power of two of 32 bits.
func pageSize(c *corpus.Case) uint64 {
	n := c.EffectivePageSize()
	return min(uint64(1)<<(bits.Len64(n)-1), 1<<31)
}

// buildMap makes a mapping request. A case without an offset passes null or 0.
func buildMap(m *conform.Map, c *corpus.Case, h uint64) {
	*m = conform.Map{SG: plain(m.SG[:0], c.List), PageSize: uint32(pageSize(c)), MaxDescs: c.Limits.MaxEntries}
	if m.MaxDescs == 0 {
		m.MaxDescs = defaultEntries
	}
	m.LocalLkey = 0x1700
	if field(&h, 1) != 0 {
		m.LocalLkey = uint32(field(&h, 32))
	}
	m.Offset = uint32(min(c.Offset, math.MaxUint32))
	m.HasOffset = c.Offset != 0 || field(&h, 1) != 0
}

// plain copies a list without its keys: DMA-mapped entries have none.
func plain(dst, l sg.List) sg.List {
	for _, e := range l {
		e.Lkey = 0
		dst = append(dst, e)
	}
	return dst
}

func buildRegister(r *conform.Register, c *corpus.Case, h uint64) {
	lim := &c.Limits
	*r = conform.Register{
		List: plain(r.List[:0], c.List), Keys: r.Keys[:0], PageSize: max(pageSize(c), 512),
		MaxEntries: orDefault(uint64(lim.MaxEntries), defaultEntries), MaxEntryBytes: min(orDefault(lim.MaxEntryBytes, defaultEntryBytes), defaultEntryBytes),
		MaxRegions: orDefault(uint64(lim.MaxRegions), defaultRegions),
		Access:     rights(c.Access), Dir: direction(c, h),
	}
	r.QPN, r.PD = uint32(field(&h, 16)|1), uint32(field(&h, 16))
	r.Lkey = uint32(0x10+field(&h, 4)) << 8
	r.Scratch = sg.Extent{Addr: freeWindow(c.List), Len: scratchBytes}
	r.MaxEntries = min(r.MaxEntries, mlx5model.MaxKLMs)
	keys(r, h)
}

func orDefault(v, otherwise uint64) uint64 {
	if v == 0 {
		return otherwise
	}
	return v
}

// rights makes a case's rights such that a peer can do something.
func rights(a corpus.Access) uint8 {
	if a == 0 {
		a = corpus.DefaultAccess
	}
	if a&(corpus.AccessRR|corpus.AccessRW) == 0 {
		a |= corpus.AccessRR
	}
	if a&(corpus.AccessRW|corpus.AccessA) != 0 {
		a |= corpus.AccessLW
	}
	return uint8(a) & mlx5model.AccRights
}

// direction is what the peer does: what the case says, as far as it may.
func direction(c *corpus.Case, h uint64) reg.Dir {
	a := rights(c.Access)
	switch {
	case a&mlx5model.AccRW == 0:
		return reg.DirRead
	case a&mlx5model.AccRR == 0, c.Dir == corpus.DirWrite:
		return reg.DirWrite
	case c.Dir == corpus.DirRead, h>>63 == 0:
		return reg.DirRead
	}
	return reg.DirWrite
}

// keys gives one or a few keys of either mode, with any variant; mostly they
// hold what a region may have, sometimes less.
func keys(r *conform.Register, h uint64) {
	n := min([8]uint64{1, 1, 1, 1, 2, 2, 3, 5}[field(&h, 3)], r.MaxRegions)
	room := uint32(r.MaxEntries)
	if field(&h, 3) == 0 {
		room = (room + 1) / 2
	}
	index := uint32(0x100 + field(&h, 20))
	for i := range 2 * n {
		mode := mlx5model.ModeKLM
		if i%2 == 1 {
			mode = mlx5model.ModeMTT
		}
		r.Keys = append(r.Keys, conform.Key{Key: index<<8 | uint32(field(&h, 8)), Mode: mode, Max: room})
		index++
	}
}

// freeWindow finds an address from which on no entry has a byte for the length
// of the scratch memory. Every entry spoils two windows at most.
func freeWindow(l sg.List) uint64 {
	for at := uint64(scratchBase); ; at += scratchStride {
		free := true
		for _, e := range l { // modulo 2^64: an entry may run past the top
			free = free && (e.Len == 0 || e.Addr-at >= scratchBytes && at-e.Addr >= uint64(e.Len))
		}
		if free {
			return at
		}
	}
}
