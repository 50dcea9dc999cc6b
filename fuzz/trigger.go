package fuzz

import (
	"errors"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Trigger is what makes a shrunk case fail: which of the values of each
// dimension, and the smallest set of features that the case shares with all
// its neighbours that fail in the same class, and that tells them from those
// that do not as well as all shared features do. Neighbours are mutations of
// the case, the same ones every time.
type Trigger struct {
	Strategies []string // those that fail in the same check
	Dialects   []string // those under which it fails; nil for all
	Profiles   []string // nil for all
	Options    []string // options that must be other than the plain ones
	List       []string // features of the list, as in sg.Features.Names
	Neighbours int      // tried
	Failing    int      // of them
}

// String is the trigger in words, a line for the dimensions and one for the
// features.
func (t *Trigger) String() string {
	words := func(all []string, none string) string {
		if len(all) == 0 {
			return none
		}
		return strings.Join(all, " ")
	}
	return "fails with " + words(t.Strategies, "no single strategy") +
		"; dialect: " + words(t.Dialects, "any") + "; profile: " + words(t.Profiles, "any") +
		"\nneeds list: " + words(t.List, "any") + "; options: " + words(t.Options, "none")
}

// parse reads the lines of String.
func (t *Trigger) parse(dimensions, features string) bool {
	some := func(s, none string) []string {
		if s == none {
			return nil
		}
		return strings.Fields(s)
	}
	part := func(s *string, begin, end string) (text string, ok bool) {
		rest, ok := strings.CutPrefix(*s, begin)
		if end != "" && ok {
			text, *s, ok = strings.Cut(rest, end)
			return text, ok
		}
		return rest, ok
	}
	strategies, a := part(&dimensions, "fails with ", "; ")
	dialects, b := part(&dimensions, "dialect: ", "; ")
	profiles, c := part(&dimensions, "profile: ", "")
	list, d := part(&features, "needs list: ", "; ")
	opts, e := part(&features, "options: ", "")
	if !(a && b && c && d && e) {
		return false
	}
	*t = Trigger{
		Strategies: some(strategies, "no single strategy"), Dialects: some(dialects, "any"), Profiles: some(profiles, "any"),
		Options: some(opts, "none"), List: some(list, "any"),
	}
	return true
}

// marks are the features that a trigger is made of: those of the list, and a
// bit for each option that is not plain.
type marks struct {
	list    sg.Features
	options uint64
}

func marksOf(c *corpus.Case) (m marks) {
	m.list = c.List.Features(c.EffectivePageSize())
	for i := range options {
		if o := &options[i]; !dimensions[o.name] && o.get(c) != o.get(&plainCase) {
			m.options |= 1 << i
		}
	}
	return m
}

var plainCase corpus.Case

// dimensions are the options that a Trigger lists by value.
var dimensions = map[string]bool{"strategy": true, "dialect": true, "profile": true}

func (m marks) within(n marks) bool { return m.list&^n.list == 0 && m.options&^n.options == 0 }

func (m marks) and(n marks) marks { return marks{m.list & n.list, m.options & n.options} }

// neighbours is how many mutations of a finding are tried.
const neighbours = 96

// trigger works out what makes a case fail in a class. The error is ErrStopped.
func (w *worker) trigger(c *corpus.Case, class string) (t Trigger, err error) {
	check, _, _ := strings.Cut(class, "/")
	fails := func(c *corpus.Case, in string) bool {
		outs, runErr := w.run(w.runner, c)
		if errors.Is(runErr, ErrStopped) {
			err = ErrStopped
		}
		return slices.ContainsFunc(outs, func(o Outcome) bool {
			return o.Failed() && (o.Class() == in || strings.HasPrefix(o.Class(), in+"/"))
		})
	}
	try := c.Clone()
	for _, try.Strategy = range corpus.Strategies() {
		if fails(try, check) {
			t.Strategies = append(t.Strategies, try.Strategy)
		}
	}
	try.Strategy = c.Strategy
	t.Dialects = failing(corpus.Dialects(), func(s string) bool { try.Dialect = s; return fails(try, class) })
	try.Dialect = c.Dialect
	t.Profiles = failing(ProfileNames(), func(s string) bool { try.Profile = s; return fails(try, class) })
	common, passing := w.survey(c, &t, func(c *corpus.Case) bool { return fails(c, class) })
	common = smallest(common, passing)
	t.List = common.list.Names()
	for i := range options {
		if common.options>>i&1 != 0 {
			t.Options = append(t.Options, options[i].name)
		}
	}
	return t, err
}

// failing gives the values that fail, nil if all do.
func failing(all []string, fails func(string) bool) (some []string) {
	for _, s := range all {
		if fails(s) {
			some = append(some, s)
		}
	}
	if len(some) == len(all) {
		return nil
	}
	return some
}

// survey runs the neighbours of a case. common is what those that fail share
// with the case, passing are the marks of the others.
func (w *worker) survey(c *corpus.Case, t *Trigger, fails func(*corpus.Case) bool) (common marks, passing []marks) {
	common = marksOf(c)
	p := &pool{cases: []poolCase{{c: c}}}
	near := new(corpus.Case)
	for seed := range uint64(neighbours) {
		w.mutator.mutate(seed, p, near)
		near.Strategy, near.Dialect, near.Profile = c.Strategy, c.Dialect, c.Profile
		t.Neighbours++
		if m := marksOf(near); fails(near) {
			t.Failing++
			common = common.and(m)
		} else {
			passing = append(passing, m)
		}
	}
	return common, passing
}

// smallest leaves out of a set, one by one, what it does not need to keep as
// many of passing out.
func smallest(set marks, passing []marks) marks {
	admits := func(m marks) (n int) {
		for _, p := range passing {
			if m.within(p) {
				n++
			}
		}
		return n
	}
	most := admits(set)
	for bit := range 64 {
		for _, less := range [...]marks{{set.list &^ (1 << bit), set.options}, {set.list, set.options &^ (1 << bit)}} {
			if less.within(set) && less != set && admits(less) == most {
				set = less
			}
		}
	}
	return set
}
