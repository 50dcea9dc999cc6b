package compare

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxSample is the number of lists up to which quantiles are of all lists.
const MaxSample = 1 << 15

// manyKeys are the keys of the pool unless a case says otherwise: all that a
// device of the default profile has, so that needs show.
const manyKeys = 1<<16 - 1

// Config is what does not depend on the workload. The zero value stands for
// defaults.
type Config struct {
	Constants Constants // all zero for DefaultConstants
	Queue     Queue     // all zero for DefaultQueue
	DMA       sg.DMA    // mapping of cases that say none: what the lists become before they are registered
	Dir       string    // for cases that do not say: corpus.DirRead or DirWrite; "" for DirRead
}

// JudgedWrong is a registration that the oracle did not pass: a defect of this
// project, not of the workload.
type JudgedWrong struct {
	Case, Strategy, Text string
}

func (e *JudgedWrong) Error() string {
	return fmt.Sprintf("%s: registration by %s is judged wrong: %s", e.Case, e.Strategy, e.Text)
}

// Comparer registers the lists of a workload every way. It is not safe for
// concurrent use.
type Comparer struct {
	Config
	runner     *fuzz.Runner
	strategies []reg.Strategy
	probes     []*probe
	meters     map[string]*meter
	tallies    [len(ways)]tally
	sample     *rand.Rand
	work       Workload
	taken      []taken // by strategy, for the list in hand
}

// taken is what a strategy made of a list.
type taken struct {
	ok     bool
	reason string // of the refusal
}

// New makes a Comparer. Errors wrap ErrConfig.
func New(c Config) (*Comparer, error) {
	if c.Constants == (Constants{}) {
		c.Constants = DefaultConstants()
	}
	if c.Queue == (Queue{}) {
		c.Queue = DefaultQueue()
	}
	if c.Dir == "" {
		c.Dir = corpus.DirRead
	}
	if err := errors.Join(c.Constants.Check(), c.Queue.Check()); err != nil {
		return nil, err
	}
	if c.DMA.Mode != sg.Identity && c.DMA.Limit == 0 {
		return nil, fmt.Errorf("DMA mapping %v: %w", c.DMA, ErrConfig)
	}
	m := &Comparer{Config: c, work: Workload{DMA: c.DMA.String()}, meters: map[string]*meter{}, sample: rand.New(rand.NewPCG(c.Queue.Seed, 1)), strategies: reg.Strategies()}
	m.taken = make([]taken, len(m.strategies))
	m.runner = fuzz.NewRunner(fuzz.Options{Quick: true, Wrap: m.wrap, Encoder: m.meter})
	for i := range ways {
		m.tallies[i].reasons = map[string]int{}
	}
	return m, nil
}

// wrap is the strategy as this package compares it, with a probe around it.
func (m *Comparer) wrap(s reg.Strategy) reg.Strategy {
	if _, ok := s.(*reg.MultiMR); ok {
		s = &reg.MultiMR{PagesOnly: true}
	}
	p := &probe{Strategy: s, meters: m.meters}
	m.probes = append(m.probes, p)
	return p
}

func (m *Comparer) meter(own reg.Encoder) reg.Encoder {
	e := &meter{Encoder: own}
	m.meters[own.Name()] = e
	return e
}

// Add registers one list every way. An error is a *JudgedWrong, ctx's, or says
// that the case cannot be run; then nothing was added.
func (m *Comparer) Add(ctx context.Context, c *corpus.Case) error {
	if err := m.run(ctx, c); err != nil {
		return err
	}
	slot := m.slot()
	for i := range ways {
		m.add(i, slot)
	}
	m.work.Lists++
	m.work.Entries += len(c.List)
	m.work.Bytes += float64(c.List.Total())
	return nil
}

// run fills taken and the probes.
func (m *Comparer) run(ctx context.Context, c *corpus.Case) error {
	whole := *c
	whole.Strategy, whole.Wants = "", nil
	if whole.Dir == "" {
		whole.Dir = m.Dir
	}
	if whole.DMA == (sg.DMA{}) {
		whole.DMA = m.DMA
	}
	if whole.Limits.Pool == 0 {
		whole.Limits.Pool = manyKeys
	}
	m.runner.Stop = ctx.Done()
	outs, err := m.runner.Run(&whole)
	if errors.Is(err, fuzz.ErrStopped) {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	for i := range outs {
		o := &outs[i]
		if o.Failed() {
			return &JudgedWrong{c.Name, o.Strategy, o.Verdict.Failures[0].String()}
		}
		m.taken[i] = taken{ok: o.Answer == fuzz.Accepted}
		if o.Refusal != nil {
			m.taken[i].reason = o.Refusal.Reason.String()
		}
	}
	return nil
}

// slot is where the list goes in the samples: -1 if nowhere. All ways have the
// same lists in their samples.
func (m *Comparer) slot() int {
	if m.work.Lists < MaxSample {
		return m.work.Lists
	}
	if i := m.sample.IntN(m.work.Lists + 1); i < MaxSample {
		return i
	}
	return -1
}

// add adds the list in hand to a way's tally.
func (m *Comparer) add(way, slot int) {
	t, w := &m.tallies[way], &ways[way]
	first := indexOf(m.strategies, w.Strategy)
	entry := sampled{answer: refused}
	switch {
	case m.taken[first].ok:
		entry = sampled{accepted, m.probes[first].row}
	default:
		t.reasons[m.taken[first].reason]++
		if i := indexOf(m.strategies, w.Fallback); i >= 0 && m.taken[i].ok {
			entry = sampled{byFallback, m.probes[i].row}
		}
	}
	ns := m.Constants.estimate(&entry.row) // of nothing for a list refused
	for _, v := range ns {
		entry.row[Time] += v
	}
	t.add(entry, ns, slot)
}

// finite makes what overflowed the largest number, which JSON can hold.
func finite(v float64) float64 { return math.Min(v, math.MaxFloat64) }
