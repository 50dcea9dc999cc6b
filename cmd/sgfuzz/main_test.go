package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// result is what one invocation left.
type result struct {
	code     int
	out, err string
}

// sgfuzz runs the program.
func sgfuzz(stdin string, args ...string) result {
	return sgfuzzCtx(context.Background(), stdin, args...)
}

func sgfuzzCtx(ctx context.Context, stdin string, args ...string) result {
	var out, err bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &out, &err)
	checkOutput(args, out.String())
	return result{code, out.String(), err.String()}
}

// want fails the test unless code is right and the texts occur.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d\nstdout: %s\nstderr: %s", r.code, code, clip(r.out), clip(r.err))
	}
	for _, s := range texts {
		if !strings.Contains(r.out, s) && !strings.Contains(r.err, s) {
			t.Errorf("%q is missing\nstdout: %s\nstderr: %s", s, clip(r.out), clip(r.err))
		}
	}
}

func clip(s string) string { return s[:min(len(s), 2000)] }

// write makes a file in a fresh directory.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// decodeJSON reads a verb's object.
func decodeJSON[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v\n%s", err, clip(text))
	}
	return v
}

const (
	plainCase = "sg 0x10000+4096\n"
	gapCase   = "sg 0x10000001+3\nsg 0x20000005+7\n"
	wrongCase = "sg 0x10000001+3\nsg 0x20000005+7\nsg 0x30000005+7\nwant indirect reject\n" // indirect takes any list
)

func TestUsage(t *testing.T) {
	for _, row := range []struct {
		args  string
		code  int
		texts []string
	}{
		{"", exitUsage, []string{"Usage: sgfuzz <command>", "replay"}},
		{"--help", exitFine, []string{"Usage: sgfuzz <command>", "Exit status"}},
		{"decode --help", exitFine, []string{"kernel log", "--strict"}},
		{"--version", exitFine, []string{"sgfuzz "}},
		{"version", exitFine, []string{"sgfuzz ", "go1."}},
		{"bogus", exitUsage, []string{"unexpected argument bogus", "see sgfuzz --help"}},
		{"version extra", exitUsage, []string{"unexpected argument extra", "see sgfuzz version --help"}},
		{"run --bogus", exitUsage, []string{"unknown flag --bogus"}},
		{"run --for 5", exitUsage, []string{"--for", "duration"}},
		{"run --for -5s", exitUsage, []string{"--for"}},
		{"run --keep 0", exitUsage, []string{"--keep 0: at least 1"}},
		{"run --jobs 99999999", exitUsage, []string{"--jobs 99999999"}},
		{"run --strategy fastreg,bogus", exitUsage, []string{`unknown strategy "bogus": one of fastreg, multimr,`}},
		{"run --dialect bogus", exitUsage, []string{`unknown dialect "bogus": one of linux,`}},
		{"run --profile bogus", exitUsage, []string{`unknown profile "bogus": one of default,`}},
		{"run --generator bogus", exitUsage, []string{`unknown generator "bogus": one of `}},
		{"replay --strategy bogus", exitUsage, []string{`unknown strategy "bogus"`}},
		{"replay /no/such", exitUsage, []string{"/no/such"}},
		{"shrink --steps 0 x", exitUsage, []string{"--steps 0"}},
		{"shrink /no/such", exitUsage, []string{"/no/such"}},
		{"encode /no/such", exitUsage, []string{"/no/such"}},
		{"encode --strategy bogus x", exitUsage, []string{`unknown strategy "bogus"`}},
		{"encode --dialect bogus x", exitUsage, []string{`unknown dialect "bogus"`}},
		{"decode --dialect bogus x", exitUsage, []string{`unknown dialect "bogus": one of auto, none, linux,`}},
		{"decode /no/such", exitUsage, []string{"/no/such"}},
		{"import --out x", exitUsage, []string{"<file>"}},
		{"import x", exitUsage, []string{"--out"}},
		{"vectors", exitUsage, []string{"<file>"}},
		{"vectors --libmlx5-version 43 x", exitUsage, []string{`unknown libmlx5 version "43": one of 44, head`}},
		{"vectors /no/such", exitUsage, []string{"/no/such"}},
		{"fmt", exitUsage, []string{"<file>"}},
		{"fmt /no/such", exitUsage, []string{"/no/such"}},
		{"version --json=", exitUsage, []string{"--json= needs the name of a file"}},
	} {
		t.Run(row.args, func(t *testing.T) { sgfuzz("", strings.Fields(row.args)...).want(t, row.code, row.texts...) })
	}
}

