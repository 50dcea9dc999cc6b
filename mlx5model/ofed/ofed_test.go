package ofed

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

func newQP(t testing.TB, wqebbs int, fill byte) *QP {
	t.Helper()
	ring, err := mlx5model.NewRing(wqebbs)
	if err != nil {
		t.Fatal(err)
	}
	ring.Fill(fill)
	return &QP{Ring: ring, QPN: 0x1234, PDN: 0x42, PALkey: 0x1800}
}

func exampleList() *IndirList {
	return &IndirList{
		Entries: []sg.Entry{
			{Addr: 0x7f0000001000, Len: 0x200, Lkey: 0x181a00},
			{Addr: 0x7f0000011010, Len: 0x300, Lkey: 0x181a01},
			{Addr: 0x7f0000021020, Len: 0x400, Lkey: 0x181a02},
		},
		Buf: make([]byte, 64),
		DMA: 0x300000800,
	}
}

func exampleWR() WR {
	return WR{Op: OpRegIndirMR, Flags: SendSignaled, Key: 0xabcd5a, Access: LocalWrite | RemoteRead | RemoteWrite,
		IOVA: 0x10000, Length: 0x900, List: exampleList(), ListLen: 3}
}

func unhex(t *testing.T, text string, fill byte) []byte {
	t.Helper()
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), ""), "xx", hex.EncodeToString([]byte{fill}))
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Computed from the rules of the original driver; xx is unwritten.
const goldenReg = `
	00000525 00123409 00000008 00abcd5a  20000000 00040000 00000000 203e2143
	00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
	0000be00 ffffff5a 00000000 01000042  00000000 00010000 00000000 00000900
	00000000 00000000 00000000 00000000  00000000 00000004 00000000 00000000
	00000040 00001800 00000003 00000800  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
	xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx`

const goldenList = `
	00000200 00181a00 00007f00 00001000  00000300 00181a01 00007f00 00011010
	00000400 00181a02 00007f00 00021020  00000000 00000000 00000000 00000000`

const goldenInv = `
	00000525 00123408 00000008 00abcd5a  80000000 00000000 00000000 20000000
	00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
	40000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
	00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`

func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		name string
		wr   WR
		want string
	}{
		{"registration", exampleWR(), goldenReg},
		{"invalidate", WR{Op: OpLocalInv, Flags: SendSignaled, Key: 0xabcd5a}, goldenInv},
	} {
		for _, fill := range []byte{0x00, 0xcc} {
			q := newQP(t, 32, fill)
			q.CurPost = 5
			if r := q.PostSend([]WR{tt.wr}); r != (PostResult{BadWR: -1, NReq: 1}) {
				t.Fatalf("%s: %+v", tt.name, r)
			}
			want := unhex(t, tt.want, fill)
			got := make([]byte, len(want))
			q.Ring.Read(5, 0, got)
			if !bytes.Equal(got, want) {
				t.Errorf("%s, fill %#x:\ngot  %x\nwant %x", tt.name, fill, got, want)
			}
			if used := int(q.CurPost-5) * mlx5model.WQEBBSize; used != len(want) || q.DBRec != uint32(q.CurPost) || !bytes.Equal(q.Doorbell[:], want[:8]) {
				t.Errorf("%s: %d bytes used, doorbell record %d, doorbell %x", tt.name, used, q.DBRec, q.Doorbell)
			}
		}
	}
	if l := exampleWR().List; !l.fill(3) || !bytes.Equal(l.Buf, unhex(t, goldenList, 0)) {
		t.Errorf("list %x", l.Buf)
	}
}

// The strict decoder, under this dialect's rules, has nothing against what
// PostSend writes.
func TestPassesStrict(t *testing.T) {
	for _, fill := range []byte{0x00, 0xcc} {
		q := newQP(t, 32, fill)
		q.WQSig = true
		wrs := []WR{exampleWR(), {Op: OpLocalInv, Flags: SendFence, Key: 0xabcd5a}, exampleWR(),
			{Op: OpRDMAWrite, Flags: SendFence, RAddr: 1, RKey: 2, SGEs: exampleList().Entries}, {Op: OpSend}}
		if r := q.PostSend(wrs); r.Err != 0 {
			t.Fatalf("%+v", r)
		}
		n := 0
		for pi := uint32(0); pi < uint32(q.CurPost); n++ {
			var w mlx5model.WQE
			ds := mlx5model.ParseCtrl(q.Ring.At(pi, 0)).DS
			raw := make([]byte, int(ds)*mlx5model.DSSize)
			q.Ring.Read(pi, 0, raw)
			if err := mlx5model.DecodeStrict(raw, &Rules, &w); err != nil {
				t.Errorf("work request %d: %v", n, err)
			}
			pi += mlx5model.WQEBBs(ds)
		}
		if n != len(wrs) {
			t.Errorf("%d WQEs, want %d", n, len(wrs))
		}
	}
}

