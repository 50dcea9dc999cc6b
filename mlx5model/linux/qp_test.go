package linux

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

const fill = 0xcc

// newQP has the settings of the recordings: QPN 1234h, local_dma_lkey 1800h,
// umr_fence strong ordering.
func newQP(t testing.TB, wqebbs int, curPost uint16) *QP {
	t.Helper()
	ring, err := mlx5model.NewRing(wqebbs)
	if err != nil {
		t.Fatal(err)
	}
	ring.Fill(fill)
	return &QP{Ring: ring, QPN: 0x1234, LocalDMALkey: 0x1800, UMRFence: mlx5model.FenceStrong, CurPost: curPost}
}

// pageMR is a region of n pages from 200000040h, 50h bytes short.
func pageMR(n int) *MR {
	mr := &MR{Mode: mlx5model.ModeMTT, MaxDescs: n, DescMap: 0x300000800, Descs: make([]byte, n*8)}
	mr.MapSG(entries(0x200000040, uint64(n)*0x1000-0x50), nil, 4096, 0x1800)
	return mr
}

// klmMR has n entries of 200h+i*100h bytes at 200001000h+i*10010h.
func klmMR(n int) *MR {
	mr := &MR{Mode: mlx5model.ModeKLM, MaxDescs: n, DescMap: 0x300000800, Descs: make([]byte, n*16)}
	var l sg.List
	for i := range uint64(n) {
		l = append(l, sg.Entry{Addr: 0x200001000 + i*0x10010, Len: uint32(0x200 + i*0x100)})
	}
	mr.MapSG(l, nil, 4096, 0x1800)
	return mr
}

const lwRR = AccessLocalWrite | AccessRemoteRead

// regWR registers mr for local write, remote read and remote write.
func regWR(mr *MR) WR {
	return WR{Op: OpRegMR, Flags: SendSignaled, MR: mr, Key: 0xabcd5a, Access: lwRR | AccessRemoteWrite}
}

