package fuzz

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/mlx5model/ofed"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
	"github.com/sgfuzz/sgfuzz/sg"
)

// dialectQueues are the producers' own sides of the queue under test.
type dialectQueues struct {
	linux   linux.QP
	libmlx5 libmlx5.QP
	spdk    spdk.QP
	ofed    ofed.QP

	mr    linux.MR
	descs [2048]byte
	mkey  libmlx5.Mkey
	list  ofed.IndirList
}

var dialects = [...]dialect{
	{"linux", &linux.Rules, openLinux, postLinux, func(t *dialectTarget) uint32 { return uint32(t.queues.linux.CurPost) }},
	{"libmlx5-v44", &libmlx5.RulesV44, openLibmlx5(libmlx5.V44), postLibmlx5, func(t *dialectTarget) uint32 { return t.queues.libmlx5.CurPost }},
	{"libmlx5-head", &libmlx5.RulesHead, openLibmlx5(libmlx5.Head), postLibmlx5, func(t *dialectTarget) uint32 { return t.queues.libmlx5.CurPost }},
	{"spdk", &spdk.Rules, openSPDK, postSPDK, func(t *dialectTarget) uint32 { return uint32(t.queues.spdk.PI) }},
	{"ofed", &ofed.Rules, openOFED, postOFED, func(t *dialectTarget) uint32 { return uint32(t.queues.ofed.CurPost) }},
}

func openLinux(t *dialectTarget, ring *mlx5model.Ring, start uint32) {
	bits := t.ch.Byte()
	t.wqSig = bits&8 != 0
	t.queues.linux = linux.QP{
		Ring: ring, QPN: dialectQPN, PDN: 0x42, LocalDMALkey: 0x1800, CurPost: uint16(start),
		UMRFence: []uint8{mlx5model.FenceStrong, mlx5model.FenceSmall, mlx5model.FenceNone}[bits%3],
		SigAll:   bits&4 != 0, WQSig: t.wqSig,
	}
}

// accessOf gives the rights of a mkey context for verbs access flags.
func accessOf(flags uint32) (acc uint8) {
	for _, m := range [...]struct {
		flag uint32
		acc  uint8
	}{{1, mlx5model.AccLW}, {2, mlx5model.AccRW}, {4, mlx5model.AccRR}, {8, mlx5model.AccA}} {
		if flags&m.flag != 0 {
			acc |= m.acc
		}
	}
	return acc
}

// rdmaOp draws the list and the names of an RDMA request or SEND.
func (t *dialectTarget) rdmaOp(op mlx5model.Opcode, most int) (wantWQE, sg.List) {
	l := t.list(most)
	w := wantWQE{op: op, entries: t.nonEmpty(l), loose: true}
	if op != mlx5model.OpSend && op != mlx5model.OpSendImm && op != mlx5model.OpSendInval {
		w.raddr, w.rkey = t.ch.Uint(^uint64(0)), t.key()
	}
	return w, l
}

func postLinux(t *dialectTarget) {
	q := &t.queues.linux
	wr := linux.WR{}
	op := t.ch.Byte() % 8
	wr.Flags = t.ch.Byte() & (linux.SendFence | linux.SendSignaled | linux.SendSolicited)
	var want wantWQE
	switch op {
	case 0, 1, 2:
		if !t.linuxRegMR(&wr, &want, op == 0) {
			return
		}
	case 3:
		wr.Op, wr.Key = linux.OpLocalInv, t.key()
		want = wantWQE{op: mlx5model.OpUMR, key: wr.Key, hasKey: true}
	default:
		kinds := [...]struct {
			op   linux.Op
			wire mlx5model.Opcode
		}{{linux.OpRDMAWrite, mlx5model.OpRDMAWrite}, {linux.OpRDMARead, mlx5model.OpRDMARead}, {linux.OpRDMAWriteImm, mlx5model.OpRDMAWriteImm}, {linux.OpSend, mlx5model.OpSend}}
		k := kinds[op%4]
		want, wr.SGEs = t.rdmaOp(k.wire, 16)
		wr.Op, wr.RAddr, wr.RKey = k.op, want.raddr, want.rkey
		if k.op == linux.OpRDMAWriteImm {
			wr.Imm = t.key()
			want.hasKey, want.key = true, wr.Imm
		}
	}
	if q.PostSend([]linux.WR{wr}).Err == 0 {
		t.wants = append(t.wants, want)
	}
}

