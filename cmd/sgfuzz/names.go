package main

import (
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/conform/runner"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/bench"
	"github.com/sgfuzz/sgfuzz/internal/compare"
	"github.com/sgfuzz/sgfuzz/internal/suggest"
	"github.com/sgfuzz/sgfuzz/internal/usage"
	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/internal/wqeview"
)

// nameSets are the sets of names that flags and arguments take. A flag takes
// the set that is called like it, or the one of its tag "names".
var nameSets = map[string]func() []string{
	"strategy":  corpus.Strategies,
	"dialect":   corpus.Dialects,
	"rules":     wqeview.Dialects, // what decode judges by
	"profile":   fuzz.ProfileNames,
	"generator": fuzz.GeneratorNames,
	"mutant":    mutantNames,
	"case":      embeddedNames,
	"target":    targetNames,
	"format":    func() []string { return slices.Clone(exportFormats) },
	"kind":      func() []string { return slices.Clone(importKinds) },
	"operation": operationNames,
	"benchmark": benchmarkNames,
	"libmlx5":   func() []string { return []string{vectors.LibMLX5v44, vectors.LibMLX5Head} },
	"shell":     usage.Shells,
	"answer":    answerNames,
	"class":     func() []string { return []string{runner.ClassProtocol, runner.ClassExact, runner.ClassSemantic} },
	"windows":   func() []string { return []string{windowsAll, windowsEdges} },
	"judge":     func() []string { return []string{judgeExact, judgeSemantic} },
	"workload":  compare.Generators,
	"direction": directions,
	"constant":  constantNames,
}

// namesOf gives the members of a set, none if there is no such set.
func namesOf(set string) []string {
	if f := nameSets[set]; f != nil {
		return f()
	}
	return nil
}

func answerNames() (names []string) {
	for a := fuzz.Accepted; a <= fuzz.Broken; a++ {
		names = append(names, a.String())
	}
	return names
}

func mutantNames() (names []string) {
	all, _ := fuzz.Mutants() // all are known
	for _, m := range all {
		names = append(names, m.Name)
	}
	return names
}

func targetNames() (names []string) {
	for _, t := range fuzz.Targets() {
		names = append(names, t.Name)
	}
	return append(names, allTargets)
}

// operationNames are what conform tests.
func operationNames() (names []string) {
	for op := conform.OpHello + 1; int(op) <= conform.NumOps; op++ {
		names = append(names, op.String())
	}
	return names
}

func benchmarkNames() (names []string) {
	for _, j := range bench.Jobs() {
		names = append(names, j.Name)
	}
	return names
}

// known refuses names that are not in all, with those that are near, and lists
// those that are.
func known(what string, given, all []string) error {
	for _, s := range given {
		if !slices.Contains(all, s) {
			return badInputf("unknown %s %q%s: one of %s", what, s, suggest.Question(s, all), strings.Join(all, ", "))
		}
	}
	return nil
}

// knownName is knownIn for a flag that need not be given.
func knownName(set, given string) error {
	if given == "" {
		return nil
	}
	return knownIn(set, given)
}

// knownIn is known for the members of a set of names.
func knownIn(set string, given ...string) error { return known(set, given, namesOf(set)) }
