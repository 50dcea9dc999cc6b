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
		for _, c := range q.dev.Completions() {
			e.push(q.sendCQ, &c, nil)
		}
		q.dev.ClearCompletions()
		e.broken(q, q.dev.Err())
		return false
	}
	return true
}
