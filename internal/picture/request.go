package picture

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// takeRequests notes work requests that were posted, as many as there is room
// for; those that the strict decoder objects to are noted in any case.
func (t *shot) takeRequests(posted []fuzz.Posted) {
	for i := range posted {
		q := t.request(&posted[i])
		if q.Findings = t.findings(&posted[i]); len(t.last.Requests) < t.b.o.Most || len(q.Findings) > 0 && len(t.last.Requests) < 2*t.b.o.Most {
			t.last.Requests = append(t.last.Requests, q)
		}
		t.last.RequestCount++
	}
}

// request describes one work request.
func (t *shot) request(p *fuzz.Posted) Request {
	ctrl := mlx5model.ParseCtrl(p.WQE)
	q := Request{
		Index: t.last.RequestCount, Part: t.s.Part, Counter: p.Counter, Ring: t.s.Env.Ring.Index(p.Counter) * mlx5model.WQEBBSize,
		Opcode: ctrl.Opcode.String(), DS: int(ctrl.DS), Bytes: int(ctrl.DS) * mlx5model.DSSize, Key: Addr(ctrl.Imm), WQE: p.WQE,
	}
	var w mlx5model.WQE
	if mlx5model.Decode(p.WQE, &w) != nil {
		return q
	}
	switch w.Opcode {
	case mlx5model.OpUMR:
		if w.HasPointer {
			q.List, q.ListLen, q.Table = Addr(p.ListAddr), len(p.List), p.List
		} else {
			q.Inline, q.ListLen = len(w.List) > 0, len(w.List)
		}
	case mlx5model.OpRDMARead, mlx5model.OpRDMAWrite:
		q.Key = Addr(w.RKey)
	}
	return q
}

// findings are the strict decoder's errors about a work request.
func (t *shot) findings(p *fuzz.Posted) (out []string) {
	e := t.s.Env
	ctx := mlx5model.CheckContext{
		Rules: e.Enc.Rules(), MaxKLMBytes: e.Profile.MaxKLMBytes, MinLogPage: e.Profile.LogPageMin,
		RingWQEBBs: e.Ring.WQEBBs(), HavePosition: true, QPN: e.QPN, Index: uint16(p.Counter), List: p.List,
	}
	if ctrl := mlx5model.ParseCtrl(p.WQE); ctrl.Opcode == mlx5model.OpUMR {
		if key, ok := e.Dev.QueryMkey(ctrl.Imm); ok {
			ctx.Mode = key.Mode
		}
	}
	fs := mlx5model.Check(nil, p.WQE, &ctx)
	for i := range fs {
		if fs[i].Severity == mlx5model.Error {
			out = append(out, fmt.Sprint(&fs[i]))
		}
	}
	return out
}

// failedRequest notes the work request that ended in an error, if one did.
func (t *shot) failedRequest() {
	c, ok := errors.AsType[*reg.CompletionError](t.err)
	if !ok {
		return
	}
	p, err := fuzz.PostedAt(t.s.Env.Ring, uint32(c.CQE.Index), t.s.Env.Mem)
	q := t.request(&p)
	if q.Findings = t.findings(&p); err != nil {
		q.Findings = append(q.Findings, err.Error())
	}
	t.last.Requests = append(t.last.Requests, q)
	t.last.RequestCount++
	t.last.Dialect = t.s.Env.Enc.Name()
}
