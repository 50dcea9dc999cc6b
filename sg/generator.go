package sg

import (
	"encoding/binary"
	"math"
	"slices"
)

// Generator makes one kind of list.
type Generator struct {
	Name   string // one word, stable
	Reason string // what it is after
	Weight int    // of 256 in all

	// Draw adds a list to dst. It asks c for all that is not fixed, and goes
	// on to another element only if c says so. A nil p means the defaults.
	Draw func(c *Choices, p *Params, dst List) List
}

// generators is in order of the choice byte: literal must be the first, so
// that an empty stream is an empty list and EncodeList starts with 0.
var generators = [...]Generator{
	{"literal", "any list at all, spelled out; what EncodeList writes", 8, drawLiteral},
	{"pages", "whole pages: what every page-list registration takes", 14, drawPages},
	{"frwr", "first start and last end free, all else page aligned: the fast-registration rule just obeyed", 20, drawFRWR},
	{"sectors", "starts and lengths in 512-byte sectors, as block I/O has them", 14, drawSectors},
	{"bytes", "any byte, any length: what page lists cannot take", 22, drawBytes},
	{"edges", "addresses, offsets and lengths from the edge tables", 21, drawEdges},
	{"gaps", "ends in mid-page before aligned starts, and the reverse: each gap test must see both", 20, drawGaps},
	{"contiguous", "neighbours of odd lengths that make one range: merging, and gaps that are none", 18, drawContiguous},
	{"shreds", "single bytes: most descriptors for least data", 10, drawShreds},
	{"aliased", "entries that repeat, shift, contain and cross others", 14, drawAliased},
	{"huge", "entries about 2^31 and 2^32-1 bytes long", 10, drawHuge},
	{"totals", "totals about 2^31, 2^32 and 2^33, of entries each well below", 8, drawTotals},
	{"top", "ranges near the top of the address space and ending at 2^64", 8, drawTop},
	{"wrapping", "at least one range past 2^64: must be refused", 3, drawWrapping},
	{"empties", "entries of length zero among others", 4, drawEmpties},
	{"capacity", "exact multiples of each device limit, and one more and less", 8, drawCapacity},
	{"small", "a universe of eight pages in quarter pages: every relation of few entries, soon", 20, drawSmall},
	{"userbuf", "a pinned user buffer: unaligned first page, full pages, short last one", 10, drawUserBuffer},
	{"writev", "small headers between large bodies", 8, drawWritev},
	{"strided", "equal lengths at a constant stride: what strided and KSM keys can say", 6, drawStrided},
	{"blocks", "runs that form large pages, cut at odd places or at 4 GiB less a page", 6, drawBlocks},
	{"keys", "contiguous neighbours under different lkeys: must not be merged", 4, drawKeys},
}

// Generators returns all generators, in the order Generate picks from.
func Generators() []Generator { return slices.Clone(generators[:]) }

// GeneratorByName finds a generator.
func GeneratorByName(name string) (Generator, bool) {
	for i := range generators {
		if generators[i].Name == name {
			return generators[i], true
		}
	}
	return Generator{}, false
}

// Generate picks a generator by weight, lets it add a list to dst, and returns
// the list and the generator's name. It allocates only to grow dst. A nil p
// means the defaults.
func Generate(c *Choices, p *Params, dst List) (List, string) {
	v := int(c.Byte()) // weights sum to 256
	for i := range generators {
		if v -= generators[i].Weight; v < 0 {
			return generators[i].Draw(c, p, dst), generators[i].Name
		}
	}
	return dst, ""
}

// EncodeList adds to dst the choice stream for which Generate gives exactly l,
// which may be any list of up to Params.MaxEntries entries. It takes 17 bytes
// per entry and 2 more. Draws after the list come from what follows the
// stream.
func EncodeList(dst []byte, l List) []byte {
	dst = append(dst, 0) // literal
	for _, e := range l {
		dst = append(dst, math.MaxUint8) // more
		dst = binary.LittleEndian.AppendUint64(dst, e.Addr)
		dst = binary.LittleEndian.AppendUint32(dst, e.Len)
		dst = binary.LittleEndian.AppendUint32(dst, e.Lkey)
	}
	return append(dst, 0)
}

