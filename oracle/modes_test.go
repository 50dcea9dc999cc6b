package oracle

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestSampledAgreesWithFull registers random lists through a mapping with one
// flipped bit and demands the same verdict, check by check, whether every byte
// is moved or only borders and samples.
func TestSampledAgreesWithFull(t *testing.T) {
	const seed = 20
	rng := rand.New(rand.NewPCG(seed, 0))
	found := 0
	for i := range 400 {
		l := make(sg.List, 1+rng.IntN(12))
		for k := range l {
			l[k] = sg.Entry{Addr: rng.Uint64N(1<<40) << 3, Len: 1 + rng.Uint32N(1<<uint(rng.IntN(15)))}
		}
		entry, bit := rng.IntN(len(l)), rng.IntN(128)
		var got [2][]Check
		for full := range 2 {
			g := newRig(t, l)
			g.o.Full = full == 1
			if i%4 != 0 {
				withMapper(g, func(dst []byte, m *linux.Mapping) {
					dst[entry*16+bit/8] ^= 1 << (bit % 8)
				})
			}
			g.register(reg.Indirect{})
			got[full] = g.judge()
		}
		if fmt.Sprint(got[0]) != fmt.Sprint(got[1]) {
			t.Fatalf("seed %d, list %d %v, bit %d of KLM %d: sampled %v, full %v", seed, i, l, bit, entry, got[0], got[1])
		}
		if i%4 != 0 && len(got[0]) == 0 {
			t.Errorf("seed %d, list %d %v: bit %d of KLM %d flipped, nothing found", seed, i, l, bit, entry)
		}
		if len(got[0]) > 0 {
			found++
		}
	}
	if found == 0 {
		t.Error("no mutation was found")
	}
}

// TestLongestPagePrefix compares the reference with a byte-by-byte reading of
// the page rule on every small list.
func TestLongestPagePrefix(t *testing.T) {
	const page, space = 4, 12
	var entries []sg.Entry
	for a := uint64(0); a < space; a++ {
		for n := uint32(0); a+uint64(n) <= space; n++ {
			entries = append(entries, sg.Entry{Addr: a, Len: n})
		}
	}
	lists := 0
	for _, x := range entries {
		for _, y := range entries {
			l := sg.List{x, y, {Addr: 8, Len: 4}}
			for pages := uint64(1); pages <= 3; pages++ {
				lists++
				if got, want := longestPagePrefix(l, linux.Pos{}, page, pages), bytePrefix(l, page, pages); got != want {
					t.Fatalf("%v, %d pages: %d bytes, want %d", l, pages, got, want)
				}
			}
		}
	}
	t.Logf("%d lists", lists)
}

// bytePrefix walks the stream byte by byte: byte i of the region must be at
// place (start+i) mod page of page number (start+i)/page of the list.
func bytePrefix(l sg.List, page, pages uint64) uint64 {
	var table []uint64
	var start, i uint64
	for _, e := range l {
		for k := range uint64(e.Len) {
			a := e.Addr + k
			if i == 0 {
				start = a % page
			}
			at := start + i
			if at%page != a%page {
				return i
			}
			switch n := at / page; {
			case n < uint64(len(table)):
				if table[n] != a/page {
					return i
				}
			case uint64(len(table)) == pages:
				return i
			default:
				table = append(table, a/page)
			}
			i++
		}
	}
	return i
}
