//go:build unix

package serve

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/sg"
)

// mixed is a list of n entries of all lengths that begin anywhere.
func mixed(n int) string {
	var b strings.Builder
	ch := sg.NewRandom(7)
	for i := range n {
		fmt.Fprintf(&b, "sg %#x+%d\n", 0x1_0000_0000+uint64(i)*0x20000+uint64(ch.Byte()), 1+int(ch.Byte())<<(i%9))
	}
	return b.String()
}

// cpuTime is the processor time that the process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // the arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkExplain is the page's request from sending to the last byte of the
// answer, by entries. What the reader waits for must stay below 50 ms with 256.
// cpu-ms/op is what it costs, also on a machine that has other things to do;
// the client that reads the answer is part of it.
func BenchmarkExplain(b *testing.B) {
	for _, n := range []int{8, 165, 256, 1000, 10_000} {
		for _, strategy := range []string{"indirect", "fastreg", "multimr"} {
			b.Run(fmt.Sprintf("%d/%s", n, strategy), func(b *testing.B) {
				x := start(b, Config{})
				body := object(b, map[string]any{"text": mixed(n), "strategy": strategy})
				size, cpu := 0, cpuTime()
				for b.Loop() {
					resp, data := x.ask("POST", "/api/explain", body, nil)
					if resp.StatusCode != 200 {
						b.Fatalf("%.300s", data)
					}
					size = len(data)
				}
				b.ReportMetric(float64(size), "answer-bytes")
				b.ReportMetric((cpuTime()-cpu).Seconds()*1e3/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// BenchmarkDecode is the same for dumps, by work requests in them.
func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x := start(b, Config{})
			var e Explained
			x.post("/api/explain", map[string]any{"text": three}, &e)
			body := object(b, map[string]any{"text": strings.Repeat("# WQE\n"+e.View.Hex+"\n", n)})
			size, cpu := 0, cpuTime()
			for b.Loop() {
				resp, data := x.ask("POST", "/api/decode", body, nil)
				if resp.StatusCode != 200 {
					b.Fatalf("%.300s", data)
				}
				size = len(data)
			}
			b.ReportMetric(float64(size), "answer-bytes")
			b.ReportMetric((cpuTime()-cpu).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}
