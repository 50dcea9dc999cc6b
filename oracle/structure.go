package oracle

import "github.com/sgfuzz/sgfuzz/mlx5model"

// checkStructure is check 8: every work request passes the strict decoder
// under its dialect's rules, and they fill the posted part of the ring.
func (o *Oracle) checkStructure() {
	r := o.r
	if r.Ring == nil || r.PostedFrom == r.PostedTo {
		return
	}
	n := r.PostedTo - r.PostedFrom
	if n > r.Ring.WQEBBs() {
		return // lapped: the bytes are gone
	}
	o.v.ran(Structure)
	p := r.Dev.Profile()
	for pi := r.PostedFrom; pi != r.PostedTo; {
		raw, size := o.rawWQE(pi, r.PostedTo-pi)
		o.ctx = mlx5model.CheckContext{
			Rules: r.Rules, MaxKLMBytes: p.MaxKLMBytes, MinLogPage: p.LogPageMin,
			RingWQEBBs: r.Ring.WQEBBs(), HavePosition: true, QPN: r.QPN, Index: uint16(pi),
		}
		o.targetKey(raw)
		o.findings = mlx5model.Check(o.findings[:0], raw, &o.ctx)
		for i := range o.findings {
			if f := &o.findings[i]; f.Severity == mlx5model.Error {
				o.v.failf(Structure, "WQE at %d: %v", pi, f)
			}
		}
		pi += size
	}
}

// targetKey tells the strict decoder about the key that a UMR names.
func (o *Oracle) targetKey(raw []byte) {
	ctrl := mlx5model.ParseCtrl(raw)
	if ctrl.Opcode != mlx5model.OpUMR {
		return
	}
	key, ok := o.r.Dev.QueryMkey(ctrl.Imm)
	if !ok {
		return
	}
	o.ctx.Mode = key.Mode
	if len(raw) > mlx5model.UMRDataOff && raw[mlx5model.CtrlSize]&mlx5model.UMRInline == 0 {
		o.ctx.List = o.r.Dev.QueryXlt(ctrl.Imm)
	}
}
