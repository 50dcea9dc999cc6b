package mlx5model

import (
	"errors"
	"fmt"
	"testing"
)

// lateRig has a key 200h whose 64 bytes are at 9000h until moved goes by.
func lateRig(t *testing.T) *rig {
	r := newRig(t, nil)
	c := live(ModeKLM, 0x5000, 64, 0, 4)
	c.UMREn = true
	r.mkey(0x200, c, klms(KLM{64, localKey, 0x9000})...)
	return r
}

// moved posts a UMR that moves the key's bytes to a000h.
func (r *rig) moved() []CQE {
	return r.umr(0x200, UMRCtrl{}, MkeyContext{}, klms(KLM{64, localKey, 0xa000}))
}

func (r *rig) write(fence uint8, raddrOf, from uint64, key uint32) []CQE {
	c := signaled(OpRDMAWrite)
	c.FmCeSe |= fence
	return r.post(c, raddr(raddrOf, key), segs(DataSeg{8, localKey, from}))
}

func (r *rig) isLate() bool {
	_, late := r.qp.Late()
	return late
}

// order checks indexes and success of completions.
func (r *rig) order(cqes []CQE, indexes ...uint16) {
	r.t.Helper()
	var got []uint16
	for _, c := range cqes {
		if c.Failed() {
			r.t.Errorf("WQE %d failed: %#x", c.Index, c.Syndrome)
		}
		got = append(got, c.Index)
	}
	if fmt.Sprint(got) != fmt.Sprint(indexes) {
		r.t.Errorf("completions of %v, want %v", got, indexes)
	}
}

// TestLateUMR: what follows a UMR sees the old key, unless its fence makes it
// wait for the UMR.
func TestLateUMR(t *testing.T) {
	for fence, waits := range map[uint8]bool{FenceNone: false, FenceFence: false, FenceSmall: true, FenceStrong: true, FenceSmallAndFull: true} {
		r := lateRig(t)
		r.late = true
		r.order(r.moved())
		got := r.write(fence, 0x5000, 0x100, 0x200)
		if waits {
			r.order(got, 0, 3)
		} else {
			r.order(got)
		}
		if r.isLate() == waits {
			t.Errorf("fence %#x: late %v", fence, r.isLate())
		}
		r.qp.ClearCompletions()
		r.dev.Land(r.qp)
		if !waits {
			r.order(r.qp.Completions(), 0, 3)
		}
		hit, miss := uint64(0x9000), uint64(0xa000)
		if waits {
			hit, miss = miss, hit
		}
		if r.mem.at(hit) != patternByte(0x100) || r.mem.at(miss) != patternByte(miss) {
			t.Errorf("fence %#x: %#x at %#x, %#x at %#x", fence, r.mem.at(hit), hit, r.mem.at(miss), miss)
		}
	}
}

// TestLateRead: what follows a READ sends old bytes, unless its fence makes it
// wait for READs. The responder has executed the READ before.
func TestLateRead(t *testing.T) {
	for fence, waits := range map[uint8]bool{FenceNone: false, FenceFence: true, FenceSmall: false, FenceStrong: true, FenceSmallAndFull: true} {
		r := lateRig(t)
		r.late = true
		r.order(r.post(signaled(OpRDMARead), raddr(0x5000, 0x200), segs(DataSeg{3, localKey, 0x700}, DataSeg{5, localKey, 0x703})))
		if r.mem.at(0x700) != patternByte(0x700) {
			t.Fatal("it has landed")
		}
		r.write(fence, 0x5000, 0x700, 0x200) // where the READ was from
		want := patternByte(0x700)
		if waits {
			want = patternByte(0x9000)
		}
		if r.mem.at(0x9000) != want {
			t.Errorf("fence %#x: %#x was written, want %#x", fence, r.mem.at(0x9000), want)
		}
		before := append([]CQE(nil), r.qp.Completions()...)
		after := append(before, r.write(0, 0x5020, 0x3000, 0x200)...) // of other bytes
		r.qp.ClearCompletions()
		r.dev.Land(r.qp)
		r.qp.cqes = append(after, r.qp.cqes...)
		r.order(r.qp.Completions(), 0, 1, 2)
		if r.mem.at(0x3000) != patternByte(0x3000) {
			t.Error("it lands where another WQE has its bytes")
		}
		if c := r.qp.Completions()[0]; c.ByteCount != 8 || c.WQEOpcode != OpRDMARead {
			t.Errorf("fence %#x: %+v", fence, c)
		}
		for i := range uint64(8) {
			if got, want := r.mem.at(0x700+i), patternByte(0x9000+i); got != want {
				t.Errorf("fence %#x: byte %d is %#x, the READ came first and read %#x", fence, i, got, want)
			}
		}
	}
}

