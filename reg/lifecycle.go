package reg

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// begin resets r, checks and maps the list and finds where to start. After an
// error r is empty and nothing is mapped.
func (e *Env) begin(name string, req *Request, r *Registration) error {
	r.Reset()
	if err := e.prepare(name, req, r); err != nil {
		return e.abort(r, err)
	}
	return nil
}

func (e *Env) prepare(name string, req *Request, r *Registration) error {
	r.Strategy, r.Dialect, r.Request = name, e.Enc.Name(), req
	r.Dev, r.QP, r.Ring, r.QPN, r.PD, r.Rules = e.Dev, e.QP, e.Ring, e.QPN, e.PD, e.Enc.Rules()
	r.PostedFrom, r.PostedTo = e.Enc.PI(), e.Enc.PI()
	if err := req.List.Validate(); err != nil {
		return listRefusal(name, err)
	}
	mapped, err := DMAMap(e, req.List, req.DMA, r.Mapped)
	if err != nil {
		return &Refusal{Strategy: name, Reason: ReasonUnsupported, Entry: -1, Err: err}
	}
	r.mapped = true
	r.Mapped = mapped
	r.MapNents, r.UnmapNents, r.DMANents = len(req.List), len(req.List), len(mapped)
	r.Access, r.FixedAccess = e.granted(req), e.Enc.Caps().FixedAccess != 0
	return start(name, req, r)
}

// granted are the rights that a registration has in the end: what was asked
// for, and local read, which every key has; or what the dialect fixes when it
// creates its keys.
func (e *Env) granted(req *Request) uint8 {
	if fixed := e.Enc.Caps().FixedAccess; fixed != 0 {
		return fixed
	}
	return req.Access&mlx5model.AccRights | mlx5model.AccLR
}

// listRefusal translates what is wrong with a list as such.
func listRefusal(name string, err error) error {
	f := &Refusal{Strategy: name, Reason: ReasonEmpty, Entry: -1, Err: err}
	var at *sg.EntryError
	if errors.As(err, &at) {
		f.Reason, f.Entry = ReasonWrap, at.Index
	}
	return f
}

// start sets r.From to the first byte to register: req.From, or req.Offset
// bytes into the stream. An entry's end is made the next entry's start.
func start(name string, req *Request, r *Registration) error {
	at, skip := req.From, uint64(0)
	if at == (linux.Pos{}) {
		skip = req.Offset
	}
	if at.Entry < 0 || at.Entry > len(r.Mapped) || at.Off != 0 && (at.Entry == len(r.Mapped) || at.Off > uint64(r.Mapped[at.Entry].Len)) {
		return &Refusal{Strategy: name, Reason: ReasonOffset, Entry: at.Entry, Off: at.Off}
	}
	for at.Entry < len(r.Mapped) {
		left := uint64(r.Mapped[at.Entry].Len) - at.Off
		if skip < left {
			at.Off += skip
			r.From, r.Next = at, at
			return nil
		}
		skip -= left
		at = linux.Pos{Entry: at.Entry + 1}
	}
	reason := ReasonOffset
	if skip == 0 { // at the very end: legal, but nothing is there
		reason = ReasonEmpty
	}
	return &Refusal{Strategy: name, Reason: reason, Entry: -1, Limit: r.Mapped.Total()}
}

// rest is the total of the mapped list from a position on, in bytes.
func rest(l sg.List, from linux.Pos) uint64 {
	if from.Entry >= len(l) {
		return 0
	}
	return l[from.Entry:].Total() - from.Off
}

// cover extends what r covers by a mapping that starts at r.Next.
func (r *Registration) cover(m *linux.Mapping) {
	r.Next = m.Next
	r.Covered += m.Length
	r.Whole = m.Stop == linux.StopEnd
}

// ErrMapping reports a Mapper that contradicts itself.
var ErrMapping = errors.New("mapper gave no usable mapping")

// hold takes a key of the pool for r within the request's limits.
func (e *Env) hold(r *Registration, mode mlx5model.AccessMode, max int) (*Key, error) {
	if err := e.mayHold(r); err != nil {
		return nil, err
	}
	k, err := e.GetKey(mode, max)
	if err != nil {
		return nil, &Refusal{Strategy: r.Strategy, Reason: ReasonPool, Entry: r.Next.Entry, Off: r.Next.Off, Limit: uint64(e.pool.size), Err: err}
	}
	r.held = append(r.held, heldKey{key: k})
	return k, nil
}

