package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/internal/peers"
)

// serveEnv makes the test binary the process of the contestant Portable.
const serveEnv = "SGFUZZ_BENCH_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) == "" {
		os.Exit(m.Run())
	}
	if err := Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// everybody starts all contestants that this machine has and says which it
// lacks.
func everybody(t testing.TB) (all []Contestant) {
	t.Helper()
	ctx := t.Context()
	for _, name := range []string{Sgfuzz, Naive, Copy} {
		c, err := Local(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(serveEnv, "1")
	portable, err := StartPortable(ctx, exec.CommandContext(ctx, exe))
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, started(t, portable, err)...)
	for _, name := range peers.Names() {
		c, err := peers.Start(ctx, name)
		all = append(all, started(t, c, err)...)
	}
	return all
}

func started(t testing.TB, c *peers.Child, err error) []Contestant {
	if errors.Is(err, peers.ErrMissing) {
		t.Logf("SKIPPED: %v", err)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return []Contestant{c}
}

// TestAllAgree lets everybody compete at every size of every benchmark:
// Measure demands equal bytes before it times.
func TestAllAgree(t *testing.T) {
	all := everybody(t)
	for _, j := range Jobs() {
		for _, n := range append([]int{2, 3, 5, 7, 31}, j.Sizes...) {
			rows, err := Measure(t.Context(), &j, n, all, Config{Rounds: 2, Slice: time.Microsecond})
			if err != nil {
				t.Error(err)
				continue
			}
			for _, r := range rows {
				if r.Bench != j.Name || r.N != n || r.Rounds != 2 || r.Ns <= 0 || r.NsPerEntry != r.Ns/float64(n) || r.RatioLow > r.RatioToCopy || r.RatioHigh < r.RatioToCopy {
					t.Errorf("%+v", r)
				}
			}
			if want := len(takers(&j, all)); len(rows) != want {
				t.Errorf("%s: %d rows of %d contestants", j.Name, len(rows), want)
			}
		}
	}
}

func takers(j *Job, all []Contestant) (some []Contestant) {
	for _, c := range all {
		if j.Takes(c.Name()) {
			some = append(some, c)
		}
	}
	return some
}

// TestOutputs: what all agree on is not nothing, and depends on the list.
func TestOutputs(t *testing.T) {
	c, err := Local(Sgfuzz)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{KLMList: 16 * 16, MTTList: 16 * 8, WQELinux: 192 + 16*16 + 12, WQELibmlx5: 384 + 12, WQESPDK: 384 + 12, Check: 0}
	for _, j := range Jobs() {
		var last []byte
		for _, n := range []int{16, 15} {
			if err := c.Load(j.List(n)); err != nil {
				t.Fatal(err)
			}
			out, err := c.Emit(j.Name)
			if err != nil || n == 16 && len(out) != sizes[j.Name] {
				t.Errorf("%s: %d bytes, %v; want %d", j.Name, len(out), err, sizes[j.Name])
			}
			if last != nil && differ(last, out) < 0 {
				t.Errorf("%s: the same bytes for different lists", j.Name)
			}
			last = out
		}
	}
}

// tampered is a contestant with faults.
type tampered struct {
	Contestant
	flip   int // byte of the output to change, -1 for none
	cut    int // bytes to leave out at the end
	mute   error
	cancel func()
}

func (c *tampered) Name() string { return Portable }

func (c *tampered) Emit(bench string) ([]byte, error) {
	b, err := c.Contestant.Emit(bench)
	if err == nil && c.flip >= 0 {
		b[c.flip] ^= 1
	}
	return b[:len(b)-c.cut], err
}

func (c *tampered) Time(bench string, rounds int) (time.Duration, error) {
	if c.cancel != nil {
		c.cancel()
	}
	return time.Duration(rounds), c.mute
}

// TestFaults gives Measure contestants that differ, fail and are interrupted.
func TestFaults(t *testing.T) {
	j, err := JobByName(WQESPDK)
	if err != nil {
		t.Fatal(err)
	}
	good, err := Local(Sgfuzz)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Local(Naive)
	if err != nil {
		t.Fatal(err)
	}
	measure := func(c tampered) error {
		c.Contestant = other
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if c.cancel != nil {
			c.cancel = cancel
		}
		_, err := Measure(ctx, &j, 4, []Contestant{good, &c}, Config{Rounds: 3, Slice: time.Microsecond})
		return err
	}
	if err := measure(tampered{flip: -1}); err != nil {
		t.Error(err)
	}
	for _, at := range []int{0, 11, 100, 192, 203} {
		d, ok := errors.AsType[*DifferError](measure(tampered{flip: at}))
		if !ok || d.At != at || d.Names != [2]string{Sgfuzz, Portable} || d.Bench != j.Name || d.N != 4 {
			t.Errorf("byte %d changed: %+v", at, d)
		}
	}
	if d, ok := errors.AsType[*DifferError](measure(tampered{flip: -1, cut: 1})); !ok || d.At != 203 {
		t.Errorf("a byte left out: %+v", d)
	}
	mute := errors.New("mute")
	if e, ok := errors.AsType[*ContestantError](measure(tampered{flip: -1, mute: mute})); !ok || e.Name != Portable || !errors.Is(e, mute) {
		t.Errorf("a contestant that fails: %+v", e)
	}
	if err := measure(tampered{flip: -1, cancel: func() {}}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	for _, n := range []int{0, j.Max + 1} {
		if _, err := Measure(t.Context(), &j, n, []Contestant{good}, Config{Rounds: 1}); err == nil {
			t.Errorf("%d entries are taken", n)
		}
	}
}

// TestRatios checks the arithmetic with times that are known.
func TestRatios(t *testing.T) {
	j := Job{Name: "x"}
	base := &clock{name: Copy, times: []time.Duration{100, 200, 400, 200, 100}}
	mine := &clock{name: Sgfuzz, times: []time.Duration{300, 400, 800, 1000, 100}} // 3, 2, 2, 5, 1 times
	turns := []turn{{Contestant: mine, rounds: 10}, {Contestant: base, rounds: 10}}
	for range base.times {
		for i := range turns {
			if err := turns[i].take(&j); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := rows(&j, 4, turns)[0]
	want := Row{Bench: "x", N: 4, Impl: Sgfuzz, Ns: 40, NsPerEntry: 10, RatioToCopy: 2, RatioLow: 2, RatioHigh: 3, Rounds: 5}
	if r.Ns != want.Ns || r.NsPerEntry != want.NsPerEntry || r.RatioToCopy != want.RatioToCopy || r.RatioLow > 2 || r.RatioHigh < 3 || r.Rounds != want.Rounds {
		t.Errorf("%+v, want %+v", r, want)
	}
}

// clock is a contestant that says what it is told.
type clock struct {
	Contestant
	name  string
	times []time.Duration
}

func (c *clock) Name() string { return c.name }

func (c *clock) Time(string, int) (d time.Duration, err error) {
	d, c.times = c.times[0], c.times[1:]
	return d, nil
}

// TestServe speaks the lines of package peers with a contestant.
func TestServe(t *testing.T) {
	entry := "8877665544332211" + "01000000" + "02000000"
	in := strings.Join([]string{
		"emit klm_list", "load", "load 00", "load zz", "nonsense", "load " + entry, "emit klm_list", "emit nothing", "time klm_list 0",
		"time klm_list x", "time klm_list 10", "emit",
	}, "\n") + "\n"
	var out bytes.Buffer
	if err := Serve(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ready sgfuzz", "error sgfuzz: no list", "error load HEX", "error 1 bytes", "error encoding/hex", "error load HEX", "ok", "ok 00000001000000021122334455667788",
		"error sgfuzz does not do nothing", "error", "error", "ok ", "error load HEX",
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is %q, want %q…", i, line, want[i])
		}
	}
}

// BenchmarkPeers lets all contestants take turns, b.N rounds but at least
// thirty, and reports each one's times copy.
func BenchmarkPeers(b *testing.B) {
	all := everybody(b)
	for _, j := range Jobs() {
		for _, n := range j.Sizes {
			b.Run(fmt.Sprintf("%s/n=%d", j.Name, n), func(b *testing.B) {
				rows, err := Measure(b.Context(), &j, n, all, Config{Rounds: max(b.N, 30)})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(0, "ns/op") // a round's length says nothing
				for _, r := range rows {
					b.ReportMetric(r.RatioToCopy, r.Impl+"/copy")
					if r.Impl == Sgfuzz {
						b.ReportMetric(r.NsPerEntry, "ns/entry")
					}
				}
			})
		}
	}
}
