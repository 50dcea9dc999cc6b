package fuzz

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// TestMutantWitnesses holds each mutant's witness case against the mutant and
// against the correct code.
func TestMutantWitnesses(t *testing.T) {
	for _, m := range mutants.All() {
		c, err := Witness(m)
		if err != nil {
			t.Error(err)
			continue
		}
		if v := NewRunner(Options{Strategies: m.Strategies}).Verdict(c); v.Failed {
			t.Errorf("%s: %s fails without the mutant:\n%s", m.Name, m.Witness, v.Text)
		}
		if v := NewRunner(MutantOptions(m)).Verdict(c); !v.Failed {
			t.Errorf("%s: %s passes with the mutant", m.Name, m.Witness)
		}
	}
}

// TestMutantsFound demands that one seed of the bench finds each mutant, and
// that what it finds is the mutant's fault. Without -short it also demands that
// the case shrinks to about the least known.
func TestMutantsFound(t *testing.T) {
	config := BenchConfig{Seeds: 1, Limit: 20_000}
	if testing.Short() {
		config.Shrink = 1
	}
	correct := NewRunner(Options{})
	for _, m := range mutants.All() {
		r, err := Bench(context.Background(), m, config)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Found {
			t.Errorf("%s: not found in %d cases", m.Name, r.Executions)
			continue
		}
		c := r.Hits[0].Case
		if v := correct.Verdict(c); v.Failed {
			t.Errorf("%s: fails without the mutant:\n%s\n%s", m.Name, v.Text, corpus.Format(c))
		}
		if r.Entries > m.Minimum+1 && !testing.Short() {
			t.Errorf("%s: shrunk to %d entries, %d are enough:\n%s", m.Name, r.Entries, m.Minimum, r.Case)
		}
	}
}

// TestMutantCatalogue holds the mutants against the catalogue of defects: each
// number has a mutant or a reason, names are unique, and what is told of a
// mutant is complete.
func TestMutantCatalogue(t *testing.T) {
	covered, names := map[string]bool{}, map[string]bool{}
	for _, m := range mutants.All() {
		if names[m.Name] {
			t.Errorf("%s: two of this name", m.Name)
		}
		names[m.Name], covered[m.Bug] = true, true
		if m.Cause == "" || m.Project == "" || m.Witness == "" || m.Minimum < 1 || len(m.Strategies) == 0 {
			t.Errorf("%s: incomplete: %+v", m.Name, m)
		}
		if m.Made() != (m.Year == 0) || m.Made() && m.Bug != "" {
			t.Errorf("%s: made or not? %s %d %s", m.Name, m.Project, m.Year, m.Bug)
		}
		for _, s := range m.Strategies {
			if !slices.Contains(corpus.Strategies(), s) {
				t.Errorf("%s: strategy %q", m.Name, s)
			}
		}
	}
	for _, x := range mutants.Missing() {
		if covered[x.Bug] || x.Reason == "" || x.What == "" {
			t.Errorf("%s: has a mutant, or no reason: %+v", x.Bug, x)
		}
		covered[x.Bug] = true
	}
	for _, n := range catalogue {
		if !covered[fmt.Sprintf("B%02d", n)] {
			t.Errorf("B%02d: neither a mutant nor a reason", n)
		}
	}
	for n := 1; n <= 6; n++ {
		if !covered[fmt.Sprintf("L%d", n)] {
			t.Errorf("L%d: no mutant", n)
		}
	}
}

// catalogue are the numbers of the catalogue of defects, which has gaps.
var catalogue = []int{
	1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34, 35, 36, 37, 39, 40,
	41, 42, 43, 44, 46, 47, 48, 50, 51, 52, 54, 55, 57, 59, 60, 62, 63, 64, 65, 66, 67, 68, 69, 70, 72, 73, 75, 76, 77, 78, 79, 81, 83, 84, 85,
}

// TestBenchCounts checks the bench's own arithmetic on hits made by hand.
func TestBenchCounts(t *testing.T) {
	c := &corpus.Case{}
	r := MutantResult{Hits: []Hit{
		{Found: true, Check: 1, Checks: []oracle.Check{1, 5}, Executions: 30, Elapsed: 3e9, Entries: 2, Case: c},
		{Found: true, Check: 5, Checks: []oracle.Check{5, 4}, Executions: 10, Elapsed: 1e9, Entries: 4, Case: c},
		{Found: true, Check: 5, Executions: 20, Elapsed: 2e9, Entries: 3, Case: c},
	}}
	r.summarise()
	if !r.Found || r.Check != 5 || r.CheckName != "conservation" || r.Executions != 20 || r.WorstExecutions != 30 ||
		r.Seconds != 2 || r.WorstSeconds != 3 || r.Entries != 3 || !slices.Equal(r.Checks, []int{1, 4, 5}) {
		t.Errorf("%+v", r)
	}
	r.Hits = append(r.Hits, Hit{Executions: 99, Elapsed: 9e9})
	if r.summarise(); r.Found || r.WorstExecutions != 99 {
		t.Errorf("a seed that found nothing: %+v", r)
	}
	if none := (&MutantResult{}); true {
		if none.summarise(); none.Found || none.Check != 0 {
			t.Errorf("no hits: %+v", none)
		}
	}
}

// TestBenchSurvivor runs the bench on correct code: it finds nothing, says so,
// and ends at the limit or with the context.
func TestBenchSurvivor(t *testing.T) {
	m := &mutants.Mutant{Name: "none", Strategies: []string{"indirect"}}
	r, err := Bench(context.Background(), m, BenchConfig{Seeds: 2, Limit: 50})
	if err != nil || r.Found || r.Executions != 50 || len(r.Hits) != 2 {
		t.Errorf("%v %+v", err, r)
	}
	var b strings.Builder
	if err := WriteMutantTable(&b, []MutantResult{r}); err != nil || !strings.Contains(b.String(), "NOT FOUND") || !strings.Contains(b.String(), "0 of 1") {
		t.Errorf("%v\n%s", err, b.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := Bench(ctx, m, BenchConfig{}); err != nil || len(r.Hits) != 0 || r.Found {
		t.Errorf("cancelled: %v %+v", err, r)
	}
}

func TestMutantsByName(t *testing.T) {
	if ms, err := Mutants("gap-never-true"); err != nil || len(ms) != 1 || ms[0].Bug != "B26" {
		t.Error(ms, err)
	}
	if _, err := Mutants("no-such"); err == nil {
		t.Error("an unknown name is taken")
	}
	if ms, err := Mutants(); err != nil || len(ms) < 60 {
		t.Error(len(ms), err)
	}
}
