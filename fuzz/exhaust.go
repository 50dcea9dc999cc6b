package fuzz

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// ExhaustConfig describes a small universe and what to do in it. The universe
// is Pages pages of PageSize bytes each, from Base on; an entry is any
// sequence of units inside of it, the one of no units at every address
// included; a list is any sequence of up to Entries of them, in any order,
// overlapping or not.
type ExhaustConfig struct {
	Entries  int    // longest list
	Pages    int    // pages of the universe
	PageSize uint64 // bytes, a power of two from 4 on
	// Unit is what addresses and lengths are multiples of, in bytes: a power
	// of two up to PageSize. 0 is a quarter of a page, a byte for pages of 4.
	Unit uint64
	// Base is the universe's first address, a multiple of PageSize. 0 puts
	// the universe's middle at 4 GiB; see ExhaustTop.
	Base uint64

	Strategies []string // only these; empty for all
	From, To   uint64   // indices of lists, To exclusive; To 0 for all
	Edges      bool     // not every sub-range, see Exhaust
	Jobs       int      // workers; 0 for one a core

	Out      string // directory for findings; "" to keep them in memory only
	Progress func(ExhaustStats)
	Every    time.Duration // between two calls of Progress; 0 for a second

	// Mutant names a defect (see Mutants) to enumerate with, "" for none.
	Mutant string
}

// ErrExhaust reports a scope that cannot be enumerated.
var ErrExhaust = errors.New("bad scope")

// Bounds of a scope. The longest stream is their product in units.
const (
	maxExhaustEntries = 16
	maxExhaustUnits   = 256
	maxExhaustSpan    = 1 << 31 // bytes: a length has 32 bits
	maxExhaustLists   = 1 << 62
)

// ExhaustTop is the Base that ends a universe of n pages at 2^64.
func ExhaustTop(pages int, pageSize uint64) uint64 { return -uint64(pages) * pageSize }

// normal fills in defaults and refuses what cannot be enumerated.
func (c ExhaustConfig) normal() (ExhaustConfig, error) {
	bad := func(format string, args ...any) (ExhaustConfig, error) {
		return c, fmt.Errorf("%w: %s", ErrExhaust, fmt.Sprintf(format, args...))
	}
	switch {
	case c.Entries < 1 || c.Entries > maxExhaustEntries:
		return bad("%d entries: 1 to %d", c.Entries, maxExhaustEntries)
	case c.PageSize < 4 || bits.OnesCount64(c.PageSize) != 1:
		return bad("pages of %d bytes: a power of two from 4 on, as two bits of a page's entry are permissions", c.PageSize)
	case c.Unit == 0:
		c.Unit = c.PageSize / 4
	}
	switch {
	case bits.OnesCount64(c.Unit) != 1 || c.Unit > c.PageSize:
		return bad("units of %d bytes: a power of two up to the page size", c.Unit)
	case c.Pages < 1 || c.PageSize > maxExhaustSpan || uint64(c.Pages) > maxExhaustSpan/c.PageSize || c.units() > maxExhaustUnits:
		return bad("%d pages of %d units: 1 to %d units altogether, in at most 2^31 bytes", c.Pages, c.PageSize/c.Unit, maxExhaustUnits)
	case c.Base == 0:
		c.Base = 1<<32 - uint64(c.Pages/2)*c.PageSize
	}
	if end := c.Base + c.span(); c.Base%c.PageSize != 0 || end < c.Base && end != 0 {
		return bad("base %#x: a multiple of the page size with %d bytes up to 2^64", c.Base, c.span())
	}
	total, ok := ExhaustCount(c.Entries, c.units())
	if !ok {
		return bad("more than 2^62 lists")
	}
	if c.To == 0 {
		c.To = total
	}
	if c.To > total || c.From > c.To {
		return bad("lists %d to %d of %d", c.From, c.To, total)
	}
	for _, s := range c.Strategies {
		if _, ok := reg.StrategyByName(s); !ok {
			return bad("unknown strategy %q", s)
		}
	}
	if _, ok := mutants.ByName(c.Mutant); c.Mutant != "" && !ok {
		return bad("unknown mutant %q", c.Mutant)
	}
	if c.Jobs <= 0 {
		c.Jobs = runtime.GOMAXPROCS(0)
	}
	if c.Every <= 0 {
		c.Every = time.Second
	}
	return c, nil
}

