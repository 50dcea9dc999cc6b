package compare

import (
	"fmt"
	"math"
)

// Queue is the model of the queue whose I/Os share a pool; see the package
// comment.
type Queue struct {
	Depth   int     `json:"depth"`      // slots: I/Os in flight at most
	Service float64 `json:"service_us"` // mean time from issue to completion, µs
	Idle    float64 `json:"idle_us"`    // mean time from completion to the slot's next issue, µs
	Fixed   bool    `json:"fixed"`      // service times are all the mean, not exponential
	IOs     int     `json:"ios"`        // simulated for each size of a pool
	Target  float64 `json:"target"`     // exhaustion probability that a size must not exceed
	Seed    uint64  `json:"seed"`
}

// DefaultQueue has the depth of ib_srp (SRP_DEFAULT_QUEUE_SIZE, 64), a service
// time of the order of a flash read, and slots that are busy four fifths of the
// time.
func DefaultQueue() Queue {
	return Queue{Depth: 64, Service: 100, Idle: 25, IOs: 50000, Target: 0.001, Seed: 1}
}

// Bounds of a Queue.
const (
	MaxDepth = 1 << 16
	MinIOs   = 100
	MaxIOs   = 10_000_000
	maxTime  = 1e9 // µs
	minTime  = 1e-3
)

// Check reports what is out of range.
func (q *Queue) Check() error {
	between := func(v, low, high float64) bool { return !math.IsNaN(v) && v >= low && v <= high }
	switch {
	case q.Depth < 1 || q.Depth > MaxDepth:
		return fmt.Errorf("depth %d, not 1 to %d: %w", q.Depth, MaxDepth, ErrConfig)
	case q.IOs < MinIOs || q.IOs > MaxIOs:
		return fmt.Errorf("ios %d, not %d to %d: %w", q.IOs, MinIOs, MaxIOs, ErrConfig)
	case !between(q.Service, minTime, maxTime):
		return fmt.Errorf("service %v µs, not %v to %v: %w", q.Service, minTime, maxTime, ErrConfig)
	case !between(q.Idle, minTime, maxTime):
		return fmt.Errorf("idle %v µs, not %v to %v: %w", q.Idle, minTime, maxTime, ErrConfig)
	case !between(q.Target, 0, 1):
		return fmt.Errorf("target %v, not 0 to 1: %w", q.Target, ErrConfig)
	}
	return nil
}

// Busy is the share of time that a slot is busy if nothing is turned away.
func (q *Queue) Busy() float64 { return q.Service / (q.Service + q.Idle) }

// Model describes the queue in words.
func (q *Queue) Model() string {
	service := "exponential"
	if q.Fixed {
		service = "fixed"
	}
	return fmt.Sprintf("%d slots, each in turn busy for %v µs (%s) and idle for %v µs (exponential); lists drawn at random; "+
		"an I/O that finds too little free is turned away and the slot idle once more; one pool at a time; %d I/Os for each size, seed %d",
		q.Depth, q.Service, service, q.Idle, q.IOs, q.Seed)
}
