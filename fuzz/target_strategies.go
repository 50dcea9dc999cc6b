package fuzz

import (
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// strategiesTarget takes bytes as an InputCase and a plan, which says through
// which strategies the case goes: a case through all of them, as campaigns run
// it, is too dear for an engine that has to try many inputs.
func strategiesTarget() Target {
	t := newCaseTarget(Options{})
	return Target{
		Name: "Strategies", Doc: "a case drawn from the bytes, through one strategy with its variants or two that must agree",
		Body: t.run, Seeds: caseSeeds,
	}
}

const (
	// targetEntries bounds the lists of the strategies target; campaigns have
	// longer ones.
	targetEntries = 2048
	// targetPages bounds the pages of lists that the target gives to every
	// strategy, 16 MiB in pages of 4 KiB. multimr needs 30 ms for a list of 4 GiB
	// in such pages, and seconds where the engine is told of every comparison.
	targetPages = 4096
)

// A plan says which strategies one execution of the target tries.
type plan struct {
	strategies []string
	long       []string // for lists of more than targetPages
}

// plans are each strategy alone, with its variants, and each two, which must
// agree. The first byte of an input picks one, round and round.
var plans = makePlans()

func makePlans() (all []plan) {
	names := corpus.Strategies()
	for i := range names {
		all = append(all, newPlan(names[i]))
	}
	for i := range names {
		for _, other := range names[i+1:] {
			all = append(all, newPlan(names[i], other))
		}
	}
	return all
}

// takeLong are the strategies that get lists of any length: the work of the
// first two depends on the entries alone, umem may choose large pages, and has
// had bugs that no list below 4 GiB shows.
var takeLong = []string{"indirect", "rdmarw", "umem"}

func newPlan(names ...string) plan {
	p := plan{strategies: names}
	for _, n := range names {
		if slices.Contains(takeLong, n) {
			p.long = append(p.long, n)
		}
	}
	if p.long == nil {
		p.long = takeLong
	}
	return p
}

// planned are the strategies to try on the case of an input; none if the case
// is for one that would take too long.
func planned(data []byte, c *corpus.Case) []string {
	p := &plans[0]
	if len(data) > 0 {
		p = &plans[int(data[0])%len(plans)]
	}
	if c.Strategy != "" {
		p = &plans[index(strategyNames, c.Strategy)-1] // strategyNames begins with none
	}
	if c.List.Total()/c.EffectivePageSize() > targetPages {
		return p.long
	}
	return p.strategies
}

type caseTarget struct {
	runner  *Runner
	choices *sg.Choices
	params  sg.Params
	c       corpus.Case
}

func newCaseTarget(o Options) *caseTarget {
	return &caseTarget{runner: NewRunner(o), choices: sg.NewChoices(nil)}
}

func (t *caseTarget) run(data []byte) error {
	t.draw(data)
	t.runner.Strategies = planned(data, &t.c)
	t.runner.Variants = len(t.runner.Strategies) == 1
	if v := t.runner.Verdict(&t.c); v.Failed {
		return failure(v.Class, "%s\n%s", v.Text, corpus.Format(&t.c))
	}
	return nil
}

// draw makes the case of an input in t.c.
func (t *caseTarget) draw(data []byte) {
	t.choices.Reset(data[min(1, len(data)):])
	t.params = sg.Params{MaxEntries: targetEntries}
	Draw(t.choices, &t.c, &t.params)
}

// InputCase is the case that an input of the target "Strategies" stands for:
// behind a byte that picks a plan, the choice stream of Draw. The plan is not
// part of it; what fails in one fails too where a Runner tries every strategy,
// which gives all plans at once.
func InputCase(data []byte) *corpus.Case {
	t := caseTarget{choices: sg.NewChoices(nil)}
	t.draw(data)
	return &t.c
}

// CaseInput is an input of the target "Strategies" that stands for a case, with
// a plan that depends on the case alone. Errors are those of EncodeCase.
func CaseInput(c *corpus.Case) ([]byte, error) {
	data, err := EncodeCase([]byte{0}, c)
	if err != nil {
		return nil, err
	}
	for _, b := range data {
		data[0] = data[0]*31 + b
	}
	return data, nil
}

// seedEntries bounds the lists of seeds: an engine that mutates long ones, each
// of which takes long, gets nowhere.
const seedEntries = 128

// caseSeeds is the embedded corpus, but for long lists, as inputs.
func caseSeeds() ([][]byte, error) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		return nil, err
	}
	var seeds [][]byte
	for _, c := range cases {
		if len(c.List) > seedEntries {
			continue
		}
		b, err := CaseInput(c)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, b)
	}
	return seeds, nil
}
