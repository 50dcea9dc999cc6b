package fuzz

import (
	"fmt"
	"math/bits"
	"runtime/debug"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// exhaustRing is the send queue in WQEBBs: short, so that its end comes often.
const exhaustRing = 64

// exhauster is one worker: a connection that serves list after list, the
// expectation of the current one, and what came of them.
type exhauster struct {
	k       *exhaustion
	env     *reg.Env
	parts   mutants.Parts
	encoder reg.Encoder // nil for the dialect's own
	wrapped map[string]reg.Strategy
	req     reg.Request
	r       reg.Registration
	peer    exhaustPeer

	walk   listWalk
	index  uint64
	shift  uint8 // log2 of the unit
	x      expectation
	bounce unitStream
	ext    []sg.Extent
	tuples []reg.Tuple
	proved provedKeys

	stats  ExhaustStats
	active int  // strategy at work
	failed bool // it has failed
	answer Answer
}

func newExhauster(k *exhaustion) (*exhauster, error) {
	w := &exhauster{k: k, walk: listWalk{u: k.u}, shift: logOf(k.Unit), wrapped: map[string]reg.Strategy{}}
	w.x.unit = k.Unit
	w.peer.shift = w.shift
	w.stats.Strategies = make([]StrategyStats, len(k.tries))
	w.parts = k.parts()
	if w.parts.Encoder != nil {
		own, err := reg.NewEncoder(exhaustDialect)
		if err != nil {
			return nil, err
		}
		w.encoder = w.parts.Encoder(own)
	}
	return w, w.renew()
}

// exhaustDialect is the dialect that has everything.
const exhaustDialect = "linux"

// renew makes a fresh connection, away from the universe.
func (w *exhauster) renew() error {
	w.env = reg.NewEnv(sg.NewMemory(memorySeed))
	w.r = reg.Registration{}
	return w.env.Reset(reg.EnvConfig{
		Profile: w.k.profile(), Dialect: exhaustDialect, WQEBBs: exhaustRing, Prefill: prefill, Peer: &w.peer,
		Mapper: w.parts.Mapper, Encoder: w.encoder,
	}, sg.List{{Addr: w.k.Base, Len: uint32(w.k.span())}})
}

// strategy is s as the configuration wants it, made once for each name.
func (w *exhauster) strategy(name string, s reg.Strategy) reg.Strategy {
	if w.parts.Wrap == nil {
		return s
	}
	if w.wrapped[name] == nil {
		w.wrapped[name] = w.parts.Wrap(s)
	}
	return w.wrapped[name]
}

// lists checks the lists from one index to another, end excluded, and returns
// where to go on: the end, or behind a list on which the code panicked.
func (w *exhauster) lists(from, to uint64) (next uint64, err error) {
	w.index = from
	w.walk.seek(from)
	defer func() {
		if p := recover(); p != nil {
			w.fail(oracle.Termination, "panic: %v\n%s", p, debug.Stack())
			w.count()
			w.stats.Lists++
			next, err = w.index+1, w.renew()
		}
	}()
	for ; w.index < to; w.index++ {
		if w.index != from {
			w.walk.step()
		}
		if err := w.one(); err != nil {
			return to, err
		}
	}
	return to, nil
}

// one checks the current list.
func (w *exhauster) one() error {
	w.x.set(w.walk.list)
	digest := w.index
	for i := range w.k.tries {
		w.active, w.failed, w.answer = i, false, Broken
		w.req = reg.Request{
			List: w.walk.list, PageSize: w.k.PageSize, Dir: reg.DirBoth,
			Access: mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW,
			Remote: reg.Remote{Rkey: peerRkey, Addr: peerAddr},
		}
		w.k.tries[i].run(w)
		if k, b, m := w.env.KeysInUse(), w.env.BuffersInUse(), w.env.MappingsInUse(); k|b|m != 0 {
			w.fail(oracle.LimitsKept, "%d keys, %d buffers and %d DMA mappings are still held", k, b, m)
		}
		w.count()
		digest = digest<<3 ^ digest>>61 ^ uint64(w.answer)
		if w.failed { // what comes next must not suffer from it
			if err := w.renew(); err != nil {
				return err
			}
		}
	}
	hi, lo := bits.Mul64(digest^0x9e3779b97f4a7c15, 0xff51afd7ed558ccd)
	w.stats.Digest += hi ^ lo
	w.stats.Lists++
	return nil
}

// count adds the strategy's answer to the figures.
func (w *exhauster) count() {
	s := &w.stats.Strategies[w.active]
	w.stats.Checks++
	*[...]*uint64{Accepted: &s.Accepted, Partial: &s.Partial, Refused: &s.Refused, Broken: &s.Broken}[w.answer]++
	if w.failed {
		s.Failed++
	}
}

// listLabel names the list for a finding.
func listLabel(l sg.List) string {
	var b strings.Builder
	for i := range l {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%#x+%d", l[i].Addr, l[i].Len)
	}
	return b.String()
}