// golden turns a dump into bytes; xx is a byte that was not written.
func golden(t *testing.T, dump string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(strings.Fields(dump), ""), "xx", "cc"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const zeros16 = "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
const stale16 = "xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx xx\n"

// WQEs recorded from Linux 6.1.
var recorded = []struct {
	name    string
	wqebbs  int
	curPost uint16
	sig     bool
	fence   uint8 // umr_fence
	wr      WR
	want    string
}{
	{"REG_MR KLM n=1", 16, 5, false, mlx5model.FenceStrong, regWR(klmMR(1)), `
		00 00 05 25 00 12 34 0c 00 00 00 68 00 ab cd 5a
		a0 00 00 00 00 04 00 00 00 00 00 00 20 9e 21 43
		` + zeros16 + zeros16 + `
		00 00 be 00 ff ff ff 5a 00 00 00 00 01 00 00 00
		00 00 00 02 00 00 10 00 00 00 00 00 00 00 02 00
		` + zeros16 + `
		00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00
		00 00 02 00 00 00 18 00 00 00 00 02 00 00 10 00
		` + stale16 + stale16 + stale16},
	{"REG_MR KLM n=5", 16, 5, false, mlx5model.FenceStrong, regWR(klmMR(5)), `
		00 00 05 25 00 12 34 09 00 00 00 68 00 ab cd 5a
		20 00 00 00 00 08 00 00 00 00 00 00 20 9e 21 43
		` + zeros16 + zeros16 + `
		00 00 be 00 ff ff ff 5a 00 00 00 00 01 00 00 00
		00 00 00 02 00 00 10 00 00 00 00 00 00 00 14 00
		` + zeros16 + `
		00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00
		00 00 00 80 00 00 18 00 00 00 00 03 00 00 08 00
		` + stale16 + stale16 + stale16},
	{"REG_MR KLM n=4, WQE signature", 16, 0, true, mlx5model.FenceStrong, regWR(klmMR(4)), `
		00 00 00 25 00 12 34 0c ff 00 00 68 00 ab cd 5a
		a0 00 00 00 00 04 00 00 00 00 00 00 20 9e 21 43
		` + zeros16 + zeros16 + `
		00 00 be 00 ff ff ff 5a 00 00 00 00 01 00 00 00
		00 00 00 02 00 00 10 00 00 00 00 00 00 00 0e 00
		` + zeros16 + `
		00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00
		00 00 02 00 00 00 18 00 00 00 00 02 00 00 10 00
		00 00 03 00 00 00 18 00 00 00 00 02 00 01 10 10
		00 00 04 00 00 00 18 00 00 00 00 02 00 02 10 20
		00 00 05 00 00 00 18 00 00 00 00 02 00 03 10 30`},
	{"REG_MR MTT n=9, atomic", 16, 5, false, mlx5model.FenceNone,
		WR{Op: OpRegMR, Flags: SendSignaled, MR: pageMR(9), Key: 0xabcd5a, Access: lwRR | AccessRemoteWrite | AccessRemoteAtomic}, `
		00 00 05 25 00 12 34 09 00 00 00 08 00 ab cd 5a
		20 00 00 00 00 08 00 00 00 00 00 00 20 be 21 43
		` + zeros16 + zeros16 + `
		00 00 fd 00 ff ff ff 5a 00 00 00 00 01 00 00 00
		00 00 00 02 00 00 00 40 00 00 00 00 00 00 8f b0
		` + zeros16 + `
		00 00 00 00 00 00 00 08 00 00 00 0c 00 00 00 00
		00 00 00 80 00 00 18 00 00 00 00 03 00 00 08 00
		` + stale16 + stale16 + stale16},
	{"REG_MR MTT n=8, wraps the ring", 64, 62, false, mlx5model.FenceStrong, regWR(pageMR(8)), `
		00 00 3e 25 00 12 34 0c 00 00 00 68 00 ab cd 5a
		a0 00 00 00 00 04 00 00 00 00 00 00 20 9e 21 43
		` + zeros16 + zeros16 + `
		00 00 bd 00 ff ff ff 5a 00 00 00 00 01 00 00 00
		00 00 00 02 00 00 00 40 00 00 00 00 00 00 7f b0
		` + zeros16 + `
		00 00 00 00 00 00 00 04 00 00 00 0c 00 00 00 00
		00 00 00 02 00 00 00 03 00 00 00 02 00 00 10 03
		00 00 00 02 00 00 20 03 00 00 00 02 00 00 30 03
		00 00 00 02 00 00 40 03 00 00 00 02 00 00 50 03
		00 00 00 02 00 00 60 03 00 00 00 02 00 00 70 03`},
	{"LOCAL_INV at 65534", 64, 65534, true, mlx5model.FenceStrong, WR{Op: OpLocalInv, Flags: SendSignaled, Key: 0xabcd5a}, `
		00 ff fe 25 00 12 34 08 ff 00 00 08 00 ab cd 5a
		80 00 00 00 00 00 00 00 00 00 00 00 20 00 00 00
		` + zeros16 + zeros16 + `
		40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		` + zeros16 + zeros16 + zeros16},
}

func TestPostRecorded(t *testing.T) {
	for _, c := range recorded {
		qp := newQP(t, c.wqebbs, c.curPost)
		qp.WQSig, qp.UMRFence = c.sig, c.fence
		want := golden(t, c.want)
		if r := qp.PostSend([]WR{c.wr}); r != (PostResult{0, -1, 1}) {
			t.Errorf("%s: %+v", c.name, r)
		}
		got := make([]byte, len(want))
		qp.Ring.Read(uint32(c.curPost), 0, got)
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, hex.Dump(got), hex.Dump(want))
		}
		if qp.CurPost != c.curPost+uint16(len(want)/64) || qp.DBRec != uint32(qp.CurPost) || !bytes.Equal(qp.Doorbell[:], want[:8]) {
			t.Errorf("%s: cur_post %d, doorbell record %d, doorbell %x", c.name, qp.CurPost, qp.DBRec, qp.Doorbell)
		}
		rest := qp.Ring.WQEBBs()*64 - uint32(len(want))
		if n := bytes.Count(qp.Ring.Bytes(), []byte{fill}); n != int(rest)+bytes.Count(want, []byte{fill}) {
			t.Errorf("%s: %d bytes unwritten, want %d outside the WQE", c.name, n, rest)
		}
	}
}

