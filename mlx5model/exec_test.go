package mlx5model

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

func raddr(addr uint64, rkey uint32) []byte {
	b := make([]byte, RaddrSize)
	s := DataSeg{Lkey: uint32(addr), ByteCount: uint32(addr >> 32), Addr: uint64(rkey) << 32}
	s.Put(b) // be64 address, be32 key, be32 reserved
	return b
}

func segs(s ...DataSeg) []byte {
	b := make([]byte, len(s)*DataSegSize)
	for i := range s {
		s[i].Put(b[i*DataSegSize:])
	}
	return b
}

func signaled(op Opcode) Ctrl { return Ctrl{Opcode: op, FmCeSe: CtrlCEAlways} }

func TestFrameErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ctrl   Ctrl
		n      uint32 // WQEBBs rung for
		reason Reason
	}{
		{"index", Ctrl{Index: 1, QPN: testQPN, DS: 1}, 1, ReasonWQEIndex},
		{"qpn", Ctrl{QPN: testQPN + 1, DS: 1}, 1, ReasonWQEQPN},
		{"DS 0", Ctrl{QPN: testQPN}, 1, ReasonWQESize},
		{"DS past the producer", Ctrl{QPN: testQPN, DS: 5}, 1, ReasonWQESize},
		{"DS beyond max_wqe_sz_sq", Ctrl{QPN: testQPN, DS: 17}, 5, ReasonWQESize},
		{"opmod", Ctrl{Opmod: 1, QPN: testQPN, DS: 1}, 1, ReasonOpcode},
		{"opcode", Ctrl{Opcode: 0x77, QPN: testQPN, DS: 1}, 1, ReasonOpcode},
		{"atomic", Ctrl{Opcode: OpAtomicCS, QPN: testQPN, DS: 4}, 1, ReasonOpcode},
		{"GET_PSV", Ctrl{Opcode: OpGetPSV, QPN: testQPN, DS: 2}, 1, ReasonOpcode},
		{"send without a peer for it", Ctrl{Opcode: OpSend, QPN: testQPN, DS: 1}, 1, ReasonOpcode},
		{"UMR too short", Ctrl{Opcode: OpUMR, QPN: testQPN, DS: 7}, 2, ReasonWQESize},
		{"RDMA too short", Ctrl{Opcode: OpRDMARead, QPN: testQPN, DS: 1}, 1, ReasonWQESize},
		{"SET_PSV too long", Ctrl{Opcode: OpSetPSV, QPN: testQPN, DS: 3}, 1, ReasonWQESize},
		{"overrun", Ctrl{QPN: testQPN, DS: 1}, 65, ReasonOverrun},
	} {
		r := newRig(t, func(p *Profile) { p.MaxWQEBytes = 256 })
		var b [CtrlSize]byte
		tt.ctrl.Put(b[:])
		r.sq.Write(0, 0, b[:])
		t.Log(tt.name)
		r.failed(r.ring(tt.n)[:1], SynLocalQPOp, tt.reason)
	}
}

func TestRDMAMovesBytes(t *testing.T) {
	r := newRig(t, nil)
	r.mkey(0x200, live(ModeKLM, 0x5000, 12, 0, 4), klms(KLM{5, localKey, 0x9000}, KLM{7, localKey, 0xa000})...)
	r.ok(r.post(signaled(OpRDMAWrite), raddr(0x5002, 0x200), segs(DataSeg{4, localKey, 0x100}, DataSeg{4, localKey, 0x203})))
	want := map[uint64]uint64{0x9002: 0x100, 0x9003: 0x101, 0x9004: 0x102, 0xa000: 0x103, 0xa001: 0x203, 0xa004: 0x206, 0xa005: 0xa005}
	for dst, src := range want {
		if r.mem.at(dst) != patternByte(src) {
			t.Errorf("byte %#x is %#x, want that of %#x", dst, r.mem.at(dst), src)
		}
	}
	cqes := r.post(signaled(OpRDMARead), raddr(0x5000, 0x200), segs(DataSeg{6, localKey, 0x700}))
	r.ok(cqes)
	if cqes[0].ByteCount != 6 || cqes[0].WQEOpcode != OpRDMARead || cqes[0].Index != 1 {
		t.Errorf("completion of the READ %+v", cqes[0])
	}
	if r.mem.at(0x700) != patternByte(0x9000) || r.mem.at(0x702) != patternByte(0x100) || r.mem.at(0x706) != patternByte(0x706) {
		t.Error("RDMA READ left the wrong bytes")
	}
}

