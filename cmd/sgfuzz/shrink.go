package main

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/files"
)

// shrinkCmd makes a failing case smaller.
type shrinkCmd struct {
	common
	depthFlags
	Out   string `short:"o" placeholder:"FILE" help:"File to write to (default: standard output)."`
	Steps int    `default:"2000" placeholder:"N" help:"Cases tried at most to shrink one."`
	File  string `arg:"" name:"case" help:"Case that fails: a file, the name of an embedded case, or - for standard input."`
}

// shrinkResult is its JSON object.
type shrinkResult struct {
	Class       string `json:"class"`
	Text        string `json:"text"`    // the failures, one on a line
	Entries     [2]int `json:"entries"` // before and after
	Steps       int    `json:"steps"`
	Interrupted bool   `json:"interrupted"`
	Case        string `json:"case"`
	File        string `json:"file,omitempty"`
}

func (v *shrinkCmd) run(a *app) (any, error) {
	if v.Steps < 1 {
		return nil, badInputf("--steps %d: at least 1", v.Steps)
	}
	c, err := a.loadCase(v.File)
	if err != nil {
		return nil, err
	}
	runner := fuzz.NewRunner(fuzz.Options{Full: v.Full, Variants: v.Variants})
	if _, err := runner.Run(c); err != nil {
		return nil, badInput(err)
	}
	p := a.newProgress(int64(v.Steps))
	defer p.done()
	r := shrinkResult{File: v.Out}
	small, verdict := corpus.Minimise(c, func(c *corpus.Case) corpus.Verdict {
		if a.ctx.Err() != nil && r.Steps > 0 {
			return corpus.Verdict{} // takes no further step down
		}
		r.Steps++
		p.at(int64(r.Steps), func() string { return fmt.Sprintf("shrink: %d cases tried, now %d entries", r.Steps, len(c.List)) })
		return runner.Verdict(c)
	}, v.Steps)
	if !verdict.Failed {
		return nil, badInputf("%s: does not fail, there is nothing to shrink", c.Name)
	}
	r.Class, r.Text, r.Entries = verdict.Class, verdict.Text, [2]int{len(c.List), len(small.List)}
	r.Interrupted, r.Case = a.ctx.Err() != nil, corpus.Format(small)
	return r, v.write(a, &r)
}

func (v *shrinkCmd) write(a *app, r *shrinkResult) error {
	fmt.Fprintf(a.stderr, "sgfuzz: %s: %d entries, %d before; %d cases tried\n%s\n", r.Class, r.Entries[1], r.Entries[0], r.Steps, indent(r.Text))
	if v.Out != "" {
		return files.WriteBytes(v.Out, []byte(r.Case))
	}
	a.printf("%s", r.Case)
	return nil
}
