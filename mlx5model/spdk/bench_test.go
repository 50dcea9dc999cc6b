package spdk

import (
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// BenchmarkUMR posts one UMR a doorbell. The row copy64 is the scale: 64
// entries copied, nothing else.
func BenchmarkUMR(b *testing.B) {
	b.Run("copy64", func(b *testing.B) {
		src, dst := goldenList(64), make([]sg.Entry, 64)
		for b.Loop() {
			copy(dst, src)
		}
	})
	for _, n := range []int{1, 4, 16, 32, 48} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			q := newQP(b, 256, SigNone, 0)
			list := goldenList(n)
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
