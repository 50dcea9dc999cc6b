package mlx5model

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// live is a usable key context with every right.
func live(mode AccessMode, start, n uint64, logPage uint8, octowords uint32) MkeyContext {
	return MkeyContext{Mode: mode, Access: AccRights, QPN: QPNAny, PD: testPD, Start: start, Len: n, LogPageSize: logPage, XltOctowords: octowords}
}

func TestTranslateRights(t *testing.T) {
	for _, tt := range []struct {
		op    Op
		right uint8
		syn   Syndrome
	}{
		{LocalRead, AccLR, SynLocalProt}, {LocalWrite, AccLW, SynLocalProt}, {ReceiveWrite, AccLW, SynLocalAccess},
		{RemoteRead, AccRR, SynRemoteAccess}, {RemoteWrite, AccRW, SynRemoteAccess}, {RemoteAtomic, AccA, SynRemoteAccess},
	} {
		r := newRig(t, nil)
		ctx := live(ModePA, 0x1000, 0x1000, 0, 0)
		ctx.Access = tt.right
		r.mkey(0x100, ctx)
		r.extents(remote(tt.op, 0x100, 0x1800, 8), sg.Extent{Addr: 0x1800, Len: 8})
		ctx.Access = AccRights &^ tt.right
		r.mkey(0x200, ctx)
		if e := r.refused(remote(tt.op, 0x200, 0x1800, 8), ReasonRights); e.Syndrome != tt.syn || e.Depth != 0 || e.Entry != -1 {
			t.Errorf("op %d: refusal %+v, want syndrome %#x", tt.op, e, tt.syn)
		}
	}
	r := newRig(t, nil)
	r.refused(remote(Op(77), localKey, 0, 1), ReasonRights)
}

func TestTranslateNestedIsLocal(t *testing.T) {
	r := newRig(t, nil)
	leaf := live(ModePA, 0x1000, 0x1000, 0, 0)
	for key, access := range map[uint32]uint8{0x100: AccLW, 0x200: AccLR, 0x300: AccRR | AccRW | AccA} {
		leaf.Access = access
		r.mkey(key, leaf)
		outer := live(ModeKLM, 0, 16, 0, 1)
		outer.Access = AccRR | AccRW | AccA
		r.mkey(key+0x1000, outer, klms(KLM{16, key, 0x1000})...)
	}
	at := sg.Extent{Addr: 0x1000, Len: 16}
	r.extents(remote(RemoteWrite, 0x1100, 0, 16), at)
	r.extents(remote(RemoteAtomic, 0x1100, 0, 16), at)
	r.refused(remote(RemoteRead, 0x1100, 0, 16), ReasonRights)
	r.extents(remote(RemoteRead, 0x1200, 0, 16), at)
	r.refused(remote(RemoteWrite, 0x1200, 0, 16), ReasonRights)
	if e := r.refused(remote(RemoteRead, 0x1300, 0, 16), ReasonRights); e.Key != 0x300 || e.Depth != 1 || e.Entry != 0 {
		t.Errorf("refusal %+v", e)
	}
}

