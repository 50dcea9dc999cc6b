package engines

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// file is a file to be written; its name has slashes.
type file struct {
	name string
	data []byte
}

// writeAll writes files below a directory, which is made if it is not there.
// All are written to a directory inside it before the first comes into its
// place; when a move fails, those already moved are taken back, unless they
// replaced a file.
func writeAll(dir string, files []file) error {
	made, err := makeDir(dir)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(dir, ".sgfuzz-*")
	if err == nil {
		if err = fill(temp, files); err == nil {
			err = publish(temp, dir, files)
		}
		err = errors.Join(err, os.RemoveAll(temp))
	}
	if err != nil && made {
		os.Remove(dir)
	}
	return err
}

// makeDir makes one directory and tells whether it was not there.
func makeDir(dir string) (made bool, err error) {
	err = os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

func staged(dir string, i int) string { return filepath.Join(dir, strconv.Itoa(i)) }

func fill(dir string, files []file) error {
	for i, f := range files {
		if err := os.WriteFile(staged(dir, i), f.data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

func publish(temp, dir string, files []file) error {
	var added []string // files and directories that were not there
	for i, f := range files {
		err := move(staged(temp, i), dir, filepath.FromSlash(f.name), &added)
		if err == nil {
			continue
		}
		for len(added) > 0 {
			os.Remove(added[len(added)-1])
			added = added[:len(added)-1]
		}
		return err
	}
	return nil
}

// move brings a file to name below dir and makes the directories between.
func move(from, dir, name string, added *[]string) error {
	if parent := filepath.Dir(name); parent != "." {
		if err := makeBelow(dir, parent, added); err != nil {
			return err
		}
	}
	to := filepath.Join(dir, name)
	_, statErr := os.Lstat(to)
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if errors.Is(statErr, fs.ErrNotExist) {
		*added = append(*added, to)
	}
	return nil
}

func makeBelow(dir, name string, added *[]string) error {
	if parent := filepath.Dir(name); parent != "." {
		if err := makeBelow(dir, parent, added); err != nil {
			return err
		}
	}
	full := filepath.Join(dir, name)
	made, err := makeDir(full)
	if made {
		*added = append(*added, full)
	}
	return err
}
