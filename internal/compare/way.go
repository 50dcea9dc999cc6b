package compare

import (
	"slices"

	"github.com/sgfuzz/sgfuzz/reg"
)

// Way is one way to register lists.
type Way struct {
	Name     string
	Strategy string // of package reg
	Fallback string // strategy for what Strategy refuses, "" for none
	About    string // one line for people
}

var ways = [...]Way{
	{"fastreg", "fastreg", "", "one page list, 4 KiB pages unless the case says otherwise"},
	{"fastreg+bounce", "fastreg", "bounce", "one page list, a copy of what that cannot say"},
	{"multimr", "multimr", "", "page-list regions, as many as it takes, in an SRP descriptor table"},
	{"bounce", "bounce", "", "always a copy"},
	{"pool512", "pool512", "", "one page list of 4 KiB pages, or of 512-byte pages from a second pool"},
	{"pool512+bounce", "pool512", "bounce", "the same, and a copy of what that cannot say"},
	{"indirect", "indirect", "", "one KLM list"},
	{"rdmarw", "rdmarw", "", "the target's side: no region, data segments in its own requests"},
	{"umem", "umem", "", "a key made by command, best page size"},
	{"auto", "auto", "", "the cheapest of these that takes the list"},
}

// indexOf is the place of a strategy in reg.Strategies.
func indexOf(strategies []reg.Strategy, name string) int {
	return slices.IndexFunc(strategies, func(s reg.Strategy) bool { return s.Name() == name })
}
