package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/style"
)

// corpusCmd groups what is done to directories of cases.
type corpusCmd struct {
	List     corpusListCmd     `cmd:"" help:"List cases: entries, features, strategies with wants."`
	Minimize corpusMinimizeCmd `cmd:"" help:"Copy the fewest cases that show all that all of them show."`
	Fmt      fmtCmd            `cmd:"" help:"Bring case files into their canonical form."`
}

// corpusListCmd lists cases.
type corpusListCmd struct {
	common
	Paths []string `arg:"" optional:"" name:"case" help:"Case files, directories of them and names of embedded cases; all embedded cases if left out."`
}

// corpusListResult is its JSON object.
type corpusListResult struct {
	Cases []listedCase `json:"cases"`
}

type listedCase struct {
	Name     string            `json:"name"`
	Entries  int               `json:"entries"`
	Bytes    uint64            `json:"bytes"`
	Wants    map[string]string `json:"wants"` // by strategy
	Features []string          `json:"features"`
}

func (v *corpusListCmd) run(a *app) (any, error) {
	cases, err := loadCases(v.Paths)
	if err != nil {
		return nil, err
	}
	r, width := corpusListResult{Cases: []listedCase{}}, len("case")
	for _, c := range cases {
		l := listedCase{
			Name: c.Name, Entries: len(c.List), Bytes: c.List.Total(), Wants: map[string]string{},
			Features: c.List.Features(c.EffectivePageSize()).Names(),
		}
		for _, w := range c.Wants {
			l.Wants[w.Strategy] = w.Verdict
		}
		r.Cases, width = append(r.Cases, l), max(width, style.Columns(l.Name))
	}
	a.printf("entries          bytes  %s  features\n", style.Pad("case", width))
	for _, l := range r.Cases {
		a.printf("%7d %14d  %s  %s\n", l.Entries, l.Bytes, style.Pad(l.Name, width), l.about())
	}
	return r, nil
}

// about is what a case shows, and the strategies whose answers it wants.
func (l *listedCase) about() string {
	text := strings.Join(l.Features, " ")
	if len(l.Wants) > 0 {
		text += "; wants of " + strings.Join(slices.Sorted(maps.Keys(l.Wants)), ", ")
	}
	return text
}

// loadCases reads all cases, the embedded ones if there are no paths.
func loadCases(paths []string) ([]*corpus.Case, error) {
	if len(paths) == 0 {
		return corpus.EmbeddedCases()
	}
	var all []*corpus.Case
	var errs []error
	for _, path := range paths {
		load := func() ([]*corpus.Case, error) { return corpus.LoadAll(path) } // names below path
		if missing(path) {
			load = func() ([]*corpus.Case, error) { return loadSources([]string{path}) }
		}
		cases, err := load()
		if err == nil && len(cases) == 0 {
			err = fmt.Errorf("%s: no case files (*%s)", path, corpus.Ext)
		}
		all, errs = append(all, cases...), append(errs, err)
	}
	return all, badInput(errors.Join(errs...))
}

// corpusMinimizeCmd makes a smaller corpus.
type corpusMinimizeCmd struct {
	common
	jobsFlag
	Out     string   `required:"" short:"o" placeholder:"DIR" help:"Directory to write to; made if needed."`
	Mutants bool     `default:"true" negatable:"" help:"Keep a case for every mutant that one of them shows."`
	Wants   bool     `default:"true" negatable:"" help:"Keep every case that says what is to be answered."`
	Known   []string `sep:"none" placeholder:"CASE" help:"Directories and case files whose cases need not be kept again, nor what they show."`
	Most    int      `placeholder:"N" help:"Cases to keep at most, those that show most, besides those with wants (default: no limit)."`
	Paths   []string `arg:"" name:"dir" help:"Directories and case files."`
}

// corpusMinimizeResult is its JSON object.
type corpusMinimizeResult struct {
	Cases    int      `json:"cases"`    // read, the known ones too
	Features int      `json:"features"` // that they show
	Mutants  int      `json:"mutants"`  // that they show
	Kept     []string `json:"kept"`     // files written
}

func (v *corpusMinimizeCmd) run(a *app) (any, error) {
	if err := v.jobsFlag.check(); err != nil {
		return nil, err
	}
	if v.Most < 0 {
		return nil, badInputf("--most %d: a number of cases, or 0 for no limit", v.Most)
	}
	cases, known, err := v.load()
	if err != nil {
		return nil, err
	}
	sigs, err := v.signatures(a, cases)
	if err != nil {
		return nil, err
	}
	r := corpusMinimizeResult{Cases: len(cases), Kept: []string{}}
	all := fuzz.Union(sigs)
	r.Features, r.Mutants = all.Features(), all.Mutants()
	var always []int
	for i, c := range cases {
		if i < known || v.Wants && len(c.Wants) > 0 {
			always = append(always, i)
		}
	}
	for _, i := range fuzz.Cover(sigs, always, v.Most, func(i int) int { return len(cases[i].List) }) {
		if i < known {
			continue
		}
		file := filepath.Join(v.Out, filepath.FromSlash(cases[i].Name)+corpus.Ext)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), corpus.Save(file, cases[i])); err != nil {
			return nil, err
		}
		r.Kept = append(r.Kept, file)
	}
	a.printf("%d cases, %d features, %d mutants shown: %d cases kept in %s\n", r.Cases, r.Features, r.Mutants, len(r.Kept), v.Out)
	return r, nil
}

// load reads the known cases and behind them the others.
func (v *corpusMinimizeCmd) load() (cases []*corpus.Case, known int, err error) {
	if len(v.Known) > 0 {
		if cases, err = loadCases(v.Known); err != nil {
			return nil, 0, err
		}
	}
	more, err := loadCases(v.Paths)
	return append(cases, more...), len(cases), err
}

// signatures runs the cases.
func (v *corpusMinimizeCmd) signatures(a *app, cases []*corpus.Case) ([]fuzz.Signature, error) {
	ms, err := fuzz.Mutants()
	if err != nil {
		return nil, err
	}
	if !v.Mutants {
		ms = nil
	}
	total := len(cases) * (1 + len(ms))
	p := a.newProgress(int64(total))
	defer p.done()
	var mu sync.Mutex
	sigs, err := fuzz.Signatures(a.ctx, cases, ms, v.Jobs, func(done int) {
		mu.Lock()
		defer mu.Unlock()
		p.at(int64(done), func() string { return fmt.Sprintf("minimize: %d of %d runs", done, total) })
	})
	if err != nil && a.ctx.Err() == nil {
		err = badInput(err)
	}
	return sigs, err
}
