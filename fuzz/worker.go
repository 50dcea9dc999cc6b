package fuzz

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// feature is one thing worth having seen: a strategy's answer to a list with
// one feature, under a dialect and profile.
type feature struct {
	strategy         uint8
	answer           Answer
	reason           reg.Reason
	dialect, profile uint8
	list             uint8 // bit of sg.Features
}

// worker draws and runs cases with storage of its own.
type worker struct {
	k       *campaign
	runner  *Runner
	choices *sg.Choices
	params  sg.Params
	c       corpus.Case

	merged     time.Time
	seen       map[feature]struct{}
	fresh      []feature
	stats      Stats
	generators map[string]uint64
}

func newWorker(k *campaign) *worker {
	w := &worker{
		k: k, runner: NewRunner(Options{Full: k.Full, FullLimit: fullLimit, Variants: k.Variants, Strategies: k.Strategies}),
		choices: sg.NewChoices(nil), seen: map[feature]struct{}{}, generators: map[string]uint64{},
	}
	for _, s := range corpus.Strategies() {
		w.stats.Strategies = append(w.stats.Strategies, StrategyStats{Strategy: s})
	}
	return w
}

// fullLimit bounds the streams that a campaign moves whole, in bytes.
const fullLimit = 1 << 20

// mergeEvery is the time between two additions to the campaign's figures.
const mergeEvery = 200 * time.Millisecond

// work runs batches of cases until ctx ends or there are no more.
func (w *worker) work(ctx context.Context) error {
	defer w.merge()
	w.runner.Stop = ctx.Done()
	for ctx.Err() == nil {
		first := w.k.next.Add(batch) - batch
		for n := first; n < first+batch; n++ {
			if w.k.Cases > 0 && n-w.k.First >= w.k.Cases {
				return nil
			}
			if ctx.Err() != nil {
				return nil
			}
			if err := w.one(n); errors.Is(err, ErrStopped) {
				return nil
			} else if err != nil {
				return err
			}
			if now := time.Now(); now.Sub(w.merged) > mergeEvery {
				w.merge()
				w.merged = now
			}
		}
	}
	return nil
}

// CaseSeed is the seed of the choice stream of case n of a campaign.
func CaseSeed(seed, n uint64) uint64 { return seed*0x9e3779b97f4a7c15 ^ bits.Reverse64(n) }

// draw makes case n.
func (w *worker) draw(n uint64) (generator string) {
	w.choices.ResetRandom(CaseSeed(w.k.Seed, n))
	if len(w.k.Generators) == 0 {
		generator = Draw(w.choices, &w.c, &w.params)
	} else {
		generator = w.k.Generators[n%uint64(len(w.k.Generators))]
		Draw(w.choices, &w.c, &w.params)
		g, _ := sg.GeneratorByName(generator)
		w.c.List = g.Draw(w.choices, &w.params, w.c.List[:0])
		w.c.DMA = sg.DMA{}
	}
	// a dimension that was fixed takes its values in turn
	if d := w.k.Dialects; len(d) > 0 {
		w.c.Dialect = d[n%uint64(len(d))]
	}
	if p := w.k.Profiles; len(p) > 0 {
		w.c.Profile = p[n%uint64(len(p))]
	}
	if len(w.k.Strategies) > 0 {
		w.c.Strategy = ""
	}
	return generator
}

func (w *worker) one(n uint64) error {
	generator := w.draw(n)
	outs, err := w.runner.Run(&w.c)
	if err != nil {
		return fmt.Errorf("case %d of seed %d: %w", n, w.k.Seed, err)
	}
	w.generators[generator]++
	w.stats.Cases++
	features := w.c.List.Features(w.c.EffectivePageSize())
	for i := range outs {
		w.count(&outs[i], features)
	}
	for i := range outs {
		if outs[i].Failed() {
			if err := w.found(n, outs[i].Strategy, outs[i].Class(), texts(&outs[i])); err != nil {
				return err
			}
			break // the runner has been used again
		}
	}
	return nil
}

// count adds one outcome to the worker's figures.
func (w *worker) count(o *Outcome, features sg.Features) {
	i := slices.IndexFunc(w.stats.Strategies, func(s StrategyStats) bool { return s.Strategy == o.Strategy })
	s := &w.stats.Strategies[i]
	w.stats.Runs++
	*[...]*uint64{Accepted: &s.Accepted, Partial: &s.Partial, Refused: &s.Refused, Broken: &s.Broken}[o.Answer]++
	for c, n := range o.Verdict.Ran {
		w.stats.Checks[c] += uint64(n)
	}
	if o.Failed() {
		s.Failed++
	}
	f := feature{
		strategy: uint8(i), answer: o.Answer, reason: o.Reason,
		dialect: uint8(index(dialectNames, w.c.Dialect)), profile: uint8(index(profileNames, w.c.Profile)),
	}
	for rest := uint64(features); rest != 0; rest &= rest - 1 {
		f.list = uint8(bits.TrailingZeros64(rest))
		if _, ok := w.seen[f]; !ok {
			w.seen[f] = struct{}{}
			w.fresh = append(w.fresh, f)
		}
	}
}

