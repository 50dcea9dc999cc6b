package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/files"
)

// fmtCmd rewrites case files in their canonical form.
type fmtCmd struct {
	common
	Check bool     `short:"n" help:"Only name the files that are not canonical; exit status 1 if there are any."`
	Paths []string `arg:"" name:"file" help:"Case files and directories; - formats standard input to standard output."`
}

// fmtResult is its JSON object.
type fmtResult struct {
	Files      int      `json:"files"`   // read
	Changed    []string `json:"changed"` // were not canonical
	Unreadable []string `json:"unreadable"`
	Text       string   `json:"text,omitempty"` // of standard input
}

func (v *fmtCmd) run(a *app) (any, error) {
	if len(v.Paths) == 1 && v.Paths[0] == stdinName {
		return v.stdin(a)
	}
	r := fmtResult{Changed: []string{}, Unreadable: []string{}}
	files, err := caseFiles(v.Paths)
	if err != nil {
		a.complain(err)
		r.Unreadable = append(r.Unreadable, err.Error())
	}
	for _, file := range files {
		if a.ctx.Err() != nil {
			break
		}
		r.Files++
		changed, err := v.file(file)
		switch {
		case err != nil && codeOf(err) == exitInternal:
			return r, err
		case err != nil:
			a.complain(err)
			r.Unreadable = append(r.Unreadable, err.Error())
		case changed:
			a.printf("%s\n", file)
			r.Changed = append(r.Changed, file)
		}
	}
	switch {
	case len(r.Unreadable) > 0:
		return r, status(exitUsage)
	case v.Check && len(r.Changed) > 0:
		return r, status(exitFindings)
	}
	return r, nil
}

// file formats one file and tells whether it was not canonical.
func (v *fmtCmd) file(file string) (changed bool, err error) {
	old, err := os.ReadFile(file)
	if err != nil {
		return false, badInput(err)
	}
	c, err := corpus.Read(bytes.NewReader(old), file)
	if err != nil {
		return false, badInput(err)
	}
	text := corpus.AppendCase(nil, c)
	if bytes.Equal(old, text) {
		return false, nil
	}
	if v.Check {
		return true, nil
	}
	return true, files.WriteBytes(file, text)
}

func (v *fmtCmd) stdin(a *app) (any, error) {
	old, err := io.ReadAll(a.input())
	if err != nil {
		return nil, badInput(fmt.Errorf("stdin: %w", err))
	}
	c, err := corpus.Read(bytes.NewReader(old), "stdin")
	if err != nil {
		return nil, badInput(err)
	}
	r := fmtResult{Files: 1, Changed: []string{}, Unreadable: []string{}, Text: corpus.Format(c)}
	if r.Text != string(old) {
		r.Changed = append(r.Changed, "stdin")
	}
	if !v.Check {
		a.printf("%s", r.Text)
		return r, nil
	}
	if len(r.Changed) > 0 {
		a.printf("stdin\n")
		return r, status(exitFindings)
	}
	return r, nil
}
