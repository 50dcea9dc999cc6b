package mlx5model

import (
	"fmt"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Op is the kind of access a key is asked for.
type Op uint8

// Kinds of access. The remote ones come from the peer and name an rkey; the
// others come from a data segment, a receive or a list pointer and name an lkey.
const (
	LocalRead    Op = iota // gather: needs AccLR
	LocalWrite             // scatter: needs AccLW
	RemoteRead             // needs AccRR
	RemoteWrite            // needs AccRW
	RemoteAtomic           // needs AccA
	ReceiveWrite           // a LocalWrite by a responder: SynLocalAccess when refused
)

var opNames = [...]string{"local read", "local write", "remote read", "remote write", "remote atomic", "receive"}

// String names the operation in lower case.
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return "unknown operation"
}

// Writes reports whether the access changes memory.
func (o Op) Writes() bool { return o != LocalRead && o != RemoteRead }

// right is the access right that the outermost key must grant.
func (o Op) right() uint8 {
	switch o {
	case LocalRead:
		return AccLR
	case LocalWrite, ReceiveWrite:
		return AccLW
	case RemoteRead:
		return AccRR
	case RemoteWrite:
		return AccRW
	case RemoteAtomic:
		return AccA
	}
	return 0 // no such access: no key grants it
}

// local is the right that nested keys must grant: below the outermost key
// every access is a local one, because drivers/infiniband/hw/mlx5/mr.c puts
// the local DMA key, which grants nothing remote, under keys that do.
func (o Op) local() uint8 {
	if o.Writes() {
		return AccLW
	}
	return AccLR
}

// Access is a range of bytes as a key's user names it.
type Access struct {
	Op  Op
	QPN uint32 // the queue pair that owns the access: the responder's for remote ones
	PD  uint32 // that queue pair's protection domain
	Key uint32 // lkey or rkey, all 32 bits
	VA  uint64 // address in the key's own space
	Len uint64 // bytes; 0 succeeds without looking at the key
}

// AccessError says which rule refused an access and where. Nothing was moved.
type AccessError struct {
	Syndrome Syndrome // what the requester, or the receiver, completes with
	Reason   Reason
	Key      uint32 // the key that refused: the access's own or a nested one
	VA, Len  uint64 // the range that was asked of that key
	Depth    int    // 0 for the access's own key, 1 for a key it points to
	Entry    int    // entry in the access's own key's list that led there, or -1
	Done     uint64 // bytes of the access that were translated before
	Err      error  // with ReasonHostMemory: the memory's error
}

func (e *AccessError) Error() string {
	s := fmt.Sprintf("key %#x, %#x+%d, depth %d, entry %d, after %d bytes: %v (syndrome %#02x)",
		e.Key, e.VA, e.Len, e.Depth, e.Entry, e.Done, e.Reason, uint8(e.Syndrome))
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *AccessError) Unwrap() error { return e.Err }

func (d *Device) accessSyndrome(o Op) Syndrome {
	switch o {
	case LocalRead, LocalWrite:
		return d.p.SynKeyLocal
	case ReceiveWrite:
		return SynLocalAccess
	}
	return d.p.SynKeyRemote
}

// Translate appends to dst the host memory behind an access, in stream order,
// neighbours merged. On error, an *AccessError, dst comes back with the length
// it had.
//
// Rules apply in this order, to each key from the outermost inwards: key known,
// variant, not free, protection domain, queue pair, right, bounds, and for keys
// that point to keys the depth; then entry by entry, the first that fails
// decides. A nested key must be in the domain of the queue pair and grant the
// local right of the access. The cost is O(log N + entries touched), after the
// first access to a list, which also reads the list once up to the range's end.
func (d *Device) Translate(dst []sg.Extent, a Access) ([]sg.Extent, error) {
	if d.watch != nil {
		return d.watched(dst, a)
	}
	dst, ok := d.TryTranslate(dst, a)
	if ok {
		return dst, nil
	}
	return dst, d.refusal(a.Op)
}

// refusal is why the last TryTranslate failed.
func (d *Device) refusal(op Op) error {
	f := &d.walk.fail
	return &AccessError{Syndrome: d.accessSyndrome(op), Reason: f.reason, Key: f.key, VA: f.va, Len: f.n,
		Depth: f.depth, Entry: f.entry, Done: f.done}
}

// TryTranslate is Translate for those who need not know why an access is
// refused: it allocates nothing in that case either.
func (d *Device) TryTranslate(dst []sg.Extent, a Access) (out []sg.Extent, ok bool) {
	if a.Len == 0 {
		return dst, true
	}
	w := &d.walk
	base := len(dst)
	var last sg.Extent // grows when the access continues it
	if base > 0 {
		last = dst[base-1]
	}
	w.d, w.dst, w.steps, w.qpn, w.pd, w.local = d, dst, d.p.MaxSteps, a.QPN, a.PD, a.Op.local()
	w.entry, w.done, w.flat = -1, 0, false
	ok = w.access(a.Key, a.VA, a.Len, a.Op.right(), 0)
	dst, w.dst = w.dst, nil
	if ok {
		return dst, true
	}
	if base > 0 {
		dst[base-1] = last
	}
	return dst[:base], false
}

