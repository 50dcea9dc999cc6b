package bench

import (
	"context"
	"sync"
	"time"

	"github.com/sgfuzz/sgfuzz/fuzz"
)

// LoopRow is the check loop's throughput: fuzz.CheckLoop on several workers.
type LoopRow struct {
	Bench      string  `json:"bench"`
	N          int     `json:"n"` // entries of a list in the mean
	Impl       string  `json:"impl"`
	Strategies string  `json:"strategies"` // "all", or the only one
	Workers    int     `json:"workers"`
	PerSecond  float64 `json:"registrations_per_second"` // of all workers together; lists times strategies
	NsPerEntry float64 `json:"ns_per_entry"`             // of one worker's time
	Seconds    float64 `json:"seconds"`                  // that were measured
}

// AllStrategies is LoopRow.Strategies of a loop over all of them.
const AllStrategies = "all"

// Loop runs the check loop on workers at once, for about d after a warm-up of a
// tenth of that, with one strategy or AllStrategies. A list that a check fails
// on ends it with an error.
func Loop(ctx context.Context, strategy string, workers int, d time.Duration) (LoopRow, error) {
	row := LoopRow{Bench: Check, N: fuzz.CheckLoopEntries, Impl: Sgfuzz, Strategies: strategy, Workers: workers}
	var only []string
	if strategy != AllStrategies {
		only = []string{strategy}
	}
	loops := make([]*fuzz.CheckLoop, workers)
	for i := range loops {
		l, err := fuzz.NewCheckLoop(uint64(i)<<32, only...)
		if err != nil {
			return row, err
		}
		loops[i] = l
	}
	if _, _, err := turnLoops(ctx, loops, d/10); err != nil {
		return row, err
	}
	n, took, err := turnLoops(ctx, loops, d)
	if err != nil {
		return row, err
	}
	row.Seconds = took.Seconds()
	row.PerSecond = float64(n) / row.Seconds
	row.NsPerEntry = 1e9 * float64(workers) / row.PerSecond / float64(row.N)
	return row, nil
}

// turnLoops lets every loop go on for d and counts registrations.
func turnLoops(ctx context.Context, loops []*fuzz.CheckLoop, d time.Duration) (n int, took time.Duration, err error) {
	counts, errs := make([]int, len(loops)), make([]error, len(loops))
	start := time.Now()
	var wg sync.WaitGroup
	for i, l := range loops {
		wg.Go(func() { counts[i], errs[i] = stepFor(ctx, l, start, d) })
	}
	wg.Wait()
	took = time.Since(start)
	for i := range loops {
		if errs[i] != nil {
			return 0, took, errs[i]
		}
		n += counts[i]
	}
	return n, took, ctx.Err()
}

// batch is how many lists are checked between two looks at the clock.
const batch = 64

func stepFor(ctx context.Context, l *fuzz.CheckLoop, start time.Time, d time.Duration) (n int, err error) {
	for ctx.Err() == nil && time.Since(start) < d {
		for range batch {
			k, err := l.Step()
			if err != nil {
				return n, err
			}
			n += k
		}
	}
	return n, nil
}
