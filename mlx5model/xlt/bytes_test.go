package xlt

import (
	"bytes"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model/internal/guard"
	"github.com/sgfuzz/sgfuzz/sg"
)

const (
	maxLen = 300
	canary = 0xa5
	margin = 64 // bytes of canary on either side
)

// arena is memory between two pages that cannot be touched, where the system
// has such.
type arena []byte

func newArena(t testing.TB, n int) arena { return guard.Pages(t, n) }

// behind gives n bytes that end where the arena does.
func (a arena) behind(n int) []byte { return a[len(a)-n:] }

// at gives n bytes that begin skew bytes behind a multiple of 64, with margins
// inside the arena.
func (a arena) at(skew, n int) []byte { return a[margin+skew:][:n] }

// check runs an op on memory that fill put canaries around and compares.
func check(t *testing.T, o *op, im *implementation, around, dst, src, in, want []byte, n int) {
	t.Helper()
	fill(around, canary)
	copy(src, in)
	o.run(im, dst, src, n)
	if !bytes.Equal(dst, want) {
		t.Fatalf("n = %d:\n got %x\nwant %x", n, dst, want)
	}
	if !bytes.Equal(src, in) {
		t.Fatalf("n = %d: the source was changed", n)
	}
	fill(dst, canary)
	if i := firstOther(around, canary); i >= 0 {
		t.Fatalf("n = %d: byte %d of %d around the destination was written", n, i, len(around))
	}
}

// TestEveryLength lays source and destination against the untouchable page
// behind them, then against the one in front, for every length.
func TestEveryLength(t *testing.T) {
	d, s := newArena(t, (maxLen+8)*16), newArena(t, (maxLen+8)*16)
	each(t, func(t *testing.T, o *op, im *implementation) {
		for n := range maxLen + 1 {
			in, want := o.random(n), o.want(o.random(n), n)
			out := n * o.out
			check(t, o, im, d[len(d)-min(len(d), out+margin):], d.behind(out), s.behind(n*o.in), in, want, n)
			check(t, o, im, d[:out+margin], d[:out], s[:n*o.in], in, want, n)
		}
	})
}

// TestEveryAlignment lays them at every byte of a cache line: every length with
// every alignment of either, and short lists with every pair.
func TestEveryAlignment(t *testing.T) {
	const pairs = 20
	d, s := newArena(t, (maxLen+16)*16), newArena(t, (maxLen+16)*16)
	each(t, func(t *testing.T, o *op, im *implementation) {
		for n := range maxLen + 1 {
			in, want := o.random(n), o.want(o.random(n), n)
			around := d[:3*margin+n*o.out]
			for a := range 64 {
				// 37 is odd: b takes every value too.
				b := (37*a + n) % 64
				check(t, o, im, around, d.at(a, n*o.out), s.at(b, n*o.in), in, want, n)
				for b := 0; n <= pairs && b < 64; b++ {
					check(t, o, im, around, d.at(a, n*o.out), s.at(b, n*o.in), in, want, n)
				}
			}
		}
	})
}

// TestKeyBits: a set bit of the key, the permission bits, an address or a
// count ends up in its place and nowhere else.
func TestKeyBits(t *testing.T) {
	for _, im := range implementations() {
		t.Run(im.name, func(t *testing.T) {
			for bit := range 64 {
				list := entries(21)
				for i := range list {
					list[i].Addr, list[i].Len, list[i].Lkey = 1<<bit, 1<<(bit%32), 1<<(31-bit%32)
				}
				got := make([]byte, 16*len(list))
				lkey := uint32(1) << (bit % 32)
				if im.klms(got, list, lkey); !bytes.Equal(got, refKLMs(list, constant(lkey))) {
					t.Fatalf("bit %d: KLMs %x", bit, got)
				}
				if im.keyed(got, list); !bytes.Equal(got, refKLMs(list, own)) {
					t.Fatalf("bit %d: KeyedKLMs %x", bit, got)
				}
				back := make([]sg.Entry, len(list))
				if im.entries(back, got); !bytes.Equal(raw(back), raw(list)) {
					t.Fatalf("bit %d: Entries %x", bit, back)
				}
				pages := make([]uint64, 37)
				got = got[:8*len(pages)]
				if im.mtts(got, pages, 1<<bit); !bytes.Equal(got, refMTTs(pages, 1<<bit)) {
					t.Fatalf("bit %d: MTTs %x", bit, got)
				}
				if im.run(got, 0, 0, 1<<bit); !bytes.Equal(got, refMTTs(pages, 1<<bit)) {
					t.Fatalf("bit %d: MTTRun %x", bit, got)
				}
				if im.run(got, 1<<bit, 1<<bit, 0); !bytes.Equal(got, refMTTs(refRun(1<<bit, 1<<bit, len(pages)), 0)) {
					t.Fatalf("bit %d: MTTRun by its step %x", bit, got)
				}
			}
		})
	}
}