// TestDirectoryAsFile gives every verb that reads one file a directory.
func TestDirectoryAsFile(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"shrink"}, {"encode"}, {"decode"}, {"import", "--out", filepath.Join(dir, "new")}, {"vectors"},
	} {
		sgfuzz("", append(args, dir)...).want(t, exitUsage, "is a directory")
	}
	for _, verb := range []string{"replay", "fmt"} {
		sgfuzz("", verb, dir).want(t, exitUsage, "no case files")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestEmptyInput gives every verb an empty file.
func TestEmptyInput(t *testing.T) {
	empty, out := write(t, "empty.sgcase", ""), filepath.Join(t.TempDir(), "out")
	for _, row := range []struct {
		text string
		args []string
	}{
		{"no sg line", []string{"replay", empty}},
		{"no sg line", []string{"replay", "-"}},
		{"no sg line", []string{"shrink", empty}},
		{"no sg line", []string{"shrink", "-"}},
		{"no sg line", []string{"encode", empty}},
		{"no sg line", []string{"encode", "-"}},
		{"no WQE bytes", []string{"decode", empty}},
		{"no WQE bytes", []string{"decode"}},
		{"no lists", []string{"import", "--out", out, empty}},
		{"no cases", []string{"vectors", empty}},
		{"no sg line", []string{"fmt", empty}},
		{"no sg line", []string{"fmt", "-"}},
	} {
		sgfuzz("", row.args...).want(t, exitUsage, row.text)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s was made for nothing", out)
	}
}

// goodInvocations is one for every verb, each with text on standard output.
// Flags may be appended.
func goodInvocations(t *testing.T) map[string][]string {
	c, cases := write(t, "c.sgcase", gapCase), corpusDir(t)
	dir := func(name string) string { return filepath.Join(t.TempDir(), name) }
	return map[string][]string{
		"run":             {"run", "--no-corpus", "--cases=2", "--seed=1", "--strategy=indirect", "--generator=" + firstGenerator, "--out", dir("f")},
		"replay":          {"replay", "--strategy=indirect", c},
		"shrink":          {"shrink", write(t, "w.sgcase", wrongCase)},
		"exhaust":         {"exhaust", "--entries=1", "--pages=1", "--strategy=indirect", "--out", dir("f")},
		"encode":          {"encode", c},
		"decode":          {"decode", write(t, "nop.hex", nopHex)},
		"explain":         {"explain", c},
		"compare":         {"compare", "--ios=100", c},
		"report":          {"report", "--out", dir("r.html"), stateDir(t)},
		"vectors":         {"vectors", write(t, "v.jsonl", skippedVector)},
		"mutants":         {"mutants", "--seeds=1", "--steps=10", "gap-never-true"},
		"bench":           {"bench", "--benchmark=klm_list", "--entries=4", "--rounds=1"},
		"import":          {"import", "--out", dir("i"), write(t, "l.iov", "writev 0x1000+3\n")},
		"export":          {"export", "--format=jsonl", "--out", dir("e"), c},
		"fmt":             {"fmt", write(t, "f.sgcase", "sg 4096+1 # x\noffset 1\n")},
		"corpus list":     {"corpus", "list", cases},
		"corpus minimize": {"corpus", "minimize", "--no-mutants", "--out", dir("m"), cases},
		"corpus fmt":      {"corpus", "fmt", write(t, "f.sgcase", "sg 4096+1 # x\noffset 1\n")},
		"help":            {"help", "corpus"},
		"completion":      {"completion", "bash"},
		"man":             {"man"},
		"schema":          {"schema"},
		"version":         {"version"},
	}
}

// stateDir is the state of a campaign of two cases.
func stateDir(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "s")
	sgfuzz("", "run", "--no-corpus", "--cases=2", "--seed=1", "--strategy=indirect", "--state", dir).want(t, exitFine)
	return dir
}

// withoutInvocation are the verbs that goodInvocations cannot have, with the
// tests that take its place.
var withoutInvocation = map[string]string{
	"conform": "needs a child: TestConform",
	"vhca":    "becomes the program that it runs",
	"serve":   "ends with the context only: TestServe",
}

func TestEveryVerbIsInvoked(t *testing.T) {
	good := goodInvocations(t)
	for _, c := range program().Cmds {
		if good[c.Name] == nil && withoutInvocation[c.Name] == "" {
			t.Errorf("%s: none of goodInvocations", c.Name)
		}
	}
}

const (
	firstGenerator = "literal"
	nopHex         = "00 00 00 00 00 12 34 01 00 00 00 00 00 00 00 00\n"
	skippedVector  = `{"id":"integ-1"}` + "\n"
)

