package sg

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Entry is one element of a scatter/gather list, laid out as struct ib_sge
// (include/rdma/ib_verbs.h) and struct ibv_sge (infiniband/verbs.h): 16 bytes
// in memory, host byte order.
type Entry struct {
	Addr uint64 // first byte; any value
	Len  uint32 // bytes, 0 to 2^32-1
	Lkey uint32 // local key the bytes are reached through; 0 where none applies
}

// Wraps reports whether the entry's bytes run past the top of the address
// space. An entry that ends exactly at 2^64 does not wrap.
func (e Entry) Wraps() bool {
	return e.Len != 0 && e.Addr+uint64(e.Len)-1 < e.Addr
}

// Last is the address of the entry's last byte. An entry of length zero has
// none; Last then returns Addr.
func (e Entry) Last() uint64 {
	if e.Len == 0 {
		return e.Addr
	}
	return e.Addr + uint64(e.Len) - 1
}

// End is the address behind the entry's last byte, modulo 2^64: it is 0 for an
// entry that ends exactly at 2^64.
func (e Entry) End() uint64 { return e.Addr + uint64(e.Len) }

// List is a scatter/gather list: the byte stream is the entries' bytes one
// after another. Entries may touch, overlap and be empty.
type List []Entry

// Total is the length of the list's byte stream in bytes. It is exact for
// every list of fewer than 2^32 entries.
func (l List) Total() uint64 {
	var sum uint64
	for i := range l {
		sum += uint64(l[i].Len)
	}
	return sum
}

// Errors that Validate wraps in an EntryError, or returns as they are when
// they concern the whole list.
var (
	ErrWraps = errors.New("range runs past 2^64")
	ErrEmpty = errors.New("list holds no bytes")
)

// EntryError says which entry of a list is at fault.
type EntryError struct {
	Index int   // position in the list, from 0
	Entry Entry // the entry itself
	Err   error
}

func (e *EntryError) Error() string {
	return fmt.Sprintf("entry %d (%#x+%d): %v", e.Index, e.Entry.Addr, e.Entry.Len, e.Err)
}

func (e *EntryError) Unwrap() error { return e.Err }

// Validate refuses what no registration can represent: an entry whose range
// runs past 2^64 (an *EntryError wrapping ErrWraps) and a list without bytes
// (ErrEmpty). Zero-length entries among others are legal.
func (l List) Validate() error {
	var any uint32
	for i := range l {
		if l[i].Wraps() {
			return &EntryError{Index: i, Entry: l[i], Err: ErrWraps}
		}
		any |= l[i].Len
	}
	if any == 0 {
		return ErrEmpty
	}
	return nil
}

// Extent is a run of Len bytes at Addr. The last byte is at Addr+Len-1, which
// never wraps; Addr+Len is 0 for an extent that ends at 2^64.
type Extent struct {
	Addr, Len uint64
}

// AppendExtent adds n bytes at addr to dst and merges them with the last
// extent when they continue it. It adds nothing for n = 0. An extent never
// continues from 2^64-1 to 0: a range that wraps becomes two.
func AppendExtent(dst []Extent, addr, n uint64) []Extent {
	if n == 0 {
		return dst
	}
	if addr+n-1 < addr {
		head := -addr // bytes up to the top
		return AppendExtent(AppendExtent(dst, addr, head), 0, n-head)
	}
	if k := len(dst); k > 0 && addr != 0 && dst[k-1].Addr+dst[k-1].Len == addr {
		if sum, carry := bits.Add64(dst[k-1].Len, n, 0); carry == 0 {
			dst[k-1].Len = sum
			return dst
		}
	}
	return append(dst, Extent{addr, n})
}

// MergeExtents sorts es by address, joins those that overlap or touch, leaves out
// empty ones, and gives the result, in the storage of es. None may run past
// 2^64.
func MergeExtents(es []Extent) []Extent {
	slices.SortFunc(es, func(a, b Extent) int { return cmp.Compare(a.Addr, b.Addr) })
	out := es[:0]
	for _, e := range es {
		if e.Len == 0 {
			continue
		}
		if k := len(out); k > 0 {
			last := out[k-1].Addr + out[k-1].Len - 1
			if e.Addr <= last || e.Addr == last+1 && e.Addr != 0 {
				if end := e.Addr + e.Len - 1; end > last {
					out[k-1].Len = end - out[k-1].Addr + 1
				}
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

// AppendExtents adds the host memory behind the stream window [off, off+n) to
// dst, in stream order, neighbours merged. What lies beyond the end of the
// stream is left out.
func (l List) AppendExtents(dst []Extent, off, n uint64) []Extent {
	for i := range l {
		if n == 0 {
			break
		}
		size := uint64(l[i].Len)
		if off >= size {
			off -= size
			continue
		}
		take := min(size-off, n)
		dst = AppendExtent(dst, l[i].Addr+off, take)
		n -= take
		off = 0
	}
	return dst
}