func drawLiteral(c *Choices, p *Params, dst List) List {
	limit := len(dst) + p.maxEntries()
	for c.More() && len(dst) < limit {
		addr := c.Uint(math.MaxUint64)
		n := uint32(c.Uint(math.MaxUint32))
		dst = append(dst, Entry{addr, n, uint32(c.Uint(math.MaxUint32))})
	}
	return dst
}

// maker is the state of one generator at work.
type maker struct {
	*Choices
	page    uint64
	longest uint64 // bytes in an entry
	limit   int    // length of l that must not be passed
	base    int    // where the list starts in l
	stop    byte   // for MoreUnless
	l       List
}

// moreStops gives lists of 8, 2, 32 and 128 entries in the mean; a list of any
// length may come from each.
var (
	moreStops       = [...]byte{stopMore, 128, 8, 2}
	moreStopWeights = []int{7, 5, 3, 1}
)

// begin also draws how long the list tends to be.
func begin(c *Choices, p *Params, dst List) maker {
	m := beginFixed(c, p, dst)
	m.stop = moreStops[c.Pick(moreStopWeights)]
	m.limit = min(m.limit, m.base+maxDrawn)
	return m
}

// beginFixed is begin for generators that say themselves how many entries
// there are.
func beginFixed(c *Choices, p *Params, dst List) maker {
	return maker{
		Choices: c,
		page:    p.pageSize(),
		longest: p.maxEntryBytes(),
		limit:   len(dst) + p.maxEntries(),
		base:    len(dst),
		stop:    stopMore,
		l:       dst,
	}
}

func (m *maker) full() bool { return len(m.l) >= m.limit }

// more draws whether there is another entry.
func (m *maker) more() bool { return !m.full() && m.MoreUnless(m.stop) }

// add puts n bytes at addr into the list, cut to the longest entry. A range
// that would wrap is moved down by 2^63, which keeps its place in the page.
func (m *maker) add(addr, n uint64) {
	if m.full() {
		return
	}
	n = min(n, m.longest)
	if n != 0 && addr+n-1 < addr {
		addr &^= 1 << 63
	}
	m.l = append(m.l, Entry{Addr: addr, Len: uint32(n)})
}

// last is the latest entry; there must be one.
func (m *maker) last() *Entry { return &m.l[len(m.l)-1] }

// regionWeights: see region.
var regionWeights = []int{8, 12, 4, 4, 10, 3, 3}

// region draws a page-aligned address: pages that soon collide, pages around
// 2^31 and 2^32, pages as user and kernel memory has them, any page.
func (m *maker) region() uint64 {
	switch m.Pick(regionWeights) {
	case 0:
		return m.page * m.Between(1, 256)
	case 1:
		return 1<<28&^(m.page-1) + m.page*m.Uint(math.MaxUint16)
	case 2:
		return 1<<31 + m.page*(m.Uint(255)-128)
	case 3:
		return 1<<32 + m.page*(m.Uint(255)-128)
	case 4:
		return 1<<46 + m.page*m.Uint(1<<24-1)
	case 5:
		return 1<<63 + m.page*(m.Uint(255)-128)
	}
	return m.Uint(math.MaxUint64) &^ (m.page - 1)
}

// place draws a page-aligned address with room for n bytes, and for three
// pages more, below 2^64. It is not where the page that the latest entry ends in
// starts: what is put there never continues that entry, nor fills its page.
func (m *maker) place(n uint64) uint64 {
	a := m.region()
	if a+n+3*m.page < a {
		a &^= 1 << 63
	}
	if len(m.l) > m.base && m.last().End()&^(m.page-1) == a {
		a += m.page
	}
	return a
}

// within draws an offset in a page that is not zero.
func (m *maker) within() uint64 { return m.Between(1, m.page-1) }

var pageCountWeights = []int{8, 6, 2, 1}

// pages draws a length in bytes of whole pages: mostly few of them.
func (m *maker) pages() uint64 {
	n := uint64(1)
	switch m.Pick(pageCountWeights) {
	case 1:
		n = m.Between(1, 8)
	case 2:
		n = m.Between(1, 64)
	case 3:
		n = m.Between(1, 513)
	}
	return m.floor(n*m.page, m.page)
}

// floor cuts n to the longest multiple of unit that an entry may have.
func (m *maker) floor(n, unit uint64) uint64 {
	return min(n, m.longest) &^ (unit - 1)
}
