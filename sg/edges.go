package sg

import "math"

// Edge is a number at which something is known to break, or likely to. It is
// relative to the page size: Pages·page + Bytes, modulo 2^64.
type Edge struct {
	Pages, Bytes int64
	Weight       int    // how often it is drawn, in relation to its table
	Reason       string // what is special there
}

// Value is the edge's number for a page size in bytes.
func (e Edge) Value(page uint64) uint64 {
	return uint64(e.Pages)*page + uint64(e.Bytes)
}

// LengthEdges are lengths of entries, in bytes: none is zero and all are below
// 2^32, for pages up to 2 GiB at any rate after clipping. Long ones have little
// weight, because lists that hold one are slow to move.
func LengthEdges() []Edge { return append([]Edge(nil), lengthEdges...) }

// OffsetEdges are offsets in a page, in bytes; to be taken modulo the page.
func OffsetEdges() []Edge { return append([]Edge(nil), offsetEdges...) }

// AddressEdges are addresses of entries.
func AddressEdges() []Edge { return append([]Edge(nil), addressEdges...) }

var lengthEdges = []Edge{
	{0, 1, 12, "the shortest entry"},
	{0, 2, 4, "two bytes: first and last only"},
	{0, 3, 4, "odd, below a 32-bit word"},
	{0, 4, 2, "a 32-bit word"},
	{0, 7, 3, "one below a 64-bit word"},
	{0, 8, 3, "a 64-bit word; a PAS or MTT element"},
	{0, 15, 2, "one below an octoword"},
	{0, 16, 2, "an octoword; a KLM"},
	{0, 17, 2, "one past an octoword"},
	{0, 63, 2, "one below a cache line or WQEBB"},
	{0, 64, 3, "a cache line or WQEBB"},
	{0, 65, 2, "one past a cache line"},
	{0, 511, 5, "one below a sector"},
	{0, 512, 8, "a sector"},
	{0, 513, 5, "one past a sector"},
	{0, 520, 3, "a sector with protection information"},
	{1, -512, 3, "a page without its last sector"},
	{1, -1, 10, "one below a page"},
	{1, 0, 16, "a page"},
	{1, 1, 10, "one past a page"},
	{1, 512, 2, "a page and a sector"},
	{2, -1, 4, "one below two pages"},
	{2, 0, 6, "two pages"},
	{2, 1, 4, "one past two pages"},
	{0, 1<<16 - 1, 2, "the largest 16-bit count"},
	{0, 1 << 16, 3, "64 KiB: a large page, and 16-bit counts wrap to 0"},
	{0, 1<<16 + 1, 2, "one past 64 KiB"},
	{0, 1 << 21, 1, "2 MiB: a huge page"},
	{0, 1 << 30, 1, "1 GiB: a gigantic page"},
	{0, 1<<31 - 1, 1, "the largest signed 32-bit length"},
	{0, 1 << 31, 1, "turns negative as a signed 32-bit length; longest KLM"},
	{0, 1<<31 + 1, 1, "one past the longest KLM"},
	{-1, 1 << 32, 1, "4 GiB less one page: longest page-aligned entry"},
	{0, 1<<32 - 512, 1, "4 GiB less a sector"},
	{0, 1<<32 - 2, 1, "one below the longest entry"},
	{0, 1<<32 - 1, 1, "the longest entry"},
}

var offsetEdges = []Edge{
	{0, 0, 16, "page aligned"},
	{0, 1, 8, "one past a page boundary"},
	{0, 2, 2, "even, but no 32-bit word"},
	{0, 4, 2, "32-bit aligned"},
	{0, 8, 3, "64-bit aligned"},
	{0, 63, 1, "one below a cache line"},
	{0, 64, 2, "cache-line aligned"},
	{0, 511, 2, "one below a sector"},
	{0, 512, 6, "sector aligned"},
	{0, 513, 2, "one past a sector"},
	{1, -512, 3, "last sector of the page"},
	{1, -64, 1, "last cache line of the page"},
	{1, -8, 2, "last 64-bit word of the page"},
	{1, -2, 1, "two bytes left in the page"},
	{1, -1, 10, "last byte of the page"},
}

var addressEdges = []Edge{
	{0, 0, 4, "address zero"},
	{1, 0, 3, "first page that is not zero"},
	{0, 1 << 16, 1, "64 KiB"},
	{-1, 1 << 31, 2, "page below 2 GiB"},
	{0, 1 << 31, 3, "turns negative as a signed 32-bit address"},
	{-1, 1 << 32, 4, "page below 4 GiB: runs of it cross"},
	{0, 1<<32 - 1, 3, "last 32-bit address"},
	{0, 1 << 32, 4, "low half zero: truncation to 32 bits gives 0"},
	{1, 1 << 32, 2, "4 GiB and a page: truncation gives another valid page"},
	{0, 1 << 44, 1, "page number of a 4 KiB page passes 32 bits"},
	{-1, 1 << 47, 1, "last page of a user address space"},
	{0, 1 << 48, 1, "address past 48 bits"},
	{0, 1 << 52, 1, "address past 52 bits, the width of many bus addresses"},
	{-1, -1 << 63, 2, "page below 2^63"},
	{0, -1 << 63, 3, "turns negative as a signed 64-bit address"},
	{0, -1 << 47, 1, "first kernel address of a 48-bit address space"},
	{0, -1 << 32, 2, "4 GiB below the top"},
	{-2, 0, 2, "page before the last page"},
	{-1, 0, 4, "last page of the address space"},
}

// sumWeights is the total weight of a table.
func sumWeights(table []Edge) int {
	sum := 0
	for i := range table {
		sum += table[i].Weight
	}
	return sum
}

var (
	lengthWeight  = sumWeights(lengthEdges)
	offsetWeight  = sumWeights(offsetEdges)
	addressWeight = sumWeights(addressEdges)
)

// pickEdge draws an edge of a table whose weights sum to total. It takes two
// bytes, so that the rare ones come up as often as their weight says.
func (c *Choices) pickEdge(table []Edge, total int, page uint64) uint64 {
	v := int(c.Uint(math.MaxUint16)) * total >> 16
	for i := range table {
		if v -= table[i].Weight; v < 0 {
			return table[i].Value(page)
		}
	}
	return table[0].Value(page)
}