// fences posts the chain and lists byte Bh of each WQE.
func fences(qp *QP, wrs ...WR) []byte {
	var b []byte
	pi := qp.CurPost
	for n := qp.PostSend(wrs).NReq; n > 0; n-- {
		ctrl := qp.Ring.At(uint32(pi), 0)
		b = append(b, ctrl[11])
		pi += uint16(mlx5model.WQEBBs(ctrl[7]))
	}
	return b
}

// Recorded from Linux 6.1: the fence of a REG_MR sticks to the rest of its
// call and to the first work request of the next.
func TestFenceChain(t *testing.T) {
	reg := WR{Op: OpRegMR, MR: klmMR(1), Key: 0xabcd5a}
	write, inv := WR{Op: OpRDMAWrite}, WR{Op: OpLocalInv}
	fenced := WR{Op: OpRDMAWrite, Flags: SendFence}
	qp := newQP(t, 16, 0)
	if got := fences(qp, reg, fenced, write, inv, write); !bytes.Equal(got, []byte{0x60, 0x80, 0x20, 0x20, 0x20}) || qp.NextFence != 0x20 {
		t.Errorf("one call: % x, then %x", got, qp.NextFence)
	}
	qp = newQP(t, 16, 0)
	var got []byte
	for _, wr := range []WR{reg, fenced, write, inv, write} {
		got = append(got, fences(qp, wr)...)
	}
	if !bytes.Equal(got, []byte{0x60, 0x80, 0, 0, 0}) || qp.NextFence != 0 {
		t.Errorf("five calls: % x, then %x", got, qp.NextFence)
	}
	if got := fences(newQP(t, 16, 0), fenced, WR{Op: OpRegMR, Flags: SendFence | SendSolicited, MR: klmMR(1)}); !bytes.Equal(got, []byte{0x40, 0x62}) {
		t.Errorf("fence flags: % x", got)
	}
}

func TestRefusals(t *testing.T) {
	good := WR{Op: OpSend}
	atomic := regWR(klmMR(1))
	atomic.Access |= AccessRemoteAtomic
	relaxed := regWR(klmMR(1))
	relaxed.Access |= AccessRelaxedOrdering
	inline := regWR(klmMR(1))
	inline.Flags |= SendInline
	for _, c := range []struct {
		name    string
		bad     WR
		set     func(*QP)
		err     int
		written int // bytes in the refused WQE's place
	}{
		{"REG_MR inline", inline, nil, -22, 8},
		{"REG_MR atomic", atomic, func(q *QP) { q.CapAtomic, q.CapUMRModifyAtomicDisabled = true, true }, -22, 8},
		{"REG_MR relaxed ordering of writes", relaxed, func(q *QP) { q.CapROWrite = true }, -22, 8},
		{"REG_MR relaxed ordering of reads", relaxed, func(q *QP) { q.CapRORead, q.CapROWrite, q.CapROWriteUMR = true, true, true }, -22, 8},
		{"REG_MR without a region", WR{Op: OpRegMR}, nil, -22, 0},
		{"no operation", WR{}, nil, -22, 0},
		{"unknown operation", WR{Op: 200}, nil, -22, 0},
		{"too many entries", WR{Op: OpSend, SGEs: make(sg.List, 3)}, func(q *QP) { q.MaxGS = 2 }, -22, 0},
		{"more entries than a WQE holds", WR{Op: OpRDMAWrite, SGEs: make(sg.List, 62)}, nil, -22, 0},
		{"queue full", good, func(q *QP) { q.MaxPost = 1 }, -12, 0},
		{"send inline", WR{Op: OpSend, Flags: SendInline, SGEs: sg.List{{Len: 1}}}, nil, -12, 8},
	} {
		qp := newQP(t, 16, 15)
		if c.set != nil {
			c.set(qp)
		}
		r := qp.PostSend([]WR{good, c.bad, good})
		if r != (PostResult{c.err, 1, 1}) {
			t.Errorf("%s: %+v", c.name, r)
		}
		if qp.CurPost != 16 || qp.DBRec != 16 || qp.Head != 1 || qp.NextFence != 0 {
			t.Errorf("%s: cur_post %d, doorbell record %d, head %d, fence %x", c.name, qp.CurPost, qp.DBRec, qp.Head, qp.NextFence)
		}
		place := qp.Ring.At(16, 0)
		if n := len(place) - bytes.Count(place, []byte{fill}); n != c.written {
			t.Errorf("%s: %d bytes written: % x", c.name, n, place)
		}
		// The doorbell goes with the WQE begun last.
		want := []byte{0, 0, 0x0f, 0x0a, 0, 0x12, 0x34, 1}
		if c.written > 0 {
			want = bytes.Repeat([]byte{fill}, 8)
		}
		if !bytes.Equal(qp.Doorbell[:], want) {
			t.Errorf("%s: doorbell % x, want % x", c.name, qp.Doorbell, want)
		}
	}
}

