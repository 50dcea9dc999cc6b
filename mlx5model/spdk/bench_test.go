package spdk

import (
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// BenchmarkUMR posts one UMR a doorbell, in one call or, in the rows that say
// so, in two. The row copy64 is the scale: 64 entries copied, nothing else.
func BenchmarkUMR(b *testing.B) {
	b.Run("copy64", func(b *testing.B) {
		src, dst := goldenList(64), make([]sg.Entry, 64)
		for b.Loop() {
			copy(dst, src)
		}
	})
	for _, n := range []int{1, 4, 16, 32, 48} {
		q, list := newQP(b, 256, SigNone, 0), goldenList(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.TxAvailable = 256
				if err := q.PostUMR(0xabcd42, 4096, list, mlx5model.CtrlCEAlways); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%d-two-calls", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.TxAvailable = 256
				if err := q.UMRConfigure(0xabcd42, 4096, list, mlx5model.CtrlCEAlways); err != nil {
					b.Fatal(err)
				}
				q.CompleteSend()
			}
		})
	}
}
