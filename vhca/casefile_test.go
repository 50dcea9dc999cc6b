//go:build linux && (amd64 || arm64)

package vhca

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// longCase has a list that no write to the page cache takes in one step.
func longCase(name string) *corpus.Case {
	c := &corpus.Case{Name: name}
	for i := range uint64(2000) {
		c.List = append(c.List, sg.Entry{Addr: 0x7f0000000000 + 0x10000*i, Len: 4096, Lkey: 0x1234})
	}
	return c
}

// writeForever is the process that gets killed: it puts cases and says which
// are done.
func writeForever(file string) {
	f, err := OpenCaseFile(file)
	for i := 0; err == nil; i++ {
		if err = f.Put(longCase(fmt.Sprintf("%d-%d", os.Getpid(), i))); err == nil {
			fmt.Println(i)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

const writerEnv = "VHCA_TEST_WRITER"

func TestMain(m *testing.M) {
	if file := os.Getenv(writerEnv); file != "" {
		writeForever(file)
	}
	os.Exit(m.Run())
}

// TestCaseFileKilled: processes that write one file together are killed at any
// moment, one after the other; every case that one of them was told is written
// is in the file, which can be read and gone on with.
func TestCaseFileKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cases")
	done := map[string]int{} // by process: cases it knows to be written
	torn := 0
	for round := range 8 {
		var writers []*exec.Cmd
		var said []*bufio.Scanner
		for range 2 {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), writerEnv+"="+file)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			writers, said = append(writers, cmd), append(said, bufio.NewScanner(out))
		}
		for i, w := range writers {
			for n := 0; n < 2+round+3*i && said[i].Scan(); n++ { // it is at work
			}
			_ = w.Process.Kill()
			last := ""
			for said[i].Scan() {
				last = said[i].Text()
			}
			_ = w.Wait()
			n, err := strconv.Atoi(last)
			if last != "" && err != nil {
				t.Fatalf("a writer says %q", last)
			}
			done[strconv.Itoa(w.Process.Pid)] = n
		}
		if _, cut, err := corpus.LoadSeries(file); err != nil {
			t.Fatal(err)
		} else if cut {
			torn++
		}
	}
	f, err := OpenCaseFile(file)
	if err == nil {
		err = errors.Join(f.Put(longCase("last-0")), f.Close())
	}
	cases, cut, loadErr := corpus.LoadSeries(file)
	if err != nil || loadErr != nil || cut || len(cases) == 0 || cases[len(cases)-1].Name != "cases:last-0" {
		t.Fatalf("%d cases, torn %v, %v, %v", len(cases), cut, err, loadErr)
	}
	next := map[string]int{}
	for _, c := range cases {
		pid, i, _ := strings.Cut(strings.TrimPrefix(c.Name, "cases:"), "-")
		if i != strconv.Itoa(next[pid]) || len(c.List) != 2000 {
			t.Fatalf("%s follows %d of its process, %d entries", c.Name, next[pid]-1, len(c.List))
		}
		next[pid]++
	}
	for pid, last := range done {
		if next[pid] <= last {
			t.Errorf("process %s wrote up to case %d, the file has %d", pid, last, next[pid])
		}
	}
	t.Logf("%d cases of %d processes, the file was torn %d times", len(cases), len(next), torn)
}

// TestCaseFileMends: what a dead writer left is cut off, and other files stay
// what they are.
func TestCaseFileMends(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cases")
	whole := corpus.AppendBlock([]byte(corpus.SeriesHead()), &corpus.Case{Name: "a", List: sg.List{{Addr: 1, Len: 2}}})
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := OpenCaseFile(file)
		if err == nil {
			err = errors.Join(f.Put(longCase("b")), f.Put(longCase("c")), f.Close())
		}
		cases, torn, loadErr := corpus.LoadSeries(file)
		want := 2
		if cut == len(whole) {
			want++
		}
		if err != nil || loadErr != nil || torn || len(cases) != want {
			t.Fatalf("cut at %d: %d cases, torn %v, %v, %v", cut, len(cases), torn, err, loadErr)
		}
	}
	if err := os.WriteFile(file, []byte("a letter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCaseFile(file); !errors.Is(err, errNoSeries) {
		t.Errorf("a letter: %v", err)
	}
}