// Rights that the device can change are not refused.
func TestReconfigAllowed(t *testing.T) {
	wr := regWR(klmMR(1))
	wr.Access |= AccessRemoteAtomic | AccessRelaxedOrdering
	for _, set := range []func(*QP){
		func(*QP) {},
		func(q *QP) { q.CapAtomic = true },
		func(q *QP) { q.CapUMRModifyAtomicDisabled = true },
		func(q *QP) { q.CapROWrite, q.CapROWriteUMR, q.CapRORead, q.CapROReadUMR = true, true, true, true },
	} {
		qp := newQP(t, 16, 0)
		set(qp)
		if r := qp.PostSend([]WR{wr}); r.Err != 0 {
			t.Errorf("%+v refused: %+v", qp, r)
		}
	}
}

func TestNothingPosted(t *testing.T) {
	qp := newQP(t, 16, 3)
	if r := qp.PostSend(nil); r != (PostResult{0, -1, 0}) || qp.Rings != 0 || qp.DBRec != 0 {
		t.Errorf("empty chain: %+v, %+v", r, qp)
	}
	if r := qp.PostSend([]WR{{}}); r != (PostResult{-22, 0, 0}) || qp.Rings != 0 {
		t.Errorf("first refused: %+v, %+v", r, qp)
	}
	if r := new(QP).PostSend([]WR{{Op: OpSend}}); r.Err != -22 {
		t.Errorf("no ring: %+v", r)
	}
}

// Each kind of transfer at every place of the ring, decoded as a device would.
func TestTransfers(t *testing.T) {
	sges := sg.List{{Addr: 0x1000, Len: 5, Lkey: 7}, {Addr: 1}, {Addr: 0x2000, Len: 6, Lkey: 8}, {Addr: 0x3000, Len: 7, Lkey: 9}}
	for _, c := range []struct {
		op  Op
		wqe mlx5model.Opcode
		imm uint32
		ds  uint8
	}{
		{OpRDMAWrite, mlx5model.OpRDMAWrite, 0, 5},
		{OpRDMAWriteImm, mlx5model.OpRDMAWriteImm, 0xaabbccdd, 5},
		{OpRDMARead, mlx5model.OpRDMARead, 0, 5},
		{OpSend, mlx5model.OpSend, 0, 4},
		{OpSendImm, mlx5model.OpSendImm, 0xaabbccdd, 4},
		{OpSendInv, mlx5model.OpSendInval, 0x11223344, 4},
	} {
		for start := range uint16(4) {
			qp := newQP(t, 4, start)
			qp.SigAll = true
			wr := WR{Op: c.op, Flags: SendSolicited, Key: 0x11223344, Imm: 0xaabbccdd, RAddr: 0x123456789a, RKey: 0x5566, SGEs: sges}
			qp.PostSend([]WR{wr})
			raw := make([]byte, 128)
			qp.Ring.Read(uint32(start), 0, raw)
			var w mlx5model.WQE
			if err := mlx5model.Decode(raw, &w); err != nil {
				t.Fatal(err)
			}
			if w.Opcode != c.wqe || w.Imm != c.imm || w.DS != c.ds || w.FmCeSe != 0x0a || w.QPN != 0x1234 || w.Index != start {
				t.Errorf("op %d at %d: %+v", c.op, start, w.Ctrl)
			}
			if c.ds == 5 && (w.RAddr != wr.RAddr || w.RKey != wr.RKey) {
				t.Errorf("op %d at %d: remote %x key %x", c.op, start, w.RAddr, w.RKey)
			}
			var got sg.List
			for d := w.Data; len(d) > 0; d = d[16:] {
				s := mlx5model.ParseDataSeg(d)
				got = append(got, sg.Entry{Addr: s.Addr, Len: s.ByteCount, Lkey: s.Lkey})
			}
			if want := (sg.List{sges[0], sges[2], sges[3]}); len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
				t.Errorf("op %d at %d: data %v", c.op, start, got)
			}
		}
	}
}

