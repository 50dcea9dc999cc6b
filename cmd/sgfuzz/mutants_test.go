package main

import (
	"testing"
)

func TestMutants(t *testing.T) {
	sgfuzz("", "mutants", "--seeds=1", "--verbose", "gap-never-true").want(t, exitFine, "B26", "14 limits", "1 of 1 mutants found", "\nsg ")
	sgfuzz("", "mutants", "--seeds=1", "--cases=1", "blocks-of-4g-truncated").want(t, exitFindings, "NOT FOUND", "0 of 1")
	sgfuzz("", "mutants", "no-such").want(t, exitUsage, "no-such")
	sgfuzz("", "mutants", "--seeds=0").want(t, exitUsage, "--seeds")
}

func TestMutantsJSON(t *testing.T) {
	r := sgfuzz("", "mutants", "--seeds=3", "--json", "gap-never-true", "klm-byte-order")
	r.want(t, exitFine)
	type row struct {
		Name       string
		Found      bool
		Check      int
		Executions uint64
		Seconds    float64
		Entries    int
	}
	for i, x := range decodeJSON[[]row](t, r.out) {
		if want := [...]string{"gap-never-true", "klm-byte-order"}[i]; x.Name != want || !x.Found || x.Check == 0 || x.Executions == 0 || x.Seconds <= 0 || x.Entries == 0 {
			t.Errorf("row %d, %s: %+v", i, want, x)
		}
	}
}
