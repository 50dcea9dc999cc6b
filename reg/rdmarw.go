package reg

import (
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

const (
	// rwMaxSGE is the data segments of one work request: what the kernel
	// reports for mlx5 devices whatever the WQE would hold
	// (drivers/infiniband/hw/mlx5/main.c max_send_sge, MLX5_MAX_SGE_RD).
	rwMaxSGE = 30
	// rwMaxPages is the page bound of one region
	// (drivers/infiniband/core/rw.c rdma_rw_fr_page_list_len).
	rwMaxPages = 256
	// rwMaxSegment keeps a data segment's byte count clear of bit 31, which
	// marks inline data.
	rwMaxSegment = 1 << 30
	// rwRequests bounds, with rwPerEntry for each entry of the list, the
	// requests that messages of the device's longest length may take, so that
	// a device with short messages does not make cost a matter of bytes.
	rwRequests = 4096
	rwPerEntry = 4
	// rwWQEBytes bounds the WQE that max_send_sge is computed from
	// (main.c mlx5_ib_query_device: min(max_wqe_sz_sq, 512)).
	rwWQEBytes = 512
)

// RDMARW moves the data itself, as a storage target does
// (drivers/infiniband/core/rw.c): RDMA WRITE from the list to Request.Remote
// when the peer is to read (DirRead, DirBoth), RDMA READ into the list for
// DirWrite. Data segments use the local key, in as many work requests as it
// takes; reads of many entries go through memory regions instead, one RDMA
// READ each, unless there are too few keys.
//
// The work requests are posted but not executed, except that a full queue is
// worked off on the way. Registration.Tuples stays empty.
type RDMARW struct {
	// MaxSGLRead is the device's max_sgl_rd: reads of more entries use
	// memory regions. 0 sets no bound.
	MaxSGLRead int
	// ForceMR uses memory regions always (the module parameter force_mr).
	ForceMR bool
}

// Name is "rdmarw".
func (RDMARW) Name() string { return "rdmarw" }

// Register refuses with ReasonWrap when the peer's buffer would pass 2^64,
// with ReasonUnsupported when the dialect lacks the operation, with ReasonTotal
// when the device's longest message is too short for so much data; with ForceMR
// also with the reasons of memory regions, ReasonGap among them.
func (s RDMARW) Register(e *Env, req *Request, r *Registration) error {
	if err := e.begin(s.Name(), req, r); err != nil {
		return err
	}
	if err := s.register(e, r); err != nil {
		return e.abort(r, err)
	}
	return e.finish(r)
}

// Release executes what is still posted, invalidates the keys and gives
// everything back.
func (RDMARW) Release(e *Env, r *Registration) error { return e.release(r) }

func (s RDMARW) register(e *Env, r *Registration) error {
	req := r.Request
	w := rdma{e: e, r: r, write: req.Dir != DirWrite, raddr: req.Remote.Addr}
	total := rest(r.Mapped, r.From)
	if w.raddr+total-1 < w.raddr {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonWrap, Entry: -1, Need: total}
	}
	if !w.write && !e.Enc.Caps().RDMARead {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonUnsupported, Entry: -1, Err: ErrUnsupported}
	}
	if most := w.limit(); total/w.maxMsg >= most {
		return &Refusal{Strategy: r.Strategy, Reason: ReasonTotal, Entry: -1, Limit: most * w.maxMsg, Need: total}
	}
	r.Initiator = true
	r.Access = mlx5model.AccLR | mlx5model.AccLW
	if s.wantsMR(r, w.write) {
		err := w.regions()
		var f *Refusal
		if err == nil || s.ForceMR || !errors.As(err, &f) || len(r.held) != 0 {
			return err
		}
		r.Why = f.Error()
	}
	return w.list(r.Mapped, r.From)
}

// wantsMR is rdma_rw_io_needs_mr.
func (s RDMARW) wantsMR(r *Registration, write bool) bool {
	if s.ForceMR || write || s.MaxSGLRead == 0 {
		return s.ForceMR
	}
	n := 0
	for _, x := range r.Mapped[r.From.Entry:] {
		if x.Len != 0 {
			n++
		}
	}
	return n > s.MaxSGLRead
}

// rdma posts RDMA requests over a stream of local runs.
type rdma struct {
	e      *Env
	r      *Registration
	write  bool
	raddr  uint64
	maxSGE int
	maxMsg uint64

	bytes uint64 // in e.sges
}

