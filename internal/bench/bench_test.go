package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

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

func TestMeasureAll(t *testing.T) {
	all := everybody(t)
	for _, j := range Jobs() {
		for _, n := range j.Sizes {
			rows, err := Measure(context.Background(), &j, n, all, Config{Rounds: 3, Slice: 1})
			if err != nil {
				t.Error(err)
			}
			for _, r := range rows {
				t.Logf("%+v", r)
			}
		}
	}
}
