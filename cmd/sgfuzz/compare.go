package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/compare"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/sg"
)

// compareCmd puts the ways of registering a workload side by side. Its JSON is
// compare.Result.
type compareCmd struct {
	common
	HTML     string             `name:"html" placeholder:"FILE" help:"Page to write, with charts."`
	Draw     string             `placeholder:"NAME" names:"workload" help:"Draw lists from this generator, or from all of them, instead of reading files, or beside them."`
	Count    int                `default:"1000" placeholder:"N" help:"Lists that --draw draws."`
	Seed     uint64             `default:"1" placeholder:"N" help:"Seed of what is drawn, and of the simulated queue."`
	Dir      string             `name:"direction" default:"read" placeholder:"HOW" names:"direction" help:"What the peer does with lists that do not say: read or write."`
	DMA      string             `name:"dma" default:"identity" placeholder:"HOW" help:"DMA mapping of lists that do not say: identity, \"split 4096\" (cut at the pages, as without IOMMU), \"merge BYTES\"."`
	Depth    int                `default:"64" placeholder:"N" help:"I/Os in flight at most."`
	Service  time.Duration      `default:"100us" placeholder:"TIME" help:"Mean time from issue to completion of an I/O."`
	Idle     time.Duration      `default:"25us" placeholder:"TIME" help:"Mean time from a completion to the next issue in its place."`
	Fixed    bool               `help:"All service times are the mean; else they are exponential."`
	IOs      int                `name:"ios" default:"50000" placeholder:"N" help:"I/Os simulated for each size of a pool."`
	Short    float64            `default:"0.001" placeholder:"SHARE" help:"Share of the I/Os that may find a pool too small."`
	Constant map[string]float64 `mapsep:"," placeholder:"NAME=NUMBER" names:"constant" help:"Constants of the estimated time, in ns or bytes/ns: ${constant}."`
	Paths    []string           `arg:"" optional:"" name:"file" help:"Captured logs of iovecs (as import reads them), case files, directories of both, names of embedded cases; - for a log on standard input."`
}

// captureExt is the ending of iovec logs, for directories.
const captureExt = ".iov"

// constantNames are those of --constant.
func constantNames() (names []string) {
	for _, k := range compare.ConstantList() {
		names = append(names, k.Name)
	}
	return names
}

func (v *compareCmd) run(a *app) (any, error) {
	c, err := v.config()
	if err != nil {
		return nil, err
	}
	m, err := compare.New(c)
	if err != nil {
		return nil, badInput(err)
	}
	w := workload{app: a, m: m, p: a.newProgress(-1)}
	defer w.p.done()
	if err := v.read(&w); err != nil {
		return nil, err
	}
	r, err := m.Result(a.ctx)
	if err != nil && a.ctx.Err() == nil {
		return nil, err
	}
	if r.Workload.Lists == 0 && !r.Workload.Interrupted {
		return nil, badInputf("no lists to compare")
	}
	var saved error
	if v.HTML != "" {
		saved = files.Write(v.HTML, r.WriteHTML)
	}
	if err := cmp.Or(r.WriteText(a.out), saved); err != nil {
		return r, err
	}
	if len(r.Workload.Unusable) > 0 {
		return r, status(exitUsage)
	}
	return r, nil
}

