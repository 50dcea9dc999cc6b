package mlx5model

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// regMask is the kernel's REG_MR mask without PAGE_SIZE: 209E2141h.
const regMask = MaskLen | MaskStartAddr | MaskEnRinval | MaskKey | MaskLR | MaskLW | MaskRR | MaskRW | MaskSmallFence | MaskFree

func TestUMRRegistersKLMList(t *testing.T) {
	r := newRig(t, nil)
	key := r.mkey(0xabcd00, klmContext(8))
	ctx := MkeyContext{Access: AccLR | AccLW | AccRR | AccRW, Tag: 0x5a, Start: 0x1001, Len: 0x12b}
	r.ok(r.umr(key+0x5a, UMRCtrl{Flags: UMRCheckNotFree, Mask: regMask}, ctx,
		klms(KLM{7, localKey, 0x1001}, KLM{0x123, localKey, 0x5003}, KLM{1, localKey, 0x9000})))
	key += 0x5a
	r.extents(remote(RemoteRead, key, 0x1001, 0x12b), sg.Extent{Addr: 0x1001, Len: 7}, sg.Extent{Addr: 0x5003, Len: 0x123}, sg.Extent{Addr: 0x9000, Len: 1})
	r.extents(remote(RemoteWrite, key, 0x1007, 3), sg.Extent{Addr: 0x1007, Len: 1}, sg.Extent{Addr: 0x5003, Len: 2})
	r.refused(remote(RemoteRead, key, 0x1000, 1), ReasonBounds)
	r.refused(remote(RemoteRead, key, 0x1001+0x12b, 1), ReasonBounds)
	r.refused(remote(RemoteRead, key-1, 0x1001, 1), ReasonTag)

	got := make([]byte, 3)
	if err := r.dev.ReadHost(remote(RemoteRead, key, 0x1007, 0), got); err != nil {
		t.Fatal(err)
	}
	if want := []byte{patternByte(0x1007), patternByte(0x5003), patternByte(0x5004)}; !bytes.Equal(got, want) {
		t.Errorf("read % x, want % x", got, want)
	}
}

// TestUMRMaskSelectsFields posts, for each mask bit, a context that differs
// from the key's in every field and checks that exactly that field changed.
func TestUMRMaskSelectsFields(t *testing.T) {
	before := MkeyContext{Mode: ModeMTT, Access: AccLR | AccRR, UMREn: true, QPN: QPNAny, PD: testPD, Start: 0x4000, Len: 0x3000,
		LogPageSize: 12, XltOctowords: 4, BSFOctowords: 4, Tag: 0x11}
	other := MkeyContext{Free: true, Mode: ModeKLM, Access: AccLW | AccRW | AccA, SmallFence: true, ROWrite: true, RORead: true,
		QPN: 7, Tag: 0x99, Length64: true, BSFEn: true, SyncUMR: true, SigErr: true, EnRinval: true, PD: 8, Start: 0x77, Len: 0x88,
		BSFOctowords: 2, XltOctowords: 1, LogPageSize: 0x20 | 13, CryptoEn: 1, MATranslation: 1}
	for _, tt := range []struct {
		name string
		mask uint64
		edit func(*MkeyContext)
	}{
		{"nothing", 0, func(c *MkeyContext) {}},
		{"unknown bits", 1<<4 | 1<<63, func(c *MkeyContext) {}},
		{"LEN", 1, func(c *MkeyContext) { c.Len, c.Length64 = 0x88, true }},
		{"PAGE_SIZE", 2, func(c *MkeyContext) { c.LogPageSize = 13 }},
		{"START_ADDR", 0x40, func(c *MkeyContext) { c.Start = 0x77 }},
		{"PD", 0x80, func(c *MkeyContext) { c.PD = 8 }},
		{"EN_RINVAL", 0x100, func(c *MkeyContext) { c.EnRinval = true }},
		{"SIGERR", 0x200, func(c *MkeyContext) { c.SigErr = true }},
		{"BSF_EN", 0x1000, func(c *MkeyContext) { c.BSFEn = true }},
		{"KEY", 0x2000, func(c *MkeyContext) { c.Tag = 0x99 }},
		{"QPN", 0x4000, func(c *MkeyContext) { c.QPN = 7 }},
		{"LR", 0x20000, func(c *MkeyContext) { c.Access &^= AccLR }},
		{"LW", 0x40000, func(c *MkeyContext) { c.Access |= AccLW }},
		{"RR", 0x80000, func(c *MkeyContext) { c.Access &^= AccRR }},
		{"RW", 0x100000, func(c *MkeyContext) { c.Access |= AccRW }},
		{"A", 0x200000, func(c *MkeyContext) { c.Access |= AccA }},
		{"SMALL_FENCE", 0x800000, func(c *MkeyContext) { c.SmallFence = true }},
		{"RELAXED_ORDERING_WRITE", 0x2000000, func(c *MkeyContext) { c.ROWrite = true }},
		{"FREE", 0x20000000, func(c *MkeyContext) { c.Free = true }},
		{"PAGE_SIZE_5", 1 << 42, func(c *MkeyContext) { c.LogPageSize = 0x20 | 12 }},
		{"RELAXED_ORDERING_READ", 1 << 47, func(c *MkeyContext) { c.RORead = true }},
	} {
		r := newRig(t, func(p *Profile) { p.LogEntitySize5, p.LogPageMax = true, 63 })
		key := r.mkey(0x500011, before)
		r.ok(r.umr(key, UMRCtrl{Mask: tt.mask}, other, nil))
		want := before
		tt.edit(&want)
		if got, _ := r.dev.QueryMkey(key); got != want {
			t.Errorf("%s: context\n%+v, want\n%+v", tt.name, got, want)
		}
		if got, want := r.dev.UnknownMaskUMRs(), tt.mask&(1<<4) != 0; got == 1 != want {
			t.Errorf("%s: %d UMRs with unknown mask bits", tt.name, got)
		}
	}
}

