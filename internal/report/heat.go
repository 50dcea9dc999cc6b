package report

import (
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
)

// heatOf takes over the counts by feature; nil if there are none.
func heatOf(s *fuzz.State) *Heat {
	if s.Tally.Cases == 0 {
		return nil
	}
	h := &Heat{Cases: s.Tally.Cases, All: s.Stats.Cases, Empty: []string{}}
	var used []int
	for i, name := range corpus.Strategies() {
		if s.Stats.Strategies[i].Cases() > 0 {
			used, h.Strategies = append(used, i), append(h.Strategies, name)
		}
	}
	for f, feature := range fuzz.ListFeatures() {
		row := Row{Feature: feature}
		row.Group, row.Meaning = meaning(feature)
		for _, strategy := range used {
			c := Cell(s.Tally.Cell(strategy, f))
			row.Tried, row.Failed = row.Tried+c.Tried(), row.Failed+c.Failed
			row.Cells = append(row.Cells, c)
		}
		if row.Tried == 0 {
			h.Empty = append(h.Empty, feature)
			continue
		}
		h.Rows = append(h.Rows, row)
	}
	return h
}

// Groups of features.
const (
	groupCount = "entries"
	groupStart = "alignment"
	groupJoint = "joints and the rest"
)

// meaning says what a feature's word stands for.
func meaning(word string) (group, text string) {
	if place, class, ok := strings.Cut(word, ":"); ok {
		where := map[string]string{
			"first-start": "the list starts", "first-end": "the first entry ends",
			"interior": "an entry starts or ends in the middle of the list", "last-end": "the list ends",
		}[place]
		at := map[string]string{
			"page": "on a page border", "512": "on a multiple of 512", "64": "on a multiple of 64", "4": "on a multiple of 4", "odd": "on no multiple of 4",
		}[class]
		return groupStart, where + " " + at
	}
	if text, ok := words[word]; ok {
		return groupJoint, text
	}
	if n, ok := strings.CutPrefix(word, "n"); ok {
		return groupCount, entries(n)
	}
	return groupJoint, ""
}

func entries(n string) string {
	switch {
	case n == "0":
		return "no entries"
	case n == "1":
		return "one entry"
	case strings.HasSuffix(n, "+"):
		return strings.TrimSuffix(n, "+") + " entries or more"
	}
	return strings.Replace(n, "-", " to ", 1) + " entries"
}

// words are the features about joints and places, as package sg explains them.
var words = map[string]string{
	"coalescible":   "an entry continues the one before it, under the same lkey",
	"continues-key": "an entry continues the one before it, under another lkey",
	"gap-end":       "an entry ends in mid-page, the next starts on a page border",
	"gap-start":     "an entry ends on a page border, the next starts in mid-page",
	"gap-both":      "an entry ends in mid-page, and the next starts in one",
	"backwards":     "an entry starts below the one before it",
	"aliased":       "two entries share a byte",
	"zero-length":   "an entry is empty",
	"keys":          "more than one lkey",
	"cross-page":    "an entry has bytes in more than one page",
	"cross-2^32":    "an entry crosses a multiple of 2^32",
	"high":          "an address of 2^32 or above",
	"entry>=2^31":   "an entry of 2^31 bytes or more",
	"total>=2^31":   "2^31 bytes or more in all",
	"total>=2^32":   "2^32 bytes or more in all",
	"top":           "a range ends exactly at 2^64",
	"wraps":         "a range runs past 2^64",
}
