package opinion

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// world is a device and an Oracle that is told what the device is told.
type world struct {
	t    *testing.T
	rng  *rand.Rand
	dev  *mlx5model.Device
	o    *Oracle
	qp   *mlx5model.QP
	ring *mlx5model.Ring
	mem  *sg.Memory
	keys []uint32
	pi   uint32
}

const (
	testPD  = 5
	testQPN = 0x77
)

func newWorld(t *testing.T, seed uint64, profile string) *world {
	t.Helper()
	p, _ := mlx5model.ProfileByName(profile)
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), o: New(p), mem: sg.NewMemory(seed)}
	var err error
	if w.dev, err = mlx5model.NewDevice(p, w.mem); err != nil {
		t.Fatal(err)
	}
	w.dev.Watch(w.o.Access)
	if w.ring, err = mlx5model.WrapRing(make([]byte, 64*mlx5model.WQEBBSize)); err != nil {
		t.Fatal(err)
	}
	if w.qp, err = w.dev.CreateQP(mlx5model.QPConfig{QPN: testQPN, PD: testPD, SQ: w.ring}); err != nil {
		t.Fatal(err)
	}
	return w
}

// create adds a key to both.
func (w *world) create(index uint32, c mlx5model.MkeyContext, list []byte) uint32 {
	w.t.Helper()
	key, err := w.dev.CreateMkey(index, c, list)
	if err != nil {
		w.t.Fatal(err)
	}
	w.o.Created(index, c, list)
	w.keys = append(w.keys, key)
	return key
}

func klmList(entries ...mlx5model.KLM) []byte {
	list := make([]byte, 16*len(entries))
	for i, e := range entries {
		e.Put(list[16*i:])
	}
	return list
}

// strided is an interleaved layout; ByteCount of an entry is its stride << 16 |
// its bytes.
func strided(perCycle, cycles uint32, entries ...mlx5model.KLM) []byte {
	head := mlx5model.KLM{ByteCount: perCycle, Key: mlx5model.RepeatOp, VA: uint64(cycles)<<32 | uint64(len(entries))}
	return klmList(append([]mlx5model.KLM{head}, entries...)...)
}

func (w *world) rare(n int) bool { return w.rng.IntN(n) == 0 }

func (w *world) someKey() uint32 {
	if len(w.keys) == 0 || w.rare(30) {
		return w.rng.Uint32N(1 << 13)
	}
	return w.keys[w.rng.IntN(len(w.keys))]
}

// list draws a list of a mode.
func (w *world) list(mode mlx5model.AccessMode, n int) []byte {
	var list []byte
	switch mode {
	case mlx5model.ModePA:
		return nil
	case mlx5model.ModeMTT:
		for range 2 * n {
			page := w.rng.Uint64N(1<<20)<<12 | 3
			if w.rare(40) {
				page = 0
			}
			list = binary.BigEndian.AppendUint64(list, page)
		}
		return list
	}
	var entries []mlx5model.KLM
	for range n {
		e := mlx5model.KLM{ByteCount: w.rng.Uint32N(300), Key: w.someKey(), VA: w.rng.Uint64N(1 << 12)}
		if w.rare(40) {
			e.Key = 0
		}
		entries = append(entries, e)
	}
	if mode == mlx5model.ModeKLM && n > 1 && w.rare(3) {
		sum := uint32(0)
		for i := range entries[:n-1] {
			entries[i].ByteCount = entries[i].ByteCount&0xff | w.rng.Uint32N(600)<<16
			sum += entries[i].ByteCount & 0xffff
		}
		if w.rare(4) {
			sum += w.rng.Uint32N(7) - 3
		}
		return strided(sum, w.rng.Uint32N(8), entries[:n-1]...)
	}
	return klmList(entries...)
}

func (w *world) context(mode mlx5model.AccessMode) mlx5model.MkeyContext {
	c := mlx5model.MkeyContext{Mode: mode, Access: mlx5model.AccRights, UMREn: true, QPN: mlx5model.QPNAny, PD: testPD,
		Tag: uint8(w.rng.IntN(3)), Start: w.rng.Uint64N(1 << 12), Len: w.rng.Uint64N(1 << 11), LogPageSize: 12, XltOctowords: 8}
	switch {
	case mode == mlx5model.ModePA:
		c.Start, c.Length64 = 0, true
	case mode == mlx5model.ModeKSM && !w.rare(4), w.rare(3):
		c.Start = 0
	}
	if w.rare(20) {
		c.Access = uint8(w.rng.IntN(256)) & mlx5model.AccRights
	}
	c.Free = w.rare(30)
	if w.rare(30) {
		c.PD = 6
	}
	if w.rare(30) {
		c.QPN = testQPN + uint32(w.rng.IntN(2))
	}
	return c
}

