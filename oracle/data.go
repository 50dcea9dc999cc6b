package oracle

import (
	"bytes"
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
	subRangeRuns = 6
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

// tuplesUsable says whether the tuples describe a stream of the covered length
// at all; conservation has already reported it if not.
func (o *Oracle) tuplesUsable() bool {
	return len(o.ends) > 0 && o.ends[len(o.ends)-1] == o.r.Covered
}

// translate appends the exposed host memory of a window under op.
func (o *Oracle) translate(dst []sg.Extent, op mlx5model.Op, w window) ([]sg.Extent, error) {
	err := o.perTuple(w, func(key uint32, va, n, _ uint64) error {
		var err error
		dst, err = o.r.Dev.Translate(dst, o.access(op, key, va, n))
		return err
	})
	return dst, err
}

// perTuple cuts a window at tuple borders; at is the offset inside the window.
func (o *Oracle) perTuple(w window, f func(key uint32, va, n, at uint64) error) error {
	i := sort.Search(len(o.ends), func(i int) bool { return o.ends[i] > w.off })
	for at := uint64(0); at < w.n; i++ {
		t := o.r.Tuples[i]
		in := w.off + at - (o.ends[i] - t.Len)
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
		o.v.failf(c, "stream [%d, %d): access refused: %v", w.off, w.off+w.n, err)
		return false
	}
	got := o.exposed
	if len(via.runs) > 0 {
		var ok bool
		if o.got, ok = via.through(o.got[:0], o.exposed); !ok {
			o.v.failf(c, "stream [%d, %d): a bounce byte is not copied", w.off, w.off+w.n)
			return false
		}
		got = o.got
	}
	o.want = o.orig.extents(o.want[:0], o.base+w.off, w.n)
	if off, x, y, differs := firstDifference(got, o.want); differs {
		o.v.failf(c, "stream byte %d (%s): reaches %#x+%d, the list has %#x+%d", w.off+off, o.where(w.off+off), x.Addr, x.Len, y.Addr, y.Len)
		return false
	}
	return true
}

// checkRead is check 1.
func (o *Oracle) checkRead() {
	op, ok := o.readOp()
	if !ok {
		return
	}
	o.v.ran(ReadStream)
	if addr, found := o.in.ambiguous(); found {
		o.v.failf(ReadStream, "copies before the read fill %#x twice", addr)
	}
	if !o.checkMapping(ReadStream, op, window{0, o.r.Covered}, &o.in) {
		return
	}
	o.plan()
	for _, w := range o.windows {
		if !o.readWindow(ReadStream, op, w) {
			return
		}
	}
}

// readWindow moves a window's bytes both ways, through the device and through
// the list, and compares them.
func (o *Oracle) readWindow(c Check, op mlx5model.Op, w window) bool {
	if len(o.in.runs) > 0 && !o.copyIn(c, op, w) {
		return false
	}
	o.a, o.b = sized(o.a, w.n), sized(o.b, w.n)
	err := o.perTuple(w, func(key uint32, va, n, at uint64) error {
		return o.r.Dev.ReadHost(o.access(op, key, va, n), o.a[at:at+n])
	})
	if err != nil {
		o.v.failf(c, "stream [%d, %d): read refused: %v", w.off, w.off+w.n, err)
		return false
	}
	if err := o.orig.read(o.mem, o.base+w.off, o.b); err != nil {
		o.v.failf(c, "list bytes [%d, %d): %v", w.off, w.off+w.n, err)
		return false
	}
	if !bytes.Equal(o.a, o.b) {
		i := firstByte(o.a, o.b)
		o.v.failf(c, "stream byte %d (%s): peer reads %#02x, the list holds %#02x", w.off+uint64(i), o.where(w.off+uint64(i)), o.a[i], o.b[i])
		return false
	}
	return true
}

// copyIn makes the copies that a window needs before the peer reads it.
func (o *Oracle) copyIn(c Check, op mlx5model.Op, w window) bool {
	var err error
	if o.exposed, err = o.translate(o.exposed[:0], op, w); err != nil {
		o.v.failf(c, "stream [%d, %d): access refused: %v", w.off, w.off+w.n, err)
		return false
	}
	for _, e := range o.exposed {
		o.in.each(e, func(exposed, list, n uint64, covered bool) {
			if covered {
				o.copyBytes(c, exposed, list, n)
			}
		})
	}
	return true
}

func (o *Oracle) copyBytes(c Check, to, from, n uint64) {
	o.a = sized(o.a, chunk)
	for n > 0 {
		k := min(n, chunk)
		err := o.mem.Read(from, o.a[:k])
		if err == nil {
			err = o.mem.Write(to, o.a[:k])
		}
		if err != nil {
			o.v.failf(c, "copy %#x to %#x: %v", from, to, err)
			return
		}
		to, from, n = to+k, from+k, n-k
	}
}

// checkWrite is check 2, and the memory side of check 3.
func (o *Oracle) checkWrite() {
	o.v.ran(Confinement)
	if !o.compareMemory(registering) {
		return
	}
	op, ok := o.writeOp()
	if !ok {
		return
	}
	o.v.ran(WriteStream)
	if addr, found := o.out.ambiguous(); found {
		o.v.failf(WriteStream, "copies after the write take %#x twice", addr)
	}
	if !o.checkMapping(WriteStream, op, window{0, o.r.Covered}, &o.out) {
		return
	}
	o.plan()
	o.thin()
	for _, w := range o.windows {
		if !o.writeWindow(op, w) {
			return
		}
	}
	if len(o.out.runs) > 0 {
		if !o.compareMemory(beforeCopyBack) {
			return
		}
		for _, w := range o.windows {
			o.copyOut(op, w)
		}
	}
	for _, w := range o.windows {
		o.a = sized(o.a, w.n)
		sg.FillPattern(payloadSalt, o.base+w.off, o.a)
		if err := o.orig.write(o.ref, o.base+w.off, o.a); err != nil {
			o.v.failf(WriteStream, "list bytes [%d, %d): %v", w.off, w.off+w.n, err)
			return
		}
	}
	o.compareMemory(written)
}

// thin drops windows beyond maxWritten, evenly, and keeps the last.
func (o *Oracle) thin() {
	n := len(o.windows)
	if n <= maxWritten {
		return
	}
	last := o.windows[n-1]
	for i := range maxWritten {
		o.windows[i] = o.windows[i*(n/maxWritten)]
	}
	o.windows = append(o.windows[:maxWritten], last)
}

func (o *Oracle) writeWindow(op mlx5model.Op, w window) bool {
	o.a = sized(o.a, w.n)
	sg.FillPattern(payloadSalt, o.base+w.off, o.a)
	err := o.perTuple(w, func(key uint32, va, n, at uint64) error {
		return o.r.Dev.WriteHost(o.access(op, key, va, n), o.a[at:at+n])
	})
	if err != nil {
		o.v.failf(WriteStream, "stream [%d, %d): write refused: %v", w.off, w.off+w.n, err)
	}
	return err == nil
}

func (o *Oracle) copyOut(op mlx5model.Op, w window) {
	var err error
	if o.exposed, err = o.translate(o.exposed[:0], op, w); err != nil {
		o.v.failf(WriteStream, "stream [%d, %d): access refused: %v", w.off, w.off+w.n, err)
		return
	}
	for _, e := range o.exposed {
		o.out.each(e, func(exposed, list, n uint64, covered bool) {
			if covered {
				o.copyBytes(WriteStream, list, exposed, n)
			}
		})
	}
}

// phase says when memory is compared: only after the peer's write, and the copy
// back if there is one, may the list's bytes have changed.
type phase uint8

const (
	registering phase = iota
	beforeCopyBack
	written
)

var phaseNames = [...]string{"registering", "the peer's write, before the copy back", "the peer's write"}

// compareMemory compares everything that was written, in the case's memory and
// in the reference, except what registrations own. A difference inside the
// list after the peer's write is check 2's, any other check 3's.
func (o *Oracle) compareMemory(after phase) bool {
	o.got = o.mem.AppendWritten(o.got[:0])
	o.got = o.ref.AppendWritten(o.got)
	for _, e := range o.got {
		for e.Len > 0 {
			run := o.ownSet.outside(e)
			if run.Len == 0 {
				break
			}
			if !o.compareRun(run, after) {
				return false
			}
			skip := run.Addr - e.Addr + run.Len
			e.Addr, e.Len = e.Addr+skip, e.Len-skip
		}
	}
	return true
}

func (o *Oracle) compareRun(e sg.Extent, after phase) bool {
	for e.Len > 0 {
		n := min(e.Len, chunk)
		o.a, o.b = sized(o.a, n), sized(o.b, n)
		if o.mem.Read(e.Addr, o.a) != nil || o.ref.Read(e.Addr, o.b) != nil {
			o.v.failf(Confinement, "%#x+%d was written and cannot be read", e.Addr, n)
			return false
		}
		if !bytes.Equal(o.a, o.b) {
			i := firstByte(o.a, o.b)
			addr, c, what := e.Addr+uint64(i), Confinement, "outside the list"
			if o.listSet.holds(addr) {
				what = "of the list"
				if after == written {
					c = WriteStream
				}
			}
			o.v.failf(c, "after %s, host byte %#x %s is %#02x, must be %#02x", phaseNames[after], addr, what, o.a[i], o.b[i])
			return false
		}
		e.Addr, e.Len = e.Addr+n, e.Len-n
	}
	return true
}

// checkSubRanges is check 4: windows that start and end anywhere.
func (o *Oracle) checkSubRanges() {
	op, ok := o.readOp()
	via := &o.in
	if !ok {
		if op, ok = o.writeOp(); !ok {
			return
		}
		via = &o.out
	}
	n := o.r.Covered
	if n == 0 {
		return // check 15 says so
	}
	o.v.ran(SubRange)
	for range subRangeRuns {
		off := o.random(n)
		w := window{off, 1 + o.random(n-off)}
		if w.n > 1<<16 && len(o.orig.list) > 256 {
			w.n = 1 + o.random(1<<16) // keeps the cost of one window bounded
		}
		if !o.checkMapping(SubRange, op, w, via) {
			return
		}
	}
}

// where names the list entry behind a stream byte.
func (o *Oracle) where(off uint64) string {
	i := o.orig.entryAt(o.base + off)
	if i == len(o.orig.ends) {
		return "behind the list"
	}
	return fmt.Sprintf("entry %d+%d", i, o.base+off-(o.orig.ends[i]-uint64(o.orig.list[i].Len)))
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
