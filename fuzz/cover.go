package fuzz

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
)

// Signature is what a case shows: the features that campaigns are guided by,
// and the mutants it tells from the correct registering side.
type Signature struct{ features []feature }

// Features is the number of features without mutants.
func (s *Signature) Features() int { return len(s.features) - s.Mutants() }

// Mutants is the number of mutants that the case shows.
func (s *Signature) Mutants() (n int) {
	for _, f := range s.features {
		if f>>56 == kindMutant {
			n++
		}
	}
	return n
}

// Signatures runs every case, and every case against every mutant of ms, on
// jobs workers (0 for one a core). progress is called from several of them with
// the number of runs done. The error is that of a case that cannot be run, or
// ctx's.
func Signatures(ctx context.Context, cases []*corpus.Case, ms []*mutants.Mutant, jobs int, progress func(done int)) ([]Signature, error) {
	sigs := make([]Signature, len(cases))
	var mu sync.Mutex
	var done atomic.Int64
	err := inParallel(ctx, 1+len(ms), jobs, func(part int) error {
		o := Options{Variants: true}
		if part > 0 {
			o = MutantOptions(ms[part-1])
		}
		r := NewRunner(o)
		for i, c := range cases {
			if err := ctx.Err(); err != nil {
				return err
			}
			outs, err := r.Run(c)
			if err != nil {
				return fmt.Errorf("case %s: %w", c.Name, err)
			}
			mu.Lock()
			sigs[i].add(c, outs, part)
			mu.Unlock()
			progress(int(done.Add(1)))
		}
		return nil
	})
	return sigs, err
}

// add takes what a run of the case shows; part is 0 for the correct registering
// side or the number of a mutant.
func (s *Signature) add(c *corpus.Case, outs []Outcome, part int) {
	list := c.List.Features(c.EffectivePageSize())
	for i := range outs {
		switch {
		case part == 0:
			s.features = appendFeatures(s.features, c, &outs[i], list)
		case outs[i].Failed():
			s.features = append(s.features, featureOf(kindMutant, uint8(part>>8), uint8(part)))
		}
	}
	slices.Sort(s.features)
	s.features = slices.Compact(s.features)
}

// inParallel calls part for 0 to n-1 on several goroutines and gives the first
// error.
func inParallel(ctx context.Context, n, jobs int, part func(int) error) error {
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	errs := make(chan error, jobs)
	for range min(jobs, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := part(i); err != nil {
					errs <- err
					next.Store(int64(n)) // nobody takes another part
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return ctx.Err()
	}
}

// Cover picks signatures that together have every feature of all: again and
// again the one with most features that are not there yet, of several the one
// of the smallest size, the first of several. Those of always are kept in any
// case, of the others the first most; 0 for all that it takes. The indices are
// in rising order.
func Cover(sigs []Signature, always []int, most int, size func(i int) int) (kept []int) {
	have := map[feature]struct{}{}
	gain := make([]int, len(sigs)) // at most that many: others picked only lower it
	for i := range sigs {
		gain[i] = len(sigs[i].features)
	}
	take := func(i int) {
		kept, gain[i] = append(kept, i), 0
		for _, f := range sigs[i].features {
			have[f] = struct{}{}
		}
	}
	for _, i := range always {
		take(i)
	}
	for n := 0; most == 0 || n < most; n++ {
		best, high := -1, 0
		for i := range sigs {
			if gain[i] < high || gain[i] == 0 {
				continue
			}
			gain[i] = missing(sigs[i].features, have)
			if gain[i] > high || gain[i] == high && high > 0 && size(i) < size(best) {
				best, high = i, gain[i]
			}
		}
		if best < 0 {
			break
		}
		take(best)
	}
	slices.Sort(kept)
	return kept
}

// Union is the signature of all cases together.
func Union(sigs []Signature) (all Signature) {
	for i := range sigs {
		all.features = append(all.features, sigs[i].features...)
	}
	slices.Sort(all.features)
	all.features = slices.Compact(all.features)
	return all
}

func missing(all []feature, have map[feature]struct{}) (n int) {
	for _, f := range all {
		if _, ok := have[f]; !ok {
			n++
		}
	}
	return n
}