func TestRDMAInline(t *testing.T) {
	r := newRig(t, nil)
	r.mkey(0x200, live(ModePA, 0x5000, 64, 0, 0))
	inline := func(s string) []byte {
		b := make([]byte, AlignUp(uint64(4+len(s)), 16))
		b[0], b[3] = 0x80, byte(len(s))
		copy(b[4:], s)
		return b
	}
	cqes := r.post(signaled(OpRDMAWrite), raddr(0x5001, 0x200), inline("0123456789abcdef"), inline("xyz"))
	r.ok(cqes)
	got := make([]byte, 19)
	r.mem.Read(0x5001, got)
	if string(got) != "0123456789abcdefxyz" || cqes[0].ByteCount != 0 {
		t.Errorf("inline write left %q, completion %+v", got, cqes[0])
	}
	long := inline("abc")
	long[3] = 13
	for name, parts := range map[string][][]byte{
		"longer than the WQE":   {raddr(0x5001, 0x200), long},
		"inline, then a range":  {raddr(0x5001, 0x200), inline("abc"), segs(DataSeg{1, localKey, 0})},
		"a range, then inline":  {raddr(0x5001, 0x200), segs(DataSeg{1, localKey, 0}), inline("abc")},
		"longer than a segment": {raddr(0x5001, 0x200), {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		t.Log(name)
		r.failed(r.post(signaled(OpRDMAWrite), parts...), SynLocalQPOp, ReasonSegments)
	}
	r.failed(r.post(signaled(OpRDMARead), raddr(0x5001, 0x200), inline("abc")), SynLocalQPOp, ReasonSegments)
}

func TestRDMAErrors(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.MaxMsgBytes = 1 << 20 })
	r.mkey(0x200, live(ModePA, 0x5000, 64, 0, 0))
	ro := live(ModePA, 0x5000, 64, 0, 0)
	ro.Access = AccLR | AccRR
	r.mkey(0x300, ro)
	at := raddr(0x5000, 0x200)
	clear(r.mem.bytes)
	r.failed(r.post(signaled(OpRDMAWrite), at, segs(DataSeg{8, 0x9900, 0})), SynLocalProt, ReasonLocalKey)
	r.failed(r.post(signaled(OpRDMARead), at, segs(DataSeg{8, 0x300, 0x5000})), SynLocalProt, ReasonLocalKey)
	r.failed(r.post(signaled(OpRDMAWrite), raddr(0x5000, 0x300), segs(DataSeg{8, localKey, 0})), SynRemoteAccess, ReasonPeer)
	r.failed(r.post(signaled(OpRDMAWrite), raddr(0x5040, 0x200), segs(DataSeg{1, localKey, 0})), SynRemoteAccess, ReasonPeer)
	r.failed(r.post(signaled(OpRDMAWrite), at, segs(DataSeg{0, localKey, 0})), SynLocalLength, ReasonMsgBytes) // 0 is 2^31
	r.failed(r.post(signaled(OpRDMAWrite), at, segs(DataSeg{1 << 20, localKey, 0}, DataSeg{1, localKey, 0})), SynLocalLength, ReasonMsgBytes)
	r.mem.fault = 0x5003
	r.failed(r.post(signaled(OpRDMAWrite), at, segs(DataSeg{8, localKey, 0})), SynRemoteOp, ReasonPeer)
	r.mem.fault = 3
	r.failed(r.post(signaled(OpRDMAWrite), at, segs(DataSeg{8, localKey, 0})), SynRemoteOp, ReasonPeer)
	if err := r.qp.cfg.Peer.(*Responder).Err(); !errors.Is(err, errFault) {
		t.Errorf("the peer's reason is %v", err)
	}
	if len(r.mem.bytes) != 0 {
		t.Errorf("%d bytes changed by failed WQEs", len(r.mem.bytes))
	}
	r.qp.cfg.Peer = nil
	r.failed(r.post(signaled(OpRDMAWrite), at, segs(DataSeg{8, localKey, 0})), SynTransportRetry, ReasonNoPeer)
}

