package vhca

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Faults are what an adapter does wrong on purpose, each with a probability
// for every WQE or doorbell. The zero value does nothing.
type Faults struct {
	Error    float64            // the WQE completes with Syndrome
	Syndrome mlx5model.Syndrome // 0 is SynTransportRetry
	Delay    float64            // the queue pair stops for DelayNs before the WQE; others overtake it
	DelayNs  int64
	Lost     float64 // a doorbell is not seen until the next one
	Padding  float64 // the padding behind a UMR's inline KLM list is fetched stale
	Reorder  float64 // the WQE takes effect as late as its followers' fences allow, or its queue pair lets others go first
	Seed     uint64

	rand *rand.Rand
}

// ParseFaults reads a SPEC: NAME=VALUE separated by commas.
//
//	error=P      a WQE completes with an error with probability P, 0 to 1
//	syndrome=S   which: a number as in the CQE, such as 0x13; normally 0x15
//	delay=P      a queue pair pauses before a WQE with probability P
//	usec=N       for so many microseconds; normally 100
//	lost=P       a doorbell is lost with probability P
//	padding=P    the padding of a UMR's inline list holds old bytes
//	reorder=P    a WQE is executed out of order with probability P, as far as the
//	             architecture allows that; usec bounds for how long
//	seed=N       of the draws
func ParseFaults(spec string) (Faults, error) {
	f := Faults{DelayNs: 100e3}
	if spec == "" {
		return f, nil
	}
	for part := range strings.SplitSeq(spec, ",") {
		name, value, _ := strings.Cut(part, "=")
		if err := f.set(name, value); err != nil {
			return Faults{}, fmt.Errorf("fault %q: %w", part, err)
		}
	}
	f.rand = rand.New(rand.NewPCG(f.Seed, 0))
	return f, nil
}

func (f *Faults) set(name, value string) error {
	switch name {
	case "error":
		return probability(&f.Error, value)
	case "delay":
		return probability(&f.Delay, value)
	case "lost":
		return probability(&f.Lost, value)
	case "padding":
		return probability(&f.Padding, value)
	case "reorder":
		return probability(&f.Reorder, value)
	}
	n, err := strconv.ParseUint(value, 0, 32)
	if err != nil {
		return err
	}
	switch name {
	case "syndrome":
		if n == 0 || n > 0x22 {
			return fmt.Errorf("no syndrome: 1 to 0x22")
		}
		f.Syndrome = mlx5model.Syndrome(n)
	case "usec":
		f.DelayNs = int64(n) * 1000
	case "seed":
		f.Seed = n
	default:
		return fmt.Errorf("unknown: error, syndrome, delay, usec, lost, padding, reorder or seed")
	}
	return nil
}

func probability(p *float64, s string) error {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return err
	}
	if !(v >= 0 && v <= 1) {
		return fmt.Errorf("no probability: 0 to 1")
	}
	*p = v
	return nil
}

func (f *Faults) any() bool {
	return f.Error > 0 || f.Delay > 0 || f.Lost > 0 || f.Padding > 0 || f.Reorder > 0
}

func (f *Faults) draw(p float64) bool { return p > 0 && f.rand.Float64() < p }
