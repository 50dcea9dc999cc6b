//go:build linux && (amd64 || arm64)

package vhca

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// reordering is an engine that puts off what it can, for usec microseconds.
func reordering(t *testing.T, spec string) *rig {
	t.Helper()
	f, err := ParseFaults(spec)
	if err != nil {
		t.Fatal(err)
	}
	return newRig(t, func(c *Config) { c.Faults = f })
}

// settle ticks until the engine rests.
func (r *rig) settle() {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); r.e.Tick(); {
		if time.Now().After(end) {
			r.t.Fatal("the engine does not come to rest")
		}
	}
}

// landNow gives what is posted its turn, and then ends the time for that.
func (r *rig) landNow() {
	r.e.Tick()
	r.e.land(r.e.qps[r.qp[0]])
	r.settle()
}

// TestReorderRead: a SEND of what a READ or an atomic fetches sends the old
// bytes, unless it has the fence. Completions come in order.
func TestReorderRead(t *testing.T) {
	for _, atomic := range []bool{false, true} {
		for fence, careful := range map[uint8]bool{mlx5model.FenceNone: false, mlx5model.FenceSmall: false, mlx5model.FenceFence: true} {
			r := reordering(t, "reorder=1,usec=4000000000")
			a, b, c := r.take(8), r.take(8), r.take(8)
			ka, kb, kc := r.reg(a), r.reg(b), r.reg(c)
			binary.NativeEndian.PutUint64(a, 111)
			binary.NativeEndian.PutUint64(b, 222)
			r.recv(1, kc, c)
			if atomic {
				r.send(0, mlx5model.OpAtomicFA, raddr(kb, addressOf(b)), make([]byte, 16), seg(ka, a))
			} else {
				r.send(0, mlx5model.OpRDMARead, raddr(kb, addressOf(b)), seg(ka, a))
			}
			r.fence = fence
			r.send(0, mlx5model.OpSend, seg(ka, a))
			if !careful {
				if c, ok := r.poll(0); ok {
					t.Fatalf("completes at once: %+v", c)
				}
			}
			r.landNow()
			first, second := r.want(0, mlx5model.CQERequester, 0), r.want(0, mlx5model.CQERequester, 0)
			if first.Index != 0 || second.Index == 0 || first.ByteCount != 8 {
				t.Errorf("completions %+v, %+v", first, second)
			}
			want := uint64(111)
			if careful {
				want = 222
			}
			if got := binary.NativeEndian.Uint64(c); got != want || binary.NativeEndian.Uint64(a) != 222 {
				t.Errorf("atomic %v, fence %#x: %d was sent, want %d; here is %d", atomic, fence, got, want, binary.NativeEndian.Uint64(a))
			}
		}
	}
}

