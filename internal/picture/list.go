package picture

import (
	"math/bits"
	"slices"
	"sort"

	"github.com/sgfuzz/sgfuzz/sg"
)

// index finds the entries behind stream offsets.
type index struct {
	list sg.List
	ends []uint64 // stream offset behind each entry
}

func newIndex(l sg.List) *index {
	x := &index{list: l, ends: make([]uint64, len(l))}
	var sum uint64
	for i := range l {
		sum += uint64(l[i].Len)
		x.ends[i] = sum
	}
	return x
}

func (x *index) total() uint64 {
	if len(x.ends) == 0 {
		return 0
	}
	return x.ends[len(x.ends)-1]
}

// at is the entry that stream offset off falls into, len(x.list) behind the
// end.
func (x *index) at(off uint64) int {
	return sort.Search(len(x.ends), func(i int) bool { return x.ends[i] > off })
}

// start is the stream offset of an entry's first byte.
func (x *index) start(i int) uint64 {
	if i >= len(x.ends) {
		return x.total()
	}
	return x.ends[i] - uint64(x.list[i].Len)
}

// extents appends the memory of the stream window [off, off+n), as far as there
// is a stream.
func (x *index) extents(dst []sg.Extent, off, n uint64) []sg.Extent {
	i := x.at(off)
	if i == len(x.ends) {
		return dst
	}
	return x.list[i:].AppendExtents(dst, off-x.start(i), n)
}

// rows are the entries, at most about most, with those around must among them.
func (x *index) rows(most int, must []int) []Entry {
	out := []Entry{}
	for _, s := range choose(len(x.list), most, must) {
		if !s.shown {
			e := x.row(s.from)
			e.Skipped, e.Len = s.to-s.from, x.ends[s.to-1]-x.start(s.from)
			out = append(out, e)
			continue
		}
		for i := s.from; i < s.to; i++ {
			out = append(out, x.row(i))
		}
	}
	return out
}

func (x *index) row(i int) Entry {
	e := &x.list[i]
	return Entry{Index: i, Addr: Addr(e.Addr), Len: uint64(e.Len), Lkey: Addr(e.Lkey), Stream: x.start(i)}
}

// maxNamed is how many entries a Segment lists.
const maxNamed = 8

// interval is memory from addr to last, both included, so that it may end at
// 2^64.
type interval struct {
	addr, last uint64
	entry      int
}

// memory are the touched pages behind the rows that are not skipped. page is a
// power of two, or no page size at all and then 4096.
func memory(rows []Entry, page uint64) []Band {
	if bits.OnesCount64(page) != 1 {
		page = 4096
	}
	var all []interval
	for i := range rows {
		if rows[i].Skipped != 0 {
			continue
		}
		for _, e := range sg.AppendExtent(nil, uint64(rows[i].Addr), rows[i].Len) {
			all = append(all, interval{e.Addr, e.Addr + e.Len - 1, rows[i].Index})
		}
	}
	var bands []Band
	for _, r := range touched(all, page) {
		b := Band{Addr: Addr(r.addr), Len: r.last - r.addr + 1, Segments: segments(all, r)}
		if k := len(bands); k > 0 {
			p := &bands[k-1]
			b.Gap = r.addr - (uint64(p.Addr) + p.Len)
		} else {
			b.Gap = r.addr
		}
		bands = append(bands, b)
	}
	return bands
}

// touched are the runs of pages that hold bytes of the intervals.
func touched(all []interval, page uint64) []interval {
	var es []sg.Extent
	for _, v := range all {
		from, last := v.addr&^(page-1), v.last|(page-1)
		if from == 0 && last == ^uint64(0) {
			return []interval{{0, last, 0}}
		}
		es = append(es, sg.Extent{Addr: from, Len: last - from + 1})
	}
	var out []interval
	for _, e := range sg.MergeExtents(es) {
		out = append(out, interval{addr: e.Addr, last: e.Addr + e.Len - 1})
	}
	return out
}

// segments cuts a band at the borders of the entries in it.
func segments(all []interval, band interval) []Segment {
	cuts := []uint64{band.addr} // first bytes of segments
	var in []interval
	for _, v := range all {
		if v.addr < band.addr || v.addr > band.last {
			continue
		}
		in = append(in, v)
		cuts = append(cuts, v.addr)
		if v.last != band.last {
			cuts = append(cuts, v.last+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	out := make([]Segment, len(cuts))
	for i, c := range cuts {
		last := band.last
		if i+1 < len(cuts) {
			last = cuts[i+1] - 1
		}
		out[i] = Segment{Addr: Addr(c), Len: last - c + 1}
	}
	for _, v := range in {
		i, _ := slices.BinarySearch(cuts, v.addr)
		for ; i < len(out) && uint64(out[i].Addr) <= v.last; i++ {
			if out[i].Named++; len(out[i].Entries) < maxNamed {
				out[i].Entries = append(out[i].Entries, v.entry)
			}
		}
	}
	return out
}
