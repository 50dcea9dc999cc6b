//go:build linux && (amd64 || arm64)

package vhca

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/vhca/opinion"
)

// createKey adds a key to the device, and tells the second opinion.
func (e *Engine) createKey(index uint32, ctx mlx5model.MkeyContext, list []byte) (uint32, error) {
	key, err := e.dev.CreateMkey(index, ctx, list)
	if err == nil && e.second != nil {
		e.second.Created(index, ctx, list)
	}
	return key, err
}

func (e *Engine) destroyKey(index uint32) {
	_ = e.dev.DestroyMkey(index << 8)
	if e.second != nil {
		e.second.Destroyed(index)
	}
}

// listen begins the judgement of the WQE at the head, each time it is tried.
func (e *Engine) listen(q *qp, pi uint32) {
	if e.second == nil {
		return
	}
	e.second.Begin()
	e.judged = nil
	if q.dev.State() == mlx5model.QPReady {
		e.judged = e.fetchWQE(q, pi)
		e.here = e.qps[q.attr.DestQPN] != nil
	}
}

// judgeDone has the second opinion judge the WQE that has just executed, before
// its completion lets the program change what it was about.
func (e *Engine) judgeDone(q *qp) {
	if e.second == nil || e.judged == nil {
		return
	}
	var err error
	if q.dev.State() == mlx5model.QPError {
		err = q.dev.Err()
	}
	e.secondJudges(q, e.judged, err)
}

func (e *Engine) secondJudges(q *qp, raw []byte, err error) {
	var w mlx5model.WQE
	if mlx5model.Decode(raw, &w) != nil {
		return
	}
	switch w.Opcode {
	case mlx5model.OpNop, mlx5model.OpSetPSV:
	case mlx5model.OpUMR:
		now, _ := e.dev.QueryMkey(w.Imm)
		e.second.UMR(&w, q.n, q.spec.PD, e.c.Memory, err, now, e.dev.QueryXlt(w.Imm))
	default:
		e.second.Data(&w, opinion.End{Failed: err != nil, Reliable: q.peer.reliable(), Here: e.here})
	}
}

// comment writes the second opinion into the trace. Where it differs, a strict
// adapter stops.
func (e *Engine) comment(q *qp, at uint16) {
	if e.second == nil {
		return
	}
	if e.c.Trace != nil {
		e.second.Comment(e.c.Trace)
	}
	if err := e.second.Disagreement(); err != nil && e.c.Strict {
		e.stop(q, at, nil, "  "+err.Error())
	}
}

// interrupted makes room for a request of another process's adapter, and gives
// what ends that.
func (e *Engine) interrupted(r *Request) func() {
	if e.second == nil {
		return func() {}
	}
	was := e.second.Interrupt()
	return func() {
		if e.c.Trace != nil {
			fmt.Fprintf(e.c.Trace, "qp %#x serves qp %#x of another process: %v\n", r.To, r.From, r.Opcode)
		}
		e.comment(&qp{n: r.To}, 0)
		e.second.Resume(was)
	}
}
