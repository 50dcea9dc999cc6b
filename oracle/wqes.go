package oracle

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// posted is what the work requests of a registration add up to. complete is
// false when they cannot be counted: there is no ring, it has been lapped, or
// one of them cannot be decoded.
type posted struct {
	wqes, bytes, fetches, dataSegs int
	complete                       bool
}

// checkWQEs walks the work requests between the registration's producer
// counters, once, for the checks that look at one of them at a time: 8, 9, and
// 14 as far as sizes go. They must fill that part of the ring.
func (o *Oracle) checkWQEs() {
	r := o.r
	o.posted = posted{}
	if r.Ring == nil || r.PostedTo-r.PostedFrom > r.Ring.WQEBBs() {
		return // lapped: the bytes are gone
	}
	o.posted.complete = true
	if r.PostedFrom != r.PostedTo {
		o.v.ran(Structure)
	}
	for pi := r.PostedFrom; pi != r.PostedTo; {
		raw, n := o.rawWQE(pi, r.PostedTo-pi)
		if err := mlx5model.Decode(raw, &o.decoded); err != nil {
			o.v.failf(Structure, "WQE at %d: %v", pi, err)
			o.posted.complete = false
		} else {
			o.checkStructure(&o.decoded, raw, pi)
			o.checkRoundTrip(&o.decoded, raw, pi)
			o.checkWQELimits(&o.decoded, pi)
			o.posted.count(&o.decoded)
		}
		pi += n
	}
	if o.posted.wqes > 0 {
		o.v.ran(RoundTrip)
	}
}

func (p *posted) count(w *mlx5model.WQE) {
	p.wqes++
	p.bytes += int(w.DS) * mlx5model.DSSize
	p.fetches++
	if w.HasPointer {
		p.fetches++
	}
	if w.Opcode == mlx5model.OpRDMAWrite || w.Opcode == mlx5model.OpRDMARead {
		p.dataSegs += len(w.Data) / mlx5model.DataSegSize
	}
}

// rawWQE is the WQE at pi, at most left WQEBBs: the ring's own bytes, or a copy
// where it wraps.
func (o *Oracle) rawWQE(pi, left uint32) (raw []byte, wqebbs uint32) {
	r := o.r
	head := r.Ring.At(pi, 0)
	n := min(max(mlx5model.WQEBBs(head[7]&mlx5model.MaxDS), 1), left)
	if from := r.Ring.Index(pi); from+n <= r.Ring.WQEBBs() {
		return r.Ring.Bytes()[from*mlx5model.WQEBBSize : (from+n)*mlx5model.WQEBBSize], n
	}
	o.wqe = sized(o.wqe, uint64(n)*mlx5model.WQEBBSize)
	r.Ring.Read(pi, 0, o.wqe)
	return o.wqe, n
}

// advance moves a position n bytes on. The result is the end of the entry that
// holds the last byte only if that is the last entry, else the next one's
// begin.
func advance(l sg.List, p linux.Pos, n uint64) linux.Pos {
	for p.Entry < len(l) {
		rest := uint64(l[p.Entry].Len) - p.Off
		if n < rest {
			p.Off += n
			return p
		}
		n -= rest
		p = linux.Pos{Entry: p.Entry + 1}
		if n == 0 {
			return p
		}
	}
	return p
}
