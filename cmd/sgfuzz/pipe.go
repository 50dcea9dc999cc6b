package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// A reader of the text may go away before it has seen everything, as head does.
// A verb that only prints then ends by SIGPIPE, like any program. One that has
// files to leave behind goes on without its text: they are why it was called.

// outlivePipe makes SIGPIPE an error of the write.
func outlivePipe() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// readerGone says that an error of writing is a reader's that has seen enough.
func readerGone(err error) bool { return errors.Is(err, syscall.EPIPE) }

// text is where text of a result goes. What cannot be written shows when stdout
// is flushed.
type text struct{ w io.Writer }

func (t text) Write(p []byte) (int, error) {
	_, _ = t.w.Write(p)
	return len(p), nil
}

// leaves says that there is a file to write beside the text.
func (c *common) leaves() bool { return c.JSON.file != "" }

func (v *benchCmd) leaves() bool   { return v.common.leaves() || v.Plot != "" }
func (v *compareCmd) leaves() bool { return v.common.leaves() || v.HTML != "" }
func (v *conformCmd) leaves() bool { return v.common.leaves() || v.JUnit != "" || v.Out != "" }
func (v *decodeCmd) leaves() bool  { return v.common.leaves() || v.HTML != "" }
func (v *explainCmd) leaves() bool { return v.common.leaves() || v.SVG != "" || v.HTML != "" }
func (v *fmtCmd) leaves() bool     { return v.common.leaves() || !v.Check }
func (v *runCmd) leaves() bool     { return v.common.leaves() || v.State != "" || v.Out != "" }

// leaves is true for a verb that prints what it has written.
func (v *corpusMinimizeCmd) leaves() bool { return true }
