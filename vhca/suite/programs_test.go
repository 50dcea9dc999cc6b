//go:build linux && (amd64 || arm64)

package suite

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/sg"
	"github.com/sgfuzz/sgfuzz/vhca"
	"github.com/sgfuzz/sgfuzz/vhca/launch"
	"github.com/sgfuzz/sgfuzz/vhca/suite/program"
)

var (
	programSeed  = flag.Uint64("seed", 1, "of the first random program")
	programCount = flag.Int("programs", 72, "how many random programs")
	programSteps = flag.Int("steps", 60, "how many actions of each, and what they need to begin with")
	programFile  = flag.String("program", "", "a program to play instead of random ones")
	programKeep  = flag.String("keep", "", "the directory where a program that fails is left, shrunk")
)

// shrinkTries bounds what shrinking a failure costs.
const shrinkTries = 1500

// player is the C program that plays programs, started anew when it has died.
type player struct {
	t    *testing.T
	lib  launch.Library
	s    vhca.Settings
	argv []string

	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	said tail
}

// tail keeps the last of what a process says.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-4096):]
	return len(p), nil
}

func newPlayer(t *testing.T, lib launch.Library, s vhca.Settings, suite string) *player {
	p := &player{t: t, lib: lib, s: s, argv: []string{suite, "play"}}
	t.Cleanup(p.stop)
	return p
}

func (p *player) start() error {
	p.cmd = prepare(p.t, context.Background(), p.lib, p.s, nil, p.argv...)
	p.said.text = nil
	p.cmd.Stderr = &p.said
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<20)
	return p.cmd.Start()
}

func (p *player) stop() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.in.Close()
		_ = p.cmd.Cancel()
		_ = p.cmd.Wait()
	}
	p.cmd = nil
}

// lines are what the player answers to a program; if it dies, the last of them
// is what became of it.
func (p *player) lines(text string) []string {
	if p.cmd == nil {
		if err := p.start(); err != nil {
			p.t.Fatal(err)
		}
	}
	in := p.in
	go func() { _, _ = io.WriteString(in, text+"end\n") }() // the player answers while it reads
	var lines []string
	for p.out.Scan() {
		line := p.out.Text()
		if line == "end" {
			return lines
		}
		lines = append(lines, line)
	}
	_ = p.in.Close()
	err := p.cmd.Wait()
	p.cmd = nil
	if e, ok := errors.AsType[*exec.ExitError](err); ok && e.ExitCode() == vhca.ExitStrict {
		err = errors.New("a strict adapter stopped it")
	}
	said := strings.TrimSpace(noise.ReplaceAllString(string(p.said.text), ""))
	if n := len(lines); n > 0 && !strings.HasPrefix(lines[n-1], "done") && lines[n-1] != "none" { // a check of the player's own
		said = lines[n-1] + "\n" + said
		lines = lines[:n-1]
	}
	return append(lines, fmt.Sprintf("the player ended: %v\n%s", err, said))
}

// check plays a program and compares.
func (p *player) check(q program.Program) *program.Failure {
	return program.Check(q, p.lines(q.String()))
}

// hunt is first, and shrinks the program.
func (p *player) hunt(seed uint64, n int) (*program.Failure, int) {
	f, n := p.first(seed, n)
	if f != nil {
		f = p.shrunk(f)
	}
	return f, n
}

// first plays programs from a seed on, until one fails. It gives the number of
// those that were played.
func (p *player) first(seed uint64, n int) (*program.Failure, int) {
	for i := range n {
		steps := *programSteps
		if i%8 == 7 { // long enough to lap the queues
			steps *= 8
		}
		q := program.Draw(sg.NewRandom(seed+uint64(i)), steps, p.s.Strict)
		if f := p.check(q); f != nil {
			return f, i + 1
		}
	}
	return nil, n
}

// shrunk makes a failure smaller for half a minute at most.
func (p *player) shrunk(f *program.Failure) *program.Failure {
	end := time.Now().Add(30 * time.Second)
	program.Shrink(f.Program, func(q program.Program) bool {
		if time.Now().After(end) {
			return false
		}
		g := p.check(q)
		if g != nil {
			f = g
		}
		return g != nil
	}, shrinkTries)
	return f
}

// report fails the test with the program in a form that can be played again.
func report(t *testing.T, f *program.Failure, what string) {
	t.Helper()
	text := f.Explain()
	how := "give -keep DIR to have it as a file"
	if *programKeep != "" {
		name := filepath.Join(*programKeep, strings.ReplaceAll(t.Name(), "/", "-")+".txt")
		how = "go test ./vhca/suite -run RandomPrograms -args -program " + name
		if err := files.WriteBytes(name, []byte(text)); err != nil {
			t.Error(err)
		}
	}
	t.Errorf("%s, shrunk to %d actions; %s\n%s", what, len(f.Program), how, text)
}

// TestRandomPrograms plays random programs on adapters of several kinds, those
// of one kind in one process. With -program it plays that.
func TestRandomPrograms(t *testing.T) {
	lib, suite := need(t)
	if *programFile != "" {
		text, err := os.ReadFile(*programFile)
		if err != nil {
			t.Fatal(err)
		}
		q, err := program.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if f := newPlayer(t, lib, vhca.Settings{}, suite).check(program.Settled(q)); f != nil {
			t.Fatalf("fails\n%s", f.Explain())
		}
		return
	}
	for i, kind := range []struct {
		name string
		s    vhca.Settings
		part int
	}{
		{"checked", vhca.Settings{}, 1},
		{"fast", vhca.Settings{Fast: true}, 4},
		{"strict", vhca.Settings{Strict: true}, 4},
		{"delays and stale padding", vhca.Settings{Faults: "delay=0.2,usec=50,padding=1,seed=1"}, 4}, // which nobody may notice
		{"reordered", vhca.Settings{Faults: "reorder=0.3,seed=7", Strict: true}, 8},                  // nor this
	} {
		t.Run(kind.name, func(t *testing.T) {
			seed := *programSeed + uint64(i)<<32
			f, n := newPlayer(t, lib, kind.s, suite).hunt(seed, *programCount/kind.part)
			if f != nil {
				report(t, f, fmt.Sprintf("the program of seed %d", seed+uint64(n)-1))
			}
		})
	}
}

// FuzzPrograms takes any bytes as a program, of at most two hundred actions.
func FuzzPrograms(f *testing.F) {
	for i := range uint64(4) {
		c := sg.NewRandom(i)
		program.Draw(c, 10, false)
		f.Add(c.Recorded())
	}
	lib, suite := need(f)
	p := &player{lib: lib, argv: []string{suite, "play"}}
	f.Cleanup(p.stop)
	f.Fuzz(func(t *testing.T, data []byte) {
		p.t = t
		if fail := p.check(program.Draw(sg.NewChoices(data), 200, false)); fail != nil {
			report(t, p.shrunk(fail), "this program")
		}
	})
}
