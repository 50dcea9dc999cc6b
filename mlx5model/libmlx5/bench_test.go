package libmlx5

import (
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// scale is a row to measure others by: 64 entries copied, nothing else.
func scale(b *testing.B) {
	b.Run("copy64", func(b *testing.B) {
		src, dst := goldenList(64), make([]sg.Entry, 64)
		for b.Loop() {
			copy(dst, src)
		}
	})
}

// BenchmarkMRList posts one UMR a doorbell, or eight in the rows that say so.
func BenchmarkMRList(b *testing.B) {
	scale(b)
	for _, batch := range []int{1, 8} {
		for _, n := range []int{1, 4, 16, 32, 48} {
			name := fmt.Sprint(n)
			if batch > 1 {
				name += fmt.Sprintf("x%d", batch)
			}
			b.Run(name, func(b *testing.B) {
				q := newQP(b, 256, 0)
				list := goldenList(n)
				b.ReportAllocs()
				for b.Loop() {
					q.Start()
					for range batch {
						q.MRList(key64, LocalWrite|RemoteRead, list)
					}
					if err := q.Complete(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPostMRList posts one UMR in one call; copy64 is the scale again.
func BenchmarkPostMRList(b *testing.B) {
	scale(b)
	for _, n := range []int{1, 4, 16, 32, 48} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			q := newQP(b, 1024, 0)
			list := goldenList(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := q.PostMRList(Inline|Signaled, key64, LocalWrite|RemoteRead, list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMRInterleaved(b *testing.B) {
	q := newQP(b, 256, 0)
	entries := make([]Interleaved, 47)
	b.ReportAllocs()
	for b.Loop() {
		q.Start()
		q.MRInterleaved(key64, LocalWrite|RemoteRead, 3, entries)
		if err := q.Complete(); err != nil {
			b.Fatal(err)
		}
	}
}
