package oracle

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// eachWQE walks the work requests between the registration's producer counters.
// raw is linear and ends with the last WQEBB. It says false, without a call,
// when there is nothing to walk any more because the ring has been lapped, and
// stops at a work request that cannot be decoded, which check 8 reports.
func (o *Oracle) eachWQE(f func(w *mlx5model.WQE, raw []byte, pi uint32)) bool {
	r := o.r
	if r.Ring == nil || r.PostedTo-r.PostedFrom > r.Ring.WQEBBs() {
		return false
	}
	for pi := r.PostedFrom; pi != r.PostedTo; {
		raw, n := o.rawWQE(pi, r.PostedTo-pi)
		if mlx5model.Decode(raw, &o.decoded) != nil {
			return false
		}
		f(&o.decoded, raw, pi)
		pi += n
	}
	return true
}

// rawWQE copies the WQE at pi out of the ring, at most left WQEBBs.
func (o *Oracle) rawWQE(pi, left uint32) (raw []byte, wqebbs uint32) {
	head := o.r.Ring.At(pi, 0)
	n := min(max(mlx5model.WQEBBs(head[7]&mlx5model.MaxDS), 1), left)
	o.wqe = sized(o.wqe, uint64(n)*mlx5model.WQEBBSize)
	o.r.Ring.Read(pi, 0, o.wqe)
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
