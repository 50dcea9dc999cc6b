package compare

import (
	"context"
	"math/rand/v2"
)

// event is the next thing that a slot does: complete if it holds an I/O, else
// issue one.
type event struct {
	at    float64 // µs
	slot  int
	holds int32 // elements, of the I/O in flight
	busy  bool
}

// simulation is one run with one pool size.
type simulation struct {
	q     *Queue
	needs []int32
	rng   *rand.Rand
	next  []event // a heap, earliest first
	free  int
}

// checkEvery is how many I/Os pass between two looks at the context.
const checkEvery = 4096

// simulate runs the queue with a pool of size elements and gives the I/Os
// counted and those of them turned away. The first tenth, and ten for each
// slot, are not counted.
func (q *Queue) simulate(ctx context.Context, needs []int32, size int) (ios, short int, err error) {
	s := simulation{q: q, needs: needs, rng: rand.New(rand.NewPCG(q.Seed, uint64(size))), free: size}
	s.next = make([]event, q.Depth)
	for i := range s.next {
		s.next[i].slot = i // all issue at time 0, which is a heap
	}
	warm := q.IOs/10 + 10*q.Depth
	for n := 0; n < warm+q.IOs; {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return 0, 0, context.Cause(ctx)
		}
		e := &s.next[0]
		if e.busy {
			s.complete(e)
			continue
		}
		turned := s.issue(e)
		if n++; n > warm {
			ios++
			if turned {
				short++
			}
		}
	}
	return ios, short, nil
}

// Products of floats are converted, lest some machines fuse them with the sum
// and others not.
func (s *simulation) idle() float64 { return float64(s.rng.ExpFloat64() * s.q.Idle) }

func (s *simulation) service() float64 {
	if s.q.Fixed {
		return s.q.Service
	}
	return float64(s.rng.ExpFloat64() * s.q.Service)
}

func (s *simulation) complete(e *event) {
	s.free += int(e.holds)
	e.at += s.idle()
	e.busy, e.holds = false, 0
	s.sink()
}

// issue reports whether the I/O was turned away.
func (s *simulation) issue(e *event) (turned bool) {
	need := s.needs[s.rng.IntN(len(s.needs))]
	if turned = int(need) > s.free; turned {
		e.at += s.idle()
	} else {
		s.free -= int(need)
		e.at += s.service()
		e.busy, e.holds = true, need
	}
	s.sink()
	return turned
}

// before orders events by time, then by slot.
func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.slot < f.slot }

// sink moves the first event, which has changed, down to its place.
func (s *simulation) sink() {
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(s.next) {
			return
		}
		if c+1 < len(s.next) && s.next[c+1].before(&s.next[c]) {
			c++
		}
		if !s.next[c].before(&s.next[i]) {
			return
		}
		s.next[i], s.next[c] = s.next[c], s.next[i]
		i = c
	}
}
