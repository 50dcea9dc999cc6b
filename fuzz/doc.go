// Package fuzz finds cases that break a registration, by several engines over
// one set of targets and one corpus.
//
// # From bytes to verdict
//
// Draw makes a case from a choice stream (sg.Choices): every byte string is a
// case, and EncodeCase turns a case back into bytes. A Runner takes a case
// through the life of every strategy: register, judge, release, demand that
// the keys are dead, register again with the next variant, judge again; in
// parts where the list is refused as a whole; and, with Options.Variants, as
// lists that must behave alike: split, moved, padded.
//
//	r := fuzz.NewRunner(fuzz.Options{Variants: true})
//	outs, err := r.Run(c) // one Outcome for each strategy
//
// A failure's class is the first check that fires and the strategy.
//
// # Engines
//
//   - Campaign: rounds of cases on all cores, guided by features (what was
//     answered to which kind of list), with structure-aware mutation. Figures and
//     findings depend on the seed alone. With a state directory a campaign goes
//     on where it was stopped or killed.
//   - Targets: bodies of one []byte argument for go test -fuzz, go-fuzz and
//     libFuzzer. TargetError carries a constant class and the details.
//   - gopter properties for every check and relation, and commands for the life
//     of a key, in the package's tests.
//   - Exhaust: every list up to some entries in a small universe, every
//     sub-range, and a statement of what is thereby shown.
//   - Bench: how soon the generators and the oracle find each mutant of
//     internal/mutants.
//
// # Determinism
//
// A Runner's outcomes depend on the case alone; nothing is shared between
// Runners. Minimise keeps the failure class while it shrinks.
package fuzz
