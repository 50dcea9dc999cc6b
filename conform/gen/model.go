package gen

import (
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

// fill posts the case on the model of a version and enters what it left behind.
// It runs twice, in rings of complementary fill: what follows the fill in both
// was not written.
func (c *caseJSON) fill(v libmlx5.Version) error {
	a, err := c.run(v, c.QP.Prefill, true)
	if err != nil {
		return err
	}
	b, err := c.run(v, ^c.QP.Prefill, false)
	if err != nil {
		return err
	}
	for i := range c.Batches {
		out := &c.Batches[i].Out
		for k := range out.WQEs {
			w := &out.WQEs[k]
			w.Stale = stale(w.Hex, b[i][k], c.QP.Prefill)
		}
	}
	c.Batches[len(c.Batches)-1].Out.RingSegs = segments(a[len(a)-1][0], c.QP.Prefill)
	return nil
}

// run posts the batches. It returns the WQEs of each, and behind the last batch
// the ring. With enter, the outputs are entered into the case.
func (c *caseJSON) run(v libmlx5.Version, fill byte, enter bool) (wqes [][][]byte, err error) {
	ring, err := mlx5model.NewRing(c.QP.WQECnt)
	if err != nil {
		return nil, err
	}
	ring.Fill(fill)
	q, err := libmlx5.NewQP(ring, v, c.QP.QPN, c.QP.MaxInline)
	if err != nil {
		return nil, err
	}
	q.SigAll, q.WQSig = c.QP.SigAll != 0, c.QP.WQSig != 0
	q.SingleBlockCrypto = c.MultiBlock == 0
	q.CurPost, q.FMCache = c.QP.CurPost, c.QP.FMCache
	keys := make([]libmlx5.Mkey, len(c.Mkeys))
	for i := range keys {
		keys[i] = c.Mkeys[i].model()
	}
	for i := range c.Batches {
		b := &c.Batches[i]
		out, err := b.run(q, keys)
		if err != nil {
			return nil, err
		}
		wqes = append(wqes, nil)
		for used := uint32(0); used < out.posted; {
			raw := read(ring, out.postedFrom+used)
			used += uint32(len(raw) / mlx5model.WQEBBSize)
			out.WQEs = append(out.WQEs, wqeJSON{Idx: ring.Index(out.postedFrom + used - uint32(len(raw)/mlx5model.WQEBBSize)), DS: raw[7], Opcode: raw[3], Hex: raw})
			wqes[i] = append(wqes[i], raw)
		}
		if enter {
			b.Out = out
		}
	}
	return append(wqes, [][]byte{ring.Bytes()}), nil
}

// run posts one batch.
func (b *batch) run(q *libmlx5.QP, keys []libmlx5.Mkey) (outJSON, error) {
	from := q.CurPost
	if b.SigErr > 0 {
		keys[b.SigErr].SigError()
	}
	q.Start()
	for _, w := range b.WRs {
		w.post(q, keys)
	}
	out := outJSON{BFOffset: q.BFOffset, WQEs: []wqeJSON{}, postedFrom: from}
	err := q.Complete()
	var errno libmlx5.Errno
	if err != nil && !errors.As(err, &errno) {
		return out, err
	}
	out.Ret, out.CurPost, out.FMCache, out.DBRec = int(errno), q.CurPost, q.FMCache, q.DBRec
	out.BF = append(hexBytes{}, q.BlueFlame()...)
	out.posted = q.CurPost - from
	return out, nil
}

// signsWrapped says whether a WQE with a signature runs over the ring's end.
func (c *caseJSON) signsWrapped() bool {
	for i := range c.Batches {
		for _, w := range c.Batches[i].Out.WQEs {
			if c.QP.WQSig != 0 && int(w.Idx)+len(w.Hex)/mlx5model.WQEBBSize > c.QP.WQECnt {
				return true
			}
		}
	}
	return false
}

// read copies the WQE at a counter, whole WQEBBs of it.
func read(ring *mlx5model.Ring, counter uint32) []byte {
	var ctrl [mlx5model.CtrlSize]byte
	ring.Read(counter, 0, ctrl[:])
	raw := make([]byte, max(int(mlx5model.WQEBBs(ctrl[7]&mlx5model.MaxDS)), 1)*mlx5model.WQEBBSize)
	ring.Read(counter, 0, raw)
	return raw
}

// stale gives the [offset, length] ranges of bytes that follow the fill.
func stale(a, b []byte, fill byte) [][2]int {
	ranges := [][2]int{}
	for i := range a {
		if a[i] != fill || b[i] != ^fill {
			continue
		}
		if k := len(ranges) - 1; k >= 0 && ranges[k][0]+ranges[k][1] == i {
			ranges[k][1]++
		} else {
			ranges = append(ranges, [2]int{i, 1})
		}
	}
	return ranges
}

// segments gives the WQEBBs of the ring that have other bytes than the fill, the
// first of them in any case.
func segments(ring []byte, fill byte) []ringSeg {
	var segs []ringSeg
	for at := 0; at < len(ring); {
		end := at
		for end < len(ring) && !filled(ring[end:end+mlx5model.WQEBBSize], fill) {
			end += mlx5model.WQEBBSize
		}
		if end > at {
			segs = append(segs, ringSeg{at, hexBytes(ring[at:end])})
		}
		at = end + mlx5model.WQEBBSize
	}
	if segs == nil {
		segs = []ringSeg{{0, hexBytes(ring[:mlx5model.WQEBBSize])}}
	}
	return segs
}

func filled(b []byte, fill byte) bool {
	for _, x := range b {
		if x != fill {
			return false
		}
	}
	return true
}
