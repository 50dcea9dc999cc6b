package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
)

// exhaustCmd enumerates all lists of a small universe.
type exhaustCmd struct {
	common
	strategyFlag
	jobsFlag
	Entries  int           `default:"3" placeholder:"N" help:"Entries of a list, at most."`
	Pages    int           `default:"4" placeholder:"N" help:"Pages of the universe."`
	PageSize uint64        `default:"4" placeholder:"BYTES" help:"Page size, a power of two from 4 on."`
	Unit     uint64        `placeholder:"BYTES" help:"Addresses and lengths are multiples of this (default: a quarter of a page)."`
	Base     string        `placeholder:"ADDR" help:"First address, or \"top\" to end at 2^64 (default: the middle is at 4 GiB)."`
	Windows  string        `default:"all" placeholder:"WHICH" help:"Sub-ranges of each region: all, or edges: each unit, start and end."`
	First    uint64        `aliases:"from" placeholder:"N" help:"Number to begin with, to go on where an enumeration ended (default: 0)."`
	To       uint64        `placeholder:"N" help:"Number to end in front of (default: all)."`
	For      time.Duration `placeholder:"TIME" help:"Time to work at most, such as 90s or 8h (default: no limit)."`
	Out      string        `short:"o" default:"findings" placeholder:"DIR" help:"Directory for findings; made when there is one."`
	Mutant   string        `placeholder:"NAME" help:"Work with a re-created defect, to see it found (see sgfuzz mutants)."`
}

// Members of --windows.
const (
	windowsAll   = "all"
	windowsEdges = "edges"
)

// exhaustTop is --base for a universe that ends at 2^64.
const exhaustTop = "top"

// exhaustResult is its JSON object.
type exhaustResult struct {
	Entries     int               `json:"entries"`
	Pages       int               `json:"pages"`
	PageSize    uint64            `json:"page_size"`
	Unit        uint64            `json:"unit"`
	Base        string            `json:"base"` // 0x…
	Windows     string            `json:"windows" names:"windows"`
	Total       uint64            `json:"total"`   // lists of the whole scope
	From        uint64            `json:"from"`    // every list from this index on …
	Covered     uint64            `json:"covered"` // … up to this one, exclusive, was checked
	Complete    bool              `json:"complete"`
	Lists       uint64            `json:"lists"`
	Checks      uint64            `json:"checks"`     // lists times strategies
	Subranges   uint64            `json:"sub_ranges"` // shown to be right
	Walked      uint64            `json:"walked"`     // of these translated one by one
	Digest      string            `json:"digest"`     // of all answers, 0x…
	Seconds     float64           `json:"seconds"`
	Strategies  []runStrategy     `json:"strategies"`
	Skipped     []exhaustSkipped  `json:"skipped"`
	Classes     map[string]uint64 `json:"classes"` // failures by class
	Findings    []exhaustFinding  `json:"findings"`
	Proved      []string          `json:"proved"` // empty if there are findings
	Interrupted bool              `json:"interrupted"`
	Resume      string            `json:"resume,omitempty"` // command that goes on
}

type exhaustSkipped struct {
	Strategy string `json:"strategy" names:"strategy"`
	Lists    uint64 `json:"lists"`
	Why      string `json:"why"`
}

type exhaustFinding struct {
	Class    string `json:"class"`
	Index    uint64 `json:"index"` // of the list in the scope
	List     string `json:"list"`
	Text     string `json:"text"`
	File     string `json:"file"`
	Replayed string `json:"replayed"` // class that a replay of the case gives, "" for none
	Replay   string `json:"replay"`   // command that replays the case, or why there is none
	Case     string `json:"case"`
	Rerun    string `json:"rerun"` // command that checks the list again
}

func (v *exhaustCmd) run(a *app) (any, error) {
	c, err := v.config()
	if err != nil {
		return nil, err
	}
	ctx, cancel := a.ctx, context.CancelFunc(func() {})
	if v.For > 0 {
		ctx, cancel = context.WithTimeout(a.ctx, v.For)
	}
	defer cancel()
	p := a.newProgress(v.steps(&c))
	c.Every = p.every()
	c.Progress = func(s fuzz.ExhaustStats) {
		p.at(int64(s.Lists), func() string {
			return fmt.Sprintf("%s, %d lists, %d checks, %.0f checks a second, %d failures",
				s.Elapsed.Round(time.Second), s.Lists, s.Checks, rate(s.Checks, s.Elapsed), s.Failed)
		})
	}
	s, err := fuzz.Exhaust(ctx, c)
	p.done()
	if s == nil {
		if errors.Is(err, fuzz.ErrExhaust) {
			err = badInput(err)
		}
		return nil, err
	}
	r := v.fill(s)
	r.Interrupted = a.ctx.Err() != nil
	a.printExhaust(&r)
	if err == nil && len(r.Classes) > 0 {
		err = status(exitFindings)
	}
	return r, err
}

// config makes a fuzz.ExhaustConfig of the flags.
func (v *exhaustCmd) config() (c fuzz.ExhaustConfig, err error) {
	if v.For < 0 {
		return c, badInputf("--for %v: a time before now", v.For)
	}
	c = fuzz.ExhaustConfig{
		Entries: v.Entries, Pages: v.Pages, PageSize: v.PageSize, Unit: v.Unit, Strategies: v.Strategy,
		Edges: v.Windows == windowsEdges, From: v.First, To: v.To, Jobs: v.Jobs, Out: v.Out, Mutant: v.Mutant,
	}
	switch v.Base {
	case "":
	case exhaustTop:
		c.Base = fuzz.ExhaustTop(v.Pages, v.PageSize)
	default:
		if c.Base, err = strconv.ParseUint(v.Base, 0, 64); err != nil || c.Base == 0 {
			return c, badInputf("--base %s: an address above 0, or top", v.Base)
		}
	}
	if err := v.jobsFlag.check(); err != nil {
		return c, err
	}
	return c, cmp.Or(v.strategyFlag.check(), knownIn("windows", v.Windows), knownName("mutant", v.Mutant))
}