func TestUMROffsetKeepsTheRest(t *testing.T) {
	r := newRig(t, nil)
	ctx := klmContext(8)
	ctx.Free, ctx.Len, ctx.Access = false, 8, AccLR|AccRR
	key := r.mkey(0x500000, ctx, klms(KLM{1, localKey, 0x10}, KLM{1, localKey, 0x20}, KLM{1, localKey, 0x30}, KLM{1, localKey, 0x40},
		KLM{1, localKey, 0x50}, KLM{1, localKey, 0x60}, KLM{1, localKey, 0x70}, KLM{1, localKey, 0x80})...)
	all := remote(RemoteRead, key, 0, 8)
	if _, err := r.dev.Translate(nil, all); err != nil {
		t.Fatal(err)
	}
	r.ok(r.umr(key, UMRCtrl{Flags: UMRCheckFree | UMROffsetEn, XltOffset: 4}, MkeyContext{},
		klms(KLM{2, localKey, 0x55}, KLM{1, localKey, 0x65}, KLM{1, localKey, 0x75}, KLM{1, localKey, 0x85})))
	r.extents(all, sg.Extent{Addr: 0x10, Len: 1}, sg.Extent{Addr: 0x20, Len: 1}, sg.Extent{Addr: 0x30, Len: 1}, sg.Extent{Addr: 0x40, Len: 1},
		sg.Extent{Addr: 0x55, Len: 2}, sg.Extent{Addr: 0x65, Len: 1}, sg.Extent{Addr: 0x75, Len: 1})
	r.failed(r.umr(key, UMRCtrl{Flags: UMROffsetEn, XltOffset: 5}, MkeyContext{}, klms(KLM{1, localKey, 0})), SynMWBind, ReasonXltSize)
}

