package compare

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

func TestBadConfig(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.Queue.Depth = 0 }, func(c *Config) { c.Queue.Depth = MaxDepth + 1 }, func(c *Config) { c.Queue.IOs = 1 },
		func(c *Config) { c.Queue.IOs = MaxIOs + 1 }, func(c *Config) { c.Queue.Service = 0 }, func(c *Config) { c.Queue.Idle = math.NaN() },
		func(c *Config) { c.Queue.Idle = math.Inf(1) }, func(c *Config) { c.Queue.Target = 1.1 }, func(c *Config) { c.Queue.Target = -1 },
		func(c *Config) { c.Constants.Copy = 0 }, func(c *Config) { c.Constants.Bus = -1 }, func(c *Config) { c.Constants.Walk = -1 },
		func(c *Config) { c.Constants.Post = math.Inf(1) }, func(c *Config) { c.Constants.MKey = math.NaN() },
	} {
		c := Config{Queue: DefaultQueue(), Constants: DefaultConstants()}
		change(&c)
		if m, err := New(c); !errors.Is(err, ErrConfig) || m != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := Draw("nosuch", 1, 1, nil); !errors.Is(err, ErrGenerator) {
		t.Errorf("generator: %v", err)
	}
}

func TestBadInput(t *testing.T) {
	m := newComparer(t, Config{})
	add := func(c *corpus.Case) error { return m.Add(context.Background(), c) }
	var bad *corpus.ParseError
	if err := Capture(strings.NewReader("writev 0x1000+1\nwritev 0x1000\n"), "log", add); !errors.As(err, &bad) || bad.Line != 2 || m.Lists() != 1 {
		t.Errorf("after %d lists: %v", m.Lists(), err)
	}
	for _, c := range []*corpus.Case{{PageSize: 3}, {Profile: "nosuch"}, {Dialect: "nosuch"}, {Limits: corpus.Limits{Queue: 3}}} {
		if err := add(c); err == nil || m.Lists() != 1 {
			t.Errorf("%+v: %v after %d lists", c, err, m.Lists())
		}
	}
	if err := add(&corpus.Case{List: sg.List{{Addr: math.MaxUint64, Len: 2}}}); err != nil {
		t.Errorf("a list to be refused: %v", err)
	}
	if w := resultOf(t, m).way("auto"); w.Refused != 1 || w.Reasons["wrap"] != 1 {
		t.Errorf("%+v", w)
	}
}

// wrongKLMs maps the second entry a byte too high.
type wrongKLMs struct{ reg.Corrected }

func (w wrongKLMs) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, most int, bytes uint64) (linux.Mapping, error) {
	m, err := w.Corrected.KLMs(dst, l, from, lkey, most, bytes)
	if err == nil && m.N > 1 {
		dst[31]++
	}
	return m, err
}

// TestJudgedWrong has a mapper with a defect.
func TestJudgedWrong(t *testing.T) {
	m := newComparer(t, Config{})
	m.runner.Mapper = wrongKLMs{}
	err := m.Add(context.Background(), &corpus.Case{Name: "x", List: sg.List{{Addr: 0x1001, Len: 5}, {Addr: 0x3001, Len: 5}}})
	if wrong, ok := errors.AsType[*JudgedWrong](err); !ok || wrong.Strategy != "indirect" || wrong.Case != "x" || m.Lists() != 0 {
		t.Errorf("after %d lists: %v", m.Lists(), err)
	}
}

// TestInterrupted ends in the midst of the lists and in the midst of the pools.
func TestInterrupted(t *testing.T) {
	m := newComparer(t, Config{})
	add(t, m, sg.List{{Addr: 0x1001, Len: 5}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.Add(ctx, &corpus.Case{List: sg.List{{Addr: 0x1001, Len: 5}}}); !errors.Is(err, context.Canceled) || m.Lists() != 1 {
		t.Errorf("after %d lists: %v", m.Lists(), err)
	}
	r, err := m.Result(ctx)
	if !errors.Is(err, context.Canceled) || !r.Workload.Interrupted || r.way("indirect").Accepted != 1 || len(r.Ways) != len(ways) {
		t.Errorf("%v, %+v", err, r)
	}
	var b strings.Builder
	if err := errors.Join(r.WriteText(&b), r.WriteHTML(&b)); err != nil || !strings.Contains(b.String(), "interrupted") {
		t.Errorf("%v in %s", err, b.String())
	}
}
