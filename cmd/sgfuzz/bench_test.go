package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/bench"
)

// asProgram is the variable that makes the test binary sgfuzz itself.
const asProgram = "SGFUZZ_TEST_AS_PROGRAM"

// TestMain lets bench start the test binary as its contestant, and shells as
// sgfuzz.
func TestMain(m *testing.M) {
	if args := os.Args[1:]; slices.Equal(args, []string{"bench", "--serve"}) || os.Getenv(asProgram) != "" {
		os.Exit(run(context.Background(), args, os.Stdin, os.Stdout, os.Stderr))
	}
	code := m.Run()
	for _, v := range violations.list {
		fmt.Fprintln(os.Stderr, "against its schema:", v)
		code = 1
	}
	os.Exit(code)
}

// benchLine is any line of the verb's JSON.
type benchLine struct {
	bench.Row
	Skipped string
	Growth  string
	Points  []bench.Point
}

func benchJSON(t *testing.T, text string) (lines []benchLine) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	for n := strings.Count(text, "\n"); n > 0; n-- { // one object a line
		var l benchLine
		if err := dec.Decode(&l); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		lines = append(lines, l)
	}
	if dec.More() {
		t.Errorf("more objects than lines: %s", text)
	}
	return lines
}

func TestBench(t *testing.T) {
	r := sgfuzz("", "bench", "--benchmark=klm_list,wqe_libmlx5,check", "--entries=3,16", "--rounds=2")
	r.want(t, exitFine, "klm_list: ns an entry", "µs a registration", "portable", "naive", "\n   16 ")
	file := filepath.Join(t.TempDir(), "rows.json")
	r = sgfuzz("", "bench", "--benchmark=klm_list", "--entries=64", "--rounds=2", "--json="+file)
	r.want(t, exitFine, "klm_list: ns an entry")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range benchJSON(t, string(text)) {
		if l.Skipped == "" && (l.Bench != "klm_list" || l.N != 64 || l.NsPerEntry <= 0 || l.RatioToCopy <= 0 || l.Rounds != 2) {
			t.Errorf("%+v", l)
		}
	}
}

// TestBenchWithoutPeers takes the compiler away: the peers are named, counted
// and passed over.
func TestBenchWithoutPeers(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	args := []string{"bench", "--benchmark=wqe_libmlx5", "--entries=4", "--rounds=1"}
	sgfuzz("", args...).want(t, exitFine, "SKIPPED: libmlx5: gcc: not installed", "3 contestants skipped", "sgfuzz", "copy")
	var impls, skipped []string
	for _, l := range benchJSON(t, sgfuzz("", append(args, "--json")...).out) {
		if l.Skipped != "" {
			skipped = append(skipped, l.Impl)
		} else {
			impls = append(impls, l.Impl)
		}
	}
	if !slices.Equal(impls, []string{"sgfuzz", "portable", "naive", "copy"}) || !slices.Equal(skipped, []string{"gcc-O2", "gcc-O3-native", "libmlx5"}) {
		t.Errorf("measured %v, skipped %v", impls, skipped)
	}
}

func TestBenchPlot(t *testing.T) {
	file, rows := filepath.Join(t.TempDir(), "growth.svg"), filepath.Join(t.TempDir(), "rows.json")
	r := sgfuzz("", "bench", "--plot", file, "--longest=8", "--json="+rows)
	r.want(t, exitFine, "verify: slope")
	text, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	lines := benchJSON(t, string(text))
	if len(lines) != 3 || lines[0].Growth != "encode" || len(lines[2].Points) != 5 {
		t.Errorf("%+v", lines)
	}
	if svg, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
		t.Errorf("%v: %.20s", err, svg)
	}
}

func TestBenchUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--benchmark=nothing"}, {"--rounds=0"}, {"--entries=0"}, {"--entries=-1"}, {"--benchmark=wqe_spdk", "--entries=49"}, {"--entries=65537"}, {"--longest=7", "--plot=x"}, {"--longest=23"}, {"--entries=x"}, {"file"},
	} {
		sgfuzz("", append([]string{"bench"}, args...)...).want(t, exitUsage, "sgfuzz: ")
	}
	bad := decodeJSON[errorResult](t, sgfuzz("", "bench", "--benchmark=klmlist", "--json").out)
	if bad.Exit != exitUsage || !strings.Contains(bad.Error, `did you mean "klm_list"`) {
		t.Errorf("%+v", bad)
	}
	sgfuzz("", "bench", "--benchmark=klm_list", "--rounds=1", "--json="+filepath.Join(t.TempDir(), "no", "rows.json")).want(t, exitInternal)
}

// TestBenchInterrupted: what was measured is printed, the rest is not missed.
func TestBenchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	sgfuzzCtx(ctx, "", "bench", "--rounds=1").want(t, exitFine)
	sgfuzzCtx(ctx, "", "bench", "--plot", filepath.Join(t.TempDir(), "g.svg")).want(t, exitFine)
}

// TestBenchLost lets a compiler make contestants that die: the others go on.
func TestBenchLost(t *testing.T) {
	dir := t.TempDir()
	// Called to compile, it writes a script that answers one request.
	script := "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = -o ] && out=$2; shift; done\n" +
		"[ \"$out\" = /dev/null ] && exit 0\nprintf '#!/bin/sh\\necho ready x\\nread l\\necho ok\\nexit 5\\n' >\"$out\"\nchmod +x \"$out\"\n"
	if err := os.WriteFile(filepath.Join(dir, "gcc"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	r := sgfuzz("", "bench", "--benchmark=klm_list", "--entries=4", "--rounds=1", "--json")
	r.want(t, exitInternal, "going on without gcc-O2: klm_list of 4 entries: gcc-O2: died: exit status 5", "going on without gcc-O3-native")
	if lines := benchJSON(t, r.out); len(lines) != 4 {
		t.Errorf("%+v", lines)
	}
}
