package runner

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
)

// Kinds of a breach of the protocol. They are the checks of findings of class
// protocol.
const (
	kindSilent = "silent" // no reply in time
	kindExit   = "exit"   // the child ended, or closed its output
	kindLine   = "line"   // a reply that is none
	kindID     = "id"     // a reply to another request
	kindExtra  = "extra"  // a reply to no request
	kindLong   = "long"   // a line without an end
	kindReject = "reject" // an exact operation rejects
)

// breach is how a child broke the protocol.
type breach struct {
	kind   string
	text   string
	reply  []byte // the line at fault, or what there is of it
	slow   bool   // it was waited for
	stderr string // the child's last words, once it is closed
}

func (b *breach) Error() string { return "protocol: " + b.kind + ": " + b.text }

// sure says that the first unanswered request is the one that provoked it.
func (b *breach) sure() bool { return b.kind != kindSilent && b.kind != kindExit }

// Limits of an operation: after so many breaks it is given up. Silence costs
// the timeout each time.
const (
	maxSilent = 8
	maxEnds   = 400
)

const clipped = 4 << 10 // bytes of a line that are kept

func clip(line []byte) []byte {
	return append([]byte(nil), line[:min(len(line), clipped)]...)
}

// noReply says why there was no line.
func (e *engine) noReply(err error, part []byte, timeout time.Duration) *breach {
	b := &breach{reply: clip(part)}
	half := ""
	if len(part) > 0 {
		half = fmt.Sprintf(", %d bytes of an unfinished line were there", len(part))
	}
	switch {
	case errors.Is(err, errSilent):
		b.kind, b.text, b.slow = kindSilent, fmt.Sprintf("no reply within %v", timeout), true
	case errors.Is(err, errLong):
		b.kind, b.text = kindLong, fmt.Sprintf("%v", err)
	default:
		ending, over := e.ending()
		b.kind, b.text, b.slow = kindExit, ending+half, !over
	}
	return b
}

// ending waits a moment for a child that closed its output, and says how it
// ended, if it has.
func (e *engine) ending() (how string, over bool) {
	state, over := e.child.exit(min(e.Timeout, time.Second))
	switch {
	case !over:
		return "the child closed its output", false
	case state != nil:
		return "the child ended: " + state.Error(), true
	}
	return "the child ended: exit status 0", true
}

// extra is the breach of a child that answers more than was asked.
func (e *engine) extra() *breach {
	line, _, _ := e.child.line(e.ctx, 0)
	return &breach{kind: kindExtra, text: "a reply to no request", reply: clip(line)}
}

// retire ends the child after a breach.
func (e *engine) retire(b *breach) {
	b.stderr = e.child.close()
	e.child = nil
}

// relaunch starts another child. That it fails where the first did not is a
// finding, and the end of the run.
func (e *engine) relaunch() error {
	e.sum.Restarts++
	err := e.launch()
	if err == nil {
		return nil
	}
	if e.ctx.Err() != nil {
		return e.ctx.Err()
	}
	b, ok := errors.AsType[*breach](err)
	if !ok {
		b = &breach{kind: kindExit, text: err.Error()}
	}
	b.text = "after a restart: " + b.text
	return e.helloFailed(b)
}

// helloFailed records a breach at hello, which ends the run.
func (e *engine) helloFailed(b *breach) error {
	if e.child != nil {
		e.retire(b)
	}
	s := slot{req: conform.Request{Op: conform.OpHello, Version: conform.Version}}
	e.found(e.candidate(&s, b))
	return cmp.Or(e.keepPending(), errStop)
}

// broken deals with a breach while requests are outstanding: the request that
// provoked it is found, one by one if need be, and the child is restarted.
func (e *engine) broken(b *breach) error {
	e.retire(b)
	r := e.result
	switch {
	case b.kind == kindExtra: // all that was asked is answered, the last in excess
		e.found(e.candidate(e.slot(e.head-1), b))
	case b.sure() || e.window == 1 || e.sent-e.head == 1:
		r.Cases++
		r.Failed++
		e.found(e.candidate(e.slot(e.head), b))
		e.head++
		e.isolate, e.suspect, e.window = 0, nil, uint64(e.Batch)
	default:
		e.isolate, e.window = e.sent-e.head, 1
		e.suspect = e.candidate(e.slot(e.head), b)
	}
	e.sent = e.head
	e.giveUp(b)
	return e.relaunch()
}

// giveUp ends an operation that breaks too often.
func (e *engine) giveUp(b *breach) {
	i, most := 0, maxSilent
	if !b.slow {
		i, most = 1, maxEnds
	}
	if e.breaks[i]++; e.breaks[i] >= most {
		e.result.GivenUp = fmt.Sprintf("given up after %d breaks, the last: %v", e.breaks[i], b)
	}
}

// goodbye ends the child's input, which it must answer with exit status 0 and
// no further line.
func (e *engine) goodbye() error {
	c := e.child
	c.finish()
	line, part, err := c.line(e.ctx, e.Timeout)
	var b *breach
	switch {
	case err == nil:
		b = &breach{kind: kindExtra, text: "a reply to no request, at the end of input", reply: clip(line)}
	case e.ctx.Err() != nil:
		return e.ctx.Err()
	case errors.Is(err, errSilent):
		b = &breach{kind: kindSilent, text: fmt.Sprintf("still there %v after the end of input", e.Timeout)}
	case len(part) > 0:
		b = &breach{kind: kindLine, text: "half a line at the end", reply: clip(part)}
	default:
		state, over := c.exit(e.Timeout)
		if over && state == nil {
			return nil
		}
		ending, _ := e.ending()
		b = &breach{kind: kindExit, text: "at the end of input: " + ending}
	}
	e.retire(b)
	last := &e.sum.Ops[len(e.sum.Ops)-1]
	s := slot{req: conform.Request{Op: last.Op}}
	f := e.candidate(&s, b)
	f.class, f.noLine = "end-"+b.kind, true
	e.found(f)
	return e.keepPending()
}
