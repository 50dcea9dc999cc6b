package main

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/internal/wqeview"
)

// decodeCmd prints WQEs and completions with their fields.
type decodeCmd struct {
	common
	Dialect string `default:"auto" placeholder:"NAME" names:"rules" help:"Dialect to judge by: ${rules}; auto for the one that fits."`
	Strict  bool   `help:"Exit status 1 if a WQE breaks a rule (a finding of severity error)."`
	Rows    int    `aliases:"entries" default:"8" placeholder:"N" help:"Entries of a long list that are shown, from each end."`
	Brief   bool   `help:"Only what it is and what is wrong with it, without bytes and fields."`
	HTML    string `name:"html" placeholder:"FILE" help:"Page to write, in which the bytes of a field light up when pointed at."`
	File    string `arg:"" optional:"" default:"-" help:"Kernel log, hex dump, hex, dump_wqe words or raw bytes; standard input if left out."`
}

func (v *decodeCmd) run(a *app) (any, error) {
	if err := known("dialect", []string{v.Dialect}, wqeview.Dialects()); err != nil {
		return nil, err
	}
	if v.Rows < 1 {
		return nil, badInputf("--rows %d: 1 or more", v.Rows)
	}
	if in, ok := a.stdin.(*os.File); ok && v.File == stdinName && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintln(a.stderr, "sgfuzz decode: paste a kernel log, a hex dump or dump_wqe words, then press ctrl-D")
	}
	data, err := a.readAll(v.File)
	if err != nil {
		return nil, err
	}
	doc, err := wqeview.Parse(data, wqeview.Options{Dialect: v.Dialect, Entries: v.Rows})
	if err != nil {
		return nil, badInputf("%s: %w (sgfuzz decode --help lists the forms that it reads)", nameOf(v.File), err)
	}
	var saved error
	if v.HTML != "" {
		saved = files.Write(v.HTML, doc.WritePage)
	}
	_ = doc.WriteText(a.out, wqeview.TextOptions{Style: a.style, Brief: v.Brief}) // an error shows when stdout is flushed
	if saved != nil {
		return doc, saved
	}
	switch {
	case doc.Broken > 0:
		return doc, badInputf("%s: %d of %d cannot be decoded", nameOf(v.File), doc.Broken, len(doc.Items))
	case v.Strict && doc.Errors > 0:
		return doc, status(exitFindings)
	}
	return doc, nil
}

func nameOf(file string) string {
	if file == stdinName {
		return "stdin"
	}
	return file
}
