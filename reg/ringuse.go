package reg

import "github.com/sgfuzz/sgfuzz/mlx5model"

// ringUse remembers which part of a ring an Env's case has written, so that the
// next one need not fill all of it: the default ring is 64 KiB, a case often
// posts three WQEBBs.
type ringUse struct {
	ring   *mlx5model.Ring // last filled
	fill   byte            // with this
	start  uint32          // first producer counter since
	own    bool            // by an encoder of this package
	soiled bool            // a post failed: what it left is not between the counters
}

// reset fills e's ring for a case of configuration c. It is called before the
// encoder of the case before is replaced.
func (u *ringUse) reset(e *Env, c *EnvConfig) {
	if u.ring != e.Ring || u.fill != c.Prefill || !u.own || u.soiled || e.Enc == nil {
		e.Ring.Fill(c.Prefill)
	} else {
		e.Ring.FillWQEBBs(u.start, e.Enc.PI()-u.start, c.Prefill)
	}
	*u = ringUse{ring: e.Ring, fill: c.Prefill, start: c.Start, own: c.Encoder == nil}
}