// TestLateKeepsOrder: READs among each other, UMRs among each other, and READs
// before UMRs.
func TestLateKeepsOrder(t *testing.T) {
	read := func(r *rig) []CQE {
		return r.post(signaled(OpRDMARead), raddr(0x5000, 0x200), segs(DataSeg{8, localKey, 0x700}))
	}
	for what, c := range map[string]struct {
		first, second func(*rig) []CQE
		passes        bool
	}{
		"READ, READ": {read, read, false},
		"READ, UMR":  {read, (*rig).moved, false},
		"UMR, UMR":   {(*rig).moved, (*rig).moved, false},
		"UMR, READ":  {(*rig).moved, read, true},
		"UMR, NOP":   {(*rig).moved, func(r *rig) []CQE { return r.post(signaled(OpNop)) }, true},
		"READ, NOP":  {read, func(r *rig) []CQE { return r.post(signaled(OpNop)) }, true},
		"READ, PSV":  {read, func(r *rig) []CQE { return r.post(signaled(OpSetPSV), make([]byte, 16)) }, false},
	} {
		r := lateRig(t)
		r.late = true
		c.first(r)
		if c.second(r); r.isLate() != c.passes {
			t.Errorf("%s: late %v", what, r.isLate())
		}
	}
	r := lateRig(t)
	r.late = true
	if r.ok(r.write(0, 0x5000, 0x100, 0x200)); r.isLate() {
		t.Error("a WRITE is late")
	}
	r.mkey(0x300, live(ModePA, 0, 1<<40, 0, 0))
	r.late = true
	if r.ok(r.post(signaled(OpRDMARead), raddr(0, 0x300), segs(DataSeg{MaxLateBytes + 1, localKey, 1 << 21}))); r.isLate() {
		t.Error("a long READ is late")
	}
}

// TestLateFails: a WQE behind a late one that fails does so after it; if the
// late one fails, those behind it are flushed.
func TestLateFails(t *testing.T) {
	r := lateRig(t)
	r.late = true
	r.moved()
	got := r.write(0, 0x5041, 0x100, 0x200) // out of bounds
	if len(got) != 2 || got[0].Failed() || got[0].Index != 0 || got[1].Index != 3 || got[1].Syndrome != SynRemoteAccess {
		t.Errorf("%+v", got)
	}
	if e, ok := errors.AsType[*WQEError](r.qp.Err()); !ok || e.Index != 3 || r.isLate() {
		t.Errorf("%v", r.qp.Err())
	}

	r = lateRig(t)
	r.late = true
	r.umr(0x200, UMRCtrl{Flags: UMRCheckNotFree}, MkeyContext{}, klms(KLM{64, localKey, 0xa000}))
	r.write(0, 0x5000, 0x100, 0x200)
	r.dev.Land(r.qp)
	got = r.qp.Completions()
	if len(got) != 2 || got[0].Index != 0 || got[0].Vendor != uint8(ReasonCheckNotFree) || got[1].Index != 3 || got[1].Syndrome != SynFlush {
		t.Errorf("%+v", got)
	}

	// The local key goes before the data land.
	r = lateRig(t)
	own := r.mkey(0x400, live(ModePA, 0, 1<<20, 0, 0))
	r.late = true
	r.post(signaled(OpRDMARead), raddr(0x5000, 0x200), segs(DataSeg{8, own, 0x700}))
	if err := r.dev.DestroyMkey(own); err != nil {
		t.Fatal(err)
	}
	r.qp.ClearCompletions()
	r.dev.Land(r.qp)
	r.failed(r.qp.Completions(), SynLocalProt, ReasonLocalKey)

	// Others break the queue pair.
	r = lateRig(t)
	r.late = true
	r.moved()
	r.write(0, 0x5000, 0x100, 0x200)
	r.qp.Fail(errors.New("why"))
	got = r.qp.Completions()
	if len(got) != 2 || got[0].Syndrome != SynFlush || got[1].Syndrome != SynFlush || got[0].Index != 0 || got[1].Index != 3 {
		t.Errorf("%+v", got)
	}
	r.qp.ClearCompletions()
	if r.dev.Land(r.qp); len(r.qp.Completions()) != 0 || r.mem.at(0xa000) != patternByte(0xa000) {
		t.Error("it landed after all")
	}
}

// TestLateNotes: a use without a fence is noted though the UMR is late, and once;
// with one it is not.
func TestLateNotes(t *testing.T) {
	for fence, want := range map[uint8]uint64{FenceNone: 1, FenceSmall: 0} {
		r := lateRig(t)
		r.late = true
		r.moved()
		c := signaled(OpRDMAWrite)
		c.FmCeSe |= fence
		r.mkey(0x300, live(ModePA, 0, 1<<40, 0, 0))
		r.post(c, raddr(0x6000, 0x300), segs(DataSeg{8, 0x200, 0x5000}))
		r.dev.Land(r.qp)
		if n, last := r.qp.Ordering(); n != want || n == 1 && last != (OrderingNote{WQE: 3, Key: 0x200}) {
			t.Errorf("fence %#x: %d notes, %+v", fence, n, last)
		}
	}
}

// TestOnLand is told of every landing, by whatever it comes.
func TestOnLand(t *testing.T) {
	r := lateRig(t)
	var said []string
	r.dev.OnLand(func(qp *QP, index uint16, wqe []byte) func(error) {
		said = append(said, fmt.Sprint("before ", index, " ", Opcode(wqe[3])))
		return func(err error) { said = append(said, fmt.Sprint("after ", err)) }
	})
	r.late = true
	r.moved()
	r.write(FenceSmall, 0x5000, 0x100, 0x200) // makes it land
	if got := fmt.Sprint(said); got != "[before 0 UMR after <nil>]" {
		t.Error(got)
	}
}
