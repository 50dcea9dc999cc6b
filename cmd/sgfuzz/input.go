package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// stdinName stands for standard input.
const stdinName = "-"

// loadCase reads a case from a file or standard input. A name that is not on
// disk is that of an embedded case.
func (a *app) loadCase(file string) (*corpus.Case, error) {
	switch {
	case file == stdinName:
	case !missing(file):
		c, err := corpus.Load(file)
		return c, badInput(err)
	default:
		names := embeddedBelow(file)
		if len(names) != 1 {
			return nil, errMissing(file)
		}
		return loadEmbedded(names[0])
	}
	c, err := corpus.Read(a.input(), "stdin")
	if err != nil {
		return nil, badInput(err)
	}
	c.Name = "stdin"
	return c, nil
}

// input is standard input. Who sits in front of it is told that it is read.
func (a *app) input() io.Reader {
	if isTerminal(a.stdin) {
		fmt.Fprintln(a.stderr, "sgfuzz: reading standard input, which ctrl-D ends")
	}
	return a.stdin
}

// maxInput bounds what readAll takes, in bytes.
const maxInput = 256 << 20

// readAll reads a whole file or standard input.
func (a *app) readAll(file string) ([]byte, error) {
	var r io.Reader
	if file == stdinName {
		r = a.input()
	} else {
		f, err := os.Open(file)
		if err != nil {
			return nil, badInput(err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = fmt.Errorf("%s: longer than %d MiB", file, maxInput>>20)
	}
	return data, badInput(err)
}

// caseFiles resolves arguments to case files: files as they are, directories to
// the case files below them, in lexical order. Errors are joined and leave the
// other arguments alone.
func caseFiles(args []string) (files []string, err error) {
	var errs []error
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			errs = append(errs, err)
			continue
		case !info.IsDir():
			files = append(files, arg)
			continue
		}
		found, err := below(arg)
		errs = append(errs, err)
		if len(found) == 0 && err == nil {
			errs = append(errs, fmt.Errorf("%s: no case files (*%s) below this directory", arg, corpus.Ext))
		}
		files = append(files, found...)
	}
	return files, errors.Join(errs...)
}

func below(dir string) (files []string, err error) {
	var errs []error
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		if !d.IsDir() && filepath.Ext(name) == corpus.Ext {
			files = append(files, name)
		}
		return nil
	})
	return files, errors.Join(append(errs, err)...)
}
