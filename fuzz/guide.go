package fuzz

import (
	"math/bits"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// feature is one thing worth having seen: the kind in the highest byte, below
// it one byte for each value that the kind tells apart. It is part of state
// files; a new kind may come, the meaning of none may change without another
// stateFormat.
type feature uint64

// Kinds of features. All begin with the strategy and its answer.
const (
	kindList    = 1 + iota // reason, dialect, profile, one list feature
	kindShape              // dialect, descriptors, inline or by pointer, where the ring ends
	kindCost               // mapping stage, regions, tuples, parts, the strategy that auto took
	kindPair               // two list features
	kindCheck              // one check, how often it was applied, how often it failed
	kindVariant            // variants accepted and refused
	kindOption             // reason, one option, its value
	kindMutant             // number of a mutant that the case shows; for corpora only
)

// featureOf packs a kind and up to seven values.
func featureOf(kind uint8, values ...uint8) feature {
	f := feature(kind)
	for i := range 7 {
		f <<= 8
		if i < len(values) {
			f |= feature(values[i])
		}
	}
	return f
}

// class is the power of two at or above n, as a small number: 0, 1, 2, 3-4,
// 5-8 and so on are classes.
func class(n int) uint8 {
	if n <= 0 {
		return 0
	}
	return uint8(1 + bits.Len(uint(n-1)))
}

// trail is how a registration came about, as far as features tell.
type trail struct {
	descs, regions, tuples uint8 // classes
	form                   uint8 // formNone and so on
	wrap                   uint8 // wrapNone and so on, and WQEBBs up to the end of the ring
	dma                    uint8 // dmaSame and so on
	chosen                 uint8 // by auto: index of the strategy
	variants               uint8 // two bits each: accepted, refused
}

// Where the descriptors stand.
const (
	formNone = iota
	formInline
	formPointer
	formBoth // several registrations, of either kind
)

// What the mapping stage did to the number of entries.
const (
	dmaSame = iota
	dmaFewer
	dmaMore
)

// Which WQE passes the end of the ring. The rest of the byte says how many
// WQEBBs of the first are in front of it.
const (
	wrapNone  = iota << 6
	wrapNot   // there are WQEs, none wraps
	wrapFirst // the first one does
	wrapLater // another one does
)

// trailOf reads a registration just made.
func trailOf(r *reg.Registration) trail {
	c := &r.Cost
	t := trail{descs: class(c.Descriptors), regions: class(c.MRs), tuples: class(c.RemoteDescs), wrap: wrapOf(r)}
	lists := c.Fetches - c.WQEs
	switch {
	case c.WQEs == 0 || c.Descriptors == 0:
	case lists == 0:
		t.form = formInline
	case lists >= c.MRs:
		t.form = formPointer
	default:
		t.form = formBoth
	}
	switch {
	case r.DMANents < r.MapNents:
		t.dma = dmaFewer
	case r.DMANents > r.MapNents:
		t.dma = dmaMore
	}
	if r.Chosen != "" {
		t.chosen = uint8(index(strategyNames, r.Chosen))
	}
	return t
}

func wrapOf(r *reg.Registration) uint8 {
	if r.Ring == nil || r.PostedFrom == r.PostedTo {
		return wrapNone
	}
	size, at := r.Ring.WQEBBs(), r.Ring.Index(r.PostedFrom)
	ctrl := mlx5model.ParseCtrl(r.Ring.At(r.PostedFrom, 0))
	first := (uint32(ctrl.DS)*mlx5model.DSSize + mlx5model.WQEBBSize - 1) / mlx5model.WQEBBSize
	switch {
	case at+first > size:
		return wrapFirst | uint8(min(size-at, 63))
	case at+(r.PostedTo-r.PostedFrom) > size:
		return wrapLater
	}
	return wrapNot
}

// variant notes what became of variant i.
func (t *trail) variant(name string, accepted bool) {
	for i := range variants {
		if variants[i].name == name {
			t.variants |= 1 << (2*i + int(1-b2u(accepted)))
		}
	}
}

// appendFeatures adds the features that an outcome of a case shows to dst, some
// perhaps twice. list are those of the case's list.
func appendFeatures(dst []feature, c *corpus.Case, o *Outcome, list sg.Features) []feature {
	s, a, t := uint8(index(strategyNames, o.Strategy)), uint8(o.Answer), &o.trail
	dialect, profile := uint8(index(dialectNames, c.Dialect)), uint8(index(profileNames, c.Profile))
	dst = append(dst,
		featureOf(kindShape, s, a, dialect, t.descs, t.form, t.wrap),
		featureOf(kindCost, s, a, t.dma, t.regions, t.tuples, class(o.Parts), t.chosen),
		featureOf(kindVariant, s, a, t.variants))
	for rest := uint64(list); rest != 0; rest &= rest - 1 {
		i := uint8(bits.TrailingZeros64(rest))
		dst = append(dst, featureOf(kindList, s, a, uint8(o.Reason), dialect, profile, i))
		for others := rest & (rest - 1); others != 0; others &= others - 1 {
			dst = append(dst, featureOf(kindPair, s, a, i, uint8(bits.TrailingZeros64(others))))
		}
	}
	for n := 1; n <= oracle.NumChecks; n++ {
		if ran := o.Verdict.Ran[n]; ran != 0 {
			dst = append(dst, featureOf(kindCheck, s, a, uint8(n), class(ran), class(o.Verdict.Failed[n])))
		}
	}
	for i := range options {
		dst = append(dst, featureOf(kindOption, s, a, uint8(o.Reason), uint8(i), options[i].class(c)))
	}
	return dst
}

// class is the place of the case's value in the option's table, or for another
// value a number of its magnitude.
func (o *option) class(c *corpus.Case) uint8 {
	v := o.get(c)
	for i, w := range o.values {
		if v == w {
			return uint8(i)
		}
	}
	return uint8(128 + bits.Len64(v))
}

// Bounds of the pool: what a mutation starts from is to be cheap to run and to
// hold.
const (
	maxPool        = 8192 // cases
	maxPoolEntries = 1024 // in the list of one
	maxPoolCost    = 4000 // see costOf
)

// costOf is how much work a case was, in a measure that does not depend on the
// machine: checks applied, weighted with the entries they went through. A case
// in the middle costs about 200.
func costOf(c *corpus.Case, outs []Outcome) (cost int) {
	for i := range outs {
		for _, ran := range outs[i].Verdict.Ran {
			cost += ran
		}
	}
	return cost * (16 + len(c.List)) / 16
}

// pool holds the cases that were the first to show a feature. Workers read it
// during a round; it changes between rounds only.
type pool struct {
	cases []poolCase
	next  int // place of the next one to be replaced, once the pool is full
}

type poolCase struct {
	c    *corpus.Case
	news int // features that it was the first to show
	cost int // see costOf
}

// worth says whether p is a better start than q: more news for the work.
func (p *poolCase) worth(q *poolCase) bool { return p.news*(q.cost+100) > q.news*(p.cost+100) }

// add puts a case into the pool, in place of the oldest if it is full.
func (p *pool) add(pc poolCase) {
	if len(p.cases) < maxPool {
		p.cases = append(p.cases, pc)
		return
	}
	p.cases[p.next] = pc
	p.next = (p.next + 1) % maxPool
}

// pick draws a case: from the latest eighth or, of two from anywhere, the one
// worth more.
func (p *pool) pick(ch *sg.Choices) *corpus.Case {
	n := len(p.cases)
	if ch.Bool() {
		back := int(ch.Uint(uint64(max(n/8, 1) - 1)))
		return p.cases[(p.next-1-back+2*n)%n].c
	}
	a, b := ch.Uint(uint64(n-1)), ch.Uint(uint64(n-1))
	if p.cases[b].worth(&p.cases[a]) {
		a = b
	}
	return p.cases[a].c
}
