package reg

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
)

// sector is the page size of the second pool: block I/O from the page cache
// may start and end at any sector, but not elsewhere.
const sector = 512

// Pool512 registers a list in one region of 4 KiB pages or, when that is not
// possible, of 512-byte pages: an initiator with two pools of regions, one per
// page size. Only lists with borders inside of sectors, as SG_IO makes them,
// remain. Request.PageSize has no effect.
type Pool512 struct {
	Fallback bool // bounce what both pools refuse
}

// Name is "pool512".
func (Pool512) Name() string { return "pool512" }

// Register refuses with ReasonSector at the first border inside a sector, with
// ReasonPageSize if the device has no pages of 512 bytes and they are needed,
// with ReasonPool when the pool is empty, and with the reasons of every
// strategy.
func (s Pool512) Register(e *Env, req *Request, r *Registration) error {
	if err := e.begin(s.Name(), req, r); err != nil {
		return err
	}
	err := e.pool512(r)
	if err != nil && s.Fallback {
		err = e.bounceInstead(r, err)
	}
	if err != nil {
		return e.abort(r, err)
	}
	return e.finish(r)
}

// Release invalidates the key and gives everything back.
func (Pool512) Release(e *Env, r *Registration) error { return e.release(r) }

func (e *Env) pool512(r *Registration) error {
	p, err := e.planSize(r, mlx5model.ModeMTT, DefaultPageSize)
	if err != nil {
		return err
	}
	m, short, err := e.mapRegion(r, &p, r.Mapped, r.Next)
	if err != nil {
		return err
	}
	r.Chosen, r.Why = "4096", "all borders are page borders"
	if m.Stop == linux.StopGap {
		r.Chosen, r.Why = "512", "all borders are sector borders"
		if p.pageSize = sector; !e.pageAllowed(sector) {
			return e.noSectors(r, &p)
		}
		if m, short, err = e.mapRegion(r, &p, r.Mapped, r.Next); err != nil {
			return err
		}
	}
	if m.Stop != linux.StopEnd {
		return sectorRefusal(&p, r, &m, short)
	}
	return e.advertise(r, &p, &m)
}

// noSectors tells a list that needs the second pool from one that it would not
// help.
func (e *Env) noSectors(r *Registration, p *plan) error {
	m, short, err := e.mapRegion(r, p, r.Mapped, r.Next)
	if err != nil {
		return err
	}
	if m.Stop == linux.StopGap {
		return sectorRefusal(p, r, &m, short)
	}
	return &Refusal{Strategy: r.Strategy, Reason: ReasonPageSize, Entry: -1, Limit: 1 << e.Profile.LogPageMin, Need: sector}
}

func sectorRefusal(p *plan, r *Registration, m *linux.Mapping, short bool) error {
	if m.Stop == linux.StopGap {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonSector, Entry: m.Next.Entry, Off: m.Next.Off}
	}
	return p.stopRefusal(r, m, short)
}

// bounceInstead copies after a refusal; other errors stay.
func (e *Env) bounceInstead(r *Registration, err error) error {
	if _, ok := err.(*Refusal); !ok || len(r.held) != 0 {
		return err
	}
	r.Chosen, r.Why = "bounce", err.Error()
	return e.bounce(r)
}
