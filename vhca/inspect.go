//go:build linux && (amd64 || arm64)

package vhca

import (
	"fmt"
	"strings"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// before looks at the WQE that is about to execute: it is traced, recorded,
// judged, and faults are injected. It reports whether the WQE shall execute
// now.
func (e *Engine) before(q *qp, pi uint32) bool {
	raw := e.fetchWQE(q, pi)
	if q.delayed != 0 || e.c.Faults.any() {
		if !e.fault(q, pi) {
			return false
		}
	}
	if e.c.Trace != nil {
		fmt.Fprintf(e.c.Trace, "qp %#x, WQEBB %d:\n", q.n, uint16(q.dev.Consumer()))
		if err := mlx5model.Dump(e.c.Trace, raw, mlx5model.DumpOptions{Check: e.known(q, raw)}); err != nil {
			fmt.Fprintf(e.c.Trace, "  %v\n", err)
		}
	}
	if e.c.Record != nil {
		e.c.Record.wqe(e, q, raw)
	}
	if e.c.Strict {
		e.judge(q, raw)
	}
	return true
}

// fetchWQE copies the WQE at the head of the queue, without the address
// segment that the service puts before its data.
func (e *Engine) fetchWQE(q *qp, pi uint32) []byte {
	ring := q.dev.SQ()
	ci := q.dev.Consumer()
	ctrl := mlx5model.ParseCtrl(ring.At(ci, 0))
	n := min(int(ctrl.DS)*mlx5model.DSSize, len(e.raw), len(ring.Bytes()), int(uint16(pi-ci))*mlx5model.WQEBBSize)
	raw := e.raw[:max(n, mlx5model.CtrlSize)]
	ring.Read(ci, 0, raw)
	if q.spec.Type == UD || q.spec.Type == XRCIni {
		raw = mlx5model.WithoutAddress(raw, transports[q.spec.Type])
	}
	return raw
}

// judge stops the program at a WQE that no sound producer writes.
func (e *Engine) judge(q *qp, raw []byte) {
	e.findings = mlx5model.Check(e.findings[:0], raw, e.known(q, raw))
	var why []string
	for _, f := range e.findings {
		if f.Severity == mlx5model.Error {
			why = append(why, "  "+f.String())
		}
	}
	if len(why) > 0 {
		e.stop(q, uint16(q.dev.Consumer()), raw, strings.Join(why, "\n"))
	}
}

// known is what the adapter knows about the WQE at the head beside its bytes.
func (e *Engine) known(q *qp, raw []byte) *mlx5model.CheckContext {
	c := &mlx5model.CheckContext{
		HavePosition: true, QPN: q.n, Index: uint16(q.dev.Consumer()), RingWQEBBs: q.spec.SQWQEBBs,
		MaxKLMBytes: e.c.Profile.MaxKLMBytes, MinLogPage: e.c.Profile.LogPageMin,
	}
	if ctrl := mlx5model.ParseCtrl(raw); ctrl.Opcode == mlx5model.OpUMR {
		if key, ok := e.dev.QueryMkey(ctrl.Imm); ok {
			c.Key, c.Mode = &key, key.Mode
		}
	}
	return c
}

// afterwards reports what came of a WQE.
func (e *Engine) afterwards(q *qp, at uint16) {
	e.comment(q, at)
	e.outcome(q)
	if late, ok := q.dev.Late(); e.c.Trace != nil && ok && late == at {
		fmt.Fprintf(e.c.Trace, "  -> put off: takes effect later\n")
	} else if e.c.Trace != nil && ok {
		fmt.Fprintf(e.c.Trace, "  -> done, ahead of WQEBB %d: completes behind that\n", late)
	} else if e.c.Trace != nil && len(q.dev.Completions()) == 0 {
		fmt.Fprintf(e.c.Trace, "  -> done, no completion asked for\n")
	}
	if n, last := q.dev.Ordering(); n != q.noted {
		q.noted = n
		line := fmt.Sprintf("  key %#x: %v", last.Key, errOrder)
		if e.c.Trace != nil {
			fmt.Fprintln(e.c.Trace, line)
		}
		if e.c.Strict {
			e.stop(q, at, nil, line)
		}
	}
}

// outcome reports completions.
func (e *Engine) outcome(q *qp) {
	if e.c.Trace == nil {
		return
	}
	all := q.dev.Completions()
	for _, c := range all {
		which := ""
		if len(all) > 1 {
			which = fmt.Sprintf("WQEBB %d ", c.Index)
		}
		if c.Failed() {
			fmt.Fprintf(e.c.Trace, "  -> %sfails: %v\n", which, q.dev.Err())
		} else {
			fmt.Fprintf(e.c.Trace, "  -> %scompletes, %d bytes\n", which, c.ByteCount)
		}
	}
}

// stop ends the program with an explanation.
func (e *Engine) stop(q *qp, at uint16, raw []byte, why string) {
	var b strings.Builder
	fmt.Fprintf(&b, "vhca: strict: qp %#x, WQEBB %d:\n%s\n", q.n, at, why)
	if raw != nil {
		_ = mlx5model.Dump(&b, raw, mlx5model.DumpOptions{Check: e.known(q, raw)})
	}
	e.c.Stop(b.String())
}

// explain tells the trace why a responder refused, or what is wrong at the
// requester's own end.
func (e *Engine) explain(from, to *qp, why error) {
	switch {
	case e.c.Trace == nil:
	case from == to:
		fmt.Fprintf(e.c.Trace, "  qp %#x does not reach its own memory: %v\n", from.n, why)
	default:
		fmt.Fprintf(e.c.Trace, "  qp %#x refuses qp %#x: %v\n", to.n, from.n, why)
	}
}