// walker is the state of one access on its way through nested keys. It lives
// in the Device so that nothing is allocated.
type walker struct {
	d     *Device
	dst   []sg.Extent
	steps int // entries and pages that may still be touched
	qpn   uint32
	pd    uint32
	local uint8 // right that nested keys must grant
	entry int   // entry of the outermost list, -1 outside one
	done  uint64
	fail  refusal

	// flatKey, if flat, is the nested key of all physical memory that this
	// access was found to be allowed last: nearly every list names one such key
	// in all entries, and need not have it looked up for each.
	flatKey uint32
	flat    bool
}

// refusal is why and where an access stopped; fields as in AccessError.
type refusal struct {
	reason       Reason
	key          uint32
	va, n, done  uint64
	depth, entry int
}

func (w *walker) refuse(r Reason, key uint32, va, n uint64, depth int) bool {
	w.fail = refusal{r, key, va, n, w.done, depth, w.entry}
	return false
}

func (w *walker) emit(addr, n uint64) {
	w.done += n
	w.dst = sg.AppendExtent(w.dst, addr, n)
}

// step counts one touched entry and reports whether it was one too many.
func (w *walker) step() bool {
	w.steps--
	return w.steps >= 0
}

// access translates n > 0 bytes at va of one key.
func (w *walker) access(key uint32, va, n uint64, right uint8, depth int) bool {
	if w.d.p.NullMkey != 0 && key == w.d.p.NullMkey {
		return w.refuse(ReasonNotPresent, key, va, n, depth)
	}
	k := w.d.find(KeyIndex(key))
	if r := w.usable(k, key, right); r != reasonNone {
		return w.refuse(r, key, va, n, depth)
	}
	off := va - k.ctx.Start
	if !k.ctx.contains(off, n) {
		return w.refuse(ReasonBounds, key, va, n, depth)
	}
	r := reasonNone
	switch k.ctx.Mode {
	case ModePA:
		r = w.physical(va, n)
		if depth > 0 && k.ctx.Length64 && k.ctx.Start == 0 {
			w.flatKey, w.flat = key, true
		}
	case ModeMTT:
		r = w.mtt(k, off, n, depth)
	case ModeKSM:
		r = w.ksm(k, va, off, n, depth)
	default:
		r = w.klm(k, off, n, depth)
	}
	switch r {
	case reasonNone:
		return true
	case reasonNested:
		return false
	}
	return w.refuse(r, key, va, n, depth)
}

// contains reports whether n > 0 bytes from offset off lie inside the region.
func (c *MkeyContext) contains(off, n uint64) bool {
	if c.Length64 {
		_, carry := bits.Add64(off, n-1, 0)
		return carry == 0
	}
	return off <= c.Len && n <= c.Len-off
}

// reasonNested says that a nested key refused and w.fail is filled in.
const reasonNested = reasonCount

// usable applies the rules that do not look at the range.
func (w *walker) usable(k *mkey, key uint32, right uint8) Reason {
	switch {
	case k == nil:
		return ReasonNoKey
	case k.ctx.Tag != KeyTag(key):
		return ReasonTag
	case k.ctx.Free:
		return ReasonFree
	case k.ctx.PD != w.pd:
		return ReasonPD
	case k.ctx.QPN != QPNAny && k.ctx.QPN != w.qpn:
		return ReasonQPN
	case k.ctx.Access&right == 0:
		return ReasonRights
	}
	return reasonNone
}

// ReadHost translates a read access of len(p) bytes and reads them into p. a.Len is
// ignored. Errors are *AccessError; when host memory fails, with
// ReasonHostMemory, part of p may have been read.
func (d *Device) ReadHost(a Access, p []byte) error {
	return d.moveHost(a, p, false)
}

// WriteHost translates a write access of len(p) bytes and writes p in stream
// order, so that of aliased bytes the last one stays. a.Len is ignored. Errors
// are *AccessError; nothing was written unless host memory itself failed, with
// ReasonHostMemory.
func (d *Device) WriteHost(a Access, p []byte) error {
	return d.moveHost(a, p, true)
}

func (d *Device) moveHost(a Access, p []byte, write bool) error {
	a.Len = uint64(len(p))
	var err error
	if d.ext, err = d.Translate(d.ext[:0], a); err != nil {
		return err
	}
	var done uint64
	for _, e := range d.ext {
		part := p[done : done+e.Len]
		if write {
			err = d.mem.Write(e.Addr, part)
		} else {
			err = d.mem.Read(e.Addr, part)
		}
		if err != nil {
			return &AccessError{Syndrome: d.accessSyndrome(a.Op), Reason: ReasonHostMemory, Key: a.Key,
				VA: a.VA + done, Len: e.Len, Entry: -1, Done: done, Err: err}
		}
		done += e.Len
	}
	return nil
}

// RemoteInvalidate carries out the invalidation that a SEND_INVAL asks of the
// responder qp: the key must be usable by it and have en_rinval, and becomes
// free. Errors are *AccessError with SynKeyRemote's syndrome, as the sender
// sees it.
func (d *Device) RemoteInvalidate(qp *QP, rkey uint32) error {
	w := walker{d: d, qpn: qp.cfg.QPN, pd: qp.cfg.PD}
	k := d.find(KeyIndex(rkey))
	r := w.usable(k, rkey, ^uint8(0))
	if r == ReasonRights {
		r = reasonNone
	}
	if r == reasonNone && !k.ctx.EnRinval {
		r = ReasonRights
	}
	if r != reasonNone {
		return &AccessError{Syndrome: d.p.SynKeyRemote, Reason: r, Key: rkey, Entry: -1}
	}
	k.ctx.Free = true
	return nil
}
