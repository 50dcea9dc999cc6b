package runner

import (
	"bytes"
	"slices"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
)

// Requests spent on a breach: each may cost the timeout, or a new child.
const (
	slowSteps   = 12
	breachSteps = 150
)

// shrinkPending makes findings of what is pending. Nothing is outstanding.
func (e *engine) shrinkPending() error {
	for len(e.pending) > 0 {
		c := e.pending[0]
		e.pending = e.pending[1:]
		if err := e.shrink(c); err != nil {
			return err
		}
		if err := e.keep(c); err != nil {
			return err
		}
	}
	e.pending = nil
	return nil
}

// keepPending makes findings of what is pending as it is, when there is no
// child any more.
func (e *engine) keepPending() error {
	for _, c := range e.pending {
		if err := e.keep(c); err != nil {
			return err
		}
	}
	e.pending = nil
	return nil
}

// shrink asks for smaller and smaller cases of the same kind. A failure that
// does not show again stays as it was met.
func (e *engine) shrink(c *candidate) error {
	op := c.slot.req.Op
	if op == conform.OpWQE || c.noLine {
		return nil
	}
	steps := e.Shrink
	if c.Class == ClassProtocol {
		steps = min(steps, breachSteps)
	}
	if c.slow {
		steps = min(steps, slowSteps)
	}
	var fatal error
	var last *candidate
	corpus.Minimise(&c.slot.c, func(small *corpus.Case) corpus.Verdict {
		if fatal != nil || e.ctx.Err() != nil {
			return corpus.Verdict{}
		}
		x := slot{c: *small}
		build(&x.req, op, small)
		var got *candidate
		if got, fatal = e.ask(&x); got == nil {
			return corpus.Verdict{}
		}
		if got.key() == c.key() {
			last = got
		}
		return corpus.Verdict{Failed: true, Class: got.key(), Text: got.Text}
	}, steps)
	switch {
	case fatal != nil:
		return fatal
	case last != nil: // the last that failed alike is the smallest
		*c = *last
		c.Shrunk = true
	case c.slot.vec == nil && c.class == "" && c.Class != ClassProtocol:
		c.Text += "\nit did not show when the same was asked again"
	}
	return nil
}

// ask sends one request when nothing is outstanding, and judges the reply. nil
// is a reply that is right, or wrong as declared.
func (e *engine) ask(x *slot) (*candidate, error) {
	x.req.ID = e.nextID
	e.nextID++
	e.child.send(append(conform.AppendRequest(e.child.spareLine(), &x.req, e.Hex), '\n'))
	b := e.await(x.req.Op, x.req.ID)
	if b == nil && e.child.buffered() {
		b = e.extra()
	}
	if b != nil {
		if e.ctx.Err() != nil {
			return nil, nil
		}
		e.retire(b)
		c := e.candidate(x, b)
		return c, e.relaunch()
	}
	v, err := e.judge(x)
	if err != nil || v.status != failed {
		return nil, err
	}
	left := e.undeclared(x, v, false)
	if len(left) == 0 {
		return nil, nil
	}
	return e.failing(x, slices.Clone(left)), nil
}

// spareLine gives an empty buffer for lines to send.
func (c *child) spareLine() []byte {
	select {
	case b := <-c.spareIn:
		return b[:0]
	default:
		return make([]byte, 0, bytes.MinRead*8)
	}
}
