package fuzz

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// Posted is one work request as a strategy left it in the send queue.
type Posted struct {
	Dialect string
	Counter uint32 // producer counter of its first WQEBB
	WQE     []byte // DS*16 bytes, linear; bytes that the producer does not write are 0
	// List is the translation list of a UMR by pointer, which stands at
	// ListAddr in host memory; nil for any other WQE.
	List     []byte
	ListAddr uint64
}

// Errors of Encode.
var (
	ErrStrategy = errors.New("unknown strategy")
	ErrLapped   = errors.New("the work requests do not fit the send queue at once")
)

// largestQueue is the send queue, in WQEBBs, of a case that does not say one:
// what the device profile allows.
const largestQueue = mlx5model.MaxRingWQEBBs

// Encode registers the case's list with one strategy and returns the work
// requests that it posted to register, in order; none for a strategy that
// posts none. An error is a *reg.Refusal if the strategy refuses the list;
// others wrap ErrStrategy, ErrLapped or say that the case cannot be run.
func (r *Runner) Encode(c *corpus.Case, strategy string) ([]Posted, error) {
	i := slices.IndexFunc(reg.Strategies(), func(s reg.Strategy) bool { return s.Name() == strategy })
	if i < 0 {
		return nil, fmt.Errorf("%q: %w", strategy, ErrStrategy)
	}
	s := reg.Strategies()[i]
	big := *c
	if big.Limits.Queue == 0 {
		big.Limits.Queue = largestQueue
	}
	if err := r.reset(&big); err != nil {
		return nil, err
	}
	r.env.Ring.Fill(0)
	if err := s.Register(r.env, &r.req, &r.first); err != nil {
		return nil, err
	}
	posted, err := r.posted()
	return posted, errors.Join(err, s.Release(r.env, &r.first))
}

// posted copies the work requests of the live registration.
func (r *Runner) posted() ([]Posted, error) {
	f := &r.first
	if f.PostedFrom == f.PostedTo {
		return nil, nil
	}
	if n := f.PostedTo - f.PostedFrom; n > f.Ring.WQEBBs() {
		return nil, fmt.Errorf("%d WQEBBs posted, the send queue has %d: %w", n, f.Ring.WQEBBs(), ErrLapped)
	}
	var all []Posted
	for pi := f.PostedFrom; pi != f.PostedTo; {
		p, err := r.postedAt(pi)
		if err != nil {
			return nil, fmt.Errorf("WQE at counter %d: %w", pi, err)
		}
		all = append(all, p)
		pi += mlx5model.WQEBBs(p.WQE[7] & mlx5model.MaxDS)
	}
	return all, nil
}

func (r *Runner) postedAt(pi uint32) (Posted, error) {
	f := &r.first
	ds := int(f.Ring.At(pi, 0)[7] & mlx5model.MaxDS)
	raw := make([]byte, max(ds*mlx5model.DSSize, mlx5model.CtrlSize))
	f.Ring.Read(pi, 0, raw)
	p := Posted{Dialect: f.Dialect, Counter: pi, WQE: raw}
	var w mlx5model.WQE
	if err := mlx5model.Decode(raw, &w); err != nil || !w.HasPointer {
		return p, err
	}
	p.ListAddr = w.Pointer.Addr
	p.List = make([]byte, int(w.UMR.XltOctowords)*mlx5model.OctowordSize)
	return p, r.mem.Read(p.ListAddr, p.List)
}
