//go:build planted

package fuzz

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// plantedNumber reads a number of the environment, which bench.sh sets.
func plantedNumber(t *testing.T, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(os.Getenv(name), 10, 64)
	if err != nil || n < 1 {
		t.Skipf("%s=%q: internal/engines/bench.sh sets it", name, os.Getenv(name))
	}
	return n
}

// TestHuntByCampaign looks for the planted defect as sgfuzz run does, on one
// core, until it is found or SGFUZZ_RUNS cases are over.
func TestHuntByCampaign(t *testing.T) {
	seed, runs := plantedNumber(t, "SGFUZZ_SEED"), plantedNumber(t, "SGFUZZ_RUNS")
	if _, err := plantedOptions(); err != nil {
		t.Fatal(err)
	}
	h, err := newHunt()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var at time.Time
	counted := int64(0)
	sum, err := Campaign(ctx, Config{
		Seed: uint64(seed), Cases: uint64(runs), Jobs: 1, Variants: true, Every: time.Millisecond,
		Options: func(o *Options) {
			fresh, _ := plantedOptions() // parts have state: a Runner's own
			o.Mapper, o.Encoder, o.Wrap, o.Host = fresh.Mapper, fresh.Encoder, fresh.Wrap, fresh.Host
		},
		Progress: func(s Stats) {
			if n := int64(s.Cases); n > counted {
				if err := os.Truncate(h.count.Name(), n); err != nil {
					t.Error(err)
				}
				counted = n
			}
			if s.Failed > 0 && at.IsZero() {
				at = time.Now()
				cancel()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sum.Findings) == 0 {
		t.Fatalf("not found in %d cases", sum.Cases)
	}
	if at.IsZero() {
		at = time.Now()
	}
	f := &sum.Findings[0]
	if err := h.found(int64(f.Number)+1, at, f.Class+"\n"+f.Text+"\n"+corpus.Format(f.Case)); err != nil {
		t.Fatal(err)
	}
}

// TestHuntByGopter looks for the planted defect with the generators that the
// properties draw from.
func TestHuntByGopter(t *testing.T) {
	plantedNumber(t, "SGFUZZ_SEED") // propParameters takes it from there
	runs := plantedNumber(t, "SGFUZZ_RUNS")
	o, err := plantedOptions()
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHunt()
	if err != nil {
		t.Fatal(err)
	}
	r := NewRunner(o)
	p := propParameters(t, int(runs))
	result := prop.ForAllNoShrink(func(c *propCase) *gopter.PropResult {
		err := h.step(func() error {
			if v := r.Verdict(&c.Case); v.Failed {
				return failure(v.Class, "%s\n%s", v.Text, corpus.Format(&c.Case))
			}
			return nil
		})
		return gopter.NewPropResult(err == nil, Class(err))
	}, genCases(false)).Check(p)
	if result.Passed() {
		t.Fatalf("not found in %d cases", result.Succeeded)
	}
	t.Log(strings.Join(result.Labels, "; "))
}

// TestPlantedSeeds demands that no seed in SGFUZZ_SEEDS, a directory of case
// files, fails with the planted defect: a comparison would be one of seeds.
func TestPlantedSeeds(t *testing.T) {
	dir := os.Getenv("SGFUZZ_SEEDS")
	if dir == "" {
		t.Skip("SGFUZZ_SEEDS is not set: internal/engines/bench.sh sets it")
	}
	body, err := plantedBody()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := corpus.LoadFS(os.DirFS(dir))
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases in %s: %v", len(cases), dir, err)
	}
	for _, c := range cases {
		data, err := CaseInput(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := body(data); err != nil {
			t.Errorf("%s gives it away: %v", c.Name, err)
		}
	}
}
