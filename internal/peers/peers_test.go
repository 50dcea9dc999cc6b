package peers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/sg"
)

// start gives a contestant that ends with the test, or skips.
func start(t *testing.T, name string) *Child {
	t.Helper()
	c, err := Start(t.Context(), name)
	if errors.Is(err, ErrMissing) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var two = sg.List{{Addr: 0x1122334455667788, Len: 0x99aabbcc, Lkey: 0xddeeff00}, {Addr: 0x1000, Len: 1, Lkey: 2}}

// TestLoops compares the plain loops with bytes written by hand.
func TestLoops(t *testing.T) {
	for _, name := range []string{"gcc-O2", "gcc-O3-native"} {
		t.Run(name, func(t *testing.T) {
			c := start(t, name)
			if err := c.Load(two); err != nil {
				t.Fatal(err)
			}
			for bench, want := range map[string]string{
				"klm_list": "99aabbccddeeff001122334455667788" + "00000001000000020000000000001000",
				"mtt_list": "112233445566778b" + "0000000000001003",
			} {
				got, err := c.Emit(bench)
				if err != nil || hex.EncodeToString(got) != want {
					t.Errorf("%s: %x, %v; want %s", bench, got, err, want)
				}
			}
		})
	}
}

// TestLibmlx5 looks at what the library built on the fake device: opcode UMR,
// the QPN and key that the device gave, the doorbell.
func TestLibmlx5(t *testing.T) {
	c := start(t, "libmlx5")
	if !strings.HasPrefix(c.About(), "libmlx5.so") {
		t.Errorf("the library is %q", c.About())
	}
	list := sg.List{{Addr: 0x1000, Len: 4096, Lkey: 0x100}, {Addr: 0x9000, Len: 1, Lkey: 0x200}}
	if err := c.Load(list); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a queue of its own each time
		got, err := c.Emit("wqe_libmlx5")
		if err != nil {
			t.Fatal(err)
		}
		const wqe = 3 * 64
		if want := "000000250012340c" + "0000000000010000" + "80000000" + "0004"; len(got) != 2*wqe+4 || !strings.HasPrefix(hex.EncodeToString(got), want) {
			t.Fatalf("%x (%d bytes), want %s…", got, len(got), want)
		}
		if dbrec := hex.EncodeToString(got[wqe : wqe+4]); dbrec != "00000003" {
			t.Errorf("doorbell record %s", dbrec)
		}
		if string(got[:wqe]) != string(got[wqe+4:]) {
			t.Errorf("the request and what BlueFlame got differ")
		}
	}
	for _, rounds := range []int{1, 31, 32, 33, 5000} { // many times round the queue
		if d, err := c.Time("wqe_libmlx5", rounds); err != nil || d <= 0 {
			t.Errorf("%d rounds: %v, %v", rounds, d, err)
		}
	}
	if err := c.Load(make(sg.List, 49)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Emit("wqe_libmlx5"); err == nil {
		t.Error("49 entries are taken")
	}
}

// TestRequests sends each program what it cannot do; it must say so and go on.
func TestRequests(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			c := start(t, name)
			bench := "klm_list"
			if name == "libmlx5" {
				bench = "wqe_libmlx5"
			}
			for _, bad := range []string{
				"emit " + bench, "time " + bench + " 1", "", "load", "load 00", "load " + strings.Repeat("zz", 16), "load " + strings.Repeat("00", 24),
				"load " + strings.Repeat("00", 16*(MaxEntries+1)), "nonsense", "nonsense " + bench, "emit nothing",
			} {
				if answer, err := c.ask(bad); err == nil {
					t.Errorf("%.40q: answered %.40q", bad, answer)
				}
			}
			if err := c.Load(two[1:]); err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"time " + bench, "time " + bench + " 0", "time " + bench + " x", "play " + bench} {
				if answer, err := c.ask(bad); err == nil {
					t.Errorf("%q: answered %q", bad, answer)
				}
			}
			if d, err := c.Time(bench, 1000); err != nil || d <= 0 {
				t.Errorf("after bad requests: %v, %v", d, err)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	if _, err := Start(t.Context(), "nobody"); err == nil || errors.Is(err, ErrMissing) {
		t.Errorf("an unknown contestant: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	for _, name := range Names() {
		_, err := Start(t.Context(), name)
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "gcc") {
			t.Errorf("%s without a compiler: %v", name, err)
		}
	}
}

// TestMissingPackages puts a gcc in front that lacks headers, libraries, or
// cannot compile: only the first two are something to skip.
func TestMissingPackages(t *testing.T) {
	cc, err := compiler()
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	for _, tt := range []struct {
		fails, name string
		missing     bool
		says        string
	}{
		{"*mlx5dv.h*", "libmlx5", true, "libibverbs-dev"},
		{"*stdio.h*", "gcc-O2", true, "libc6-dev"},
		{"*-shared*", "libmlx5", true, "libibverbs-dev"},
		{"*loops.c*", "gcc-O2", false, "no such instruction"},
	} {
		dir := t.TempDir()
		script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in %s) echo no such instruction; exit 1;; *-E*|*-shared*) exit 0;; esac\nexec %s \"$@\"\n", tt.fails, cc)
		if err := os.WriteFile(filepath.Join(dir, "gcc"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		_, err := Start(t.Context(), tt.name)
		if err == nil || errors.Is(err, ErrMissing) != tt.missing || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s, gcc fails at %s: %v", tt.name, tt.fails, err)
		}
	}
}

// shell starts a script as a contestant.
func shell(ctx context.Context, t *testing.T, script string) (*Child, error) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("SKIPPED: no shell")
	}
	c, err := Run(ctx, "script", exec.CommandContext(ctx, "sh", "-c", script))
	if c != nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

// TestBadChildren has contestants that die, talk nonsense or refuse.
func TestBadChildren(t *testing.T) {
	for script, want := range map[string]string{
		"exit 3":                               "died: exit status 3",
		"echo oh >&2; exit 1":                  "oh",
		"echo hello":                           "not ready: hello",
		"echo error no device":                 "not ready: no device",
		"echo ready x; read l; exit 4":         "died: exit status 4",
		"echo ready x; read l; kill -9 $$":     "killed",
		"echo ready x; read l; echo error bad": "bad",
		"echo ready x; read l; echo what":      `answers "what"`,
		"echo ready x; read l; echo ok zz":     "invalid byte",
	} {
		c, err := shell(t.Context(), t, script)
		if err == nil {
			_, err = c.Emit("klm_list")
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
}

// TestDeadStaysDead: the reason of the end is the answer to all that follows.
func TestDeadStaysDead(t *testing.T) {
	c, err := shell(t.Context(), t, "echo ready x; read l; exit 4")
	if err != nil {
		t.Fatal(err)
	}
	_, first := c.Time("klm_list", 1)
	_, second := c.Emit("klm_list")
	if first == nil || first != second {
		t.Errorf("%v, then %v", first, second)
	}
	c.Close()
}

// TestHung has a child that never answers.
func TestHung(t *testing.T) {
	c, err := shell(t.Context(), t, "echo ready x; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	c.wait = 50 * time.Millisecond
	if _, err := c.Time("klm_list", 1); err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Errorf("hung: %v", err)
	}
}

// TestInterrupt ends the context while a child is at work.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := shell(ctx, t, "echo ready x; read l; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.Time("klm_list", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestNothingStays looks for what a contestant leaves in the directory for
// temporary files.
func TestNothingStays(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, name := range Names() {
		c, err := Start(t.Context(), name)
		if err == nil {
			c.Close()
		} else if !errors.Is(err, ErrMissing) {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
