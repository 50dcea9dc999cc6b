//go:build linux && (amd64 || arm64)

package vhca

import (
	"errors"
	"math/bits"
	"sync/atomic"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Ring says that a queue pair's counters in memory have changed. It reports whether Tick must be called from time to time from now on.
func (e *Engine) Ring(n uint32) bool {
	if q := e.qps[n]; q != nil && !e.loses() {
		e.run(q)
		e.flushTrace()
	}
	return len(e.restless) > 0
}

// flushTrace writes out what a buffered trace holds, lest it be lost with a
// program that dies.
func (e *Engine) flushTrace() {
	if b, ok := e.c.Trace.(interface{ Flush() error }); ok {
		_ = b.Flush()
	}
}

// Tick looks after queue pairs that wait for a receive or a time, and those
// that just broke. It reports whether some are left.
func (e *Engine) Tick() bool {
	if e.c.Remote != nil {
		e.c.Remote.receive()
	}
	for q := range e.restless {
		e.run(q)
	}
	return len(e.restless) > 0
}

// WakeFD is a file descriptor that becomes readable when Tick has something to
// do, or -1.
func (e *Engine) WakeFD() int {
	if e.c.Remote == nil {
		return -1
	}
	return e.c.Remote.fd
}

// run executes what a queue pair's send queue holds.
func (e *Engine) run(q *qp) {
	if q.state == Reset {
		return
	}
	e.landDue(q)
	if q.spec.SQWQEBBs != 0 && (q.state == RTS || q.state == Err) {
		pi := bits.ReverseBytes32(atomic.LoadUint32(wordAt(q.spec.DB + 4)))
		for (q.state == RTS || q.state == Err) && e.step(q, pi) {
		}
	}
	if q.state == Err {
		e.flushReceives(q)
	}
	e.watch(q)
}

// watch keeps those queue pairs restless that time or another's receive can
// move. A broken one hears of what is posted by Ring.
func (e *Engine) watch(q *qp) {
	if q.deadline != 0 || q.delayed != 0 || q.landBy != 0 {
		e.restless[q] = struct{}{}
	} else {
		delete(e.restless, q)
	}
}

// step executes one WQE and reports whether another may follow.
func (e *Engine) step(q *qp, pi uint32) bool {
	e.landDue(q)
	if uint16(pi) == uint16(q.dev.Consumer()) {
		q.deadline = 0
		return false
	}
	if e.dev.LateBlocks(q.dev) {
		e.land(q)
	}
	if q.deadline == 0 && e.inspect && q.state == RTS && !e.before(q, pi) {
		return false
	}
	at := uint16(q.dev.Consumer())
	e.listen(q, pi)
	umr := q.dev.SQ().At(q.dev.Consumer(), 0)[3] == byte(mlx5model.OpUMR)
	if !e.execute(q, pi) {
		return false
	}
	q.deadline = 0
	e.judgeDone(q, at)
	e.stats.wqes++
	if umr {
		e.stats.umrs++
	}
	e.settle(0, q.dev.State() == mlx5model.QPReady)
	e.complete(q)
	if e.inspect {
		e.afterwards(q, at)
	}
	q.dev.ClearCompletions()
	e.checkBroken(q)
	return true
}

// execute has the device take one WQE, in order or late.
func (e *Engine) execute(q *qp, pi uint32) bool {
	if !q.putOff {
		return e.dev.Step(q.dev, pi) != 0
	}
	if e.dev.StepLate(q.dev, pi) == 0 {
		return false
	}
	q.putOff = false
	if _, late := q.dev.Late(); late {
		q.landBy = clock() + e.c.Faults.DelayNs
	}
	return true
}

// complete pushes the completions of the send queue.
func (e *Engine) complete(q *qp) {
	for _, c := range q.dev.Completions() {
		if c.Failed() {
			e.stats.errors++
		}
		e.push(q.sendCQ, &c, nil)
	}
	if _, late := q.dev.Late(); !late {
		q.landBy = 0
	}
}

func (e *Engine) checkBroken(q *qp) {
	if q.dev.State() == mlx5model.QPError && q.state != Err {
		e.broken(q, q.dev.Err())
	}
}

// landDue ends the time in which WQEs can overtake a late one.
func (e *Engine) landDue(q *qp) {
	if q.landBy != 0 && clock() >= q.landBy {
		e.land(q)
	}
}

// land has a late WQE take effect.
func (e *Engine) land(q *qp) {
	q.landBy = 0
	if _, late := q.dev.Late(); !late {
		return
	}
	e.dev.Land(q.dev)
	e.complete(q)
	if e.inspect {
		e.outcome(q)
	}
	q.dev.ClearCompletions()
	e.checkBroken(q)
}

// broken takes a queue pair to the error state and flushes its receives; what
// it has to send is flushed when it runs next.
func (e *Engine) broken(q *qp, why error) {
	if q.state == Err {
		return
	}
	e.land(q)
	if q.state == Err {
		return
	}
	q.state = Err
	e.stats.events++
	q.dev.Fail(why)
	e.flushReceives(q)
	if q.srq != nil {
		e.async(&q.events, q.spec.Async, q.spec.Handle, eventLastWQE)
	}
	e.restless[q] = struct{}{}
}

func (e *Engine) flushReceives(q *qp) {
	for q.rq.posted() > 0 && q.rq.posted() <= q.rq.count {
		s, _ := q.next()
		if s.rq == nil {
			return
		}
		e.take(&s)
		e.failReceive(q, &s, mlx5model.SynFlush)
	}
}

// wait holds the WQE at the head back until its peer is ready, for as long as
// the queue pair's attributes say, and then fails it with s.
func (p *peer) wait(s mlx5model.Syndrome) mlx5model.Syndrome {
	q := p.q
	if p.foreign {
		if s == mlx5model.SynRNRRetry {
			return mlx5model.SynWait
		}
		return s // the requester's adapter waits
	}
	if !p.reliable() {
		return mlx5model.SynOK
	}
	now := clock()
	if q.deadline == 0 || q.why != s {
		q.deadline, q.why = now+q.patience(s), s
		return mlx5model.SynWait
	}
	if now < q.deadline {
		return mlx5model.SynWait
	}
	return s
}

const forever = 1 << 61

// patience is how long a requester tries, in nanoseconds: without a receive
// its RNR retries at the responder's delay, else its retries of a timeout.
func (q *qp) patience(s mlx5model.Syndrome) int64 {
	if s == mlx5model.SynRNRRetry {
		if q.attr.RNR == 7 {
			return forever
		}
		return int64(q.attr.RNR+1) * rnrDelay
	}
	if q.attr.Timeout == 0 {
		return forever
	}
	return 4096 << (q.attr.Timeout & 31) * int64(q.attr.Retries+1)
}

// rnrDelay stands for the responder's min_rnr_timer, in nanoseconds.
const rnrDelay = 1e6

// errOrder is why a strict adapter stops at a WQE out of order.
var errOrder = errors.New("a key is used that an earlier UMR of this queue changed, with no fence in between")
