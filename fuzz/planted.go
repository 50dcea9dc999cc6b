//go:build planted

package fuzz

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// A build with the tag planted has the target Planted beside the others: the
// body of Strategies over a registering side with one defect, by which
// internal/engines/bench.sh compares engines. No other build has any of it.
//
// What is planted, and where the hunt is recorded, come from the environment,
// so that one program per engine serves for all defects.
const (
	plantedEnv    = "SGFUZZ_PLANTED"     // name of a mutant, or of one of injected
	plantedLogEnv = "SGFUZZ_PLANTED_LOG" // what the names of a hunt's files begin with
)

// injected are the defects that are no mutants.
var injected = map[string]func() mutants.Parts{
	"tail-of-three": func() mutants.Parts { return mutants.Parts{Mapper: tailOfThree{}} },
}

// tailOfThree writes KLM lists as a vector unit would, four at a time, and is
// wrong about one kind of rest: three entries behind at least one block of
// four, of which the first is of middling length, between a cache line and a
// sector. Its byte count is one short.
//
// Some such numbers of entries are one below a limit and drawn on purpose; of
// the length edges of package sg none is in the range.
type tailOfThree struct{ reg.Corrected }

func (t tailOfThree) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error) {
	m, err := t.Corrected.KLMs(dst, l, from, lkey, maxKLMs, maxBytes)
	if err != nil || m.N <= tailBlock || m.N%tailBlock != tailRest {
		return m, err
	}
	first := dst[(m.N-tailRest)*mlx5model.KLMSize:]
	if k := mlx5model.ParseKLM(first); k.ByteCount > tailLine && k.ByteCount < tailSector {
		k.ByteCount--
		k.Put(first)
	}
	return m, nil
}

const (
	tailBlock  = 4   // entries
	tailRest   = 3   // entries
	tailLine   = 65  // bytes, the edge past a cache line
	tailSector = 511 // bytes, the edge below a sector
)

// plantedOptions are the Options of a Runner with the defect that the
// environment names, and all strategies and variants. A mutant of a strategy
// takes the place of those it concerns only.
func plantedOptions() (Options, error) {
	name := os.Getenv(plantedEnv)
	if parts := injected[name]; parts != nil {
		return plantedIn(parts(), nil), nil
	}
	m, ok := mutants.ByName(name)
	if !ok {
		return Options{}, fmt.Errorf("%s=%q: neither a mutant nor injected", plantedEnv, name)
	}
	return plantedIn(m.Parts(), m.Strategies), nil
}

func plantedIn(p mutants.Parts, strategies []string) Options {
	o := Options{Variants: true, Mapper: p.Mapper, Encoder: p.Encoder, Host: p.Host}
	if p.Wrap != nil {
		o.Wrap = func(s reg.Strategy) reg.Strategy {
			if !slices.Contains(strategies, s.Name()) {
				return s
			}
			return p.Wrap(s)
		}
	}
	return o
}

// plantedBody is the body of Strategies with the defect.
func plantedBody() (func([]byte) error, error) {
	o, err := plantedOptions()
	if err != nil {
		return nil, err
	}
	return newCaseTarget(o).run, nil
}

// hunt records how many executions an engine needed, in all of its processes,
// and when: LOG.count has a byte for each execution, LOG.found the first
// failure. The first line of LOG.found has the executions up to the failure,
// it included, and the microseconds since 1970; the failure's text follows.
type hunt struct {
	log   string
	count *os.File
}

func newHunt() (*hunt, error) {
	h := &hunt{log: os.Getenv(plantedLogEnv)}
	var err error
	h.count, err = os.OpenFile(h.log+".count", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	return h, err
}

// step is one execution.
func (h *hunt) step(f func() error) error {
	if _, err := h.count.Write([]byte{'.'}); err != nil {
		return err
	}
	failed := f()
	if failed == nil {
		return nil
	}
	info, err := h.count.Stat()
	if err != nil {
		return err
	}
	if err := h.found(info.Size(), time.Now(), failed.Error()); err != nil {
		return err
	}
	return failed
}

// found writes LOG.found, unless another process was faster.
func (h *hunt) found(executions int64, at time.Time, text string) error {
	temp := fmt.Sprintf("%s.%d", h.log, os.Getpid())
	if err := os.WriteFile(temp, fmt.Appendf(nil, "%d %d\n%s\n", executions, at.UnixMicro(), text), 0o666); err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, h.log+".found"); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

// hunted is a body whose executions are recorded.
func hunted() (func([]byte) error, error) {
	body, err := plantedBody()
	if err != nil {
		return nil, err
	}
	h, err := newHunt()
	if err != nil {
		return nil, err
	}
	return func(data []byte) error { return h.step(func() error { return body(data) }) }, nil
}
