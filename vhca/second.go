//go:build linux && (amd64 || arm64)

package vhca

import (
	"errors"
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
func (e *Engine) judgeDone(q *qp, at uint16) {
	if e.second == nil || e.judged == nil {
		return
	}
	var err error
	if q.dev.State() == mlx5model.QPError {
		err = q.dev.Err()
	}
	if f, ok := errors.AsType[*mlx5model.WQEError](err); ok && f.Index != at {
		return // it was flushed
	}
	late, putOff := q.dev.Late()
	e.opinionOn(q, e.judged, err, e.here, putOff && late == at)
}

// opinionOn judges a WQE. One that is put off changes no key yet.
func (e *Engine) opinionOn(q *qp, raw []byte, err error, here, putOff bool) {
	var w mlx5model.WQE
	if mlx5model.Decode(raw, &w) != nil {
		return
	}
	switch w.Opcode {
	case mlx5model.OpNop, mlx5model.OpSetPSV:
	case mlx5model.OpUMR:
		if !putOff {
			now, _ := e.dev.QueryMkey(w.Imm)
			e.second.UMR(&w, q.n, q.spec.PD, e.c.Memory, err, now, e.dev.QueryXlt(w.Imm))
		}
	default:
		e.second.Data(&w, opinion.End{Failed: err != nil, Reliable: q.peer.reliable(), Here: here})
	}
}

// landing is told before a late WQE takes effect, and gives what is told
// afterwards. Its data were moved between the two ends before; they land now.
func (e *Engine) landing(dev *mlx5model.QP, at uint16, raw []byte) func(error) {
	q := e.qps[dev.QPN()]
	was := e.second.Interrupt()
	if e.c.Trace != nil {
		fmt.Fprintf(e.c.Trace, "qp %#x, WQEBB %d takes effect now: %v\n", q.n, at, mlx5model.Opcode(raw[3]))
	}
	return func(err error) {
		e.opinionOn(q, raw, err, false, false)
		e.comment(q, at)
		e.second.Resume(was)
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