func (w *world) access() error {
	key := w.someKey()
	c, _ := w.dev.QueryMkey(key)
	a := mlx5model.Access{Op: mlx5model.Op(w.rng.IntN(6)), QPN: testQPN, PD: testPD, Key: key, VA: c.Start + w.rng.Uint64N(c.Len+3), Len: 1 + w.rng.Uint64N(400)}
	if w.rare(2) {
		a.VA, a.Len = c.Start, c.Len
	}
	_, err := w.dev.Translate(nil, a)
	return err
}

// umr executes a drawn UMR in both.
func (w *world) umr() error {
	key := w.someKey()
	c, ok := w.dev.QueryMkey(key)
	if !ok {
		c = w.context(mlx5model.ModeKLM)
	}
	n := w.rng.IntN(10)
	to := w.context(c.Mode)
	q := mlx5model.WQE{Ctrl: mlx5model.Ctrl{Opcode: mlx5model.OpUMR, Index: uint16(w.pi), QPN: testQPN, Imm: key, FmCeSe: mlx5model.CtrlCEAlways},
		UMR:  mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, Mask: w.rng.Uint64() & mlx5model.MaskKnown &^ (mlx5model.MaskPageSize | mlx5model.MaskPageSize5 | mlx5model.MaskBSFEn)},
		Mkey: to, List: w.list(c.Mode, n)}
	if w.rare(8) {
		q.UMR.Flags |= mlx5model.UMRCheckFree
	} else if w.rare(8) {
		q.UMR.Flags |= mlx5model.UMRCheckNotFree
	}
	q.List = append(q.List, make([]byte, -len(q.List)&(mlx5model.UMRListAlign-1))...)
	q.UMR.XltOctowords = uint16(len(q.List) / 16)
	raw := q.AppendTo(nil)
	w.ring.Write(w.pi, 0, raw)
	w.pi += mlx5model.WQEBBs(raw[7])
	w.o.Begin()
	w.dev.Doorbell(w.qp, w.pi)
	var done mlx5model.WQE
	if err := mlx5model.Decode(raw, &done); err != nil {
		w.t.Fatal(err)
	}
	err := w.qp.Err()
	now, _ := w.dev.QueryMkey(key)
	w.o.UMR(&done, testQPN, testPD, w.mem, err, now, w.dev.QueryXlt(key))
	if err == nil {
		for i, k := range w.keys {
			if k>>8 == key>>8 {
				w.keys[i] = key&^0xff | uint32(now.Tag)
			}
		}
	}
	w.qp.ClearCompletions()
	w.qp.Recover(w.pi)
	return err
}

// TestAgrees: the device and the Oracle come to the same by different ways, for
// keys of all kinds that point to each other, changed by UMRs.
func TestAgrees(t *testing.T) {
	var allowed, refused, changed, unchanged, opaque int
	for _, profile := range []string{"default", "small", "strict", "cx7"} {
		for seed := range uint64(60) {
			w := newWorld(t, seed, profile)
			for i := range uint32(12) {
				mode := []mlx5model.AccessMode{mlx5model.ModePA, mlx5model.ModeMTT, mlx5model.ModeKLM, mlx5model.ModeKLM, mlx5model.ModeKSM}[w.rng.IntN(5)]
				if mode == mlx5model.ModeKSM && !w.o.p.FixedBufferSize {
					mode = mlx5model.ModeKLM
				}
				c := w.context(mode)
				c.Access &= ^uint8(mlx5model.AccA) | map[bool]uint8{true: mlx5model.AccA}[w.o.p.Atomic]
				w.create(0x10+i, c, w.list(mode, 1+w.rng.IntN(8)))
			}
			for range 60 {
				if w.rare(3) {
					if w.umr() == nil {
						changed++
					} else {
						unchanged++
					}
				} else if w.access() == nil {
					allowed++
				} else {
					refused++
				}
				if err := w.o.Disagreement(); err != nil {
					var b strings.Builder
					w.o.Comment(&b)
					t.Fatalf("%s, seed %d: %v\n%s", profile, seed, err, b.String())
				}
				for i := range w.o.accesses {
					if w.o.accesses[i].opaque != "" {
						opaque++
					}
				}
				w.o.Comment(new(strings.Builder))
				w.o.Begin()
			}
		}
	}
	if allowed < 1000 || refused < 1000 || changed < 1000 || unchanged < 100 || opaque > 300 {
		t.Errorf("%d accesses allowed, %d refused, %d not followed; %d UMRs executed, %d refused", allowed, refused, opaque, changed, unchanged)
	}
	t.Logf("%d accesses allowed, %d refused, %d not followed; %d UMRs executed, %d refused", allowed, refused, opaque, changed, unchanged)
}

