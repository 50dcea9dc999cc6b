//go:build linux && (amd64 || arm64) && cgo

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/vhca"
)

// settings are the run's, trace its open trace.
var (
	settings vhca.Settings
	trace    *bufio.Writer
)

// open makes the process's adapter as the environment says.
func open() (*vhca.Engine, error) {
	settings = vhca.Settings{Profile: "default"}
	if s := os.Getenv(vhca.SettingsEnv); s != "" {
		if err := json.Unmarshal([]byte(s), &settings); err != nil {
			return nil, fmt.Errorf("%s: %w", vhca.SettingsEnv, err)
		}
	}
	profile, ok := mlx5model.ProfileByName(settings.Profile)
	if !ok {
		return nil, fmt.Errorf("no profile %q", settings.Profile)
	}
	mem := vhca.NewProcess()
	mem.Unchecked = settings.Fast
	if !mem.Unchecked && !mem.Possible() {
		fmt.Fprintln(os.Stderr, "vhca: this system does not allow process_vm_readv; memory accesses are not checked")
		mem.Unchecked = true
	}
	c := vhca.Config{Profile: profile, Memory: mem, Post: post, Strict: settings.Strict, Stop: stop}
	var err error
	if c.Faults, err = vhca.ParseFaults(settings.Faults); err != nil {
		return nil, err
	}
	if err := openTrace(&c); err != nil {
		return nil, err
	}
	if settings.Record != "" {
		if c.Record, err = recorder(settings.Record); err != nil {
			return nil, err
		}
	}
	if settings.Group != "" {
		if c.Remote, c.Slot, err = vhca.Join(settings.Group); err != nil {
			return nil, err
		}
	}
	return vhca.New(c)
}

func openTrace(c *vhca.Config) error {
	switch settings.Trace {
	case "":
		return nil
	case "-":
		trace = bufio.NewWriter(os.Stderr)
	default:
		f, err := os.OpenFile(settings.Trace, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		trace = bufio.NewWriter(&untilFull{to: f})
	}
	c.Trace = trace
	return nil
}

// untilFull writes until that fails, of which it tells once; the program goes on.
type untilFull struct {
	to    io.Writer
	ended bool
}

func (w *untilFull) Write(b []byte) (int, error) {
	if !w.ended {
		_, err := w.to.Write(b)
		w.ended = complain("the trace ends here", err)
	}
	return len(b), nil
}

// post writes an event record; the pipe's end does not block.
func post(fd int32, record []byte) {
	if _, err := unix.Write(int(fd), record); err != nil {
		fmt.Fprintf(os.Stderr, "vhca: an event is lost: %v\n", err)
	}
}

// recorder writes cases into a directory, each a file, or into one file, until
// that fails, of which it tells once.
func recorder(path string) (*vhca.Recorder, error) {
	put := func(c *corpus.Case) error { return corpus.Save(filepath.Join(path, c.Name+corpus.Ext), c) }
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		f, err := vhca.OpenCaseFile(path)
		if err != nil {
			return nil, err
		}
		put = f.Put
	}
	ended := false
	return &vhca.Recorder{Put: func(c *corpus.Case) {
		if !ended {
			c.Name = fmt.Sprintf("%d-%s", os.Getpid(), c.Name)
			ended = complain("the recording ends here", put(c))
		}
	}}, nil
}

// complain tells of an error, if there is one, and reports whether it did.
func complain(what string, err error) bool {
	if err != nil {
		fmt.Fprintf(os.Stderr, "vhca: %s: %v\n", what, err)
	}
	return err != nil
}

// stop ends the program at a WQE that a strict adapter does not take.
func stop(why string) {
	fmt.Fprint(os.Stderr, why)
	finish()
	os.Exit(vhca.ExitStrict)
}

// finish is the end of the process.
func finish() {
	if trace != nil {
		_ = trace.Flush()
	}
	if settings.Stats && engine != nil {
		engine.Stats(os.Stderr)
	}
}
