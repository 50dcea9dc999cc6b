//go:build linux && (amd64 || arm64)

package vhca

import (
	"fmt"
	"syscall"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// settle checks and makes the signatures of what was moved, the accesses from
// the first-th on, and tells the errors, each on the send completion queue of
// the queue pair that met it, ahead of the completion of the WQE.
func (e *Engine) settle(first int, moved bool) {
	e.sigErrs = e.dev.Settle(e.sigErrs[:0], first, moved)
	for i := range e.sigErrs {
		s := &e.sigErrs[i]
		q := e.qps[s.QPN]
		if q == nil {
			continue
		}
		e.stats.signatures++
		if e.c.Trace != nil {
			fmt.Fprintf(e.c.Trace, "  signature error: key %#x, block at %#x: expected %#08x, in memory %#08x\n", s.Key, s.Offset, s.Expected, s.Actual)
		}
		e.push(q.sendCQ, &mlx5model.CQE{Opcode: mlx5model.CQESigErr, QPN: s.QPN, Sig: s}, nil)
		if q.drain && q.state == RTS {
			q.state = SQD
			e.async(&q.events, q.spec.Async, q.spec.Handle, eventDrained)
		}
	}
}

// DrainQP says whether a signature error stops the send queue, with an event.
// The queue pair must be in state Init: the command is INIT2INIT.
func (e *Engine) DrainQP(n uint32, on bool) error {
	q := e.qps[n]
	if q == nil || q.state != Init {
		return syscall.EINVAL
	}
	q.drain = on
	return nil
}

// QPCounter is the index of the first WQEBB that was not executed, 16 bits.
func (e *Engine) QPCounter(n uint32) uint16 {
	if q := e.qps[n]; q != nil {
		return uint16(q.dev.Consumer())
	}
	return 0
}
