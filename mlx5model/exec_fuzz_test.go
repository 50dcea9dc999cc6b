package mlx5model

import (
	"bytes"
	"encoding/binary"
	"math/rand"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The world of the random-WQE test: two keys that no UMR may change and that
// reach all the host memory there is, and keys that UMRs do change, which can
// only point at those.
const (
	guardPA, guardMTT = 0x30000, 0x31000
	fuzzLists         = 0x20000800 // host address of lists given by pointer
)

var guardRanges = []sg.Extent{{Addr: 0x10000000, Len: 0x4000}, {Addr: 0x20000000, Len: 0x4000}}

func fuzzRig(t testing.TB) *rig {
	p, _ := ProfileByName("small")
	p.MaxIndirection = 3
	mem := newByteMemory(t)
	d, err := NewDevice(p, mem)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dev: d, mem: mem}
	r.mkey(guardPA, MkeyContext{Mode: ModePA, Access: AccLR | AccLW, QPN: QPNAny, PD: testPD, Start: 0x10000000, Len: 0x4000})
	var pages []uint64
	for i := range uint64(4) {
		pages = append(pages, 0x20000000+i<<12|3)
	}
	r.mkey(guardMTT, MkeyContext{Mode: ModeMTT, Access: AccLR | AccLW | AccRR, QPN: QPNAny, PD: testPD, Start: 0x20000000, Len: 0x4000, LogPageSize: 12, XltOctowords: 2}, mtts(pages...)...)
	for i := range uint32(3) {
		ctx := klmContext(16)
		ctx.BSFOctowords, ctx.EnRinval = 4, true
		r.mkey(0x40000+i<<8, ctx)
		ctx.Mode, ctx.LogPageSize = ModeKSM, 12
		r.mkey(0x50000+i<<8, ctx)
	}
	if r.sq, err = NewRing(64); err != nil {
		t.Fatal(err)
	}
	if r.qp, err = d.CreateQP(QPConfig{QPN: testQPN, PD: testPD, SQ: r.sq, Peer: &testPeer{Responder: Responder{Dev: d, QPN: testQPN, PD: testPD}}}); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(16) {
		mem.Write(fuzzLists+i*16, klms(KLM{0x100, guardMTT, 0x20001000 + i*0x80}))
	}
	mem.allowed = guardRanges
	return r
}

func fuzzKey(rng *rand.Rand) uint32 {
	keys := []uint32{guardPA, guardMTT, 0x40000, 0x40100, 0x40200, 0x50000, 0x50100, 0x50200}
	k := keys[rng.Intn(len(keys))]
	if rng.Intn(16) == 0 {
		k += uint32(rng.Intn(3))
	}
	return k
}

func fuzzVA(rng *rand.Rand) uint64 {
	switch rng.Intn(8) {
	case 0:
		return uint64(rng.Intn(0x1000))
	case 1:
		return -uint64(rng.Intn(0x1000))
	case 2, 3, 4:
		return 0x10000000 + uint64(rng.Intn(0x4800)) - 0x400
	}
	return 0x20000000 + uint64(rng.Intn(0x4800)) - 0x400
}

// fuzzWQE builds a plausible WQE of 16 to 256 bytes for the ring's position.
func fuzzWQE(rng *rand.Rand, index uint16) []byte {
	b := make([]byte, 256)
	c := Ctrl{Index: index, QPN: testQPN, DS: 1, FmCeSe: uint8(rng.Intn(4)) << 2, Imm: fuzzKey(rng)}
	switch rng.Intn(8) {
	case 0, 1, 2, 3:
		c.Opcode = OpUMR
		if c.Imm>>8 < 0x400 && rng.Intn(8) != 0 {
			c.Imm = 0x40000 + uint32(rng.Intn(3))<<8
		}
		c.DS = fuzzUMR(rng, b)
	case 4, 5:
		c.Opcode = []Opcode{OpRDMARead, OpRDMAWrite, OpRDMAWriteImm}[rng.Intn(3)]
		copy(b[16:], raddr(fuzzVA(rng), fuzzKey(rng)))
		n := rng.Intn(4)
		for i := range n {
			s := DataSeg{uint32(rng.Intn(0x900)), fuzzKey(rng), fuzzVA(rng)}
			s.Put(b[32+16*i:])
		}
		c.DS = uint8(2 + n)
	case 6:
		c.Opcode = []Opcode{OpNop, OpSend, OpSendInval, OpSetPSV, OpAtomicFA}[rng.Intn(5)]
		c.DS = uint8(1 + rng.Intn(2))
		s := DataSeg{uint32(rng.Intn(0x900)), fuzzKey(rng), fuzzVA(rng)}
		s.Put(b[16:])
	case 7:
		rng.Read(b)
		c.Opcode, c.DS = Opcode(b[3]), b[7]&15+1
	}
	c.Put(b)
	return b
}

