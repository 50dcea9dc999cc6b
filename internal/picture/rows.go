package picture

import (
	"cmp"
	"slices"
)

// span is a run of rows [from, to) that are shown, or left out.
type span struct {
	from, to int
	shown    bool
}

// around is how many rows on either side of one that must be seen are shown.
const around = 1

// choose says which of n rows are shown if at most most may be: all, or the
// first half, the last quarter, and between them those around must, as far as
// the rest allows. The spans are in order and make up [0, n).
func choose(n, most int, must []int) []span {
	if n == 0 {
		return nil
	}
	if n <= most {
		return []span{{0, n, true}}
	}
	show := []span{{0, most / 2, true}, {n - most/4, n, true}}
	left := most - most/2 - most/4
	for _, m := range must {
		s := span{max(m-around, 0), min(m+around+1, n), true}
		if m < 0 || m >= n || left < s.to-s.from {
			continue
		}
		left -= s.to - s.from
		show = append(show, s)
	}
	slices.SortFunc(show, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	at := 0
	for _, s := range show {
		s.from = max(s.from, at)
		if s.from >= s.to {
			continue
		}
		if s.from == at+1 && at > 0 { // a row in place of one row gains nothing
			s.from = at
		}
		switch k := len(out); {
		case s.from > at:
			out = append(out, span{at, s.from, false}, s)
		case k > 0:
			out[k-1].to = s.to
		default:
			out = append(out, s)
		}
		at = s.to
	}
	return out
}
