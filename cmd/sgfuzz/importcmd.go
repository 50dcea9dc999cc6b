package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz/engines"
)

// importCmd turns iovec logs and inputs of fuzzing engines into case files.
type importCmd struct {
	common
	Format string   `aliases:"from" default:"iovec" placeholder:"NAME" names:"kind" help:"What the files are: ${kind}."`
	Out    string   `required:"" short:"o" placeholder:"DIR" help:"Directory to write to; made if needed."`
	Dedupe bool     `help:"Write a list that occurs several times in one log once."`
	Files  []string `arg:"" name:"file" help:"Logs: a line \"NAME ADDR+LEN ADDR+LEN …\" for each list. Or files with several cases. Or inputs of target Strategies, crashers too, and directories of them."`
}

// Kinds of import: of logs, and of files with several cases.
const (
	iovecs = "iovec"
	series = "cases"
)

// importKinds are the names of --format, in the order of the help.
var importKinds = []string{iovecs, series, "go", "gofuzz", "libfuzzer"}

var importFormat = map[string]engines.Format{"go": engines.Go, "gofuzz": engines.GoFuzz, "libfuzzer": engines.LibFuzzer}

// importResult is its JSON object.
type importResult struct {
	Out     string `json:"out"`
	Files   int    `json:"files"`   // logs read
	Lists   int    `json:"lists"`   // lists in them
	Entries int    `json:"entries"` // entries of those lists
	Written int    `json:"written"` // case files
}

func (v *importCmd) run(a *app) (any, error) {
	if err := known("format", []string{v.Format}, importKinds); err != nil {
		return nil, err
	}
	if v.Format != iovecs && v.Format != series {
		return v.inputs(a)
	}
	if v.Dedupe && v.Format != iovecs {
		return nil, errDedupe
	}
	for _, file := range v.Files {
		if err := readable(file); err != nil {
			return nil, badInput(err)
		}
	}
	_, statErr := os.Stat(v.Out)
	split := corpus.Import{Dedupe: v.Dedupe}.Run
	if v.Format == series {
		split = corpus.Split
	}
	s, err := split(v.Out, v.Files...)
	if _, ok := errors.AsType[*corpus.ParseError](err); ok {
		return nil, badInput(err)
	}
	if err != nil {
		return nil, err
	}
	if s.Lists == 0 {
		if errors.Is(statErr, fs.ErrNotExist) {
			os.Remove(v.Out) // made for nothing
		}
		return nil, badInputf("no lists in %v", v.Files)
	}
	a.printf("%d files, %d lists, %d entries: %d case files in %s\n", s.Files, s.Lists, s.Entries, s.Written, v.Out)
	return importResult{v.Out, s.Files, s.Lists, s.Entries, s.Written}, nil
}

var errDedupe = badInputf("--dedupe is for --format %s: inputs of the same case make one file anyway, cases are taken as they are", iovecs)

// inputsResult is the JSON object of an import of inputs.
type inputsResult struct {
	Out     string `json:"out"`
	Inputs  int    `json:"inputs"`  // read
	Short   int    `json:"short"`   // of them too short to reach the target
	Written int    `json:"written"` // case files
}

// inputs imports what a fuzzing engine left.
func (v *importCmd) inputs(a *app) (any, error) {
	if v.Dedupe {
		return nil, errDedupe
	}
	s, err := engines.Import{Format: importFormat[v.Format]}.Run(v.Out, v.Files...)
	if _, ok := errors.AsType[*engines.InputError](err); ok {
		return nil, badInput(err)
	}
	if err != nil {
		return nil, err
	}
	if s.Written == 0 {
		return nil, badInputf("no inputs in %v: %d files, %d of them too short", v.Files, s.Inputs, s.Short)
	}
	a.printf("%d inputs, %d too short: %d case files in %s\n", s.Inputs, s.Short, s.Written, v.Out)
	return inputsResult{v.Out, s.Inputs, s.Short, s.Written}, nil
}

// readable says why a file cannot be read.
func readable(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		return &fs.PathError{Op: "read", Path: file, Err: errors.New("is a directory")}
	}
	return err
}
