package ofed

import (
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// BenchmarkRegIndir fills the list and posts the registration. The row copy64
// is the scale: 64 entries copied, nothing else.
func BenchmarkRegIndir(b *testing.B) {
	entries := make([]sg.Entry, 256)
	for i := range entries {
		entries[i] = sg.Entry{Addr: uint64(i) << 13, Len: 4096, Lkey: 0x181a00}
	}
	b.Run("copy64", func(b *testing.B) {
		dst := make([]sg.Entry, 64)
		for b.Loop() {
			copy(dst, entries[:64])
		}
	})
	for _, n := range []int{1, 4, 16, 64, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			q := newQP(b, 256, 0)
			wr := exampleWR()
			wr.List, wr.ListLen = &IndirList{Entries: entries[:n], Buf: make([]byte, n*mlx5model.KLMSize)}, uint32(n)
			wrs := []WR{wr}
			b.ReportAllocs()
			for b.Loop() {
				if r := q.PostSend(wrs); r.Err != 0 {
					b.Fatal(r)
				}
			}
		})
	}
}
