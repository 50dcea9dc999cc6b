package spdk

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/sg"
)

// BenchmarkUMR posts one UMR a doorbell, in one call and in two, beside a scale:
// 64 entries copied, nothing else. They take turns, at least 31, and what is
// reported are medians, in nanoseconds and as ratios to the scale in the same
// turn.
func BenchmarkUMR(b *testing.B) {
	for _, n := range []int{1, 4, 16, 32, 48} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmarkUMR(b, n)
		})
	}
}

func benchmarkUMR(b *testing.B, n int) {
	const (
		wqebbs      = 1024
		leastRounds = 31
		reps        = 4000 // in a turn
	)
	q, list := newQP(b, wqebbs, SigNone, 0), goldenList(n)
	from, to := goldenList(64), make([]sg.Entry, 64)
	contenders := []func(){
		func() {
			for range reps {
				copy(to, from)
			}
		},
		func() {
			for range reps {
				q.TxAvailable = wqebbs
				if err := q.PostUMR(0xabcd42, 4096, list, 0); err != nil {
					b.Fatal(err)
				}
			}
		},
		func() {
			for range reps {
				q.TxAvailable = wqebbs
				if err := q.UMRConfigure(0xabcd42, 4096, list, 0); err != nil {
					b.Fatal(err)
				}
				q.CompleteSend()
			}
		},
	}
	ns := make([][]float64, len(contenders)) // of one, for each round
	for round := range max(b.N, leastRounds) {
		for i := range contenders {
			i = (i + round) % len(contenders)
			start := time.Now()
			contenders[i]()
			ns[i] = append(ns[i], float64(time.Since(start).Nanoseconds())/reps)
		}
	}
	const scale, oneCall, twoCalls = 0, 1, 2
	b.ReportMetric(0, "ns/op") // of a round, which says nothing
	for i, name := range []string{scale: "copy64", oneCall: "one-call", twoCalls: "two-calls"} {
		ratios := make([]float64, len(ns[i]))
		for j := range ratios {
			ratios[j] = ns[i][j] / ns[scale][j]
		}
		if i != scale {
			b.ReportMetric(median(ratios), name+"/copy64")
		}
		b.ReportMetric(median(slices.Clone(ns[i])), name+"-ns")
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
