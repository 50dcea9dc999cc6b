package fuzz

import (
	"errors"
	"fmt"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"

	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
)

// checkProperty says that one check of the oracle finds nothing, whatever the
// list, the strategy, the dialect and the named profile. ran counts how often
// the check was applied.
func checkProperty(check oracle.Check, o Options, ran *int) gopter.Prop {
	r := NewRunner(o)
	return prop.ForAll(func(c *propCase) *gopter.PropResult {
		outs, err := r.Run(&c.Case)
		if err != nil {
			return notApplicable()
		}
		for i := range outs {
			*ran += outs[i].Verdict.Ran[check]
			if outs[i].Verdict.Failed[check] > 0 {
				return gopter.NewPropResult(false, fmt.Sprintf("%s: %s", outs[i].Strategy, texts(&outs[i])))
			}
		}
		return gopter.NewPropResult(true, "")
	}, genCases(false))
}

// checksOfLists are the checks that a drawn case can be put to. Check 12
// compares recorded outputs; see TestPropertyVectors.
func checksOfLists() (all []oracle.Check) {
	for c := oracle.Check(1); int(c) <= oracle.NumChecks; c++ {
		if c != oracle.Vector {
			all = append(all, c)
		}
	}
	return all
}

func TestPropertyChecks(t *testing.T) {
	for _, check := range checksOfLists() {
		t.Run(check.String(), func(t *testing.T) {
			ran := 0
			p := propParameters(t, 100)
			p.SetSeed(p.Seed() + int64(check))
			checkProp(t, checkProperty(check, Options{Variants: true}, &ran), p)
			if ran == 0 {
				t.Errorf("check %v was never applied", check)
			}
		})
	}
}

// deviceRig runs one strategy after the other on a device of any profile.
type deviceRig struct {
	*Runner
	accepted, refused int
}

// judge registers, judges and releases; a refusal is judged too.
func (r *deviceRig) judge(s reg.Strategy, c *propCase, v *oracle.Verdict) error {
	if err := r.reset(&c.Case); err != nil {
		return err
	}
	p := c.profile
	dialect := c.Dialect
	if dialect == "" {
		dialect = "linux"
	}
	cfg := reg.EnvConfig{
		Profile: p, Dialect: dialect, WQEBBs: min(int(c.Limits.Queue), p.MaxSendWQEBBs), Start: c.Limits.RingStart,
		Prefill: prefill, PoolSize: int(c.Limits.Pool), Peer: r.peer, Mapper: r.Mapper,
	}
	if err := r.env.Reset(cfg, c.List); err != nil {
		return err
	}
	err := s.Register(r.env, &r.req, &r.first)
	if err != nil {
		r.refused++
		if _, ok := errors.AsType[*reg.Refusal](err); !ok {
			return fmt.Errorf("%s: %w: %w", s.Name(), errBroken, err)
		}
		r.judgeRefusal(err, v)
		return nil
	}
	r.accepted++
	r.Runner.judge.Judge(&r.first, v)
	r.tuples = append(r.tuples[:0], r.first.Tuples...)
	if err := s.Release(r.env, &r.first); err != nil {
		return fmt.Errorf("%s: %w: %w", s.Name(), errBroken, err)
	}
	r.Runner.judge.JudgeReleased(r.env, r.tuples, v)
	return nil
}

func (r *deviceRig) judgeRefusal(err error, v *oracle.Verdict) {
	r.Runner.judge.JudgeRefusal(&r.req, err, r.facts(), v)
}

var errBroken = errors.New("failed in a way that is no refusal")

// profileProperty says that every strategy registers rightly or refuses
// rightly on a device with any limits.
func profileProperty(rig *deviceRig) gopter.Prop {
	return prop.ForAll(func(c *propCase) *gopter.PropResult {
		for _, s := range rig.strategies {
			var v oracle.Verdict
			err := rig.judge(s, c, &v)
			if errors.Is(err, errBroken) {
				return gopter.NewPropResult(false, err.Error())
			}
			if err != nil {
				return notApplicable()
			}
			if !v.OK() {
				return gopter.NewPropResult(false, fmt.Sprintf("%s: %v", s.Name(), v.Failures[0]))
			}
		}
		return gopter.NewPropResult(true, "")
	}, genCases(true))
}

func TestPropertyProfiles(t *testing.T) {
	rig := &deviceRig{Runner: NewRunner(Options{})}
	checkProp(t, profileProperty(rig), propParameters(t, 400))
	t.Logf("%d registrations accepted, %d refused", rig.accepted, rig.refused)
	if rig.accepted == 0 || rig.refused == 0 {
		t.Error("one of the two never happened")
	}
}
