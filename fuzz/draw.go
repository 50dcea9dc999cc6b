package fuzz

import (
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// option is one option of a case: a table of values worth trying, and a way to
// spell out any other. Index 0 of the table is what an exhausted choice stream
// gives.
type option struct {
	name    string
	values  []uint64
	weights []int // by value; one more for the literal if there is one
	get     func(*corpus.Case) uint64
	set     func(*corpus.Case, uint64)
	lit     literal
}

// literal is how a value outside the table is spelt.
type literal uint8

const (
	noLiteral  literal = iota // there is no value outside the table
	wordValue                 // eight bytes
	countValue                // four bytes
	powerValue                // one byte, the value is 2 to its power
)

func (l literal) draw(c *sg.Choices) uint64 {
	switch l {
	case wordValue:
		return c.Uint(^uint64(0))
	case countValue:
		return c.Uint(1<<32 - 1)
	case powerValue:
		return 1 << (c.Byte() & 63)
	}
	return 0
}

func (l literal) spell(dst []byte, v uint64) ([]byte, bool) {
	n := 0
	switch l {
	case wordValue:
		n = 8
	case countValue:
		n = 4
		if v >= 1<<32 {
			return dst, false
		}
	case powerValue:
		if v == 0 || v&(v-1) != 0 {
			return dst, false
		}
		return append(dst, byte(bits64(v)-1)), true
	default:
		return dst, false
	}
	for range n {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst, true
}

func bits64(v uint64) int {
	n := 0
	for ; v != 0; v >>= 1 {
		n++
	}
	return n
}

func (o *option) draw(c *sg.Choices) uint64 {
	i := c.Pick(o.weights)
	if i >= len(o.values) {
		return o.lit.draw(c)
	}
	return o.values[i]
}

// spell appends the choices that make draw give v.
func (o *option) spell(dst []byte, v uint64) ([]byte, bool) {
	i := slices.Index(o.values, v)
	if i >= 0 && o.weights[i] > 0 {
		return append(dst, pickByte(o.weights, i)), true
	}
	if o.lit == noLiteral {
		return dst, false
	}
	return o.lit.spell(append(dst, pickByte(o.weights, len(o.values))), v)
}

// pickByte is a byte for which sg.Choices.Pick gives index i.
func pickByte(weights []int, i int) byte {
	sum, before := 0, 0
	for k, w := range weights {
		if k < i {
			before += w
		}
		sum += w
	}
	return byte((before*256 + sum - 1) / sum)
}

func names(all []string) (values []uint64) {
	for i := range all {
		values = append(values, uint64(i))
	}
	return values
}

func index(all []string, s string) uint64 { return uint64(max(slices.Index(all, s), 0)) }

// choice is the value that stands for a name; one that no table has for a name
// that is not there.
func choice(all []string, s string) uint64 { return uint64(slices.Index(all, s)) }

var (
	dialectNames  = append([]string{""}, corpus.Dialects()...)
	strategyNames = append([]string{""}, corpus.Strategies()...)
	profileNames  = profiles()
	dirNames      = []string{"", corpus.DirRead, corpus.DirWrite}
)

func profiles() []string {
	all := []string{""}
	for _, p := range mlx5model.Profiles() {
		all = append(all, p.Name)
	}
	return all
}

// options are drawn and spelt in this order.
var options = []option{
	{
		name: "page-size", values: []uint64{0, 512, 4096, 8192, 65536, 2 << 20, 1 << 30, 2 << 30}, weights: []int{120, 20, 10, 10, 20, 10, 2, 2, 6},
		get: func(c *corpus.Case) uint64 { return c.PageSize }, set: func(c *corpus.Case, v uint64) { c.PageSize = v }, lit: powerValue,
	},
	{
		name: "dialect", values: names(dialectNames), weights: []int{40, 80, 60, 30, 46},
		get: func(c *corpus.Case) uint64 { return choice(dialectNames, c.Dialect) },
		set: func(c *corpus.Case, v uint64) { c.Dialect = dialectNames[v] },
	},
	{
		name: "profile", values: names(profileNames), weights: profileWeights(),
		get: func(c *corpus.Case) uint64 { return choice(profileNames, c.Profile) },
		set: func(c *corpus.Case, v uint64) { c.Profile = profileNames[v] },
	},
	{
		name: "access", values: []uint64{0, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x28, 0x38, 0x3c, 0x48, 0x78, 0x7c}, weights: []int{140, 10, 6, 16, 6, 10, 16, 10, 10, 6, 16, 10},
		get: func(c *corpus.Case) uint64 { return uint64(c.Access) }, set: func(c *corpus.Case, v uint64) { c.Access = corpus.Access(v) },
	},
	{
		name: "dma-mode", values: []uint64{uint64(sg.Identity), uint64(sg.Merge), uint64(sg.Split)}, weights: []int{160, 56, 40},
		get: func(c *corpus.Case) uint64 { return uint64(c.DMA.Mode) }, set: func(c *corpus.Case, v uint64) { c.DMA.Mode = sg.DMAMode(v) },
	},
	{
		name: "dma-limit", values: []uint64{65536, 4096, 512, 1<<32 - 1, 1 << 20}, weights: []int{120, 50, 30, 30, 20, 6},
		get: func(c *corpus.Case) uint64 { return c.DMA.Limit }, set: func(c *corpus.Case, v uint64) { c.DMA.Limit = v }, lit: wordValue,
	},
	{
		name: "offset", values: []uint64{0, 1, 512, 4095, 4096, 1<<64 - 1}, weights: []int{196, 12, 12, 8, 8, 4, 16},
		get: func(c *corpus.Case) uint64 { return c.Offset }, set: func(c *corpus.Case, v uint64) { c.Offset = v }, lit: wordValue,
	},
	{
		name: "dir", values: names(dirNames), weights: []int{180, 38, 38},
		get: func(c *corpus.Case) uint64 { return choice(dirNames, c.Dir) }, set: func(c *corpus.Case, v uint64) { c.Dir = dirNames[v] },
	},
	{
		name: "strategy", values: names(strategyNames), weights: []int{200, 7, 7, 7, 7, 7, 7, 7, 7},
		get: func(c *corpus.Case) uint64 { return choice(strategyNames, c.Strategy) },
		set: func(c *corpus.Case, v uint64) { c.Strategy = strategyNames[v] },
	},
	{
		name: "max-entries", values: []uint64{0, 1, 2, 4, 8, 16, 64}, weights: []int{200, 6, 6, 8, 8, 8, 8, 12},
		get: func(c *corpus.Case) uint64 { return uint64(c.Limits.MaxEntries) },
		set: func(c *corpus.Case, v uint64) { c.Limits.MaxEntries = uint32(v) }, lit: countValue,
	},
	{
		name: "max-entry-bytes", values: []uint64{0, 1 << 31, 4096, 511, 1}, weights: []int{220, 8, 8, 8, 4, 8},
		get: func(c *corpus.Case) uint64 { return c.Limits.MaxEntryBytes },
		set: func(c *corpus.Case, v uint64) { c.Limits.MaxEntryBytes = v }, lit: wordValue,
	},
	{
		name: "max-regions", values: []uint64{0, 1, 2, 3, 8}, weights: []int{210, 10, 10, 8, 8, 10},
		get: func(c *corpus.Case) uint64 { return uint64(c.Limits.MaxRegions) },
		set: func(c *corpus.Case, v uint64) { c.Limits.MaxRegions = uint32(v) }, lit: countValue,
	},
	{
		name: "queue", values: []uint64{0, 4, 8, 16, 64}, weights: []int{170, 16, 20, 20, 20, 10},
		get: func(c *corpus.Case) uint64 { return uint64(c.Limits.Queue) },
		set: func(c *corpus.Case, v uint64) { c.Limits.Queue = uint32(min(v, mlx5model.MaxRingWQEBBs)) }, lit: powerValue,
	},
	{
		name: "ring-start", values: []uint64{0, 1, 3, 7, 13, 15, 63, 1<<16 - 1, 1<<32 - 1}, weights: []int{120, 16, 16, 16, 16, 16, 16, 10, 10, 20},
		get: func(c *corpus.Case) uint64 { return uint64(c.Limits.RingStart) },
		set: func(c *corpus.Case, v uint64) { c.Limits.RingStart = uint32(v) }, lit: countValue,
	},
	{
		name: "pool", values: []uint64{0, 1, 2, 3}, weights: []int{226, 10, 10, 6, 4},
		get: func(c *corpus.Case) uint64 { return uint64(c.Limits.Pool) },
		set: func(c *corpus.Case, v uint64) { c.Limits.Pool = uint32(v) }, lit: countValue,
	},
	{
		name: "iova-given", values: []uint64{0, 1}, weights: []int{192, 64},
		get: func(c *corpus.Case) uint64 { return b2u(c.HasIOVA) }, set: func(c *corpus.Case, v uint64) { c.HasIOVA = v != 0 },
	},
	{
		name: "iova", values: []uint64{0, 1, 0xfff, 1 << 32, 1<<64 - 4096}, weights: []int{160, 10, 10, 20, 10, 46},
		get: func(c *corpus.Case) uint64 { return c.IOVA }, set: func(c *corpus.Case, v uint64) { c.IOVA = v }, lit: wordValue,
	},
	{
		name: "pgsz-bitmap", values: []uint64{0, 4096, 0x40201000, 1 << 32, 1<<32 | 1<<12, ^uint64(0)}, weights: []int{150, 20, 26, 10, 14, 20, 16},
		get: func(c *corpus.Case) uint64 { return c.PgszBitmap }, set: func(c *corpus.Case, v uint64) { c.PgszBitmap = v }, lit: wordValue,
	},
}

func profileWeights() []int {
	w := []int{100}
	for range profileNames[1:] {
		w = append(w, 20)
	}
	return w
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// capacities are the limits that list lengths should fall on and around: KLMs
// inline in a kernel WQE, in the largest WQE, in libmlx5's, MTTs inline, the
// small profile's list, and 64-byte roundings.
var capacities = []int{4, 8, 16, 48, 52, 64, 256}

// Draw makes a case from a choice stream. Every stream is good; an exhausted
// one gives the plainest case. c is overwritten and its list reused. generator
// is the name of the list generator that was drawn.
func Draw(ch *sg.Choices, c *corpus.Case, p *sg.Params) (generator string) {
	*c = corpus.Case{List: c.List[:0]}
	for i := range options {
		options[i].set(c, options[i].draw(ch))
	}
	normalise(c)
	p.PageSize = c.EffectivePageSize()
	p.Capacities = capacities
	c.List, generator = sg.Generate(ch, p, c.List)
	bound(c)
	return generator
}

// bound keeps a case cheap.
func bound(c *corpus.Case) {
	if c.DMA.Mode == sg.Split && c.List.Total()/c.DMA.Limit > maxCuts {
		c.DMA = sg.DMA{}
	}
}

// maxCuts bounds the entries that splitting may add to a drawn case.
const maxCuts = 4096

// EncodeCase appends the choice stream from which Draw makes the case again.
// Wants and comments are not part of it. It fails for a case that Draw never
// makes: one with an option that has no choice, or with a mapping stage that
// splits into more than a few thousand pieces.
func EncodeCase(dst []byte, c *corpus.Case) ([]byte, error) {
	for i := range options {
		o := &options[i]
		var ok bool
		if dst, ok = o.spell(dst, o.get(c)); !ok {
			return nil, fmt.Errorf("case %s: option %s has no choice for %d", c.Name, o.name, o.get(c))
		}
	}
	if c.DMA.Mode == sg.Split && c.DMA.Limit > 0 && c.List.Total()/c.DMA.Limit > maxCuts {
		return nil, fmt.Errorf("case %s: splitting at %d makes more than %d pieces", c.Name, c.DMA.Limit, maxCuts)
	}
	return sg.EncodeList(dst, c.List), nil
}

// normalise removes what a case's text form cannot say: the limit of a mapping
// stage that has none, an address that is not given, a place in a ring of no
// stated size.
func normalise(c *corpus.Case) {
	switch {
	case c.DMA.Mode == sg.Identity:
		c.DMA = sg.DMA{}
	case c.DMA.Limit == 0:
		c.DMA.Limit = 1
	}
	if !c.HasIOVA {
		c.IOVA = 0
	}
	if c.Limits.RingStart != 0 && c.Limits.Queue == 0 {
		c.Limits.Queue = defaultQueue
	}
}

// defaultQueue is the ring that a case gets which states none, in WQEBBs,
// unless the device's rings are smaller.
const defaultQueue = 1024
