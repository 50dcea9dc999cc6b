package sg

import (
	"iter"
	"math"
	"math/bits"
	"strings"
)

// Features is what about a list may matter to a registration, as a set of
// bits. Two lists with the same features are likely to fail for the same
// reason; failures are told apart by it. The words of Names are stable, the
// bits are not.
type Features uint64

// Number of entries, empty ones included: exactly one of these is set.
const (
	Count0      Features = 1 << iota // no entries
	Count1                           // one entry
	Count2                           // two
	Count4                           // 3 and 4
	Count8                           // 5 to 8
	Count64                          // 9 to 64
	Count256                         // 65 to 256
	Count4096                        // 257 to 4096
	Count65535                       // 4097 to 65535, the largest 16-bit count
	CountMore                        // 65536 and more
	afterCounts = iota
)

// Alignment of addresses: the coarsest of a page, 512, 64 and 4 bytes of which
// the address is a multiple, or odd for none of them. For the first start and
// the last end (the address behind the last byte) exactly one bit is set. The
// first end and the interior starts and ends are boundaries between two
// entries; for the interior one bit is set for each class that occurs. Empty
// entries have no boundaries.
const (
	FirstStartPage Features = 1 << (afterCounts + iota)
	FirstStart512
	FirstStart64
	FirstStart4
	FirstStartOdd
	FirstEndPage // end of the first entry, if others follow
	FirstEnd512
	FirstEnd64
	FirstEnd4
	FirstEndOdd
	InteriorPage // all ends but the last and all starts but the first
	Interior512
	Interior64
	Interior4
	InteriorOdd
	LastEndPage
	LastEnd512
	LastEnd64
	LastEnd4
	LastEndOdd
	afterAlignment = afterCounts + iota
)

// What entries are to each other and to the address space. A gap is between an
// entry and the next one that is not empty, unless the next one continues it.
const (
	Coalescible   Features = 1 << (afterAlignment + iota) // an entry continues the one before it, under the same lkey
	ContinuesKey                                          // an entry continues the one before it, under another lkey
	GapEnd                                                // end in mid-page, then a start on a page boundary
	GapStart                                              // end on a page boundary, then a start in mid-page
	GapBoth                                               // end and start both in mid-page
	Backwards                                             // an entry starts below the one before it
	Aliased                                               // two entries share a byte
	ZeroLength                                            // an entry is empty
	Keys                                                  // more than one lkey
	CrossPage                                             // an entry has bytes in more than one page
	Cross32                                               // an entry crosses a multiple of 2^32
	High32                                                // an address of 2^32 or above
	EntryOver31                                           // an entry of 2^31 bytes or more
	Total31                                               // 2^31 bytes or more in all
	Total32                                               // 2^32 bytes or more in all
	Top                                                   // a range ends exactly at 2^64
	Wraps                                                 // a range runs past 2^64
	afterFeatures = afterAlignment + iota
)

var featureNames = [afterFeatures]string{
	"n0", "n1", "n2", "n3-4", "n5-8", "n9-64", "n65-256", "n257-4096", "n4097-65535", "n65536+",
	"first-start:page", "first-start:512", "first-start:64", "first-start:4", "first-start:odd",
	"first-end:page", "first-end:512", "first-end:64", "first-end:4", "first-end:odd",
	"interior:page", "interior:512", "interior:64", "interior:4", "interior:odd",
	"last-end:page", "last-end:512", "last-end:64", "last-end:4", "last-end:odd",
	"coalescible", "continues-key", "gap-end", "gap-start", "gap-both", "backwards", "aliased", "zero-length",
	"keys", "cross-page", "cross-2^32", "high", "entry>=2^31", "total>=2^31", "total>=2^32", "top", "wraps",
}

// All yields the word of each feature of the set, in a fixed order.
func (f Features) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for f &= 1<<afterFeatures - 1; f != 0; f &= f - 1 {
			if !yield(featureNames[bits.TrailingZeros64(uint64(f))]) {
				return
			}
		}
	}
}

// Names is the words of All as a slice.
func (f Features) Names() []string {
	names := make([]string, 0, bits.OnesCount64(uint64(f)))
	for name := range f.All() {
		names = append(names, name)
	}
	return names
}

// String is the words of Names with blanks between them.
func (f Features) String() string { return strings.Join(f.Names(), " ") }

// Features finds what l is like for a registration with pages of that many
// bytes, a power of two; 0 stands for 4096, other numbers are rounded down. It
// takes time linear in the entries, and n·log n if they are not in rising
// order.
func (l List) Features(page uint64) Features {
	page = (&Params{PageSize: page}).pageSize()
	f := countFeature(len(l))
	var prev *Entry // the latest that is not empty
	for i := range l {
		e := &l[i]
		f |= entryFeatures(e, page)
		if e.Lkey != l[0].Lkey {
			f |= Keys
		}
		if e.Len == 0 {
			continue
		}
		if prev == nil {
			f |= FirstStartPage << alignment(e.Addr, page)
		} else {
			f |= jointFeatures(prev, e, page)
			if f&firstEnds == 0 {
				f |= FirstEndPage << alignment(prev.End(), page)
			}
		}
		prev = e
	}
	if prev != nil {
		f |= LastEndPage << alignment(prev.End(), page)
	}
	return f | totalFeatures(l.Total()) | aliasFeature(l)
}

const firstEnds = FirstEndPage | FirstEnd512 | FirstEnd64 | FirstEnd4 | FirstEndOdd

func countFeature(n int) Features {
	f := Count0
	for _, most := range [...]int{0, 1, 2, 4, 8, 64, 256, 4096, math.MaxUint16} {
		if n <= most {
			break
		}
		f <<= 1
	}
	return f
}

// alignment is the class of an address, as the distance from the class of
// pages.
func alignment(addr, page uint64) uint {
	switch {
	case addr&(page-1) == 0:
		return 0
	case addr&511 == 0:
		return 1
	case addr&63 == 0:
		return 2
	case addr&3 == 0:
		return 3
	}
	return 4
}

func entryFeatures(e *Entry, page uint64) (f Features) {
	if e.Addr>>32 != 0 {
		f |= High32
	}
	if e.Len == 0 {
		return f | ZeroLength
	}
	if e.Addr&^(page-1) != e.Last()&^(page-1) {
		f |= CrossPage
	}
	if e.Addr>>32 != e.Last()>>32 {
		f |= Cross32
	}
	if e.Len >= 1<<31 {
		f |= EntryOver31
	}
	switch {
	case e.Wraps():
		f |= Wraps
	case e.End() == 0:
		f |= Top
	}
	return f
}

// jointFeatures is about the border between two entries that are not empty.
func jointFeatures(a, b *Entry, page uint64) Features {
	f := InteriorPage<<alignment(a.End(), page) | InteriorPage<<alignment(b.Addr, page)
	if b.Addr < a.Addr {
		f |= Backwards
	}
	endsOff, startsOff := a.End()&(page-1) != 0, b.Addr&(page-1) != 0
	switch {
	case a.continuedBy(*b):
		f |= Coalescible
	case a.continuedBy(Entry{b.Addr, b.Len, a.Lkey}):
		f |= ContinuesKey
	case endsOff && startsOff:
		f |= GapBoth
	case endsOff:
		f |= GapEnd
	case startsOff:
		f |= GapStart
	}
	return f
}

func totalFeatures(total uint64) (f Features) {
	if total >= 1<<31 {
		f |= Total31
	}
	if total >= 1<<32 {
		f |= Total32
	}
	return f
}
