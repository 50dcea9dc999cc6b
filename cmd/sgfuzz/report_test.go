package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/report"
)

func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my state")
	sgfuzz("", "run", "--no-corpus", "--cases=192", "--seed=3", "-j1", "--mutant=klm-neighbours-swapped", "--state", dir).want(t, exitFindings, "explain --mutant=klm-neighbours-swapped '"+dir)
	sgfuzz("", "mutants", "--seeds=1", "--json="+filepath.Join(dir, "mutants.json"), "gap-never-true").want(t, exitFine)
	r := sgfuzz("", "report", dir)
	page := filepath.Join(dir, "report.html")
	r.want(t, exitFine, dir+": 192 cases in ", " findings; all cases asked for were run", page)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<!DOCTYPE html>", "To blame", "gap-never-true", "sgfuzz bench --json"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	r = sgfuzz("", "report", "--json", "--out="+filepath.Join(dir, "other.html"), dir)
	r.want(t, exitFine)
	x := decodeJSON[report.Report](t, r.out)
	if x.Campaign == nil || x.Campaign.Seed != 3 || x.Campaign.Cases != 192 || x.Findings.Total < 2 || x.Mutants.Found != 1 || x.Heat == nil || len(x.Problems) != 0 {
		t.Errorf("%+v", x)
	}
	if r = sgfuzz("", "report", "-o", "-", dir); !strings.HasPrefix(r.out, "<!DOCTYPE html>") || !strings.HasSuffix(r.out, "</html>\n") {
		t.Errorf("%.100q", r.out)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("bench.json", "{}\n")
	sgfuzz("", "report", dir).want(t, exitUsage, "bench.json: line 1: ", page)
	write("report.html", "what was there")
	write("journal", "#!/bin/sh\n")
	sgfuzz("", "report", dir).want(t, exitUsage, "not a journal")
	if text, err := os.ReadFile(page); err != nil || string(text) != "what was there" {
		t.Errorf("%v: %.100q", err, text)
	}
}

func TestReportUsage(t *testing.T) {
	dir := t.TempDir()
	sgfuzz("", "report").want(t, exitUsage)
	sgfuzz("", "report", filepath.Join(dir, "none")).want(t, exitUsage, "no such")
	sgfuzz("", "report", "--findings=0", dir).want(t, exitUsage, "--findings 0")
	sgfuzz("", "report", dir).want(t, exitUsage, "neither a campaign's state")
	if err := os.WriteFile(filepath.Join(dir, "mutants.json"), []byte("[]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	sgfuzz("", "report", "--out", filepath.Join(dir, "none", "page.html"), dir).want(t, exitInternal, "none")
	sgfuzz("", "report", dir).want(t, exitFine, "no campaign has begun here")
}
