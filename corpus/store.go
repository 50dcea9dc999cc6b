package corpus

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/exp/mmap"

	"github.com/sgfuzz/sgfuzz/internal/files"
)

// Ext is the ending of a case file's name.
const Ext = ".sgcase"

// mmapFrom is the file size in bytes from which a file is mapped instead of
// read.
const mmapFrom = 1 << 20

// Load reads one case file. The case is named after the file, without
// directory and ending. Errors are *ParseError, or wrap those of the system.
func Load(file string) (*Case, error) {
	r, err := openLarge(file)
	if err != nil {
		return nil, err
	}
	c, err := Read(r, file)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	c.Name = strings.TrimSuffix(filepath.Base(file), Ext)
	return c, nil
}

// openLarge opens a case file or a log; a large one is mapped instead of read.
func openLarge(file string) (io.ReadCloser, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err == nil && info.IsDir():
		err = &fs.PathError{Op: "read", Path: file, Err: errors.New("is a directory")}
	case err == nil && info.Mode().IsRegular() && info.Size() >= mmapFrom:
		return openMapped(f, file)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openMapped replaces an open file by a mapping of it.
func openMapped(f *os.File, file string) (io.ReadCloser, error) {
	f.Close()
	m, err := mmap.Open(file)
	if err != nil {
		return nil, err
	}
	return mapped{io.NewSectionReader(m, 0, int64(m.Len())), m}, nil
}

type mapped struct {
	io.Reader
	io.Closer
}

// LoadDir reads every case file below dir, in the order of their paths, and
// names each after its path below dir, with slashes and without ending. What
// could be read is returned even with an error, which joins those of all the
// files.
func LoadDir(dir string) ([]*Case, error) {
	var cases []*Case
	err := Walk(dir, func(file string, c *Case) { cases = append(cases, c) })
	return cases, err
}

// LoadAll reads case files, files with several cases and, as LoadDir does,
// directories. Cases and errors of all paths are joined.
func LoadAll(paths ...string) ([]*Case, error) {
	var all []*Case
	var errs []error
	for _, p := range paths {
		cases, err := loadPath(p)
		all = append(all, cases...)
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

func loadPath(p string) ([]*Case, error) {
	info, err := os.Stat(p)
	if err == nil && info.IsDir() {
		return LoadDir(p)
	}
	if several, err := IsSeries(p); err != nil || several {
		cases, _, err := LoadSeries(p)
		return cases, err
	}
	c, err := Load(p)
	if err != nil {
		return nil, err
	}
	return []*Case{c}, nil
}

// Walk calls fn with every case file below dir as LoadDir reads them, one at a
// time, so that only one need be in memory. Errors do not stop it: they are
// joined.
func Walk(dir string, fn func(file string, c *Case)) error {
	return walk(os.DirFS(dir), func(name string) error {
		file := filepath.Join(dir, filepath.FromSlash(name))
		c, err := Load(file)
		if err != nil {
			return err
		}
		c.Name = strings.TrimSuffix(name, Ext)
		fn(file, c)
		return nil
	})
}

// LoadFS is LoadDir for a file system.
func LoadFS(fsys fs.FS) ([]*Case, error) {
	var cases []*Case
	err := walk(fsys, func(name string) error {
		c, err := loadFS(fsys, name)
		if err == nil {
			cases = append(cases, c)
		}
		return err
	})
	return cases, err
}

func loadFS(fsys fs.FS, name string) (*Case, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := Read(f, name)
	if err != nil {
		return nil, err
	}
	c.Name = strings.TrimSuffix(name, Ext)
	return c, nil
}

// walk visits the case files of a file system in lexical order and joins the
// errors.
func walk(fsys fs.FS, visit func(name string) error) error {
	var errs []error
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) == Ext && !d.IsDir() {
			if err := visit(name); err != nil {
				errs = append(errs, err)
			}
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

// Save writes the canonical text of a case to a file, whole or not at all: a
// reader sees the former file or the new one, and an error leaves the former
// one and nothing else. Names that Parse would refuse are refused (ErrName).
func Save(file string, c *Case) error {
	if err := errors.Join(c.validateNames()...); err != nil {
		return fmt.Errorf("save %s: %w", file, err)
	}
	return files.WriteBytes(file, AppendCase(nil, c))
}

// SaveUnique saves a case in dir under a name made of prefix and Hash, so that
// a finding met twice makes one file. It returns the path.
func SaveUnique(dir, prefix string, c *Case) (string, error) {
	file := filepath.Join(dir, prefix+"-"+Hash(c)+Ext)
	return file, Save(file, c)
}

// Hash is 12 hexadecimal digits that depend on what the case tests: its values
// without name, comments and wants.
func Hash(c *Case) string {
	bare := *c
	bare.Comments, bare.Wants = nil, nil
	sum := sha256.Sum256(AppendCase(nil, &bare))
	return hex.EncodeToString(sum[:6])
}
