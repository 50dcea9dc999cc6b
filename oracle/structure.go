package oracle

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// checkStructure is check 8 on one work request: it passes the strict decoder
// under its dialect's rules.
func (o *Oracle) checkStructure(w *mlx5model.WQE, raw []byte, pi uint32) {
	r, p := o.r, o.r.Dev.Profile()
	o.ctx = mlx5model.CheckContext{
		Rules: r.Rules, MaxKLMBytes: p.MaxKLMBytes, MinLogPage: p.LogPageMin,
		RingWQEBBs: r.Ring.WQEBBs(), HavePosition: true, QPN: r.QPN, Index: uint16(pi),
	}
	o.targetKey(w)
	o.findings = mlx5model.CheckDecoded(o.findings[:0], raw, w, &o.ctx)
	for i := range o.findings {
		if f := &o.findings[i]; f.Severity == mlx5model.Error {
			o.v.failf(Structure, "WQE at %d: %v", pi, f)
		}
	}
}

// targetKey tells the strict decoder about the key that a UMR names.
func (o *Oracle) targetKey(w *mlx5model.WQE) {
	if w.Opcode != mlx5model.OpUMR {
		return
	}
	key, ok := o.r.Dev.QueryMkey(w.Imm)
	if !ok {
		return
	}
	o.ctx.Mode = key.Mode
	if w.HasPointer {
		o.ctx.List = o.r.Dev.QueryXlt(w.Imm)
	}
}

// checkSRP reads an SRP command back as the target does, its table over the
// wire, and compares what it finds with the tuples.
func (o *Oracle) checkSRP() {
	if o.r.SRP == nil || len(o.r.Tuples) == 0 {
		return
	}
	o.v.ran(Structure)
	for _, dir := range [...]reg.Dir{reg.DirRead, reg.DirWrite} {
		if o.r.Request.Dir&dir == 0 {
			continue
		}
		var err error
		if o.tuples, err = o.r.Descriptors(dir, o.tuples[:0]); err != nil {
			o.v.failf(Structure, "SRP command: %v", err)
			return
		}
		if len(o.tuples) != len(o.r.Tuples) {
			o.v.failf(Structure, "SRP command describes %d buffers, there are %d", len(o.tuples), len(o.r.Tuples))
			return
		}
		for i, t := range o.tuples {
			if t != o.r.Tuples[i] {
				o.v.failAt(Structure, o.atTuple(i), "SRP descriptor %d is %+v, the tuple is %+v", i, t, o.r.Tuples[i])
				return
			}
		}
	}
}
