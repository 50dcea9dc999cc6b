package reg

import (
	"encoding/binary"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxUMemBlocks is the most pages of one user memory region: a bound of the
// model, 2 MiB of list. Limits.MaxEntries lowers it.
const MaxUMemBlocks = 1 << 18

// UMem registers memory as ibv_reg_mr does: one page-list key, made whole by
// CREATE_MKEY, with the best page size for list and address. There is no work
// request, and Release destroys the key.
//
// Request.IOVA is the address that the stream's first byte gets, so that a key
// over a part of it begins further up; 0 means the first byte's own address, or
// that address modulo the largest page if the range would pass 2^64.
// Request.PageSizes is the bitmap of sizes in bytes to choose from; 0 means all
// that the device has.
type UMem struct{}

// Name is "umem".
func (UMem) Name() string { return "umem" }

// Register refuses with ReasonPageSize if no page size fits, with
// ReasonEntries if there are too many pages, with ReasonTotal for a region
// longer than the device's, and with the reasons of every strategy.
func (s UMem) Register(e *Env, req *Request, r *Registration) error {
	if err := e.begin(s.Name(), req, r); err != nil {
		return err
	}
	r.direct = true
	r.Access = req.Access&mlx5model.AccRights | mlx5model.AccLR
	r.Dialect, r.Rules = "", nil
	if err := e.umem(r); err != nil {
		return e.abort(r, err)
	}
	return e.finish(r)
}

// Release destroys the key and gives everything back.
func (UMem) Release(e *Env, r *Registration) error { return e.release(r) }

// pageBitmap are the page sizes that keys of the device can have.
func (e *Env) pageBitmap() uint64 {
	return upTo(int(e.Profile.LogPageMax)) &^ below(int(e.Profile.LogPageMin))
}

func (e *Env) umem(r *Registration) error {
	req := r.Request
	supported := e.pageBitmap()
	if req.PageSizes != 0 {
		supported &= req.PageSizes
	}
	l := e.subList(r)
	ctx := mlx5model.MkeyContext{
		Mode: mlx5model.ModeMTT, Access: r.Access, UMREn: true,
		QPN: mlx5model.QPNAny, PD: e.PD, Start: umemIOVA(r, l, supported), Len: l.Total(),
	}
	if err := e.umemRefusal(r, &ctx); err != nil {
		return err
	}
	size, err := BestPageSize(l, ctx.Start, supported)
	if err != nil {
		return err
	}
	limit := uint64(MaxUMemBlocks)
	if n := req.Limits.MaxEntries; n > 0 {
		limit = min(limit, uint64(n))
	}
	n := Blocks(ctx.Start, ctx.Len, size)
	if n > limit {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonEntries, Entry: -1, Limit: limit, Need: n}
	}
	ctx.LogPageSize = uint8(bits.TrailingZeros64(size))
	ctx.XltOctowords = uint32(mlx5model.AlignUp(n*mlx5model.MTTSize, mlx5model.OctowordSize) / mlx5model.OctowordSize)
	return e.createUMem(r, &ctx, l, size)
}

// subList is the mapped list from r.From on.
func (e *Env) subList(r *Registration) sg.List {
	if r.From.Off == 0 {
		return r.Mapped[r.From.Entry:]
	}
	e.sub = append(e.sub[:0], r.Mapped[r.From.Entry:]...)
	e.sub[0].Addr += r.From.Off
	e.sub[0].Len -= uint32(r.From.Off)
	return e.sub
}

// umemIOVA is where the key begins. l begins with an entry that has bytes.
func umemIOVA(r *Registration, l sg.List, supported uint64) uint64 {
	if iova := r.Request.IOVA; iova != 0 {
		return iova + r.Mapped[:r.From.Entry].Total() + r.From.Off
	}
	iova := l[0].Addr
	if iova+l.Total()-1 < iova {
		return iova & below(max(bits.Len64(supported)-1, 0))
	}
	return iova
}

// umemRefusal checks what does not depend on the page size.
func (e *Env) umemRefusal(r *Registration, ctx *mlx5model.MkeyContext) error {
	log := e.Profile.LogMaxMRWSize
	switch {
	case ctx.Access&mlx5model.AccA != 0 && !e.Profile.Atomic:
		return &Refusal{Strategy: r.Strategy, Reason: ReasonUnsupported, Entry: -1, Err: ErrUnsupported}
	case log < 64 && ctx.Len > 1<<log:
		return &Refusal{Strategy: r.Strategy, Reason: ReasonTotal, Entry: -1, Limit: 1 << log, Need: ctx.Len}
	}
	return e.mayHold(r)
}

func (e *Env) createUMem(r *Registration, ctx *mlx5model.MkeyContext, l sg.List, size uint64) error {
	e.blocks = AppendBlocks(e.blocks[:0], l, ctx.Start, size)
	e.descs = e.descs[:0]
	for _, b := range e.blocks {
		e.descs = binary.BigEndian.AppendUint64(e.descs, b|mlx5model.MTTRead|mlx5model.MTTWrite)
	}
	k, err := e.getDirect(ctx, e.descs)
	if err != nil {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonPool, Entry: -1, Limit: uint64(e.pool.size), Err: err}
	}
	r.held = append(r.held, heldKey{key: k, posted: true})
	r.Keys = append(r.Keys, k.Key)
	r.Tuples = append(r.Tuples, Tuple{Rkey: k.Key, Addr: ctx.Start, Len: ctx.Len})
	r.Next, r.Covered, r.Whole = linux.Pos{Entry: len(r.Mapped)}, ctx.Len, true
	r.Cost.Descriptors = len(e.blocks)
	return nil
}
