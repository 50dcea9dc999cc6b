package picture

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// DefaultMost is Options.Most if that is 0.
const DefaultMost = 400

// leastMost is the smallest Options.Most: with less, what must be seen has no
// room.
const leastMost = 16

// Options say what of a case is shown.
type Options struct {
	Strategies []string // only these; empty for what the case says, or all
	Mutant     string   // name of a defect that is put in; "" for none
	// Most is the number of rows of each kind, 0 for DefaultMost. Less than 16
	// is 16.
	Most int
	// Stop, when it is closed, ends the work between two registrations with
	// fuzz.ErrStopped; nil for never.
	Stop <-chan struct{}
}

// Errors of Of.
var (
	ErrMutant   = errors.New("no such mutant")
	ErrStrategy = errors.New("no such strategy")
	// ErrConcern says that the mutant is no defect of a strategy asked for.
	ErrConcern = errors.New("the mutant does not concern the strategy")
)

// Of runs a case and makes its picture. Errors wrap ErrMutant, ErrStrategy or
// ErrConcern, or say that the case cannot be run at all.
func Of(c *corpus.Case, o Options) (*Picture, error) {
	if o.Most <= 0 {
		o.Most = DefaultMost
	}
	o.Most = max(o.Most, leastMost)
	b := builder{c: c, o: o, ix: newIndex(c.List)}
	run, err := b.options()
	if err != nil {
		return nil, err
	}
	run.Watch, run.Stop = b.look, o.Stop
	if err := b.run(run); err != nil {
		return nil, err
	}
	return b.picture(), nil
}

// builder makes one Picture.
type builder struct {
	c       *corpus.Case
	o       Options
	mutant  *mutants.Mutant
	ix      *index // of the list
	mapped  *index // of the list after DMA mapping
	profile mlx5model.Profile
	dialect string
	now     *shot // what the strategy under way left
	shots   []strategyShot
}

// strategyShot is a strategy's answer and what was seen of it.
type strategyShot struct {
	Strategy
	shot *shot
}

// options are those of the Runner, with the mutant's parts.
func (b *builder) options() (fuzz.Options, error) {
	run := fuzz.Options{Strategies: b.o.Strategies}
	for _, s := range run.Strategies {
		if !slices.Contains(corpus.Strategies(), s) {
			return run, fmt.Errorf("%q: %w: one of %s", s, ErrStrategy, strings.Join(corpus.Strategies(), ", "))
		}
	}
	if b.o.Mutant == "" {
		return run, nil
	}
	m, ok := mutants.ByName(b.o.Mutant)
	if !ok {
		return run, fmt.Errorf("%q: %w", b.o.Mutant, ErrMutant)
	}
	b.mutant = m
	run = fuzz.MutantOptions(m)
	for _, s := range append(slices.Clone(b.o.Strategies), b.c.Strategy) {
		if s != "" && !slices.Contains(m.Strategies, s) {
			return run, fmt.Errorf("%s, %s: %w: it is one of %s", m.Name, s, ErrConcern, strings.Join(m.Strategies, ", "))
		}
	}
	if len(b.o.Strategies) > 0 {
		run.Strategies = b.o.Strategies
	}
	return run, nil
}

// run runs the case with one strategy after the other. One whose work requests
// did not fit the queue at once is looked at with the largest queue there is:
// the answer stays that of the case's own.
func (b *builder) run(o fuzz.Options) error {
	mapped, err := b.c.DMA.Map(nil, b.c.List)
	if err != nil {
		mapped = b.c.List // and every strategy says so
	}
	b.mapped = newIndex(mapped)
	if b.profile, err = profileOf(b.c); err != nil {
		return err
	}
	runner := fuzz.NewRunner(o)
	for _, s := range corpus.Strategies() {
		runner.Strategies = []string{s}
		if len(o.Strategies) > 0 && !slices.Contains(o.Strategies, s) {
			continue
		}
		if err := b.try(runner); err != nil {
			return err
		}
	}
	return nil
}

// try runs the case with the Runner's strategy.
func (b *builder) try(runner *fuzz.Runner) error {
	b.now = &shot{b: b}
	outs, err := runner.Run(b.c)
	if err != nil {
		return err
	}
	for i := range outs {
		b.shots = append(b.shots, strategyShot{b.outcome(&outs[i]), b.now})
	}
	if len(outs) == 0 || !b.now.lapped {
		return nil
	}
	large := *b.c
	large.Limits.Queue = mlx5model.MaxRingWQEBBs
	s := &b.shots[len(b.shots)-1]
	s.Lapped, b.now = true, &shot{b: b}
	if _, err := runner.Run(&large); err != nil {
		return err
	}
	s.shot = b.now
	return nil
}

func profileOf(c *corpus.Case) (mlx5model.Profile, error) {
	name := c.Profile
	if name == "" {
		name = "default"
	}
	p, ok := mlx5model.ProfileByName(name)
	if !ok {
		return p, fmt.Errorf("case %s: unknown profile %q", c.Name, c.Profile)
	}
	return p, nil
}

// look is the Runner's Watch.
func (b *builder) look(s *fuzz.Sight) {
	b.dialect = s.Env.Enc.Name()
	if !s.Again {
		b.now.take(s)
		return
	}
	second := &shot{b: b, again: true}
	second.take(s)
	if second.firstWrong() >= 0 || second.err != nil {
		*b.now = *second
	}
}

// outcome is what the Runner says, without what was seen.
func (b *builder) outcome(o *fuzz.Outcome) Strategy {
	s := Strategy{Name: o.Strategy, Answer: o.Answer.String(), Class: o.Class(), Parts: o.Parts}
	if o.Refusal != nil {
		s.Refusal = b.refusal(o.Refusal)
	}
	if o.Answer == fuzz.Broken && o.Err != nil {
		s.Error = o.Err.Error()
	}
	s.Failures = Failures(o.Verdict.Failures)
	return s
}

func (b *builder) refusal(r *reg.Refusal) *Refusal {
	out := &Refusal{
		Reason: r.Reason.String(), Where: r.Where(), Entry: r.Entry, Off: r.Off,
		Limit: r.Limit, Need: r.Need, Text: r.Error(),
	}
	if r.Entry >= 0 {
		out.Stream = b.mapped.start(r.Entry) + r.Off
	}
	return out
}

// picture puts everything together.
func (b *builder) picture() *Picture {
	c := b.c
	p := &Picture{
		Case: c.Name, Dialect: b.dialect, Profile: b.profile.Name, PageSize: c.EffectivePageSize(), Offset: c.Offset,
		Entries: len(c.List), Bytes: b.ix.total(), MappedEntries: len(b.mapped.list), Strategies: []Strategy{},
	}
	if m := b.mutant; m != nil {
		p.Mutant, p.Cause = m.Name, m.Cause
	}
	p.Features = c.List.Features(p.PageSize).Names()
	var must []int
	for i := range b.shots {
		s := &b.shots[i]
		s.shot.finish(&s.Strategy)
		p.Strategies = append(p.Strategies, s.Strategy)
		if s.Blame != nil && s.Blame.Entry >= 0 {
			must = append(must, s.Blame.Entry)
		}
		if r := s.Refusal; r != nil && r.Entry >= 0 {
			must = append(must, b.ix.at(r.Stream))
		}
	}
	p.List = b.ix.rows(b.o.Most, must)
	p.Memory = memory(p.List, p.PageSize)
	if !slices.Equal(b.mapped.list, sg.List(c.List)) {
		p.Mapped = b.mapped.rows(b.o.Most, nil)
	}
	return p
}
