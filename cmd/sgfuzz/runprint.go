package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sgfuzz/sgfuzz/fuzz"
)

// printRun prints the summary of a campaign.
func (a *app) printRun(r *runResult) {
	if c := r.Corpus; c != nil {
		a.printf("embedded ")
		a.printReplay(c)
		a.printf("\n")
	}
	a.printf("seed %d: %d cases in %.1f s, %.0f a second; %d registrations tried, %d features covered\n", r.Seed, r.Cases, r.Seconds,
		rate(r.Cases-r.Earlier, time.Duration(r.Seconds*float64(time.Second))), r.Runs, r.Features)
	if r.Screened > 0 {
		a.printf("%d cases got a quick look only, which saw nothing new\n", r.Screened)
	}
	if r.Mutated > 0 {
		a.printf("%d cases made from others, of %d in the pool\n", r.Mutated, r.Pool)
	}
	if r.State != "" {
		a.printf("state %s: %d cases were done before; for a page of it: sgfuzz report %s\n", r.State, r.Earlier, fuzz.ShellWord(r.State))
	}
	if r.Interrupted {
		a.printf("interrupted\n")
	}
	if len(r.Strategies) > 0 {
		a.table(func(row func(...any)) {
			row("strategy", "cases", "accepted", "partial", "refused", "failed")
			for _, s := range r.Strategies {
				row(s.Strategy, s.Cases, s.Accepted, s.Partial, s.Refused, s.Failed)
			}
		})
		a.table(func(row func(...any)) {
			row("check", "", "runs")
			for _, c := range r.Checks {
				row(c.Number, c.Name, c.Runs)
			}
		})
	}
	a.printFindings(r)
}

func (a *app) printFindings(r *runResult) {
	if len(r.Classes) == 0 {
		a.printf("no findings\n")
		return
	}
	a.printf("findings of %d classes\n", len(r.Classes))
	for _, class := range slices.Sorted(maps.Keys(r.Classes)) {
		a.printf("%s: %d cases\n", class, r.Classes[class])
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Class != class {
				continue
			}
			a.printf("%s\n", indent(f.Text))
			if t := f.Trigger; t != nil {
				a.printf("%s\n", indent((*fuzz.Trigger)(t).String()))
			} else {
				a.printf("  not shrunk, there was no time\n")
			}
			a.printf("  file    %s\n  replay  %s\n  redraw  %s\n", f.File, f.Replay, f.Redraw)
		}
	}
}

// statusLine says how far a campaign is.
func statusLine(s *fuzz.Stats) string {
	line := fmt.Sprintf("%s, %d cases, %.0f a second, %d features, %d findings, %d failures",
		s.Elapsed.Round(time.Second), s.Cases, rate(s.Cases-s.Earlier, s.Elapsed), s.Features, s.Findings, s.Failed)
	if s.Unshrunk > 0 {
		line += fmt.Sprintf("; shrinking %d", s.Unshrunk)
	}
	return line
}
