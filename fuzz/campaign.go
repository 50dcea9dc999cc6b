package fuzz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Config says what a campaign does and when it ends.
type Config struct {
	Seed  uint64        // of the whole campaign, see Campaign
	First uint64        // number of the first case
	Cases uint64        // cases to run, those of earlier sessions included; 0 for no limit
	For   time.Duration // time to run; 0 for no limit
	Jobs  int           // workers; 0 for one a core

	Strategies []string // only these; empty for all
	Dialects   []string
	Profiles   []string
	Generators []string // only these: all cases are then drawn, as without a guide

	Full     bool // move every byte
	Variants bool // check the metamorphic relations
	// Screen lets a quick Runner look at cases first: one in Screen, and every
	// case in which it sees something new or wrong, is run in full. 1 runs all
	// in full; 0 is DefaultScreen, or 1 with Full.
	Screen  uint64
	NoGuide bool // draw every case by itself, see CaseSeed

	// Mutant is the name of a defect that is put into the registering side, to
	// see it found; "" for none. Without Strategies it is those that it concerns.
	Mutant string

	State    string // directory to go on from and to save to; "" for none
	Out      string // directory for findings; "" for "findings" in State, or memory only
	Keep     int    // findings kept of one class; 0 for 1
	Shrink   int    // steps spent on shrinking one finding; 0 for 2000
	Version  string // noted in State, as is the time
	Progress func(Stats)
	Every    time.Duration // between two calls of Progress; 0 for a second

	// Options changes the options of every Runner, for tests with defects
	// planted in the registering side.
	Options func(*Options)
}

// DefaultScreen is how many cases a campaign screens for each that it runs in
// full whatever the screening says.
const DefaultScreen = 8

// StrategyStats counts what one strategy answered.
type StrategyStats struct {
	Strategy                                   string
	Accepted, Partial, Refused, Broken, Failed uint64
}

// Cases is the number of cases that the strategy was tried on.
func (s StrategyStats) Cases() uint64 { return s.Accepted + s.Partial + s.Refused + s.Broken }

// Stats are a campaign's figures so far, those of earlier sessions included.
type Stats struct {
	Cases, Runs uint64 // cases run; strategies tried on them
	Mutated     uint64 // cases made from others
	Screened    uint64 // cases that a quick Runner alone has looked at
	Earlier     uint64 // cases of earlier sessions
	Checks      [oracle.NumChecks + 1]uint64
	Features    int // distinct things that answers show, as of the last whole round
	Pool        int // cases that mutations start from
	Failed      uint64
	Classes     map[string]uint64 // failures by class
	Findings    int               // kept
	Unshrunk    int               `json:"-"` // of them; while there are any, no cases are run
	Generators  map[string]uint64 // of drawn cases
	Strategies  []StrategyStats
	Elapsed     time.Duration // of this session
}

// ChecksRun is the number of checks applied.
func (s *Stats) ChecksRun() uint64 {
	var n uint64
	for _, c := range s.Checks {
		n += c
	}
	return n
}

// Summary is what a campaign leaves.
type Summary struct {
	Stats
	Seed     uint64
	Findings []Finding // in the order of their cases' numbers
}

// campaign is the state that workers share. In a round they read it; what they
// write is behind mu.
type campaign struct {
	Config
	start   time.Time
	workers []*worker
	journal *journal // nil without a state directory

	next     uint64 // first case that no round has done
	claimed  atomic.Uint64
	features map[feature]struct{}
	pool     pool
	kept     map[string]int // findings by class
	history  *History       // of the journal, for ReadState only
	tally    *Tally         // likewise

	mu       sync.Mutex
	sum      Summary
	results  []result            // of the round under way
	raw      map[string][]uint64 // cases saved before the round's end, by class
	closed   bool                // a worker that comes now is too late
	firstErr error
}

