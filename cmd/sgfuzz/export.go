package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz/engines"
	"github.com/sgfuzz/sgfuzz/internal/export"
)

// exportCmd writes inputs for other fuzzing engines, and vectors and tables for
// tests written elsewhere.
type exportCmd struct {
	common
	Format      string   `required:"" placeholder:"NAME" help:"What to write: ${format}: files of go test -fuzz, a corpus of go-fuzz, seed archives of libFuzzer, vectors in the schema of the recordings, tables for C with examples."`
	Out         string   `required:"" short:"o" placeholder:"DIR" help:"Directory to write to: the package (go), the working directory (gofuzz), the directory of the fuzzers (libfuzzer-zip), any other; made if needed."`
	Target      []string `placeholder:"NAME" help:"Of an engine's format: whose seeds to write, or all (default: Strategies, the target that runs cases)."`
	Gzip        bool     `help:"Of jsonl: write .jsonl.gz."`
	MostEntries int      `placeholder:"N" help:"Of c-header: leave out cases of more entries (default: 64)."`
	Paths       []string `arg:"" optional:"" name:"case" help:"Case files, directories of them and names of embedded cases, instead of the target's own seeds or the embedded cases."`
}

// Formats that are no engine's.
const (
	formatJSONL   = "jsonl"
	formatCHeader = "c-header"
)

// exportFormats are the names of --format, in the order of the help.
var exportFormats = []string{"go", "gofuzz", "libfuzzer-zip", formatJSONL, formatCHeader}

var exportFormat = map[string]engines.Format{"go": engines.Go, "gofuzz": engines.GoFuzz, "libfuzzer-zip": engines.LibFuzzer}

// allTargets stands for all of them.
const allTargets = "all"

// exportResult is the JSON object of inputs for an engine.
type exportResult struct {
	Out     string   `json:"out"`
	Format  string   `json:"format"`
	Targets []string `json:"targets"`
	Inputs  int      `json:"inputs"` // different ones
	Files   int      `json:"files"`
	Bytes   int      `json:"bytes"`
}

// exportVectorsResult is the JSON object of vectors and tables.
type exportVectorsResult struct {
	Out     string         `json:"out"`
	Format  string         `json:"format"`
	Cases   int            `json:"cases"`
	Vectors int            `json:"vectors"`
	Files   int            `json:"files"`
	Bytes   int64          `json:"bytes"`
	Skipped map[string]int `json:"skipped"` // left out, by reason
}

func (v *exportCmd) run(a *app) (any, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	if _, ok := exportFormat[v.Format]; !ok {
		return v.vectors(a)
	}
	targets := v.targets()
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

// check refuses formats that are none and flags of another one.
func (v *exportCmd) check() error {
	_, engine := exportFormat[v.Format]
	switch err := cmp.Or(knownIn("format", v.Format), knownIn("target", v.Target...)); {
	case err != nil:
		return err
	case v.Target != nil && !engine:
		return badInputf("--target is for the formats of engines, not for %s", v.Format)
	case v.Gzip && v.Format != formatJSONL:
		return badInputf("--gzip is for --format %s", formatJSONL)
	case v.MostEntries != 0 && v.Format != formatCHeader:
		return badInputf("--most-entries is for --format %s", formatCHeader)
	}
	return nil
}

// targets are those whose seeds are written.
func (v *exportCmd) targets() []string {
	switch {
	case v.Target == nil:
		return []string{engines.CaseTarget}
	case slices.Contains(v.Target, allTargets):
		return slices.DeleteFunc(targetNames(), func(name string) bool { return name == allTargets })
	}
	return v.Target
}

func (v *exportCmd) export(x engines.Export) (engines.ExportStats, error) {
	if len(v.Paths) == 0 {
		return x.Seeds(v.Out)
	}
	cases, err := v.cases()
	if err != nil {
		return engines.ExportStats{}, err
	}
	return x.Cases(v.Out, cases)
}

// cases loads what the arguments name.
func (v *exportCmd) cases() ([]*corpus.Case, error) {
	cases, err := loadSources(v.Paths)
	if err != nil {
		return nil, badInput(fmt.Errorf("nothing exported: %w", err))
	}
	return cases, nil
}

// vectors writes vectors or tables.
func (v *exportCmd) vectors(a *app) (any, error) {
	load := v.cases
	if len(v.Paths) == 0 {
		load = corpus.EmbeddedCases
	}
	cases, err := load()
	if err != nil {
		return nil, err
	}
	var s export.Stats
	if v.Format == formatJSONL {
		s, err = export.JSONL(v.Out, cases, v.Gzip)
	} else {
		s, err = export.CHeader(v.Out, cases, v.MostEntries)
	}
	if errors.Is(err, export.ErrNothing) || errors.Is(err, export.ErrBound) {
		return nil, badInput(err)
	}
	if err != nil {
		return nil, err
	}
	a.printf("%d cases, %d vectors, %d files, %d bytes in %s\n", s.Cases, s.Vectors, s.Files, s.Bytes, v.Out)
	a.printSkipped(s.Skipped)
	return exportVectorsResult{v.Out, v.Format, s.Cases, s.Vectors, s.Files, s.Bytes, s.Skipped}, nil
}

// printSkipped says what was left out, and why.
func (a *app) printSkipped(reasons map[string]int) {
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		a.printf("  left out %d: %s\n", reasons[reason], reason)
	}
}
