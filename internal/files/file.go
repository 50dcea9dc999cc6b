// Package files writes files so that a reader sees the former content or the
// new one, and a kill or a full disk leaves nothing half done: File is one file,
// Together any number of them in one directory.
package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// File is a file that appears whole or not at all: it is written beside its
// place and renamed by Commit. Devices and pipes are written as they are.
type File struct {
	*os.File
	path string // where Commit renames to, "" for a device
}

// Create opens a file for writing; what is there stays until Commit. A link is
// followed, and a file that is replaced passes its rights on. Errors name the
// path.
func Create(path string) (*File, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{File: f}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	mode := fs.FileMode(0o666)
	if info != nil {
		mode = info.Mode().Perm()
	}
	f, err := createBeside(path, mode)
	if err != nil {
		return nil, err
	}
	return &File{f, path}, nil
}

// createBeside makes a new file in the target's directory with the rights a
// new file gets, which os.CreateTemp does not give.
func createBeside(path string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(path)
	for try := 0; ; try++ {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%d-%d.tmp", base, os.Getpid(), try))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) || try == 1000 {
			return f, err
		}
	}
}

// Commit forces the bytes to the disk and brings the file into its place. On
// an error what was there before is left. File is not to be used afterwards.
func (f *File) Commit() error {
	if f.path == "" {
		return f.Close()
	}
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return failed(f.path, err)
	}
	return syncDir(filepath.Dir(f.path))
}

// Abandon leaves what was there before.
func (f *File) Abandon() {
	f.Close()
	if f.path != "" {
		os.Remove(f.Name())
	}
}

// syncDir makes a rename last. Systems that cannot sync a directory are left
// to their own ways: the file is whole in any case.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	d.Sync()
	return d.Close()
}

// Write makes a file of what fill writes, by Create and Commit.
func Write(path string, fill func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = fill(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		f.Abandon()
		return failed(path, err)
	}
	return f.Commit()
}

// failed names the file that was meant, in place of the one that stood in for
// it.
func failed(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}

// WriteBytes is Write for bytes that are there.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
