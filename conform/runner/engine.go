package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
)

// slot is one request on its way.
type slot struct {
	req conform.Request
	c   corpus.Case // what it was made of; of a vector as far as there is one
	vec *vector     // nil for a case
}

// engine is one run: a child, what is outstanding, and the judges.
type engine struct {
	Config
	ctx    context.Context
	began  time.Time
	until  time.Time // when the operation under way ends, zero for never
	sum    Summary
	child  *child
	parser conform.Parser
	reply  conform.Reply
	v      verdict
	model  mapModel
	bench  *bench
	drawer drawer
	nextID uint64
	line   []byte // of e.reply

	result  *OpResult
	ring    []slot // outstanding: head to tail, sent to the child up to sent
	head    uint64
	sent    uint64
	tail    uint64
	window  uint64 // requests to have outstanding
	isolate uint64 // requests left to send one by one, after a break
	suspect *candidate
	vectors map[conform.Op][]*vector
	pending []*candidate
	breaks  [2]int // of the operation: silent ones, ends
	shown   time.Time
	seen    map[string]int // findings that were shrunk, by class
}

func newEngine(ctx context.Context, c Config) (*engine, error) {
	e := &engine{
		Config: c, ctx: ctx, began: time.Now(), nextID: 1, window: uint64(c.Batch), ring: make([]slot, c.Batch),
		vectors: map[conform.Op][]*vector{}, seen: map[string]int{}, drawer: drawer{seed: c.Seed},
	}
	e.sum.Classes, e.sum.Deviations = map[string]uint64{}, c.Deviations
	var err error
	if e.bench, err = newBench(); err != nil {
		return nil, err
	}
	unused := map[string]uint64{}
	for _, path := range c.Vectors {
		all, err := loadVectors(path, unused)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		for _, v := range all {
			e.vectors[v.req.Op] = append(e.vectors[v.req.Op], v)
		}
	}
	e.sum.Ops = []OpResult{{Unused: unused}} // for hello to take over
	return e, nil
}

// launch starts the child and says hello.
func (e *engine) launch() error {
	c, err := start(e.Command, e.Batch+1)
	if err != nil {
		return err
	}
	e.child = c
	c.send(append(conform.AppendRequest(nil, &conform.Request{Op: conform.OpHello, Version: conform.Version}, e.Hex), '\n'))
	b := e.await(conform.OpHello, 0)
	if b == nil && c.buffered() {
		b = e.extra()
	}
	if b != nil {
		return b
	}
	return nil
}

// hello starts the first child and finds out what it can do.
func (e *engine) hello() error {
	unused := e.sum.Ops[0].Unused
	e.sum.Ops = nil
	err := e.launch()
	if b, ok := errors.AsType[*breach](err); ok {
		return e.helloFailed(b)
	}
	if err != nil {
		return err
	}
	r := &e.reply
	switch {
	case r.Answer != conform.OK:
		return fmt.Errorf("%w: hello is answered with %s %q", ErrUsage, r.Answer, r.Reason)
	case r.Hello.Version != conform.Version:
		return fmt.Errorf("%w: %d, this is %d", ErrVersion, r.Hello.Version, conform.Version)
	}
	e.sum.Child = string(r.Hello.Name)
	for _, name := range r.Hello.Ops {
		e.sum.Offered = append(e.sum.Offered, string(name))
	}
	for op := conform.OpHello + 1; int(op) <= conform.NumOps; op++ {
		wanted := len(e.Ops) == 0 || slices.Contains(e.Ops, op)
		if wanted && slices.Contains(e.sum.Offered, op.String()) {
			e.sum.Ops = append(e.sum.Ops, OpResult{Op: op, SkipReasons: map[string]uint64{}, Checks: e.checksOf(op)})
		}
	}
	if len(e.sum.Ops) == 0 {
		return fmt.Errorf("%w: it has %s", ErrNoOps, strings.Join(append(e.sum.Offered[:len(e.sum.Offered):len(e.sum.Offered)], "no others"), ", "))
	}
	e.sum.Ops[0].Unused = unused
	return nil
}