// flat is a key of all memory.
func (w *world) flat() uint32 {
	return w.create(1, mlx5model.MkeyContext{Mode: mlx5model.ModePA, Length64: true, PD: testPD, QPN: mlx5model.QPNAny,
		Access: mlx5model.AccLR | mlx5model.AccLW}, nil)
}

// TestNotices: of a key that the adapter has otherwise than it was told, an
// access shows it.
func TestNotices(t *testing.T) {
	right := mlx5model.MkeyContext{Mode: mlx5model.ModeKLM, Access: mlx5model.AccRights, PD: testPD, QPN: mlx5model.QPNAny, Len: 100, XltOctowords: 4}
	list := klmList(mlx5model.KLM{ByteCount: 60, Key: 0x100, VA: 0x1000}, mlx5model.KLM{ByteCount: 40, Key: 0x100, VA: 0x2000})
	for what, c := range map[string]struct {
		damage func(c *mlx5model.MkeyContext, list []byte)
		says   string
	}{
		"an entry dropped":     {func(_ *mlx5model.MkeyContext, l []byte) { clear(l[16:]) }, "is allowed, the adapter refuses it"},
		"an entry moved":       {func(_ *mlx5model.MkeyContext, l []byte) { l[30] = 0x21 }, "byte 60 is at 0x2000, the adapter goes to 0x2100"},
		"an entry longer":      {func(_ *mlx5model.MkeyContext, l []byte) { l[3] = 61 }, "which has 60 bytes; for the adapter it has 61"},
		"entries that meet":    {func(_ *mlx5model.MkeyContext, l []byte) { l[30], l[31] = 0x10, 60 }, "which has 60 bytes; for the adapter it has 100"},
		"a free key":           {func(c *mlx5model.MkeyContext, _ []byte) { c.Free = true }, "is allowed, the adapter refuses it"},
		"another domain":       {func(c *mlx5model.MkeyContext, _ []byte) { c.PD++ }, "is allowed, the adapter refuses it"},
		"a right less":         {func(c *mlx5model.MkeyContext, _ []byte) { c.Access &^= mlx5model.AccRR }, "is allowed, the adapter refuses it"},
		"a length less":        {func(c *mlx5model.MkeyContext, _ []byte) { c.Len-- }, "is allowed, the adapter refuses it"},
		"somebody's queue":     {func(c *mlx5model.MkeyContext, _ []byte) { c.QPN = 3 }, "is allowed, the adapter refuses it"},
		"nothing":              {func(*mlx5model.MkeyContext, []byte) {}, ""},
		"what nobody looks at": {func(c *mlx5model.MkeyContext, _ []byte) { c.SmallFence = true }, ""},
	} {
		w := newWorld(t, 1, "default")
		w.flat()
		has, hasList := right, append([]byte(nil), list...)
		c.damage(&has, hasList)
		if _, err := w.dev.CreateMkey(2, has, hasList); err != nil {
			t.Fatal(err)
		}
		w.o.Created(2, right, list)
		a := mlx5model.Access{Op: mlx5model.RemoteRead, QPN: testQPN, PD: testPD, Key: 0x200, Len: 100}
		_, _ = w.dev.Translate(nil, a)
		expect(t, what, w.o, c.says)
		if c.says != "is allowed, the adapter refuses it" {
			continue
		}
		// The other way round: the adapter allows what it must refuse.
		w = newWorld(t, 1, "default")
		w.flat()
		w.o.Created(2, has, hasList)
		if _, err := w.dev.CreateMkey(2, right, list); err != nil {
			t.Fatal(err)
		}
		_, _ = w.dev.Translate(nil, a)
		expect(t, what+", turned round", w.o, "the adapter allows it")
	}
}

func expect(t *testing.T, what string, o *Oracle, says string) {
	t.Helper()
	err := o.Disagreement()
	if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %q", what, err, says)
	}
}

