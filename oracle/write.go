package oracle

import (
	"bytes"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

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
		o.v.failAt(WriteStream, naming(o.r.Request.List, addr), "copies after the write take %#x twice", addr)
	}
	if !o.checkMapping(WriteStream, op, window{0, o.r.Covered}, &o.out) {
		return
	}
	if o.intervals() {
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
			o.failWindow(WriteStream, w, "the list's own bytes: %v", err)
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
		o.failWindow(WriteStream, w, "write refused: %v", err)
	}
	return err == nil
}

func (o *Oracle) copyOut(op mlx5model.Op, w window) {
	var err error
	if o.exposed, err = o.translate(o.exposed[:0], op, w); err != nil {
		o.failWindow(WriteStream, w, "access refused: %v", err)
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
	if len(o.got) == 0 {
		return true
	}
	if len(o.own) != o.ownKnown {
		o.ownSet.set(o.own)
		o.own = append(o.own[:0], o.ownSet...) // joined: a list in parts uses the same memory again and again
		o.ownKnown = len(o.own)
	}
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
			o.v.failAt(Confinement, naming(o.r.Request.List, e.Addr), "%#x+%d was written and cannot be read", e.Addr, n)
			return false
		}
		if !bytes.Equal(o.a, o.b) {
			i := firstByte(o.a, o.b)
			addr, c, what := e.Addr+uint64(i), Confinement, "outside the list"
			if o.listSet.set(o.whole); o.listSet.holds(addr) {
				what = "of the list"
				if after == written {
					c = WriteStream
				}
			}
			o.v.failAt(c, naming(o.r.Request.List, addr), "after %s, host byte %#x %s is %#02x, must be %#02x", phaseNames[after], addr, what, o.a[i], o.b[i])
			return false
		}
		e.Addr, e.Len = e.Addr+n, e.Len-n
	}
	return true
}
