package fuzz

import (
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// mutator makes new cases of those in a pool. What it does depends on its
// choices and the pool alone.
type mutator struct {
	ch      *sg.Choices
	params  *sg.Params
	pool    *pool
	other   sg.List // scratch
	choices []byte  // scratch
	replay  *sg.Choices
}

func newMutator(params *sg.Params) mutator {
	return mutator{ch: sg.NewChoices(nil), replay: sg.NewChoices(nil), params: params}
}

// maxMutated bounds the lists that edits make longer, in entries.
const maxMutated = 1024

// mutation is one way to change a case. It may find nothing to do.
type mutation struct {
	name   string
	weight int
	do     func(m *mutator, c *corpus.Case)
}

// mutations are those of lists first. Weights say what is likely to matter: where
// borders lie.
var mutations = []mutation{
	{"split", 14, (*mutator).split},
	{"merge", 8, (*mutator).merge},
	{"drop", 10, (*mutator).drop},
	{"duplicate", 8, (*mutator).duplicate},
	{"repeat", 6, (*mutator).repeat},
	{"swap", 6, (*mutator).swap},
	{"shift", 22, (*mutator).shift},
	{"length", 22, (*mutator).length},
	{"align", 16, (*mutator).align},
	{"follow", 12, (*mutator).follow},
	{"empty", 3, (*mutator).empty},
	{"key", 4, (*mutator).key},
	{"splice", 12, (*mutator).splice},
	{"insert", 8, (*mutator).insert},
	{"capacity", 8, (*mutator).capacity},
	{"redraw", 44, (*mutator).redraw},
	{"borrow", 24, (*mutator).borrow},
	{"limit", 12, (*mutator).limit},
	{"ring", 8, (*mutator).ring},
	{"offset", 4, (*mutator).offset},
	{"bytes", 5, (*mutator).bytes},
}

var mutationWeights = func() (w []int) {
	for _, e := range mutations {
		w = append(w, e.weight)
	}
	return w
}()

var mutationCounts = []int{5, 4, 3, 2, 1, 1} // of one mutation, two, …

// mutate makes c from a case of the pool, which must not be empty.
func (m *mutator) mutate(seed uint64, p *pool, c *corpus.Case) {
	m.ch.ResetRandom(seed)
	m.pool = p
	copyCase(c, p.pick(m.ch))
	keepWraps := c.List.Features(0)&sg.Wraps != 0 || m.ch.Uint(31) == 0
	for n := m.ch.Pick(mutationCounts); n >= 0; n-- {
		mutations[m.ch.Pick(mutationWeights)].do(m, c)
	}
	if m.ch.Bool() { // what works for one may not for another
		for i := range options {
			if dimensions[options[i].name] {
				options[i].set(c, options[i].draw(m.ch))
			}
		}
	}
	normalise(c)
	if !keepWraps {
		unwrap(c.List)
	}
	bound(c)
}

// copyCase makes c a copy of from, but for what is not executed, in c's own
// storage.
func copyCase(c, from *corpus.Case) {
	list := append(c.List[:0], from.List...)
	*c = *from
	c.Name, c.Comments, c.Wants, c.List = "", nil, nil, list
}

// unwrap moves what runs past 2^64 down, as generators do.
func unwrap(l sg.List) {
	for i := range l {
		if l[i].Wraps() {
			l[i].Addr &^= 1 << 63
		}
	}
}

// at draws a place in a list that is not empty.
func (m *mutator) at(l sg.List) int { return int(m.ch.Uint(uint64(len(l) - 1))) }

// signed draws v or -v.
func (m *mutator) signed(v uint64) uint64 {
	if m.ch.Bool() {
		return -v
	}
	return v
}

func (m *mutator) split(c *corpus.Case) {
	if len(c.List) == 0 || len(c.List) >= maxMutated {
		return
	}
	i := m.at(c.List)
	e := c.List[i]
	if e.Len < 2 {
		return
	}
	page := c.EffectivePageSize()
	cut := e.Len / 2
	switch m.ch.Uint(3) {
	case 0:
		cut = 1
	case 1:
		if to := page - e.Addr&(page-1); to < uint64(e.Len) { // the first page border
			cut = uint32(to)
		}
	case 2:
		cut = uint32(m.ch.Between(1, uint64(e.Len-1)))
	}
	c.List[i].Len = cut
	c.List = slices.Insert(c.List, i+1, sg.Entry{Addr: e.Addr + uint64(cut), Len: e.Len - cut, Lkey: e.Lkey})
}

func (m *mutator) merge(c *corpus.Case) {
	if len(c.List) < 2 {
		return
	}
	i := m.at(c.List[1:])
	if sum := uint64(c.List[i].Len) + uint64(c.List[i+1].Len); sum < 1<<32 {
		c.List[i].Len = uint32(sum)
		c.List = slices.Delete(c.List, i+1, i+2)
	}
}

func (m *mutator) drop(c *corpus.Case) {
	if len(c.List) < 2 {
		return
	}
	i := m.at(c.List)
	n := 1
	if m.ch.Bool() {
		n = int(m.ch.Between(1, uint64(len(c.List)-i)))
	}
	if n < len(c.List) {
		c.List = slices.Delete(c.List, i, i+n)
	}
}

func (m *mutator) duplicate(c *corpus.Case) {
	if len(c.List) == 0 || len(c.List) >= maxMutated {
		return
	}
	i, to := m.at(c.List), m.at(c.List)
	c.List = slices.Insert(c.List, to, c.List[i])
}

// repeat adds copies of a run, each behind the one before it: in place, or
// moved on so that they do not share bytes.
func (m *mutator) repeat(c *corpus.Case) {
	if len(c.List) == 0 {
		return
	}
	from := m.at(c.List)
	to := from + 1 + int(m.ch.Uint(uint64(min(len(c.List)-from, 8)-1)))
	times := 1 + int(m.ch.Uint(15))
	step := uint64(0)
	if m.ch.Bool() {
		step = c.EffectivePageSize() * m.ch.Between(1, 16)
	}
	for k := 1; k <= times && len(c.List)+to-from <= maxMutated; k++ {
		for _, e := range c.List[from:to] {
			e.Addr += uint64(k) * step
			c.List = append(c.List, e)
		}
	}
}

func (m *mutator) swap(c *corpus.Case) {
	if len(c.List) > 1 {
		i, k := m.at(c.List), m.at(c.List)
		c.List[i], c.List[k] = c.List[k], c.List[i]
	}
}

// distance draws a way to move something: a byte, a sector, a page, an offset
// worth trying.
func (m *mutator) distance(page uint64) uint64 {
	switch m.ch.Uint(3) {
	case 0:
		return m.signed(1)
	case 1:
		return m.signed(page)
	case 2:
		return m.signed(512)
	}
	return m.signed(edgeValue(m.ch, offsetEdges, page))
}

var (
	lengthEdges  = sg.LengthEdges()
	offsetEdges  = sg.OffsetEdges()
	addressEdges = sg.AddressEdges()
)

func edgeValue(ch *sg.Choices, edges []sg.Edge, page uint64) uint64 {
	return edges[ch.Uint(uint64(len(edges)-1))].Value(page)
}

// shift moves one entry, it and all behind it, or the whole list; or puts one
// somewhere else.
func (m *mutator) shift(c *corpus.Case) {
	if len(c.List) == 0 {
		return
	}
	i, page := m.at(c.List), c.EffectivePageSize()
	by := m.distance(page)
	switch m.ch.Uint(3) {
	case 0:
		c.List[i].Addr = edgeValue(m.ch, addressEdges, page) + edgeValue(m.ch, offsetEdges, page)
	case 1:
		c.List[i].Addr += by
	case 2:
		advance(c.List[i:], by)
	case 3:
		advance(c.List, by)
	}
}

func advance(l sg.List, by uint64) {
	for i := range l {
		l[i].Addr += by
	}
}

func (m *mutator) length(c *corpus.Case) {
	if len(c.List) == 0 {
		return
	}
	i, page := m.at(c.List), c.EffectivePageSize()
	n := uint64(c.List[i].Len) + m.distance(page)
	if m.ch.Uint(3) == 0 {
		n = edgeValue(m.ch, lengthEdges, page)
	}
	if n != 0 && n < 1<<32 {
		c.List[i].Len = uint32(n)
	}
}

// align puts a start, or an end, on a border of pages or sectors.
func (m *mutator) align(c *corpus.Case) {
	if len(c.List) == 0 {
		return
	}
	e, unit := &c.List[m.at(c.List)], c.EffectivePageSize()
	if m.ch.Uint(3) == 0 {
		unit = 512
	}
	if m.ch.Bool() {
		e.Addr &^= unit - 1
		return
	}
	if n := uint64(e.Len) + -e.End()&(unit-1); n < 1<<32 {
		e.Len = uint32(n)
	}
}

// follow makes an entry continue the one before it, up to a byte.
func (m *mutator) follow(c *corpus.Case) {
	if len(c.List) < 2 {
		return
	}
	i := 1 + m.at(c.List[1:])
	c.List[i].Addr = c.List[i-1].End() + [...]uint64{0, 0, 1, ^uint64(0)}[m.ch.Uint(3)]
}

func (m *mutator) empty(c *corpus.Case) {
	if len(c.List) > 0 {
		c.List[m.at(c.List)].Len = 0
	}
}

func (m *mutator) key(c *corpus.Case) {
	if len(c.List) > 0 {
		c.List[m.at(c.List)].Lkey = uint32(m.ch.Uint(3))
	}
}

// splice puts the end of another list behind the start of this one.
func (m *mutator) splice(c *corpus.Case) {
	from := m.pool.pick(m.ch).List
	if len(from) == 0 || len(c.List) == 0 {
		return
	}
	c.List = append(c.List[:m.at(c.List)+1], from[m.at(from):]...)
}

// insert puts a list as drawn into this one.
func (m *mutator) insert(c *corpus.Case) {
	m.params.PageSize, m.params.Capacities = c.EffectivePageSize(), capacities
	m.other, _ = sg.Generate(m.ch, m.params, m.other[:0])
	if len(c.List)+len(m.other) > maxMutated {
		return
	}
	i := int(m.ch.Uint(uint64(len(c.List))))
	c.List = slices.Insert(c.List, i, m.other...)
}

// capacity makes the list as long as a limit, or one off, by cutting it or
// going round in it.
func (m *mutator) capacity(c *corpus.Case) {
	if len(c.List) == 0 {
		return
	}
	want := capacities[m.ch.Uint(uint64(len(capacities)-1))] + int(m.ch.Uint(2)) - 1
	if n := int(c.Limits.MaxEntries); n > 1 && n <= maxMutated/2 && m.ch.Bool() {
		want = n + int(m.ch.Uint(2)) - 1
	}
	for n := len(c.List); len(c.List) < want; {
		e := c.List[len(c.List)-n]
		e.Addr += c.EffectivePageSize() * uint64(n)
		c.List = append(c.List, e)
	}
	c.List = c.List[:want]
}

// redraw gives one option another value.
func (m *mutator) redraw(c *corpus.Case) {
	o := &options[m.ch.Uint(uint64(len(options)-1))]
	o.set(c, o.draw(m.ch))
}

// borrow takes one option of another case.
func (m *mutator) borrow(c *corpus.Case) {
	o := &options[m.ch.Uint(uint64(len(options)-1))]
	o.set(c, o.get(m.pool.pick(m.ch)))
}

// limit puts a limit where the list just fits, or just does not.
func (m *mutator) limit(c *corpus.Case) {
	n := max(len(c.List)+int(m.ch.Uint(2))-1, 0)
	switch m.ch.Uint(2) {
	case 0:
		c.Limits.MaxEntries = uint32(n)
	case 1:
		c.Limits.MaxRegions = uint32(n)
	case 2:
		if len(c.List) > 0 {
			c.Limits.MaxEntryBytes = uint64(c.List[m.at(c.List)].Len) + m.ch.Uint(2)
		}
	}
}

// ring puts the first WQE near the end of a small ring.
func (m *mutator) ring(c *corpus.Case) {
	c.Limits.Queue = 8 << m.ch.Uint(3)
	c.Limits.RingStart = c.Limits.Queue*uint32(m.ch.Between(1, 3)) - uint32(m.ch.Between(1, 7))
}

// offset leaves out nearly all of the first entry, or a little more.
func (m *mutator) offset(c *corpus.Case) {
	if len(c.List) > 0 {
		c.Offset = uint64(c.List[0].Len) + m.ch.Uint(2) - 1
	}
}

// maxBytesEdit bounds the lists that bytes works on, in entries.
const maxBytesEdit = 256

// bytes changes the choice stream that stands for the case, as a fuzzer that
// knows nothing of it does.
func (m *mutator) bytes(c *corpus.Case) {
	if len(c.List) > maxBytesEdit {
		return
	}
	b, err := EncodeCase(m.choices[:0], c)
	if err != nil {
		return
	}
	m.choices = b
	for range 1 + m.ch.Uint(3) {
		i := m.ch.Uint(uint64(len(b) - 1))
		switch m.ch.Uint(3) {
		case 0:
			b[i] ^= 1 << m.ch.Uint(7)
		case 1:
			b[i] += byte(m.signed(1 + m.ch.Uint(15)))
		case 2:
			b[i] = m.ch.Byte()
		case 3:
			b[i] = [...]byte{0, 0xff, 0x7f, 0x80}[m.ch.Uint(3)]
		}
	}
	m.replay.Reset(b)
	Draw(m.replay, c, m.params)
}
