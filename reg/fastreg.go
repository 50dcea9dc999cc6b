package reg

import (
	"errors"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
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
		if mode == mlx5model.ModeMTT {
			err = gapFirst(r, err)
		}
		return e.abort(r, err)
	}
	return e.finish(r)
}

// gapFirst prefers a gap to any other reason for refusing a page list: no other
// device, dialect or limit would help the list then. The other reason is kept
// as the Refusal's Err.
func gapFirst(r *Registration, err error) error {
	var f *Refusal
	if !errors.As(err, &f) || f.Reason == ReasonGap {
		return err
	}
	page := r.Request.PageSize
	if page == 0 {
		page = DefaultPageSize
	}
	if i := firstGap(r.Mapped, r.From, page); i >= 0 && bits.OnesCount64(page) == 1 {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonGap, Entry: i, Err: err}
	}
	return err
}

// firstGap is the first entry behind p that begins at a border which is neither
// a page's nor joins contiguous entries, -1 if there is none. Entries without
// bytes have no borders.
func firstGap(l sg.List, p linux.Pos, page uint64) int {
	open, end := false, uint64(0)
	for i := p.Entry; i < len(l); i++ {
		addr, n := l[i].Addr, uint64(l[i].Len)
		if i == p.Entry {
			addr, n = addr+p.Off, n-p.Off
		}
		if n == 0 {
			continue
		}
		if open && (addr != end || end == 0) && (addr|end)&(page-1) != 0 {
			return i
		}
		open, end = true, addr+n
	}
	return -1
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
