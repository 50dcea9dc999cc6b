package program

import "slices"

// Shrink looks for a smaller program that still fails: fewer actions, in runs
// that get shorter, then fewer pieces and cycles, requests posted alone, and
// rounder numbers. fails is asked at most most times; it gets settled programs
// only. Without a smaller one p comes back.
func Shrink(p Program, fails func(Program) bool, most int) Program {
	s := &shrinker{best: p, fails: fails, left: most}
	for again := true; again && s.left > 0; {
		again = s.drop()
		again = s.simplify() || again
	}
	return s.best
}

type shrinker struct {
	best  Program
	fails func(Program) bool
	left  int
}

func (s *shrinker) try(p Program) bool {
	p = Settled(p)
	if s.left <= 0 || len(p) == 0 {
		return false
	}
	s.left--
	if !s.fails(p) {
		return false
	}
	s.best = p
	return true
}

// drop leaves out runs of actions, from the end, where most is what nobody
// needs.
func (s *shrinker) drop() (took bool) {
	for n := len(s.best) / 2; n > 0; n /= 2 {
		for at := len(s.best) - n; at >= 0; at -= n {
			if at+n <= len(s.best) && s.try(slices.Concat(s.best[:at], s.best[at+n:])) {
				took = true
			}
		}
	}
	return took
}

// simplify makes single actions smaller.
func (s *shrinker) simplify() (took bool) {
	for i := 0; i < len(s.best); i++ {
		for _, smaller := range simpler {
			for i < len(s.best) {
				a := s.best[i]
				a.Pieces = slices.Clone(a.Pieces)
				if !smaller(&a) || a.valid() != nil {
					break
				}
				q := slices.Clone(s.best)
				q[i] = a
				if !s.try(q) {
					break
				}
				took = true
			}
		}
	}
	return took
}

// simpler are steps that make an action smaller, as long as they say so.
var simpler = []func(*Action) bool{
	func(a *Action) bool { was := a.Held; a.Held = false; return was },
	func(a *Action) bool { // on the pair before
		n := uint64(2)
		if a.Kind == Pair || a.Kind == Recover {
			n = 1
		}
		was := a.End
		a.End -= min(n, a.End/n*n)
		return a.End != was
	},
	func(a *Action) bool { return cut(a, 0) },
	func(a *Action) bool { return cut(a, 1) },
	func(a *Action) bool { return cut(a, len(a.Pieces)-1) },
	func(a *Action) bool { return lower(&a.Cycles, 1) },
	func(a *Action) bool { return lower(&a.Operand, 1) },
	func(a *Action) bool { return lower(&a.PD, 0) },
	func(a *Action) bool { return lower(&a.PD2, 0) },
	halvePieces,
	func(a *Action) bool { return len(a.Pieces) > 0 && lower(&a.Pieces[0].Len, 1) },
	func(a *Action) bool { return len(a.Pieces) > 1 && lower(&a.Pieces[1].Len, 1) },
	clearSkips,
	func(a *Action) bool {
		was := a.Kind == Pair && a.Access != accessAll
		a.Access |= accessAll
		return was
	},
	func(a *Action) bool {
		was := a.Kind == Pair && a.Access2 != accessAll
		a.Access2 |= accessAll
		return was
	},
}

// cut leaves out a piece; of atomics the only one stays.
func cut(a *Action, at int) bool {
	if at < 0 || at >= len(a.Pieces) {
		return false
	}
	a.Pieces = slices.Delete(a.Pieces, at, at+1)
	return true
}

func lower(v *uint64, to uint64) bool {
	if *v <= to {
		return false
	}
	*v = max(*v/2, to)
	return true
}

func halvePieces(a *Action) (some bool) {
	for i := range a.Pieces {
		some = lower(&a.Pieces[i].Len, 1) || some
	}
	return some
}

func clearSkips(a *Action) (some bool) {
	for i := range a.Pieces {
		some = some || a.Pieces[i].Skip != 0
		a.Pieces[i].Skip = 0
	}
	return some
}
