package reg

import (
	"errors"
	"fmt"
	"math"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxImmediateData is ib_srp's srp_max_imm_data: bytes of immediate data that
// it asks the target to take.
const MaxImmediateData = 8192

// maxImmediateSegs is the most entries ib_srp sends as immediate data
// (drivers/infiniband/ulp/srp/ib_srp.h, max_imm_sge).
const maxImmediateSegs = 2

// MultiMR registers a list as the SRP initiator does
// (drivers/infiniband/ulp/srp/ib_srp.c srp_map_data): as many memory regions as
// the list needs, told to the target in an SRP command, in one direct
// descriptor or in a table. Regions hold pages, and a gap starts the next
// region; KLM regions are taken when pages would need more regions than there
// are keys, or when device or dialect have no page lists.
//
// Limits.MaxRegions is ib_srp's mr_per_cmd and counts the table's region too,
// Limits.InlineDescs is cmd_sg_entries, Limits.MaxEntries bounds a region.
// Request.Partial has no effect.
type MultiMR struct {
	Header     SRPHeader
	Gaps       bool // KLM regions at once (IB_MR_TYPE_SG_GAPS)
	PagesOnly  bool // never KLM regions
	NoExtTable bool // no table beyond the unit (ib_srp without allow_ext_sg)
	Immediate  bool // short data for the target goes into the message, with no region
	// NoUnit leaves the SRP command out: regions only, and no 32-bit limit
	// on the total.
	NoUnit bool
}

// Name is "multimr".
func (*MultiMR) Name() string { return "multimr" }

// Register refuses with ReasonRegions or ReasonPool when keys run out, with
// ReasonTotal above 2^32-1 bytes, with ReasonEntries when the unit is too short
// and no table allowed, and with the reasons of every strategy.
func (s *MultiMR) Register(e *Env, req *Request, r *Registration) error {
	if err := e.begin(s.Name(), req, r); err != nil {
		return err
	}
	if err := s.register(e, r); err != nil {
		return e.abort(r, err)
	}
	return e.finish(r)
}

// Release invalidates all keys and gives everything back.
func (*MultiMR) Release(e *Env, r *Registration) error { return e.release(r) }

func (s *MultiMR) register(e *Env, r *Registration) error {
	if !s.NoUnit {
		if total := rest(r.Mapped, r.From); total > math.MaxUint32 {
			return &Refusal{Strategy: r.Strategy, Reason: ReasonTotal, Entry: -1, Limit: math.MaxUint32, Need: total}
		}
		if err := r.srp.reset(&s.Header, r.Request.Dir); err != nil {
			return &Refusal{Strategy: r.Strategy, Reason: ReasonUnsupported, Entry: -1, Err: err}
		}
		r.SRP = &r.srp
		if s.immediate(e, r) {
			return nil
		}
	}
	p, err := s.choose(e, r)
	if err != nil {
		return err
	}
	if err := e.regions(r, &p); err != nil || s.NoUnit {
		return err
	}
	return s.unit(e, r, &p)
}

// immediate makes the data part of the message if it may be: going to the
// target, at most two entries, and short.
func (s *MultiMR) immediate(e *Env, r *Registration) bool {
	if !s.Immediate || r.srp.Dir != DirRead || len(r.srp.IU)+4 > SRPImmOffset {
		return false
	}
	l := e.subList(r)
	var segs [maxImmediateSegs]sg.Entry
	n := 0
	for _, x := range l {
		if x.Len == 0 {
			continue
		}
		if n == len(segs) {
			return false
		}
		segs[n] = sg.Entry{Addr: x.Addr, Len: x.Len, Lkey: e.LocalKey}
		n++
	}
	total := sg.List(segs[:n]).Total()
	if total > MaxImmediateData {
		return false
	}
	r.srp.immediate(uint32(total), segs[:n])
	r.Next, r.Covered, r.Whole = linux.Pos{Entry: len(r.Mapped)}, total, true
	return true
}

// choose picks pages or KLMs.
func (s *MultiMR) choose(e *Env, r *Registration) (plan, error) {
	caps := e.Enc.Caps()
	if s.Gaps || !caps.MTT {
		return e.plan(r, mlx5model.ModeKLM)
	}
	p, err := e.plan(r, mlx5model.ModeMTT)
	if err != nil || s.PagesOnly || !caps.KLM {
		return p, err
	}
	budget := e.keysLeft(r)
	n, err := e.countRegions(r, &p, budget)
	if err != nil {
		return p, err
	}
	if n > 1 && !s.NoUnit {
		n++ // the table
	}
	if n > budget {
		if k, err := e.plan(r, mlx5model.ModeKLM); err == nil {
			return k, nil
		}
	}
	return p, nil
}

// keysLeft is how many keys r may still take.
func (e *Env) keysLeft(r *Registration) int {
	n := e.pool.size - e.pool.busy
	lim := &r.Request.Limits
	if lim.MaxRegions > 0 {
		n = min(n, lim.MaxRegions-len(r.held))
	}
	if lim.PoolSize > 0 {
		n = min(n, lim.PoolSize-e.pool.busy)
	}
	return max(n, 0)
}

// countRegions maps without posting and counts the regions, at most one more
// than the budget.
func (e *Env) countRegions(r *Registration, p *plan, budget int) (n int, err error) {
	for at := r.From; n <= budget; n++ {
		m, _, err := e.mapRegion(r, p, r.Mapped, at)
		if err != nil {
			return 0, err
		}
		if at = m.Next; m.Stop == linux.StopEnd {
			return n + 1, nil
		}
	}
	return n, nil
}

// regions registers everything from r.Next on.
func (e *Env) regions(r *Registration, p *plan) error {
	for !r.Whole {
		m, _, err := e.mapRegion(r, p, r.Mapped, r.Next)
		if err != nil {
			return err
		}
		if err := e.advertise(r, p, &m); err != nil {
			return err
		}
	}
	return nil
}

// unit writes the data-buffer descriptors.
func (s *MultiMR) unit(e *Env, r *Registration, p *plan) error {
	if len(r.Tuples) == 1 {
		r.srp.direct(r.Tuples[0])
		return nil
	}
	inline := DefaultCmdSGEntries
	if n := r.Request.Limits.InlineDescs; n > 0 {
		inline = min(n, maxCmdSGEntries)
	}
	if s.NoExtTable && len(r.Tuples) > inline {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonEntries, Entry: -1, Limit: uint64(inline), Need: uint64(len(r.Tuples)), Err: ErrSRPTable}
	}
	table, err := e.srpTable(r, p)
	if err != nil {
		return err
	}
	r.srp.indirect(table, uint32(r.Covered), r.Tuples, inline)
	return nil
}

