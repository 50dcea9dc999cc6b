package main

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/conform/runner"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/files"
)

// conformResult is the verb's JSON object.
type conformResult struct {
	Child       string             `json:"child"`
	Offered     []string           `json:"offered"`
	Seed        uint64             `json:"seed"`
	Ops         []conformOp        `json:"operations"`
	Classes     map[string]uint64  `json:"classes"` // failed requests by operation and check
	Findings    []conformFinding   `json:"findings"`
	Deviations  []conformDeviation `json:"deviations"`
	Restarts    int                `json:"restarts"`
	Interrupted bool               `json:"interrupted"`
	Stderr      string             `json:"stderr,omitempty"` // the child's last words
	Seconds     float64            `json:"seconds"`
}

type conformOp struct {
	Op          string            `json:"op" names:"operation"`
	Cases       uint64            `json:"cases"`
	Passed      uint64            `json:"passed"`
	Failed      uint64            `json:"failed"`
	Rejected    uint64            `json:"rejected"` // rightly
	Skipped     uint64            `json:"skipped"`
	Deviated    uint64            `json:"deviated"` // failed as declared
	Checks      []conformCheck    `json:"checks"`
	SkipReasons map[string]uint64 `json:"skip_reasons"`
	Unused      map[string]uint64 `json:"unused_vectors"` // by reason
	GivenUp     string            `json:"given_up,omitempty"`
	Seconds     float64           `json:"seconds"`
}

type conformCheck struct {
	Name   string `json:"name"`
	Ran    uint64 `json:"ran"`
	Failed uint64 `json:"failed"`
}

type conformFinding struct {
	Op        string `json:"op"`
	Class     string `json:"class" names:"class"`
	Check     string `json:"check"`
	Number    int    `json:"number,omitempty"` // of the oracle's check
	Text      string `json:"text"`
	Entries   int    `json:"entries"`
	Case      string `json:"case,omitempty"`
	Vector    string `json:"vector,omitempty"`
	Signature string `json:"signature"`
	Request   string `json:"request,omitempty"`
	Reply     string `json:"reply,omitempty"`
	Stderr    string `json:"stderr,omitempty"`
	Shrunk    bool   `json:"shrunk"`
	File      string `json:"file,omitempty"`
}

type conformDeviation struct {
	Line    int    `json:"line"`
	Check   string `json:"check"`
	Pattern string `json:"pattern"`
	Reason  string `json:"reason"`
	Hits    uint64 `json:"hits"`
	Tried   bool   `json:"tried"` // its operation was exercised
	Gone    bool   `json:"gone"`  // it no longer happens
}

func newConformResult(s *runner.Summary, seed uint64) *conformResult {
	r := &conformResult{
		Child: s.Child, Offered: s.Offered, Seed: seed, Classes: s.Classes, Restarts: s.Restarts, Interrupted: s.Interrupted, Stderr: s.Stderr,
		Seconds: s.Elapsed.Seconds(), Ops: []conformOp{}, Findings: []conformFinding{}, Deviations: []conformDeviation{},
	}
	for i := range s.Ops {
		o := &s.Ops[i]
		op := conformOp{
			Op: o.Op.String(), Cases: o.Cases, Passed: o.Passed, Failed: o.Failed, Rejected: o.Rejected, Skipped: o.Skipped,
			Deviated: o.Deviated, Checks: []conformCheck{}, SkipReasons: o.SkipReasons, Unused: o.Unused, GivenUp: o.GivenUp, Seconds: o.Elapsed.Seconds(),
		}
		for _, c := range o.Checks {
			op.Checks = append(op.Checks, conformCheck{c.Name, c.Ran, c.Failed})
		}
		r.Ops = append(r.Ops, op)
	}
	for i := range s.Findings {
		f := &s.Findings[i]
		out := conformFinding{
			Op: f.Op.String(), Class: f.Class, Check: f.Check, Number: f.Number, Text: f.Text, Vector: f.Vector, Signature: f.Signature,
			Request: string(f.Request), Reply: strings.ToValidUTF8(string(f.Reply), "?"), Stderr: f.Stderr, Shrunk: f.Shrunk, File: f.Path,
		}
		if f.Case != nil {
			out.Entries, out.Case = len(f.Case.List), corpus.Format(f.Case)
		}
		r.Findings = append(r.Findings, out)
	}
	for _, d := range s.Deviations {
		r.Deviations = append(r.Deviations, conformDeviation{d.Line, d.Check, d.Pattern, d.Reason, d.Hits, d.Tried, d.Gone})
	}
	return r
}

// printConform prints the table, the findings and the deviations.
func (a *app) printConform(r *conformResult) {
	a.printf("child %q, offers %s; seed %d\n", r.Child, strings.Join(r.Offered, ", "), r.Seed)
	a.table(func(row func(...any)) {
		row("operation", "check", "cases", "passed", "failed", "rejected", "skipped")
		for i := range r.Ops {
			o := &r.Ops[i]
			row(o.Op, "all", o.Cases, o.Passed, o.Failed, o.Rejected, o.Skipped)
			for _, c := range o.Checks {
				row("", c.Name, c.Ran, c.Ran-c.Failed, c.Failed, "-", "-")
			}
		}
	})
	for i := range r.Ops {
		a.printConformOp(&r.Ops[i])
	}
	if r.Restarts > 0 {
		a.printf("the child was restarted %d times\n", r.Restarts)
	}
	if r.Interrupted {
		a.printf("interrupted\n")
	}
	for i := range r.Deviations {
		d := &r.Deviations[i]
		what := fmt.Sprintf("happened %d times", d.Hits)
		switch {
		case d.Gone:
			what = "NO LONGER HAPPENS: remove it"
		case !d.Tried:
			what = "was not tried"
		}
		a.printf("deviation of line %d, %s %s (%s): %s\n", d.Line, d.Check, d.Pattern, d.Reason, what)
	}
	a.printConformFindings(r)
}