// TestTranslateReasons has a row for each reason a range or a list can give.
func TestTranslateReasons(t *testing.T) {
	page := func(n uint64) uint64 { return n<<12 | MTTRead | MTTWrite }
	for _, tt := range []struct {
		name   string
		edit   func(*Profile)
		ctx    MkeyContext
		xlt    []byte
		va, n  uint64
		reason Reason
		entry  int
		depth  int
	}{
		{"bounds below", nil, live(ModePA, 0x1000, 0x1000, 0, 0), nil, 0xfff, 2, ReasonBounds, -1, 0},
		{"bounds above", nil, live(ModePA, 0x1000, 0x1000, 0, 0), nil, 0x1fff, 2, ReasonBounds, -1, 0},
		{"bounds, length wraps", nil, live(ModePA, 0x1000, 0x1000, 0, 0), nil, 0x1800, math.MaxUint64, ReasonBounds, -1, 0},
		{"page size", func(p *Profile) { p.LogPageMax = 63 }, live(ModeMTT, 0, 16, 40, 1), mtts(page(1)), 0, 1, ReasonPageSize, -1, 0},
		{"MTT list end", nil, live(ModeMTT, 0, 9<<12, 12, 1), mtts(page(1), page(2), 0, 0)[:16], 8 << 12, 1, ReasonListEnd, 8, 0},
		{"MTT never written", nil, live(ModeMTT, 0, 4<<12, 12, 2), mtts(page(1), page(2)), 1 << 12, 1<<12 + 1, ReasonNotPresent, 2, 0},
		{"MTT zero", nil, live(ModeMTT, 0, 4<<12, 12, 2), mtts(page(1), 0, page(2)), 0, 1<<12 + 1, ReasonNotPresent, 1, 0},
		{"MTT bits", func(p *Profile) { p.HonourMTTBits = true }, live(ModeMTT, 0, 4<<12, 12, 2), mtts(page(1), page(2)&^MTTRead), 0, 1<<12 + 1, ReasonMTTBits, 1, 0},
		{"KLM list end", nil, live(ModeKLM, 0, 4, 0, 4), klms(KLM{2, localKey, 0}, KLM{1, localKey, 0}), 0, 4, ReasonListEnd, 2, 0},
		{"KLM list end at once", nil, live(ModeKLM, 0, 4, 0, 4), nil, 3, 1, ReasonListEnd, 0, 0},
		{"KLM bytes", func(p *Profile) { p.MaxKLMBytes = 4 }, live(ModeKLM, 0, 8, 0, 4), klms(KLM{4, localKey, 0}, KLM{5, localKey, 0}), 0, 5, ReasonKLMBytes, 1, 0},
		{"KLM zero", func(p *Profile) { p.ZeroKLM = ZeroKLMError }, live(ModeKLM, 0, 8, 0, 4), klms(KLM{4, localKey, 0}, KLM{0, localKey, 0}, KLM{4, localKey, 0}), 4, 1, ReasonZeroKLM, 1, 0},
		{"KLM, no such key", nil, live(ModeKLM, 0, 8, 0, 4), klms(KLM{4, localKey, 0}, KLM{4, 0x9900, 7}), 3, 3, ReasonNoKey, 1, 1},
		{"KLM, loop", nil, live(ModeKLM, 0, 8, 0, 4), klms(KLM{8, 0x100, 0}), 0, 8, ReasonDepth, 0, 4},
		{"KSM list end", nil, live(ModeKSM, 0, 9<<12, 12, 1), klms(KLM{0, localKey, 0}), 4 << 12, 1, ReasonListEnd, 4, 0},
		{"KSM never written", nil, live(ModeKSM, 0, 9<<12, 12, 1), klms(KLM{0, localKey, 0}), 1 << 12, 1, ReasonNotPresent, 1, 0},
		{"KSM key 0", nil, live(ModeKSM, 0, 9<<12, 12, 2), klms(KLM{0, localKey, 0}, KLM{0, 0, 0x1000}), 0xfff, 2, ReasonNotPresent, 1, 0},
		{"KSM loop", nil, live(ModeKSM, 0, 9<<12, 12, 2), klms(KLM{0, 0x100, 0}), 0xf00, 2, ReasonDepth, 0, 4},
		{"repeat, cycle 0", nil, live(ModeKLM, 0, 8, 0, 4), klms(KLM{0, RepeatOp, 1<<32 | 1}, KLM{4<<16 | 4, localKey, 0}), 0, 1, ReasonRepeatLayout, -1, 0},
		{"repeat, too many entries", nil, live(ModeKLM, 0, 8, 0, 4), klms(KLM{4, RepeatOp, 1<<32 | 4}, KLM{4<<16 | 4, localKey, 0}), 0, 1, ReasonRepeatLayout, -1, 0},
		{"repeat, cycle too long", nil, live(ModeKLM, 0, 8, 0, 4), klms(KLM{5, RepeatOp, 1<<32 | 1}, KLM{4<<16 | 4, localKey, 0}), 3, 2, ReasonRepeatLayout, 0, 0},
		{"repeat, cycles used up", nil, live(ModeKLM, 0, 9, 0, 4), klms(KLM{4, RepeatOp, 2<<32 | 1}, KLM{4<<16 | 4, localKey, 0}), 7, 2, ReasonListEnd, 0, 0},
		{"steps", func(p *Profile) { p.MaxSteps = 2 }, live(ModeMTT, 0, 4<<12, 12, 2), mtts(page(1), page(2), page(5)), 0, 3 << 12, ReasonSteps, 2, 0},
		{"steps of KLM", func(p *Profile) { p.MaxSteps = 3 }, live(ModeKLM, 0, 3, 0, 4), klms(KLM{1, localKey, 0}, KLM{0, localKey, 0}, KLM{1, localKey, 3}), 0, 2, ReasonSteps, 2, 0},
		{"physical past 2^64", nil, live(ModeKLM, 0, 3, 0, 4), klms(KLM{3, localKey, math.MaxUint64}), 0, 2, ReasonBounds, 0, 1},
		{"steps of KSM", func(p *Profile) { p.MaxSteps = 3 }, live(ModeKSM, 0, 9<<12, 12, 2), klms(KLM{0, localKey, 0}, KLM{0, localKey, 0x5000}), 0, 1<<12 + 1, ReasonSteps, 1, 1},
		{"steps of KSM itself", func(p *Profile) { p.MaxSteps = 2 }, live(ModeKSM, 0, 9<<12, 12, 2), klms(KLM{0, localKey, 0}, KLM{0, localKey, 0x5000}), 0, 1<<12 + 1, ReasonSteps, 1, 0},
		{"steps of repeat", func(p *Profile) { p.MaxSteps = 4 }, live(ModeKLM, 0, 9, 0, 4), klms(KLM{1, RepeatOp, 9<<32 | 1}, KLM{7<<16 | 1, localKey, 0}), 0, 3, ReasonSteps, 0, 0},
		{"physical past 2^64, shifted", nil, MkeyContext{Mode: ModePA, Access: AccRights, QPN: QPNAny, PD: testPD, Length64: true, Start: 8}, nil, math.MaxUint64, 2, ReasonBounds, -1, 0},
		{"whole space wraps", nil, MkeyContext{Mode: ModePA, Access: AccRights, QPN: QPNAny, PD: testPD, Length64: true, Start: 8}, nil, 7, 2, ReasonBounds, -1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.edit)
			r.mkey(0x100, tt.ctx, tt.xlt...)
			if tt.name == "page size" {
				r.dev.p.LogPageMax = 31 // the key was made under another limit
			}
			e := r.refused(remote(RemoteRead, 0x100, tt.va, tt.n), tt.reason)
			if e.Entry != tt.entry || e.Depth != tt.depth || e.Syndrome != SynRemoteAccess {
				t.Errorf("refusal %+v, want entry %d, depth %d", e, tt.entry, tt.depth)
			}
			r.extents(remote(RemoteRead, 0x100, tt.va, 0))
		})
	}
}