// A shorter list leaves the end of an earlier one behind it.
func TestListKeepsTail(t *testing.T) {
	l := exampleList()
	l.fill(3)
	was := bytes.Clone(l.Buf[16:])
	l.Entries[0].Len = 9
	l.fill(1)
	if !bytes.Equal(l.Buf[16:], was) || l.Buf[3] != 9 {
		t.Errorf("list %x", l.Buf)
	}
}

// Fence bytes of chains; separate calls are separate chains.
func TestFences(t *testing.T) {
	reg := func(flags uint8) WR { w := exampleWR(); w.Flags = flags; return w }
	inv := func(flags uint8) WR { return WR{Op: OpLocalInv, Flags: flags} }
	write := func(flags uint8) WR { return WR{Op: OpRDMAWrite, Flags: flags} }
	for _, tt := range []struct {
		name  string
		calls [][]WR
		want  string
	}{
		{"one call", [][]WR{{reg(0), write(SendFence), write(0), inv(0), write(0)}}, "00 80 20 20 20"},
		{"separate calls", [][]WR{{reg(0)}, {write(SendFence)}, {write(0)}, {inv(0)}, {write(0)}, {write(0)}}, "00 80 00 00 20 00"},
		{"nothing pending", [][]WR{{reg(SendFence)}}, "00"},
		{"fence flag alone does nothing", [][]WR{{write(SendFence), write(SendFence)}}, "00 00"},
		{"registration after registration", [][]WR{{reg(0), reg(0), reg(SendFence)}}, "00 20 80"},
		{"fenced invalidate", [][]WR{{inv(SendFence), inv(SendFence), write(0)}}, "60 60 20"},
		{"across calls", [][]WR{{write(0), inv(0)}, {write(0), write(0)}}, "00 00 20 00"},
	} {
		q := newQP(t, 64, 0)
		var got []string
		for _, call := range tt.calls {
			from := uint32(q.CurPost)
			if r := q.PostSend(call); r.Err != 0 {
				t.Fatalf("%s: %+v", tt.name, r)
			}
			for range call {
				c := mlx5model.ParseCtrl(q.Ring.At(from, 0))
				got = append(got, fmt.Sprintf("%02x", c.FmCeSe))
				from += mlx5model.WQEBBs(c.DS)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	with := func(change func(w *WR)) WR { w := exampleWR(); change(&w); return w }
	for _, tt := range []struct {
		name string
		wr   WR
		want int
		at8  bool // bytes 8 to Fh of the slot were written
	}{
		{"inline", with(func(w *WR) { w.Flags |= SendInline }), errINVAL, true},
		{"no list", with(func(w *WR) { w.List = nil }), errINVAL, true},
		{"longer than its entries", with(func(w *WR) { w.ListLen = 4 }), errINVAL, true},
		{"longer than its buffer", with(func(w *WR) { w.List.Buf = w.List.Buf[:47] }), errINVAL, true},
		{"no op", WR{}, errINVAL, false},
		{"unknown op", WR{Op: opEnd}, errINVAL, false},
		{"more data than a WQE", WR{Op: OpSend, SGEs: make([]sg.Entry, 62)}, errNOMEM, false},
	} {
		q := newQP(t, 32, 0xcc)
		r := q.PostSend([]WR{{Op: OpSend}, tt.wr, {Op: OpSend}})
		if r != (PostResult{Err: tt.want, BadWR: 1, NReq: 1}) || q.CurPost != 1 || q.DBRec != 1 || q.FMCache != 0 || q.Head != 1 {
			t.Errorf("%s: %+v, %+v", tt.name, r, q)
		}
		slot := bytes.Repeat([]byte{0xcc}, 64)
		if tt.at8 {
			copy(slot[8:], unhex(t, "00000008 00abcd5a", 0))
		}
		if got := q.Ring.At(1, 0); !bytes.Equal(got, slot) {
			t.Errorf("%s: slot %x, want %x", tt.name, got, slot)
		}
	}
	q := newQP(t, 32, 0)
	q.MaxPost = 2
	if r := q.PostSend([]WR{{Op: OpSend}, {Op: OpSend}, {Op: OpSend}}); r != (PostResult{Err: errNOMEM, BadWR: 2, NReq: 2}) {
		t.Errorf("full queue: %+v", r)
	}
	if r := newQP(t, 2, 0).PostSend([]WR{exampleWR()}); r.Err != errNOMEM {
		t.Errorf("WQE longer than the ring: %+v", r)
	}
}

// Octowords of the control segment, of the mkey context, and bytes of the
// pointer. The length is not checked; 16 bits wrap.
func TestListLengths(t *testing.T) {
	for _, tt := range []struct{ n, octowords, bytes uint32 }{
		{0, 0, 0}, {1, 4, 64}, {4, 4, 64}, {5, 8, 128}, {65532, 65532, 65532 * 16}, {65533, 0, 1 << 20}, {65537, 4, 65540 * 16},
	} {
		w := exampleWR()
		w.ListLen, w.List.Entries = tt.n, nil // in place already
		q := newQP(t, 32, 0)
		if r := q.PostSend([]WR{w}); r.Err != 0 {
			t.Fatalf("%d: %+v", tt.n, r)
		}
		var d mlx5model.WQE
		if err := mlx5model.Decode(q.Ring.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		size := mlx5model.ParseDataSeg(q.Ring.At(0, mlx5model.UMRDataOff)).ByteCount
		if uint32(d.UMR.XltOctowords) != tt.octowords || d.Mkey.XltOctowords != tt.octowords || size != tt.bytes {
			t.Errorf("%d entries: %d, %d octowords, %d bytes", tt.n, d.UMR.XltOctowords, d.Mkey.XltOctowords, size)
		}
	}
}

// Wherever in the ring a registration starts, it is the one at position 0 but
// for its index.
func TestWrapEverywhere(t *testing.T) {
	run := func(pi uint16) []byte {
		q := newQP(t, 8, 0x5c)
		q.CurPost, q.WQSig = pi, true
		q.PostSend([]WR{exampleWR(), {Op: OpRDMAWrite, RAddr: 1, RKey: 2, SGEs: make(sg.List, 9)}, {Op: OpLocalInv}})
		b := make([]byte, 8*mlx5model.WQEBBSize)
		q.Ring.Read(uint32(pi), 0, b)
		for at := 0; at < int(q.CurPost-pi); at += int(mlx5model.WQEBBs(b[at*64+7])) {
			if c := mlx5model.ParseCtrl(b[at*64:]); c.Index != pi+uint16(at) || c.Signature != 0xff {
				t.Fatalf("at %d+%d: %+v", pi, at, c)
			}
			b[at*64+1], b[at*64+2] = 0, 0
		}
		return b
	}
	want := run(0)
	for _, base := range []uint16{0, 1<<16 - 8} {
		for pi := base; pi != base+8; pi++ {
			if got := run(pi); !bytes.Equal(got, want) {
				t.Fatalf("at %d:\ngot  %x\nwant %x", pi, got, want)
			}
		}
	}
}

func TestMkeyContext(t *testing.T) {
	for _, tt := range []struct{ max, want uint32 }{{0, 4}, {1, 8}, {4, 8}, {5, 12}, {256, 260}} {
		c := MkeyContext(tt.max, 0x42, 0x5a)
		var b [mlx5model.MkeySize]byte
		c.Put(b[:])
		if c.XltOctowords != tt.want || hex.EncodeToString(b[:0x10]) != "40008200ffffff5a0000000000000042" {
			t.Errorf("%d: %d octowords, %x", tt.max, c.XltOctowords, b[:0x10])
		}
	}
}

func TestAllocs(t *testing.T) {
	q := newQP(t, 64, 0)
	wrs := []WR{exampleWR(), {Op: OpLocalInv}}
	if n := testing.AllocsPerRun(100, func() { q.PostSend(wrs) }); n != 0 {
		t.Errorf("%v allocations per call, want 0", n)
	}
}
