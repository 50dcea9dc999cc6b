package reg

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
)

// FastReg registers a page list in one memory region, as kernel consumers do
// with IB_MR_TYPE_MEM_REG (drivers/infiniband/core/verbs.c ib_map_mr_sg): all
// borders between entries must be page borders, or join contiguous entries.
// Request.PageSize is the page size. A Request that allows Partial gets the
// longest prefix and can go on from Registration.Next.
type FastReg struct{}

// Name is "fastreg".
func (FastReg) Name() string { return "fastreg" }

// Register refuses with ReasonGap, ReasonEntries, ReasonPageSize, ReasonTotal
// and the reasons of every strategy.
func (s FastReg) Register(e *Env, req *Request, r *Registration) error {
	return oneRegion(e, s.Name(), mlx5model.ModeMTT, req, r)
}

// Release invalidates the key and gives everything back.
func (FastReg) Release(e *Env, r *Registration) error { return e.release(r) }

// Indirect registers entries of any alignment in one memory region: a list of
// KLMs that point into the local key, as IB_MR_TYPE_SG_GAPS does, or the
// user library's mlx5dv_wr_mr_list. Entries longer than one KLM may be are
// split.
type Indirect struct{}

// Name is "indirect".
func (Indirect) Name() string { return "indirect" }

// Register refuses with ReasonEntries, ReasonTotal and the reasons of every
// strategy; a gap is none.
func (s Indirect) Register(e *Env, req *Request, r *Registration) error {
	return oneRegion(e, s.Name(), mlx5model.ModeKLM, req, r)
}

// Release invalidates the key and gives everything back.
func (Indirect) Release(e *Env, r *Registration) error { return e.release(r) }

// oneRegion registers the list, or with Partial its longest prefix, in one
// region.
func oneRegion(e *Env, name string, mode mlx5model.AccessMode, req *Request, r *Registration) error {
	if err := e.begin(name, req, r); err != nil {
		return err
	}
	if err := e.oneRegion(r, mode); err != nil {
		return e.abort(r, err)
	}
	return e.finish(r)
}

func (e *Env) oneRegion(r *Registration, mode mlx5model.AccessMode) error {
	p, err := e.plan(r, mode)
	if err != nil {
		return err
	}
	m, short, err := e.mapRegion(r, &p, r.Mapped, r.Next)
	if err != nil {
		return err
	}
	if m.Stop != linux.StopEnd && !r.Request.Partial {
		return p.stopRefusal(r, &m, short)
	}
	return e.advertise(r, &p, &m)
}
