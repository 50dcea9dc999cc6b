package oracle

import (
	"bytes"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// checkRoundTrip is check 9 on one work request, raw, decoded as w: encoding it
// again gives the bytes that the producer wrote, and doing so once more changes
// nothing.
func (o *Oracle) checkRoundTrip(w *mlx5model.WQE, raw []byte, pi uint32) {
	o.canon = w.AppendTo(o.canon[:0])
	size := int(w.DS) * mlx5model.DSSize
	if len(o.canon) != size {
		o.v.failf(RoundTrip, "WQE at %d has %d bytes, encoded again %d", pi, size, len(o.canon))
		return
	}
	if bytes.Equal(raw[:size], o.canon) {
		return // equal bytes decode to equal values, and those encode to these bytes again
	}
	for i := 0; i < size; i += mlx5model.DSSize {
		if a, b := raw[i:i+mlx5model.DSSize], o.canon[i:i+mlx5model.DSSize]; !bytes.Equal(a, b) && !o.sameWritten(w, a, b, i, pi) {
			return
		}
	}
	again := &o.again
	if err := mlx5model.Decode(o.canon, again); err != nil {
		o.v.failf(RoundTrip, "WQE at %d, encoded again: %v", pi, err)
		return
	}
	if again.Ctrl != w.Ctrl || again.UMR != w.UMR || again.Pointer != w.Pointer || again.RAddr != w.RAddr || again.RKey != w.RKey {
		o.v.failf(RoundTrip, "WQE at %d decodes to other values when encoded again", pi)
	}
	o.canon2 = again.AppendTo(o.canon2[:0])
	if !bytes.Equal(o.canon, o.canon2) {
		o.v.failf(RoundTrip, "WQE at %d: the canonical encoding changes when it is encoded again", pi)
	}
}

// sameWritten compares the octoword at byte at of a WQE, raw, with its canonical
// encoding, but for the bits that the producer leaves as they were.
func (o *Oracle) sameWritten(w *mlx5model.WQE, raw, canon []byte, at int, pi uint32) bool {
	for i := range raw {
		if raw[i] != canon[i] && !o.unwritten(w, at+i, raw[i]^canon[i]) {
			o.v.failf(RoundTrip, "WQE at %d, byte %#x is %#02x, encoded again %#02x", pi, at+i, raw[i], canon[i])
			return false
		}
	}
	return true
}

// unwritten says whether the producer leaves the given bits of WQE byte i as
// they were: padding behind an inline list, a mkey context it does not fill, or
// the reserved bytes of a repeat header.
func (o *Oracle) unwritten(w *mlx5model.WQE, i int, bits byte) bool {
	rules := o.r.Rules
	if rules == nil || w.Opcode != mlx5model.OpUMR {
		return rules == nil
	}
	const mkc = mlx5model.CtrlSize + mlx5model.UMRCtrlSize
	switch {
	case i >= mlx5model.UMRDataOff:
		stale := rules.Pad == mlx5model.PadStale || rules.RepeatReserved == mlx5model.PadStale
		return stale && i < mlx5model.UMRDataOff+len(w.List)
	case i >= mkc:
		kind := rules.Kind(w)
		return kind != nil && bits&^kind.Stale[i-mkc] == 0
	}
	return false
}
