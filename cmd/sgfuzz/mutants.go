package main

import (
	"cmp"
	"fmt"

	"github.com/sgfuzz/sgfuzz/fuzz"
)

// mutantsCmd runs the bench of re-created defects. Its JSON is a list, one
// fuzz.MutantResult for each mutant.
type mutantsCmd struct {
	common
	Seeds   int      `default:"10" placeholder:"N" help:"Seeds tried on each mutant."`
	Cases   uint64   `default:"100000" placeholder:"N" help:"Cases to make at most, with each seed."`
	Steps   int      `aliases:"shrink" default:"1000" placeholder:"N" help:"Cases tried at most to shrink one."`
	Verbose bool     `short:"v" help:"Print every case that shows a mutant, shrunk."`
	Names   []string `arg:"" optional:"" name:"mutant" help:"Mutants (default: all)."`
}

func (v *mutantsCmd) run(a *app) (any, error) {
	if v.Seeds < 1 || v.Cases < 1 || v.Steps < 1 {
		return nil, badInputf("--seeds, --cases and --steps: at least 1")
	}
	if err := knownIn("mutant", v.Names...); err != nil {
		return nil, err
	}
	all, err := fuzz.Mutants(v.Names...)
	if err != nil {
		return nil, badInput(err)
	}
	p := a.newProgress(int64(len(all)))
	defer p.done()
	rs := []fuzz.MutantResult{}
	code := exitFine
	for i, m := range all {
		if a.ctx.Err() != nil {
			break
		}
		p.at(int64(i), func() string { return fmt.Sprintf("%d of %d mutants, at %s", i, len(all), m.Name) })
		r, err := fuzz.Bench(a.ctx, m, fuzz.BenchConfig{Seeds: v.Seeds, Limit: v.Cases, Shrink: v.Steps})
		if err != nil {
			return rs, err
		}
		if len(r.Hits) < v.Seeds {
			break // interrupted: half a result would read like a survivor
		}
		if !r.Found {
			code = exitFindings
		}
		rs = append(rs, r)
	}
	return rs, cmp.Or(v.print(a, rs), status(code))
}

func (v *mutantsCmd) print(a *app, rs []fuzz.MutantResult) error {
	if v.Verbose {
		for i := range rs {
			a.printf("# %s: %s\n%s\n", rs[i].Name, rs[i].Cause, rs[i].Case)
		}
	}
	if err := fuzz.WriteMutantTable(a.out, rs); err != nil {
		return err
	}
	if len(v.Names) > 0 {
		return nil
	}
	for _, m := range fuzz.MissingMutants() {
		a.printf("not re-created: %s %s: %s\n", m.Bug, m.What, m.Reason)
	}
	return nil
}