func TestTranslateKeyReasons(t *testing.T) {
	for _, tt := range []struct {
		name   string
		edit   func(*MkeyContext)
		key    uint32
		reason Reason
	}{
		{"index", func(*MkeyContext) {}, 0x7700, ReasonNoKey},
		{"tag", func(*MkeyContext) {}, 0x101, ReasonTag},
		{"tag before free", func(c *MkeyContext) { c.Free = true }, 0x101, ReasonTag},
		{"free", func(c *MkeyContext) { c.Free = true; c.PD = 1 }, 0x100, ReasonFree},
		{"pd", func(c *MkeyContext) { c.PD = 1; c.QPN = 1 }, 0x100, ReasonPD},
		{"qpn", func(c *MkeyContext) { c.QPN = 1; c.Access = 0 }, 0x100, ReasonQPN},
		{"rights", func(c *MkeyContext) { c.Access = 0; c.Len = 0 }, 0x100, ReasonRights},
		{"null", func(*MkeyContext) {}, 0x5500, ReasonNotPresent},
	} {
		r := newRig(t, func(p *Profile) { p.NullMkey = 0x5500 })
		ctx := live(ModePA, 0, 16, 0, 0)
		tt.edit(&ctx)
		r.mkey(0x100, ctx)
		outer := live(ModeKLM, 0, 4, 0, 4)
		r.mkey(0x200, outer, klms(KLM{4, tt.key, 0})...)
		t.Log(tt.name)
		r.refused(remote(RemoteRead, tt.key, 0, 1), tt.reason)
		if e := r.refused(remote(RemoteRead, 0x200, 0, 1), tt.reason); e.Depth != 1 || e.Key != tt.key {
			t.Errorf("%s: nested refusal %+v", tt.name, e)
		}
	}
}

