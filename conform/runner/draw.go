package runner

import (
	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// longestDrawn bounds the entries of a drawn list: a little more than requests
// have room for.
const longestDrawn = 300

// capacities are the limits that list lengths fall on and around: KLMs and MTTs
// inline in a kernel WQE, in the largest WQE, and max_descs.
var capacities = []int{4, 8, 16, 48, 52, 64, defaultEntries}

var (
	pageSizes   = []uint64{0, 512, 8192, 65536, 2 << 20, 1 << 30}
	pageWeights = []int{190, 16, 12, 20, 14, 4}

	entryCounts  = []uint32{0, 1, 2, 3, 4, 8, 16, 52, 64}
	entryWeights = []int{180, 10, 10, 8, 8, 8, 8, 8, 16}

	entryBytes       = []uint64{0, 65536, 4096, 511, 1 << 20, 1}
	entryBytesWeight = []int{214, 14, 12, 8, 6, 2}

	regionCounts  = []uint32{0, 1, 2, 3}
	regionWeights = []int{190, 30, 22, 14}

	accesses = []corpus.Access{0, corpus.AccessRR, corpus.AccessLR | corpus.AccessRR, corpus.AccessLW | corpus.AccessRW, corpus.AccessLW | corpus.AccessRR,
		corpus.AccessLR | corpus.AccessLW | corpus.AccessRR | corpus.AccessRW, corpus.AccessLW | corpus.AccessRR | corpus.AccessRW | corpus.AccessA, corpus.AccessLW | corpus.AccessRW | corpus.AccessA}
	accessWeights = []int{110, 30, 10, 36, 20, 14, 22, 14}

	offsetWeights = []int{160, 40, 24, 12, 20}
)

// drawer makes cases. A case depends on the seed, the operation and its number
// only.
type drawer struct {
	seed uint64
	ch   sg.Choices
	p    sg.Params
}

func (d *drawer) draw(c *corpus.Case, op conform.Op, n uint64) {
	d.ch.ResetRandom(mix(d.seed) ^ mix(uint64(op)<<56+n))
	d.make(c, op)
}

// make makes the case that the choices stand for.
func (d *drawer) make(c *corpus.Case, op conform.Op) {
	ch := &d.ch
	*c = corpus.Case{List: c.List[:0]}
	c.PageSize = pageSizes[ch.Pick(pageWeights)]
	c.Limits.MaxEntries = entryCounts[ch.Pick(entryWeights)]
	if op == conform.OpRegister {
		c.Limits.MaxEntryBytes = entryBytes[ch.Pick(entryBytesWeight)]
		c.Limits.MaxRegions = regionCounts[ch.Pick(regionWeights)]
		c.Access = accesses[ch.Pick(accessWeights)]
		c.Dir = [...]string{"", corpus.DirRead, corpus.DirWrite}[ch.Uint(2)]
	}
	d.p = sg.Params{PageSize: c.EffectivePageSize(), Capacities: capacities, MaxEntries: longestDrawn}
	c.List, _ = sg.Generate(ch, &d.p, c.List)
	if c.Limits.MaxEntryBytes > 0 {
		clipEntries(c)
	}
	if op != conform.OpRegister && len(c.List) > 0 {
		c.Offset = drawOffset(ch, uint64(c.List[0].Len))
	}
}

// mostPieces bounds what one entry is split into: more would try a child's
// patience, not its code.
const mostPieces = 512

func clipEntries(c *corpus.Case) {
	for i := range c.List {
		c.List[i].Len = uint32(min(uint64(c.List[i].Len), c.Limits.MaxEntryBytes*mostPieces))
	}
}

// drawOffset draws sg_offset: none, inside the first entry, its end, behind it,
// or anything.
func drawOffset(ch *sg.Choices, first uint64) uint64 {
	switch ch.Pick(offsetWeights) {
	case 1:
		return ch.Uint(first)
	case 2:
		return first - min(first, ch.Uint(1))
	case 3:
		return min(first+1+ch.Uint(4095), 1<<32-1)
	case 4:
		return ch.Uint(1<<32 - 1)
	}
	return 0
}

// mix is SplitMix64's output function.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
