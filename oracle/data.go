package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// window is a run of stream bytes, counted from the registration's first byte.
type window struct{ off, n uint64 }

const (
	smallStream  = 4096       // streams up to this are always moved whole
	chunk        = 4096       // bytes moved at once
	borderReach  = 4          // bytes touched on either side of a border
	interiors    = 8          // sampled windows inside long streams
	maxWritten   = 4096       // windows written; more borders are thinned out
	payloadSalt  = 0x5a17ed0f // seed of what the peer writes
	subRangeSalt = 0x5b
	subRangeRuns = 6
	// subRangeQuick is subRangeRuns where no bytes are moved: speed is what the
	// mode is for, and every case has windows of its own.
	subRangeQuick = 2
	longList      = 1024 // descriptors from which windows of any length would cost too much
)

// plan lists the windows whose bytes are moved: everything for a short stream
// or in full mode, else all entry borders, both ends and some interiors.
func (o *Oracle) plan() {
	w := o.windows[:0]
	n := o.r.Covered
	if n <= smallStream || o.Full && n <= o.FullLimit {
		for off := uint64(0); off < n; off += chunk {
			w = append(w, window{off, min(chunk, n-off)})
		}
		o.windows = w
		return
	}
	w = append(w, window{0, borderReach})
	i := o.orig.entryAt(o.base)
	for ; i < len(o.orig.ends) && o.orig.ends[i] < o.base+n; i++ {
		w = addWindow(w, o.orig.ends[i]-o.base, n)
	}
	w = addWindow(w, n, n)
	borders := len(w)
	for range interiors {
		off := o.random(n)
		w = append(w, window{off, min(4*borderReach, n-off)})
	}
	slices.SortFunc(w[borders:], func(a, b window) int { return cmp.Compare(a.off, b.off) })
	o.windows = w
}

// addWindow adds the surroundings of border b of a stream of n bytes and joins
// it with the window before when they meet.
func addWindow(w []window, b, n uint64) []window {
	from, to := b-min(b, borderReach), b+min(borderReach, n-b)
	last := &w[len(w)-1]
	if end := last.off + last.n; from <= end && to-last.off <= chunk {
		if to > end {
			last.n = to - last.off
		}
		return w
	}
	return append(w, window{from, to - from})
}

// intervals says whether bytes stay where they are.
func (o *Oracle) intervals() bool { return o.Intervals && !o.Full }

// tuplesUsable says whether the tuples describe a stream of the covered length
// at all; conservation has already reported it if not.
func (o *Oracle) tuplesUsable() bool {
	return len(o.ends) > 0 && o.ends[len(o.ends)-1] == o.r.Covered
}

// translate appends the exposed host memory of a window under op.
func (o *Oracle) translate(dst []sg.Extent, op mlx5model.Op, w window) ([]sg.Extent, error) {
	i, in := o.tupleAt(w.off)
	a := o.access(op, 0, 0, 0)
	for n := w.n; n > 0; i, in = i+1, 0 {
		t := &o.r.Tuples[i]
		a.Key, a.VA, a.Len = t.Rkey, t.Addr+in, min(t.Len-in, n)
		var err error
		if dst, err = o.r.Dev.Translate(dst, a); err != nil {
			return dst, err
		}
		n -= a.Len
	}
	return dst, nil
}

// tupleAt is the tuple that stream offset off falls into, and the offset in it.
func (o *Oracle) tupleAt(off uint64) (i int, in uint64) {
	if len(o.ends) > 1 {
		i = sort.Search(len(o.ends), func(i int) bool { return o.ends[i] > off })
	}
	return i, off - (o.ends[i] - o.r.Tuples[i].Len)
}

// perTuple cuts a window at tuple borders; at is the offset inside the window.
func (o *Oracle) perTuple(w window, f func(key uint32, va, n, at uint64) error) error {
	i, in := o.tupleAt(w.off)
	for at := uint64(0); at < w.n; i, in = i+1, 0 {
		t := o.r.Tuples[i]
		n := min(t.Len-in, w.n-at)
		if err := f(t.Rkey, t.Addr+in, n, at); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// checkMapping compares a window's translation with the list as intervals. It
// reports under c and says whether they agree.
func (o *Oracle) checkMapping(c Check, op mlx5model.Op, w window, via *copies) bool {
	var err error
	o.exposed, err = o.translate(o.exposed[:0], op, w)
	if err != nil {
		o.failWindow(c, w, "access refused: %v", err)
		return false
	}
	got := o.exposed
	if len(via.runs) > 0 {
		var ok bool
		if o.got, ok = via.through(o.got[:0], o.exposed); !ok {
			o.failWindow(c, w, "a bounce byte is not copied")
			return false
		}
		got = o.got
	}
	want := o.wanted(w)
	if off, x, y, differs := firstDifference(got, want); differs {
		p := o.at(w.off + off).reachingFirst(x)
		o.v.failAt(c, p, "stream byte %d (%s): reaches %#x+%d, the list has %#x+%d", p.Stream, p.entry(), x.Addr, x.Len, y.Addr, y.Len)
		return false
	}
	o.reached, o.exact = got, o.exact || w == window{0, o.r.Covered}
	return true
}

// wanted is the list's memory behind a window. It is the caller's until the
// next call.
func (o *Oracle) wanted(w window) []sg.Extent {
	if o.base == 0 && w.off == 0 && w.n == o.orig.total() {
		return o.whole
	}
	o.want = o.orig.extents(o.want[:0], o.base+w.off, w.n)
	return o.want
}

// failWindow reports what concerns a window as a whole.
func (o *Oracle) failWindow(c Check, w window, format string, args ...any) {
	p := o.at(w.off)
	o.v.failAt(c, p, "stream [%d, %d): %s", p.Stream, p.Stream+w.n, fmt.Sprintf(format, args...))
}

func sized(b []byte, n uint64) []byte {
	if uint64(cap(b)) < n {
		return make([]byte, max(n, chunk))[:n]
	}
	return b[:n]
}

func firstByte(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}
