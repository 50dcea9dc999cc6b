package sg

import (
	"cmp"
	"slices"
	"sync"
)

// fewEntries is how many entries are compared pair by pair. Longer lists are
// sorted.
const fewEntries = 16

var aliasScratch = sync.Pool{New: func() any { return new(List) }}

// HasAliases reports whether two entries share a byte. A range that wraps
// counts up to the top only.
func (l List) HasAliases() bool {
	if rising(l) {
		return false
	}
	if len(l) <= fewEntries {
		return pairAliases(l)
	}
	scratch := aliasScratch.Get().(*List)
	*scratch = append((*scratch)[:0], l...)
	slices.SortFunc(*scratch, func(a, b Entry) int { return cmp.Compare(a.Addr, b.Addr) })
	ok := rising(*scratch)
	aliasScratch.Put(scratch)
	return !ok
}

func aliasFeature(l List) Features {
	if l.HasAliases() {
		return Aliased
	}
	return 0
}

// lastUpToTop is the last byte of an entry that is not empty, or the top of
// the address space if the entry wraps.
func lastUpToTop(e *Entry) uint64 {
	if e.Wraps() {
		return ^uint64(0)
	}
	return e.Last()
}

// rising reports whether each entry that is not empty starts behind the end of
// the one before it: no two of them can share a byte then.
func rising(l List) bool {
	var behind uint64 // last byte so far
	seen := false
	for i := range l {
		if l[i].Len == 0 {
			continue
		}
		if seen && l[i].Addr <= behind {
			return false
		}
		behind, seen = lastUpToTop(&l[i]), true
	}
	return true
}

func pairAliases(l List) bool {
	for i := range l {
		for k := range i {
			if l[i].Len != 0 && l[k].Len != 0 && l[i].Addr <= lastUpToTop(&l[k]) && l[k].Addr <= lastUpToTop(&l[i]) {
				return true
			}
		}
	}
	return false
}