// Total is the number of lists of the scope. The error is that of Exhaust.
func (c ExhaustConfig) Total() (uint64, error) {
	c, err := c.normal()
	if err != nil {
		return 0, err
	}
	n, _ := ExhaustCount(c.Entries, c.units())
	return n, nil
}

// parts are what stands in for correct parts, made afresh, as each worker needs
// its own.
func (c *ExhaustConfig) parts() mutants.Parts {
	if m, ok := mutants.ByName(c.Mutant); ok {
		return m.Parts()
	}
	return mutants.Parts{}
}

func (c *ExhaustConfig) units() int   { return c.Pages * int(c.PageSize/c.Unit) }
func (c *ExhaustConfig) span() uint64 { return uint64(c.Pages) * c.PageSize }

// profile is the device: "strict", with pages as small as the universe's.
func (c *ExhaustConfig) profile() mlx5model.Profile {
	p, _ := mlx5model.ProfileByName("strict")
	p.LogPageMin = min(p.LogPageMin, uint8(bits.TrailingZeros64(c.PageSize)))
	return p
}

// ExhaustStats is how far an enumeration is.
type ExhaustStats struct {
	Lists  uint64 // enumerated
	Checks uint64 // lists times strategies that were tried on them
	// Windows are the sub-ranges that were shown to be right. Walked are those
	// that were translated for it; the others belong to keys that, in all that
	// the device keeps of them, equal one whose sub-ranges were walked before.
	// How many that are depends on how lists fall to workers.
	Windows, Walked uint64
	Failed          uint64
	Strategies      []StrategyStats
	// Digest is a sum over all lists of a hash of their index and of every
	// strategy's answer: equal if two enumerations answered alike.
	Digest  uint64
	Elapsed time.Duration
}

// ExhaustSkip is a strategy that does not fit the universe.
type ExhaustSkip struct {
	Strategy string
	Lists    uint64 // not tried on so many
	Why      string
}

// ExhaustSummary is what an enumeration came to.
type ExhaustSummary struct {
	ExhaustStats
	Config   ExhaustConfig // with the defaults filled in
	Total    uint64        // lists of the whole scope
	Covered  uint64        // every list from Config.From up to this one, exclusive, was checked
	Skipped  []ExhaustSkip
	Classes  map[string]uint64 // failures by class
	Findings []ExhaustFinding  // the smallest of each class, in the order of the classes' names
}

// Complete says that no list of the whole scope was left out.
func (s *ExhaustSummary) Complete() bool { return s.Config.From == 0 && s.Covered == s.Total }

// Exhaust registers every list of a scope with every strategy and compares
// what the device makes of the work requests with what the list says byte by
// byte. For each list and strategy
//
//   - the answer must be that of a rule that looks at addresses one unit at a
//     time and knows no entries: accepted, or refused with the right reason and
//     at the right place; a list that fastreg refuses is registered in parts,
//     each as long as the rule allows;
//   - the strategy's own code maps the list, writes WQEs to a ring and rings
//     the doorbell; the device executes the bytes;
//   - every window of every advertised tuple, from any unit to any other, is
//     translated and must be the list's memory, unit for unit; the whole tuple
//     for writing too. With Edges only the windows of one unit and those
//     that start or end with the tuple are;
//   - a byte before, behind and across the tuple's end is refused, and after
//     the release everything is;
//   - what an initiator's requests gather and scatter is recorded at the
//     peer and must be the list's memory in order;
//   - nothing is left behind: no key, no buffer, no mapping.
//
// No list is left out for symmetry. That another universe, whole pages away,
// gives the same answers is not assumed but can be tried with Base: then Digest
// is the same.
//
// Work ends early, but at an exact index, when ctx does. The error says that
// the scope is bad or that findings could not be saved.
func Exhaust(ctx context.Context, c ExhaustConfig) (*ExhaustSummary, error) {
	c, err := c.normal()
	if err != nil {
		return nil, err
	}
	total, err := c.Total()
	if err != nil {
		return nil, err
	}
	k := &exhaustion{ExhaustConfig: c, u: newUniverse(&c), found: map[string]*ExhaustFinding{}}
	k.sum = ExhaustSummary{Config: c, Total: total, Classes: map[string]uint64{}}
	k.choose()
	k.next.Store(c.From)
	k.sum.Elapsed = k.run(ctx)
	k.sum.Covered = min(k.next.Load(), c.To)
	for i := range k.sum.Skipped {
		k.sum.Skipped[i].Lists = k.sum.Lists
	}
	return &k.sum, errors.Join(k.err, k.settle())
}