// TestUMRMendsABadEntry rewrites the entry at which a list could not go on.
func TestUMRMendsABadEntry(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.MaxKLMBytes, p.ShortListError = 4, true })
	ctx := klmContext(8)
	ctx.Free, ctx.Len, ctx.Access = false, 8, AccLR|AccRR
	one := KLM{1, localKey, 0x10}
	key := r.mkey(0x500000, ctx, klms(one, one, one, one, KLM{5, localKey, 0x20})...)
	r.refused(remote(RemoteRead, key, 0, 8), ReasonKLMBytes)
	r.ok(r.umr(key, UMRCtrl{Flags: UMROffsetEn, XltOffset: 4}, MkeyContext{}, klms(KLM{4, localKey, 0x20})))
	r.extents(remote(RemoteRead, key, 3, 5), sg.Extent{Addr: 0x10, Len: 1}, sg.Extent{Addr: 0x20, Len: 4})
	// A list of exactly the length is not short.
	r.ok(r.umr(key, UMRCtrl{Mask: MaskLen}, MkeyContext{Len: 4}, klms(one, one, one, one)))
	r.ok(r.umr(key, UMRCtrl{Mask: MaskLen}, MkeyContext{Len: 6}, klms(KLM{2, RepeatOp, 3<<32 | 1}, KLM{2<<16 | 2, localKey, 0})))
}

func TestUMRReasons(t *testing.T) {
	one := klms(KLM{1, localKey, 0x1000})
	noEdit := func(*Profile) {}
	for _, tt := range []struct {
		name   string
		edit   func(*Profile)
		key    func(*MkeyContext)
		umr    UMRCtrl
		ctx    MkeyContext
		list   []byte
		imm    uint32
		reason Reason
	}{
		{"no key", noEdit, nil, UMRCtrl{}, MkeyContext{}, one, 0x777700, ReasonNoKey},
		{"umr_en", noEdit, func(c *MkeyContext) { c.UMREn = false }, UMRCtrl{}, MkeyContext{}, one, 0, ReasonUMREn},
		{"both checks", noEdit, nil, UMRCtrl{Flags: UMRCheckFree | UMRCheckNotFree}, MkeyContext{}, one, 0, ReasonCheckBoth},
		{"not free", noEdit, func(c *MkeyContext) { c.Free = false }, UMRCtrl{Flags: UMRCheckNotFree}, MkeyContext{}, one, 0, ReasonCheckNotFree},
		{"free", noEdit, nil, UMRCtrl{Flags: UMRCheckFree}, MkeyContext{}, one, 0, ReasonCheckFree},
		{"qpn", noEdit, func(c *MkeyContext) { c.QPN = 1 }, UMRCtrl{Flags: UMRCheckQPN}, MkeyContext{}, one, 0, ReasonCheckQPN},
		{"pd", func(p *Profile) { p.UMRCheckPD = true }, func(c *MkeyContext) { c.PD = 1 }, UMRCtrl{}, MkeyContext{}, one, 0, ReasonUMRPD},
		{"mask", func(p *Profile) { p.UnknownMaskError = true }, nil, UMRCtrl{Mask: 1 << 4}, MkeyContext{}, one, 0, ReasonMask},
		{"page size", func(p *Profile) { p.UMRModifyEntitySizeDisabled = true }, nil, UMRCtrl{Mask: MaskPageSize}, MkeyContext{}, nil, 0, ReasonUMRCapability},
		{"page size 5", noEdit, nil, UMRCtrl{Mask: MaskPageSize5}, MkeyContext{}, nil, 0, ReasonUMRCapability},
		{"atomic bit", func(p *Profile) { p.UMRModifyAtomicDisabled = true }, nil, UMRCtrl{Mask: MaskA}, MkeyContext{}, nil, 0, ReasonUMRCapability},
		{"atomic cap", func(p *Profile) { p.Atomic = false }, nil, UMRCtrl{Mask: MaskA}, MkeyContext{Access: AccA}, nil, 0, ReasonUMRCapability},
		{"ro write", func(p *Profile) { p.ROWriteUMR = false }, nil, UMRCtrl{Mask: MaskROWrite}, MkeyContext{}, nil, 0, ReasonUMRCapability},
		{"ro read", func(p *Profile) { p.ROReadUMR = false }, nil, UMRCtrl{Mask: MaskRORead}, MkeyContext{}, nil, 0, ReasonUMRCapability},
		{"indirect", func(p *Profile) { p.UMRIndirectMkeyDisabled = true }, nil, UMRCtrl{}, MkeyContext{}, one, 0, ReasonUMRCapability},
		{"offset", func(p *Profile) { p.UMRExtendedOffset = false }, nil, UMRCtrl{Flags: UMROffsetEn, XltOffset: 1 << 16}, MkeyContext{}, one, 0, ReasonUMRCapability},
		{"repeat", func(p *Profile) { p.RepeatedBlockDisabled = true }, nil, UMRCtrl{}, MkeyContext{}, klms(KLM{1, RepeatOp, 1}), 0, ReasonUMRCapability},
		{"list", noEdit, nil, UMRCtrl{}, MkeyContext{}, make([]byte, 9*16), 0, ReasonXltSize},
		{"bsf", noEdit, nil, UMRCtrl{BSFOctowords: 1}, MkeyContext{}, make([]byte, 8*16), 0, ReasonWQESize},
		{"length", func(p *Profile) { p.LogMaxMRWSize = 16 }, nil, UMRCtrl{Mask: MaskLen | MaskFree}, MkeyContext{Len: 1<<16 + 1}, nil, 0, ReasonContext},
		{"past 2^64", noEdit, nil, UMRCtrl{Mask: MaskLen | MaskStartAddr | MaskFree}, MkeyContext{Start: 1<<64 - 7, Len: 8}, nil, 0, ReasonContext},
		{"start, past 2^64", noEdit, func(c *MkeyContext) { c.Free, c.Len = false, 8 }, UMRCtrl{Mask: MaskStartAddr}, MkeyContext{Start: 1<<64 - 7}, nil, 0, ReasonContext},
		{"short list", func(p *Profile) { p.ShortListError = true }, nil, UMRCtrl{Mask: MaskLen}, MkeyContext{Len: 2}, one, 0, ReasonShortList},
		{"short repeat", func(p *Profile) { p.ShortListError = true }, nil, UMRCtrl{Mask: MaskLen}, MkeyContext{Len: 7}, klms(KLM{2, RepeatOp, 3<<32 | 1}), 0, ReasonShortList},
	} {
		r := newRig(t, tt.edit)
		ctx := klmContext(8)
		if tt.key != nil {
			tt.key(&ctx)
		}
		key := r.mkey(0xabcd00, ctx)
		if tt.imm != 0 {
			key = tt.imm
		}
		syndrome := SynMWBind
		if tt.reason == ReasonWQESize {
			syndrome = SynLocalQPOp
		}
		t.Log(tt.name)
		r.failed(r.umr(key, tt.umr, tt.ctx, tt.list), syndrome, tt.reason)
		if got, _ := r.dev.QueryMkey(0xabcd00); got != ctx || len(r.dev.QueryXlt(0xabcd00)) != 0 {
			t.Errorf("%s: failed UMR left %+v and list % x", tt.name, got, r.dev.QueryXlt(0xabcd00))
		}
	}
}