func TestRDMALongestMessage(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.MaxMsgBytes = 64 })
	r.mkey(0x200, live(ModePA, 0x5000, 64, 0, 0))
	r.ok(r.post(signaled(OpRDMAWrite), raddr(0x5000, 0x200), segs(DataSeg{60, localKey, 0x100}, DataSeg{4, localKey, 0})))
	if r.mem.at(0x503f) != patternByte(3) {
		t.Error("last byte of the longest message is wrong")
	}
}

func TestRDMAZeroLength(t *testing.T) {
	r := newRig(t, nil)
	r.ok(r.post(signaled(OpRDMAWrite), raddr(0, 0x9900)))
	r.ok(r.post(signaled(OpRDMARead), raddr(0, 0x9900)))
}

func TestCompletionModes(t *testing.T) {
	for _, tt := range []struct {
		fmCeSe uint8
		all    bool
		want   int
	}{{0, false, 0}, {CtrlCEFirst, false, 0}, {CtrlCEAlways, false, 1}, {CtrlCEEvent, false, 1}, {0, true, 1}, {CtrlCEFirst, true, 1}} {
		r := newRig(t, nil)
		r.qp.cfg.SigAll, r.qp.cfg.UIDX = tt.all, 0x77
		got := r.post(Ctrl{Opcode: OpNop, FmCeSe: tt.fmCeSe})
		if len(got) != tt.want {
			t.Errorf("ce %#x, all signaled %v: %+v", tt.fmCeSe, tt.all, got)
		}
		if len(got) == 1 && (got[0].WantsEvent != (tt.fmCeSe == CtrlCEEvent) || got[0].UIDX != 0x77 || got[0].QPN != testQPN) {
			t.Errorf("ce %#x: %+v", tt.fmCeSe, got)
		}
		if taken := r.qp.TakeCompletions(nil); len(taken) != tt.want || len(r.qp.Completions()) != 0 {
			t.Errorf("took %+v, left %+v", taken, r.qp.Completions())
		}
	}
}

// TestWrap runs a UMR across the ring's end and the counter across 2^16.
func TestWrap(t *testing.T) {
	for _, start := range []uint32{62, 1<<16 - 2, 1<<32 - 2} {
		r := newRig(t, nil)
		r.mkey(0xabcd00, klmContext(8))
		var err error
		r.qp, err = r.dev.CreateQP(QPConfig{QPN: testQPN + 1, PD: testPD, SQ: r.sq, CI: start})
		if err != nil {
			t.Fatal(err)
		}
		r.qp.cfg.QPN = testQPN
		r.pi = start
		r.ok(r.umr(0xabcd00, UMRCtrl{Mask: MaskLen | MaskFree | MaskRR}, MkeyContext{Len: 5, Access: AccRR},
			klms(KLM{1, localKey, 1}, KLM{1, localKey, 3}, KLM{1, localKey, 5}, KLM{1, localKey, 7}, KLM{1, localKey, 9})))
		r.extents(remote(RemoteRead, 0xabcd00, 3, 2), sg.Extent{Addr: 7, Len: 1}, sg.Extent{Addr: 9, Len: 1})
		// A doorbell record holds 16 bits of the counter only.
		c := Ctrl{Index: uint16(r.pi), QPN: testQPN, DS: 1}
		var b [CtrlSize]byte
		c.Put(b[:])
		r.sq.Write(r.pi, 0, b[:])
		r.pi++
		r.dev.Doorbell(r.qp, r.pi&0xffff)
		if r.qp.State() != QPReady || r.qp.Consumer() != r.pi {
			t.Errorf("start %#x: counter %#x, %v", start, r.qp.Consumer(), r.qp.Err())
		}
	}
}

