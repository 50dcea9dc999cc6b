package sg

import (
	"errors"
	"fmt"
	"math/bits"
)

// Errors of Memory, found with errors.Is inside a *MemoryError.
var (
	ErrMemoryRange = errors.New("range runs past 2^64")
	ErrMemoryLimit = errors.New("written pages exceed the memory limit")
)

// MemoryError says which access failed. Nothing of it was carried out.
type MemoryError struct {
	Op   string // "read" or "write"
	Addr uint64 // first byte of the access
	Len  int    // bytes
	Err  error  // ErrMemoryRange or ErrMemoryLimit
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("%s of %d bytes at %#x: %v", e.Op, e.Len, e.Addr, e.Err)
}

func (e *MemoryError) Unwrap() error { return e.Err }

const (
	pageShift = 8 // small, so that scattered single bytes stay cheap
	pageSize  = 1 << pageShift
	pageMask  = pageSize - 1

	// pageCost is what one written page is counted as against the limit: its
	// content, its bitmap and its number, and its share of the page table.
	pageCost = pageSize + pageSize/8 + 8 + 4*16

	// DefaultMemoryLimit is the limit a new Memory has: 1 GiB, which is about
	// three million pages of 256 bytes.
	DefaultMemoryLimit = 1 << 30
)

// memoryPage is one page that has been written to. Bytes never written hold
// the pattern, so that reading need not look at the bitmap.
type memoryPage struct {
	number  uint64                // address >> pageShift
	written [pageSize / 64]uint64 // bit i: byte i has been written
	data    [pageSize]byte
}

func (p *memoryPage) mark(from, to uint) {
	for from < to {
		word, low := from>>6, from&63
		n := min(64-low, to-from)
		p.written[word] |= (^uint64(0) >> (64 - n)) << low
		from += n
	}
}

// Memory is a host's memory: all 2^64 byte addresses exist. A byte that was
// never written holds Pattern and takes no room; written bytes are kept in
// pages of 256 bytes and remembered one by one, so that a stray write of a
// single byte is seen even when it writes what was there before.
//
// Reads may run side by side; everything else needs the Memory for itself.
type Memory struct {
	seed  uint64
	limit int // pages
	used  int // pages in use: the first ones of the arena
	arena [][]memoryPage
	table pageTable

	order []uint64 // scratch of sortedPages
}

// arenaChunk is how many pages are allocated at a time.
const arenaChunk = 64

// NewMemory returns a memory in which no byte is written.
func NewMemory(seed uint64) *Memory {
	return &Memory{seed: seed, limit: DefaultMemoryLimit / pageCost}
}

// Reset forgets all writes and changes the seed. Pages stay allocated for the
// writes to come; the limit stays as it is.
func (m *Memory) Reset(seed uint64) {
	m.seed = seed
	m.used = 0
	m.table.clear()
}

// SetLimit bounds what written pages may take, in bytes and counted at about
// 360 bytes per page of 256. A write that needs more fails with
// ErrMemoryLimit. Pages that are in use already stay, whatever the limit.
func (m *Memory) SetLimit(bytes uint64) {
	m.limit = int(min(bytes/pageCost, 1<<30))
}

// Seed is the seed of the pattern.
func (m *Memory) Seed() uint64 { return m.seed }

// Pages is the number of pages written to since the last Reset.
func (m *Memory) Pages() int { return m.used }

// page returns the page of that number, or nil if it was never written.
func (m *Memory) page(number uint64) *memoryPage {
	i, ok := m.table.find(number)
	if !ok {
		return nil
	}
	return &m.arena[i/arenaChunk][i%arenaChunk]
}

// materialise returns the page of that number, made from the pattern if it was
// never written, but for the bytes from off up to end, which the caller writes.
func (m *Memory) materialise(number uint64, off, end int) *memoryPage {
	if p := m.page(number); p != nil {
		return p
	}
	if m.used == len(m.arena)*arenaChunk {
		m.arena = append(m.arena, make([]memoryPage, arenaChunk))
	}
	p := &m.arena[m.used/arenaChunk][m.used%arenaChunk]
	m.table.insert(number, uint32(m.used))
	m.used++
	p.number = number
	p.written = [pageSize / 64]uint64{}
	FillPattern(m.seed, number<<pageShift, p.data[:off])
	FillPattern(m.seed, number<<pageShift+uint64(end), p.data[end:])
	return p
}

