package vectors

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func zip(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func integ(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "{\"id\":\"integ-%d\"}\n", i)
	}
	return s.String()
}

// Every kind of damage is a failure that names the line, or an error that names
// the file.
func TestCheckDamage(t *testing.T) {
	whole := zip(t, integ(100))
	// Random bytes do not compress, so a cut leaves whole lines.
	for _, tt := range []struct {
		name    string
		data    []byte
		err     string // "" for none
		skipped int
		failure string // "line: reason"
	}{
		{"empty", nil, "no cases", 0, ""},
		{"blank lines", []byte("\n \n\r\n"), "no cases", 0, ""},
		{"plain", []byte(integ(3)), "", 3, ""},
		{"last line without newline", []byte(strings.TrimSpace(integ(3))), "", 3, ""},
		{"compressed", whole, "", 100, ""},
		{"two gzip members", append(zip(t, integ(2)), zip(t, integ(3))...), "", 5, ""},
		{"cut gzip", whole[:len(whole)-4], "unexpected EOF", 100, ""},
		{"gzip header only", whole[:5], "line 1: unexpected EOF", 0, ""},
		{"wrong checksum", append(whole[:len(whole)-8:len(whole)-8], 1, 2, 3, 4, 5, 6, 7, 8), "checksum", 100, ""},
		{"cut line", []byte(integ(2) + `{"id":"integ-`), "", 2, "3: not a JSON object"},
		{"not JSON", []byte(integ(1) + "hello\n" + integ(1)), "", 2, "2: not a JSON object"},
		{"JSON of another kind", []byte(integ(1) + "[1]\n"), "", 1, "2: not a JSON object"},
		{"two values", []byte(`{"id":"integ-1"} {}`), "", 0, "1: not a JSON object"},
		{"no id", []byte("\n{}\n"), "", 0, "2: no id"},
		{"id of another kind", []byte(`{"id":5}`), "", 0, "1: not a JSON object"},
		{"unknown producer", []byte(`{"id":"nobody-1"}`), "", 0, `1: unknown producer "nobody"`},
		{"empty id", []byte(`{"id":""}`), "", 0, `1: unknown producer ""`},
	} {
		rep, err := Check(bytes.NewReader(tt.data), "dir/some.jsonl.gz", Options{})
		if (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "some.jsonl.gz")) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
		got := ""
		for _, f := range rep.Failures {
			got += fmt.Sprintf("%d: %s", f.Line, f.Reason)
		}
		if rep.Skipped != tt.skipped || !strings.HasPrefix(got, tt.failure) || (got == "") != (tt.failure == "") || rep.Name != "some" {
			t.Errorf("%s: %+v, want %d skipped and failure %q", tt.name, rep, tt.skipped, tt.failure)
		}
	}
}

func TestCheckFileMissing(t *testing.T) {
	if _, err := CheckFile(filepath.Join(t.TempDir(), "none.jsonl"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.jsonl")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckFile(empty, Options{}); !errors.Is(err, ErrNoCases) {
		t.Errorf("%v", err)
	}
	if _, err := CheckFile(t.TempDir(), Options{}); err == nil {
		t.Error("a directory is taken for a file")
	}
}

func TestVersionFollowsName(t *testing.T) {
	for _, tt := range []struct{ name, option, want string }{
		{"a/libmlx5-head-diff.jsonl.gz", "", LibMLX5Head},
		{"libmlx5-head/libmlx5-mrlist.jsonl", "", LibMLX5v44},
		{"libmlx5-head-diff.jsonl.gz", LibMLX5v44, LibMLX5v44},
		{"spdk-umr.jsonl", LibMLX5Head, LibMLX5Head},
	} {
		if env, err := newEnv(tt.name, Options{LibMLX5: tt.option}); err != nil || env.Version != tt.want {
			t.Errorf("%+v: %+v, %v", tt, env, err)
		}
	}
	if _, err := Check(strings.NewReader(integ(1)), "x", Options{LibMLX5: "45"}); !errors.Is(err, ErrVersion) {
		t.Errorf("version 45: %v", err)
	}
}

func TestLongLine(t *testing.T) {
	l, err := newLineReader(strings.NewReader("short\n" + strings.Repeat("x", 1<<17) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	l.max = 1 << 16
	if line, err := l.next(); err != nil || string(line) != "short\n" {
		t.Errorf("%q, %v", line, err)
	}
	if _, err := l.next(); !errors.Is(err, ErrLine) {
		t.Errorf("%v, want ErrLine", err)
	}
}

// Failures come in file order whatever the workers do, the first few are kept,
// and a checker's panic is a failure.
func TestOrderAndBounds(t *testing.T) {
	checkers["panics"] = func([]byte, *Env) Outcome { panic("boom") }
	defer delete(checkers, "panics")
	var s strings.Builder
	for i := range 500 {
		fmt.Fprintf(&s, "{\"id\":\"panics-%d\"}\n", i)
	}
	rep, err := Check(strings.NewReader(s.String()), "x", Options{Workers: 8, MaxFailures: 30})
	if err != nil || rep.Failed != 500 || len(rep.Failures) != 30 {
		t.Fatalf("%d failed, %d kept, %v", rep.Failed, len(rep.Failures), err)
	}
	for i, f := range rep.Failures {
		if f.Line != i+1 || f.ID != fmt.Sprintf("panics-%d", i) || !strings.Contains(f.Reason, "boom") {
			t.Errorf("failure %d: %+v", i, f)
		}
	}
}

func TestDiffBound(t *testing.T) {
	d := newDiffs(&Env{MaxDiffs: 2})
	for range 5 {
		eq(d, "x", 1, 2)
	}
	if out := d.outcome(); out.Reason != "5 differences" || len(out.Diffs) != 2 || out.Diffs[0].String() != "x: want 1, got 2" {
		t.Errorf("%+v", out)
	}
}

// FuzzCheck looks for input that makes the checkers panic or hang.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(integ(1)))
	f.Add(zip(f, integ(1)))
	for _, name := range []string{"kernel-regmr", "kernel-sg2klm", "kernel-createmkey"} {
		raw, err := os.ReadFile("testdata/" + name + ".jsonl.gz")
		if err != nil {
			f.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			f.Fatal(err)
		}
		lines := make([]byte, 1<<15)
		n, _ := z.Read(lines)
		line, _, _ := bytes.Cut(lines[:n], []byte("\n"))
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rep, err := Check(bytes.NewReader(data), "fuzz.jsonl", Options{Workers: 1})
		if err == nil && rep.Passed+rep.Failed+rep.Skipped == 0 {
			t.Error("no cases and no error")
		}
		for _, fl := range rep.Failures {
			if strings.Contains(fl.Reason, "panicked") {
				t.Errorf("%s: %s", fl.ID, fl.Reason)
			}
		}
	})
}
