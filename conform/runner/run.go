package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
)

// Judge says how mappings are judged.
type Judge uint8

const (
	Exact    Judge = iota // equal to the model of the driver
	Semantic              // executed, and the oracle looks at the data
)

// Config says what to run and how long.
type Config struct {
	Command []string     // the child's name and arguments
	Ops     []conform.Op // only these; empty for all that the child has
	Judge   Judge        // of sg_to_pages and sg_to_klms

	Cases   uint64        // requests of each operation; 0 for no limit
	For     time.Duration // time for all operations; 0 for no limit
	Seed    uint64
	Batch   int           // requests outstanding; 0 for 64
	Timeout time.Duration // of a reply; 0 for 2 s
	Start   time.Duration // of the reply to hello, which a program's start delays; 0 for Timeout
	Hex     bool          // numbers above 2^53 as strings

	Vectors    []string       // files of recorded vectors
	Corpus     []*corpus.Case // cases to begin with
	Deviations []*Deviation   // differences that are known

	Out      string // directory for findings; "" to keep them in memory only
	Keep     int    // findings of one class; 0 for 3
	Shrink   int    // requests spent on shrinking one finding; 0 for 2000
	Progress func(Progress)
	Every    time.Duration // between two calls of Progress; 0 for a second
}

// Values that stand for a field of Config left zero.
const (
	DefaultBatch   = 64
	DefaultTimeout = 2 * time.Second
	defaultKeep    = 3
	defaultShrink  = 2000
)

// Progress is how far a run is.
type Progress struct {
	Op       conform.Op
	Cases    uint64 // of Op
	Findings int
}

// Errors of Run that are the user's to mend; others are the machine's.
var (
	ErrUsage   = errors.New("cannot be run like this")
	ErrVersion = fmt.Errorf("%w: the child speaks another version of the protocol", ErrUsage)
	ErrNoOps   = fmt.Errorf("%w: the child has none of the operations", ErrUsage)
)

// CheckCount counts how often a check, or the comparison of a field, was
// applied and how often it found something.
type CheckCount struct {
	Name        string
	Ran, Failed uint64

	number int // of the oracle's check, 0 for a field
}

// OpResult sums up one operation.
type OpResult struct {
	Op                        conform.Op
	Cases                     uint64 // requests judged
	Passed, Rejected, Skipped uint64 // Rejected: rightly
	Failed, Deviated          uint64 // Deviated: failed as declared
	Checks                    []CheckCount
	SkipReasons               map[string]uint64
	Unused                    map[string]uint64 // vectors that no request was made of, by reason
	GivenUp                   string            // why it ended early, "" if it did not
	Elapsed                   time.Duration
}

// Summary is what a run came to.
type Summary struct {
	Child       string   // its own name
	Offered     []string // the operations that it has
	Ops         []OpResult
	Findings    []Finding
	Classes     map[string]uint64 // failed requests by class
	Deviations  []*Deviation
	Restarts    int
	Stderr      string // the last words of the last child
	Interrupted bool
	Elapsed     time.Duration
}

// Failed says that something was found, or that a declared deviation no longer
// happens.
func (s *Summary) Failed() bool {
	return len(s.Classes) > 0 || slices.ContainsFunc(s.Deviations, func(d *Deviation) bool { return d.Gone })
}

// Run starts the child and exercises it. A cancelled ctx ends it early without
// an error. Errors that wrap ErrUsage or ErrStart are the user's to mend; with
// another one, such as a finding that cannot be saved, the Summary says what was
// done before.
func Run(ctx context.Context, c Config) (*Summary, error) {
	if len(c.Command) == 0 {
		return nil, fmt.Errorf("%w: no command", ErrUsage)
	}
	c.Batch, c.Timeout = cmp.Or(c.Batch, DefaultBatch), cmp.Or(c.Timeout, DefaultTimeout)
	c.Keep, c.Shrink, c.Every = cmp.Or(c.Keep, defaultKeep), cmp.Or(c.Shrink, defaultShrink), cmp.Or(c.Every, time.Second)
	c.Start = cmp.Or(c.Start, c.Timeout)
	if c.Batch < 1 || c.Timeout < 0 || c.Start < 0 || c.Keep < 0 || c.Shrink < 0 {
		return nil, fmt.Errorf("%w: negative limit", ErrUsage)
	}
	e, err := newEngine(ctx, c)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	err = e.run()
	s := &e.sum
	if e.child != nil {
		s.Stderr = e.child.close()
	}
	s.Elapsed = time.Since(began)
	switch {
	case ctx.Err() != nil:
		s.Interrupted, err = true, nil
	case errors.Is(err, errStop):
		err = nil
	}
	e.settleDeviations()
	return s, err
}

// errStop ends a run whose reason is a finding.
var errStop = errors.New("the run cannot go on")

// run says hello and exercises the operations one after another.
func (e *engine) run() error {
	if err := e.hello(); err != nil {
		return err
	}
	for i := range e.sum.Ops {
		r := &e.sum.Ops[i]
		began := time.Now()
		if e.For > 0 { // what is left, in equal parts
			left := e.For - time.Since(e.began)
			e.until = time.Now().Add(left / time.Duration(len(e.sum.Ops)-i))
		}
		err := e.exercise(r)
		r.Elapsed = time.Since(began)
		if err != nil {
			return err
		}
	}
	return e.goodbye()
}
