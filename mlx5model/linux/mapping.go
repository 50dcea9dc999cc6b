package linux

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Pos is a byte's place in a list. Off may equal the entry's length, which is
// the same place as the start of the next entry; the end of a list is
// {len(list), 0}.
type Pos struct {
	Entry int    // index
	Off   uint64 // bytes into the entry
}

// StopReason says why a mapping ended where it did.
type StopReason uint8

// Stop reasons. Where several hold, StopGap comes before StopTop and StopTop
// before StopFull.
const (
	StopEnd  StopReason = iota // the list has no further byte
	StopGap                    // the next byte needs a page of its own, and one border is inside a page
	StopFull                   // the next byte needs a descriptor beyond the capacity
	StopTop                    // the next byte would lie at iova 2^64
)

func (s StopReason) String() string {
	switch s {
	case StopEnd:
		return "end of list"
	case StopGap:
		return "gap"
	case StopFull:
		return "list full"
	case StopTop:
		return "top of the address space"
	}
	return fmt.Sprintf("StopReason(%d)", uint8(s))
}

// Mapping is what MapPages and MapKLMs made of a list.
type Mapping struct {
	N      int    // descriptors written
	IOVA   uint64 // address of the region's first byte; IOVA+Length is at most 2^64
	Length uint64 // bytes covered
	Next   Pos    // first byte not covered: an entry that has bytes, or the end of the list
	Stop   StopReason
}

// Errors of MapPages and MapKLMs. A range that runs past 2^64 is an
// *sg.EntryError wrapping sg.ErrWraps. With an error the Mapping is zero and
// the content of dst is undefined.
var (
	ErrPageSize = errors.New("page size is not a power of two of at least 4 bytes")
	ErrNothing  = errors.New("no bytes to map")
	ErrNoRoom   = errors.New("descriptor list has no room at all")
	ErrPos      = errors.New("position lies outside the list")
	ErrKey      = errors.New("first KLM's key reads as the op word of a repeat header")
	ErrIOVA     = errors.New("iova and first address differ within the page")
)

// cursor walks over the bytes of a list, one run per entry, skipping entries
// without bytes.
type cursor struct {
	l     sg.List
	pos   Pos
	tried int // entries before this one are not plain, or were found not to fit as such
}

// start checks from. It refuses what the kernel only checks for page lists:
// an offset beyond the entry.
func (c *cursor) start(l sg.List, from Pos) error {
	inside := from.Entry >= 0 && from.Entry < len(l) && from.Off <= uint64(l[from.Entry].Len)
	if !inside && from != (Pos{Entry: len(l)}) {
		return fmt.Errorf("entry %d offset %d of a list of %d: %w", from.Entry, from.Off, len(l), ErrPos)
	}
	c.l, c.pos = l, from
	return nil
}

// run gives the bytes from the cursor to the end of its entry; n is 0 at the
// end of the list.
func (c *cursor) run() (addr, n uint64, err error) {
	for ; c.pos.Entry < len(c.l); c.pos = (Pos{Entry: c.pos.Entry + 1}) {
		e := &c.l[c.pos.Entry]
		if n = uint64(e.Len) - c.pos.Off; n == 0 {
			continue
		}
		if e.Wraps() {
			return 0, 0, &sg.EntryError{Index: c.pos.Entry, Entry: *e, Err: sg.ErrWraps}
		}
		return e.Addr + c.pos.Off, n, nil
	}
	return 0, 0, nil
}

// plainRun are whole entries that have bytes and end below 2^64.
type plainRun struct {
	list  sg.List
	total uint64 // bytes
}

// lookAhead is how many entries are looked at together at most. One odd entry
// among them makes that work be done again entry by entry.
const lookAhead = 256

// plain gives the entries from the cursor on, at most most, if they are plain
// and none is longer than longest bytes; otherwise none. Entries are looked at
// once only: what a caller cannot take this way it takes by run.
func (c *cursor) plain(most int, longest uint32) plainRun {
	if c.pos.Entry < c.tried || c.pos.Off != 0 {
		return plainRun{}
	}
	l := c.l[c.pos.Entry:]
	l = l[:max(min(len(l), most, lookAhead), 0)]
	c.tried = c.pos.Entry + len(l)
	if len(l) == 0 {
		return plainRun{}
	}
	f := sendq.Scan(l)
	if f.Least == 0 || f.Most > longest || f.Wraps {
		return plainRun{}
	}
	return plainRun{l, f.Total}
}

// begin makes addr, or iova if there is one, the first address of a mapping
// that has no byte yet.
func (m *Mapping) begin(addr uint64, iova *uint64) *Mapping {
	if m.Length == 0 {
		if m.IOVA = addr; iova != nil {
			m.IOVA = *iova
		}
	}
	return m
}

// finish settles the mapping once no further run can be taken.
func (m *Mapping) finish(c *cursor, stop StopReason) error {
	if m.Length == 0 {
		if stop == StopEnd {
			return ErrNothing
		}
		return ErrNoRoom
	}
	m.Next, m.Stop = c.pos, stop
	return nil
}

// belowTop gives how many of n further bytes a region at IOVA with Length
// bytes can take so that it ends at 2^64 at the latest.
func (m *Mapping) belowTop(n uint64) uint64 {
	if last := ^m.IOVA; m.Length+n-1 > last {
		return last - m.Length + 1
	}
	return n
}
