package fuzz

import (
	"context"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
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
		if v := NewRunner(mutantOptions(m)).Verdict(c); !v.Failed {
			t.Errorf("%s: %s passes with the mutant", m.Name, m.Witness)
		}
	}
}

// TestMutantsFound demands that one seed of the bench finds each mutant, and
// that what it finds is the mutant's fault.
func TestMutantsFound(t *testing.T) {
	for _, m := range mutants.All() {
		r, err := Bench(context.Background(), m, BenchConfig{Seeds: 1, Limit: 20_000, Shrink: 300})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Found {
			t.Errorf("%s: not found in %d cases", m.Name, r.Executions)
			continue
		}
		c := r.Hits[0].Case
		if v := NewRunner(Options{}).Verdict(c); v.Failed {
			t.Errorf("%s: fails without the mutant:\n%s\n%s", m.Name, v.Text, corpus.Format(c))
		}
	}
}