// exercise sends one operation's requests and judges the replies.
func (e *engine) exercise(r *OpResult) error {
	e.result, e.head, e.sent, e.tail = r, 0, 0, 0
	e.window, e.isolate, e.suspect, e.breaks = uint64(e.Batch), 0, nil, [2]int{}
	src := e.source(r.Op)
	for more := true; ; {
		for ; more && len(e.pending) == 0 && e.tail-e.head < e.window; e.tail++ {
			if more = e.goOn(e.tail) && src.next(e.slot(e.tail)); !more {
				break
			}
			e.slot(e.tail).req.ID = e.nextID
			e.nextID++
		}
		if e.head == e.tail {
			if len(e.pending) == 0 {
				return nil
			}
			if err := e.shrinkPending(); err != nil {
				return err
			}
			continue
		}
		e.transmit()
		b := e.await(r.Op, e.slot(e.head).req.ID)
		if b == nil {
			e.judged(e.slot(e.head))
			e.head++
			e.afterReply()
			e.progress()
			for e.child.buffered() && e.head < e.sent && b == nil { // the rest of what was read
				if b = e.await(r.Op, e.slot(e.head).req.ID); b == nil {
					e.judged(e.slot(e.head))
					e.head++
					e.afterReply()
				}
			}
			if b == nil && e.head == e.sent && e.child.buffered() {
				b = e.extra()
			}
		}
		if b == nil {
			continue
		}
		if e.ctx.Err() != nil {
			return e.ctx.Err()
		}
		if err := e.broken(b); err != nil {
			return err
		}
		if r.GivenUp != "" {
			e.head = e.tail
			more = false
		}
	}
}

// goOn says whether the operation's budget allows another request.
func (e *engine) goOn(n uint64) bool {
	return e.ctx.Err() == nil && (e.Cases == 0 || n < e.Cases) && (e.until.IsZero() || n%16 != 0 || time.Now().Before(e.until))
}

func (e *engine) slot(n uint64) *slot { return &e.ring[n%uint64(len(e.ring))] }

// transmit sends what may be outstanding and is not yet.
func (e *engine) transmit() {
	limit := min(e.tail, e.head+e.window)
	if e.sent >= limit {
		return
	}
	lines := e.child.spareLine()
	for ; e.sent < limit; e.sent++ {
		lines = append(conform.AppendRequest(lines, &e.slot(e.sent).req, e.Hex), '\n')
	}
	e.child.send(lines)
}

// await reads the reply to a request into e.reply.
func (e *engine) await(op conform.Op, id uint64) *breach {
	timeout := e.Timeout
	if op == conform.OpHello {
		timeout = e.Start
	}
	line, part, err := e.child.line(e.ctx, timeout)
	if err != nil {
		return e.noReply(err, part, timeout)
	}
	e.line = line
	if err := e.parser.ParseReply(op, line, &e.reply); err != nil {
		return &breach{kind: kindLine, text: err.Error(), reply: clip(line)}
	}
	if e.reply.ID != id {
		return &breach{kind: kindID, text: fmt.Sprintf("id %d answers request %d", e.reply.ID, id), reply: clip(line)}
	}
	return nil
}

// afterReply counts down the requests that are sent one by one.
func (e *engine) afterReply() {
	if e.isolate == 0 {
		return
	}
	if e.isolate--; e.isolate == 0 { // none of them did it alone
		e.suspect.failure.text += "; sent one by one, each of the requests outstanding then was answered"
		e.found(e.suspect)
		e.suspect, e.window = nil, uint64(e.Batch)
	}
}

func (e *engine) progress() {
	if e.Progress == nil || e.result.Cases%32 != 0 || time.Since(e.shown) < e.Every {
		return
	}
	e.shown = time.Now()
	e.Progress(Progress{e.result.Op, e.result.Cases, len(e.sum.Findings)})
}
