package files

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Batch is a number of files that come into one directory together. They are
// written to a directory inside it, and are not forced to the disk: what makes
// so many files can make them again.
type Batch struct {
	dir, temp string
	names     []string
	bytes     int64
}

// Together lets fill make the files of a batch and moves them into dir, which
// is made if it is not there, its parent excepted. On an error dir is as it
// was; only when a move fails after others may files stay that replaced
// earlier ones.
func Together(dir string, fill func(*Batch) error) error {
	made, err := makeDir(dir)
	if err != nil {
		return err
	}
	b := &Batch{dir: dir}
	if b.temp, err = os.MkdirTemp(dir, ".sgfuzz-*"); err == nil {
		if err = fill(b); err == nil {
			err = b.publish()
		}
		err = errors.Join(err, os.RemoveAll(b.temp))
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

// Files is the number of files in the batch.
func (b *Batch) Files() int { return len(b.names) }

// Bytes is the size of the files that were closed.
func (b *Batch) Bytes() int64 { return b.bytes }

// Create opens a file of the batch. Its name is relative to the batch's
// directory, has slashes, and may name directories below that.
func (b *Batch) Create(name string) (io.WriteCloser, error) {
	path := filepath.Join(b.temp, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	b.names = append(b.names, name)
	return &staged{Writer: bufio.NewWriterSize(f, 1<<16), f: f, b: b}, nil
}

// Write is Create, the whole content, and Close.
func (b *Batch) Write(name string, data []byte) error {
	path := filepath.Join(b.temp, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	b.names = append(b.names, name)
	b.bytes += int64(len(data))
	return os.WriteFile(path, data, 0o666)
}

// staged is a buffered file of a batch.
type staged struct {
	*bufio.Writer
	f *os.File
	b *Batch
}

// Close flushes. An error of an earlier write shows again.
func (s *staged) Close() error {
	err := s.Flush()
	if info, statErr := s.f.Stat(); statErr == nil {
		s.b.bytes += info.Size()
	}
	return errors.Join(err, s.f.Close())
}

// publish moves the files into place. When a move fails those already moved,
// and directories made for them, are taken back.
func (b *Batch) publish() error {
	var added []string // files and directories that were not there
	for _, name := range b.names {
		if err := b.move(filepath.FromSlash(name), &added); err != nil {
			for i := len(added) - 1; i >= 0; i-- {
				os.Remove(added[i])
			}
			return err
		}
	}
	return nil
}

func (b *Batch) move(name string, added *[]string) error {
	if err := b.makeParents(filepath.Dir(name), added); err != nil {
		return err
	}
	to := filepath.Join(b.dir, name)
	_, statErr := os.Lstat(to)
	if err := os.Rename(filepath.Join(b.temp, name), to); err != nil {
		return err
	}
	if errors.Is(statErr, fs.ErrNotExist) {
		*added = append(*added, to)
	}
	return nil
}

// makeParents makes a directory below the batch's and those above it.
func (b *Batch) makeParents(name string, added *[]string) error {
	if name == "." {
		return nil
	}
	if err := b.makeParents(filepath.Dir(name), added); err != nil {
		return err
	}
	full := filepath.Join(b.dir, name)
	made, err := makeDir(full)
	if made {
		*added = append(*added, full)
	}
	return err
}
