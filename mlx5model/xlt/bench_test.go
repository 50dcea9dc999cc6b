package xlt

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

// contender does reps times the same piece of work, so that the call of it
// costs nothing.
type contender struct {
	name string
	run  func(reps int)
}

// memory is what the contenders over n elements work on.
type memory struct {
	n          int
	list       []sg.Entry
	pages      []uint64
	klms, mtts []byte
}

func newMemory(n int) *memory {
	m := &memory{n, apart[sg.Entry](0, n), apart[uint64](0, n), apart[byte](1, n*KLMSize), apart[byte](1, n*MTTSize)}
	copy(m.list, entries(n))
	KLMs(m.klms, m.list, 1)
	return m
}

// fields are, for each function, the function itself, portable Go, the naive
// loop, and a copy of as many bytes as are written. Sums copies what it reads.
var fields = []struct {
	name string
	over func(*memory) []contender
}{
	{"KLMs", klmField},
	{"KeyedKLMs", keyedField},
	{"MTTs", mttField},
	{"MTTRun", runField},
	{"Entries", entryField},
	{"Sums", sumField},
}

func klmField(m *memory) []contender {
	from := raw(m.list)
	return []contender{
		{"xlt", func(reps int) {
			for range reps {
				KLMs(m.klms, m.list, 7)
			}
		}},
		{"portable", func(reps int) {
			for range reps {
				klmsFallback(&m.klms[0], &m.list[0], len(m.klms), 7)
			}
		}},
		{"naive", func(reps int) {
			for range reps {
				naiveKLMs(m.klms, m.list, 7)
			}
		}},
		{"copy", func(reps int) {
			for range reps {
				copy(m.klms, from)
			}
		}},
	}
}

func keyedField(m *memory) []contender {
	from := raw(m.list)
	return []contender{
		{"xlt", func(reps int) {
			for range reps {
				KeyedKLMs(m.klms, m.list)
			}
		}},
		{"portable", func(reps int) {
			for range reps {
				keyedKLMsFallback(&m.klms[0], &m.list[0], len(m.klms))
			}
		}},
		{"naive", func(reps int) {
			for range reps {
				naiveKeyedKLMs(m.klms, m.list)
			}
		}},
		{"copy", func(reps int) {
			for range reps {
				copy(m.klms, from)
			}
		}},
	}
}

func mttField(m *memory) []contender {
	from := raw(m.pages)
	return []contender{
		{"xlt", func(reps int) {
			for range reps {
				MTTs(m.mtts, m.pages, 3)
			}
		}},
		{"portable", func(reps int) {
			for range reps {
				mttsFallback(&m.mtts[0], &m.pages[0], len(m.mtts), 3)
			}
		}},
		{"naive", func(reps int) {
			for range reps {
				naiveMTTs(m.mtts, m.pages, 3)
			}
		}},
		{"copy", func(reps int) {
			for range reps {
				copy(m.mtts, from)
			}
		}},
	}
}

func runField(m *memory) []contender {
	from := raw(m.pages)
	return []contender{
		{"xlt", func(reps int) {
			for range reps {
				MTTRun(m.mtts, 0, 4096, 3)
			}
		}},
		{"portable", func(reps int) {
			for range reps {
				mttRunFallback(&m.mtts[0], m.n, 0, 4096, 3)
			}
		}},
		{"naive", func(reps int) {
			for range reps {
				naiveMTTRun(m.mtts, 0, 4096, m.n, 3)
			}
		}},
		{"copy", func(reps int) {
			for range reps {
				copy(m.mtts, from)
			}
		}},
	}
}

func entryField(m *memory) []contender {
	to := raw(m.list)
	return []contender{
		{"xlt", func(reps int) {
			for range reps {
				Entries(m.list, m.klms)
			}
		}},
		{"portable", func(reps int) {
			for range reps {
				klmEntriesFallback(&m.list[0], &m.klms[0], len(m.klms))
			}
		}},
		{"naive", func(reps int) {
			for range reps {
				naiveEntries(m.list, m.klms)
			}
		}},
		{"copy", func(reps int) {
			for range reps {
				copy(to, m.klms)
			}
		}},
	}
}

func sumField(m *memory) []contender {
	to := raw(m.list)
	return []contender{
		{"xlt", func(reps int) {
			for range reps {
				Sums(m.pages, m.klms, 0, 0, 1<<32-1)
			}
		}},
		{"portable", func(reps int) {
			for range reps {
				sumsFallback(&m.pages[0], &m.klms[0], m.n, 0, 0, 1<<32-1)
			}
		}},
		{"naive", func(reps int) {
			for range reps {
				naiveSums(m.pages, m.klms, 0, 0, 1<<32-1)
			}
		}},
		{"copy", func(reps int) {
			for range reps {
				copy(to, m.klms)
			}
		}},
	}
}

// apart makes a slice that begins a cache line. Those with odd 0 and those with
// odd 1 lie half a page apart within their pages, so that no load has to wait
// for a store whose address only looks alike.
func apart[T any](odd, n int) []T {
	const page = 4096
	var zero T
	mem := make([]byte, n*int(unsafe.Sizeof(zero))+2*page)
	skew := page - int(uintptr(unsafe.Pointer(&mem[0]))%page) + odd*page/2
	return cast[T](mem[skew:], n)
}

var benchLens = []int{1, 2, 3, 4, 5, 8, 13, 16, 32, 64, 256, 1024, 4096}

// Benchmark runs one contender after another, for profiles. Compare contenders
// by BenchmarkRatio: what else the machine does meets them alike there.
func Benchmark(b *testing.B) {
	for _, f := range fields {
		for _, n := range benchLens {
			for _, c := range f.over(newMemory(n)) {
				b.Run(fmt.Sprintf("%s/%d/%s", f.name, n, c.name), func(b *testing.B) {
					c.run(b.N)
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
				})
			}
		}
	}
}

// BenchmarkRatio lets the contenders take turns and reports the median over the
// rounds, at least 31, of what one costs in the round relative to another.
func BenchmarkRatio(b *testing.B) {
	for _, f := range fields {
		for _, n := range benchLens {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) { ratios(b, f.over(newMemory(n)), n) })
		}
	}
}

func ratios(b *testing.B, field []contender, n int) {
	const (
		leastRounds = 31
		turn        = 20 * time.Microsecond
	)
	reps := 1
	for field[len(field)-1].time(reps) < turn {
		reps *= 2
	}
	ns := make([][]float64, len(field)) // of each contender, per round
	for i := range field {
		field[i].run(reps)
	}
	b.ResetTimer()
	for round := range max(b.N, leastRounds) {
		for j := range field {
			i := (round + j) % len(field)
			ns[i] = append(ns[i], float64(field[i].time(reps).Nanoseconds())/float64(reps))
		}
	}
	against := func(a, c int) float64 {
		r := make([]float64, len(ns[a]))
		for i := range r {
			r[i] = ns[a][i] / ns[c][i]
		}
		return median(r)
	}
	const xlt, portable, naive, plainCopy = 0, 1, 2, 3
	b.ReportMetric(0, "ns/op") // of a round, which says nothing
	b.ReportMetric(median(slices.Clone(ns[xlt]))/float64(n), "ns/elem")
	b.ReportMetric(against(xlt, plainCopy), "xlt/copy")
	b.ReportMetric(against(naive, xlt), "naive/xlt")
	b.ReportMetric(against(naive, portable), "naive/portable")
}

func (c *contender) time(reps int) time.Duration {
	start := time.Now()
	c.run(reps)
	return time.Since(start)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