// TestData: the adapter makes the accesses that the WQE names, and no other.
func TestData(t *testing.T) {
	seg := func(n uint32, key uint32, va uint64) []byte {
		b := make([]byte, 16)
		(&mlx5model.DataSeg{ByteCount: n, Lkey: key, Addr: va}).Put(b)
		return b
	}
	read := mlx5model.WQE{Ctrl: mlx5model.Ctrl{Opcode: mlx5model.OpRDMARead}, RKey: 0x100, RAddr: 0x9000,
		Data: append(seg(10, 0x100, 0x1000), seg(20, 0x100, 0x2000)...)}
	type made struct {
		op  mlx5model.Op
		va  uint64
		n   uint64
		key uint32
	}
	one, two := made{mlx5model.LocalWrite, 0x1000, 10, 0x100}, made{mlx5model.LocalWrite, 0x2000, 20, 0x100}
	far := made{mlx5model.RemoteRead, 0x9000, 30, 0x200}
	fine := End{Reliable: true, Here: true}
	read.RKey = 0x200
	for _, c := range []struct {
		what string
		made []made
		end  End
		says string
	}{
		{"all", []made{one, two, far}, fine, ""},
		{"a segment left out", []made{one, far}, fine, "was not made"},
		{"a segment left out by one that fails", []made{one}, End{Failed: true, Reliable: true, Here: true}, ""},
		{"segments in another order", []made{two, one, far}, fine, "names no such thing"},
		{"a segment twice", []made{one, two, two, far}, fine, "names no such thing"},
		{"a read where a write was meant", []made{{mlx5model.LocalRead, 0x1000, 10, 0x100}, two, far}, fine, "names no such thing"},
		{"too short", []made{{mlx5model.LocalWrite, 0x1000, 9, 0x100}, two, far}, fine, "names no such thing"},
		{"another remote address", []made{one, two, {mlx5model.RemoteRead, 0x9001, 30, 0x200}}, fine, "where the WQE names"},
		{"nothing remote", []made{one, two}, fine, "was made 0 times"},
		{"nothing remote here", []made{one, two}, End{Reliable: true}, ""},
		{"nothing remote, unreliable", []made{one, two}, End{Here: true}, ""},
		{"what must be refused", []made{one, two, {mlx5model.RemoteRead, 0x9000, 30, 0x300}}, fine, "must be refused"},
	} {
		w := newWorld(t, 1, "default")
		w.flat()
		w.create(2, mlx5model.MkeyContext{Mode: mlx5model.ModePA, Length64: true, PD: testPD, QPN: mlx5model.QPNAny, Access: mlx5model.AccRR}, nil)
		for _, m := range c.made {
			_, _ = w.dev.Translate(nil, mlx5model.Access{Op: m.op, QPN: testQPN, PD: testPD, Key: m.key, VA: m.va, Len: m.n})
		}
		w.o.Data(&read, c.end)
		expect(t, c.what, w.o, c.says)
	}
}