// Campaign makes and runs cases until ctx ends, the limits of c are reached, or
// something cannot be written. A cancelled ctx is no error.
//
// Cases are run in rounds of a fixed number. A case is drawn from the stream of
// CaseSeed, or made by mutating one that showed something new in an earlier
// round; which of the two depends on its number. Results are merged at the end
// of a round in the order of the numbers. So the same seed and number of cases
// give the same cases, features, and findings whatever the number of workers.
//
// The first Config.Keep cases of a failure class are findings. Each is saved
// when its case has run, under a name that begins with "unshrunk", and after
// the round shrunk and saved again.
//
// With a state directory, what whole rounds found is written to it after each
// round. A campaign that was killed goes on from there: the unfinished round is
// done again, and findings that were not shrunk are.
func Campaign(ctx context.Context, c Config) (*Summary, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	k := newCampaign(c)
	if k.State != "" {
		if err := k.open(); err != nil {
			return nil, err
		}
		defer k.journal.close()
	}
	k.sum.Seed = k.Seed
	outer := ctx
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	for range k.Jobs {
		k.workers = append(k.workers, newWorker(k, ctx.Done()))
	}
	ended := make(chan struct{})
	go func() { defer close(ended); k.fail(k.loop(ctx)) }()
	k.report(ended)
	k.fail(k.end(outer, ctx))
	k.sum.Stats = k.stats()
	return &k.sum, k.firstErr
}

func newCampaign(c Config) *campaign {
	k := &campaign{Config: c, start: time.Now(), next: c.First, features: map[feature]struct{}{}, kept: map[string]int{}}
	k.sum.Classes, k.sum.Generators = map[string]uint64{}, map[string]uint64{}
	for _, s := range corpus.Strategies() {
		k.sum.Strategies = append(k.sum.Strategies, StrategyStats{Strategy: s})
	}
	return k
}

func (c *Config) check() error {
	if c.Jobs <= 0 {
		c.Jobs = runtime.GOMAXPROCS(0)
	}
	c.Keep, c.Every = max(c.Keep, 1), max(c.Every, 0)
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Shrink == 0 {
		c.Shrink = 2000
	}
	if c.Screen == 0 {
		c.Screen = c.defaultScreen()
	}
	if len(c.Generators) > 0 {
		c.NoGuide = true
	}
	var errs []error
	known := func(what string, given, all []string) {
		for _, s := range given {
			if !slices.Contains(all, s) {
				errs = append(errs, fmt.Errorf("unknown %s %q: one of %s", what, s, strings.Join(all, ", ")))
			}
		}
	}
	if c.Mutant != "" {
		if m, ok := mutants.ByName(c.Mutant); !ok {
			errs = append(errs, fmt.Errorf("unknown mutant %q", c.Mutant))
		} else if len(c.Strategies) == 0 {
			c.Strategies = slices.Clone(m.Strategies)
		}
	}
	known("strategy", c.Strategies, corpus.Strategies())
	known("dialect", c.Dialects, corpus.Dialects())
	known("profile", c.Profiles, profileNames[1:])
	known("generator", c.Generators, GeneratorNames())
	return errors.Join(errs...)
}

func (c *Config) defaultScreen() uint64 {
	if c.Full {
		return 1
	}
	return DefaultScreen
}

// GeneratorNames are the names of all list generators.
func GeneratorNames() []string {
	var all []string
	for _, g := range sg.Generators() {
		all = append(all, g.Name)
	}
	return all
}

// ProfileNames are the names of all device profiles.
func ProfileNames() []string { return slices.Clone(profileNames[1:]) }

func (k *campaign) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.firstErr == nil {
		k.firstErr = err
	}
}

func (k *campaign) failed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.firstErr != nil
}

// report calls Progress until ended.
func (k *campaign) report(ended <-chan struct{}) {
	t := time.NewTicker(k.Every)
	defer t.Stop()
	for {
		select {
		case <-ended:
			return
		case <-t.C:
			if k.Progress != nil {
				k.Progress(k.stats())
			}
		}
	}
}

// stats copies the figures.
func (k *campaign) stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.sum.Stats
	s.Elapsed, s.Features, s.Pool = time.Since(k.start), len(k.features), len(k.pool.cases)
	s.Findings, s.Unshrunk = len(k.sum.Findings), 0
	for i := range k.sum.Findings {
		if !k.sum.Findings[i].Shrunk {
			s.Unshrunk++
		}
	}
	s.Strategies = slices.Clone(s.Strategies)
	s.Classes, s.Generators = maps.Clone(s.Classes), maps.Clone(s.Generators)
	return s
}
