package gen

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Producer is a kind of case: the prefix of its id.
type Producer string

// Producers.
const (
	MRList    Producer = "mrlist"
	Interleav Producer = "ilv"
	Configure Producer = "conf"
)

// Producers are all of them.
var Producers = []Producer{MRList, Interleav, Configure}

// ParseProducer finds a producer by its name.
func ParseProducer(name string) (Producer, error) {
	for _, p := range Producers {
		if string(p) == name {
			return p, nil
		}
	}
	return "", fmt.Errorf("unknown producer %q: one of %v", name, Producers)
}

// Generator draws cases. It is not safe for concurrent use.
type Generator struct {
	// SingleBlock is for a device that encrypts one data unit under a key, not
	// consecutive ones.
	SingleBlock bool

	ch   sg.Choices
	p    sg.Params
	list sg.List
	c    caseJSON
	big  bool // a list has 2 GiB or more
}

// Append adds to dst the vector of case n of a seed, with a line feed: what a
// version of the library posts for it.
func (g *Generator) Append(dst []byte, v libmlx5.Version, p Producer, seed, n uint64) ([]byte, error) {
	g.ch.ResetRandom(mix(mix(mix(seed)^uint64(len(p))<<8^uint64(p[0])) ^ n))
	g.c, g.big = caseJSON{Kind: "random", Seed: seed, MultiBlock: 1}, false
	if g.SingleBlock {
		g.c.MultiBlock = 0
	}
	g.draw(p)
	g.c.ID = string(p) + "-g" + strconv.FormatUint(seed, 10) + "-" + strconv.FormatUint(n, 10)
	if err := g.c.fill(v); err != nil {
		return dst, fmt.Errorf("%s: %w", g.c.ID, err)
	}
	if g.big {
		g.c.ID += "+2gib"
	}
	if g.c.signsWrapped() {
		g.c.ID += "+sigwrap"
	}
	b, err := json.Marshal(&g.c)
	if err != nil {
		return dst, err
	}
	return append(append(dst, b...), '\n'), nil
}

// mix is SplitMix64's output function.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
