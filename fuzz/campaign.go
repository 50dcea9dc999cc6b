package fuzz

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Config says what a campaign does and when it ends.
type Config struct {
	Seed  uint64        // of the whole campaign: case n depends on Seed and n alone
	First uint64        // number of the first case
	Cases uint64        // cases to run; 0 for no limit
	For   time.Duration // time to run; 0 for no limit
	Jobs  int           // workers; 0 for one a core

	Strategies []string // only these; empty for all
	Dialects   []string
	Profiles   []string
	Generators []string

	Full     bool // move every byte
	Variants bool // check the metamorphic relations

	Out      string // directory for findings; "" to keep them in memory only
	Keep     int    // findings kept of one class; 0 for 1
	Shrink   int    // steps spent on shrinking one finding; 0 for 2000
	Progress func(Stats)
	Every    time.Duration // between two calls of Progress; 0 for a second
}

// StrategyStats counts what one strategy answered.
type StrategyStats struct {
	Strategy                                   string
	Accepted, Partial, Refused, Broken, Failed uint64
}

// Cases is the number of cases that the strategy was tried on.
func (s StrategyStats) Cases() uint64 { return s.Accepted + s.Partial + s.Refused + s.Broken }

// Stats are a campaign's figures so far.
type Stats struct {
	Cases, Runs uint64 // cases drawn; strategies tried on them
	Checks      [oracle.NumChecks + 1]uint64
	Features    int // distinct pairs of answer and list feature
	Failed      uint64
	Classes     map[string]uint64 // failures by class
	Generators  map[string]uint64
	Strategies  []StrategyStats
	Elapsed     time.Duration
}

// ChecksRun is the number of checks applied.
func (s *Stats) ChecksRun() uint64 {
	var n uint64
	for _, c := range s.Checks {
		n += c
	}
	return n
}

// Finding is one failure that a campaign kept.
type Finding struct {
	Class  string
	Number uint64 // of the case in the campaign
	Case   *corpus.Case
	Text   string // the failures, one on a line
	Path   string // where it was saved
}

// Summary is what a campaign leaves.
type Summary struct {
	Stats
	Seed     uint64
	Findings []Finding
}

// batch is the number of cases a worker takes at once.
const batch = 64

// campaign is the state that workers share.
type campaign struct {
	Config
	next  atomic.Uint64
	start time.Time

	mu       sync.Mutex
	sum      Summary
	features map[feature]struct{}
	kept     map[string]int
	firstErr error
}

// Campaign draws and runs cases until ctx ends, the limits of c are reached, or
// a finding cannot be written. A canceled ctx is no error. Findings are saved
// as they are found, before and after they are shrunk.
func Campaign(ctx context.Context, c Config) (*Summary, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	k := &campaign{Config: c, start: time.Now(), features: map[feature]struct{}{}, kept: map[string]int{}}
	k.next.Store(c.First)
	k.sum.Seed = c.Seed
	k.sum.Classes, k.sum.Generators = map[string]uint64{}, map[string]uint64{}
	var wg sync.WaitGroup
	for range c.Jobs {
		wg.Go(func() {
			if err := newWorker(k).work(ctx); err != nil {
				k.fail(err)
				stop()
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	k.report(ended)
	k.sum.Elapsed = time.Since(k.start)
	k.sum.Features = len(k.features)
	return &k.sum, k.firstErr
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
	var errs []error
	known := func(what string, given, all []string) {
		for _, s := range given {
			if !slices.Contains(all, s) {
				errs = append(errs, fmt.Errorf("unknown %s %q: one of %s", what, s, strings.Join(all, ", ")))
			}
		}
	}
	known("strategy", c.Strategies, corpus.Strategies())
	known("dialect", c.Dialects, corpus.Dialects())
	known("profile", c.Profiles, profileNames[1:])
	known("generator", c.Generators, GeneratorNames())
	return errors.Join(errs...)
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
	s.Elapsed, s.Features = time.Since(k.start), len(k.features)
	s.Strategies = slices.Clone(s.Strategies)
	s.Classes, s.Generators = map[string]uint64{}, nil
	for c, n := range k.sum.Classes {
		s.Classes[c] = n
	}
	return s
}