// TestComment: what is said of a key after a UMR, and of accesses.
func TestComment(t *testing.T) {
	w := newWorld(t, 1, "default")
	flat := w.flat()
	readOnly := w.create(2, mlx5model.MkeyContext{Mode: mlx5model.ModePA, Length64: true, PD: testPD, QPN: mlx5model.QPNAny, Access: mlx5model.AccLR}, nil)
	key := w.create(3, mlx5model.MkeyContext{Mode: mlx5model.ModeKLM, Free: true, UMREn: true, PD: testPD, QPN: mlx5model.QPNAny, XltOctowords: 8}, nil)
	change := func(mask uint64, to mlx5model.MkeyContext, list []byte) string {
		t.Helper()
		u := mlx5model.WQE{Ctrl: mlx5model.Ctrl{Opcode: mlx5model.OpUMR, Imm: key}, UMR: mlx5model.UMRCtrl{Mask: mask, XltOctowords: uint16(len(list) / 16)}, Mkey: to, List: list}
		now, _ := w.dev.QueryMkey(key)
		w.o.Begin()
		w.o.UMR(&u, testQPN, testPD, w.mem, nil, now, nil)
		w.o.wrong = nil // the device was not told
		var b strings.Builder
		w.o.Comment(&b)
		return b.String()
	}
	wants := func(got string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Errorf("no %q in\n%s", p, got)
			}
		}
	}
	all := mlx5model.MaskLen | mlx5model.MaskFree | mlx5model.MaskLR | mlx5model.MaskAccess
	rights := uint8(mlx5model.AccLR | mlx5model.AccRR | mlx5model.AccRW)
	two := klmList(mlx5model.KLM{ByteCount: 60, Key: flat, VA: 0x1000}, mlx5model.KLM{ByteCount: 40, Key: readOnly, VA: 0x2000})
	wants(change(all, mlx5model.MkeyContext{Len: 100, Access: rights}, two),
		"key 0x300 is in use: local read, remote read, remote write; domain 5", "maps 100 bytes from 0x0 on to 2 extents of memory: first 0x1000+60, last 0x2000+40",
		"holds 100 bytes, as its length says", "entry 1 names key 0x200, which refuses writes: access right missing")
	wants(change(mlx5model.MaskLen, mlx5model.MkeyContext{Len: 70}, nil), "maps 70 bytes", "what lies behind byte 10 of entry 1 is never reached")
	wants(change(mlx5model.MaskLen, mlx5model.MkeyContext{Len: 130}, nil), "maps 100 bytes", "its length says 130: the last 30 lead nowhere",
		"an access to the byte at 0x64 is refused")
	wants(change(all, mlx5model.MkeyContext{Len: 24, Access: rights},
		strided(8, 3, mlx5model.KLM{ByteCount: 16<<16 | 3, Key: flat, VA: 0x1000}, mlx5model.KLM{ByteCount: 16<<16 | 5, Key: flat, VA: 0x4000})),
		"maps 24 bytes from 0x0 on to 6 extents of memory: first 0x1000+3, last 0x4020+5", "holds 24 bytes, as its length says")
	wants(change(mlx5model.MaskFree, mlx5model.MkeyContext{Free: true}, nil), "key 0x300 is free now")

	w.o.Begin()
	for i := range uint64(9) {
		_, _ = w.dev.Translate(nil, mlx5model.Access{Op: mlx5model.LocalRead, QPN: testQPN, PD: testPD, Key: flat, VA: 0x1000 * (i + 1), Len: 5})
	}
	_, _ = w.dev.Translate(nil, mlx5model.Access{Op: mlx5model.LocalWrite, QPN: testQPN, PD: testPD, Key: readOnly, VA: 0, Len: 5})
	var b strings.Builder
	w.o.Comment(&b)
	wants(b.String(), "oracle: local read of 5 bytes at 0x1000 of key 0x100: 0x1000+5\n", "and 4 more accesses, 20 bytes", "the adapter agrees")
	if n := strings.Count(b.String(), "\n"); n != maxAccesses+2 {
		t.Errorf("%d lines\n%s", n, b.String())
	}
	w.o.disagree("so it is")
	b.Reset()
	w.o.Comment(&b)
	wants(b.String(), "ORACLE DISAGREES: so it is")
	was := w.o.Interrupt()
	if w.o.Disagreement() != nil {
		t.Error("an interruption inherits")
	}
	w.o.Resume(was)
	if err := w.o.Disagreement(); err == nil || fmt.Sprint(err) != ErrDisagrees.Error()+": so it is" {
		t.Error(err)
	}
}

// TestInvalidated: who may, may; a key that others must not invalidate is not.
func TestInvalidated(t *testing.T) {
	for _, c := range []struct {
		what string
		key  mlx5model.MkeyContext
		rkey uint32
		says string
	}{
		{"allowed", mlx5model.MkeyContext{EnRinval: true, PD: testPD, QPN: mlx5model.QPNAny}, 0x200, ""},
		{"not by others", mlx5model.MkeyContext{PD: testPD, QPN: mlx5model.QPNAny, Access: mlx5model.AccRights}, 0x200, "access right missing"},
		{"another domain", mlx5model.MkeyContext{EnRinval: true, PD: 6, QPN: mlx5model.QPNAny}, 0x200, "protection domain differs"},
		{"another tag", mlx5model.MkeyContext{EnRinval: true, PD: testPD, QPN: mlx5model.QPNAny}, 0x201, "key variant differs"},
		{"no key", mlx5model.MkeyContext{EnRinval: true, PD: testPD, QPN: mlx5model.QPNAny}, 0x300, "no such key"},
	} {
		w := newWorld(t, 1, "default")
		c.key.Mode, c.key.XltOctowords = mlx5model.ModeKLM, 4
		w.create(2, c.key, nil)
		w.o.Invalidated(c.rkey, testQPN, testPD)
		expect(t, c.what, w.o, c.says)
		if free := w.o.keys[2].ctx.Free; free != (c.says == "") {
			t.Errorf("%s: free %v", c.what, free)
		}
	}
}
