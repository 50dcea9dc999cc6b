package fuzz

import (
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestWatch holds the order in which a run's registrations are seen.
func TestWatch(t *testing.T) {
	gap := &corpus.Case{List: sg.List{{Addr: 0x1000, Len: 100}, {Addr: 0x2000, Len: 100}}}
	for _, x := range []struct {
		strategy, mutant string
		want             []Sight
	}{
		{strategy: "indirect", want: []Sight{{}, {Again: true}}},
		{strategy: "fastreg", want: []Sight{{}, {Part: 1}}}, // refused, then taken in parts
		{strategy: "indirect", mutant: "klm-byte-order", want: []Sight{{}}},
	} {
		o := Options{}
		if m, ok := mutants.ByName(x.mutant); ok {
			o = MutantOptions(m)
		}
		o.Strategies = []string{x.strategy}
		var got []Sight
		o.Watch = func(s *Sight) {
			if s.Err == nil && (s.Registration == nil || len(s.Registration.Tuples) == 0) {
				t.Errorf("%s: nothing to see", x.strategy)
			}
			if _, ok := s.Env.Dev.QueryMkey(s.Registration.Keys[0]); !ok {
				t.Errorf("%s: the key is gone", x.strategy)
			}
			got = append(got, Sight{Part: s.Part, Again: s.Again})
		}
		if _, err := NewRunner(o).Run(gap); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(x.want) {
			t.Fatalf("%s: saw %v, want %v", x.strategy, got, x.want)
		}
		for i := range got {
			if got[i] != x.want[i] {
				t.Errorf("%s: sight %d is %+v, want %+v", x.strategy, i, got[i], x.want[i])
			}
		}
	}
}
