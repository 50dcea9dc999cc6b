//go:build linux && (amd64 || arm64)

package vhca

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// CaseFile adds cases to one file that all processes of a run share (see
// package corpus, "Several cases in one file"). Each case is written at once,
// under a lock that the kernel takes back from a process that dies: a process
// that is killed leaves at most a piece behind the last whole case, which the
// next one to write cuts off and a reader passes over. Nothing is forced to the
// disk: what counts is that the program may die, not the machine.
type CaseFile struct {
	f    *os.File
	size int64 // of the file, as this process left it
	buf  []byte
}

// OpenCaseFile opens a file for more cases and makes it if it is not there. One
// that holds something else is refused.
func OpenCaseFile(name string) (*CaseFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(corpus.SeriesHead()))
	n, err := f.ReadAt(head, 0)
	if err == nil || err == io.EOF {
		err = nil
		if !strings.HasPrefix(corpus.SeriesHead(), string(head[:n])) {
			err = fmt.Errorf("%s: %w", name, errNoSeries)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &CaseFile{f: f, size: -1}, nil
}

var errNoSeries = errors.New("holds something else than recorded cases")

// Close closes the file.
func (c *CaseFile) Close() error { return c.f.Close() }

// Put adds a case.
func (c *CaseFile) Put(k *corpus.Case) error {
	// A lock of the process, not of the open file: children share that.
	whole := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(c.f.Fd(), unix.F_SETLKW, &whole); err != nil {
		return fmt.Errorf("locking %s: %w", c.f.Name(), err)
	}
	defer func() {
		whole.Type = unix.F_UNLCK
		_ = unix.FcntlFlock(c.f.Fd(), unix.F_SETLK, &whole)
	}()
	if err := c.mend(); err != nil {
		return err
	}
	c.buf = c.buf[:0]
	if c.size == 0 {
		c.buf = append(c.buf, corpus.SeriesHead()...)
	}
	c.buf = corpus.AppendBlock(c.buf, k)
	if _, err := c.f.WriteAt(c.buf, c.size); err != nil {
		_ = c.f.Truncate(c.size)
		return err
	}
	c.size += int64(len(c.buf))
	return nil
}

// mend finds where the next case goes, and cuts off what a process left there
// that died as it wrote.
func (c *CaseFile) mend() error {
	info, err := c.f.Stat()
	if err != nil || info.Size() == c.size {
		return err
	}
	if c.ended(info.Size()) {
		c.size = info.Size()
		return nil
	}
	data := make([]byte, info.Size())
	if _, err := c.f.ReadAt(data, 0); err != nil && err != io.EOF {
		return err
	}
	c.size = int64(corpus.WholeSeries(data))
	return c.f.Truncate(c.size)
}

// ended reports whether the file ends with a whole case: what is there is not
// read again for every case of another process.
func (c *CaseFile) ended(size int64) bool {
	tail := make([]byte, min(size, 64))
	_, err := c.f.ReadAt(tail, size-int64(len(tail)))
	return err == nil && corpus.WholeSeries(tail) == len(tail) && len(tail) > len(corpus.SeriesHead())
}