// Inline data without bytes is the inline header alone.
func TestInlineWithoutBytes(t *testing.T) {
	qp := newQP(t, 4, 0)
	r := qp.PostSend([]WR{{Op: OpSend, Flags: SendInline, SGEs: make(sg.List, 2)}})
	if b := qp.Ring.Bytes(); r.Err != 0 || b[7] != 2 || !bytes.Equal(b[16:24], []byte{0x80, 0, 0, 0, fill, fill, fill, fill}) {
		t.Errorf("%+v: % x", r, b[:32])
	}
}

// A region whose page size is no power of two, or was never set, still gives a
// WQE: the driver takes the position of the highest bit.
func TestOddPageSize(t *testing.T) {
	for size, log := range map[uint32]byte{0: 0xff, 1: 0, 12288: 13, 1 << 31: 31} {
		mr := pageMR(1)
		mr.PageSize = size
		qp := newQP(t, 4, 0)
		qp.PostSend([]WR{regWR(mr)})
		if got := qp.Ring.Bytes()[0x7b]; got != log {
			t.Errorf("page size %d: log_page_size %#x, want %#x", size, got, log)
		}
	}
}

// The octoword count of the control segment has 16 bits, the one of the mkey
// context 32.
func TestLongLists(t *testing.T) {
	mr := &MR{Mode: mlx5model.ModeKLM, NDescs: 1 << 16, Descs: make([]byte, 1<<20)}
	qp := newQP(t, 4, 0)
	qp.PostSend([]WR{regWR(mr)})
	b := qp.Ring.Bytes()
	if xlt := hex.EncodeToString(b[0x14:0x16]); xlt != "0000" {
		t.Errorf("xlt_octowords %s", xlt)
	}
	if size := hex.EncodeToString(b[0x74:0x78]); size != "00010000" {
		t.Errorf("translations_octword_size %s", size)
	}
	if n := hex.EncodeToString(b[0x80:0x84]); n != "00100000" {
		t.Errorf("pointer byte_count %s", n)
	}
}

func TestPostAllocatesNothing(t *testing.T) {
	qp := newQP(t, 64, 0)
	wrs := []WR{regWR(klmMR(4)), {Op: OpRDMAWrite, SGEs: entries(0, 1, 2, 3)}, {Op: OpLocalInv}}
	if n := testing.AllocsPerRun(100, func() { qp.PostSend(wrs) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCreateContexts(t *testing.T) {
	mem, gaps := MemRegContext(5, 0xff123456, 7), SGGapsContext(4, 0x42, 8)
	mw, dma := MWContext(0, 0x42, 9, true), DMAMRContext(0x42)
	for _, c := range []struct {
		name string
		ctx  mlx5model.MkeyContext
		want string // context bytes 0-Fh and 30-3Fh
	}{
		{"memory registration", mem, "40008500ffffff070000000000123456" + "00000000000000080000000c00000000"},
		{"gaps", gaps, "40008600ffffff080000000000000042" + "00000000000000040000000000000000"},
		{"window", mw, "40008600ffffff090000000001000042" + "00000000000000040000000000000000"},
		{"local DMA key", dma, "00000c00ffffff000000000080000042" + "00000000000000000000000000000000"},
	} {
		in := CreateMkeyIn(&c.ctx)
		if got := hex.EncodeToString(in[0x10:0x20]) + hex.EncodeToString(in[0x40:0x50]); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if in[0] != 2 || !bytes.Equal(in[0x20:0x40], make([]byte, 32)) || !bytes.Equal(in[0x50:], make([]byte, 192)) {
			t.Errorf("%s: % x", c.name, in)
		}
	}
}
