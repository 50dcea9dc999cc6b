//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// intoClosed runs the program with its standard output into a pipe that nobody
// reads.
func intoClosed(t *testing.T, stdin string, args ...string) (state *os.ProcessState, stderr string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var errs bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), w, &errs
	if _, exited := errors.AsType[*exec.ExitError](cmd.Run()); cmd.ProcessState == nil {
		t.Fatal(exited)
	}
	return cmd.ProcessState, errs.String()
}

// TestClosedPipe holds that a reader that goes away takes nothing but the text:
// every verb has more of that here than a buffer holds.
func TestClosedPipe(t *testing.T) {
	log := strings.Repeat("WQE DUMP: WQ size 1024 WQ cur size 0, WQE index 0x0, len: 64\n"+
		"00000000: 00 00 00 00 00 12 34 01 00 00 00 08 00 00 00 00\n", 200)
	long := strings.Repeat("sg 0x9123+5\n", 400)
	for _, x := range []struct {
		name, stdin string
		args        []string // a word with the ending .out is a file
		code        int
	}{
		{"explain", long, []string{"explain", "--svg=a.out", "--html=b.out", "--json=c.out", "-"}, exitFine},
		{"explain a mutant", "", []string{"explain", "--mutant=klm-neighbours-swapped", "--json=a.out"}, exitFindings},
		{"decode", log, []string{"decode", "--html=a.out", "--json=b.out", "-"}, exitFine},
		{"compare", "", []string{"compare", "--ios=100", "--html=a.out", "--json=b.out", "captures", "features"}, exitFine},
		{"replay", "", []string{"replay", "-v", "--strategy=indirect", "--json=a.out", "features"}, exitFine},
		{"corpus list", "", []string{"corpus", "list", "--json=a.out"}, exitFine},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			var files []string
			for i, arg := range x.args {
				if flag, file, ok := strings.Cut(arg, "="); ok && strings.HasSuffix(file, ".out") {
					files = append(files, filepath.Join(dir, file))
					x.args[i] = flag + "=" + files[len(files)-1]
				}
			}
			state, stderr := intoClosed(t, x.stdin, x.args...)
			if state.ExitCode() != x.code || strings.Contains(stderr, "pipe") {
				t.Errorf("%v, want exit status %d\n%s", state, x.code, stderr)
			}
			for _, file := range files {
				if info, err := os.Stat(file); err != nil || info.Size() == 0 {
					t.Errorf("%s is not there (%v)", file, err)
				}
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != len(files) {
				t.Errorf("%v in the directory, %v", left, err)
			}
		})
	}
}

// TestClosedPipeEnds holds that a verb that only prints ends at once.
func TestClosedPipeEnds(t *testing.T) {
	state, stderr := intoClosed(t, "", "replay", "-v", "--strategy=indirect", "features")
	if s, ok := state.Sys().(syscall.WaitStatus); !ok || !s.Signaled() || s.Signal() != syscall.SIGPIPE {
		t.Errorf("%v, want the signal\n%s", state, stderr)
	}
}
