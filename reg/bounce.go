package reg

import (
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// DefaultBounceBytes is the most that bounce buffers hold for one request
// unless Limits.MaxTotal says otherwise: 32768 sectors, the order of iSER's
// max_sectors.
const DefaultBounceBytes = 16 << 20

// Bounce registers a copy of the list, as the iSER initiator did for lists
// that its page rule forbids (drivers/infiniband/ulp/iser/iser_memory.c
// fall_to_bounce_buf): single pages of Request.PageSize, not contiguous, the
// last one short, in one region. One key always serves the whole list.
//
// Registration.CopyIn and CopyOut say which copies go with it, before the peer
// reads and after it has written; Register itself moves no bytes. With a
// dialect without page lists, the pages are entries of a KLM list, and longer
// where the list would not hold them.
type Bounce struct{}

// Name is "bounce".
func (Bounce) Name() string { return "bounce" }

// Register refuses with ReasonTotal above the limit, with ReasonPool when
// there are fewer pages (Limits.PoolSize) or less memory than needed, with
// ReasonEntries when one region does not hold the pages, and with the reasons
// of every strategy but gaps.
func (s Bounce) Register(e *Env, req *Request, r *Registration) error {
	if err := e.begin(s.Name(), req, r); err != nil {
		return err
	}
	if err := e.bounce(r); err != nil {
		return e.abort(r, err)
	}
	return e.finish(r)
}

// Release invalidates the key and gives everything back. The copies out must
// have been made before.
func (Bounce) Release(e *Env, r *Registration) error { return e.release(r) }

func (e *Env) bounce(r *Registration) error {
	mode := mlx5model.ModeMTT
	if !e.Enc.Caps().MTT {
		mode = mlx5model.ModeKLM
	}
	p, err := e.plan(r, mode)
	if err != nil {
		return err
	}
	total := rest(r.Mapped, r.From)
	limit := uint64(DefaultBounceBytes)
	if n := r.Request.Limits.MaxTotal; n > 0 {
		limit = n
	}
	if p.maxLen != 0 {
		limit = min(limit, p.maxLen)
	}
	if total > limit {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonTotal, Entry: -1, Limit: limit, Need: total}
	}
	if err := e.bouncePages(r, p.bouncePage(total), total); err != nil {
		return err
	}
	m, short, err := e.mapRegion(r, &p, e.sub, linux.Pos{})
	if err != nil {
		return err
	}
	if m.Stop != linux.StopEnd {
		f := p.stopRefusal(r, &m, short)
		return &Refusal{Strategy: r.Strategy, Reason: p.fullReason(), Entry: -1, Limit: uint64(p.max), Need: p.descsNeeded(e.sub), Err: f}
	}
	if err := e.advertise(r, &p, &m); err != nil {
		return err
	}
	r.Next, r.Whole = linux.Pos{Entry: len(r.Mapped)}, true
	e.copies(r, total)
	return nil
}

// maxBouncePage is the largest buffer in bytes that bounce takes of itself.
const maxBouncePage = 1 << 31

// bouncePage is the page size of the buffers: the plan's, or for KLMs, which
// have no page rule, a larger power of two if the list is too short.
func (p *plan) bouncePage(total uint64) uint64 {
	page := p.pageSize
	if p.mode == mlx5model.ModeMTT || p.max == 0 {
		return page
	}
	if bits.OnesCount64(page) != 1 || page > maxBouncePage {
		page = DefaultPageSize
	}
	for page < maxBouncePage && (total+page-1)/page > uint64(p.max) {
		page *= 2
	}
	return page
}

// bouncePages allocates the buffers and leaves them in e.sub. Each is the
// lower half of its block, so that no two are contiguous.
func (e *Env) bouncePages(r *Registration, page, total uint64) error {
	n := int((total + page - 1) / page)
	if max := r.Request.Limits.PoolSize; max > 0 && n > max {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonPool, Entry: -1, Limit: uint64(max), Need: uint64(n)}
	}
	e.sub = e.sub[:0]
	for left := total; left > 0; {
		addr, err := e.Alloc(2*page, 2*page)
		if err != nil {
			return &Refusal{Strategy: r.Strategy, Reason: ReasonPool, Entry: -1, Need: uint64(n), Err: err}
		}
		r.blocks = append(r.blocks, block{addr, 2 * page, 2 * page})
		r.Own = append(r.Own, sg.Extent{Addr: addr, Len: page})
		take := min(left, page)
		e.sub = append(e.sub, sg.Entry{Addr: addr, Len: uint32(take)})
		left -= take
	}
	r.Cost.Buffers = n
	return nil
}

// copies pairs the list's bytes with the buffers' in e.sub, in stream order.
func (e *Env) copies(r *Registration, total uint64) {
	dir := r.Request.Dir
	var page int
	var done uint64 // bytes of the page used
	at := r.From
	for left := total; left > 0; {
		from, to := &r.Mapped[at.Entry], &e.sub[page]
		n := min(uint64(from.Len)-at.Off, uint64(to.Len)-done)
		if n > 0 {
			list, buffer := from.Addr+at.Off, to.Addr+done
			if dir&DirRead != 0 {
				r.CopyIn = append(r.CopyIn, Copy{From: list, To: buffer, Len: n})
			}
			if dir&DirWrite != 0 {
				r.CopyOut = append(r.CopyOut, Copy{From: buffer, To: list, Len: n})
			}
		}
		left -= n
		if at.Off += n; at.Off == uint64(from.Len) {
			at = linux.Pos{Entry: at.Entry + 1}
		}
		if done += n; done == uint64(to.Len) {
			page, done = page+1, 0
		}
	}
	if dir&DirBoth != 0 {
		r.Cost.BytesCopied = total
	}
}