func TestUMRPointer(t *testing.T) {
	const at = 0x300000800
	list := klms(KLM{2, localKey, 0x10}, KLM{2, localKey, 0x20}, KLM{2, localKey, 0x30}, KLM{2, localKey, 0x40}, KLM{2, localKey, 0x50})
	u := UMRCtrl{XltOctowords: 8, Mask: MaskLen | MaskFree | MaskRR}
	ctx := MkeyContext{Len: 10, Access: AccRR}
	for _, tt := range []struct {
		name     string
		edit     func(*rig)
		seg      DataSeg
		syndrome Syndrome
		reason   Reason
	}{
		{"byte count ignored", nil, DataSeg{0, localKey, at}, SynOK, 0},
		{"byte count exact", func(r *rig) { r.dev.p.PointerByteCount = true }, DataSeg{0x80, localKey, at}, SynOK, 0},
		{"byte count", nil, DataSeg{0x80, localKey, at}, SynOK, 0},
		{"short byte count", func(r *rig) { r.dev.p.PointerByteCount = true }, DataSeg{0x7f, localKey, at}, SynMWBind, ReasonPointer},
		{"unaligned", nil, DataSeg{0x80, localKey, at + 16}, SynMWBind, ReasonPointer},
		{"no such key", nil, DataSeg{0x80, 0x9900, at}, SynLocalProt, ReasonLocalKey},
		{"host fault", func(r *rig) { r.mem.fault = at + 127 }, DataSeg{0x80, localKey, at}, SynLocalProt, ReasonLocalKey},
		{"fault behind the list", func(r *rig) { r.mem.fault = at + 128 }, DataSeg{0x80, localKey, at}, SynOK, 0},
	} {
		r := newRig(t, nil)
		key := r.mkey(0xabcd00, klmContext(8))
		if err := r.mem.Write(at, list); err != nil {
			t.Fatal(err)
		}
		if err := r.mem.Write(at+uint64(len(list)), make([]byte, 48)); err != nil {
			t.Fatal(err)
		}
		if tt.edit != nil {
			tt.edit(r)
		}
		var seg [DataSegSize]byte
		tt.seg.Put(seg[:])
		t.Log(tt.name)
		cqes := r.umrRaw(key, u, ctx, seg[:])
		if tt.syndrome == SynOK {
			r.ok(cqes)
			r.extents(remote(RemoteRead, key, 1, 8), sg.Extent{Addr: 0x11, Len: 1}, sg.Extent{Addr: 0x20, Len: 2}, sg.Extent{Addr: 0x30, Len: 2}, sg.Extent{Addr: 0x40, Len: 2}, sg.Extent{Addr: 0x50, Len: 1})
			continue
		}
		r.failed(cqes, tt.syndrome, tt.reason)
		if got, _ := r.dev.QueryMkey(key); !got.Free || len(r.dev.QueryXlt(key)) != 0 {
			t.Errorf("%s: failed UMR left %+v", tt.name, got)
		}
	}
}