func TestTranslateAtTheTop(t *testing.T) {
	r := newRig(t, nil)
	const top = 1<<64 - 4096 // host page and region that end at 2^64
	r.mkey(0x100, live(ModeMTT, top+8, 4096-8, 12, 1), mtts(top|3)...)
	r.extents(remote(RemoteRead, 0x100, top+8, 4096-8), sg.Extent{Addr: top + 8, Len: 4096 - 8})
	r.refused(remote(RemoteRead, 0x100, top+8, 4096-7), ReasonBounds)
	// A region's own space ends at 2^64 too.
	r.mkey(0x200, live(ModeMTT, top-4096, 8192, 12, 1), mtts(0x5000|3, 0x9000|3)...)
	r.extents(remote(RemoteRead, 0x200, top-1, 4097), sg.Extent{Addr: 0x5fff, Len: 1}, sg.Extent{Addr: 0x9000, Len: 4096})
	r.refused(remote(RemoteRead, 0x200, top, 4097), ReasonBounds)
	r.refused(remote(RemoteRead, 0x200, 0, 1), ReasonBounds)
	for _, ctx := range []MkeyContext{live(ModeMTT, top, 4097, 12, 1), live(ModeKLM, 2, math.MaxUint64, 0, 4), live(ModePA, math.MaxUint64, 2, 0, 0)} {
		_, err := r.dev.CreateMkey(9, ctx, nil)
		var e *MkeyError
		if !errors.As(err, &e) || e.Field != "start_addr and len (past 2^64)" || !errors.Is(err, ErrMkeyLimit) {
			t.Errorf("%v, start %#x, %d bytes: %v", ctx.Mode, ctx.Start, ctx.Len, err)
		}
	}
	r.mkey(0x400, MkeyContext{Mode: ModeMTT, Start: top, Len: 1 << 20, LogPageSize: 12, Free: true}) // nobody reads what a free key holds
	r.mkey(0x300, live(ModeKLM, 0, 8, 0, 4), klms(KLM{4, localKey, 1<<64 - 4}, KLM{4, localKey, 0})...)
	r.extents(remote(RemoteRead, 0x300, 0, 8), sg.Extent{Addr: 1<<64 - 4, Len: 4}, sg.Extent{Addr: 0, Len: 4})
}

func TestTranslatePolicies(t *testing.T) {
	zero := klms(KLM{4, localKey, 0x10}, KLM{0, localKey, 0x1000}, KLM{4, localKey, 0x20})
	for _, tt := range []struct {
		policy ZeroKLM
		want   []sg.Extent
	}{
		{ZeroKLMSkip, []sg.Extent{{Addr: 0x13, Len: 1}, {Addr: 0x20, Len: 4}}},
		{ZeroKLM2GiB, []sg.Extent{{Addr: 0x13, Len: 1}, {Addr: 0x1000, Len: 4}}},
	} {
		r := newRig(t, func(p *Profile) { p.ZeroKLM = tt.policy })
		r.mkey(0x100, live(ModeKLM, 0, 1<<33, 0, 4), zero...)
		r.extents(remote(RemoteRead, 0x100, 3, 5), tt.want...)
		if tt.policy == ZeroKLM2GiB {
			r.extents(remote(RemoteRead, 0x100, 4+1<<31, 4), sg.Extent{Addr: 0x20, Len: 4})
		}
	}
	// An unaligned KSM start: by offset entry 0 holds bytes 0 to 4095, by
	// address only those up to the next 4 KiB border.
	for _, byVA := range []bool{false, true} {
		r := newRig(t, func(p *Profile) { p.KSMIndexByVA = byVA })
		r.mkey(0x100, live(ModeKSM, 0x1100, 0x2000, 12, 4), klms(KLM{0, localKey, 0x50000}, KLM{0, localKey, 0x70000}, KLM{0, localKey, 0x90000})...)
		want := []sg.Extent{{Addr: 0x50fff, Len: 1}, {Addr: 0x70000, Len: 1}}
		va := uint64(0x20ff)
		if byVA {
			va = 0x1fff
		}
		r.extents(remote(RemoteRead, 0x100, va, 2), want...)
	}
}

