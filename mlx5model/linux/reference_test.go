package linux

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// refPost posts as the driver does, in its order and segment by segment: bytes
// 8 to Fh, what follows, and bytes 0 to 7 with the fence last.
type refPost struct {
	qp    *QP
	ctrl  uint32
	ds    uint8
	armed uint8
}

func (p *refPost) post(wrs []WR) PostResult {
	qp, r := p.qp, PostResult{BadWR: -1}
	for ; r.NReq < len(wrs) && r.Err == 0; r.NReq++ {
		if r.Err = p.one(&wrs[r.NReq], uint32(r.NReq)); r.Err != 0 {
			r.BadWR = r.NReq
			r.NReq--
		}
	}
	if r.NReq > 0 {
		qp.Head += uint32(r.NReq)
		qp.DBRec = uint32(qp.CurPost)
		copy(qp.Doorbell[:], qp.Ring.At(p.ctrl, 0))
		qp.Rings++
	}
	return r
}

func (p *refPost) one(wr *WR, nreq uint32) int {
	qp := p.qp
	if wr.Op == 0 || wr.Op > OpSendInv || wr.Op == OpRegMR && wr.MR == nil {
		return errINVAL
	}
	if qp.MaxPost != 0 && qp.Head-qp.Tail+nreq >= qp.MaxPost {
		return errNOMEM
	}
	p.ctrl, p.ds = uint32(qp.CurPost), 1
	ctrl := mlx5model.Ctrl{}
	if qp.SigAll || wr.Flags&SendSignaled != 0 {
		ctrl.FmCeSe = mlx5model.CtrlCEAlways
	}
	if wr.Flags&SendSolicited != 0 {
		ctrl.FmCeSe |= mlx5model.CtrlSolicited
	}
	switch wr.Op {
	case OpRegMR, OpLocalInv, OpSendInv:
		ctrl.Imm = wr.Key
	case OpRDMAWriteImm, OpSendImm:
		ctrl.Imm = wr.Imm
	}
	var b [mlx5model.CtrlSize]byte
	ctrl.Put(b[:])
	qp.Ring.Write(p.ctrl, 8, b[8:])
	fence := p.fence(wr)
	if err := p.body(wr); err != 0 {
		return err
	}
	qp.NextFence = p.armed
	ctrl.Index, ctrl.Opcode, ctrl.QPN, ctrl.DS = qp.CurPost, wqeOpcode[wr.Op], qp.QPN, p.ds
	ctrl.FmCeSe |= fence
	if qp.WQSig {
		ctrl.Signature = 0xff
	}
	ctrl.Put(b[:])
	qp.Ring.Write(p.ctrl, 0, b[:])
	qp.CurPost += uint16(mlx5model.WQEBBs(p.ds))
	return 0
}

func (p *refPost) fence(wr *WR) uint8 {
	switch {
	case wr.Op == OpRegMR:
		p.armed = mlx5model.FenceSmall
		return p.qp.UMRFence
	case wr.Flags&SendFence == 0:
		return p.qp.NextFence
	case p.qp.NextFence != 0:
		return mlx5model.FenceSmallAndFull
	}
	return mlx5model.FenceFence
}

func (p *refPost) append(seg interface{ Put([]byte) }, size int) {
	b := make([]byte, size)
	seg.Put(b)
	p.qp.Ring.Write(p.ctrl, int(p.ds)*mlx5model.DSSize, b)
	p.ds += uint8(size / mlx5model.DSSize)
}

type raddr struct {
	addr uint64
	key  uint32
}

func (r *raddr) Put(b []byte) {
	binary.BigEndian.PutUint64(b, r.addr)
	binary.BigEndian.PutUint32(b[8:], r.key)
}

func (p *refPost) body(wr *WR) int {
	switch wr.Op {
	case OpRegMR:
		return p.regMR(wr)
	case OpLocalInv:
		p.append(&mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, Mask: mlx5model.MaskFree}, mlx5model.UMRCtrlSize)
		p.append(&mlx5model.MkeyContext{Free: true}, mlx5model.MkeySize)
		return 0
	case OpRDMAWrite, OpRDMAWriteImm, OpRDMARead:
		p.append(&raddr{wr.RAddr, wr.RKey}, mlx5model.RaddrSize)
	}
	if wr.Flags&SendInline != 0 && len(wr.SGEs) > 0 {
		if wr.SGEs.Total() != 0 {
			return errNOMEM
		}
		p.qp.Ring.Write(p.ctrl, int(p.ds)*mlx5model.DSSize, []byte{0x80, 0, 0, 0})
		p.ds++
		return 0
	}
	for _, e := range wr.SGEs {
		if e.Len != 0 {
			p.append(&mlx5model.DataSeg{ByteCount: e.Len, Lkey: e.Lkey, Addr: e.Addr}, mlx5model.DataSegSize)
		}
	}
	return 0
}

