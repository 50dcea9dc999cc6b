package fuzz

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/sg"
)

// worker makes and runs cases with storage of its own.
type worker struct {
	k       *campaign
	stop    <-chan struct{}
	runner  *Runner
	quick   *Runner // for screening
	choices *sg.Choices
	params  sg.Params
	mutator mutator
	c       corpus.Case

	list  sg.Features // of the case under way
	tally roundTally
	fresh []feature // of the round's results, one after another
	own   map[feature]struct{}
}

func newWorker(k *campaign, stop <-chan struct{}) *worker {
	w := &worker{k: k, stop: stop, choices: sg.NewChoices(nil), own: map[feature]struct{}{}, tally: newRoundTally()}
	w.mutator = newMutator(&w.params)
	w.renew()
	return w
}

// renew makes a runner: the first one, or one in place of one that panicked.
func (w *worker) renew() {
	o := Options{Full: w.k.Full, FullLimit: fullLimit, Variants: w.k.Variants, Strategies: w.k.Strategies, Stop: w.stop}
	if m, ok := mutants.ByName(w.k.Mutant); ok {
		p := m.Parts() // which may have state
		o.Mapper, o.Encoder, o.Wrap, o.Host = p.Mapper, p.Encoder, p.Wrap, p.Host
	}
	if w.k.Options != nil {
		w.k.Options(&o)
	}
	w.runner = NewRunner(o)
	if w.k.Screen > 1 {
		o.Quick, o.Full, o.Variants = true, false, false
		w.quick = NewRunner(o)
	}
}

// fullLimit bounds the streams that a campaign moves whole, in bytes.
const fullLimit = 1 << 20

// CaseSeed is the seed of the choice stream of case n of a campaign, if the
// case is drawn.
func CaseSeed(seed, n uint64) uint64 { return seed*0x9e3779b97f4a7c15 ^ bits.Reverse64(n) }

// mutationSeed sets the streams of mutations apart from those of CaseSeed.
const mutationSeed = 0x6d75746174696f6e

// mutatedShare is the part of the cases that are mutated, of 256.
const mutatedShare = 128

// make makes case n.
func (w *worker) make(n uint64) (generator string, mutated bool) {
	seed := CaseSeed(w.k.Seed, n)
	if !w.k.NoGuide && len(w.k.pool.cases) > 0 {
		w.choices.ResetRandom(seed ^ mutationSeed)
		if mutated = w.choices.Byte() < mutatedShare; mutated {
			w.mutator.mutate(w.choices.Uint(^uint64(0)), &w.k.pool, &w.c)
		}
	}
	if !mutated {
		generator = w.draw(seed, n)
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
	return generator, mutated
}

func (w *worker) draw(seed, n uint64) (generator string) {
	w.choices.ResetRandom(seed)
	if len(w.k.Generators) == 0 {
		return Draw(w.choices, &w.c, &w.params)
	}
	generator = w.k.Generators[n%uint64(len(w.k.Generators))]
	Draw(w.choices, &w.c, &w.params)
	g, _ := sg.GeneratorByName(generator)
	w.c.List = g.Draw(w.choices, &w.params, w.c.List[:0])
	w.c.DMA = sg.DMA{}
	return generator
}

// one makes and runs case n and hands its result over. A finding is on the disk
// before anything else knows of it.
func (w *worker) one(n uint64) error {
	generator, mutated := w.make(n)
	r := result{n: n, mutated: mutated}
	outs, err := w.look(&r)
	if errors.Is(err, ErrStopped) {
		return ErrStopped
	}
	if err != nil {
		return fmt.Errorf("case %d of seed %d: %w", n, w.k.Seed, err)
	}
	w.tally.count(outs, w.list)
	r.cost = costOf(&w.c, outs)
	for i := range outs {
		if outs[i].Failed() {
			r.failures = append(r.failures, caught{outs[i].Class(), outs[i].Strategy, texts(&outs[i])})
		}
	}
	if len(r.features) > 0 || len(r.failures) > 0 {
		r.c = w.c.Clone()
	}
	for _, f := range r.failures {
		if err := w.k.saveRaw(&r, f); err != nil {
			return err
		}
	}
	w.k.take(&r, outs, generator)
	return nil
}

// look runs the case of r: screened, in full, or both.
func (w *worker) look(r *result) (outs []Outcome, err error) {
	start := len(w.fresh)
	if r.n%w.k.Screen != 0 {
		if outs, err = w.run(w.quick, &w.c); err != nil {
			return outs, err
		}
		r.features = w.news(outs)
		if len(r.features) == 0 && !slices.ContainsFunc(outs, func(o Outcome) bool { return o.Failed() }) {
			r.screened = true
			return outs, nil
		}
	}
	whole, err := w.run(w.runner, &w.c)
	if err != nil {
		return whole, err
	}
	w.news(whole)
	r.features = w.fresh[start:len(w.fresh):len(w.fresh)]
	if verdictOf(whole, nil).Failed {
		return whole, nil
	}
	if verdictOf(outs, nil).Failed {
		return outs, nil // seen by the quick Runner only
	}
	return whole, nil
}

// run is Runner.Run, with a panic as an outcome that fails.
func (w *worker) run(r *Runner, c *corpus.Case) (outs []Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			outs, err = r.outs, nil // the last one is of the strategy that panicked
			o := &outs[len(outs)-1]
			o.Answer = Broken
			o.fail(oracle.Termination, fmt.Sprintf("panic: %v, in %s", p, strings.Join(frames(), " < ")))
			w.renew()
		}
	}()
	return r.Run(c)
}

