package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
)

// buildPlanted makes the program with defects planted in its mapper.
func buildPlanted(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "sgfuzz")
	if runtime.GOOS == "windows" {
		exe += ".exe"
	}
	if out, err := exec.Command("go", "build", "-tags=plantedbug", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exe
}

// caseTexts reads the case files of a directory, by name.
func caseTexts(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, d := range all {
		if filepath.Ext(d.Name()) != corpus.Ext {
			continue // half a file under a name of its own: what Save had in hand
		}
		c, err := corpus.Load(filepath.Join(dir, d.Name()))
		if err != nil {
			t.Fatal(err)
		}
		texts[d.Name()] = corpus.Format(c)
	}
	return texts
}

// classesOf are the failure classes of case files, as file names spell them.
func classesOf(texts map[string]string) map[string]bool {
	classes := map[string]bool{}
	for name := range texts {
		name = strings.TrimPrefix(name, "unshrunk-")
		classes[name[:strings.LastIndexByte(name, '-')]] = true
	}
	return classes
}

// TestKilled kills a campaign at random moments: whenever that is, the state
// can be read and nothing that was found is lost. In the end the findings are
// those of a campaign that was left alone.
func TestKilled(t *testing.T) {
	kills := 24
	if testing.Short() {
		kills = 5
	}
	exe, dir := buildPlanted(t), t.TempDir()
	state := filepath.Join(dir, "state")
	args := []string{
		"run", "--no-corpus", "--seed=11", "--strategy=indirect,fastreg,multimr,rdmarw,auto",
		"--profile=default,small", "--jobs=2", "--json",
	}
	const seed = 5
	t.Logf("moments of seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	known, loaded, unshrunk, next := map[string]bool{}, 0, 0, uint64(0)
	for i := range kills {
		cmd := exec.Command(exe, append(args, "--for=1h", "--state="+state)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		within := time.Second
		if i%5 == 4 {
			within *= 6 // so that it gets on
		}
		time.Sleep(time.Duration(rng.Int64N(int64(within))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		_ = cmd.Wait() // says that it was killed
		texts := caseTexts(t, filepath.Join(state, "findings"))
		now := classesOf(texts)
		for class := range known {
			if !now[class] {
				t.Fatalf("kill %d: no file of %s any more", i, class)
			}
		}
		known = now
		for name := range texts {
			unshrunk += strings.Count(name, "unshrunk-")
		}
		s, err := fuzz.ReadState(state)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it had not begun
		}
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		if s.Next < next {
			t.Fatalf("kill %d: state at case %d, it was at %d", i, s.Next, next)
		}
		loaded, next = loaded+1, s.Next
		for _, f := range s.Findings {
			if !now[strings.ReplaceAll(f.Class, "/", "-")] {
				t.Fatalf("kill %d: %s is in the state and not in a file", i, f.Class)
			}
		}
	}
	cases := max(next, 960) + 1024 // whole rounds
	args = append(args, "--cases="+strconv.FormatUint(cases, 10))
	killed := runPlanted(t, exe, append(args, "--state="+state)...)
	alone := runPlanted(t, exe, append(args, "--state="+filepath.Join(dir, "other"), "--jobs=1")...)
	t.Logf("%d kills up to case %d, %d states read, %d unshrunk files met, %d findings", kills, next, loaded, unshrunk, len(alone.Findings))
	if len(alone.Findings) < 3 || alone.Cases != cases || killed.Cases != cases {
		t.Errorf("%d findings, %d and %d cases", len(alone.Findings), alone.Cases, killed.Cases)
	}
	if !reflect.DeepEqual(killed.Classes, alone.Classes) || killed.Features != alone.Features {
		t.Errorf("%v, %d features\nleft alone: %v, %d features", killed.Classes, killed.Features, alone.Classes, alone.Features)
	}
	sameCourse(t, state, filepath.Join(dir, "other"))
	a, b := caseTexts(t, filepath.Join(state, "findings")), caseTexts(t, filepath.Join(dir, "other", "findings"))
	if !reflect.DeepEqual(a, b) {
		t.Errorf("files %v\nleft alone: %v", a, b)
	}
}

// sameCourse demands that a state of killed sessions counts by feature what one
// that was left alone counts, and tells when the sessions were killed.
func sameCourse(t *testing.T, killed, alone string) {
	t.Helper()
	k, err := fuzz.ReadState(killed)
	if err != nil {
		t.Fatal(err)
	}
	a, err := fuzz.ReadState(alone)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(k.Tally, a.Tally) || k.Tally.Cases != k.Stats.Cases || k.Tally.Cases == 0 {
		t.Errorf("of %d cases %d are counted by feature, of %d left alone %d; equal: %v", k.Stats.Cases, k.Tally.Cases,
			a.Stats.Cases, a.Tally.Cases, reflect.DeepEqual(k.Tally, a.Tally))
	}
	sessions := k.History.Sessions
	ended := 0
	for i := range sessions {
		if sessions[i].End != nil {
			ended++
		}
	}
	if len(sessions) < 2 || ended != 1 || sessions[len(sessions)-1].End == nil || len(a.History.Sessions) != 1 {
		t.Errorf("%d sessions, %d of them ended", len(sessions), ended)
	}
	t.Logf("%d sessions in %v, %d points", len(sessions), k.History.Elapsed, len(k.History.Points))
}

// runPlanted runs a build of buildPlanted to its end.
func runPlanted(t *testing.T, exe string, args ...string) (r runResult) {
	t.Helper()
	out, err := exec.Command(exe, args...).Output()
	if bad, ok := errors.AsType[*exec.ExitError](err); !ok || bad.ExitCode() != exitFindings {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestInterrupt demands that ctrl-C ends a campaign within two seconds, with
// what was found on the disk.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no interrupt to send to one process")
	}
	exe := buildPlanted(t)
	for i, after := range []time.Duration{50 * time.Millisecond, 700 * time.Millisecond, 2 * time.Second} {
		state := filepath.Join(t.TempDir(), "state")
		cmd := exec.Command(exe, "run", "--no-corpus", "--full", "--for=1h", "--seed="+strconv.Itoa(i), "--state="+state)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after)
		start := time.Now()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		took := time.Since(start)
		t.Logf("%v after an interrupt at %v: %v", took, after, err)
		if took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		if code := cmd.ProcessState.ExitCode(); after > time.Second && code != exitFindings {
			t.Errorf("exit status %d", code)
		}
		if _, err := fuzz.ReadState(state); err != nil && after > time.Second {
			t.Error(err)
		}
	}
}
