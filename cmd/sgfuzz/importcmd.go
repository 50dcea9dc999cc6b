package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// importCmd turns iovec logs into case files.
type importCmd struct {
	common
	Out    string   `required:"" placeholder:"DIR" help:"Directory for the case files; made if it is not there."`
	Dedupe bool     `help:"Write a list that occurs several times in one log once."`
	Files  []string `arg:"" name:"file" help:"Logs: a line \"NAME ADDR+LEN ADDR+LEN …\" for each list."`
}

// importResult is its JSON object.
type importResult struct {
	Out     string `json:"out"`
	Files   int    `json:"files"`   // logs read
	Lists   int    `json:"lists"`   // lists in them
	Entries int    `json:"entries"` // entries of those lists
	Written int    `json:"written"` // case files
}

func (v *importCmd) run(a *app) (any, error) {
	for _, file := range v.Files {
		if err := readable(file); err != nil {
			return nil, badInput(err)
		}
	}
	_, statErr := os.Stat(v.Out)
	s, err := corpus.Import{Dedupe: v.Dedupe}.Run(v.Out, v.Files...)
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
	a.printf("%d logs, %d lists, %d entries: %d case files in %s\n", s.Files, s.Lists, s.Entries, s.Written, v.Out)
	return importResult{v.Out, s.Files, s.Lists, s.Entries, s.Written}, nil
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
