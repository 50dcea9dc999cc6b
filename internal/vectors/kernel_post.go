package vectors

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// flag is a JSON 0 or 1.
type flag uint8

func (f flag) on() bool { return f != 0 }

// kernelQP is a recorded kernel QP before the post. The relaxed-ordering
// capabilities were off in the recordings that do not name them.
type kernelQP struct {
	QPN       uint32 `json:"qpn"`
	PDN       uint32 `json:"pdn"`
	Lkey      uint32 `json:"local_dma_lkey"`
	WQECnt    int    `json:"wqe_cnt"`
	CurPost   uint16 `json:"cur_post"`
	NextFence uint8  `json:"next_fence"`
	SigAll    flag   `json:"sq_sig_all"`
	WQSig     flag   `json:"wq_sig"`
	UMRFence  uint8  `json:"umr_fence"`
	Prefill   byte   `json:"prefill"`
	Integrity flag   `json:"integrity_en"`

	CapAtomic     flag `json:"cap_atomic"`
	CapNoAtomic   flag `json:"cap_umr_modify_atomic_disabled"`
	CapROWrite    flag `json:"cap_relaxed_ordering_write,omitempty"`
	CapROWriteUMR flag `json:"cap_relaxed_ordering_write_umr,omitempty"`
	CapRORead     flag `json:"cap_relaxed_ordering_read,omitempty"`
	CapROReadUMR  flag `json:"cap_relaxed_ordering_read_umr,omitempty"`
}

func (q *kernelQP) make(ring *mlx5model.Ring) *linux.QP {
	return &linux.QP{
		Ring: ring, QPN: q.QPN, PDN: q.PDN, LocalDMALkey: q.Lkey, UMRFence: q.UMRFence,
		SigAll: q.SigAll.on(), WQSig: q.WQSig.on(),
		CapAtomic: q.CapAtomic.on(), CapUMRModifyAtomicDisabled: q.CapNoAtomic.on(),
		CapROWrite: q.CapROWrite.on(), CapROWriteUMR: q.CapROWriteUMR.on(),
		CapRORead: q.CapRORead.on(), CapROReadUMR: q.CapROReadUMR.on(),
		CurPost: q.CurPost, NextFence: q.NextFence,
	}
}

// regionCase is a region of kernel-regmr, mapped before the post.
type regionCase struct {
	Type     string     `json:"type"`
	MaxNumSG uint32     `json:"max_num_sg"`
	MaxDescs int        `json:"max_descs"`
	DescSize int        `json:"desc_size"`
	DescMap  uint64     `json:"desc_map"`
	PageSize uint32     `json:"page_size"`
	Rkey0    uint32     `json:"rkey0"`
	SG       []dmaEntry `json:"sg"`
	SGOffset *uint32    `json:"sg_offset"`
	Map      mapJSON    `json:"map"`
	Descs    string     `json:"descs"`
}

// wrCase is a work request of kernel-regmr; which fields there are depends on
// Op.
type wrCase struct {
	Op     string      `json:"op"`
	Flags  uint8       `json:"send_flags"`
	MR     *int        `json:"mr,omitempty"`
	Key    *uint32     `json:"key,omitempty"`
	Access *uint32     `json:"access,omitempty"`
	Rkey   *uint32     `json:"rkey,omitempty"`
	RAddr  *uint64     `json:"raddr,omitempty"`
	SGE    *[]sgeEntry `json:"sge,omitempty"`
}

// sgeEntry is an entry of a user list: [addr, length, lkey].
type sgeEntry [3]uint64

func sgeList(entries []sgeEntry) (sg.List, error) {
	l := make(sg.List, len(entries))
	for i, e := range entries {
		if e[1]>>32 != 0 || e[2]>>32 != 0 {
			return nil, fmt.Errorf("sge[%d]: length %d or lkey %d has more than 32 bits", i, e[1], e[2])
		}
		l[i] = sg.Entry{Addr: e[0], Len: uint32(e[1]), Lkey: uint32(e[2])}
	}
	return l, nil
}

// wr translates the recorded work request.
func (w *wrCase) wr(mrs []*linux.MR) (linux.WR, error) {
	has := func(reg, inv, raddr, sge bool) bool {
		return reg == (w.MR != nil && w.Key != nil && w.Access != nil) && (reg || w.MR == nil && w.Key == nil && w.Access == nil) &&
			(inv || raddr) == (w.Rkey != nil) && raddr == (w.RAddr != nil) && sge == (w.SGE != nil)
	}
	r := linux.WR{Flags: w.Flags}
	ok := false
	switch w.Op {
	case "reg_mr":
		if ok = has(true, false, false, false); ok {
			if *w.MR < 0 || *w.MR >= len(mrs) {
				return r, fmt.Errorf("mr %d of %d", *w.MR, len(mrs))
			}
			r.Op, r.MR, r.Key, r.Access = linux.OpRegMR, mrs[*w.MR], *w.Key, *w.Access
		}
	case "local_inv":
		if ok = has(false, true, false, false); ok {
			r.Op, r.Key = linux.OpLocalInv, *w.Rkey
		}
	case "rdma_write":
		if ok = has(false, false, true, true); ok {
			r.Op, r.RAddr, r.RKey = linux.OpRDMAWrite, *w.RAddr, *w.Rkey
		}
	case "send":
		ok = has(false, false, false, true)
		r.Op = linux.OpSend
	default:
		return r, fmt.Errorf("unknown op %q", w.Op)
	}
	if !ok {
		return r, fmt.Errorf("op %q has too few or too many fields", w.Op)
	}
	if w.SGE == nil {
		return r, nil
	}
	var err error
	r.SGEs, err = sgeList(*w.SGE)
	return r, err
}