func TestOrderingNotes(t *testing.T) {
	r := newRig(t, nil)
	r.mkey(0xabcd00, klmContext(8))
	ctx := MkeyContext{Len: 8, Access: AccRights}
	list := klms(KLM{8, localKey, 0x100})
	u := UMRCtrl{Mask: MaskLen | MaskFree | MaskAccess | MaskLR}
	write := func(fence uint8) {
		t.Helper()
		c := signaled(OpRDMAWrite)
		c.FmCeSe |= fence
		r.ok(r.post(c, raddr(0, 0xabcd00), segs(DataSeg{8, 0xabcd00, 0})))
	}
	check := func(want uint64) {
		t.Helper()
		if n, last := r.qp.Ordering(); n != want || n > 0 && last.Key != 0xabcd00 {
			t.Errorf("%d notes, last %+v, want %d", n, last, want)
		}
	}
	r.ok(r.umr(0xabcd00, u, ctx, list))
	write(FenceSmall)
	check(0)
	r.ok(r.umr(0xabcd00, u, ctx, list))
	write(FenceNone)
	check(1)
	r.ok(r.umr(0xabcd00, u, ctx, list)) // a UMR on it counts as well
	check(2)
	write(FenceFence) // waits for reads, not for UMRs
	check(3)
	r.ok(r.post(Ctrl{Opcode: OpNop, FmCeSe: FenceSmall | CtrlCEAlways}))
	write(FenceNone)
	check(3)
	for i := range uint32(20) { // more keys than the table holds
		key := r.mkey(0x500000+i<<8, klmContext(4))
		r.ok(r.umr(key, u, ctx, list))
	}
	for i, remembered := range map[uint32]bool{19: true, 4: true, 3: false} { // 16 of 20
		before, _ := r.qp.Ordering()
		r.qp.uses(0x500000 + i<<8)
		if n, _ := r.qp.Ordering(); (n == before+1) != remembered {
			t.Errorf("key %d: %d notes after %d, want it remembered: %v", i, n, before, remembered)
		}
	}
}

func TestSetPSV(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.MaxPSVs = 1 })
	psv := []byte{0, 7, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xab, 0xcd, 1, 0x23, 0x45, 0x67}
	r.ok(r.post(signaled(OpSetPSV), psv))
	if v, ok := r.dev.PSV(0x70001); !ok || v != 0xffffabcd01234567 {
		t.Errorf("PSV %#x, %v", v, ok)
	}
	r.ok(r.post(signaled(OpSetPSV), psv))
	psv[3]++
	r.failed(r.post(signaled(OpSetPSV), psv), SynLocalQPOp, ReasonPSVs)
}

type testPeer struct {
	Responder
	got []Message
	syn Syndrome
}

func (p *testPeer) Message(m Message) Syndrome {
	m.Local = append([]sg.Extent(nil), m.Local...)
	p.got = append(p.got, m)
	return p.syn
}

func TestMessages(t *testing.T) {
	r := newRig(t, nil)
	peer := &testPeer{}
	r.qp.cfg.Peer = peer
	c := signaled(OpSendInval)
	c.Imm = 0xabcd5a
	r.ok(r.post(c, segs(DataSeg{8, localKey, 0x100}, DataSeg{8, localKey, 0x108})))
	r.ok(r.post(signaled(OpRDMAWriteImm), raddr(0x5001, 0x200), segs(DataSeg{8, localKey, 0x100})))
	if len(peer.got) != 2 || peer.got[0].Imm != 0xabcd5a || len(peer.got[0].Local) != 1 || peer.got[0].Local[0] != (sg.Extent{Addr: 0x100, Len: 16}) ||
		peer.got[1].RKey != 0x200 || peer.got[1].RAddr != 0x5001 {
		t.Errorf("messages %+v", peer.got)
	}
	r.failed(r.post(signaled(OpSend), segs(DataSeg{8, 0x9900, 0x100})), SynLocalProt, ReasonLocalKey)
	peer.syn = SynRemoteOp
	r.failed(r.post(signaled(OpSend)), SynRemoteOp, ReasonPeer)
}

