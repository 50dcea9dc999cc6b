package xlt

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The naive loops are what one would write first.

func naiveKLMs(dst []byte, list []sg.Entry, lkey uint32) {
	for i := range list {
		binary.BigEndian.PutUint32(dst[i*16:], list[i].Len)
		binary.BigEndian.PutUint32(dst[i*16+4:], lkey)
		binary.BigEndian.PutUint64(dst[i*16+8:], list[i].Addr)
	}
}

func naiveKeyedKLMs(dst []byte, list []sg.Entry) {
	for i := range list {
		binary.BigEndian.PutUint32(dst[i*16:], list[i].Len)
		binary.BigEndian.PutUint32(dst[i*16+4:], list[i].Lkey)
		binary.BigEndian.PutUint64(dst[i*16+8:], list[i].Addr)
	}
}

func naiveMTTs(dst []byte, pages []uint64, bits uint64) {
	for i := range pages {
		binary.BigEndian.PutUint64(dst[i*8:], pages[i]|bits)
	}
}

func naiveMTTRun(dst []byte, page, step uint64, n int, bits uint64) {
	for i := range n {
		binary.BigEndian.PutUint64(dst[i*8:], page|bits)
		page += step
	}
}

func naiveEntries(dst []sg.Entry, list []byte) {
	for i := range dst {
		dst[i].Len = binary.BigEndian.Uint32(list[i*16:])
		dst[i].Lkey = binary.BigEndian.Uint32(list[i*16+4:])
		dst[i].Addr = binary.BigEndian.Uint64(list[i*16+8:])
	}
}

func naiveSums(dst []uint64, list []byte, from uint64, least, most uint32) int {
	for i := range dst {
		n := binary.BigEndian.Uint32(list[i*16:])
		if n < least || n > most {
			return i
		}
		from += uint64(n)
		dst[i] = from
	}
	return len(dst)
}

// contender does reps times the same piece of work, so that the call of it
// costs nothing.
type contender struct {
	name string
	run  func(reps int)
}

// field is the contenders over n elements: the function itself, portable Go,
// the naive loop, and a copy of as many bytes as are written. Sums copies what
// it reads.
func field(name string, n int) []contender {
	list, pages := apart[sg.Entry](0, n), apart[uint64](0, n)
	klms, mtts, to := apart[byte](1, n*KLMSize), apart[byte](1, n*MTTSize), apart[byte](1, n*KLMSize)
	copy(list, entries(n))
	from, half := raw(list), raw(pages)
	for i := range list {
		list[i].Len = uint32(i) % 4096
	}
	KLMs(klms, list, 1)
	whole := contender{"copy", func(reps int) {
		for range reps {
			copy(to, from)
		}
	}}
	switch name {
	case "KLMs":
		return []contender{
			{"xlt", func(reps int) {
				for range reps {
					KLMs(to, list, 7)
				}
			}},
			{"portable", func(reps int) {
				for range reps {
					klmsFallback(&to[0], &list[0], len(to), 7)
				}
			}},
			{"naive", func(reps int) {
				for range reps {
					naiveKLMs(to, list, 7)
				}
			}},
			whole,
		}
	case "KeyedKLMs":
		return []contender{
			{"xlt", func(reps int) {
				for range reps {
					KeyedKLMs(to, list)
				}
			}},
			{"portable", func(reps int) {
				for range reps {
					keyedKLMsFallback(&to[0], &list[0], len(to))
				}
			}},
			{"naive", func(reps int) {
				for range reps {
					naiveKeyedKLMs(to, list)
				}
			}},
			whole,
		}
	case "Entries":
		return []contender{
			{"xlt", func(reps int) {
				for range reps {
					Entries(list, klms)
				}
			}},
			{"portable", func(reps int) {
				for range reps {
					klmEntriesFallback(&list[0], &klms[0], len(klms))
				}
			}},
			{"naive", func(reps int) {
				for range reps {
					naiveEntries(list, klms)
				}
			}},
			whole,
		}
	case "Sums":
		return []contender{
			{"xlt", func(reps int) {
				for range reps {
					Sums(pages, klms, 0, 0, 1<<32-1)
				}
			}},
			{"portable", func(reps int) {
				for range reps {
					sumsFallback(&pages[0], &klms[0], n, 0, 0, 1<<32-1)
				}
			}},
			{"naive", func(reps int) {
				for range reps {
					naiveSums(pages, klms, 0, 0, 1<<32-1)
				}
			}},
			whole,
		}
	}
	halfCopy := contender{"copy", func(reps int) {
		for range reps {
			copy(mtts, half)
		}
	}}
	if name == "MTTs" {
		return []contender{
			{"xlt", func(reps int) {
				for range reps {
					MTTs(mtts, pages, 3)
				}
			}},
			{"portable", func(reps int) {
				for range reps {
					mttsFallback(&mtts[0], &pages[0], len(mtts), 3)
				}
			}},
			{"naive", func(reps int) {
				for range reps {
					naiveMTTs(mtts, pages, 3)
				}
			}},
			halfCopy,
		}
	}
	return []contender{
		{"xlt", func(reps int) {
			for range reps {
				MTTRun(mtts, 0, 4096, 3)
			}
		}},
		{"portable", func(reps int) {
			for range reps {
				mttRunFallback(&mtts[0], n, 0, 4096, 3)
			}
		}},
		{"naive", func(reps int) {
			for range reps {
				naiveMTTRun(mtts, 0, 4096, n, 3)
			}
		}},
		halfCopy,
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
	for i := range ops {
		for _, n := range benchLens {
			for _, c := range field(ops[i].name, n) {
				b.Run(fmt.Sprintf("%s/%d/%s", ops[i].name, n, c.name), func(b *testing.B) {
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
	for i := range ops {
		for _, n := range benchLens {
			b.Run(fmt.Sprintf("%s/%d", ops[i].name, n), func(b *testing.B) { ratios(b, field(ops[i].name, n), n) })
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
