package fuzz

import (
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// CheckLoop is the inner loop of a campaign's screening without its
// bookkeeping, to be timed: a list is made, registered through each of the
// loop's strategies, executed, checked as a quick Runner does, and released;
// one in four is registered once more with the next variant of its keys.
//
// Lists have 1 to 15 entries, 8 in the mean, and every strategy takes every
// list: if one of them registers page lists, entries begin and end at pages but
// for the list's own first and last byte, else they begin and end anywhere. A
// CheckLoop is not safe for concurrent use; several share nothing.
type CheckLoop struct {
	r      *Runner
	c      corpus.Case
	pages  bool
	random uint64
}

// CheckLoopEntries is the mean number of entries of a CheckLoop's lists.
const CheckLoopEntries = 8

// NewCheckLoop makes a loop over the strategies, all if none is named. Loops
// with different seeds make different lists. The error names an unknown
// strategy.
func NewCheckLoop(seed uint64, strategies ...string) (*CheckLoop, error) {
	for _, s := range strategies {
		if !slices.Contains(corpus.Strategies(), s) {
			return nil, fmt.Errorf("unknown strategy %q", s)
		}
	}
	byteAligned := []string{"indirect", "multimr", "bounce", "rdmarw"}
	l := &CheckLoop{r: NewRunner(Options{Quick: true, Strategies: strategies}), random: seed}
	l.pages = len(strategies) == 0 || slices.ContainsFunc(strategies, func(s string) bool { return !slices.Contains(byteAligned, s) })
	return l, nil
}

// Step makes one list and checks it. It gives the number of strategies that
// registered the list and were found right, which is all of them; anything else
// is an error. It allocates nothing once its storage is warm.
func (l *CheckLoop) Step() (registrations int, err error) {
	l.draw()
	outs, err := l.r.Run(&l.c)
	if err != nil {
		return 0, err
	}
	for i := range outs {
		if o := &outs[i]; o.Answer != Accepted || o.Failed() {
			return i, fmt.Errorf("%s: %v, %v: %v\n%s", o.Strategy, o.Answer, o.Err, o.Verdict.Failures, corpus.Format(&l.c))
		}
	}
	return len(outs), nil
}

// next draws from the sequence of splitmix64.
func (l *CheckLoop) next(n uint64) uint64 {
	l.random += 0x9e3779b97f4a7c15
	x := l.random
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return (x ^ x>>31) % n
}

func (l *CheckLoop) draw() {
	const page = sg.DefaultPageSize
	list := l.c.List[:0]
	for range 1 + l.next(2*CheckLoopEntries-1) {
		e := sg.Entry{Addr: 1<<32 + l.next(1<<34)*page, Len: uint32(1+l.next(2)) * page}
		if !l.pages {
			e.Addr += l.next(page)
			e.Len -= uint32(l.next(page))
		}
		list = append(list, e)
	}
	first, last := &list[0], &list[len(list)-1]
	in := l.next(uint64(min(first.Len, page)))
	first.Addr += in
	first.Len -= uint32(in)
	last.Len -= uint32(l.next(uint64(min(last.Len, page))))
	l.c.List = list
}
