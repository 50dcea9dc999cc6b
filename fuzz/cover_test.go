package fuzz

import (
	"context"
	"slices"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
)

func TestCover(t *testing.T) {
	sig := func(fs ...feature) Signature { return Signature{fs} }
	for _, row := range []struct {
		name         string
		sigs         []Signature
		always, size []int
		most         int
		want         []int
	}{
		{"nothing", nil, nil, nil, 0, nil},
		{"empty signatures", []Signature{sig(), sig()}, nil, []int{1, 1}, 0, nil},
		{"one has all", []Signature{sig(1), sig(1, 2, 3), sig(3)}, nil, []int{1, 9, 1}, 0, []int{1}},
		{"smaller of equals", []Signature{sig(1, 2), sig(1, 2), sig(1, 2)}, nil, []int{3, 2, 2}, 0, []int{1}},
		{"one always", []Signature{sig(1, 2), sig(1, 2), sig(1)}, []int{2}, []int{3, 2, 2}, 0, []int{1, 2}},
		{"each its own", []Signature{sig(1), sig(2), sig(3)}, nil, []int{1, 1, 1}, 0, []int{0, 1, 2}},
		{"greedy", []Signature{sig(1, 2), sig(2, 3, 4), sig(4, 5), sig(1, 5)}, nil, []int{1, 1, 1, 1}, 0, []int{1, 3}},
		{"the best two", []Signature{sig(1), sig(2, 3), sig(4, 5, 6), sig(7)}, nil, []int{1, 1, 1, 1}, 2, []int{1, 2}},
		{"one beside one", []Signature{sig(1), sig(2, 3), sig(4, 5, 6)}, []int{0}, []int{1, 1, 1}, 1, []int{0, 2}},
	} {
		if got := Cover(row.sigs, row.always, row.most, func(i int) int { return row.size[i] }); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// TestSignaturesKeepWitnesses demands that the cover of a few cases shows the
// mutants that the cases show.
func TestSignaturesKeepWitnesses(t *testing.T) {
	ms, err := Mutants()
	if err != nil {
		t.Fatal(err)
	}
	ms = ms[:8]
	var cases []*corpus.Case
	for _, m := range ms {
		c, err := Witness(m)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c, c.Clone())
	}
	runs := 0
	sigs, err := Signatures(context.Background(), cases, ms, 1, func(int) { runs++ })
	if err != nil || runs != len(cases)*(1+len(ms)) {
		t.Fatalf("%d runs, %v", runs, err)
	}
	for i := range cases {
		if sigs[i].Mutants() == 0 || sigs[i].Features() == 0 {
			t.Errorf("%s shows %d mutants, %d features", cases[i].Name, sigs[i].Mutants(), sigs[i].Features())
		}
	}
	kept := Cover(sigs, nil, 0, func(i int) int { return len(cases[i].List) })
	shown := map[feature]bool{}
	for _, i := range kept {
		for _, f := range sigs[i].features {
			shown[f] = true
		}
	}
	for i := range sigs {
		for _, f := range sigs[i].features {
			if !shown[f] {
				t.Fatalf("feature %#x of %s is lost", f, cases[i].Name)
			}
		}
	}
	if len(kept) > len(ms) {
		t.Errorf("%d of %d cases kept, every second one is a copy", len(kept), len(cases))
	}
}
