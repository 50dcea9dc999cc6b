package picture

import (
	"cmp"
	"math"
	"slices"
)

// axis turns stream offsets, or offsets in a band of memory, into vertical
// positions: linear between stops. A stop may have room above it: bytes that
// end there end above the room, those that begin there begin below it.
type axis struct {
	at         []uint64
	above, pos []float64
}

func (a *axis) stop(at uint64, above, below float64) {
	a.at, a.above, a.pos = append(a.at, at), append(a.above, above), append(a.pos, below)
}

// begin is where a byte at v begins; beyond the last stop it is that.
func (a *axis) begin(v uint64) float64 {
	if i, found := slices.BinarySearch(a.at, v); found {
		return a.pos[i]
	}
	return a.end(v)
}

// end is where the bytes before v end.
func (a *axis) end(v uint64) float64 {
	i, found := slices.BinarySearch(a.at, v)
	switch {
	case len(a.at) == 0:
		return 0
	case found || i == 0:
		return a.above[i]
	case i == len(a.at):
		return a.above[i-1]
	}
	part := float64(v-a.at[i-1]) / float64(a.at[i]-a.at[i-1])
	return a.pos[i-1] + part*(a.above[i]-a.pos[i-1])
}

// Heights in pixels.
const (
	rowMin   = 16 // of the shortest run of bytes
	holeMin  = 9  // of memory that nothing names
	holeLow  = 4  // the same if there are many rows
	skipRow  = 26 // of rows left out
	breakRow = 26 // between bands of memory
	breakLow = 15 // the same if there are many rows
	manyRows = 60
	regionHd = 36 // above the pieces of a region
	aboveAll = 6
)

// grow is how many pixels a doubling of bytes adds, by the number of rows.
func grow(rows int) float64 {
	switch {
	case rows <= 12:
		return 3
	case rows <= 40:
		return 1.5
	case rows <= 100:
		return 0.7
	}
	return 0.25
}

func height(least float64, n uint64, g float64) float64 {
	if n < 2 {
		return least
	}
	return least + g*math.Log2(float64(n))
}

// layout places the stream and the memory below y: the shorter is stretched, so
// that flows between them lie as level as can be. It returns where both end.
func layout(p *Picture, s *Strategy, y float64) (stream axis, bands []memBand, bottom float64) {
	stream, bands = streamAxis(p, s, y, 1), memoryBands(p, s, y, 1)
	end := func() (a, b float64) {
		a, b = y, y
		if n := len(stream.pos); n > 0 {
			a = stream.pos[n-1]
		}
		if n := len(bands); n > 0 {
			b = bands[n-1].bottom
		}
		return a, b
	}
	switch a, b := end(); {
	case b > y && b < a:
		bands = memoryBands(p, s, y, min((a-y)/(b-y), mostStretch))
	case a > y && a < b:
		stream = streamAxis(p, s, y, min((b-y)/(a-y), mostStretch))
	}
	a, b := end()
	return stream, bands, max(a, b)
}

// mostStretch bounds how much taller than need be a column is drawn.
const mostStretch = 1.6

// streamAxis lays out the stream: a row for each run of bytes of one entry in
// one descriptor, with room for the heads of regions. y is where it starts.
func streamAxis(p *Picture, s *Strategy, y, stretch float64) (a axis) {
	type cut struct {
		at   uint64
		skip bool // what begins here is left out
	}
	var cuts []cut
	var heads []uint64 // where regions begin
	for i := range p.List {
		cuts = append(cuts, cut{p.List[i].Stream, p.List[i].Skipped > 0})
	}
	end := p.Bytes
	for i := range s.Regions {
		g := &s.Regions[i]
		if g.Aux {
			continue
		}
		heads = append(heads, g.Stream)
		for k := range g.Pieces {
			q := &g.Pieces[k]
			cuts = append(cuts, cut{q.Stream, q.Skipped > 0 && !q.Run})
			end = max(end, q.Stream+q.Len)
		}
		cuts = append(cuts, cut{g.Stream + g.Bytes, false})
	}
	cuts = append(cuts, cut{end, false})
	slices.SortStableFunc(cuts, func(a, b cut) int { return cmp.Compare(a.at, b.at) })
	g := grow(len(cuts))
	next := 0
	for i := 0; i < len(cuts); {
		j, skip := i, false
		for ; j < len(cuts) && cuts[j].at == cuts[i].at; j++ {
			skip = skip || cuts[j].skip
		}
		above := y
		for ; next < len(heads) && heads[next] <= cuts[i].at; next++ {
			y += regionHd
		}
		a.stop(cuts[i].at, above, y)
		if j < len(cuts) {
			if skip {
				y += skipRow
			} else {
				y += height(rowMin, cuts[j].at-cuts[i].at, g) * stretch
			}
		}
		i = j
	}
	return a
}

