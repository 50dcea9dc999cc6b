// Package suggest finds the names that somebody may have meant.
package suggest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// most is how many names are suggested at most.
const most = 3

// Names are those of all that are near the given name, the nearest first and
// three at most: names that begin with it, and names that a few slips of the
// finger make of it (a letter too many, too few, another one, or two swapped;
// one slip for each three letters of the given name). Of a name with slashes the last part alone
// will do. Upper and lower case are the same.
func Names(given string, all []string) []string {
	type near struct {
		name  string
		slips int
	}
	var found []near
	want := strings.ToLower(given)
	for _, name := range all {
		if n, ok := slips(want, strings.ToLower(name)); ok {
			found = append(found, near{name, n})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.slips, b.slips), strings.Compare(a.name, b.name))
	})
	names := []string{}
	for _, f := range found[:min(most, len(found))] {
		names = append(names, f.name)
	}
	return names
}

// slips tells how far a name is from the given one, and whether that is near.
func slips(given, name string) (n int, ok bool) {
	if given == "" {
		return 0, false
	}
	base := path.Base(name)
	if strings.HasPrefix(name, given) || strings.HasPrefix(base, given) {
		return 0, true
	}
	bound := len(given) / 3
	if len(given) > len(name)+bound {
		return 0, false
	}
	n = min(distance(given, name), distance(given, base))
	return n, n <= bound
}

// distance is the number of bytes to insert, delete, replace or swap with their
// neighbour that makes b of a, no place touched twice.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replaced := last[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// Question asks whether one of the names near the given one was meant: " (did
// you mean "a" or "b"?)", or "" if none is near.
func Question(given string, all []string) string {
	names := Names(given, all)
	for i := range names {
		names[i] = fmt.Sprintf("%q", names[i])
	}
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(" (did you mean %s?)", names[0])
	default:
		return fmt.Sprintf(" (did you mean %s or %s?)", strings.Join(names[:n-1], ", "), names[n-1])
	}
}