func TestUMRStoresBSF(t *testing.T) {
	r := newRig(t, nil)
	ctx := klmContext(4)
	ctx.BSFOctowords = 4
	key := r.mkey(0xabcd00, ctx)
	data := append(klms(KLM{1, localKey, 0x10}, KLM{}, KLM{}, KLM{}), bytes.Repeat([]byte{0xb5}, 64)...)
	r.ok(r.umrRaw(key, UMRCtrl{Flags: UMRInline, XltOctowords: 4, BSFOctowords: 4, Mask: MaskFree}, MkeyContext{}, data))
	if got := r.dev.QueryBSF(key); !bytes.Equal(got, data[64:]) {
		t.Errorf("BSF % x", got)
	}
	r.failed(r.umrRaw(key, UMRCtrl{Flags: UMRInline, XltOctowords: 4, BSFOctowords: 5}, MkeyContext{}, append(data, make([]byte, 16)...)), SynMWBind, ReasonBSFSize)
	r.failed(r.umrRaw(key, UMRCtrl{XltOctowords: 4, BSFOctowords: 4}, MkeyContext{}, data[:16]), SynMWBind, ReasonBSFSize)
	if got := r.dev.QueryBSF(key); !bytes.Equal(got, data[64:128]) {
		t.Errorf("BSF after failed UMRs % x", got)
	}
}

func TestUMRFailureFlushesAndNamesTheCause(t *testing.T) {
	r := newRig(t, nil)
	r.mkey(0xabcd00, klmContext(4))
	r.qp.ClearCompletions()
	for i, c := range []Ctrl{{Opcode: OpUMR, DS: 8, Imm: 0x999900}, {Opcode: OpNop, DS: 1}, {Opcode: OpNop, DS: 1, FmCeSe: CtrlCEFirst}} {
		c.Index, c.QPN = uint16(r.pi), testQPN
		var b [CtrlSize]byte
		c.Put(b[:])
		r.sq.Write(r.pi, 0, b[:])
		r.pi += WQEBBs(c.DS)
		if i == 0 {
			r.sq.Write(0, CtrlSize, make([]byte, UMRCtrlSize+MkeySize))
		}
	}
	r.dev.Doorbell(r.qp, r.pi)
	got := r.qp.Completions()
	if len(got) != 2 || got[0].Syndrome != SynMWBind || got[0].Index != 0 || got[1].Syndrome != SynFlush || got[1].Index != 2 {
		t.Errorf("completions %+v", got)
	}
	var e *WQEError
	if !errors.As(r.qp.Err(), &e) || e.Reason != ReasonNoKey || e.Key != 0x999900 {
		t.Errorf("cause %v", r.qp.Err())
	}
}
