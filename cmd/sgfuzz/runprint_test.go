package main

import (
	"bufio"
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/sg"
)

func TestStatusLine(t *testing.T) {
	s := fuzz.Stats{Cases: 30, Earlier: 10, Elapsed: 2 * time.Second, Features: 7, Findings: 3, Failed: 5}
	const want = "2s, 30 cases, 10 a second, 7 features, 3 findings, 5 failures"
	if got := statusLine(&s); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.Unshrunk = 2
	if got := statusLine(&s); got != want+"; shrinking 2" {
		t.Errorf("%q", got)
	}
}

func TestRunStatus(t *testing.T) {
	classes := map[string]uint64{"rights/auto": 2}
	for _, row := range []struct {
		name string
		r    runResult
		code int
	}{
		{"nothing found", runResult{}, exitFine},
		{"finding", runResult{Classes: classes}, exitFindings},
		{"good corpus", runResult{Corpus: &replayResult{Run: 3}}, exitFine},
		{"bad corpus", runResult{Corpus: &replayResult{Run: 3, Failed: 1}}, exitFindings},
		{"unusable corpus", runResult{Corpus: &replayResult{Unusable: []string{"x"}}, Classes: classes}, exitUsage},
	} {
		if got := row.r.code(); got != row.code {
			t.Errorf("%s: exit status %d, want %d", row.name, got, row.code)
		}
	}
}

// TestPrintFindings is what a campaign with one kept finding of two prints.
func TestPrintFindings(t *testing.T) {
	sum := &fuzz.Summary{Seed: 9, Findings: []fuzz.Finding{{
		Class: "rights/auto", Number: 4, Text: "check 7 rights: one\ncheck 7 rights: two", Path: "findings/rights-auto-1.sgcase",
		Case: &corpus.Case{List: sg.List{{Addr: 1, Len: 1}}},
	}, {
		Class: "rights/auto", Number: 5, Text: "check 7 rights: three", Path: "findings/rights-auto-2.sgcase", Mutated: true, Shrunk: true,
		Case:    &corpus.Case{List: sg.List{{Addr: 2, Len: 1}}},
		Trigger: fuzz.Trigger{Strategies: []string{"auto"}, Dialects: []string{"ofed"}, List: []string{"n2", "gap-both"}, Neighbours: 9, Failing: 3},
	}}}
	sum.Classes = map[string]uint64{"rights/auto": 2}
	r := runResult{Seed: 9, Classes: map[string]uint64{}}
	v := runCmd{depthFlags: depthFlags{Variants: true}}
	v.fill(&r, sum)
	var out bytes.Buffer
	a := &app{ctx: context.Background(), stdout: bufio.NewWriter(&out), out: &out}
	a.printFindings(&r)
	const want = `findings of 1 classes
rights/auto: 2 cases
  check 7 rights: one
  check 7 rights: two
  not shrunk, there was no time
  file    findings/rights-auto-1.sgcase
  replay  sgfuzz replay findings/rights-auto-1.sgcase
  redraw  sgfuzz run --no-corpus --no-guide --seed=9 --first=4 --cases=1
  check 7 rights: three
  fails with auto; dialect: ofed; profile: any
  needs list: n2 gap-both; options: none
  file    findings/rights-auto-2.sgcase
  replay  sgfuzz replay findings/rights-auto-2.sgcase
  redraw  sgfuzz run --no-corpus --seed=9 --first=0 --cases=6
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
	if !strings.Contains(r.Findings[0].Case, "sg 0x1+1") || r.code() != exitFindings {
		t.Errorf("%+v", r)
	}
}
