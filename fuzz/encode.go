package fuzz

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
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
	posted, err := PostedBy(&r.first, r.mem)
	return posted, errors.Join(err, s.Release(r.env, &r.first))
}

// PostedBy copies the work requests of a live registration out of its send
// queue, and their lists by pointer out of mem, where the registering side put
// them. An error wraps ErrLapped if the queue held fewer than were posted; else
// it is about the last one returned, which cannot be decoded or whose list
// cannot be read.
func PostedBy(f *reg.Registration, mem *sg.Memory) ([]Posted, error) {
	if f.PostedFrom == f.PostedTo {
		return nil, nil
	}
	if n := f.PostedTo - f.PostedFrom; n > f.Ring.WQEBBs() {
		return nil, fmt.Errorf("%d WQEBBs posted, the send queue has %d: %w", n, f.Ring.WQEBBs(), ErrLapped)
	}
	var all []Posted
	for left := f.PostedTo - f.PostedFrom; left > 0; {
		pi := f.PostedTo - left
		p, err := PostedAt(f.Ring, pi, mem)
		p.Dialect = f.Dialect
		all = append(all, p)
		if err != nil {
			return all, fmt.Errorf("WQE at counter %d: %w", pi, err)
		}
		left -= min(max(mlx5model.WQEBBs(p.WQE[7]&mlx5model.MaxDS), 1), left)
	}
	return all, nil
}

// PostedAt copies the work request at producer counter pi of a send queue,
// whatever it is; see PostedBy.
func PostedAt(ring *mlx5model.Ring, pi uint32, mem *sg.Memory) (Posted, error) {
	ds := int(ring.At(pi, 0)[7] & mlx5model.MaxDS)
	raw := make([]byte, max(ds*mlx5model.DSSize, mlx5model.CtrlSize))
	ring.Read(pi, 0, raw[:min(len(raw), len(ring.Bytes()))])
	p := Posted{Counter: pi, WQE: raw}
	var w mlx5model.WQE
	if err := mlx5model.Decode(raw, &w); err != nil || !w.HasPointer {
		return p, err
	}
	p.ListAddr = w.Pointer.Addr
	p.List = make([]byte, int(w.UMR.XltOctowords)*mlx5model.OctowordSize)
	return p, mem.Read(p.ListAddr, p.List)
}
