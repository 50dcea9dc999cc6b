package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/fuzz/engines"
)

// exportCmd writes inputs for other fuzzing engines.
type exportCmd struct {
	common
	Format string   `required:"" placeholder:"FORMAT" help:"${exports}: files of go test -fuzz, a corpus of go-fuzz, seed archives of libFuzzer."`
	Out    string   `required:"" placeholder:"DIR" help:"Where to: the package (go), the working directory (gofuzz), the directory of the fuzzers (libfuzzer-zip). Made if it is not there."`
	Target []string `default:"Strategies" placeholder:"NAME" help:"Whose seeds to write, or all (default: ${default}, the target that runs cases)."`
	Paths  []string `arg:"" optional:"" name:"case" help:"Case files and directories, instead of the target's own seeds."`
}

// exportFormats are the names of --format, in the order of the help.
var exportFormats = []string{"go", "gofuzz", "libfuzzer-zip"}

var exportFormat = map[string]engines.Format{"go": engines.Go, "gofuzz": engines.GoFuzz, "libfuzzer-zip": engines.LibFuzzer}

// allTargets stands for all of them.
const allTargets = "all"

// exportResult is its JSON object.
type exportResult struct {
	Out     string   `json:"out"`
	Format  string   `json:"format"`
	Targets []string `json:"targets"`
	Inputs  int      `json:"inputs"` // different ones
	Files   int      `json:"files"`
	Bytes   int      `json:"bytes"`
}

func (v *exportCmd) run(a *app) (any, error) {
	targets, err := v.targets()
	if err != nil {
		return nil, err
	}
	x := engines.Export{Format: exportFormat[v.Format], Targets: targets}
	s, err := v.export(x)
	if errors.Is(err, engines.ErrTarget) || errors.Is(err, engines.ErrNoInput) {
		return nil, badInput(err)
	}
	if err != nil {
		return nil, err
	}
	a.printf("%d inputs, %d files, %d bytes in %s\n", s.Inputs, s.Files, s.Bytes, v.Out)
	return exportResult{v.Out, v.Format, targets, s.Inputs, s.Files, s.Bytes}, nil
}

func (v *exportCmd) targets() ([]string, error) {
	var all []string
	for _, t := range fuzz.Targets() {
		all = append(all, t.Name)
	}
	if err := known("format", []string{v.Format}, exportFormats); err != nil {
		return nil, err
	}
	if slices.Equal(v.Target, []string{allTargets}) {
		return all, nil
	}
	return v.Target, known("target", v.Target, append(all, allTargets))
}

func (v *exportCmd) export(x engines.Export) (engines.ExportStats, error) {
	if len(v.Paths) == 0 {
		return x.Seeds(v.Out)
	}
	files, err := caseFiles(v.Paths)
	errs := []error{err}
	var cases []*corpus.Case
	for _, file := range files {
		c, err := corpus.Load(file)
		errs = append(errs, err)
		cases = append(cases, c)
	}
	if err := errors.Join(errs...); err != nil {
		return engines.ExportStats{}, badInput(fmt.Errorf("nothing exported: %w", err))
	}
	return x.Cases(v.Out, cases)
}
