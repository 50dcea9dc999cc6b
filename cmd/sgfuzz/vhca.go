package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/vhca"
	"github.com/sgfuzz/sgfuzz/vhca/launch"
)

// vhcaCmd runs a program with a virtual adapter.
type vhcaCmd struct {
	common
	Lib     string   `placeholder:"DIR" help:"Take the adapter's two libraries from DIR; normally they are built once, with cc and Go."`
	Profile string   `placeholder:"NAME" default:"default" help:"Device profile of the adapter."`
	Trace   string   `placeholder:"FILE" help:"Decode every WQE as it executes, with what an oracle says of it, into FILE; - is standard error."`
	Strict  bool     `help:"Stop the program at a WQE that no sound producer writes, or that lacks a fence, and where the adapter itself is wrong, and say why; exit status 86."`
	Fast    bool     `help:"Copy memory unchecked: faster, and a bad address may crash the program."`
	Faults  string   `placeholder:"SPEC" help:"Inject faults: error=P, syndrome=S, delay=P, usec=N, lost=P, padding=P, reorder=P, seed=N, separated by commas; P is a probability."`
	Record  string   `placeholder:"FILE" help:"Write the lists of work requests, with rights and direction, into FILE as cases, for replay; into a directory, or a name that ends in /, as case files."`
	Stats   bool     `help:"Print what the adapter did when the program ends."`
	Program []string `arg:"" passthrough:"" name:"program" help:"The program and its arguments, after --."`
}

// run becomes the program: exit status and signals are its own.
func (v *vhcaCmd) run(a *app) (any, error) {
	argv := v.Program
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return nil, badInputf("vhca: which program?")
	}
	s, err := v.settings()
	if err != nil {
		return nil, badInput(err)
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, badInput(err)
	}
	lib, err := v.library(a)
	if err != nil {
		return nil, err
	}
	env, err := launch.Environment(lib, s)
	if err != nil {
		return nil, err
	}
	if err := a.stdout.Flush(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w", path, syscall.Exec(path, argv, env))
}

func (v *vhcaCmd) settings() (vhca.Settings, error) {
	s := vhca.Settings{Profile: v.Profile, Fast: v.Fast, Trace: v.Trace, Strict: v.Strict, Faults: v.Faults, Record: v.Record,
		Stats: v.Stats, Group: strconv.Itoa(os.Getpid())}
	if err := knownIn("profile", v.Profile); err != nil {
		return s, err
	}
	if _, err := vhca.ParseFaults(v.Faults); err != nil {
		return s, fmt.Errorf("--faults: %w", err)
	}
	var err error
	if v.Record != "" {
		s.Record, err = recordPath(v.Record)
	}
	if err == nil && v.Trace != "" && v.Trace != "-" {
		if s.Trace, err = filepath.Abs(v.Trace); err == nil {
			err = os.WriteFile(s.Trace, nil, 0o644)
		}
	}
	return s, err
}

// recordPath prepares where a run is recorded: a directory, or a file that
// holds nothing yet. A record of an earlier run is replaced, no other file is.
func recordPath(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return path, nil
	case strings.HasSuffix(name, "/"):
		return path, os.MkdirAll(path, 0o755)
	case err == nil && info.Size() > 0:
		if several, err := corpus.IsSeries(path); err != nil || !several {
			return "", cmp.Or(err, fmt.Errorf("--record: %s is there and is no record", name))
		}
	}
	return path, files.WriteBytes(path, []byte(corpus.SeriesHead()))
}

func (v *vhcaCmd) library(a *app) (launch.Library, error) {
	if v.Lib != "" {
		lib, err := launch.Find(v.Lib)
		return lib, badInput(err)
	}
	lib, err := launch.Build(a.ctx)
	if errors.Is(err, launch.ErrMissing) {
		err = badInput(err)
	}
	return lib, err
}