func fuzzUMR(rng *rand.Rand, b []byte) uint8 {
	u := UMRCtrl{Mask: rng.Uint64() & MaskKnown &^ (MaskPD | MaskQPN | MaskPageSize5), XltOctowords: uint16(rng.Intn(3) * 4)}
	ctx := MkeyContext{Access: AccRights, QPN: QPNAny, PD: testPD, Len: uint64(rng.Intn(0x3000)), LogPageSize: 9 + uint8(rng.Intn(6)), Tag: uint8(rng.Intn(2))}
	if rng.Intn(3) == 0 {
		u.Flags |= []uint8{UMRCheckFree, UMRCheckNotFree, UMROffsetEn, UMRCheckQPN}[rng.Intn(4)]
		u.XltOffset = uint64(rng.Intn(3) * 4)
	}
	if rng.Intn(2) == 0 {
		u.Mask |= MaskFree | MaskAccess | MaskLen
	}
	if u.Flags&UMROffsetEn == 0 && rng.Intn(4) == 0 {
		u.BSFOctowords = 4
	}
	ds := uint8(UMRFixedDS)
	if rng.Intn(4) != 0 || u.XltOctowords == 0 {
		u.Flags |= UMRInline
		u.XltOctowords = min(u.XltOctowords, 8)
		for i := range int(u.XltOctowords) {
			e := KLM{uint32(rng.Intn(0x700)), fuzzKey(rng), fuzzVA(rng)}
			e.Put(b[UMRDataOff+16*i:])
		}
		if rng.Intn(3) == 0 && u.XltOctowords > 0 { // a repeat list
			e := KLM{uint32(rng.Intn(0x40)), RepeatOp, uint64(rng.Intn(40))<<32 | uint64(rng.Intn(5))}
			e.Put(b[UMRDataOff:])
			for i := 1; i < int(u.XltOctowords); i++ {
				binary.BigEndian.PutUint32(b[UMRDataOff+16*i:], uint32(rng.Intn(0x40))<<16|uint32(rng.Intn(0x20)))
			}
		}
		ds += uint8(u.XltOctowords) + uint8(u.BSFOctowords)
	} else {
		s := DataSeg{0, guardMTT, fuzzLists}
		s.Put(b[UMRDataOff:])
		ds++
	}
	u.Put(b[CtrlSize:])
	ctx.Put(b[CtrlSize+UMRCtrlSize:])
	return ds
}

func mutate(rng *rand.Rand, b []byte) {
	for range rng.Intn(4) {
		i := rng.Intn(len(b))
		switch rng.Intn(3) {
		case 0:
			b[i] ^= 1 << rng.Intn(8)
		case 1:
			b[i] = byte(rng.Intn(256))
		case 2:
			b[i] = []byte{0, 0xff, 0x80, 0x7f, 1}[rng.Intn(5)]
		}
	}
}

// snapshot is all that a UMR may change of a key.
func snapshot(d *Device, key uint32) (MkeyContext, []byte) {
	ctx, _ := d.QueryMkey(key)
	return ctx, append(append([]byte(nil), d.QueryXlt(key)...), d.QueryBSF(key)...)
}

// TestRandomWQEs executes plausible, mutated and wholly random WQEs. Nothing
// may panic or touch host memory outside the two fixed keys; those keys never
// change; a WQE that fails changes no key; the counter always arrives.
func TestRandomWQEs(t *testing.T) {
	const seed, count = 77, 250_000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	r := fuzzRig(t)
	stats := map[Opcode]int{}
	failures := map[Reason]int{}
	fixedPA, _ := snapshot(r.dev, guardPA)
	fixedMTT, fixedList := snapshot(r.dev, guardMTT)
	for i := range count {
		if i%5000 == 0 {
			r = fuzzRig(t)
		}
		b := fuzzWQE(rng, uint16(r.pi))
		if rng.Intn(2) == 0 {
			mutate(rng, b[8:])
		}
		if rng.Intn(64) == 0 {
			mutate(rng, b[:8])
		}
		r.sq.Write(r.pi, 0, b)
		c := ParseCtrl(b)
		ctx, list := snapshot(r.dev, c.Imm)
		r.ring(max(WQEBBs(c.DS), 1))
		if r.qp.State() == QPReady {
			stats[c.Opcode]++
		} else {
			done := r.qp.Completions()
			if len(done) != 1 || !done[0].Failed() || done[0].Syndrome == SynOK {
				t.Fatalf("WQE %d: completions %+v", i, done)
			}
			failures[Reason(done[0].Vendor)]++
			if ctx2, list2 := snapshot(r.dev, c.Imm); ctx2 != ctx || !bytes.Equal(list2, list) {
				t.Fatalf("WQE %d failed (%v) and changed key %#x", i, r.qp.Err(), c.Imm)
			}
			r.qp.Recover(r.pi)
		}
		if r.mem.stray > 0 {
			t.Fatalf("seed %d, WQE %d: % x", seed, i, b)
		}
	}
	if ctx, _ := snapshot(r.dev, guardPA); ctx != fixedPA {
		t.Errorf("key %#x is now %+v", guardPA, ctx)
	}
	if ctx, list := snapshot(r.dev, guardMTT); ctx != fixedMTT || !bytes.Equal(list, fixedList) {
		t.Errorf("key %#x is now %+v", guardMTT, ctx)
	}
	t.Logf("executed by opcode %v", stats)
	t.Logf("failed by reason %v", failures)
	if stats[OpUMR] < 10000 || stats[OpRDMARead] < 100 || stats[OpRDMAWrite] < 100 || len(failures) < 15 {
		t.Error("the generator does not reach far enough")
	}
}

// TestRandomRings rings the doorbell over whole rings of random bytes.
func TestRandomRings(t *testing.T) {
	const seed = 78
	rng := rand.New(rand.NewSource(seed))
	r := fuzzRig(t)
	for i := range 3000 {
		rng.Read(r.sq.Bytes())
		for w := uint32(0); w < 64; w += uint32(1 + rng.Intn(6)) {
			r.sq.Write(r.pi+w, 0, fuzzWQE(rng, uint16(r.pi+w)))
		}
		n := uint32(rng.Intn(70))
		r.ring(n)
		if got := len(r.qp.Completions()); got > int(n) {
			t.Fatalf("seed %d, ring %d: %d completions of %d WQEBBs", seed, i, got, n)
		}
		r.qp.Recover(r.pi)
	}
}
