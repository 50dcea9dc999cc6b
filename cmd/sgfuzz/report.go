package main

import (
	"fmt"
	"path/filepath"

	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/internal/report"
)

// reportCmd makes a page of a campaign's state directory. Its JSON is a
// report.Report.
type reportCmd struct {
	common
	Out      string `short:"o" placeholder:"FILE" help:"Page to write (default: report.html in the directory); - for standard output."`
	Mutants  string `name:"mutants-json" placeholder:"FILE" help:"Result of mutants --json=FILE (default: mutants.json in the directory, if it is there)."`
	Bench    string `name:"bench-json" placeholder:"FILE" help:"Result of bench --json=FILE (default: bench.json in the directory, if it is there)."`
	Findings int    `default:"200" placeholder:"N" help:"Findings shown, the first of each class before others."`
	Pictures bool   `default:"true" negatable:"" help:"Draw the findings."`
	Dir      string `arg:"" name:"dir" help:"Directory of run --state."`
}

func (v *reportCmd) run(a *app) (any, error) {
	if v.Findings < 1 {
		return nil, badInputf("--findings %d: at least 1", v.Findings)
	}
	o := report.Options{Mutants: v.Mutants, Bench: v.Bench, Findings: v.Findings, Version: buildVersion(), Stop: a.ctx.Done()}
	if !v.Pictures {
		o.PictureBytes = -1
	}
	p := a.newProgress(-1)
	defer p.done()
	o.Progress = func(done, all int) {
		p.at(int64(done), func() string { return fmt.Sprintf("drawing %d of %d findings", done, all) })
	}
	r, err := report.Read(v.Dir, o)
	if err != nil {
		return nil, badInput(err)
	}
	if err := v.write(a, r); err != nil {
		return r, err
	}
	for _, problem := range r.Problems {
		a.complain(fmt.Errorf("%s", problem))
	}
	if len(r.Problems) > 0 {
		return r, status(exitUsage)
	}
	return r, nil
}

// write writes the page and says where it is.
func (v *reportCmd) write(a *app, r *report.Report) error {
	if v.Out == stdinName {
		return r.WriteHTML(a.out)
	}
	out := v.Out
	if out == "" {
		out = filepath.Join(v.Dir, "report.html")
	}
	if err := files.Write(out, r.WriteHTML); err != nil {
		return err
	}
	if c := r.Campaign; c != nil {
		a.printf("%s: %d cases in %.1f s, %d features, %d findings; %s\n", v.Dir, c.Cases, c.Seconds, c.Features, r.Findings.Total, c.StopText)
	} else {
		a.printf("%s: no campaign has begun here\n", v.Dir)
	}
	a.printf("%s\n", out)
	return nil
}
