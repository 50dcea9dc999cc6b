package sendq

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// both runs f on the assembly, where there is one, and on the portable code.
func both(t *testing.T, f func(t *testing.T)) {
	for _, on := range implementations() {
		t.Run(on.name, func(t *testing.T) {
			defer on.use()()
			f(t)
		})
	}
}

// entries are n entries, with the odd ones among them if odd is set: empty,
// longest, at the top of the address space and across it.
func entries(r *rand.Rand, n int, odd bool) []sg.Entry {
	l := make([]sg.Entry, n)
	for i := range l {
		l[i] = sg.Entry{Addr: r.Uint64(), Len: r.Uint32(), Lkey: r.Uint32()}
		if !odd {
			l[i].Addr >>= 1
			l[i].Len |= 1
			continue
		}
		switch r.IntN(8) {
		case 0:
			l[i].Len = 0
		case 1:
			l[i].Len = 1<<32 - 1
		case 2:
			l[i].Addr = -uint64(l[i].Len)
		case 3:
			l[i].Addr = -uint64(l[i].Len) - 1
		case 4:
			l[i].Addr = ^uint64(0)
		}
	}
	return l
}

// wireList is a padded list by the structures of mlx5model.
func wireList(l []sg.Entry) []byte {
	b := make([]byte, mlx5model.AlignUp(uint64(len(l))*mlx5model.KLMSize, mlx5model.WQEBBSize))
	for i, e := range l {
		k := mlx5model.KLM{ByteCount: e.Len, Key: e.Lkey, VA: e.Addr}
		k.Put(b[i*mlx5model.KLMSize:])
	}
	return b
}

// Every length at every place of rings of every small size, over two fills: the
// list is where it belongs and nothing else is written.
func TestPutList(t *testing.T) {
	both(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for wqebbs := 1; wqebbs <= 32; wqebbs *= 2 {
			for n := range 4*wqebbs + 1 {
				for pi := range uint32(wqebbs) {
					list := entries(r, n, true)
					for _, fill := range []byte{0x00, 0xcc} {
						got, want := newRing(t, wqebbs, fill), newRing(t, wqebbs, fill)
						want.Write(pi, mlx5model.UMRDataOff, wireList(list))
						if PutList(got, pi, list); !bytes.Equal(got.Bytes(), want.Bytes()) {
							t.Fatalf("%d entries at %d of %d, fill %#x:\n got %x\nwant %x", n, pi, wqebbs, fill, got.Bytes(), want.Bytes())
						}
					}
				}
			}
		}
	})
}

// What is pushed is what the ring holds, from every place, and no more.
func TestPush(t *testing.T) {
	both(t, func(t *testing.T) {
		ring := newRing(t, 8, 0)
		for i := range ring.Bytes() {
			ring.Bytes()[i] = byte(i*7 + i>>8)
		}
		for pi := range uint32(16) {
			for n := range uint32(9) {
				got, want := bytes.Repeat([]byte{0xcc}, 600), bytes.Repeat([]byte{0xcc}, 600)
				ring.Read(pi, 0, want[:n*mlx5model.WQEBBSize])
				if Push(got, ring, pi, n); !bytes.Equal(got, want) {
					t.Fatalf("%d WQEBBs at %d: %x, want %x", n, pi, got, want)
				}
			}
		}
	})
}

func newRing(t testing.TB, wqebbs int, fill byte) *mlx5model.Ring {
	t.Helper()
	r, err := mlx5model.NewRing(wqebbs)
	if err != nil {
		t.Fatal(err)
	}
	r.Fill(fill)
	return r
}

// What Scan says of each list is what its entries say one by one.
func TestScan(t *testing.T) {
	both(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		var wraps, empty int
		for i := range 4000 {
			l := entries(r, 1+i%37, i%3 == 0)
			want := Facts{Least: 1<<32 - 1}
			for _, e := range l {
				want.Total += uint64(e.Len)
				want.Least, want.Most = min(want.Least, e.Len), max(want.Most, e.Len)
				want.Wraps = want.Wraps || e.Len > 0 && e.Addr > -uint64(e.Len)-1
			}
			if got := Total(l); got != want.Total {
				t.Fatalf("%v: total %d, want %d", l, got, want.Total)
			}
			if got := Scan(l); got != want {
				t.Fatalf("%v: %+v, want %+v", l, got, want)
			}
			if want.Wraps {
				wraps++
			}
			if want.Least == 0 {
				empty++
			}
		}
		if wraps < 100 || empty < 100 {
			t.Errorf("%d lists that wrap and %d with empty entries are too few", wraps, empty)
		}
	})
}