func TestQPLife(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.MaxQPs, p.MaxSendWQEBBs = 2, 64 })
	big, _ := NewRing(128)
	for name, tt := range map[string]struct {
		c    QPConfig
		want error
	}{
		"in use":    {QPConfig{QPN: testQPN, SQ: r.sq}, ErrQPInUse},
		"number":    {QPConfig{QPN: 0xffffff, SQ: r.sq}, ErrQPLimit},
		"domain":    {QPConfig{QPN: 1, PD: 1 << 24, SQ: r.sq}, ErrQPLimit},
		"no ring":   {QPConfig{QPN: 1}, ErrQPLimit},
		"ring size": {QPConfig{QPN: 1, SQ: big}, ErrQPLimit},
	} {
		if qp, err := r.dev.CreateQP(tt.c); !errors.Is(err, tt.want) || qp != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.dev.CreateQP(QPConfig{QPN: 1, SQ: r.sq}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.dev.CreateQP(QPConfig{QPN: 2, SQ: r.sq}); !errors.Is(err, ErrQPLimit) {
		t.Errorf("third queue pair: %v", err)
	}
	if err := r.dev.DestroyQP(1); err != nil {
		t.Error(err)
	}
	if err := r.dev.DestroyQP(1); !errors.Is(err, ErrNoQP) {
		t.Errorf("second destroy: %v", err)
	}
	r.dev.DestroyQP(testQPN)
	r.dev.Doorbell(r.qp, 5) // a destroyed queue pair does nothing
	if r.qp.Recover(0); r.qp.State() != QPGone || len(r.qp.Completions()) != 0 {
		t.Error("destroyed queue pair still works")
	}
}

func TestRecoverExecutesAgain(t *testing.T) {
	r := newRig(t, nil)
	r.failed(r.post(Ctrl{Opcode: 0x77}), SynLocalQPOp, ReasonOpcode)
	if r.qp.Err() != nil {
		t.Errorf("error after recovery: %v", r.qp.Err())
	}
	r.ok(r.post(signaled(OpNop)))
	r.pi = 0
	r.qp.Recover(0)
	r.ok(r.post(signaled(OpNop)))
}

func TestWQEErrorText(t *testing.T) {
	r := newRig(t, nil)
	r.failedKeep(r.post(signaled(OpRDMAWrite), raddr(0, 0x200), segs(DataSeg{8, 0x9900, 0x10})))
	want := "qpn 0x1234 WQE 0 opcode 0x08: local key does not allow the access (syndrome 0x04), key 0x9900: " +
		"key 0x9900, 0x10+8, depth 0, entry -1, after 0 bytes: no such key (syndrome 0x04)"
	var a *AccessError
	if got := r.qp.Err().Error(); got != want || !errors.As(r.qp.Err(), &a) {
		t.Errorf("error text\n%s, want\n%s", got, want)
	}
	seen := map[string]bool{}
	for reason := range reasonCount + 2 {
		if s := reason.String(); s == "" || seen[s] && reason <= reasonCount {
			t.Errorf("reason %d has the text %q", reason, s)
		} else {
			seen[s] = true
		}
	}
}

func (r *rig) failedKeep(cqes []CQE) {
	r.t.Helper()
	if len(cqes) != 1 || !cqes[0].Failed() || r.qp.Err() == nil {
		r.t.Fatalf("completions %+v", cqes)
	}
}

func TestCQELayout(t *testing.T) {
	ok := CQE{Opcode: CQERecvSendInv, WQEOpcode: OpRDMARead, Index: 0x1122, QPN: 0x334455, UIDX: 0x667788, ByteCount: 0x99aabbcc, Imm: 0xddeeff01, Solicited: true}
	bad := CQE{Opcode: CQEReqErr, WQEOpcode: OpUMR, Index: 0x1122, QPN: 0x334455, UIDX: 0x667788, Syndrome: SynLocalProt, Vendor: 0x5a}
	for _, tt := range []struct {
		cqe  CQE
		dump string
	}{
		{ok, `00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
		      00667788 ddeeff01 00000000 99aabbcc 00000000 00000000 10334455 11220042`},
		{bad, `00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
		      00667788 00000000 00000000 00000000 00000000 00005a04 25334455 112200d0`},
	} {
		got := bytes.Repeat([]byte{0xcc}, CQESize)
		tt.cqe.Put(got)
		if want := unhex(t, 0, tt.dump); !bytes.Equal(got, want) {
			t.Errorf("%+v\n% x, want\n% x", tt.cqe, got, want)
		}
		if back := ParseCQE(got); back != tt.cqe {
			t.Errorf("read back %+v, want %+v", back, tt.cqe)
		}
	}
}
