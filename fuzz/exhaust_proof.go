package fuzz

import (
	"fmt"
	"strings"
)

// Scope describes the lists in words.
func (s *ExhaustSummary) Scope() string {
	c := &s.Config
	lists := fmt.Sprintf("all %d lists", s.Total)
	if !s.Complete() {
		lists = fmt.Sprintf("lists %d to %d, end excluded, of %d", c.From, s.Covered, s.Total)
	}
	return fmt.Sprintf("%s of 0 to %d entries, in any order and overlap, each at any multiple of %d bytes and of any length from 0, "+
		"in %d pages of %d bytes from %#x on", lists, c.Entries, c.Unit, c.Pages, c.PageSize, c.Base)
}

// Proved states line by line what an enumeration without findings shows, and
// what it does not.
func (s *ExhaustSummary) Proved() []string {
	var names []string
	for i := range s.Strategies {
		names = append(names, s.Strategies[i].Strategy)
	}
	windows := "every sub-range of every region, from any unit to any other, reads the list's memory in the list's order"
	if s.Config.Edges {
		windows = "every unit, every start and every end of every region reads the list's memory in the list's order (sub-ranges inside were not tried)"
	}
	if s.Config.Unit > 1 {
		windows += fmt.Sprintf("; a unit is %d bytes, and inside of one nothing was looked at", s.Config.Unit)
	}
	lines := []string{
		"scope: " + s.Scope(),
		"side conditions: dialect linux, profile strict with pages from the universe's size on, no limits, no merging by the DMA stage, sg_offset 0",
		"strategies: " + strings.Join(names, ", "),
		"each takes exactly the lists that the byte-wise rule allows, and says where the others break it",
		windows + ", and so does every write to a whole region",
		"a byte in front of a region, behind it or across its end is refused, and everything is after the release; no key, buffer or mapping is left behind",
		"by identity: a key in the same state as one whose sub-ranges were translated is not translated window by window again",
	}
	return append(lines, "not shown: content (addresses are compared, no data is moved), limits of device and request, other dialects, entries beyond the scope")
}