// The words are the segments that mlx5model describes.
func TestWords(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		var got, want [2]Block
		ctrl := mlx5model.Ctrl{Index: uint16(r.Uint32()), Opcode: mlx5model.Opcode(r.Uint32()), QPN: r.Uint32() >> 8, DS: uint8(r.Uint32() & mlx5model.MaxDS),
			Signature: uint8(r.Uint32()), FmCeSe: uint8(r.Uint32()), Imm: r.Uint32()}
		umr := mlx5model.UMRCtrl{Flags: uint8(r.Uint32()) &^ mlx5model.UMROffsetEn, XltOctowords: uint16(r.Uint32()), BSFOctowords: uint16(r.Uint32()), Mask: r.Uint64()}
		mkc := mlx5model.MkeyContext{Mode: mlx5model.AccessMode(r.IntN(4)), Access: uint8(r.Uint32()) & mlx5model.AccRights, UMREn: true, QPN: r.Uint32() >> 8, Tag: uint8(r.Uint32()),
			BSFEn: true, EnRinval: true, PD: r.Uint32() & mlx5model.PDMask, Start: r.Uint64(), Len: r.Uint64(), XltOctowords: r.Uint32(), LogPageSize: uint8(r.Uint32() & 0x3f)}
		ctrl.Put(want[0][:])
		umr.Put(want[0][mlx5model.CtrlSize:])
		mkc.Put(want[1][:])
		PutWords(&got[0], Head(ctrl.Index, ctrl.Opcode, ctrl.QPN, uint32(ctrl.DS)), Flags(ctrl.Signature, ctrl.FmCeSe, ctrl.Imm),
			UMR(umr.Flags, umr.XltOctowords, umr.BSFOctowords), umr.Mask)
		PutContext(&got[1], Rights(mkc.Access|mlx5model.AccUMREn|uint8(mkc.Mode), mkc.QPN, mkc.Tag),
			mlx5model.FlagsBSFEn|mlx5model.FlagsEnRinval|uint64(mkc.PD), mkc.Start, mkc.Len, uint64(mkc.XltOctowords), Page(mkc.LogPageSize))
		if got != want {
			t.Fatalf("%+v %+v %+v:\n got %x\nwant %x", ctrl, umr, mkc, got, want)
		}
		var copied Block
		Copy(&copied, &got[0])
		if copied != got[0] {
			t.Fatalf("copy %x of %x", copied, got[0])
		}
	}
	if Free != Flags(mlx5model.MkeyFree, 0, 0) {
		t.Errorf("Free is %#x", uint64(Free))
	}
}

// A list shorter than a WQEBB leaves the rest of it.
func TestPutDescs(t *testing.T) {
	list := make([]byte, 64)
	for i := range list {
		list[i] = byte(i + 1)
	}
	for n := 0; n <= len(list); n += 8 {
		got, want := Block(bytes.Repeat([]byte{0xcc}, 64)), Block(bytes.Repeat([]byte{0xcc}, 64))
		copy(want[:], list[:n])
		if PutDescs(&got, list[:n]); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

// The blocks of a UMR are those that its counters fall on.
func TestUMRBlocks(t *testing.T) {
	for wqebbs := 1; wqebbs <= 16; wqebbs *= 2 {
		r := newRing(t, wqebbs, 0)
		for pi := range uint32(40) {
			a, b, c := UMRBlocks(r, pi)
			if a != At(r, pi) || b != At(r, pi+1) || c != At(r, pi+2) {
				t.Errorf("%d of %d: %p %p %p", pi, wqebbs, a, b, c)
			}
		}
	}
}

func TestAccess(t *testing.T) {
	for verbs := range uint32(64) {
		var want uint8
		for _, m := range []struct {
			verbs uint32
			bit   uint8
		}{{1, mlx5model.AccLW}, {2, mlx5model.AccRW}, {4, mlx5model.AccRR}, {8, mlx5model.AccA}} {
			if verbs&m.verbs != 0 {
				want |= m.bit
			}
		}
		if got := Access(verbs | 1<<20); got != want {
			t.Errorf("%#x: %#x, want %#x", verbs, got, want)
		}
	}
}
