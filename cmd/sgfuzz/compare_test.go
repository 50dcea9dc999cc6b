package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sgfuzz/sgfuzz/internal/compare"
)

// workloadLog has a list that page lists take and one that they do not.
const workloadLog = "writev 0x10000+4096 0x20000+4096\n# between\nwritev 0x30064+100 0x40000+100\n"

func compareWays(t *testing.T, r result) map[string]compare.WayResult {
	t.Helper()
	ways := map[string]compare.WayResult{}
	for _, w := range decodeJSON[compare.Result](t, r.out).Ways {
		ways[w.Way] = w
	}
	return ways
}

func TestCompare(t *testing.T) {
	log, kase := write(t, "w.iov", workloadLog), write(t, "c.sgcase", gapCase)
	bad, empty := write(t, "bad.iov", "writev 0x1000\n"), write(t, "empty.iov", "# nothing\n")
	quick := []string{"--ios=200", "--depth=4"}
	for _, row := range []struct {
		name  string
		args  []string
		code  int
		texts []string
	}{
		{"log", []string{log}, exitFine, []string{"2 lists, 4 entries, 8.2 KiB", log, "fastreg+bounce        1         1        0", "gap 1; bounce takes 1", "post 13 ns", "4 slots"}},
		{"case", []string{kase}, exitFine, []string{"1 lists, 2 entries"}},
		{"directory", []string{filepath.Dir(log)}, exitFine, []string{"2 lists"}},
		{"both", []string{log, kase}, exitFine, []string{"3 lists, 6 entries"}},
		{"embedded", []string{"captures/nginx-ssi-1"}, exitFine, []string{"1 lists"}},
		{"drawn", []string{"--draw=pages", "--count=5", "--seed=3"}, exitFine, []string{"5 lists of generator pages, seed 3"}},
		{"drawn beside", []string{"--draw=pages", "--count=5", log}, exitFine, []string{"7 lists"}},
		{"other flags", []string{"--fixed", "--idle=1ms", "--service=3us", "--direction=write", "--short=0.5", log}, exitFine, []string{"busy for 3 µs (fixed) and idle for 1000 µs", "at most 50%"}},
		{"mapped", []string{"--dma=split 2048", log}, exitFine, []string{"mapped for DMA: split 2048"}},
		{"mapping", []string{"--dma=split", log}, exitUsage, []string{"DMA mapping"}},
		{"bad and good", []string{bad, log}, exitUsage, []string{"bad.iov:1:", "2 lists"}},
		{"bad", []string{bad}, exitUsage, []string{"bad.iov:1:", "no lists to compare"}},
		{"empty", []string{empty}, exitUsage, []string{"no lists to compare"}},
		{"nothing", nil, exitUsage, []string{"--draw"}},
		{"missing", []string{"/no/such"}, exitUsage, []string{"/no/such: no such file"}},
		{"no logs", []string{t.TempDir()}, exitUsage, []string{"no case files (*.sgcase) nor logs (*.iov)"}},
		{"generator", []string{"--draw=page"}, exitUsage, []string{`did you mean "pages"?`}},
		{"count", []string{"--draw=pages", "--count=0"}, exitUsage, []string{"--count 0"}},
		{"direction", []string{"--direction=up", log}, exitUsage, []string{`unknown direction "up"`}},
		{"constant", []string{"--constant=copi=3", log}, exitUsage, []string{`did you mean "copy"?`}},
		{"constant range", []string{"--constant=copy=0", log}, exitUsage, []string{"constant copy 0"}},
		{"constant text", []string{"--constant=copy=x", log}, exitUsage, []string{`invalid map value "x"`}},
		{"depth", []string{"--depth=0", log}, exitUsage, []string{"depth 0, not 1 to 65536"}},
		{"service", []string{"--service=0s", log}, exitUsage, []string{"service 0 µs"}},
		{"page", []string{"--html=/no/such/dir/x.html", log}, exitInternal, []string{"/no/such/dir"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sgfuzz("", append(append([]string{"compare"}, quick...), row.args...)...).want(t, row.code, row.texts...)
		})
	}
	sgfuzz(workloadLog, append([]string{"compare", "-"}, quick...)...).want(t, exitFine, "2 lists, 4 entries")
}

// TestCompareDefaults holds the flags' defaults to the package's.
func TestCompareDefaults(t *testing.T) {
	r := sgfuzz(workloadLog, "compare", "--json", "-")
	r.want(t, exitFine)
	got := decodeJSON[compare.Result](t, r.out)
	if got.Queue != compare.DefaultQueue() || got.Constants != compare.DefaultConstants() {
		t.Errorf("%+v %+v", got.Queue, got.Constants)
	}
	if want := []string{"-"}; !reflect.DeepEqual(got.Workload.Sources, want) || got.Workload.Lists != 2 {
		t.Errorf("%+v", got.Workload)
	}
}

// TestCompareConstants sets each constant beside the others at 0 and looks
// whether it counts.
func TestCompareConstants(t *testing.T) {
	long, short := "writev", "writev 0x10001+5\n"
	for i := range 13 { // so many regions that the peer reads a table
		long += fmt.Sprintf(" 0x%x+5", 0x10000*i+0x10001)
	}
	long += "\n"
	zero := []string{}
	for _, k := range compare.ConstantList() {
		if !strings.HasPrefix(k.Unit, "bytes") {
			zero = append(zero, k.Name+"=0")
		}
	}
	zero = append(zero, "copy=1e12", "bus=1e12")
	for _, k := range compare.ConstantList() {
		way, value, log := "multimr", "1000", long
		switch k.Name {
		case "copy", "allocate":
			way = "bounce"
		case "walk", "fetch":
			way = "indirect"
		case "mkey":
			way, log = "umem", short
		}
		if strings.HasPrefix(k.Unit, "bytes") {
			value = "0.001"
		}
		args := []string{"compare", "--json", "--ios=100", "--depth=1", "-", "--constant=" + strings.Join(zero, ","), "--constant=" + k.Name + "=" + value}
		r := sgfuzz(log, args...)
		r.want(t, exitFine)
		if got := compareWays(t, r)[way].TimeNs.Mean; got < 900 {
			t.Errorf("%s=%s: %s takes %v ns", k.Name, value, way, got)
		}
	}
}

// TestCompareFits demands a table of at most 100 columns of real workloads, and
// a page of its own.
func TestCompareFits(t *testing.T) {
	page := filepath.Join(t.TempDir(), "x.html")
	r := sgfuzz("", "compare", "--ios=200", "--html="+page, "captures")
	r.want(t, exitFine)
	for line := range strings.Lines(r.out) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<!DOCTYPE html>", "I/Os turned away", "Bytes copied", "by cause", "Lists accepted", "ConnectX-5"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in the page", want)
		}
	}
	if n := strings.Count(string(text), "<svg"); n != 6 {
		t.Errorf("%d charts", n)
	}
}

func TestCompareInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := sgfuzzCtx(ctx, "", "compare", "--json", "--draw=all", "--count=1000000")
	r.want(t, exitFine)
	if got := decodeJSON[compare.Result](t, r.out).Workload; !got.Interrupted || got.Lists != 0 || len(got.Sources) != 0 {
		t.Errorf("%+v", got)
	}
	sgfuzzCtx(ctx, "", "compare", "--draw=all").want(t, exitFine, "interrupted")
}
