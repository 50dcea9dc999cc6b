package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/commands"
	"github.com/leanovate/gopter/gen"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// lifeState is what a key's life has come to, as the model sees it. States are
// values: NextState makes new ones, and never writes to a slice that another
// state has.
type lifeState struct {
	list  sg.List // registered now; nil if nothing is
	was   int     // registrations that are over
	wrote []fill  // writes by the peer so far, in order
}

// fill is a write of one byte value over the whole stream of a list.
type fill struct {
	list  sg.List
	value byte
}

// content is what the peer must read of a list.
func (s lifeState) content(l sg.List) []byte {
	mem := map[uint64]byte{}
	for _, f := range s.wrote {
		for _, e := range f.list {
			for i := range uint64(e.Len) {
				mem[e.Addr+i] = f.value
			}
		}
	}
	var out []byte
	for _, e := range l {
		for i := range uint64(e.Len) {
			b, ok := mem[e.Addr+i]
			if !ok {
				b = sg.Pattern(memorySeed, e.Addr+i)
			}
			out = append(out, b)
		}
	}
	return out
}

// lifeSystem is the system under test: one connection, one strategy, and the
// names of all registrations there were.
type lifeSystem struct {
	env      *reg.Env
	strategy reg.Strategy
	req      reg.Request
	r        reg.Registration
	live     bool
	old      [][]reg.Tuple
	spoil    func(*lifeSystem) // for tests: after each command
}

// access moves bytes through tuples; the first error ends it.
func (s *lifeSystem) access(tuples []reg.Tuple, op mlx5model.Op, value byte) ([]byte, error) {
	var out []byte
	for _, t := range tuples {
		p := bytes.Repeat([]byte{value}, int(t.Len))
		a := mlx5model.Access{Op: op, QPN: s.env.QPN, PD: s.env.PD, Key: t.Rkey, VA: t.Addr}
		var err error
		if op == mlx5model.RemoteWrite {
			err = s.env.Dev.WriteHost(a, p)
		} else {
			err = s.env.Dev.ReadHost(a, p)
		}
		if err != nil {
			return out, err
		}
		out = append(out, p...)
	}
	return out, nil
}

// lifeCommand is a step of a key's life.
type lifeCommand struct {
	name string
	list sg.List // of "register"
	b    byte    // of "write"
	n    int     // of "stale": which of the old registrations
}

type lifeResult struct {
	data []byte
	err  error
}

func (c lifeCommand) String() string { return fmt.Sprintf("%s %v %d %d", c.name, c.list, c.b, c.n) }

func (c lifeCommand) Run(sut commands.SystemUnderTest) commands.Result {
	s := sut.(*lifeSystem)
	if s.spoil != nil {
		defer s.spoil(s)
	}
	switch c.name {
	case "register":
		s.req.List = c.list
		err := s.strategy.Register(s.env, &s.req, &s.r)
		s.live = err == nil
		return lifeResult{nil, err}
	case "release":
		s.old = append(s.old, slices.Clone(s.r.Tuples))
		s.live = false
		return lifeResult{nil, s.strategy.Release(s.env, &s.r)}
	case "read":
		data, err := s.access(s.r.Tuples, mlx5model.RemoteRead, 0)
		return lifeResult{data, err}
	case "write":
		data, err := s.access(s.r.Tuples, mlx5model.RemoteWrite, c.b)
		return lifeResult{data, err}
	}
	data, err := s.access(s.old[c.n%len(s.old)], mlx5model.RemoteRead, 0)
	return lifeResult{data, err}
}

func (c lifeCommand) NextState(state commands.State) commands.State {
	s := state.(lifeState)
	switch c.name {
	case "register":
		s.list = c.list
	case "release":
		s.list, s.was = nil, s.was+1
	case "write":
		s.wrote = append(slices.Clip(s.wrote), fill{s.list, c.b})
	}
	return s
}

func (c lifeCommand) PreCondition(state commands.State) bool {
	s := state.(lifeState)
	switch c.name {
	case "register":
		return s.list == nil && len(c.list) > 0 && c.list.Validate() == nil
	case "stale":
		return s.was > 0
	}
	return s.list != nil
}