// limit works out the segments and bytes of one work request and returns how
// many requests of full length are acceptable. The smallest queue, one WQEBB,
// holds two segments.
func (w *rdma) limit() (most uint64) {
	p := &w.e.Profile
	size := min(p.MaxWQEBytes, rwWQEBytes, len(w.e.Ring.Bytes()))
	w.maxSGE = min((size-mlx5model.CtrlSize-mlx5model.RaddrSize)/mlx5model.DataSegSize, rwMaxSGE)
	if n := w.r.Request.Limits.MaxSGE; n > 0 {
		w.maxSGE = min(w.maxSGE, n)
	}
	w.maxMsg = p.MaxMsgBytes
	w.e.sges = w.e.sges[:0]
	return rwRequests + rwPerEntry*uint64(len(w.r.Mapped))
}

// list posts the stream from a position on through the local key.
func (w *rdma) list(l sg.List, from linux.Pos) error {
	r := w.r
	for i := from.Entry; i < len(l); i++ {
		n := uint64(l[i].Len) - from.Off
		if err := w.add(l[i].Addr+from.Off, n, w.e.LocalKey); err != nil {
			return err
		}
		from.Off = 0
		r.Covered += n
	}
	r.Next, r.Whole = linux.Pos{Entry: len(l)}, true
	return w.flush()
}

// add appends a run to the work request under construction, in segments that
// a WQE can hold.
func (w *rdma) add(addr, n uint64, lkey uint32) error {
	for n > 0 {
		if len(w.e.sges) == w.maxSGE || w.bytes == w.maxMsg {
			if err := w.flush(); err != nil {
				return err
			}
		}
		take := min(n, rwMaxSegment, w.maxMsg-w.bytes)
		w.e.sges = append(w.e.sges, sg.Entry{Addr: addr, Len: uint32(take), Lkey: lkey})
		w.bytes += take
		addr += take
		n -= take
	}
	return nil
}

// flush posts the work request under construction.
func (w *rdma) flush() error {
	e, n := w.e, len(w.e.sges)
	if n == 0 {
		return nil
	}
	ds := (mlx5model.CtrlSize+mlx5model.RaddrSize)/mlx5model.DSSize + n
	if err := e.makeRoom(int(mlx5model.WQEBBs(uint8(ds)))); err != nil {
		return err
	}
	at := e.Enc.PI()
	if err := e.Enc.RDMA(w.write, w.raddr, w.r.Request.Remote.Rkey, e.sges); err != nil {
		e.ringUse.soiled = true
		return &Refusal{Strategy: w.r.Strategy, Reason: ReasonUnsupported, Entry: -1, Err: err}
	}
	e.account(w.r, at)
	w.r.Cost.Descriptors += n
	w.raddr += w.bytes
	w.bytes, e.sges = 0, e.sges[:0]
	return nil
}

// regions registers the stream in regions of at most rwMaxPages pages, has
// the device execute that, and posts an RDMA request for each region. The
// kernel posts region and request in turn; the device's work is the same.
func (w *rdma) regions() error {
	e, r := w.e, w.r
	mode := mlx5model.ModeMTT
	if !e.Enc.Caps().MTT {
		mode = mlx5model.ModeKLM
	}
	p, err := e.plan(r, mode)
	if err != nil {
		return err
	}
	p.max = min(p.max, rwMaxPages)
	if err := w.mayRegister(&p); err != nil {
		return err
	}
	e.parts = e.parts[:0]
	for !r.Whole {
		m, _, err := e.mapRegion(r, &p, r.Mapped, r.Next)
		if err != nil {
			return err
		}
		t, err := e.post(r, &p, &m, mlx5model.AccLW)
		if err != nil {
			return err
		}
		r.cover(&m)
		r.Keys = append(r.Keys, t.Rkey)
		e.parts = append(e.parts, t)
	}
	if err := e.Kick(); err != nil {
		return err
	}
	return w.parts()
}

// parts posts an RDMA request, or several where the message would be too long,
// for each region.
func (w *rdma) parts() error {
	for _, t := range w.e.parts {
		if err := w.add(t.Addr, t.Len, t.Rkey); err != nil {
			return err
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// mayRegister goes through the mapping once: a gap is refused, as the kernel
// does, and so are more regions than there are keys.
func (w *rdma) mayRegister(p *plan) error {
	e, r := w.e, w.r
	budget := e.keysLeft(r)
	for n, at := 0, r.From; ; n++ {
		m, short, err := e.mapRegion(r, p, r.Mapped, at)
		switch {
		case err != nil:
			return err
		case m.Stop == linux.StopGap:
			return p.stopRefusal(r, &m, short)
		case n >= budget:
			return &Refusal{Strategy: r.Strategy, Reason: ReasonPool, Entry: at.Entry, Off: at.Off, Limit: uint64(budget), Err: ErrPoolEmpty}
		case m.Stop == linux.StopEnd:
			return nil
		}
		at = m.Next
	}
}
