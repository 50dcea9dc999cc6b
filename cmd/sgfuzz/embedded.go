package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/suggest"
)

// embeddedNames are the names of the embedded cases, such as
// "features/single-entry".
func embeddedNames() []string {
	var names []string
	_ = fs.WalkDir(corpus.Embedded(), ".", func(name string, d fs.DirEntry, err error) error { // of an embed.FS there is no error
		if err == nil && path.Ext(name) == corpus.Ext {
			names = append(names, strings.TrimSuffix(name, corpus.Ext))
		}
		return nil
	})
	return names
}

// embeddedBelow are the embedded cases that an argument names: one, or those
// of a directory such as "bugs".
func embeddedBelow(arg string) (names []string) {
	arg = strings.TrimSuffix(path.Clean(arg), corpus.Ext)
	for _, name := range embeddedNames() {
		if name == arg || strings.HasPrefix(name, arg+"/") {
			names = append(names, name)
		}
	}
	return names
}

func loadEmbedded(name string) (*corpus.Case, error) {
	f, err := corpus.Embedded().Open(name + corpus.Ext)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := corpus.Read(f, name)
	if err != nil {
		return nil, err
	}
	c.Name = name
	return c, nil
}

// missing tells that an argument names nothing on disk, so that the name of an
// embedded case may be meant.
func missing(arg string) bool {
	_, err := os.Stat(arg)
	return errors.Is(err, fs.ErrNotExist)
}

// errMissing says that there is no such file, nor such an embedded case.
func errMissing(arg string) error {
	return badInputf("%s: no such file, directory or embedded case%s", arg, suggest.Question(arg, embeddedNames()))
}

// caseSources resolves arguments to cases: what caseFiles finds, and for what
// is not on disk embedded cases. Errors are joined and leave the other
// arguments alone.
func caseSources(args []string) ([]source, error) {
	var all []source
	var errs []error
	for _, arg := range args {
		if !missing(arg) {
			files, err := caseFiles([]string{arg})
			for _, file := range files {
				found, err := fileSources(file)
				all, errs = append(all, found...), append(errs, err)
			}
			errs = append(errs, err)
			continue
		}
		names := embeddedBelow(arg)
		for _, name := range names {
			all = append(all, source{name: name, load: func() (*corpus.Case, error) { return loadEmbedded(name) }})
		}
		if len(names) == 0 {
			errs = append(errs, errMissing(arg))
		}
	}
	return all, errors.Join(errs...)
}

// fileSources are a file's cases: one, or several that a file of them holds.
func fileSources(file string) ([]source, error) {
	if several, err := corpus.IsSeries(file); err != nil || !several {
		return []source{{name: file, load: func() (*corpus.Case, error) { return corpus.Load(file) }}}, nil
	}
	cases, torn, err := corpus.LoadSeries(file)
	all := make([]source, len(cases))
	for i, c := range cases {
		all[i] = source{name: c.Name, load: func() (*corpus.Case, error) { return c, nil }}
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: holds no whole case", file)
	}
	if torn && len(all) > 0 {
		all[len(all)-1].note = file + ": its last case was not written whole and is left out"
	}
	return all, err
}

// loadSources reads the cases that caseSources finds. Errors are joined.
func loadSources(args []string) ([]*corpus.Case, error) {
	sources, err := caseSources(args)
	errs := []error{err}
	var cases []*corpus.Case
	for _, s := range sources {
		c, err := s.load()
		errs = append(errs, err)
		cases = append(cases, c)
	}
	return cases, errors.Join(errs...)
}
