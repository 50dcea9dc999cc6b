package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/picture"
)

// source is a case that is not yet loaded.
type source struct {
	name string
	load func() (*corpus.Case, error)
	note string // what is worth knowing about its file
}

func embeddedSources() ([]source, error) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		return nil, fmt.Errorf("embedded cases: %w", err)
	}
	all := make([]source, len(cases))
	for i, c := range cases {
		all[i] = source{name: c.Name, load: func() (*corpus.Case, error) { return c, nil }}
	}
	return all, nil
}

// outcome is what one strategy made of a case, in JSON.
type outcome struct {
	Strategy    string            `json:"strategy" names:"strategy"`
	Answer      string            `json:"answer" names:"answer"`
	Reason      string            `json:"reason,omitempty"` // of a refusal: why@entry+offset
	Limit       uint64            `json:"limit,omitempty"`  // that a refusal hit
	Need        uint64            `json:"need,omitempty"`   // what the list would have needed
	Parts       int               `json:"parts"`
	MRs         int               `json:"mrs"`
	Descriptors int               `json:"descriptors"`
	BytesCopied uint64            `json:"bytes_copied"`
	Class       string            `json:"class,omitempty"`
	Failures    []picture.Failure `json:"failures,omitempty"`
}

// caseResult is what became of one case, in JSON.
type caseResult struct {
	Name     string    `json:"name"`
	Entries  int       `json:"entries"`
	Outcomes []outcome `json:"outcomes"`

	err error // it could not be run
}

func (c *caseResult) failed() bool {
	for i := range c.Outcomes {
		if len(c.Outcomes[i].Failures) > 0 {
			return true
		}
	}
	return false
}

// replayer runs cases at once and reports them in order.
type replayer struct {
	app     *app
	options fuzz.Options
	verbose bool
	jobs    int
	result  replayResult
}

// pending is a case on its way.
type pending struct {
	source source
	done   chan caseResult
}

// replay runs the sources until the context ends. The error is a bug.
func (rp *replayer) replay(sources []source) error {
	p := rp.app.newProgress(int64(len(sources)))
	defer p.done()
	ctx, stop := context.WithCancel(rp.app.ctx)
	defer stop()
	for c := range rp.start(ctx, sources) {
		res := <-c.done
		if codeOf(res.err) == exitInternal {
			return fmt.Errorf("%s: %w", c.source.name, res.err)
		}
		rp.take(&res)
		p.at(int64(rp.result.Run+len(rp.result.Unusable)), func() string { return progressText(&rp.result, len(sources)) })
	}
	rp.result.Interrupted = ctx.Err() != nil
	return nil
}

// start hands the sources to workers and gives them back in order.
func (rp *replayer) start(ctx context.Context, sources []source) <-chan *pending {
	jobs := rp.jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	todo, ordered := make(chan *pending), make(chan *pending, 2*jobs)
	for range jobs {
		go func() {
			runner := fuzz.NewRunner(rp.options)
			for c := range todo {
				c.done <- runSource(runner, c.source)
			}
		}()
	}
	go func() {
		defer close(ordered)
		defer close(todo)
		for _, s := range sources {
			c := &pending{s, make(chan caseResult, 1)}
			select {
			case <-ctx.Done():
				return
			case ordered <- c:
			}
			todo <- c // a worker is there until todo is closed
		}
	}()
	return ordered
}

// take adds a result to the totals and prints it if it is worth printing.
func (rp *replayer) take(c *caseResult) {
	r := &rp.result
	if c.err != nil {
		rp.app.complain(c.err)
		r.Unusable = append(r.Unusable, c.err.Error())
		return
	}
	r.Run++
	for i := range c.Outcomes {
		o := &c.Outcomes[i]
		for k := range r.Strategies {
			if r.Strategies[k].Strategy == o.Strategy {
				r.Strategies[k].add(o)
			}
		}
		if o.Class != "" {
			r.Classes[o.Class]++
		}
	}
	if c.failed() {
		r.Failed++
	}
	if c.failed() || rp.verbose {
		r.Cases = append(r.Cases, *c)
		rp.app.printCase(c)
	}
}

// runSource loads and runs one case. A panic is a bug.
func runSource(runner *fuzz.Runner, s source) (res caseResult) {
	defer func() {
		if p := recover(); p != nil {
			res.err = fmt.Errorf("bug: %v\n%s", p, debug.Stack())
		}
	}()
	c, err := s.load()
	if err != nil {
		return caseResult{err: badInput(err)}
	}
	outs, err := runner.Run(c)
	if err != nil {
		return caseResult{err: badInputf("%s: %w", s.name, err)}
	}
	res = caseResult{Name: s.name, Entries: len(c.List), Outcomes: make([]outcome, len(outs))}
	for i := range outs {
		res.Outcomes[i] = newOutcome(&outs[i])
	}
	return res
}

func newOutcome(o *fuzz.Outcome) outcome {
	out := outcome{
		Strategy: o.Strategy, Answer: o.Answer.String(), Parts: o.Parts, Class: o.Class(),
		MRs: o.Cost.MRs, Descriptors: o.Cost.Descriptors, BytesCopied: o.Cost.BytesCopied,
	}
	if o.Refusal != nil {
		out.Reason, out.Limit, out.Need = o.Refusal.Where(), o.Refusal.Limit, o.Refusal.Need
	}
	out.Failures = picture.Failures(o.Verdict.Failures)
	return out
}