// steps is the number of lists for the progress bar, -1 if the scope is bad.
func (v *exhaustCmd) steps(c *fuzz.ExhaustConfig) int64 {
	if v.To > v.First {
		return int64(min(v.To-v.First, 1<<62))
	}
	if n, err := c.Total(); err == nil && n > v.First {
		return int64(n - v.First)
	}
	return -1
}

func (v *exhaustCmd) fill(s *fuzz.ExhaustSummary) exhaustResult {
	c := &s.Config
	r := exhaustResult{
		Entries: c.Entries, Pages: c.Pages, PageSize: c.PageSize, Unit: c.Unit, Base: fmt.Sprintf("%#x", c.Base), Windows: v.Windows,
		Total: s.Total, From: c.From, Covered: s.Covered, Complete: s.Complete(), Lists: s.Lists, Checks: s.Checks,
		Subranges: s.Windows, Walked: s.Walked, Digest: fmt.Sprintf("%#016x", s.Digest), Seconds: s.Elapsed.Seconds(),
		Skipped: []exhaustSkipped{}, Classes: s.Classes, Findings: []exhaustFinding{}, Proved: []string{},
	}
	for _, x := range s.Strategies {
		r.Strategies = append(r.Strategies, runStrategy{x.Strategy, x.Cases(), x.Accepted, x.Partial, x.Refused, x.Broken, x.Failed})
	}
	for _, k := range s.Skipped {
		r.Skipped = append(r.Skipped, exhaustSkipped(k))
	}
	for _, f := range s.Findings {
		r.Findings = append(r.Findings, exhaustFinding{
			Class: f.Class, Index: f.Index, List: strings.Join(strings.Fields(f.List.String()), " "), Text: f.Text, File: f.Path, Replayed: f.Replayed, Case: corpus.Format(f.Case),
			Rerun: v.command(c, f.Index, f.Index+1), Replay: v.replayOf(&f),
		})
	}
	if len(r.Classes) == 0 && s.Lists > 0 {
		r.Proved = s.Proved()
	}
	if s.Covered < c.To {
		r.Resume = v.command(c, s.Covered, v.To)
	}
	return r
}

// replayOf says how the finding's case is replayed.
func (v *exhaustCmd) replayOf(f *fuzz.ExhaustFinding) string {
	switch {
	case f.Replayed == "":
		return "shows nothing: it takes this universe or these settings"
	case v.Mutant != "":
		return "shows nothing, as the defect is not there; with it, " + f.Replayed
	}
	return fmt.Sprintf("sgfuzz replay --full %s (%s)", fuzz.ShellWord(f.Path), f.Replayed)
}

// command is the command line that enumerates other lists of the same scope.
func (v *exhaustCmd) command(c *fuzz.ExhaustConfig, from, to uint64) string {
	s := fmt.Sprintf("sgfuzz exhaust --entries=%d --pages=%d --page-size=%d --unit=%d --base=%#x --windows=%s --first=%d",
		c.Entries, c.Pages, c.PageSize, c.Unit, c.Base, v.Windows, from)
	if to != 0 {
		s += fmt.Sprintf(" --to=%d", to)
	}
	for _, name := range v.Strategy {
		s += " --strategy=" + name
	}
	if v.Mutant != "" {
		s += " --mutant=" + v.Mutant
	}
	return s
}

// printExhaust prints the summary of an enumeration.
func (a *app) printExhaust(r *exhaustResult) {
	a.printf("%d lists enumerated of %d, indices %d to %d; %d checks of a list with a strategy in %.1f s, %.0f a second\n",
		r.Lists, r.Total, r.From, r.Covered, r.Checks, r.Seconds, float64(r.Checks)/max(r.Seconds, 1e-9))
	a.printf("%d sub-ranges right, %d of them translated one by one; digest of the answers %s\n", r.Subranges, r.Walked, r.Digest)
	a.table(func(row func(...any)) {
		row("strategy", "lists", "accepted", "in parts", "refused", "failed")
		for _, s := range r.Strategies {
			row(s.Strategy, s.Cases, s.Accepted, s.Partial, s.Refused, s.Failed)
		}
	})
	for _, k := range r.Skipped {
		a.printf("%s: not tried on %d lists: %s\n", k.Strategy, k.Lists, k.Why)
	}
	if r.Interrupted {
		a.printf("interrupted\n")
	}
	if r.Resume != "" {
		a.printf("go on with: %s\n", r.Resume)
	}
	if len(r.Findings) == 0 {
		if len(r.Proved) > 0 {
			a.printf("no findings: for each of these lists it is thereby shown\n")
		}
		for _, line := range r.Proved {
			a.printf("  %s\n", line)
		}
		return
	}
	a.printf("findings of %d classes, each with its smallest list; nothing is shown for this scope\n", len(r.Classes))
	for i := range r.Findings {
		f := &r.Findings[i]
		a.printf("%s: %d lists\n  list    %s\n%s\n  rerun   %s\n  file    %s\n", f.Class, r.Classes[f.Class], f.List, indent(f.Text), f.Rerun, f.File)
		a.printf("  replay  %s\n", f.Replay)
		a.printf("%s", indent(f.Case))
	}
}