// mayHold refuses one key more than the request allows.
func (e *Env) mayHold(r *Registration) error {
	lim := &r.Request.Limits
	switch {
	case lim.MaxRegions > 0 && len(r.held) >= lim.MaxRegions:
		return &Refusal{Strategy: r.Strategy, Reason: ReasonRegions, Entry: r.Next.Entry, Off: r.Next.Off, Limit: uint64(lim.MaxRegions)}
	case lim.PoolSize > 0 && e.KeysInUse() >= lim.PoolSize:
		return &Refusal{Strategy: r.Strategy, Reason: ReasonPool, Entry: r.Next.Entry, Off: r.Next.Off, Limit: uint64(lim.PoolSize), Err: ErrPoolEmpty}
	}
	return nil
}

// buffer takes driver memory for r and names it as r's own.
func (e *Env) buffer(r *Registration, n, align uint64) (uint64, error) {
	addr, err := e.Alloc(n, align)
	if err != nil {
		return 0, &Refusal{Strategy: r.Strategy, Reason: ReasonPool, Entry: -1, Err: err}
	}
	r.blocks = append(r.blocks, block{addr, n, align})
	r.Own = append(r.Own, sg.Extent{Addr: addr, Len: n})
	return addr, nil
}

// finish executes what was posted and completes r.
func (e *Env) finish(r *Registration) error {
	r.Cost.MRs = len(r.held)
	r.Own = append(r.Own, e.spent...)
	if r.Initiator {
		r.PostedTo = e.Enc.PI()
		return nil
	}
	r.Cost.RemoteDescs = len(r.Tuples)
	if err := e.Kick(); err != nil {
		return e.abort(r, fmt.Errorf("%s: %w", r.Strategy, err))
	}
	r.PostedTo = e.Enc.PI()
	return nil
}

// abort gives back all that r holds, empties r and returns err.
func (e *Env) abort(r *Registration, err error) error {
	e.recover()
	if giveErr := e.giveBack(r); giveErr != nil {
		err = errors.Join(err, giveErr)
	}
	e.spend(r.Own)
	r.Reset()
	return err
}

// spend remembers driver memory that a refused attempt wrote. Attempts use the
// same blocks again and again: they are joined whenever they have doubled.
func (e *Env) spend(own []sg.Extent) {
	e.spent = append(e.spent, own...)
	if len(e.spent) > 2*e.joined+64 {
		e.spent = sg.MergeExtents(e.spent)
		e.joined = len(e.spent)
	}
}

// giveBack invalidates r's keys and returns keys, memory and mapping. What it
// cannot invalidate it destroys, so that in the end everything is given back
// even after an error. It does nothing the second time.
func (e *Env) giveBack(r *Registration) error {
	err := e.invalidateAll(r)
	if err == nil {
		err = e.Kick()
	}
	if err != nil {
		e.recover()
		for _, h := range r.held {
			e.dropKey(h.key)
		}
	}
	for _, h := range r.held {
		e.PutKey(h.key)
	}
	for _, b := range r.blocks {
		e.Free(b.addr, b.n, b.align)
	}
	if r.mapped {
		DMAUnmap(e, r.UnmapNents)
	}
	r.held, r.blocks, r.mapped = r.held[:0], r.blocks[:0], false
	return err
}

func (e *Env) invalidateAll(r *Registration) error {
	for _, h := range r.held {
		switch {
		case !h.posted:
		case !e.Enc.Caps().Invalidate || r.direct:
			e.dropKey(h.key)
		default:
			if err := e.makeRoom(invalidateWQEBBs); err != nil {
				return err
			}
			if err := e.Enc.Invalidate(h.key.Key); err != nil {
				e.ringUse.soiled = true
				return err
			}
		}
	}
	return nil
}

// invalidateWQEBBs is the size of a LOCAL_INV: fixed segments only, DS 8.
const invalidateWQEBBs = mlx5model.UMRDataOff / mlx5model.WQEBBSize

// release is Release of every strategy of this package.
func (e *Env) release(r *Registration) error {
	if err := e.giveBack(r); err != nil {
		return fmt.Errorf("%s: release: %w", r.Strategy, err)
	}
	return nil
}
