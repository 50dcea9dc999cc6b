package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
)

// replayCmd runs cases that are on disk.
type replayCmd struct {
	common
	strategyFlag
	depthFlags
	jobsFlag
	Verbose bool     `short:"v" help:"Print every case, not only those that fail."`
	Paths   []string `arg:"" optional:"" name:"case" help:"Case files, files with several cases, directories of case files, names of embedded cases, or - for standard input; all embedded cases if left out."`
}

// replayResult is its JSON object.
type replayResult struct {
	Run         int             `json:"run"`
	Failed      int             `json:"failed"`
	Unusable    []string        `json:"unusable"` // errors of the files that were not run
	Interrupted bool            `json:"interrupted"`
	Classes     map[string]int  `json:"classes"` // failures by class
	Strategies  []strategyTotal `json:"strategies"`
	Cases       []caseResult    `json:"cases"` // those that failed; all with --verbose
}

func (v *replayCmd) run(a *app) (any, error) {
	if err := cmp.Or(v.jobsFlag.check(), v.strategyFlag.check()); err != nil {
		return nil, err
	}
	sources, err := v.sources(a)
	if err != nil && len(sources) == 0 {
		return nil, err
	}
	rp := replayer{
		app: a, verbose: v.Verbose, jobs: v.Jobs,
		options: fuzz.Options{Full: v.Full, Variants: v.Variants, Strategies: v.Strategy},
	}
	rp.result.init()
	if err != nil {
		a.complain(err)
		rp.result.Unusable = append(rp.result.Unusable, strings.Split(err.Error(), "\n")...)
	}
	for i := range sources {
		if note := sources[i].note; note != "" {
			a.complain(errors.New(note))
		}
	}
	if err := rp.replay(sources); err != nil {
		return rp.result, err
	}
	a.printReplay(&rp.result)
	return rp.result, status(rp.result.code())
}

// sources lists what to run. It can be incomplete when there is an error.
func (v *replayCmd) sources(a *app) ([]source, error) {
	if len(v.Paths) == 0 {
		return embeddedSources()
	}
	if len(v.Paths) == 1 && v.Paths[0] == stdinName {
		return []source{{name: "stdin", load: func() (*corpus.Case, error) { return a.loadCase(stdinName) }}}, nil
	}
	sources, err := caseSources(v.Paths)
	return sources, badInput(err)
}

func (r *replayResult) init() {
	*r = replayResult{Unusable: []string{}, Classes: map[string]int{}, Cases: []caseResult{}}
	for _, s := range corpus.Strategies() {
		r.Strategies = append(r.Strategies, strategyTotal{Strategy: s})
	}
}

// code is the exit status: files that were not run weigh more than failures.
func (r *replayResult) code() int {
	switch {
	case len(r.Unusable) > 0:
		return exitUsage
	case r.Failed > 0:
		return exitFindings
	}
	return exitFine
}

// strategyTotal sums what one strategy answered and what it cost.
type strategyTotal struct {
	Strategy    string `json:"strategy" names:"strategy"`
	Cases       int    `json:"cases"`
	Accepted    int    `json:"accepted"`
	Partial     int    `json:"partial"`
	Refused     int    `json:"refused"`
	Broken      int    `json:"broken"`
	Failed      int    `json:"failed"`
	MRs         int    `json:"mrs"`
	Descriptors int    `json:"descriptors"`
	BytesCopied uint64 `json:"bytes_copied"`
}

func (t *strategyTotal) add(o *outcome) {
	t.Cases++
	switch o.Answer {
	case fuzz.Accepted.String():
		t.Accepted++
	case fuzz.Partial.String():
		t.Partial++
	case fuzz.Refused.String():
		t.Refused++
	default:
		t.Broken++
	}
	if len(o.Failures) > 0 {
		t.Failed++
	}
	t.MRs += o.MRs
	t.Descriptors += o.Descriptors
	t.BytesCopied += o.BytesCopied
}

func (a *app) printReplay(r *replayResult) {
	a.printf("%d cases: %d failed", r.Run, r.Failed)
	if n := len(r.Unusable); n > 0 {
		a.printf(", %d files could not be used", n)
	}
	if r.Interrupted {
		a.printf(", interrupted")
	}
	a.printf("\n")
	if r.Run == 0 {
		return
	}
	a.table(func(row func(...any)) {
		row("strategy", "cases", "accepted", "partial", "refused", "failed", "MRs", "descriptors", "bytes copied")
		for _, s := range r.Strategies {
			if s.Cases > 0 {
				row(s.Strategy, s.Cases, s.Accepted, s.Partial, s.Refused, s.Failed, s.MRs, s.Descriptors, s.BytesCopied)
			}
		}
	})
}

// printCase prints what each strategy made of one case.
func (a *app) printCase(c *caseResult) {
	word := "ok"
	if c.failed() {
		word = "FAILED"
	}
	a.printf("%s: %d entries: %s\n", c.Name, c.Entries, word)
	a.table(func(row func(...any)) {
		row("strategy", "answer", "reason", "limit", "MRs", "descriptors", "bytes copied")
		for i := range c.Outcomes {
			o, limit := &c.Outcomes[i], "-"
			if o.Limit != 0 {
				limit = fmt.Sprint(o.Limit)
			}
			row(o.Strategy, o.Answer, orDash(o.Reason), limit, o.MRs, o.Descriptors, o.BytesCopied)
		}
	})
	for i := range c.Outcomes {
		for _, f := range c.Outcomes[i].Failures {
			a.printf("  %s: %s\n", c.Outcomes[i].Strategy, f)
		}
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// indent puts two blanks before each line.
func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// progressText is the line of a replay under way.
func progressText(r *replayResult, total int) string {
	return fmt.Sprintf("replay: %d of %d cases, %d failed", r.Run+len(r.Unusable), total, r.Failed)
}
