package vectors

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

// libRun is one run of a case: its own queue and keys.
type libRun struct {
	qp    *libmlx5.QP
	mkeys []libmlx5.Mkey
	wqes  []gotWQE // of the last batch
	ret   int
	bf    []byte
	bfOff uint32
}

var errNoMkey = errors.New("work request names a mkey that the case has not")

func (r *libRun) mkey(i int) *libmlx5.Mkey {
	if i < 0 || i >= len(r.mkeys) {
		panic(fmt.Errorf("%d of %d: %w", i, len(r.mkeys), errNoMkey))
	}
	return &r.mkeys[i]
}

func newLibRun(c *libCase, version libmlx5.Version, ring *mlx5model.Ring) (*libRun, error) {
	qp, err := libmlx5.NewQP(ring, version, c.QP.QPN, c.QP.MaxInlineData)
	if err != nil {
		return nil, err
	}
	qp.SigAll, qp.WQSig = c.QP.SigAll != 0, c.QP.WQSig != 0
	qp.SingleBlockCrypto = c.CryptoMultiBlock == 0
	qp.CurPost, qp.FMCache = c.QP.CurPost, c.QP.FMCache
	r := &libRun{qp: qp}
	for _, m := range c.Mkeys {
		key := libmlx5.Mkey{Lkey: m.Lkey, NumDesc: m.NumDesc, Crypto: m.Crypto}
		if m.Sig != nil {
			key.Signature, key.MemPSV, key.WirePSV = true, m.Sig.MemPSV, m.Sig.WirePSV
			key.SigErrCount, key.SigErrUpdated = m.Sig.ErrCount, m.Sig.ErrCountUpdated != 0
		}
		r.mkeys = append(r.mkeys, key)
	}
	return r, nil
}

// batch posts one batch and keeps what it left behind.
func (r *libRun) batch(b *libBatch) error {
	q, from := r.qp, r.qp.CurPost
	if b.SigErrBeforeMkey > 0 {
		r.mkey(b.SigErrBeforeMkey).SigError()
	}
	q.Start()
	for i := range b.WRs {
		q.Flags = b.WRs[i].flags
		b.WRs[i].post(r, q)
	}
	r.bfOff = q.BFOffset
	err := q.Complete()
	var errno libmlx5.Errno
	if err != nil && !errors.As(err, &errno) {
		return err
	}
	r.ret, r.bf = int(errno), q.BlueFlame()
	r.wqes = appendWQEs(r.wqes[:0], q.Ring, from, q.CurPost-from)
	return nil
}

// appendWQEs reads the WQEs that take up n WQEBBs from counter pi on.
func appendWQEs(dst []gotWQE, ring *mlx5model.Ring, pi, n uint32) []gotWQE {
	for used := uint32(0); used < n; {
		w := readWQE(ring, pi+used)
		dst = append(dst, w)
		used += uint32(len(w.Raw) / mlx5model.WQEBBSize)
	}
	return dst
}

func checkLibMLX5(line []byte, env *Env) Outcome {
	var c libCase
	if err := decodeStrict(line, &c); err != nil {
		return failf("decode: %v", err)
	}
	version := libmlx5.V44
	if env.Version == LibMLX5Head {
		version = libmlx5.Head
	}
	ringA, ringB, err := prefillRings(c.QP.WQECnt, c.QP.Prefill)
	if err != nil {
		return failf("ring: %v", err)
	}
	a, err := newLibRun(&c, version, ringA)
	if err != nil {
		return failf("queue: %v", err)
	}
	b, err := newLibRun(&c, version, ringB)
	if err != nil {
		return failf("queue: %v", err)
	}
	return compareLib(&c, a, b, newDiffs(env))
}

// compareLib runs all batches twice, with prefill (a) and its complement (b).
func compareLib(c *libCase, a, b *libRun, d *diffs) Outcome {
	for i := range c.Batches {
		batch := &c.Batches[i]
		err := errors.Join(a.batch(batch), b.batch(batch))
		if err != nil {
			return failf("batch %d: %v", i, err)
		}
		path := fmt.Sprintf("batches[%d].out", i)
		compareLibOut(d, path, &batch.Out, a, b, c.QP.Prefill)
		last := i == len(c.Batches)-1
		eq(d, path+".ring_segs present", last, batch.Out.RingSegs != nil)
		if last {
			compareRing(d, path, batch.Out.RingSegs, batch.Out.Ring, c.QP.Prefill, a.qp.Ring.Bytes())
		}
	}
	return d.outcome()
}

func compareLibOut(d *diffs, path string, want *libOut, a, b *libRun, prefill byte) {
	eq(d, path+".ret", want.Ret, a.ret)
	eq(d, path+".ret at the complement fill", want.Ret, b.ret)
	eq(d, path+".cur_post", want.CurPost, a.qp.CurPost)
	eq(d, path+".fm_cache", want.FMCache, a.qp.FMCache)
	eq(d, path+".dbrec", want.DBRec, a.qp.DBRec)
	eq(d, path+".bf_offset", want.BFOffset, a.bfOff)
	d.hex(path+".bf", want.BF, a.bf, func(off int) string { return fmt.Sprintf("BlueFlame byte %#x", off) })
	compareWQEs(d, path+".wqes", want.WQEs, a.wqes, b.wqes, prefill)
	// The ring's slice has no capacity beyond its length: an encoder that
	// passed it would have panicked.
	eq(d, path+".bytes_beyond_ring", want.BytesBeyondRing, 0)
}
