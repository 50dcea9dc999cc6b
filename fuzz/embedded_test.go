package fuzz

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// embeddedFeatures is how many features the embedded cases show. Fewer means
// that a case was lost, or that something is no longer told apart.
const embeddedFeatures = 18454

func embeddedCases(t *testing.T) []*corpus.Case {
	t.Helper()
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestEmbeddedReplays runs every case file there is and holds each strategy to
// the want lines.
func TestEmbeddedReplays(t *testing.T) {
	r := NewRunner(Options{Variants: true})
	ran, wants := 0, 0
	for _, c := range embeddedCases(t) {
		outs, err := r.Run(c)
		if err != nil {
			t.Error(err)
			continue
		}
		ran++
		for i := range outs {
			if _, ok := c.Want(outs[i].Strategy); ok {
				wants++
			}
			if outs[i].Failed() {
				t.Errorf("%s: %s\n%s", c.Name, outs[i].Class(), texts(&outs[i]))
			}
		}
	}
	files, lines := 0, 0
	err := filepath.WalkDir("../corpus/cases", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != corpus.Ext {
			return err
		}
		text, err := os.ReadFile(name)
		files, lines = files+1, lines+strings.Count(string(text), "\nwant ")
		return err
	})
	if err != nil || ran != files || wants != lines {
		t.Errorf("%d cases with %d wants ran, %d files have %d: %v", ran, wants, files, lines, err)
	}
}

// TestEmbeddedIsMinimal demands that the embedded cases together show all that
// they ever did, and that each case that is there for nothing else shows
// something that no other case does. That a witness of each mutant is among them
// is TestMutantWitnesses' to see.
func TestEmbeddedIsMinimal(t *testing.T) {
	cases := embeddedCases(t)
	sigs, err := Signatures(context.Background(), cases, nil, 1, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	all := Union(sigs)
	if got := all.Features(); got < embeddedFeatures {
		t.Errorf("%d features, there were %d", got, embeddedFeatures)
	} else if got > embeddedFeatures {
		t.Logf("%d features now, %d stated", got, embeddedFeatures)
	}
	shownBy := map[feature]int{}
	for i := range sigs {
		for _, f := range sigs[i].features {
			shownBy[f]++
		}
	}
	for i, c := range cases {
		own := slices.ContainsFunc(sigs[i].features, func(f feature) bool { return shownBy[f] == 1 })
		if !own && (strings.HasPrefix(c.Name, "captures/") || strings.HasPrefix(c.Name, "found/")) {
			t.Errorf("%s shows nothing that no other case shows", c.Name)
		}
	}
}