// PostCondition sees the state after the command, which differs from the one
// before in what it asks for only after "release".
func (c lifeCommand) PostCondition(state commands.State, result commands.Result) *gopter.PropResult {
	s, r := state.(lifeState), result.(lifeResult)
	if c.name == "stale" {
		_, refused := errors.AsType[*mlx5model.AccessError](r.err)
		return gopter.NewPropResult(refused && len(r.data) == 0, fmt.Sprintf("%v: a key that is over reaches data", c))
	}
	if r.err != nil {
		return gopter.NewPropResult(false, fmt.Sprintf("%v: %v", c, r.err))
	}
	if c.name == "read" && !bytes.Equal(r.data, s.content(s.list)) {
		return gopter.NewPropResult(false, fmt.Sprintf("%v: other bytes were read", c))
	}
	return gopter.NewPropResult(true, "")
}

// genLifeCommand draws any command; those that do not fit the state are drawn
// again.
func genLifeCommand(commands.State) gopter.Gen {
	return func(p *gopter.GenParameters) *gopter.GenResult {
		c := lifeCommand{name: []string{"register", "register", "release", "read", "read", "write", "stale"}[p.Rng.Intn(7)]}
		switch c.name {
		case "register":
			c.list = genLists(4096, 2000)(p).Result.(sg.List)
			c.list = c.list[:min(len(c.list), 12)]
			for i := range c.list { // away from driver memory
				c.list[i].Addr &= 1<<40 - 1
			}
		case "write":
			c.b = byte(p.Rng.Intn(256))
		case "stale":
			c.n = p.Rng.Intn(8)
		}
		return gopter.NewGenResult(commands.Command(c), lifeShrinker)
	}
}

// lifeShrinker makes the list of a registration smaller.
func lifeShrinker(v any) gopter.Shrink {
	c := v.(lifeCommand)
	if c.name != "register" {
		return gopter.NoShrink
	}
	lists := listShrinker(c.list)
	return func() (any, bool) {
		l, ok := lists()
		if !ok {
			return nil, false
		}
		q := c
		q.list = l.(sg.List)
		return commands.Command(q), true
	}
}

// lifeProperty is the life cycle with one strategy and dialect.
func lifeProperty(strategy reg.Strategy, dialect string, spoil func(*lifeSystem)) gopter.Prop {
	mem := sg.NewMemory(memorySeed)
	env := reg.NewEnv(mem)
	return commands.Prop(&commands.ProtoCommands{
		NewSystemUnderTestFunc: func(commands.State) commands.SystemUnderTest {
			mem.Reset(memorySeed)
			p, _ := mlx5model.ProfileByName("default")
			if err := env.Reset(reg.EnvConfig{Profile: p, Dialect: dialect, WQEBBs: 64, Start: 1<<16 - 20, Prefill: prefill, PoolSize: 3}, nil); err != nil {
				panic(err) // a configuration of the test's own
			}
			return &lifeSystem{env: env, strategy: strategy, spoil: spoil, req: reg.Request{
				PageSize: 4096, Access: mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW, Dir: reg.DirBoth, PageSizes: ^uint64(4095),
			}}
		},
		DestroySystemUnderTestFunc: func(sut commands.SystemUnderTest) {
			s := sut.(*lifeSystem)
			if s.live {
				if err := s.strategy.Release(s.env, &s.r); err != nil {
					panic(err) // becomes a failure of the property
				}
			}
			if s.env.KeysInUse() != 0 || s.env.BuffersInUse() != 0 {
				panic("keys or buffers are left")
			}
		},
		InitialStateGen: gen.Const(lifeState{}),
		GenCommandFunc:  genLifeCommand,
	})
}

func TestPropertyLife(t *testing.T) {
	for _, dialect := range []string{"linux", "libmlx5", "ofed", "spdk"} {
		t.Run(dialect, func(t *testing.T) {
			p := propParameters(t, 120)
			p.MinSize, p.MaxSize = 4, 24 // commands in a life
			checkProp(t, lifeProperty(reg.Indirect{}, dialect, nil), p)
		})
	}
}