// linuxRegMR maps a list and makes the registration of it.
func (t *dialectTarget) linuxRegMR(wr *linux.WR, want *wantWQE, pages bool) bool {
	mr := &t.queues.mr
	*mr = linux.MR{Mode: mlx5model.ModeKLM, MaxDescs: 64, DescMap: 0x4000_0800, Descs: t.queues.descs[:]}
	l := t.list(40)
	var m linux.Mapping
	var err error
	if pages {
		mr.Mode = mlx5model.ModeMTT
		for i := range l { // whole pages, or few lists would map
			l[i].Addr, l[i].Len = l[i].Addr&^0xfff, l[i].Len&^0xfff|0x1000&-(l[i].Len&1)
		}
		m, err = linux.MapPages(mr.Descs, l, linux.Pos{}, 4096, 64)
	} else {
		m, err = linux.MapKLMs(mr.Descs, l, linux.Pos{}, 0, 64, 0)
	}
	if err != nil {
		return false
	}
	mr.SetMapping(m, 4096)
	wr.Op, wr.MR, wr.Key, wr.Access = linux.OpRegMR, mr, t.key(), uint32(t.ch.Byte()&15)
	*want = wantWQE{
		op: mlx5model.OpUMR, key: wr.Key, hasKey: true, length: m.Length, hasLength: true, start: m.IOVA, hasStart: true,
		access: accessOf(wr.Access), hasAccess: true,
	}
	if !pages && m.N <= 4 {
		want.inline = true
		for n := range m.N {
			k := mlx5model.ParseKLM(mr.Descs[n*mlx5model.KLMSize:])
			t.entries = append(t.entries, sg.Entry{Addr: k.VA, Len: k.ByteCount, Lkey: k.Key})
		}
		want.entries = t.entries[len(t.entries)-m.N:]
	}
	return true
}

func openLibmlx5(v libmlx5.Version) func(*dialectTarget, *mlx5model.Ring, uint32) {
	return func(t *dialectTarget, ring *mlx5model.Ring, start uint32) {
		bits := t.ch.Byte()
		t.wqSig = bits&8 != 0
		t.queues.libmlx5 = libmlx5.QP{
			Ring: ring, Version: v, QPN: dialectQPN, CurPost: start, MaxInlineData: 52*mlx5model.KLMSize - 4,
			SigAll: bits&4 != 0, WQSig: t.wqSig,
		}
	}
}

func postLibmlx5(t *dialectTarget) {
	q := &t.queues.libmlx5
	op := t.ch.Byte() % 8
	q.Start()
	q.Flags = libmlx5.SendFlags(t.ch.Byte())&7 | libmlx5.Inline
	want := wantWQE{op: mlx5model.OpUMR, hasKey: true}
	switch op {
	case 0, 1:
		l, access := t.list(52), uint32(t.ch.Byte()&15)
		want.key = t.key()
		t.queues.mkey = libmlx5.Mkey{Lkey: want.key, NumDesc: 52}
		q.MRList(&t.queues.mkey, libmlx5.Access(access), l)
		want.entries, want.inline, want.access, want.hasAccess = l, true, accessOf(access), true
		want.length, want.hasLength, want.loose = l.Total(), q.Version == libmlx5.Head || l.Total() < 1<<31, odd(l)
	case 2:
		t.libmlx5Interleaved(&want)
	case 3:
		want.key = t.key()
		q.LocalInv(want.key)
	case 4:
		w := libmlx5.Window{Addr: t.ch.Uint(^uint64(0)), Length: t.ch.Uint(1<<31 - 1), Access: libmlx5.Access(t.ch.Byte()) & 15, Lkey: t.key()}
		want.key = t.key()
		q.BindMW(want.key, t.key(), w)
		if want.hasLength, want.length = true, w.Length; w.Length == 0 { // the window is freed, its length left alone
			want.hasLength = false
		}
		want.loose = w.Addr+w.Length < w.Addr || w.Lkey == mlx5model.RepeatOp
	default:
		var l sg.List
		wire := [...]mlx5model.Opcode{mlx5model.OpRDMAWrite, mlx5model.OpRDMARead, mlx5model.OpSend}[op%3]
		want, l = t.rdmaOp(wire, 16)
		switch wire {
		case mlx5model.OpRDMAWrite:
			q.RDMAWrite(want.rkey, want.raddr, l)
		case mlx5model.OpRDMARead:
			q.RDMARead(want.rkey, want.raddr, l)
		default:
			q.Send(l)
		}
	}
	if q.Complete() == nil {
		t.wants = append(t.wants, want)
	}
}

func (t *dialectTarget) libmlx5Interleaved(want *wantWQE) {
	var blocks []libmlx5.Interleaved
	var cycle uint64
	for len(blocks) < 51 && (len(blocks) == 0 || t.ch.MoreUnless(24)) {
		b := libmlx5.Interleaved{Addr: t.ch.Uint(^uint64(0)), BytesCount: uint32(t.ch.Uint(1<<16 - 1)), BytesSkip: uint32(t.ch.Uint(1<<17 - 1)), Lkey: t.key()}
		blocks = append(blocks, b)
		cycle += uint64(b.BytesCount)
	}
	repeat := uint32(t.ch.Uint(1<<32 - 1))
	want.key = t.key()
	t.queues.mkey = libmlx5.Mkey{Lkey: want.key, NumDesc: 52}
	t.queues.libmlx5.MRInterleaved(&t.queues.mkey, libmlx5.Access(t.ch.Byte()&15), repeat, blocks)
	want.inline, want.loose = true, true
	want.length, want.hasLength = cycle*uint64(repeat), true
}

