package bench

import (
	"fmt"
	"time"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Contestant is somebody who can do some of the benchmarks.
type Contestant interface {
	Name() string
	// Load gives the list for what follows.
	Load(list sg.List) error
	// Emit does a benchmark once, in a fresh state, and returns what it
	// made.
	Emit(bench string) ([]byte, error)
	// Time does a benchmark rounds times and returns how long that took.
	Time(bench string, rounds int) (time.Duration, error)
}

// work is a benchmark of one list, ready to be done.
type work interface {
	rounds(n int) error
	output() []byte // of the last round
}

// local is a contestant in this process.
type local struct {
	name  string
	make  map[string]func(sg.List) (work, error)
	list  sg.List
	ready map[string][]work // what Time goes on with
	turn  int
}

// placements is how many copies of a benchmark, each with buffers of its own,
// take turns: where buffers lie decides whether a processor's guess at
// addresses goes wrong, and can make a copy take three times as long.
const placements = 8

// Local makes a contestant that runs in this process: Sgfuzz, Naive or Copy.
func Local(name string) (Contestant, error) {
	m, ok := locals[name]
	if !ok {
		return nil, fmt.Errorf("no contestant %q in this process", name)
	}
	return &local{name: name, make: m}, nil
}

func (c *local) Name() string { return c.name }

func (c *local) Load(list sg.List) error {
	c.list, c.ready = list, map[string][]work{}
	return nil
}

func (c *local) fresh(bench string) (work, error) {
	f, ok := c.make[bench]
	if !ok {
		return nil, fmt.Errorf("%s does not do %s", c.name, bench)
	}
	if len(c.list) == 0 {
		return nil, fmt.Errorf("%s: no list is loaded", c.name)
	}
	return f(c.list)
}

func (c *local) Emit(bench string) ([]byte, error) {
	w, err := c.fresh(bench)
	if err == nil {
		err = w.rounds(1)
	}
	if err != nil {
		return nil, err
	}
	return w.output(), nil
}

func (c *local) Time(bench string, rounds int) (time.Duration, error) {
	if c.ready[bench] == nil {
		if err := c.place(bench); err != nil {
			return 0, err
		}
	}
	c.turn++
	w := c.ready[bench][c.turn%len(c.ready[bench])]
	start := time.Now()
	err := w.rounds(rounds)
	return time.Since(start), err
}

func (c *local) place(bench string) error {
	n := placements
	if bench == Check {
		n = 1 // a Runner has many buffers, and is warm only after a while
	}
	works := make([]work, n)
	for i := range works {
		var err error
		if works[i], err = c.fresh(bench); err != nil {
			return err
		}
	}
	c.ready[bench] = works
	return nil
}
