package linux

import (
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

var benchSizes = []int{1, 4, 16, 64, 256}

// scale is a row to measure others by: 64 entries copied, nothing else.
func scale(b *testing.B) {
	b.Run("copy64", func(b *testing.B) {
		src, dst := pageList(64), make([]sg.Entry, 64)
		for b.Loop() {
			copy(dst, src)
		}
	})
}

// BenchmarkMapping maps lists of one page an entry.
func BenchmarkMapping(b *testing.B) {
	scale(b)
	for _, n := range benchSizes {
		l, dst := pageList(n), make([]byte, n*mlx5model.KLMSize)
		for _, f := range []struct {
			name string
			run  func()
		}{
			{"MapPages", func() { _, _ = MapPages(dst, l, Pos{}, 4096, n) }},
			{"SGToPages", func() { SGToPages(dst, n, l, nil, 4096) }},
			{"MapKLMs", func() { _, _ = MapKLMs(dst, l, Pos{}, 1, n, 0) }},
			{"SGToKLMs", func() { SGToKLMs(dst, n, l, nil, 1) }},
		} {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) {
				for b.Loop() {
					f.run()
				}
			})
		}
	}
}

// BenchmarkMapRun maps one entry of n pages.
func BenchmarkMapRun(b *testing.B) {
	scale(b)
	for _, n := range benchSizes {
		l, dst := sg.List{{Addr: 1 << 20, Len: uint32(n) * 4096}}, make([]byte, n*mlx5model.MTTSize)
		b.Run(fmt.Sprint("MapPages/", n), func(b *testing.B) {
			for b.Loop() {
				_, _ = MapPages(dst, l, Pos{}, 4096, n)
			}
		})
		b.Run(fmt.Sprint("SGToPages/", n), func(b *testing.B) {
			for b.Loop() {
				SGToPages(dst, n, l, nil, 4096)
			}
		})
	}
}

// BenchmarkRegister maps a list and posts the registration: the kernel's
// mapping by one call in the rows named Register and by two in those named
// MapSG, the corrected one in the others.
func BenchmarkRegister(b *testing.B) {
	scale(b)
	for _, mode := range []mlx5model.AccessMode{mlx5model.ModeKLM, mlx5model.ModeMTT} {
		for _, n := range benchSizes {
			l := pageList(n)
			qp := newQP(b, 256, 0)
			mr := &MR{Mode: mode, MaxDescs: n, DescMap: 0x300000800, Descs: make([]byte, n*mlx5model.KLMSize)}
			wrs := []WR{regWR(mr)}
			b.Run(fmt.Sprintf("MapSG/%v/%d", mode, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					mr.MapSG(l, nil, 4096, 0x1800)
					qp.PostSend(wrs)
				}
			})
			b.Run(fmt.Sprintf("Register/%v/%d", mode, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					qp.Register(&wrs[0], l, 4096, 0x1800)
				}
			})
			b.Run(fmt.Sprintf("Map/%v/%d", mode, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var m Mapping
					if mode == mlx5model.ModeKLM {
						m, _ = MapKLMs(mr.Descs, l, Pos{}, 0x1800, n, 0)
					} else {
						m, _ = MapPages(mr.Descs, l, Pos{}, 4096, n)
					}
					mr.SetMapping(m, 4096)
					qp.PostSend(wrs)
				}
			})
		}
	}
}

// BenchmarkPostRegMR posts registrations of mapped regions, n a doorbell.
func BenchmarkPostRegMR(b *testing.B) {
	scale(b)
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			qp := newQP(b, 256, 0)
			var wrs []WR
			for range n {
				wrs = append(wrs, regWR(klmMR(4)))
			}
			for b.Loop() {
				qp.PostSend(wrs)
			}
		})
	}
}