// TestReorderUMR: what follows a UMR without a fence meets the key as it was,
// here free.
func TestReorderUMR(t *testing.T) {
	for fence, careful := range map[uint8]bool{mlx5model.FenceNone: false, mlx5model.FenceFence: false, mlx5model.FenceSmall: true, mlx5model.FenceSmallAndFull: true} {
		r := reordering(t, "reorder=1,usec=4000000000")
		a, b := r.take(64), r.take(64)
		ka, kb := r.reg(a), r.reg(b)
		copy(a, "what is sent")
		ctx := mlx5model.MkeyContext{Mode: mlx5model.ModeKLM, Free: true, UMREn: true, QPN: mlx5model.QPNAny, PD: r.pd, XltOctowords: 4}
		var mkc [mlx5model.MkeySize]byte
		ctx.Put(mkc[:])
		index := must(r.e.CreateMkey(mkc[:], nil))(t)
		key := index << 8
		w := mlx5model.WQE{UMR: mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, XltOctowords: 4, Mask: mlx5model.MaskLen | mlx5model.MaskFree | mlx5model.MaskLR},
			Mkey: mlx5model.MkeyContext{Len: 64, Access: mlx5model.AccLR}, List: make([]byte, 64)}
		w.Opcode, w.Imm, w.QPN, w.FmCeSe = mlx5model.OpUMR, key, r.qp[0], mlx5model.CtrlCEAlways
		(&mlx5model.KLM{ByteCount: 64, Key: ka, VA: addressOf(a)}).Put(w.List)
		raw := w.AppendTo(nil)
		copy(r.sq[0], raw)
		r.pi[0] += uint16(len(raw) / mlx5model.WQEBBSize)
		r.fence = fence
		s := make([]byte, 16)
		(&mlx5model.DataSeg{ByteCount: 64, Lkey: key}).Put(s)
		r.send(0, mlx5model.OpRDMAWrite, raddr(kb, addressOf(b)), s)
		r.landNow()
		r.want(0, mlx5model.CQERequester, 0) // the UMR
		if careful {
			r.want(0, mlx5model.CQERequester, 0)
			if !bytes.Equal(a, b) {
				t.Errorf("fence %#x: %q", fence, b)
			}
			continue
		}
		r.want(0, mlx5model.CQEReqErr, mlx5model.SynLocalProt)
		if b[0] != 0 {
			t.Errorf("fence %#x: %q", fence, b)
		}
	}
}

// TestReorderQueues: a WQE that cannot be late lets other queue pairs go first.
func TestReorderQueues(t *testing.T) {
	r := reordering(t, "reorder=1")
	a := r.take(64)
	ka := r.reg(a)
	r.send(0, mlx5model.OpRDMAWrite, raddr(ka, addressOf(a)), seg(ka, a[:8]))
	if c, ok := r.poll(0); ok {
		t.Fatalf("nobody else could go first: %+v", c)
	}
	r.settle()
	r.want(0, mlx5model.CQERequester, 0)
}

// TestReorderInTime: what nothing follows takes effect when its time is over.
func TestReorderInTime(t *testing.T) {
	r := reordering(t, "reorder=1,usec=300")
	a, b := r.take(8), r.take(8)
	ka, kb := r.reg(a), r.reg(b)
	b[0] = 1
	began := time.Now()
	r.send(0, mlx5model.OpRDMARead, raddr(kb, addressOf(b)), seg(ka, a))
	r.settle()
	if r.want(0, mlx5model.CQERequester, 0); a[0] != 1 || time.Since(began) < 300*time.Microsecond {
		t.Errorf("after %v: %d", time.Since(began), a[0])
	}
}

// TestReorderEnds: what is late when its queue pair breaks, is reset or goes.
func TestReorderEnds(t *testing.T) {
	for what, end := range map[string]func(r *rig) error{
		"broken":    func(r *rig) error { return r.e.ModifyQP(r.qp[0], Attr{Mask: attrState, State: Err}) },
		"drained":   func(r *rig) error { return r.e.ModifyQP(r.qp[0], Attr{Mask: attrState, State: SQD}) },
		"reset":     func(r *rig) error { return r.e.ModifyQP(r.qp[0], Attr{Mask: attrState, State: Reset}) },
		"destroyed": func(r *rig) error { return second(r.e.DestroyQP(r.qp[0])) },
	} {
		r := reordering(t, "reorder=1,usec=4000000000")
		a, b := r.take(8), r.take(8)
		ka, kb := r.reg(a), r.reg(b)
		b[0] = 1
		r.send(0, mlx5model.OpRDMARead, raddr(kb, addressOf(b)), seg(ka, a))
		if !r.e.Tick() || a[0] != 0 {
			t.Fatalf("%s: it is not late", what)
		}
		if err := end(r); err != nil {
			t.Fatal(what, err)
		}
		r.settle()
		c, ok := r.poll(0)
		if gone := what == "reset" || what == "destroyed"; ok == gone || gone != (a[0] == 0) || ok && c.Failed() {
			t.Errorf("%s: %+v, %v, byte %d", what, c, ok, a[0])
		}
	}
}