// memBand is a band as it is drawn.
type memBand struct {
	Band
	axis
	foreign bool // nothing of the list is there: a wrong descriptor reaches it
	top     float64
	bottom  float64
}

// maxForeign is how many places outside the list's pages are drawn.
const maxForeign = 6

// memoryBands lays out memory from y on, with what wrong descriptors reach
// outside the list's pages.
func memoryBands(p *Picture, s *Strategy, y, stretch float64) []memBand {
	var bands []memBand
	rows := 0
	for _, b := range p.Memory {
		bands = append(bands, memBand{Band: b})
		rows += len(b.Segments)
	}
	for _, e := range strangers(p, s) {
		bands = append(bands, memBand{Band: Band{Addr: e.Addr, Len: e.Len, Segments: []Segment{{Addr: e.Addr, Len: e.Len}}}, foreign: true})
	}
	slices.SortStableFunc(bands, func(a, b memBand) int { return cmp.Compare(a.Addr, b.Addr) })
	g, hole, room := grow(rows), float64(holeMin), float64(breakRow)
	if rows > manyRows {
		hole, room = holeLow, breakLow
	}
	for i := range bands {
		b := &bands[i]
		if b.Gap = uint64(b.Addr); i > 0 {
			b.Gap -= uint64(bands[i-1].Addr) + bands[i-1].Len
			if b.Gap > 0 {
				y += room * stretch
			}
		}
		b.top = y
		for k := range b.Segments {
			m := &b.Segments[k]
			b.stop(uint64(m.Addr-b.Addr), y, y)
			if m.Named > 0 || b.foreign {
				y += height(rowMin, m.Len, g) * stretch
			} else {
				y += height(hole, m.Len, g/3) * stretch
			}
		}
		b.bottom = y
		b.stop(cmp.Or(b.Len, math.MaxUint64), y, y)
	}
	return bands
}

// strangers are the places that wrong descriptors reach outside the bands.
func strangers(p *Picture, s *Strategy) (out []Extent) {
	for i := range s.Regions {
		for k := range s.Regions[i].Pieces {
			q := &s.Regions[i].Pieces[k]
			if !q.Wrong {
				continue
			}
			for _, e := range q.Memory {
				inside := slices.ContainsFunc(p.Memory, func(b Band) bool { return e.Addr-b.Addr < Addr(b.Len) }) ||
					slices.ContainsFunc(out, func(o Extent) bool { return e.Addr < o.Addr+Addr(o.Len) && o.Addr < e.Addr+Addr(e.Len) })
				if !inside && len(out) < maxForeign {
					out = append(out, Extent{e.Addr, min(e.Len, 4096)})
				}
			}
		}
	}
	return out
}

// find is the band that holds an address, nil for none.
func find(bands []memBand, addr Addr) *memBand {
	for i := range bands {
		if b := &bands[i]; b.Len == 0 || addr-b.Addr < Addr(b.Len) {
			return b
		}
	}
	return nil
}

// entryAt is the entry that a stream byte belongs to, -1 for none that is shown,
// and how many of the next n bytes do.
func (p *Picture) entryAt(at, n uint64) (int, uint64) {
	for i := range p.List {
		e := &p.List[i]
		if e.Len > 0 && at-e.Stream < e.Len {
			if e.Skipped > 0 {
				return -1, min(n, e.Stream+e.Len-at)
			}
			return e.Index, min(n, e.Stream+e.Len-at)
		}
	}
	return -1, n
}
