//go:build unix

package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
)

// runChild runs the test binary as a child of a mode, and demands that no
// process and no goroutine is left.
func runChild(t *testing.T, mode string, c Config) (*Summary, error) {
	t.Helper()
	pids := filepath.Join(t.TempDir(), "pids")
	t.Setenv(childMode, mode)
	t.Setenv(pidFile, pids)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else a child under the race detector takes a second to end
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.Command = []string{self}
	if c.Cases == 0 {
		c.Cases = 300
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := Run(ctx, c)
	if ctx.Err() != nil {
		t.Fatalf("%s: hung: %+v", mode, s)
	}
	noneLeft(t, pids)
	for i := 0; runtime.NumGoroutine() > before && i < 200; i++ {
		time.Sleep(5 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	return s, err
}

// noneLeft demands that the children and what they started are gone.
func noneLeft(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("no child was started: %v", err)
	}
	for _, word := range strings.Fields(string(b)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		if !gone(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
}

// gone waits for a process to vanish; a zombie whose parent is elsewhere counts.
func gone(pid int) bool {
	for range 400 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return true
		}
		if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(b), ") Z ") {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

func TestGoodChild(t *testing.T) {
	for _, mode := range []string{"good", "bounces", "stderr flood", "linux", "libmlx5", "ofed"} {
		t.Run(mode, func(t *testing.T) {
			s, err := runChild(t, mode, Config{Cases: 1500, Seed: 7})
			if err != nil || s.Failed() || s.Restarts != 0 || s.Interrupted {
				t.Fatalf("%v: %+v", err, s)
			}
			if flood := mode == "stderr flood"; flood != (s.Stderr != "") || flood && !strings.HasSuffix(s.Stderr, "x 1500") && !strings.HasSuffix(s.Stderr, "x 4500") || len(s.Stderr) > 2*stderrKept {
				t.Errorf("last words %q", s.Stderr)
			}
			if s.Child != "test child" || len(s.Ops) != 3 {
				t.Errorf("%q, %d operations", s.Child, len(s.Ops))
			}
			for _, o := range s.Ops {
				if o.Cases != 1500 || o.Passed+o.Rejected != o.Cases || o.Failed != 0 {
					t.Errorf("%+v", o)
				}
				for _, c := range o.Checks {
					if c.Ran == 0 || c.Failed != 0 {
						t.Errorf("%s %+v", o.Op, c)
					}
				}
			}
			if r := s.Ops[2]; r.Rejected == 0 || r.Rejected*2 > r.Cases {
				t.Errorf("%d of %d rejected", r.Rejected, r.Cases)
			}
		})
	}
}

// TestBadChildren demands of each broken child exactly its finding.
func TestBadChildren(t *testing.T) {
	quick := 200 * time.Millisecond
	for _, c := range []struct {
		mode, key, text string
		timeout         time.Duration
		entries         int // of the shrunk case; -1 for no case
	}{
		{"silent at hello", "hello/silent", "no reply within", quick, -1},
		{"garbage at hello", "hello/line", "not JSON", 0, -1},
		{"crash at hello", "hello/exit", "exit status 4", 0, -1},
		{"too early", "hello/extra", "no request", 0, -1},
		{"endless lines", "hello/extra", "no request", 0, -1},
		{"silent", "sg_to_klms/silent", "no reply within", quick, 0},
		{"hangs on odd", "sg_to_klms/silent", "no reply within", quick, 1},
		{"slow on odd", "sg_to_klms/silent", "no reply within", quick, 1},
		{"half a line", "sg_to_klms/silent", "no reply within", quick, 1},
		{"half a line, exit", "sg_to_klms/exit", "exit status 0, 6 bytes of an unfinished line", 0, 1},
		{"crashes on odd", "sg_to_klms/exit", "exit status 139", 0, 1},
		{"exit 0 early", "sg_to_klms/exit", "exit status 0", 0, -2},
		{"exits once", "sg_to_klms/exit", "one by one", 0, -2},
		{"closes output", "sg_to_klms/exit", "closed its output", quick, -2},
		{"garbage on odd", "sg_to_klms/line", "not JSON", 0, 1},
		{"wrong ids", "sg_to_klms/id", "answers request", 0, 1},
		{"endless line", "sg_to_klms/long", "16 MiB", 0, 1},
		{"huge number", "sg_to_klms/line", "ok.iova: byte", 0, 1},
		{"extra field", "sg_to_klms/line", "time: byte", 0, 1},
		{"rejects", "sg_to_klms/reject", "EIO", 0, 1},
		{"stays", "sg_to_klms/end-silent", "still there", quick, -1},
		{"fails at the end", "sg_to_klms/end-exit", "exit status 7", 0, -1},
	} {
		t.Run(c.mode, func(t *testing.T) {
			steps := 300
			if testing.Short() { // as under the race detector, where a child starts slowly
				steps = 100
			}
			if c.mode == "endless line" { // each is 16 MiB
				steps = 25
			}
			start := 20 * time.Second // a busy machine starts programs late
			if c.key == "hello/silent" {
				start = c.timeout
			}
			s, err := runChild(t, c.mode, Config{Ops: []conform.Op{conform.OpSGToKLMs}, Cases: 100, Seed: 3, Timeout: c.timeout, Start: start, Shrink: steps, Keep: 1})
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Classes) != 1 || s.Classes[c.key] == 0 || len(s.Findings) == 0 {
				t.Fatalf("classes %v, %d findings, want %s", s.Classes, len(s.Findings), c.key)
			}
			f := s.Findings[0]
			if f.Class != ClassProtocol || f.Key() != c.key || !strings.Contains(f.Text, c.text) {
				t.Errorf("%+v", f)
			}
			switch {
			case c.entries == -1 && f.Case != nil, c.entries != -1 && (f.Case == nil || len(f.Request) == 0):
				t.Errorf("case %+v, request %s", f.Case, f.Request)
			case c.entries >= 0 && len(f.Case.List) != c.entries:
				t.Errorf("%d entries, want %d: %s", len(f.Case.List), c.entries, corpus.Format(f.Case))
			}
			if (c.mode == "crashes on odd" || c.mode == "fails at the end") && f.Stderr == "" {
				t.Error("no last words")
			}
		})
	}
}

// TestRunGoesOn demands that everything else is judged in spite of crashes.
func TestRunGoesOn(t *testing.T) {
	s, err := runChild(t, "crashes on odd", Config{Cases: 200, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range s.Ops {
		if o.Cases != 200 || o.GivenUp != "" || o.Failed+o.Passed+o.Rejected != 200 {
			t.Errorf("%+v", o)
		}
	}
	if s.Ops[0].Failed == 0 || s.Ops[0].Passed == 0 || s.Ops[2].Failed != 0 || s.Restarts == 0 {
		t.Errorf("%d restarts, %+v", s.Restarts, s.Ops)
	}
}

func TestGivenUp(t *testing.T) {
	s, err := runChild(t, "silent", Config{Cases: 200, Seed: 5, Timeout: 100 * time.Millisecond, Start: 20 * time.Second, Ops: []conform.Op{conform.OpSGToPages}})
	if err != nil || !strings.Contains(s.Ops[0].GivenUp, "given up after 8 breaks") || s.Ops[0].Cases >= 200 {
		t.Errorf("%v, %+v", err, s.Ops)
	}
}

// TestUsageErrors are children that cannot be tested.
func TestUsageErrors(t *testing.T) {
	for mode, want := range map[string]error{"other version": ErrVersion, "no operations": ErrNoOps, "rejects hello": ErrUsage} {
		if s, err := runChild(t, mode, Config{}); !errors.Is(err, want) || !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v, %+v", mode, err, s)
		}
	}
	for _, c := range []Config{{}, {Command: []string{"/no/such/program"}}, {Command: []string{os.TempDir()}}, {Command: []string{"/bin/cat"}, Batch: -1}} {
		if _, err := Run(context.Background(), c); !errors.Is(err, ErrUsage) && !errors.Is(err, ErrStart) {
			t.Errorf("%v: %v", c.Command, err)
		}
	}
	if _, err := runChild(t, "good", Config{Ops: []conform.Op{conform.OpWQE}}); !errors.Is(err, ErrNoOps) {
		t.Error(err)
	}
}

// TestGrandchild ends what the child started and left behind.
func TestGrandchild(t *testing.T) {
	s, err := runChild(t, "starts another", Config{Cases: 20, Timeout: 500 * time.Millisecond, Start: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if s.Failed() || s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
	// an end is an end, whoever else holds the output open
	s, err = runChild(t, "starts another, exits", Config{Cases: 20, Timeout: time.Minute, Ops: []conform.Op{conform.OpSGToKLMs}, Keep: 1})
	if err != nil || len(s.Findings) != 1 || !strings.Contains(s.Findings[0].Text, "exit status 6") {
		t.Errorf("%v: %+v", err, s)
	}
}

func TestInterrupted(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	t.Setenv(childMode, "slow on odd")
	t.Setenv(pidFile, pids)
	self, _ := os.Executable()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	began := time.Now()
	s, err := Run(ctx, Config{Command: []string{self}, Cases: 1000, Timeout: time.Minute})
	if err != nil || !s.Interrupted || time.Since(began) > 15*time.Second {
		t.Errorf("%v after %v: %+v", err, time.Since(began), s)
	}
	noneLeft(t, pids)
}

// TestPlanted demands of each planted bug the check that is for it, and a small
// case.
func TestPlanted(t *testing.T) {
	for _, c := range []struct {
		mode, key string
		entries   int // at most
	}{
		{"length in 32 bits", "sg_to_klms/length", 2},
		{"leaves out the last", "register/conservation", 2},
		{"grants all", "register/rights", 1},
		{"a byte too long", "register/conservation", 1},
		{"writes outside", "register/confinement", 53},
		{"copies elsewhere", "register/confinement", 1},
		{"rejects lists of two", "register/limits", 2},
	} {
		t.Run(c.mode, func(t *testing.T) {
			s, err := runChild(t, c.mode, Config{Cases: 2000, Seed: 11, Out: t.TempDir(), Keep: 1})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range s.Findings {
				if f.Key() != c.key {
					continue
				}
				if len(f.Case.List) > c.entries || !f.Shrunk {
					t.Errorf("%d entries, shrunk %v:\n%s\n%s", len(f.Case.List), f.Shrunk, f.Text, corpus.Format(f.Case))
				}
				saved(t, &f)
				return
			}
			t.Errorf("classes %v, want %s", s.Classes, c.key)
		})
	}
}

// saved demands that a finding's files are there and stand for it.
func saved(t *testing.T, f *Finding) {
	t.Helper()
	c, err := corpus.Load(f.Path)
	if err != nil || corpus.Hash(c) != corpus.Hash(f.Case) {
		t.Fatalf("%v, %+v", err, c)
	}
	base := strings.TrimSuffix(f.Path, corpus.Ext)
	for ext, want := range map[string][]byte{".request": f.Request, ".reply": f.Reply} {
		if b, err := os.ReadFile(base + ext); err != nil || string(b) != string(want)+"\n" {
			t.Errorf("%s: %q, %v", ext, b, err)
		}
	}
	var p conform.Parser
	var q conform.Request
	if err := p.ParseRequest(f.Request, &q); err != nil || q.Op != f.Op {
		t.Errorf("%s: %v", f.Request, err)
	}
}

// TestFindingsReplay runs a saved finding through the child again.
func TestFindingsReplay(t *testing.T) {
	dir := t.TempDir()
	s, err := runChild(t, "grants all", Config{Cases: 300, Seed: 1, Out: dir, Keep: 1, Ops: []conform.Op{conform.OpRegister}})
	if err != nil || len(s.Findings) == 0 {
		t.Fatalf("%v, %+v", err, s)
	}
	cases, err := corpus.LoadAll(s.Findings[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := runChild(t, "grants all", Config{Cases: 1, Corpus: cases, Ops: []conform.Op{conform.OpRegister}})
	if err != nil || again.Classes[s.Findings[0].Key()] != 1 || again.Ops[0].Cases != 1 {
		t.Errorf("%v, %+v", err, again)
	}
	if good, err := runChild(t, "good", Config{Cases: 1, Corpus: cases, Ops: []conform.Op{conform.OpRegister}}); err != nil || good.Failed() {
		t.Errorf("%v, %+v", err, good)
	}
}

// TestSeedRepeats demands that figures and findings depend on the seed only.
func TestSeedRepeats(t *testing.T) {
	var first string
	for i, batch := range []int{64, 1, 7} {
		s, err := runChild(t, "leaves out the last", Config{Cases: 400, Seed: 21, Batch: batch, Hex: i == 2})
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, o := range s.Ops {
			for _, c := range o.Checks {
				text += o.Op.String() + " " + c.Name + " " + strconv.FormatUint(c.Ran, 10) + " " + strconv.FormatUint(c.Failed, 10) + "\n"
			}
		}
		for _, f := range s.Findings {
			text += corpus.Format(f.Case)
		}
		if i == 0 {
			first = text
		} else if text != first {
			t.Errorf("batch %d:\n%s\nfirst:\n%s", batch, text, first)
		}
	}
}

// TestRecorded asks for the work requests of recorded vectors.
func TestRecorded(t *testing.T) {
	for file, n := range map[string]uint64{"kernel-regmr": 561, "kernel-integrity": 3, "libmlx5-mrlist": 395, "spdk-umr": 406} {
		path := "../../internal/vectors/testdata/" + file + ".jsonl.gz"
		t.Setenv(vectorFile, path)
		t.Setenv(offered, "wqe")
		s, err := runChild(t, "good", Config{Vectors: []string{path}, Cases: 10000})
		if err != nil || s.Failed() || s.Ops[0].Passed != n {
			t.Errorf("%s: %v, %+v", file, err, s)
		}
		s, err = runChild(t, "signs", Config{Vectors: []string{path}, Cases: 10, Out: t.TempDir(), Keep: 1})
		if err != nil || s.Classes["wqe/wqes"] == 0 {
			t.Fatalf("%s: %v, %+v", file, err, s)
		}
		f := s.Findings[0]
		if f.Class != ClassExact || f.Vector == "" || f.Case != nil || !strings.Contains(f.Text, "signature") || !strings.HasSuffix(f.Path, ".request") {
			t.Errorf("%+v", f)
		}
		if b, err := os.ReadFile(f.Path); err != nil || string(b) != string(f.Request)+"\n" {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
}
