package fuzz

import (
	"context"
	"slices"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/mutants"
)

// TestScreen runs a campaign with screening over a registering side that is
// right, and one that is not: most cases of the first are screened only in the
// end, and the second's defect is found all the same, by cases that fail in
// full.
func TestScreen(t *testing.T) {
	run := func(c Config) *Summary {
		t.Helper()
		c.Seed, c.Jobs, c.Strategies = 3, 1, []string{"indirect"}
		sum, err := Campaign(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	if s := run(Config{Cases: 3000}); s.Failed != 0 || s.Screened < 300 || s.Screened > 3000*(DefaultScreen-1)/DefaultScreen {
		t.Errorf("%d of 3000 cases screened only, %d failures", s.Screened, s.Failed)
	}
	if s := run(Config{Cases: 200, Screen: 1}); s.Screened != 0 {
		t.Errorf("%d cases screened only, none should be", s.Screened)
	}
	m, ok := mutants.ByName("klm-neighbours-swapped")
	if !ok {
		t.Fatal("no such mutant")
	}
	parts := m.Parts()
	plant := func(o *Options) {
		o.Mapper, o.Encoder, o.Wrap, o.Host = parts.Mapper, parts.Encoder, parts.Wrap, parts.Host
	}
	if s := run(Config{Cases: 300, Options: plant}); s.Failed == 0 {
		t.Error("a planted defect is not found")
	}
}

// needFull are the mutants that a quick look does not see in their witness: the
// defect shows in the second registration of a list, which the length of this
// one does not choose, or is in how the device moves bytes, not in where.
var needFull = []string{"second-table-unfilled", "key-not-bumped", "dma-address-40-bits", "dma-write-in-bursts", "dma-read-wraps-in-page", "dma-write-lost-at-odd-end"}

// TestQuickSees runs every mutant's witness through a quick Runner: screening
// is sound because all but a few fail there.
func TestQuickSees(t *testing.T) {
	var missed []string
	for _, m := range mutants.All() {
		c, err := Witness(m)
		if err != nil {
			t.Fatal(err)
		}
		o := MutantOptions(m)
		o.Quick = true
		if !NewRunner(o).Verdict(c).Failed {
			missed = append(missed, m.Name)
		}
	}
	if !slices.Equal(missed, needFull) {
		t.Errorf("a quick look misses %v, want %v", missed, needFull)
	}
}