func TestTranslateMTTBits(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.HonourMTTBits = true })
	r.mkey(0x100, live(ModeMTT, 0, 2<<12, 12, 1), mtts(0x5000|MTTRead, 0x9000|MTTWrite)...)
	for _, tt := range []struct {
		op  Op
		va  uint64
		bad bool
	}{
		{RemoteRead, 0, false}, {LocalRead, 0, false}, {RemoteWrite, 0, true}, {LocalWrite, 0, true}, {RemoteAtomic, 0, true},
		{RemoteRead, 4096, true}, {LocalRead, 4096, true}, {RemoteWrite, 4096, false}, {ReceiveWrite, 4096, false},
	} {
		if tt.bad {
			r.refused(remote(tt.op, 0x100, tt.va, 1), ReasonMTTBits)
		} else {
			r.extents(remote(tt.op, 0x100, tt.va, 1), sg.Extent{Addr: 0x5000 + tt.va*4, Len: 1})
		}
	}
}

func TestTranslateMergesAndAppends(t *testing.T) {
	r := newRig(t, nil)
	r.mkey(0x100, live(ModeKLM, 0, 12, 0, 4), klms(KLM{4, localKey, 0x10}, KLM{4, localKey, 0x14}, KLM{4, localKey, 0x10})...)
	dst := []sg.Extent{{Addr: 0xc, Len: 4}}
	dst, err := r.dev.Translate(dst, remote(RemoteRead, 0x100, 0, 12))
	if err != nil || len(dst) != 2 || dst[0] != (sg.Extent{Addr: 0xc, Len: 12}) || dst[1] != (sg.Extent{Addr: 0x10, Len: 4}) {
		t.Errorf("extents %#x, %v", dst, err)
	}
	// A refusal must undo what it merged into the extent in front.
	r.mkey(0x200, live(ModeKLM, 0, 8, 0, 4), klms(KLM{4, localKey, 0x1200}, KLM{4, 0x9900, 0})...)
	r.refused(remote(RemoteRead, 0x200, 0, 8), ReasonNoKey)
}

func TestReadAndWriteHost(t *testing.T) {
	r := newRig(t, nil)
	// The second entry aliases the first one's last byte: the later one wins.
	r.mkey(0x100, live(ModeKLM, 0x1000, 8, 0, 4), klms(KLM{4, localKey, 0x10}, KLM{4, localKey, 0x13})...)
	if err := r.dev.WriteHost(remote(RemoteWrite, 0x100, 0x1000, 0), []byte("abcdEFGH")); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]byte{0x10: 'a', 0x12: 'c', 0x13: 'E', 0x16: 'H', 0x17: patternByte(0x17), 0xf: patternByte(0xf)} {
		if got := r.mem.at(addr); got != want {
			t.Errorf("byte %#x = %q, want %q", addr, got, want)
		}
	}
	got := make([]byte, 8)
	if err := r.dev.ReadHost(remote(RemoteRead, 0x100, 0x1000, 0), got); err != nil || !bytes.Equal(got, []byte("abcEEFGH")) {
		t.Errorf("read %q, %v", got, err)
	}
	clear(r.mem.bytes)
	var e *AccessError
	if err := r.dev.WriteHost(remote(RemoteWrite, 0x100, 0x1001, 0), got); !errors.As(err, &e) || e.Reason != ReasonBounds || len(r.mem.bytes) != 0 {
		t.Errorf("write beyond the region: %v, %d bytes changed", err, len(r.mem.bytes))
	}
	r.mem.fault = 0x15
	if err := r.dev.ReadHost(remote(LocalRead, 0x100, 0x1000, 0), got); !errors.As(err, &e) || e.Reason != ReasonHostMemory || e.Done != 4 || !errors.Is(err, errFault) || e.Syndrome != SynLocalProt {
		t.Errorf("read over a fault: %v", err)
	}
}