// frames names the functions that led to a panic, the innermost first.
func frames() (names []string) {
	pc := make([]uintptr, 16)
	all := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	for {
		f, more := all.Next()
		if name := f.Function[strings.LastIndexByte(f.Function, '/')+1:]; !strings.HasPrefix(name, "runtime.") && len(names) < 4 {
			names = append(names, name)
		}
		if !more {
			return names
		}
	}
}

// news lists the features of outcomes that no former round has seen, each once.
func (w *worker) news(outs []Outcome) []feature {
	w.list = w.c.List.Features(w.c.EffectivePageSize())
	start := len(w.fresh)
	for i := range outs {
		w.fresh = appendFeatures(w.fresh, &w.c, &outs[i], w.list)
	}
	clear(w.own)
	kept := w.fresh[:start]
	for _, f := range w.fresh[start:] {
		if _, ok := w.k.features[f]; ok {
			continue
		}
		if _, ok := w.own[f]; !ok {
			w.own[f] = struct{}{}
			kept = append(kept, f)
		}
	}
	w.fresh = kept
	return kept[start:len(kept):len(kept)]
}

// take adds a result to the campaign's figures and to the round's results.
func (k *campaign) take(r *result, outs []Outcome, generator string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return
	}
	t := &k.sum.Stats
	t.Cases++
	if r.screened {
		t.Screened++
	}
	if r.mutated {
		t.Mutated++
	} else {
		t.Generators[generator]++
	}
	for i := range outs {
		t.count(&outs[i])
	}
	if r.c != nil {
		k.results = append(k.results, *r)
	}
}

// count adds one outcome.
func (t *Stats) count(o *Outcome) {
	i := slices.IndexFunc(t.Strategies, func(s StrategyStats) bool { return s.Strategy == o.Strategy })
	s := &t.Strategies[i]
	t.Runs++
	*[...]*uint64{Accepted: &s.Accepted, Partial: &s.Partial, Refused: &s.Refused, Broken: &s.Broken}[o.Answer]++
	for c, n := range o.Verdict.Ran {
		t.Checks[c] += uint64(n)
	}
	if o.Failed() {
		s.Failed++
		t.Failed++
	}
}

func texts(o *Outcome) string {
	var b strings.Builder
	for _, f := range o.Verdict.Failures {
		fmt.Fprintln(&b, f)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Verdict runs a case and gives its first failure, in the form that
// corpus.Replay and corpus.Minimise take. A case that cannot be run fails with
// class "unusable".
func (r *Runner) Verdict(c *corpus.Case) corpus.Verdict {
	outs, err := r.Run(c)
	return verdictOf(outs, err)
}

func verdictOf(outs []Outcome, err error) corpus.Verdict {
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
