package opinion

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Bounds of a comment.
const (
	maxAccesses = 6 // lines of accesses
	maxExtents  = 4 // extents in a line
)

// access is one translation of the adapter and what it should have been.
type access struct {
	mlx5model.Access
	why     mlx5model.Reason // 0, or why it should have been refused
	extents int              // that it leads to
	first   []sg.Extent      // of them
	opaque  string           // it was not followed, and why
}

// unjudged are the reasons of limits that only the device has.
var unjudged = []mlx5model.Reason{mlx5model.ReasonSteps, mlx5model.ReasonMTTBits, mlx5model.ReasonPageSize, mlx5model.ReasonHostMemory}

// Access judges a translation: the extents that the adapter got, neighbours
// merged, or the error.
func (o *Oracle) Access(a mlx5model.Access, got []sg.Extent, err error) {
	if a.Len == 0 {
		return // the key is not looked at
	}
	x := access{Access: a}
	o.scratch, x.why = o.model.Access(o.scratch[:0], a.Op, a.Key, keymodel.User{QPN: a.QPN, PD: a.PD}, a.VA, a.Len)
	want := o.scratch
	x.extents, x.first = len(want), slices.Clone(want[:min(len(want), maxExtents)])
	refused, _ := errors.AsType[*mlx5model.AccessError](err)
	agree := err != nil && x.why != 0 || err == nil && x.why == 0 && slices.Equal(got, want)
	if !agree {
		x.opaque = o.opaqueBehind(mlx5model.KeyIndex(a.Key), 0)
	}
	switch {
	case agree, x.opaque != "":
	case refused != nil && slices.Contains(unjudged, refused.Reason):
		x.opaque = refused.Reason.String()
	case err != nil:
		o.disagree("%s is allowed, the adapter refuses it: %v", &x, err)
	case x.why != 0:
		o.disagree("%s must be refused: %v; the adapter allows it", &x, x.why)
	default:
		o.disagree("%s: %s", &x, difference(got, want))
	}
	o.accesses = append(o.accesses, x)
}

// opaqueBehind says why a key, or one that it points to, is not followed.
func (o *Oracle) opaqueBehind(index uint32, depth int) string {
	k, m := o.keys[index], o.model.Keys[index]
	switch {
	case k == nil:
		return ""
	case k.opaque != "":
		return k.opaque
	case m.Pages || depth > o.p.MaxIndirection:
		return ""
	}
	last := ^uint32(0)
	for i := range m.List {
		if at := mlx5model.KeyIndex(m.List[i].Key); at != last {
			if last = at; o.opaqueBehind(at, depth+1) != "" {
				return o.opaqueBehind(at, depth+1)
			}
		}
	}
	return ""
}

// difference says where two lists of extents part.
func difference(got, want []sg.Extent) string {
	off := uint64(0)
	for i := range min(len(got), len(want)) {
		if got[i].Addr != want[i].Addr {
			return fmt.Sprintf("byte %d is at %#x, the adapter goes to %#x", off, want[i].Addr, got[i].Addr)
		}
		if got[i].Len != want[i].Len {
			n := min(got[i].Len, want[i].Len)
			return fmt.Sprintf("byte %d leaves or stays in the extent at %#x, which has %d bytes; for the adapter it has %d", off+n, want[i].Addr, want[i].Len, got[i].Len)
		}
		off += got[i].Len
	}
	return fmt.Sprintf("%s, the adapter has %d", counted(len(want)), len(got))
}

// String names the access.
func (x *access) String() string {
	return fmt.Sprintf("%v of %d bytes at %#x of key %#x", x.Op, x.Len, x.VA, x.Key)
}

// describeAccesses says where the accesses lead.
func (o *Oracle) describeAccesses() {
	for i := range o.accesses {
		if i == maxAccesses {
			var n uint64
			for _, x := range o.accesses[i:] {
				n += x.Len
			}
			o.say("and %d more accesses, %d bytes", len(o.accesses)-i, n)
			return
		}
		x := &o.accesses[i]
		switch {
		case x.opaque != "":
			o.say("%s: not followed: %s", x, x.opaque)
		case x.why != 0:
			o.say("%s: to be refused: %v", x, x.why)
		default:
			o.say("%s: %s", x, extentsText(x.first, x.extents))
		}
	}
}

// extentsText is what extents are: the first of n.
func extentsText(first []sg.Extent, n int) string {
	var b strings.Builder
	for i, e := range first {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%#x+%d", e.Addr, e.Len)
	}
	if more := n - len(first); more > 0 {
		fmt.Fprintf(&b, " and %s more", counted(more))
	}
	return b.String()
}

