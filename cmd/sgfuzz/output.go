package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// sink takes the JSON object of an invocation. A nil sink takes nothing.
type sink struct {
	w    io.Writer
	file *outFile // nil for standard output
}

// openJSON prepares the place for the result before any work is done.
func (a *app) openJSON(f *jsonFlag) (*sink, error) {
	switch {
	case !f.on:
		return nil, nil
	case f.file == "":
		a.out = io.Discard
		return &sink{w: a.stdout}, nil
	}
	file, err := createFile(f.file)
	if err != nil {
		return nil, err
	}
	return &sink{file, file}, nil
}

// put writes the result and closes the sink.
func (s *sink) put(result any) error {
	if s == nil {
		return nil
	}
	enc := json.NewEncoder(s.w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(result)
	if s.file == nil {
		return nil // the flush of stdout tells
	}
	if err != nil {
		s.file.abandon()
		return err
	}
	return s.file.commit()
}

// outFile is a file that appears whole or not at all. Devices and pipes are
// written as they are.
type outFile struct {
	*os.File
	path string // where commit renames to, "" for a device
}

// createFile opens a file for writing. Errors name the path.
func createFile(path string) (*outFile, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &outFile{File: f}, err
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d.tmp", filepath.Base(path), os.Getpid()))
	mode := fs.FileMode(0o666)
	if info != nil {
		mode = info.Mode().Perm()
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return nil, err
	}
	return &outFile{f, path}, nil
}

// commit brings the file into place.
func (f *outFile) commit() error {
	if f.path == "" {
		return f.Close()
	}
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// abandon leaves what was there before.
func (f *outFile) abandon() {
	f.Close()
	if f.path != "" {
		os.Remove(f.Name())
	}
}

// writeFile writes data to a file by createFile and commit.
func writeFile(path string, data []byte) error {
	f, err := createFile(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.abandon()
		return err
	}
	return f.commit()
}

// table prints rows of cells in columns, numbers to the right.
func (a *app) table(fill func(row func(cells ...any))) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fill(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, c)
		}
		fmt.Fprintln(w, "\t")
	})
	w.Flush()
}
