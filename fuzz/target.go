package fuzz

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Target is one fuzz target: what the native FuzzXxx functions and the entry
// points of other engines run.
type Target struct {
	Name string // the native function is "Fuzz" + Name
	Doc  string // one line for people
	// Body takes any bytes and returns a *TargetError if what they stand for
	// goes wrong. It does no I/O, ends in bounded time, and its answer depends
	// on its argument only, though it reuses storage: a Body is not safe for
	// concurrent use, that of another Targets is another one.
	Body func(data []byte) error
	// Seeds are inputs worth starting from, made from the embedded corpus.
	Seeds func() ([][]byte, error)
}

// TargetError is a failure of a target. Class says what went wrong in words
// that are always the same for the same cause, and makes up the first line of
// the error's text, so that an engine can tell failures apart by it; Detail has
// the values.
type TargetError struct {
	Class  string
	Detail string
}

func (e *TargetError) Error() string { return e.Class + "\n" + e.Detail }

// Class is the class of a target's failure: constant text for an engine that
// tells crashes apart by their message; "" for nil.
func Class(err error) string {
	if e, ok := errors.AsType[*TargetError](err); ok {
		return e.Class
	}
	if err != nil {
		return "unclassified failure"
	}
	return ""
}

func failure(class, format string, args ...any) error {
	return &TargetError{Class: class, Detail: fmt.Sprintf(format, args...)}
}

// Targets makes all targets, each with storage of its own.
func Targets() []Target {
	return []Target{
		strategiesTarget(), mappingTarget(), dialectsTarget(), decodeTarget(),
		deviceTarget(), statefulTarget(), textTarget(), wqeTextTarget(), protocolTarget(),
	}
}

// TargetByName makes one of Targets.
func TargetByName(name string) (Target, bool) {
	for _, t := range Targets() {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}

// strategiesTarget takes bytes as a choice stream, draws a case from it, and
// runs it through every strategy and check.
func strategiesTarget() Target {
	return Target{
		Name: "Strategies", Doc: "a case drawn from the bytes, through every strategy and check",
		Body:  caseBody(NewRunner(Options{Variants: true})),
		Seeds: caseSeeds,
	}
}

// targetEntries bounds the lists of the strategies target, which has to run
// many of them; campaigns have longer ones.
const targetEntries = 2048

func caseBody(r *Runner) func([]byte) error {
	var c corpus.Case
	p := sg.Params{MaxEntries: targetEntries}
	ch := sg.NewChoices(nil)
	return func(data []byte) error {
		ch.Reset(data)
		Draw(ch, &c, &p)
		if v := r.Verdict(&c); v.Failed {
			return failure(v.Class, "%s\n%s", v.Text, corpus.Format(&c))
		}
		return nil
	}
}

// seedEntries bounds the lists of seeds: an engine that mutates long ones, each
// of which takes long, gets nowhere.
const seedEntries = 128

// caseSeeds is the embedded corpus, but for long lists, as choice streams of
// Draw.
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
		b, err := EncodeCase(nil, c)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, b)
	}
	return seeds, nil
}
