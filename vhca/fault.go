//go:build linux && (amd64 || arm64)

package vhca

import "github.com/sgfuzz/sgfuzz/mlx5model"

// loses reports whether the doorbell that rings is not seen.
func (e *Engine) loses() bool {
	if !e.c.Faults.draw(e.c.Faults.Lost) {
		return false
	}
	e.stats.faults++
	return true
}

// fault draws whether the WQE at the head fails or is held back. It reports
// whether it shall execute.
func (e *Engine) fault(q *qp, pi uint32) bool {
	f := &e.c.Faults
	switch {
	case q.delayed != 0:
		if clock() < q.delayed {
			return false
		}
		q.delayed = 0
	case f.draw(f.Delay):
		e.stats.faults++
		q.delayed = clock() + f.DelayNs
		return false
	case f.draw(f.Error):
		e.stats.faults++
		s := f.Syndrome
		if s == mlx5model.SynOK {
			s = mlx5model.SynTransportRetry
		}
		e.dev.Inject(q.dev, pi, s)
		e.complete(q)
		q.dev.ClearCompletions()
		e.broken(q, q.dev.Err())
		return false
	case f.draw(f.Reorder):
		e.stats.faults++
		if q.putOff = putsOff(q); !q.putOff {
			q.delayed = clock()
			return false
		}
	}
	if f.draw(f.Padding) {
		e.stalePadding(q)
	}
	return true
}

// putsOff reports whether the WQE at the head can take effect late by itself.
// What cannot lets other queue pairs go first.
func putsOff(q *qp) bool {
	if _, late := q.dev.Late(); late {
		return false
	}
	switch mlx5model.Opcode(q.dev.SQ().At(q.dev.Consumer(), 0)[3]) {
	case mlx5model.OpUMR, mlx5model.OpRDMARead, mlx5model.OpAtomicCS, mlx5model.OpAtomicFA:
		return true
	}
	return false
}

// stalePadding overwrites what stands behind the list of an inline UMR, to the
// 64 bytes that its size is rounded to, with entries that lead nowhere: a device
// must not look there.
func (e *Engine) stalePadding(q *qp) {
	var w mlx5model.WQE
	if mlx5model.Decode(e.raw[:], &w) != nil || w.Opcode != mlx5model.OpUMR || w.UMR.Mask&mlx5model.MaskLen == 0 {
		return
	}
	live, sum := 0, uint64(0)
	for ; live < len(w.List) && sum < w.Mkey.Len; live += mlx5model.KLMSize {
		k := mlx5model.ParseKLM(w.List[live:])
		if k.Key == mlx5model.RepeatOp {
			return
		}
		sum += uint64(k.ByteCount)
	}
	for ; live < len(w.List); live += mlx5model.KLMSize {
		var stale [mlx5model.KLMSize]byte
		(&mlx5model.KLM{ByteCount: 0x5a5a, Key: 0x5a5a5a5a, VA: 0x5a5a5a5a5a5a5a5a}).Put(stale[:])
		q.dev.SQ().Write(q.dev.Consumer(), mlx5model.UMRDataOff+live, stale[:])
		e.stats.faults++
	}
}