func (a *app) printConformOp(o *conformOp) {
	switch {
	case o.Cases > 0:
		a.printf("%s: %.0f a second\n", o.Op, float64(o.Cases)/max(o.Seconds, 1e-9))
	case o.Op == conform.OpWQE.String():
		a.printf("%s: no cases; work requests are asked for with --vectors\n", o.Op)
	default:
		a.printf("%s: no cases\n", o.Op)
	}
	if o.Deviated > 0 {
		a.printf("%s: %d failed as declared\n", o.Op, o.Deviated)
	}
	for _, reason := range slices.Sorted(maps.Keys(o.SkipReasons)) {
		a.printf("%s: skipped %d: %s\n", o.Op, o.SkipReasons[reason], printable(reason))
	}
	for _, reason := range slices.Sorted(maps.Keys(o.Unused)) {
		a.printf("vectors: %d not used: %s\n", o.Unused[reason], reason)
	}
	if o.GivenUp != "" {
		a.printf("%s: %s\n", o.Op, o.GivenUp)
	}
}

func (a *app) printConformFindings(r *conformResult) {
	if len(r.Classes) == 0 {
		a.printf("no findings\n")
		return
	}
	a.printf("findings of %d kinds\n", len(r.Classes))
	for _, key := range slices.Sorted(maps.Keys(r.Classes)) {
		a.printf("%s: %d requests\n", key, r.Classes[key])
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Op+"/"+f.Check == key {
				a.printConformFinding(f)
			}
		}
	}
}

// shownLine bounds what is shown of a request or reply in bytes.
const shownLine = 400

func (a *app) printConformFinding(f *conformFinding) {
	a.printf("  %s finding, %d entries%s\n%s\n", f.Class, f.Entries, map[bool]string{true: ", shrunk"}[f.Shrunk], indent(indent(f.Text)))
	for _, part := range []struct{ name, text string }{{"request", f.Request}, {"reply  ", f.Reply}} {
		if text := printable(part.text); len(text) > shownLine {
			a.printf("    %s %s…\n", part.name, strings.ToValidUTF8(text[:shownLine], ""))
		} else if text != "" {
			a.printf("    %s %s\n", part.name, text)
		}
	}
	if f.Stderr != "" {
		a.printf("    stderr  %s\n", strings.ReplaceAll(f.Stderr, "\n", "\n            "))
	}
	if f.File != "" {
		a.printf("    file    %s\n", f.File)
	}
}

// printable keeps what a child wrote from moving the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// JUnit's elements: a suite for each operation, a case for each check.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes the result as JUnit XML.
func writeJUnit(path string, r *conformResult) error {
	b, err := xml.MarshalIndent(junitOf(r), "", "  ")
	if err != nil {
		return err
	}
	return files.WriteBytes(path, append([]byte(xml.Header), append(b, '\n')...))
}

func junitOf(r *conformResult) *junitSuites {
	all := &junitSuites{Name: "sgfuzz conform"}
	left := maps.Clone(r.Classes)
	for i := range r.Ops {
		o := &r.Ops[i]
		s := junitSuite{Name: o.Op, Time: fmt.Sprintf("%.3f", o.Seconds)}
		for _, c := range o.Checks {
			s.add(r, o.Op, c.Name, c.Ran == 0)
			delete(left, o.Op+"/"+c.Name)
		}
		for _, key := range slices.Sorted(maps.Keys(left)) { // breaches of the protocol
			if op, check, _ := strings.Cut(key, "/"); op == o.Op {
				s.add(r, op, check, false)
				delete(left, key)
			}
		}
		all.add(s)
	}
	rest := junitSuite{Name: "protocol", Time: "0"}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		op, check, _ := strings.Cut(key, "/")
		rest.add(r, op, check, false)
	}
	for _, d := range r.Deviations {
		c := junitCase{Class: "deviations", Name: d.Check + " " + d.Pattern}
		if d.Gone {
			c.Failure = &junitMessage{Message: "no longer happens: " + d.Reason}
			rest.Failures++
		}
		rest.Cases, rest.Tests = append(rest.Cases, c), rest.Tests+1
	}
	if rest.Tests > 0 {
		all.add(rest)
	}
	return all
}

func (all *junitSuites) add(s junitSuite) {
	all.Suites, all.Tests, all.Failures = append(all.Suites, s), all.Tests+s.Tests, all.Failures+s.Failures
}

// add adds a check of an operation.
func (s *junitSuite) add(r *conformResult, op, check string, skipped bool) {
	c := junitCase{Class: op, Name: check}
	s.Tests++
	if n := r.Classes[op+"/"+check]; n > 0 {
		s.Failures++
		c.Failure = &junitMessage{Message: fmt.Sprintf("%d requests", n)}
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Op == op && f.Check == check {
				c.Failure.Text += fmt.Sprintf("%s\n%s\n%s\n", f.Text, printable(f.Request), printable(f.Reply))
			}
		}
	} else if skipped {
		s.Skipped++
		c.Skipped = &junitMessage{Message: "the check did not apply to any request"}
	}
	s.Cases = append(s.Cases, c)
}
