package fuzz

import (
	"cmp"
	"context"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// Rounds are short at first, so that there is soon something to mutate and
// findings of a short campaign get shrunk.
const (
	firstRound = 64
	fullRound  = 1024
)

// roundEnd is the number, from the campaign's first case on, at which the round
// with case n ends.
func roundEnd(n uint64) uint64 {
	end, size := uint64(0), uint64(firstRound)
	for ; size < fullRound; size *= 2 {
		if end += size; n < end {
			return end
		}
	}
	return end + (n-end)/fullRound*fullRound + fullRound
}

// grace is how long a campaign that is to end waits for a case under way.
const grace = 500 * time.Millisecond

// result is what a case of the round under way gave.
type result struct {
	n        uint64
	c        *corpus.Case // if there is anything below
	mutated  bool
	screened bool
	cost     int       // see costOf
	features []feature // that no former round has seen
	failures []caught
}

// caught is an outcome that failed.
type caught struct{ class, strategy, text string }

// loop runs rounds until there is a reason to end.
func (k *campaign) loop(ctx context.Context) error {
	if err := k.shrinkAll(ctx); err != nil { // left by a former session
		return err
	}
	for ctx.Err() == nil && !k.failed() && (k.Cases == 0 || k.next-k.First < k.Cases) {
		if err := k.begin(); err != nil {
			return err
		}
		end := k.First + roundEnd(k.next-k.First)
		stop := end
		if k.Cases > 0 {
			stop = min(end, k.First+k.Cases)
		}
		whole := k.round(ctx, stop)
		if k.failed() {
			return nil
		}
		rec := k.merge()
		if whole && stop == end && k.journal != nil { // half a round is done again
			if err := k.journal.round(k, end, rec); err != nil {
				return err
			}
		}
		if whole {
			k.next = stop
		}
		if err := k.shrinkAll(ctx); err != nil {
			return err
		}
		if !whole {
			return nil
		}
	}
	return nil
}

// round runs the cases up to stop. It is whole if none is missing.
func (k *campaign) round(ctx context.Context, stop uint64) (whole bool) {
	k.results, k.raw = k.results[:0], map[string][]uint64{}
	k.claimed.Store(k.next)
	for _, w := range k.workers {
		w.fresh = w.fresh[:0]
		w.tally.reset()
	}
	return k.each(ctx, func(w *worker) error {
		for {
			n := k.claimed.Add(1) - 1
			if n >= stop || k.failed() {
				return nil
			}
			if err := w.one(n); err != nil {
				return err
			}
		}
	})
}

// each lets every worker do its part. It is false if ctx ended before all had
// done it; those that are then still at work are left to themselves, and
// nothing of theirs counts any more.
func (k *campaign) each(ctx context.Context, part func(*worker) error) (whole bool) {
	var wg sync.WaitGroup
	var stopped atomic.Bool
	for _, w := range k.workers {
		wg.Go(func() {
			switch err := part(w); err {
			case nil:
			case ErrStopped:
				stopped.Store(true)
			default:
				k.fail(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
		return !stopped.Load()
	case <-ctx.Done():
	}
	select {
	case <-done:
		return !stopped.Load()
	case <-time.After(grace):
		k.mu.Lock()
		k.closed = true
		k.mu.Unlock()
		return false
	}
}

// merge takes the round's results, in the order of the cases' numbers. It
// returns what a state file must know of them.
func (k *campaign) merge() *roundRecord {
	k.mu.Lock()
	defer k.mu.Unlock()
	slices.SortFunc(k.results, func(a, b result) int { return cmp.Compare(a.n, b.n) })
	rec := &roundRecord{}
	for i := range k.results {
		r := &k.results[i]
		before := len(rec.fresh)
		for _, f := range r.features {
			if _, ok := k.features[f]; !ok {
				k.features[f] = struct{}{}
				rec.fresh = append(rec.fresh, f)
			}
		}
		if news := len(rec.fresh) - before; news > 0 && !k.NoGuide && len(r.c.List) <= maxPoolEntries && r.cost <= maxPoolCost {
			pc := poolCase{r.c, news, r.cost}
			k.pool.add(pc)
			rec.pool = append(rec.pool, pc)
		}
		for _, f := range r.failures {
			k.keep(r, f)
		}
	}
	return rec
}

// keep makes a finding of a failure if there are not enough of its class. The
// caller holds mu.
func (k *campaign) keep(r *result, f caught) {
	k.sum.Classes[f.class]++
	if k.kept[f.class] >= k.Keep {
		return
	}
	k.kept[f.class]++
	found := newFinding(k, r.n, r.c, f)
	found.Mutated = r.mutated
	if k.Out != "" {
		found.Path = rawPath(k.Out, &found)
	}
	k.sum.Findings = append(k.sum.Findings, found)
}

// shrinkAll shrinks the findings that are not, and removes the files that
// former sessions and this round saved for nothing.
func (k *campaign) shrinkAll(ctx context.Context) error {
	var todo []int
	for i := range k.sum.Findings {
		if !k.sum.Findings[i].Shrunk {
			todo = append(todo, i)
		}
	}
	if len(todo) == 0 || ctx.Err() != nil {
		return nil
	}
	var at atomic.Int64
	k.each(ctx, func(w *worker) error {
		for {
			i := int(at.Add(1)) - 1
			if i >= len(todo) {
				return nil
			}
			if err := k.shrink(w, todo[i]); err != nil {
				return err
			}
		}
	})
	return k.sweep()
}

// sweep removes the files of unshrunk cases whose class has been dealt with.
func (k *campaign) sweep() error {
	if k.Out == "" {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	pending := map[string]bool{}
	for i := range k.sum.Findings {
		if f := &k.sum.Findings[i]; !f.Shrunk {
			pending[f.Class] = true
		}
	}
	for class := range k.kept {
		if pending[class] {
			continue
		}
		files, err := rawFiles(k.Out, class)
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	return nil
}