// merge adds the worker's figures to the campaign's.
func (w *worker) merge() {
	k := w.k
	k.mu.Lock()
	defer k.mu.Unlock()
	t := &k.sum.Stats
	t.Cases += w.stats.Cases
	t.Runs += w.stats.Runs
	for c, n := range w.stats.Checks {
		t.Checks[c] += n
	}
	if t.Strategies == nil {
		t.Strategies = make([]StrategyStats, len(w.stats.Strategies))
	}
	for i, s := range w.stats.Strategies {
		u := &t.Strategies[i]
		u.Strategy = s.Strategy
		u.Accepted += s.Accepted
		u.Partial += s.Partial
		u.Refused += s.Refused
		u.Broken += s.Broken
		u.Failed += s.Failed
		t.Failed += s.Failed
		w.stats.Strategies[i] = StrategyStats{Strategy: s.Strategy}
	}
	for g, n := range w.generators {
		t.Generators[g] += n
	}
	clear(w.generators)
	for _, f := range w.fresh {
		k.features[f] = struct{}{}
	}
	w.fresh = w.fresh[:0]
	w.stats = Stats{Strategies: w.stats.Strategies}
}

func texts(o *Outcome) string {
	var b strings.Builder
	for _, f := range o.Verdict.Failures {
		fmt.Fprintln(&b, f)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// found keeps a failure: it is saved as it is, shrunk, and saved again.
func (w *worker) found(n uint64, strategy, class, text string) error {
	k := w.k
	k.mu.Lock()
	k.sum.Classes[class]++
	k.kept[class]++
	keep := k.kept[class] <= k.Keep
	k.mu.Unlock()
	if !keep {
		return nil
	}
	c := w.c.Clone()
	if !strings.HasPrefix(class, oracle.Agreement.String()) { // which takes two
		c.Strategy = strategy
	}
	f := Finding{Class: class, Number: n, Text: text, Case: describe(c, k.Seed, n, class, text)}
	raw, err := k.save(&f)
	if err != nil {
		return err
	}
	if small, v := corpus.Minimise(c, w.runner.Verdict, k.Shrink); v.Failed {
		f.Case, f.Text = describe(small, k.Seed, n, class, v.Text), v.Text
		if f.Path, err = k.save(&f); err != nil {
			return err
		}
		if raw != "" && f.Path != raw {
			if err := os.Remove(raw); err != nil {
				return err
			}
		}
	}
	k.mu.Lock()
	k.sum.Findings = append(k.sum.Findings, f)
	k.mu.Unlock()
	return nil
}

// save writes a finding to the output directory, if there is one.
func (k *campaign) save(f *Finding) (string, error) {
	if k.Out == "" {
		return "", nil
	}
	if err := os.MkdirAll(k.Out, 0o777); err != nil {
		return "", err
	}
	var err error
	f.Path, err = corpus.SaveUnique(k.Out, strings.ReplaceAll(f.Class, "/", "-"), f.Case)
	if err != nil {
		return "", fmt.Errorf("saving a finding to %s: %w", filepath.Clean(k.Out), err)
	}
	return f.Path, nil
}

// describe puts the origin of a finding above the case.
func describe(c *corpus.Case, seed, n uint64, class, text string) *corpus.Case {
	c.Comments = []corpus.Comment{{Text: fmt.Sprintf("# %s, found as case %d of seed %d", class, n, seed)}}
	for line := range strings.SplitSeq(text, "\n") {
		c.Comments = append(c.Comments, corpus.Comment{Text: "# " + line})
	}
	return c
}

// Verdict runs a case and gives its first failure, in the form that
// corpus.Replay and corpus.Minimise take. A case that cannot be run fails with
// class "unusable".
func (r *Runner) Verdict(c *corpus.Case) corpus.Verdict {
	outs, err := r.Run(c)
	if errors.Is(err, ErrStopped) {
		return corpus.Verdict{}
	}
	if err != nil {
		return corpus.Verdict{Failed: true, Class: "unusable", Text: err.Error()}
	}
	for i := range outs {
		if outs[i].Failed() {
			return corpus.Verdict{Failed: true, Class: outs[i].Class(), Text: texts(&outs[i])}
		}
	}
	return corpus.Verdict{}
}