func (p *refPost) regMR(wr *WR) int {
	if wr.Flags&SendInline != 0 || !p.qp.canReconfig(wr.Access) {
		return errINVAL
	}
	mr := wr.MR
	size := min(mr.NDescs, len(mr.Descs)/mr.DescSize()) * mr.DescSize()
	umr := mlx5model.UMRCtrl{Flags: mlx5model.UMRCheckNotFree, XltOctowords: uint16(mlx5model.ListOctowords(uint64(size))), Mask: RegMask}
	mkc := mlx5model.MkeyContext{Mode: mr.Mode, Access: mlx5model.AccLR, UMREn: true, QPN: mlx5model.QPNAny, Tag: mlx5model.KeyTag(wr.Key), EnRinval: true, Start: mr.IOVA, Len: mr.Length}
	for _, m := range []struct {
		verbs uint32
		bit   uint8
	}{{AccessLocalWrite, mlx5model.AccLW}, {AccessRemoteWrite, mlx5model.AccRW}, {AccessRemoteRead, mlx5model.AccRR}, {AccessRemoteAtomic, mlx5model.AccA}} {
		if wr.Access&m.verbs != 0 {
			mkc.Access |= m.bit
		}
	}
	if wr.Access&AccessRemoteAtomic != 0 {
		umr.Mask |= mlx5model.MaskA
	}
	groups := uint32(mlx5model.AlignUp(uint64(size/mr.DescSize()), 8)) / 8
	mkc.XltOctowords = groups * 4
	if mr.Mode == mlx5model.ModeKLM {
		mkc.XltOctowords = groups * 8
	} else {
		mkc.LogPageSize = uint8(bits.Len32(mr.PageSize) - 1)
	}
	inline := size <= InlineThreshold
	if inline {
		umr.Flags |= mlx5model.UMRInline
	}
	p.append(&umr, mlx5model.UMRCtrlSize)
	p.append(&mkc, mlx5model.MkeySize)
	if !inline {
		p.append(&mlx5model.DataSeg{ByteCount: uint32(mlx5model.AlignUp(uint64(size), 64)), Lkey: p.qp.LocalDMALkey, Addr: mr.DescMap}, mlx5model.DataSegSize)
		return 0
	}
	p.qp.Ring.Write(p.ctrl, mlx5model.UMRDataOff, mr.Descs[:size])
	p.ds += uint8(umr.XltOctowords)
	return 0
}

// anyWR is a work request of any kind; few are refused.
func anyWR(r *rand.Rand) WR {
	wr := WR{Op: Op(1 + r.IntN(8)), Flags: uint8(r.Uint32() & 7), Key: r.Uint32(), Access: r.Uint32() & 15, Imm: r.Uint32(), RAddr: r.Uint64(), RKey: r.Uint32()}
	if r.IntN(2) == 0 {
		wr.Op = OpRegMR
	}
	switch r.IntN(32) {
	case 0:
		wr.Flags |= SendInline
	case 1:
		wr.Op = Op(r.IntN(12))
	case 2:
		wr.Access |= AccessRelaxedOrdering
	}
	switch wr.Op {
	case OpRegMR:
		n := r.IntN(20)
		mr := &MR{Mode: mlx5model.ModeKLM, DescMap: r.Uint64(), Descs: make([]byte, n*mlx5model.KLMSize), NDescs: n, IOVA: r.Uint64(), Length: r.Uint64()}
		if r.IntN(2) == 0 {
			mr.Mode, mr.NDescs, mr.PageSize = mlx5model.ModeMTT, r.IntN(2*n+1), 1<<r.IntN(32)
		}
		for i := range mr.Descs {
			mr.Descs[i] = byte(r.Uint32())
		}
		if wr.MR = mr; r.IntN(32) == 0 {
			wr.MR = nil
		}
	case OpLocalInv:
	default:
		for range r.IntN(6) {
			wr.SGEs = append(wr.SGEs, sg.Entry{Addr: r.Uint64(), Len: r.Uint32() * uint32(r.IntN(2)), Lkey: r.Uint32()})
		}
	}
	return wr
}

// Chains of every kind, from anywhere in rings of every size, over any content:
// the queue and the ring are as the driver's own order leaves them.
func TestReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	posted, refused := 0, 0
	for i := range 30000 {
		wqebbs := 4 << r.IntN(6)
		fill := byte(r.Uint32())
		state := QP{
			QPN: r.Uint32() >> 8, LocalDMALkey: r.Uint32(), SigAll: r.IntN(4) == 0, WQSig: r.IntN(4) == 0,
			UMRFence:  []uint8{mlx5model.FenceNone, mlx5model.FenceSmall, mlx5model.FenceStrong}[r.IntN(3)],
			CapAtomic: true, CapUMRModifyAtomicDisabled: r.IntN(16) == 0, CapROWrite: true, CapROWriteUMR: r.IntN(2) == 0,
			CurPost: uint16(r.Uint32()), NextFence: []uint8{0, mlx5model.FenceSmall}[r.IntN(2)],
		}
		if r.IntN(8) == 0 {
			state.MaxPost = 3
		}
		got, want := state, state
		got.Ring, _ = mlx5model.NewRing(wqebbs)
		want.Ring, _ = mlx5model.NewRing(wqebbs)
		got.Ring.Fill(fill)
		want.Ring.Fill(fill)
		for range 3 {
			var wrs []WR
			for range r.IntN(5) {
				wrs = append(wrs, anyWR(r))
			}
			ref := refPost{qp: &want}
			gotRes, wantRes := got.PostSend(wrs), ref.post(wrs)
			posted += wantRes.NReq
			if wantRes.Err != 0 {
				refused++
			}
			g, w := got, want
			g.Ring, w.Ring = nil, nil
			if gotRes != wantRes || g != w || !bytes.Equal(got.Ring.Bytes(), want.Ring.Bytes()) {
				t.Fatalf("case %d, %+v:\n%+v, want %+v\n got %+v\nwant %+v\n got %x\nwant %x", i, wrs, gotRes, wantRes, g, w, got.Ring.Bytes(), want.Ring.Bytes())
			}
		}
	}
	if posted < 100000 || refused < 5000 {
		t.Errorf("%d posted, %d refused", posted, refused)
	}
}