// passesTop reports whether n bytes at addr run past 2^64. Ending there is
// allowed.
func passesTop(addr uint64, n int) bool {
	return n > 0 && addr+uint64(n)-1 < addr
}

// Read fills p with the bytes at addr. A *MemoryError with ErrMemoryRange is
// returned, and p left as it is, when they run past 2^64; ending exactly there
// is fine.
func (m *Memory) Read(addr uint64, p []byte) error {
	if passesTop(addr, len(p)) {
		return &MemoryError{"read", addr, len(p), ErrMemoryRange}
	}
	if m.used == 0 {
		FillPattern(m.seed, addr, p)
		return nil
	}
	for len(p) != 0 {
		off := int(addr & pageMask)
		n := min(pageSize-off, len(p))
		if page := m.page(addr >> pageShift); page != nil {
			copy(p[:n], page.data[off:])
		} else {
			FillPattern(m.seed, addr, p[:n])
		}
		p, addr = p[n:], addr+uint64(n)
	}
	return nil
}

// Write stores p at addr. A *MemoryError is returned, and nothing stored, when
// the bytes run past 2^64 (ErrMemoryRange) or need more pages than the limit
// allows (ErrMemoryLimit).
func (m *Memory) Write(addr uint64, p []byte) error {
	if passesTop(addr, len(p)) {
		return &MemoryError{"write", addr, len(p), ErrMemoryRange}
	}
	if !m.hasRoom(addr, len(p)) {
		return &MemoryError{"write", addr, len(p), ErrMemoryLimit}
	}
	for len(p) != 0 {
		off := int(addr & pageMask)
		n := min(pageSize-off, len(p))
		page := m.materialise(addr>>pageShift, off, off+n)
		copy(page.data[off:], p[:n])
		page.mark(uint(off), uint(off+n))
		p, addr = p[n:], addr+uint64(n)
	}
	return nil
}

// hasRoom reports whether a write of n bytes at addr stays within the limit.
// Pages are looked up only if it might not.
func (m *Memory) hasRoom(addr uint64, n int) bool {
	if n == 0 {
		return true
	}
	first, last := addr>>pageShift, (addr+uint64(n)-1)>>pageShift
	free := uint64(max(m.limit-m.used, 0))
	if last-first < free {
		return true
	}
	var missing uint64
	for k := first; ; k++ {
		if _, ok := m.table.find(k); !ok {
			missing++
		}
		if k == last || missing > free {
			return missing <= free
		}
	}
}

// pageTable is an open hash from page numbers to arena positions. A slot is
// live if its era is the table's, so that clear costs nothing.
type pageTable struct {
	slots []pageSlot // a power of two of them, at most half of them live
	live  int
	era   uint32
}

// slotGroup is the log2 of the pages next to each other in memory that are next
// to each other in the table too, in one or two cache lines: what is written in
// one go is looked up in one go.
const slotGroup = 3

type pageSlot struct {
	number uint64
	index  uint32
	era    uint32
}

func (t *pageTable) clear() {
	t.live = 0
	t.era++
	if t.era == 0 {
		clear(t.slots)
		t.era = 1
	}
}

// slot returns where the page of that number is, or where it would go.
func (t *pageTable) slot(number uint64) *pageSlot {
	mask := uint64(len(t.slots) - 1)
	const within = 1<<slotGroup - 1
	h := number >> slotGroup * golden >> (64 - bits.TrailingZeros(uint(len(t.slots))))
	h = h&^within | number&within
	for {
		s := &t.slots[h&mask]
		if s.era != t.era || s.number == number {
			return s
		}
		h++
	}
}

func (t *pageTable) find(number uint64) (uint32, bool) {
	if t.live == 0 {
		return 0, false
	}
	s := t.slot(number)
	return s.index, s.era == t.era
}

// insert adds a page that is not in the table.
func (t *pageTable) insert(number uint64, index uint32) {
	if 2*t.live >= len(t.slots) {
		t.grow()
	}
	*t.slot(number) = pageSlot{number, index, t.era}
	t.live++
}

func (t *pageTable) grow() {
	old, era := t.slots, t.era
	t.slots = make([]pageSlot, max(64, 2*len(old)))
	t.era = 1
	for _, s := range old {
		if s.era == era && era != 0 {
			*t.slot(s.number) = pageSlot{s.number, s.index, 1}
		}
	}
}