// exhaustion is an enumeration at work.
type exhaustion struct {
	ExhaustConfig
	u     *universe
	tries []exhaustTry
	next  atomic.Uint64 // first list that no worker has

	mu    sync.Mutex
	sum   ExhaustSummary
	found map[string]*ExhaustFinding // by class
	err   error
}

// choose picks the strategies that are tried.
func (k *exhaustion) choose() {
	for _, t := range exhaustTries {
		if len(k.Strategies) > 0 && !slices.Contains(k.Strategies, t.name) {
			continue
		}
		if t.name == "pool512" && k.PageSize != exhaustSector {
			k.sum.Skipped = append(k.sum.Skipped, ExhaustSkip{Strategy: t.name,
				Why: "its two page sizes, 512 and 4096 bytes, do not shrink with the universe's; enumerate it with pages of 512 bytes"})
			continue
		}
		k.tries = append(k.tries, t)
		k.sum.Strategies = append(k.sum.Strategies, StrategyStats{Strategy: t.name})
	}
}

// exhaustChunk is how many lists a worker takes at a time: a few milliseconds,
// which is how late an interrupt may come.
const exhaustChunk = 512

// run lets the workers loose and reports progress until they are done.
func (k *exhaustion) run(ctx context.Context) time.Duration {
	start := time.Now()
	done := make(chan struct{})
	var group sync.WaitGroup
	for range k.Jobs {
		group.Go(func() { k.work(ctx) })
	}
	go func() { group.Wait(); close(done) }()
	tick := time.NewTicker(k.Every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return time.Since(start)
		case <-tick.C:
			if k.Progress != nil {
				k.mu.Lock()
				s := k.sum.ExhaustStats
				s.Strategies = slices.Clone(s.Strategies)
				k.mu.Unlock()
				s.Elapsed = time.Since(start)
				k.Progress(s)
			}
		}
	}
}

// work takes chunk after chunk. A chunk that was taken is finished.
func (k *exhaustion) work(ctx context.Context) {
	w, err := newExhauster(k)
	for err == nil && ctx.Err() == nil {
		from := k.next.Add(exhaustChunk) - exhaustChunk
		if from >= k.To {
			return
		}
		to := min(from+exhaustChunk, k.To)
		for from < to && err == nil {
			from, err = w.lists(from, to)
		}
		k.merge(w)
	}
	if err != nil {
		k.mu.Lock()
		k.err = errors.Join(k.err, err)
		k.mu.Unlock()
	}
}

// merge adds a worker's figures to the sum.
func (k *exhaustion) merge(w *exhauster) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := &k.sum.ExhaustStats
	t.Lists += w.stats.Lists
	t.Checks += w.stats.Checks
	t.Windows += w.stats.Windows
	t.Walked += w.stats.Walked
	t.Digest += w.stats.Digest
	for i := range w.stats.Strategies {
		from, to := &w.stats.Strategies[i], &t.Strategies[i]
		to.Accepted += from.Accepted
		to.Partial += from.Partial
		to.Refused += from.Refused
		to.Broken += from.Broken
		to.Failed += from.Failed
		t.Failed += from.Failed
		*from = StrategyStats{}
	}
	w.stats = ExhaustStats{Strategies: w.stats.Strategies}
}
