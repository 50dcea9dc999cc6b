package engines

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
)

// MaxInput bounds a file that Import reads, and a file in an archive, in bytes.
const MaxInput = 16 << 20

// Errors of Import beside those of Format.Unmarshal.
var (
	ErrTooLong = fmt.Errorf("longer than %d MiB", MaxInput>>20)
	ErrNoCase  = fmt.Errorf("not an input of %s: those of other targets are no cases", NativeName(CaseTarget))
)

// Import turns inputs of CaseTarget into case files.
type Import struct {
	Format Format
}

// ImportStats counts what an import did.
type ImportStats struct {
	Inputs  int // read
	Short   int // of them without a whole frame (ErrFrame), left out
	Written int // case files: inputs of the same case make one
}

// InputError is an error of one file.
type InputError struct {
	File string
	Err  error
}

func (e *InputError) Error() string { return e.File + ": " + e.Err.Error() }

// Unwrap is the error without the file.
func (e *InputError) Unwrap() error { return e.Err }

// Run writes "FORMAT-HASH.sgcase" into the directory out, which is made if it
// is not there, for every input in paths: files, directories with files, for
// LibFuzzer also zip archives with files. Files that go-fuzz leaves beside its
// crashers (.output, .quoted) are passed over in directories. Errors that the
// inputs cause are *InputError.
func (im Import) Run(out string, paths ...string) (ImportStats, error) {
	r := reader{Import: im, seen: map[string]bool{}}
	for _, p := range paths {
		if err := r.path(p); err != nil {
			if _, ok := errors.AsType[*InputError](err); !ok {
				err = &InputError{p, err}
			}
			return ImportStats{}, err
		}
	}
	if len(r.cases) == 0 {
		return r.stats, nil
	}
	r.stats.Written = len(r.cases)
	return r.stats, writeAll(out, r.cases)
}

type reader struct {
	Import
	stats ImportStats
	seen  map[string]bool // names in cases
	cases []file
}

func (r *reader) path(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return filepath.WalkDir(name, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || r.beside(name) {
				return err
			}
			return r.file(name)
		})
	}
	return r.file(name)
}

// beside says whether a file tells about another one.
func (r *reader) beside(name string) bool {
	return r.Format == GoFuzz && slices.Contains([]string{".output", ".quoted"}, filepath.Ext(name))
}

func (r *reader) file(name string) error {
	if r.Format == LibFuzzer && filepath.Ext(name) == ".zip" {
		return r.archive(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return r.input(name, f)
}

func (r *reader) archive(name string) (err error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return &InputError{name, err}
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	for _, entry := range z.File {
		if entry.FileInfo().IsDir() {
			continue
		}
		inside := name + ":" + entry.Name
		f, err := entry.Open()
		if err != nil {
			return &InputError{inside, err}
		}
		if err := errors.Join(r.input(inside, f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// input adds the case of one file.
func (r *reader) input(name string, f io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(f, MaxInput+1))
	if err == nil && len(raw) > MaxInput {
		err = ErrTooLong
	}
	if err == nil && r.Format == Go && foreign(name) {
		err = ErrNoCase
	}
	var data []byte
	if err == nil {
		data, err = r.Format.Unmarshal(raw)
	}
	r.stats.Inputs++
	if errors.Is(err, ErrFrame) {
		r.stats.Short++
		return nil
	}
	if err != nil {
		return &InputError{name, err}
	}
	r.add(name, data)
	return nil
}

// foreign says whether a file stands in the directory of another native target.
func foreign(name string) bool {
	dir := filepath.Base(filepath.Dir(name))
	return strings.HasPrefix(dir, "Fuzz") && dir != NativeName(CaseTarget)
}

func (r *reader) add(name string, data []byte) {
	c := fuzz.InputCase(data)
	to := fmt.Sprintf("%v-%s%s", r.Format, corpus.Hash(c), corpus.Ext)
	if r.seen[to] {
		return
	}
	r.seen[to] = true
	text := fmt.Sprintf("# input %s of %v, target %s, %d bytes", path.Base(filepath.ToSlash(name)), r.Format, CaseTarget, len(data))
	c.Comments = []corpus.Comment{{Text: text}}
	r.cases = append(r.cases, file{to, corpus.AppendCase(nil, c)})
}