// fullDisk fails as a full disk does.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatFails(t *testing.T) {
	good := goodInvocations(t)
	good["--help"] = []string{"--help"}
	for verb, args := range good {
		t.Run(verb, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := run(context.Background(), args, strings.NewReader(""), fullDisk{}, &stderr); code != exitInternal {
				t.Errorf("text to a full disk: exit status %d\n%s", code, stderr.String())
			}
			if !strings.Contains(stderr.String(), "no space left on device") {
				t.Errorf("no word about it: %s", stderr.String())
			}
			if verb == "--help" {
				return
			}
			stderr.Reset()
			if code := run(context.Background(), append(args, "--json"), strings.NewReader(""), fullDisk{}, &stderr); code != exitInternal {
				t.Errorf("JSON to a full disk: exit status %d\n%s", code, stderr.String())
			}
		})
	}
}

func TestJSONFile(t *testing.T) {
	below := filepath.Join(write(t, "file", ""), "x.json")
	for verb, args := range goodInvocations(t) {
		t.Run(verb, func(t *testing.T) {
			sgfuzz("", append(args, "--json="+below)...).want(t, exitInternal, below)
			if _, err := os.Stat("/dev/full"); err == nil {
				sgfuzz("", append(args, "--json=/dev/full")...).want(t, exitInternal, "no space left on device")
			}
			file := filepath.Join(t.TempDir(), "r.json")
			both := sgfuzz("", append(args, "--json="+file)...)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(verb, string(data)); err != nil || len(data) == 0 {
				t.Errorf("%v: %s", err, clip(string(data)))
			}
			bare := sgfuzz("", append(args, "--json")...)
			if both.code != bare.code || strings.HasPrefix(both.out, "{") {
				t.Errorf("status %d with a file, %d without; text with a file: %s", both.code, bare.code, clip(both.out))
			}
			if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestJSONOfAnError has a fixed form.
func TestJSONOfAnError(t *testing.T) {
	r := sgfuzz("", "decode", "--json")
	r.want(t, exitUsage)
	got := decodeJSON[map[string]any](t, r.out)
	if got["exit"] != 2.0 || !strings.Contains(got["error"].(string), "no WQE bytes") || len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// TestFileIsKept demands that a failed verb leaves the former file alone.
func TestFileIsKept(t *testing.T) {
	file := write(t, "out.sgcase", "former")
	c := write(t, "c.sgcase", plainCase)
	sgfuzz("", "shrink", "--out", file, c).want(t, exitUsage, "does not fail")
	sgfuzz("", "encode", "--strategy=fastreg", "--out", file, write(t, "g.sgcase", gapCase)).want(t, exitUsage, "gap@1")
	if data, _ := os.ReadFile(file); string(data) != "former" {
		t.Errorf("now %q", data)
	}
	below := filepath.Join(file, "x")
	sgfuzz("", "encode", "--out", below, c).want(t, exitInternal, below)
	sgfuzz("", "shrink", "--out", below, write(t, "w.sgcase", wrongCase)).want(t, exitInternal, below)
	sgfuzz("", "import", "--out", below, write(t, "l.iov", "writev 0x1000+3\n")).want(t, exitInternal, below)
	sgfuzz("", "run", "--cases=1", "--out", below).want(t, exitInternal, below)
	sgfuzz("", "run", "--cases=1", "--out", file).want(t, exitInternal, "not a directory")
}

func TestPanicIsABug(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(context.Background(), []string{"decode"}, nil, fullDisk{}, &stderr); code != exitInternal {
		t.Errorf("exit status %d", code)
	}
	if !strings.Contains(stderr.String(), "sgfuzz: bug: ") {
		t.Errorf("%s", stderr.String())
	}
}

func TestParseCase(t *testing.T) { // the constants above are what they are said to be
	for _, text := range []string{plainCase, gapCase, wrongCase} {
		if c, err := corpus.Parse([]byte(text)); err != nil || corpus.Format(c) != text {
			t.Errorf("%v: %q", err, text)
		}
	}
}

// TestEveryVerbEnds interrupts every verb before it has begun: it must end
// soon, with a result or an error that is no bug.
func TestEveryVerbEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for verb, args := range goodInvocations(t) {
		start := time.Now()
		r := sgfuzzCtx(ctx, "", append(args, "--json")...)
		if r.code == exitInternal && !strings.Contains(r.err, "interrupted before there was a result") || time.Since(start) > 20*time.Second {
			t.Errorf("%s: exit status %d after %v: %s", verb, r.code, time.Since(start), clip(r.err))
		}
	}
}