// srpTable writes the descriptors to driver memory and registers it for the
// target to read. As in ib_srp, srp_map_idb, the region is longer than the
// table by the size of an srp_indirect_buf.
func (e *Env) srpTable(r *Registration, p *plan) (Tuple, error) {
	size := len(r.Tuples) * SRPDirectSize
	addr, err := e.buffer(r, uint64(size+SRPIndirectSize), 0)
	if err != nil {
		return Tuple{}, err
	}
	e.table = e.table[:0]
	for _, t := range r.Tuples {
		e.table = appendDirect(e.table, t)
	}
	if err := e.Mem.Write(addr, e.table); err != nil {
		return Tuple{}, fmt.Errorf("%s: descriptor table: %w", r.Strategy, err)
	}
	e.sub = append(e.sub[:0], sg.Entry{Addr: addr, Len: uint32(size + SRPIndirectSize)})
	m, short, err := e.mapRegion(r, p, e.sub, linux.Pos{})
	if err != nil {
		return Tuple{}, err
	}
	if m.Stop != linux.StopEnd {
		f := p.stopRefusal(r, &m, short)
		return Tuple{}, &Refusal{Strategy: r.Strategy, Reason: ReasonEntries, Entry: -1, Limit: uint64(p.max), Err: f}
	}
	t, err := e.post(r, p, &m, mlx5model.AccRR)
	if err != nil {
		return Tuple{}, err
	}
	r.AuxKeys = append(r.AuxKeys, t.Rkey)
	t.Len = uint64(size)
	return t, nil
}

// ErrSRPMemory reports a table that the target cannot fetch.
var ErrSRPMemory = errors.New("descriptor table cannot be read")

// Descriptors reads the unit back as the target does and appends the tuples of
// one direction to dst. The table, if it is needed, is read over the wire.
func (r *Registration) Descriptors(dir Dir, dst []Tuple) ([]Tuple, error) {
	out, _, _, err := ParseSRP(r.SRP.IU, dir, dst, func(t Tuple, p []byte) error {
		err := r.Dev.ReadHost(mlx5model.Access{Op: mlx5model.RemoteRead, QPN: r.QPN, PD: r.PD, Key: t.Rkey, VA: t.Addr}, p)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSRPMemory, err)
		}
		return nil
	})
	return out, err
}
