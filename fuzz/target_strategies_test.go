package fuzz

import (
	"slices"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestPlansReachEverything runs the seeds under every plan: each strategy
// accepts and refuses, each two are compared, each check runs.
func TestPlansReachEverything(t *testing.T) {
	seeds := seedsOf(t, caseSeeds)
	if testing.Short() {
		seeds = seeds[:80]
	}
	target := newCaseTarget(Options{})
	var ran [oracle.NumChecks + 1]int
	answers := map[string]map[Answer]bool{}
	for i, b := range seeds {
		for p := range plans {
			if len(plans[p].strategies) > 1 && (i+p)%4 != 0 {
				continue // a quarter will do
			}
			b[0] = byte(p)
			if err := target.run(b); err != nil {
				t.Fatal(err)
			}
			for j := range target.runner.outs {
				o := &target.runner.outs[j]
				for c, n := range o.Verdict.Ran {
					ran[c] += int(n)
				}
				if answers[o.Strategy] == nil {
					answers[o.Strategy] = map[Answer]bool{}
				}
				answers[o.Strategy][o.Answer] = true
			}
		}
	}
	for n := 1; n <= oracle.NumChecks; n++ {
		if c := oracle.Check(n); ran[n] == 0 && c != oracle.Vector { // which compares with recordings
			t.Errorf("check %v never ran", c)
		}
	}
	for _, s := range corpus.Strategies() {
		if !answers[s][Accepted] || !answers[s][Refused] && s != "rdmarw" {
			t.Errorf("%s: answers %v", s, answers[s])
		}
	}
}

// TestPlansFindMutants gives each mutant's witness to the target with the
// mutant in place: some plan must fail, and the case that InputCase gives must
// fail for a Runner as well.
func TestPlansFindMutants(t *testing.T) {
	for _, m := range mutants.All() {
		c, err := Witness(m)
		if err != nil {
			t.Fatal(err)
		}
		data, err := CaseInput(c)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		target := newCaseTarget(MutantOptions(m))
		found := false
		for p := range plans {
			data[0] = byte(p)
			other := func(s string) bool { return !slices.Contains(m.Strategies, s) } // it may panic with the mutant's parts
			if !slices.ContainsFunc(planned(data, c), other) {
				found = found || target.run(data) != nil
			}
		}
		if !found {
			t.Errorf("%s: no plan fails on %s", m.Name, m.Witness)
		}
		if v := NewRunner(MutantOptions(m)).Verdict(InputCase(data)); !v.Failed {
			t.Errorf("%s: the case of the input passes", m.Name)
		}
	}
}

func TestPlanned(t *testing.T) {
	long := corpus.Case{List: sg.List{{Addr: 0x1000, Len: 1<<32 - 1}}}
	short := corpus.Case{List: sg.List{{Addr: 0x1000, Len: 1}}}
	pair := byte(slices.IndexFunc(plans, func(p plan) bool { return slices.Equal(p.strategies, []string{"fastreg", "indirect"}) }))
	named := func(c corpus.Case, s string) *corpus.Case { c.Strategy = s; return &c }
	for _, row := range []struct {
		name string
		data []byte
		c    *corpus.Case
		want []string
	}{
		{"none", nil, &short, []string{"fastreg"}},
		{"one", []byte{4}, &short, []string{"indirect"}},
		{"two", []byte{pair}, &short, []string{"fastreg", "indirect"}},
		{"round and round", []byte{pair + byte(len(plans))}, &short, []string{"fastreg", "indirect"}},
		{"the case's own", []byte{pair}, named(short, "umem"), []string{"umem"}},
		{"long", []byte{pair}, &long, []string{"indirect"}},
		{"long, for neither", []byte{0}, &long, []string{"indirect", "rdmarw", "umem"}},
	} {
		if got := planned(row.data, row.c); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	if got := planned(nil, named(long, "rdmarw")); !slices.Equal(got, []string{"rdmarw"}) {
		t.Errorf("long for rdmarw: %v", got)
	}
	if got := planned(nil, named(long, "fastreg")); slices.Contains(got, "fastreg") {
		t.Errorf("long for fastreg: %v", got)
	}
	long.PageSize = 1 << 30
	if got := planned(nil, &long); !slices.Equal(got, []string{"fastreg"}) {
		t.Errorf("4 GiB in large pages: %v", got)
	}
}