func openSPDK(t *dialectTarget, ring *mlx5model.Ring, start uint32) {
	mode := spdk.SigMode(t.ch.Byte() % 3)
	t.queues.spdk = *spdk.NewQP(ring, mode, dialectQPN, 52)
	t.queues.spdk.PI = uint16(start)
}

func postSPDK(t *dialectTarget) {
	q := &t.queues.spdk
	op := t.ch.Byte() % 8
	flags := t.ch.Byte() & (mlx5model.CtrlCEMask | mlx5model.CtrlSolicited)
	flags |= t.ch.Byte() % 5 * mlx5model.FenceSmall // the caller's; 5 to 7 are undefined
	want := wantWQE{op: mlx5model.OpUMR, hasKey: true}
	var err error
	switch op {
	case 0, 1, 2, 3:
		most := 52
		if op > 1 {
			most = 47 // room for a BSF
		}
		l := t.list(most)
		want.key = t.key()
		length := uint32(l.Total())
		want.length, want.hasLength, want.entries, want.inline, want.loose = uint64(length), true, l, true, odd(l)
		switch op {
		case 2:
			err = q.UMRConfigureCrypto(want.key, length, l, &spdk.Crypto{EncOrder: t.ch.Byte() & 3, BlockSize: 1, DEK: t.key() & 0xffffff, IV: t.ch.Uint(1 << 40), RawDataSize: length}, flags)
		case 3:
			err = q.UMRConfigureSig(want.key, length, l, &spdk.Sig{Seed: t.key(), PSVIndex: t.key() & 0xffffff, Domain: spdk.Domain(t.ch.Byte() & 1), RawDataSize: length}, flags)
		default:
			err = q.UMRConfigure(want.key, length, l, flags)
		}
	case 4:
		want = wantWQE{op: mlx5model.OpSetPSV}
		err = q.SetPSV(t.key()&0xffffff, t.key(), flags)
	default:
		l := t.list(16)
		want = wantWQE{op: mlx5model.OpRDMAWrite, raddr: t.ch.Uint(^uint64(0)), rkey: t.key(), entries: l, loose: true}
		err = q.RDMAWrite(l, want.raddr, want.rkey, flags)
	}
	if err == nil {
		t.wants = append(t.wants, want)
	}
}

func openOFED(t *dialectTarget, ring *mlx5model.Ring, start uint32) {
	bits := t.ch.Byte()
	t.wqSig = bits&8 != 0
	t.queues.ofed = ofed.QP{
		Ring: ring, QPN: dialectQPN, PDN: 0x42, PALkey: 0x1800, CurPost: uint16(start),
		SigAll: bits&4 != 0, WQSig: t.wqSig,
	}
}

func postOFED(t *dialectTarget) {
	q := &t.queues.ofed
	op := t.ch.Byte() % 8
	wr := ofed.WR{Flags: t.ch.Byte() & (ofed.SendFence | ofed.SendSignaled | ofed.SendSolicited)}
	var want wantWQE
	switch op {
	case 0, 1:
		l := t.list(64)
		if len(l) == 0 {
			return // a pointer to nothing, which nobody reads
		}
		t.queues.list = ofed.IndirList{Entries: l, Buf: t.queues.descs[:], DMA: 0x4000_0800}
		wr.Op, wr.Key, wr.Access = ofed.OpRegIndirMR, t.key(), uint32(t.ch.Byte()&15)
		wr.IOVA, wr.Length, wr.List, wr.ListLen = t.ch.Uint(^uint64(0)), l.Total(), &t.queues.list, uint32(len(l))
		want = wantWQE{
			op: mlx5model.OpUMR, key: wr.Key, hasKey: true, length: wr.Length, hasLength: true, start: wr.IOVA, hasStart: true,
			access: accessOf(wr.Access), hasAccess: true,
		}
	case 2, 3:
		wr.Op, wr.Key = ofed.OpLocalInv, t.key()
		want = wantWQE{op: mlx5model.OpUMR, key: wr.Key, hasKey: true}
	default:
		kinds := [...]struct {
			op   ofed.Op
			wire mlx5model.Opcode
		}{{ofed.OpRDMAWrite, mlx5model.OpRDMAWrite}, {ofed.OpRDMARead, mlx5model.OpRDMARead}, {ofed.OpSend, mlx5model.OpSend}}
		k := kinds[op%3]
		want, wr.SGEs = t.rdmaOp(k.wire, 16)
		wr.Op, wr.RAddr, wr.RKey = k.op, want.raddr, want.rkey
	}
	if q.PostSend([]ofed.WR{wr}).Err == 0 {
		t.wants = append(t.wants, want)
	}
}
