package corpus

import (
	"context"
	"reflect"
	"slices"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Verdict is what somebody who runs cases says of one.
type Verdict struct {
	Failed bool
	Class  string // failure class: failures of one class have one cause
	Text   string // for people
}

// Summary counts the cases of a replay.
type Summary struct {
	Run, Failed int
	Classes     map[string]int // failed cases by class
}

// Replay runs the cases one after another and reports each to each, which may
// be nil. When ctx ends it stops before the next case and returns ctx's error
// with what was counted.
func Replay(ctx context.Context, cases []*Case, run func(*Case) Verdict, each func(*Case, Verdict)) (Summary, error) {
	s := Summary{Classes: make(map[string]int)}
	for _, c := range cases {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		v := run(c)
		s.Run++
		if v.Failed {
			s.Failed++
			s.Classes[v.Class]++
		}
		if each != nil {
			each(c, v)
		}
	}
	return s, nil
}

// Minimise looks for a smaller case with the same failure class: fewer and
// simpler entries, fewer options, smaller numbers. It calls run at most
// maxSteps times, never with the same memory that it returns, and leaves c as
// it was. A case that does not fail is returned as it is. Comments on single
// entries are dropped, as they may no longer be true; the others are kept.
func Minimise(c *Case, run func(*Case) Verdict, maxSteps int) (*Case, Verdict) {
	m := minimiser{run: run, left: maxSteps, best: c.Clone()}
	if m.left--; m.left < 0 {
		return m.best, Verdict{}
	}
	m.verdict = run(c.Clone())
	if !m.verdict.Failed {
		return m.best, m.verdict
	}
	m.best.Comments = slices.DeleteFunc(m.best.Comments, func(n Comment) bool { return n.At == keySG })
	for changed := true; changed && m.left > 0; {
		changed = m.list()
		changed = m.capacities() || changed
		for _, edit := range edits {
			changed = m.try(edit) || changed
		}
		for i := len(m.best.Wants) - 1; i >= 0; i-- {
			changed = m.try(func(c *Case) { c.Wants = slices.Delete(c.Wants, i, i+1) }) || changed
		}
	}
	return m.best, m.verdict
}

type minimiser struct {
	run     func(*Case) Verdict
	left    int // calls of run that are left
	best    *Case
	verdict Verdict // of best
}

// fails runs a candidate, which it may keep as the best.
func (m *minimiser) fails(c *Case) bool {
	if m.left <= 0 {
		return false
	}
	m.left--
	v := m.run(c.Clone())
	if !v.Failed || v.Class != m.verdict.Class {
		return false
	}
	m.best, m.verdict = c, v
	return true
}

// try edits a copy of the best case and keeps it if it still fails. An edit
// that changes nothing is not run.
func (m *minimiser) try(edit func(*Case)) bool {
	c := m.best.Clone()
	edit(c)
	if reflect.DeepEqual(c, m.best) {
		return false
	}
	return m.fails(c)
}

// fewCalls is so little that the list gets all of it.
const fewCalls = 64

// list shrinks the list of the best case with half of what is left of the
// calls: a long list that cannot get smaller must not keep simpler options from
// being tried, which may be what holds it. It tells whether there is more to do.
func (m *minimiser) list() bool {
	before, until := m.best.List, m.left/2
	if m.left <= fewCalls {
		until = 0
	}
	sg.Shrink(slices.Clone(before), func(l sg.List) bool {
		c := m.best.Clone()
		c.List = slices.Clone(l)
		return m.fails(c)
	}, m.left-until)
	return m.left == until || !slices.Equal(before, m.best.List)
}

// capacities halves each limit together with the list: a list that is just too
// long for a limit can become no shorter as long as the limit stays.
func (m *minimiser) capacities() (changed bool) {
	for _, of := range limits {
		for m.left > 0 {
			c := m.best.Clone()
			limit, n := of(&c.Limits), len(c.List)
			if *limit < 2 || n < 2 {
				break
			}
			*limit = halved(*limit)
			last := c.Clone()
			c.List, last.List = c.List[:(n+1)/2], last.List[n/2:]
			if !m.fails(c) && !m.fails(last) {
				break
			}
			changed = true
		}
	}
	return changed
}

// limits are those that a list may be too long for.
var limits = []func(*Limits) *uint32{
	func(l *Limits) *uint32 { return &l.MaxEntries },
	func(l *Limits) *uint32 { return &l.MaxRegions },
	func(l *Limits) *uint32 { return &l.MaxInline },
	func(l *Limits) *uint32 { return &l.Queue },
	func(l *Limits) *uint32 { return &l.Pool },
}

// edits are simpler options, the most helpful first. Each is tried by itself
// until none helps; all make the case smaller, so that this ends.
var edits = []func(*Case){
	func(c *Case) { c.Wants = nil },
	func(c *Case) { c.DMA = sg.DMA{} },
	func(c *Case) { c.Limits = Limits{} },
	func(c *Case) { c.PageSize = 0 },
	func(c *Case) { c.Dialect = "" },
	func(c *Case) { c.Profile = "" },
	func(c *Case) { c.Access = 0 },
	func(c *Case) { c.Dir = "" },
	func(c *Case) { c.Strategy = "" },
	func(c *Case) { c.IOVA, c.HasIOVA = 0, false },
	func(c *Case) { c.PgszBitmap = 0 },
	func(c *Case) { c.Limits.MaxEntries = 0 },
	func(c *Case) { c.Limits.MaxEntryBytes = 0 },
	func(c *Case) { c.Limits.MaxRegions = 0 },
	func(c *Case) { c.Limits.MaxInline = 0 },
	func(c *Case) { c.Limits.Queue, c.Limits.RingStart = 0, 0 },
	func(c *Case) { c.Limits.RingStart = 0 },
	func(c *Case) { c.Limits.Pool = 0 },
	func(c *Case) { c.Offset = 0 },
	func(c *Case) { c.Offset /= 2 },
	func(c *Case) { c.Limits.RingStart /= 2 },
	func(c *Case) { c.Limits.MaxEntries = halved(c.Limits.MaxEntries) },
}

// halved is half of a capacity, rounded up: 0 would mean that none is stated.
func halved(n uint32) uint32 { return n - n/2 }
