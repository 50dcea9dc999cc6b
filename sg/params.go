package sg

import (
	"math"
	"math/bits"
)

// Params is what generators must know of the machine the lists are for. The
// zero value, and a nil pointer, stand for the defaults; values out of range
// are taken as the nearest legal one.
type Params struct {
	// PageSize is the registration's page in bytes: a power of two from 4
	// bytes (for exhaustive search) to 2 GiB. Default 4096. Other numbers are
	// rounded down to a power of two.
	PageSize uint64

	// Capacities are the limits of the device in entries or pages: max_sge,
	// pages per fast-registration key, KLMs inline and by pointer, and so on.
	// The generator "capacity" makes lists of exactly those sizes, their
	// multiples, and one more and less. Numbers below 1 are ignored.
	Capacities []int

	// MaxEntries bounds every list. Default 2^20, at most 2^30. All generators
	// but "literal", "capacity" and "totals" stop at 4096 of themselves.
	MaxEntries int

	// MaxEntryBytes bounds the entries of all generators but "literal", in
	// bytes; at least the larger of a page and 512. Default 2^32-1, which is
	// also the most an entry can hold.
	MaxEntryBytes uint64
}

// Defaults of Params.
const (
	DefaultPageSize   = 4096
	DefaultMaxEntries = 1 << 20

	minPageSize = 4
	maxPageSize = 1 << 31
	mostEntries = 1 << 30 // 16 GiB of entries

	// maxDrawn bounds the lists of generators that ask for one element after
	// another.
	maxDrawn = 4096
)

// defaultCapacities stand in when Params names none: small powers of two that
// queue pairs really have as max_sge, and a page list of 256 pages, which is 1
// MiB of 4 KiB pages.
var defaultCapacities = []int{1, 2, 4, 16, 30, 256}

func (p *Params) pageSize() uint64 {
	if p == nil || p.PageSize == 0 {
		return DefaultPageSize
	}
	size := uint64(1) << (bits.Len64(p.PageSize) - 1)
	return min(max(size, minPageSize), maxPageSize)
}

func (p *Params) maxEntries() int {
	if p == nil || p.MaxEntries <= 0 {
		return DefaultMaxEntries
	}
	return min(p.MaxEntries, mostEntries)
}

func (p *Params) maxEntryBytes() uint64 {
	if p == nil || p.MaxEntryBytes == 0 {
		return math.MaxUint32
	}
	return min(max(p.MaxEntryBytes, p.pageSize(), 512), math.MaxUint32)
}

func (p *Params) capacities() []int {
	if p == nil || len(p.Capacities) == 0 {
		return defaultCapacities
	}
	return p.Capacities
}
