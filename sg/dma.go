package sg

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// DMAMode is what the DMA mapping does to the number of entries.
type DMAMode uint8

// The modes of a DMA mapping.
const (
	Identity DMAMode = iota // every entry as it is
	Merge                   // an IOMMU that joins neighbours into one segment
	Split                   // a segment boundary that no entry may cross
)

var dmaWords = [...]string{Identity: "identity", Merge: "merge", Split: "split"}

// DMA is the stage between the entries a caller has and the entries a device
// gets: dma_map_sg (Documentation/core-api/dma-api.rst) may return fewer
// entries than it was given, and some mappings return more. Whoever registers
// must use the mapped count, whoever unmaps the original one.
//
// Addresses are not translated. The byte stream is the same before and after.
type DMA struct {
	Mode DMAMode

	// Limit is the longest segment Merge makes, or the boundary at whose
	// multiples Split cuts, in bytes. A limit of Merge beyond 2^32-1 means
	// 2^32-1, which is what an entry's length can hold.
	Limit uint64
}

// MaxDMAEntries is the most entries one Map may add: 2^24, which take 256 MiB.
const MaxDMAEntries = 1 << 24

// Errors of DMA, found with errors.Is.
var (
	ErrDMAMode    = errors.New("unknown DMA mode")
	ErrDMALimit   = errors.New("DMA limit must be above zero")
	ErrDMAEntries = fmt.Errorf("DMA mapping needs more than %d entries", MaxDMAEntries)
	ErrDMASyntax  = errors.New(`DMA mapping must read "identity", "merge BYTES" or "split BYTES"`)
)

// Map adds the mapped form of l to dst, which must not share memory with it.
// On error (ErrDMAMode, ErrDMALimit, ErrDMAEntries) dst is returned as it was.
//
// Merge joins an entry to the one before it if it continues it, has the same
// lkey, and the two are within Limit together; it leaves alone what is longer
// than Limit to begin with, and never joins across 2^64. Split cuts at the
// multiples of Limit. An entry that wraps is passed on unchanged by every
// mode: to refuse it is up to the registration.
func (d DMA) Map(dst List, l List) (List, error) {
	if d.Mode > Split {
		return dst, fmt.Errorf("%w %d", ErrDMAMode, d.Mode)
	}
	if d.Mode != Identity && d.Limit == 0 {
		return dst, ErrDMALimit
	}
	if d.count(l) > MaxDMAEntries {
		return dst, ErrDMAEntries
	}
	switch d.Mode {
	case Merge:
		return mergeInto(dst, l, min(d.Limit, math.MaxUint32)), nil
	case Split:
		return splitInto(dst, l, d.Limit), nil
	}
	return append(dst, l...), nil
}

// count is how many entries Map makes of l, at most: exact for Split. It stops
// counting beyond MaxDMAEntries.
func (d DMA) count(l List) uint64 {
	if d.Mode != Split {
		return uint64(len(l))
	}
	var n uint64
	for _, e := range l {
		n++
		if !e.Wraps() {
			n += e.Last()/d.Limit - e.Addr/d.Limit
		}
		if n > MaxDMAEntries {
			break
		}
	}
	return n
}

func mergeInto(dst, l List, limit uint64) List {
	base := len(dst)
	for _, e := range l {
		if k := len(dst) - 1; k >= base && dst[k].continuedBy(e) {
			if sum := uint64(dst[k].Len) + uint64(e.Len); sum <= limit {
				dst[k].Len = uint32(sum)
				continue
			}
		}
		dst = append(dst, e)
	}
	return dst
}

// continuedBy reports whether next starts where e ends and is reached through
// the same key. What ends at 2^64 is continued by nothing, nor is what wraps.
func (e Entry) continuedBy(next Entry) bool {
	if e.End() != next.Addr || e.Lkey != next.Lkey || e.Wraps() || next.Wraps() {
		return false
	}
	return e.End() != 0 || e.Len == 0
}

func splitInto(dst, l List, limit uint64) List {
	for _, e := range l {
		for !e.Wraps() {
			room := limit - e.Addr%limit
			if uint64(e.Len) <= room {
				break
			}
			dst = append(dst, Entry{e.Addr, uint32(room), e.Lkey})
			e.Addr += room
			e.Len -= uint32(room)
		}
		dst = append(dst, e)
	}
	return dst
}

// String gives the form ParseDMA reads: "identity", "merge 65536",
// "split 4096".
func (d DMA) String() string {
	switch d.Mode {
	case Identity:
		return dmaWords[Identity]
	case Merge, Split:
		return dmaWords[d.Mode] + " " + strconv.FormatUint(d.Limit, 10)
	}
	return fmt.Sprintf("DMAMode(%d) %d", d.Mode, d.Limit)
}

// ParseDMA reads the text form of a DMA mapping: one of the words "identity",
// "merge" and "split", the latter two followed by the limit in bytes, decimal
// or 0x hexadecimal. Errors wrap ErrDMASyntax or ErrDMALimit.
func ParseDMA(s string) (DMA, error) {
	f := strings.Fields(s)
	switch {
	case len(f) == 1 && f[0] == dmaWords[Identity]:
		return DMA{}, nil
	case len(f) == 2 && f[0] == dmaWords[Merge]:
		return parseDMALimit(Merge, f[1])
	case len(f) == 2 && f[0] == dmaWords[Split]:
		return parseDMALimit(Split, f[1])
	}
	return DMA{}, fmt.Errorf("%w, not %.40q", ErrDMASyntax, s)
}

func parseDMALimit(mode DMAMode, word string) (DMA, error) {
	limit, n, err := scanNumber(word, math.MaxUint64)
	switch {
	case err != nil || n != len(word):
		return DMA{}, fmt.Errorf("%w: bad number %.40q", ErrDMASyntax, word)
	case limit == 0:
		return DMA{}, ErrDMALimit
	}
	return DMA{mode, limit}, nil
}