func TestRemoteInvalidate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		edit   func(*MkeyContext)
		key    uint32
		reason Reason
	}{
		{"index", func(*MkeyContext) {}, 0x7700, ReasonNoKey},
		{"tag", func(*MkeyContext) {}, 0x101, ReasonTag},
		{"free", func(c *MkeyContext) { c.Free = true }, 0x100, ReasonFree},
		{"pd", func(c *MkeyContext) { c.PD = 1 }, 0x100, ReasonPD},
		{"qpn", func(c *MkeyContext) { c.QPN = 1 }, 0x100, ReasonQPN},
		{"en_rinval", func(c *MkeyContext) { c.EnRinval = false }, 0x100, ReasonRights},
		{"fine without rights", func(c *MkeyContext) { c.Access = 0 }, 0x100, reasonNone},
	} {
		r := newRig(t, nil)
		ctx := live(ModePA, 0, 16, 0, 0)
		ctx.EnRinval = true
		tt.edit(&ctx)
		r.mkey(0x100, ctx)
		err := r.dev.RemoteInvalidate(r.qp, tt.key)
		var e *AccessError
		if tt.reason == reasonNone {
			ctx.Free = true
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		} else if !errors.As(err, &e) || e.Reason != tt.reason || e.Syndrome != SynRemoteAccess {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got, _ := r.dev.QueryMkey(0x100); got != ctx {
			t.Errorf("%s: key %+v", tt.name, got)
		}
	}
}

// TestTranslateSeesTheNestedKeyChange walks a list, changes the key that its
// entries name in every way there is, and demands that the next walk sees it.
func TestTranslateSeesTheNestedKeyChange(t *testing.T) {
	flat := MkeyContext{Mode: ModePA, Access: AccLR | AccLW, Length64: true, PD: testPD, QPN: QPNAny, UMREn: true, EnRinval: true}
	for _, tt := range []struct {
		name   string
		change func(r *rig, nested uint32)
		reason Reason
	}{
		{"UMR takes local read away", func(r *rig, nested uint32) {
			r.ok(r.umr(nested, UMRCtrl{Mask: MaskLR}, MkeyContext{}, nil))
		}, ReasonRights},
		{"UMR frees", func(r *rig, nested uint32) {
			r.ok(r.umr(nested, UMRCtrl{Mask: MaskFree}, MkeyContext{Free: true}, nil))
		}, ReasonFree},
		{"remote invalidate", func(r *rig, nested uint32) {
			if err := r.dev.RemoteInvalidate(r.qp, nested); err != nil {
				r.t.Fatal(err)
			}
		}, ReasonFree},
		{"destroyed", func(r *rig, nested uint32) {
			if err := r.dev.DestroyMkey(nested); err != nil {
				r.t.Fatal(err)
			}
		}, ReasonNoKey},
		{"destroyed and made with another tag", func(r *rig, nested uint32) {
			if err := r.dev.DestroyMkey(nested); err != nil {
				r.t.Fatal(err)
			}
			other := flat
			other.Tag = 0x33
			r.mkey(KeyIndex(nested)<<8|0x33, other)
		}, ReasonTag},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, nil)
			nested := r.mkey(0x770000, flat)
			key := r.mkey(0xabcd00, klmContext(8))
			ctx := MkeyContext{Access: AccRR, Start: 0, Len: 0x300}
			r.ok(r.umr(key, UMRCtrl{Mask: regMask &^ MaskKey}, ctx, klms(KLM{0x100, nested, 0x1000}, KLM{0x100, nested, 0x5000}, KLM{0x100, nested, 0x9000})))
			whole := remote(RemoteRead, key, 0, 0x300)
			for range 2 {
				r.extents(whole, sg.Extent{Addr: 0x1000, Len: 0x100}, sg.Extent{Addr: 0x5000, Len: 0x100}, sg.Extent{Addr: 0x9000, Len: 0x100})
			}
			tt.change(r, nested)
			r.refused(whole, tt.reason)
			r.refused(remote(RemoteRead, key, 0x180, 0x10), tt.reason)
		})
	}
}