// regCase is a line of kernel-regmr.
type regCase struct {
	ID   string       `json:"id"`
	Kind string       `json:"kind"`
	Note string       `json:"note"`
	Seed uint64       `json:"seed"`
	QP   kernelQP     `json:"qp"`
	MRs  []regionCase `json:"mrs"`
	WRs  []wrCase     `json:"wrs"`
	Out  struct {
		Err       int       `json:"err"`
		BadWR     int       `json:"bad_wr"`
		CurPost   uint16    `json:"cur_post"`
		NextFence uint8     `json:"next_fence"`
		NReq      int       `json:"nreq"`
		DBRec     uint32    `json:"dbrec"`
		DBBytes   string    `json:"db_bytes"`
		WQEs      []wqeJSON `json:"wqes"`
		Segs      []ringSeg `json:"ring_segs"`
		Ring      *string   `json:"ring,omitempty"`
	} `json:"out"`
}

// regRun is one run of a case at one fill.
type regRun struct {
	qp   *linux.QP
	mrs  []*linux.MR
	maps []linux.MapResult
	res  linux.PostResult
	wqes []gotWQE
}

func (c *regCase) run(ring *mlx5model.Ring, fill byte) (*regRun, error) {
	r := &regRun{qp: c.QP.make(ring)}
	var descs uint64
	for i := range c.MRs {
		m := &c.MRs[i]
		if descs += uint64(m.MaxNumSG); descs > maxRecordedDescs {
			return nil, fmt.Errorf("mrs[%d]: max_num_sg beyond %d in all", i, maxRecordedDescs)
		}
		mr, err := newRegion(m.Type, m.MaxNumSG, fill)
		if err != nil {
			return nil, fmt.Errorf("mrs[%d]: %w", i, err)
		}
		l, err := dmaList(m.SG)
		if err != nil {
			return nil, fmt.Errorf("mrs[%d]: %w", i, err)
		}
		mr.DescMap, mr.Rkey = m.DescMap, m.Rkey0
		r.mrs = append(r.mrs, mr)
		r.maps = append(r.maps, mr.MapSG(l, m.SGOffset, m.PageSize, c.QP.Lkey))
	}
	wrs := make([]linux.WR, len(c.WRs))
	for i := range c.WRs {
		var err error
		if wrs[i], err = c.WRs[i].wr(r.mrs); err != nil {
			return nil, fmt.Errorf("wrs[%d]: %w", i, err)
		}
	}
	r.res = r.qp.PostSend(wrs)
	r.collect(ring, c.QP.CurPost)
	return r, nil
}

// collect reads the posted WQEs back out of the ring, which they tell the size
// of themselves. A chain longer than the ring ends there.
func (r *regRun) collect(ring *mlx5model.Ring, from uint16) {
	for range r.res.NReq {
		w := readWQE(ring, uint32(from))
		r.wqes = append(r.wqes, w)
		from += uint16(len(w.Raw) / mlx5model.WQEBBSize)
	}
}

func checkRegMR(line []byte, env *Env) Outcome {
	var c regCase
	if err := decodeStrict(line, &c); err != nil {
		return failf("%v", err)
	}
	ringA, ringB, err := prefillRings(c.QP.WQECnt, c.QP.Prefill)
	if err != nil {
		return failf("qp.wqe_cnt: %v", err)
	}
	a, err := c.run(ringA, c.QP.Prefill)
	if err != nil {
		return failf("%v", err)
	}
	b, err := c.run(ringB, ^c.QP.Prefill)
	if err != nil {
		return failf("%v", err)
	}
	d := newDiffs(env)
	for i := range c.MRs {
		m, p := &c.MRs[i], fmt.Sprintf("mrs[%d].", i)
		eq(d, p+"max_descs", m.MaxDescs, a.mrs[i].MaxDescs)
		eq(d, p+"desc_size", m.DescSize, a.mrs[i].DescSize())
		m.Map.compare(d, p+"map.", a.maps[i])
		compareDescs(d, p+"descs", m.Descs, c.QP.Prefill, a.mrs[i], b.mrs[i])
	}
	o := &c.Out
	eq(d, "out.err", o.Err, a.res.Err)
	eq(d, "out.bad_wr", o.BadWR, a.res.BadWR)
	eq(d, "out.cur_post", o.CurPost, a.qp.CurPost)
	eq(d, "out.next_fence", o.NextFence, a.qp.NextFence)
	eq(d, "out.nreq", o.NReq, int(a.qp.Head))
	eq(d, "out.dbrec", o.DBRec, a.qp.DBRec)
	compareDoorbell(d, "out.db_bytes", o.DBBytes, a.qp.Doorbell)
	compareWQEs(d, "out.wqes", o.WQEs, a.wqes, b.wqes, c.QP.Prefill)
	compareRing(d, "out", o.Segs, o.Ring, c.QP.Prefill, ringA.Bytes())
	return d.outcome()
}
