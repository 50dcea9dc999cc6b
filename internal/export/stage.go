package export

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// batch is a number of files that come into one directory together. They are
// written to a directory inside it.
type batch struct {
	out, temp string
	names     []string
	bytes     int64
}

// together lets write fill a batch for the directory out, which is made if it
// is not there, and moves the files into place. On an error none is there; one
// that a later move fails after is taken back, unless it replaced a file.
func together(out string, write func(*batch) (Stats, error)) (stats Stats, err error) {
	made := os.Mkdir(out, 0o777) == nil // any other error shows at the next step
	temp, err := os.MkdirTemp(out, ".sgfuzz-*")
	if err != nil {
		if made {
			os.Remove(out)
		}
		return Stats{}, err
	}
	b := &batch{out: out, temp: temp}
	stats, err = write(b)
	if err == nil {
		err = b.publish()
	}
	err = errors.Join(err, os.RemoveAll(temp))
	stats.Files, stats.Bytes = len(b.names), b.bytes
	if err != nil {
		if made {
			os.Remove(out)
		}
		return Stats{}, err
	}
	return stats, nil
}

// create opens a file of the batch. Bytes count as they are written to it.
func (b *batch) create(name string) (io.WriteCloser, error) {
	f, err := os.Create(filepath.Join(b.temp, name))
	if err != nil {
		return nil, err
	}
	b.names = append(b.names, name)
	return &stagedFile{Writer: bufio.NewWriterSize(f, 1<<16), f: f, b: b}, nil
}

// write is create, the whole content, and Close.
func (b *batch) write(name string, data []byte) error {
	f, err := b.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// stagedFile is a buffered file of a batch.
type stagedFile struct {
	*bufio.Writer
	f *os.File
	b *batch
}

// Close flushes. An error of an earlier write shows again.
func (s *stagedFile) Close() error {
	err := s.Flush()
	if info, statErr := s.f.Stat(); statErr == nil {
		s.b.bytes += info.Size()
	}
	return errors.Join(err, s.f.Close())
}

func (b *batch) publish() error {
	var added []string
	for _, name := range b.names {
		to := filepath.Join(b.out, name)
		_, statErr := os.Lstat(to)
		if err := os.Rename(filepath.Join(b.temp, name), to); err != nil {
			for _, file := range added {
				os.Remove(file)
			}
			return err
		}
		if errors.Is(statErr, fs.ErrNotExist) {
			added = append(added, to)
		}
	}
	return nil
}