// End says how a data WQE ended, and between whom it was.
type End struct {
	Failed   bool
	Reliable bool // the sender hears of what the responder refuses
	Here     bool // the responder's accesses were told to this Oracle
}

// Data judges a data WQE that has executed: that what is refused fails, and
// that the adapter made the accesses that the WQE names, all of them and no
// other.
func (o *Oracle) Data(w *mlx5model.WQE, end End) {
	for i := range o.accesses {
		x := &o.accesses[i]
		if x.why != 0 && x.opaque == "" && !end.Failed && (end.Reliable || x.Op <= mlx5model.LocalWrite) {
			o.disagree("%s must be refused: %v; the WQE completes", x, x.why)
		}
		if k := o.keys[mlx5model.KeyIndex(x.Key)]; k != nil && k.ctx.BSFEn {
			return // blocks and tuples, each by itself
		}
	}
	if total, ok := o.localSide(w, end); ok && end.Here && end.Reliable && !end.Failed && total > 0 {
		o.remoteSide(w, total)
	}
}

// atomicFixed is what precedes an atomic's data segments: be64 address, be32
// rkey, reserved, and two operands (include/linux/mlx5/qp.h
// mlx5_wqe_raddr_seg, mlx5_wqe_atomic_seg).
const atomicFixed = 32

func isAtomic(op mlx5model.Opcode) bool {
	return op == mlx5model.OpAtomicCS || op == mlx5model.OpAtomicFA
}

// localSide compares the local accesses with the data segments, and gives the
// message's length. An adapter that fails stops somewhere.
func (o *Oracle) localSide(w *mlx5model.WQE, end End) (total uint64, ok bool) {
	data, op := w.Data, mlx5model.LocalRead
	if isAtomic(w.Opcode) {
		if len(data) < atomicFixed {
			return 0, false
		}
		data = data[atomicFixed:]
	}
	if isAtomic(w.Opcode) || w.Opcode == mlx5model.OpRDMARead {
		op = mlx5model.LocalWrite
	}
	var want []access
	for inline := len(data) > 0 && data[0]&0x80 != 0; !inline && len(data) >= 16; data = data[16:] {
		n := be(data, 0, 4)
		if n == 0 {
			n = 1 << 31 // drivers/infiniband/hw/mlx5/odp.c pagefault_data_segments
		}
		total += n
		want = append(want, access{Access: mlx5model.Access{Op: op, Key: uint32(be(data, 4, 4)), VA: be(data, 8, 8), Len: n}})
	}
	i := 0
	for j := range o.accesses {
		x := &o.accesses[j]
		if x.Op > mlx5model.LocalWrite {
			continue
		}
		if i == len(want) || x.Key != want[i].Key || x.VA != want[i].VA || x.Len != want[i].Len || x.Op != op {
			o.disagree("%s: the WQE's data segment %d names no such thing", x, i)
			return total, false
		}
		i++
	}
	if i < len(want) && !end.Failed {
		o.disagree("%s, by data segment %d, was not made", &want[i], i)
		return total, false
	}
	return total, true
}

// remoteSide looks for the access of the responder.
func (o *Oracle) remoteSide(w *mlx5model.WQE, total uint64) {
	a := mlx5model.Access{Key: w.RKey, VA: w.RAddr, Len: total}
	switch w.Opcode {
	case mlx5model.OpRDMAWrite, mlx5model.OpRDMAWriteImm:
		a.Op = mlx5model.RemoteWrite
	case mlx5model.OpRDMARead:
		a.Op = mlx5model.RemoteRead
	case mlx5model.OpAtomicCS, mlx5model.OpAtomicFA:
		a.Op, a.VA, a.Key = mlx5model.RemoteAtomic, binary.BigEndian.Uint64(w.Data), binary.BigEndian.Uint32(w.Data[8:])
	default:
		return // a receive's list decides
	}
	want, found := access{Access: a}, 0
	for j := range o.accesses {
		if x := &o.accesses[j]; x.Op >= mlx5model.RemoteRead && x.Op <= mlx5model.RemoteAtomic {
			if found++; x.Op != a.Op || x.Key != a.Key || x.VA != a.VA || x.Len != a.Len {
				o.disagree("%s, where the WQE names %s", x, &want)
			}
		}
	}
	if found != 1 {
		o.disagree("%s was made %d times", &want, found)
	}
}
