package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/picture"
)

func TestExplain(t *testing.T) {
	t.Setenv("COLUMNS", "")
	r := sgfuzz("sg 0x10000000+1536\nsg 0x20000600+2560\n", "explain", "-")
	r.want(t, exitFine, "stdin", "2 entries, 4,096 bytes", "0x20000000 │", "KLM 1", "1,536 … 4,095", "gap@1", "refused: no page size fits")
	if n := strings.Count(r.out, "\n── "); n != 2+8 {
		t.Errorf("%d headings, want memory, the table and eight strategies", n)
	}
	sgfuzz("", "explain", "--strategy", "umem", "features/umem-2m").want(t, exitFine, "1 MTT of 1 GiB", "umem: accepted")
	sgfuzz("", "explain", "captures/node-http-8").want(t, exitFine, "135 more KLMs", "0x735dc38 + 2")
	sgfuzz("", "explain", "captures/node-http-8", "--rows", "300", "--strategy", "indirect").want(t, exitFine, "KLM 100 ")
}

// TestExplainMutant shows what a re-created defect breaks, by its own case and
// by another one.
func TestExplainMutant(t *testing.T) {
	const name = "klm-neighbours-swapped"
	sgfuzz("", "explain", "--mutant", name).want(t, exitFindings, "FAILED (read-stream/indirect)", "✗ KLM 0 reaches 0x20000000, where the list has 0x10000000", "▸KLM 0")
	sgfuzz("sg 0x1000+8\n", "explain", "--mutant", name, "-").want(t, exitFine, "indirect: accepted") // takes two entries
	r := sgfuzz("", "explain", "--mutant", name, "--json")
	p := decodeJSON[picture.Picture](t, r.out)
	if r.code != exitFindings || p.Mutant != name || p.Strategies[0].Blame.Part != "KLM 0" {
		t.Errorf("exit status %d, %+v", r.code, p)
	}
	zero, none, at := uint64(0), 0, picture.Addr(0x20000000)
	want := picture.Failure{Check: 1, Name: "read-stream", Stream: &zero, Entry: &none, Off: &zero, Addr: &at}
	if f := p.Strategies[0].Failures[0]; f.Text == "" || !reflect.DeepEqual(want, picture.Failure{Check: f.Check, Name: f.Name, Stream: f.Stream, Entry: f.Entry, Off: f.Off, Addr: f.Addr}) {
		t.Errorf("%+v, want %+v", f, want)
	}
}

func TestExplainLog(t *testing.T) {
	log := write(t, "writes.iov", "# a log\nwritev 0x1000+3 0x2000+5\n\nwritev 0x9000+7\n")
	sgfuzz("", "explain", log).want(t, exitFine, "line 2, the first of 2 lists up to line 4; --line picks another", "writes-2", "2 entries, 8 bytes")
	sgfuzz("", "explain", log, "--line", "4").want(t, exitFine, "writes-4", "0x9000 + 7")
	sgfuzz("", "explain", log, "--line", "3").want(t, exitUsage, "no list on line 3; the first of 2 is on line 2, the last on line 4")
	sgfuzz("", "explain", write(t, "empty.iov", "# nothing\n")).want(t, exitUsage, "no lists")
	sgfuzz("", "explain", write(t, "bad.iov", "writev 0x1000\n")).want(t, exitUsage, "bad.iov:1:14")
}

func TestExplainFiles(t *testing.T) {
	dir := t.TempDir()
	svg, html := filepath.Join(dir, "a.svg"), filepath.Join(dir, "a.html")
	sgfuzz("", "explain", "features/sectors-512", "--strategy", "pool512,bounce", "--svg", svg, "--html", html).want(t, exitFine)
	data, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(data))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if text := string(data); !strings.Contains(text, "pool512") || strings.Contains(text, "bounce page") || !strings.Contains(text, ".paper {") {
		t.Errorf("the picture is not that of pool512, or has no colours: %s", clip(text))
	}
	page, err := os.ReadFile(html)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<!DOCTYPE html>", `id="pool512"`, `id="bounce"`, "MTTs of 512 B"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is missing in the page", want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("files: %v", left)
	}
	sgfuzz("", "explain", "features/sectors-512", "--svg", filepath.Join(dir, "no", "a.svg")).want(t, exitInternal, "no such file")
}

func TestExplainRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"which case?":                   {},
		"no such file":                  {"nothing.sgcase"},
		"unknown strategy \"indirekt\"": {"--strategy", "indirekt", "features/single-entry"},
		"unknown mutant":                {"--mutant", "nothing"},
		"does not concern":              {"--mutant", "klm-neighbours-swapped", "--strategy", "umem", "features/single-entry"},
		"--line is for iovec logs":      {"--line", "3", "features/single-entry"},
		"--rows and --line":             {"--rows=-3", "features/single-entry"},
		"unknown profile":               {"--profile", "nothing", "features/single-entry"},
	} {
		sgfuzz("", append([]string{"explain"}, args...)...).want(t, exitUsage, want)
	}
}

// TestExplainDocs holds docs/explain.md and its picture to what the program
// does.
func TestExplainDocs(t *testing.T) {
	t.Setenv("COLUMNS", "")
	text, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```console\n$ sgfuzz ")[1:]
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		line, want, _ := strings.Cut(b, "\n")
		if got := sgfuzz("", strings.Fields(line)...); got.out != want {
			t.Errorf("%s gives\n%s", line, got.out)
		}
	}
	svg := filepath.Join(t.TempDir(), "a.svg")
	sgfuzz("", "explain", "--mutant", "mtt-last-dropped", "--svg", svg).want(t, exitFindings)
	got, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := os.ReadFile("../../docs/explain.svg"); err != nil || string(got) != string(want) {
		t.Errorf("docs/explain.svg is not what sgfuzz explain --mutant mtt-last-dropped --svg docs/explain.svg writes (%v)", err)
	}
}
