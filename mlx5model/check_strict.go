package mlx5model

import "fmt"

// StrictError is the first rule that a WQE breaks.
type StrictError struct{ Finding Finding }

// Error gives the finding on one line.
func (e *StrictError) Error() string { return "mlx5model: " + e.Finding.String() }

// DecodeStrict decodes like Decode and refuses a WQE with a finding of
// severity Error under the rules, by a *StrictError, or by Decode's own error.
// On success w is what Decode yields; on error w is undefined.
func DecodeStrict(raw []byte, rules *Rules, w *WQE) error {
	if err := Decode(raw, w); err != nil {
		return err
	}
	c := checker{only: Error, raw: raw, rules: rules, w: *w}
	if found := c.check(); len(found) > 0 {
		return &StrictError{found[0]}
	}
	return nil
}

// undecodable reports why Decode refused, and what can be said without the
// list.
func (c *checker) undecodable(err error) []Finding {
	w, ok := Salvage(c.raw)
	need := UMRFixedDS + int(w.UMR.XltOctowords) + int(w.UMR.BSFOctowords)
	if ok && w.Opcode == OpUMR && int(w.DS)*DSSize <= len(c.raw) && w.DS >= UMRFixedDS && w.UMR.Flags&UMRInline != 0 {
		c.add(RuleForm, Error, 0x14, "umr_ctrl.xlt_octowords", authUMR, fmt.Sprintf("%d octowords of inline list and %d of BSF need DS %d, ctrl.ds is %d: room for %d octowords",
			w.UMR.XltOctowords, w.UMR.BSFOctowords, need, w.DS, int(w.DS)-UMRFixedDS))
	} else {
		c.add(RuleFrame, Error, 0x7, "ctrl.ds", authCtrl, err.Error())
	}
	if !ok {
		return c.dst
	}
	c.w = w
	c.ctrl()
	if w.Opcode == OpUMR && len(c.raw) >= UMRDataOff {
		c.kind = c.rules.Kind(&c.w)
		c.flags()
		c.mkeyContext()
		if c.rules != nil {
			c.umrKind()
		}
	}
	return c.dst
}