// config makes the configuration of the flags.
func (v *compareCmd) config() (compare.Config, error) {
	c := compare.Config{Dir: v.Dir, Constants: compare.DefaultConstants(), Queue: compare.Queue{
		Depth: v.Depth, Service: micros(v.Service), Idle: micros(v.Idle), Fixed: v.Fixed, IOs: v.IOs, Target: v.Short, Seed: v.Seed,
	}}
	var err error
	if c.DMA, err = sg.ParseDMA(v.DMA); err != nil {
		return c, badInput(err)
	}
	if len(v.Paths) == 0 && v.Draw == "" {
		return c, badInputf("nothing to compare: name files, or a generator by --draw")
	}
	if v.Draw != "" && (v.Count < 1 || v.Count > math.MaxInt32) {
		return c, badInputf("--count %d: 1 to %d", v.Count, math.MaxInt32)
	}
	if v.Draw != "" {
		if err := knownIn("workload", v.Draw); err != nil {
			return c, err
		}
	}
	if err := knownIn("direction", v.Dir); err != nil {
		return c, err
	}
	for name := range v.Constant {
		if err := known("constant", []string{name}, constantNames()); err != nil {
			return c, err
		}
	}
	for _, k := range compare.ConstantList() {
		if value, ok := v.Constant[k.Name]; ok {
			k.Set(&c.Constants, value)
		}
	}
	return c, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// workload feeds lists to a comparison.
type workload struct {
	app *app
	m   *compare.Comparer
	p   *progress
}

// add registers one list.
func (w *workload) add(c *corpus.Case) error {
	if err := w.m.Add(w.app.ctx, c); err != nil {
		return err
	}
	w.p.at(int64(w.m.Lists()), func() string { return fmt.Sprintf("compare: %d lists", w.m.Lists()) })
	return nil
}

// read reads all sources until the context ends. A source that cannot be used
// is noted and left out from there on.
func (v *compareCmd) read(w *workload) error {
	for _, path := range v.Paths {
		sources, err := w.sources(path)
		if err != nil {
			w.refuse(err)
		}
		for _, s := range sources {
			if err := w.take(s.name, s.read); err != nil {
				return err
			}
		}
	}
	if v.Draw == "" {
		return nil
	}
	name := fmt.Sprintf("%d lists of generator %s, seed %d", v.Count, v.Draw, v.Seed)
	return w.take(name, func() error { return compare.Draw(v.Draw, v.Seed, v.Count, w.add) })
}

// take reads a source. The error is a finding: a registration judged wrong.
func (w *workload) take(name string, read func() error) error {
	if w.app.ctx.Err() != nil {
		return nil
	}
	err := read()
	_, wrong := errors.AsType[*compare.JudgedWrong](err)
	switch {
	case wrong:
		return &exitError{exitFindings, err}
	case err == nil, errors.Is(err, context.Canceled) && w.app.ctx.Err() != nil:
		w.m.Note(name, nil)
	default:
		w.refuse(err)
	}
	return nil
}

// refuse notes an error of a source.
func (w *workload) refuse(err error) {
	w.app.complain(err)
	w.m.Note("", err)
}

// listSource is a named source of lists.
type listSource struct {
	name string
	read func() error
}

// sources resolves an argument: a log, cases, or a directory of both.
func (w *workload) sources(path string) (all []listSource, err error) {
	logs, cases := []string{path}, false
	if path != stdinName {
		logs, cases, err = logsIn(path)
	}
	if cases && err == nil {
		found, caseErr := caseSources([]string{path})
		all, err = append(all, listSource{path, func() error { return w.cases(found) }}), caseErr
		if len(found) == 0 {
			all = nil
		}
	}
	for _, log := range logs {
		all = append(all, listSource{log, func() error { return w.log(log) }})
	}
	return all, err
}

// logsIn are the logs that an argument names; cases says that it names cases
// too.
func logsIn(path string) (logs []string, cases bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, true, nil // perhaps embedded
	case err != nil:
		return nil, false, err
	case !info.IsDir():
		if filepath.Ext(path) == corpus.Ext {
			return nil, true, nil
		}
		return []string{path}, false, nil
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
		case filepath.Ext(name) == captureExt:
			logs = append(logs, name)
		case filepath.Ext(name) == corpus.Ext:
			cases = true
		}
		return nil
	})
	if err == nil && len(logs) == 0 && !cases {
		err = fmt.Errorf("%s: no case files (*%s) nor logs (*%s) below this directory", path, corpus.Ext, captureExt)
	}
	return logs, cases, err
}

func (w *workload) log(path string) (err error) {
	var r io.Reader = w.app.stdin
	if path != stdinName {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
	return compare.Capture(r, filepath.Base(path), w.add)
}

// cases adds cases one at a time; those that cannot be used are noted.
func (w *workload) cases(sources []source) error {
	for _, s := range sources {
		c, err := s.load()
		if err == nil {
			err = w.add(c)
		}
		if _, wrong := errors.AsType[*compare.JudgedWrong](err); wrong || w.app.ctx.Err() != nil {
			return err
		}
		if err != nil {
			w.refuse(err)
		}
	}
	return nil
}

// directions are the names of --direction.
func directions() []string { return []string{corpus.DirRead, corpus.DirWrite} }
