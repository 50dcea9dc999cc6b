//go:build linux && (amd64 || arm64)

package suite

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/vhca"
	"github.com/sgfuzz/sgfuzz/vhca/launch"
)

// built are the libraries and the C program, made once.
var built = sync.OnceValues(func() (b struct {
	lib   launch.Library
	suite string
}, err error) {
	dir, err := os.MkdirTemp("", "vhca-suite-")
	if err != nil {
		return b, err
	}
	made = dir
	if b.lib, err = launch.BuildIn(context.Background(), dir); err != nil {
		return b, err
	}
	b.suite = filepath.Join(dir, "suite")
	files, err := filepath.Glob("c/*.c")
	if err != nil {
		return b, err
	}
	args := append([]string{"-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Ic", "-o", b.suite}, files...)
	said, err := exec.Command("cc", append(args, "-lmlx5", "-libverbs", "-pthread")...).CombinedOutput()
	if err != nil && strings.Contains(string(said), "infiniband/") {
		err = errors.Join(launch.ErrMissing, errors.New("libibverbs-dev"))
	}
	if err != nil {
		err = errors.Join(err, errors.New(string(said)))
	}
	return b, err
})

// made is the directory to remove at the end.
var made string

func TestMain(m *testing.M) {
	code := m.Run()
	if made != "" {
		_ = os.RemoveAll(made)
	}
	os.Exit(code)
}

// need gives the libraries and the program, or skips.
func need(t testing.TB) (launch.Library, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: builds the virtual adapter")
	}
	b, err := built()
	if errors.Is(err, launch.ErrMissing) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.lib, b.suite
}

// noise is what libmlx5 prints of an error completion.
var noise = regexp.MustCompile(`(?m)^(mlx5: .*|[0-9a-f]{8}( [0-9a-f]{8}){3})\n`)

// play runs a program on the adapter; it must end within two minutes.
func play(t *testing.T, lib launch.Library, s vhca.Settings, env []string, argv ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := prepare(t, ctx, lib, s, env, argv...)
	out, err := cmd.CombinedOutput()
	return noise.ReplaceAllString(string(out), ""), err
}

// prepare makes the command that runs a program on the adapter.
func prepare(t *testing.T, ctx context.Context, lib launch.Library, s vhca.Settings, env []string, argv ...string) *exec.Cmd {
	t.Helper()
	if s.Profile == "" {
		s.Profile = "default"
	}
	s.Group = filepath.Base(t.TempDir()) + t.Name()
	all, err := launch.Environment(lib, s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(all, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

func TestC(t *testing.T) {
	lib, suite := need(t)
	out, err := play(t, lib, vhca.Settings{}, nil, suite)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(out)
}

// TestFast runs the suite on unchecked copies.
func TestFast(t *testing.T) {
	lib, suite := need(t)
	if out, err := play(t, lib, vhca.Settings{Fast: true}, []string{"SUITE_FAST=1"}, suite, "rc/", "key/", "srq/", "signature/"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestStrict runs it all under strict decoding: the library is sound.
func TestStrict(t *testing.T) {
	lib, suite := need(t)
	out, err := play(t, lib, vhca.Settings{Strict: true}, nil, suite, "rc/", "key/", "window/", "srq/", "xrc/", "ud/", "uc/", "signature/")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestStrictStops: what a sound library never posts stops the program, with the
// reason, and only then.
func TestStrictStops(t *testing.T) {
	lib, suite := need(t)
	for test, why := range map[string]string{"strict/fenced": "", "strict/no_fence": "no fence in between", "strict/reserved": "reserved"} {
		out, err := play(t, lib, vhca.Settings{Strict: true}, nil, suite, test)
		code := 0
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			code = e.ExitCode()
		}
		if why == "" && err != nil || why != "" && (code != vhca.ExitStrict || !strings.Contains(out, why)) {
			t.Errorf("%s: %v\n%s", test, err, out)
		}
	}
}

func TestPython(t *testing.T) {
	lib, _ := need(t)
	const python = "/usr/bin/python3" // the one that has Debian's modules
	if exec.Command(python, "-c", "import pyverbs.device").Run() != nil {
		t.Skip("SKIPPED: no pyverbs (Debian: python3-pyverbs)")
	}
	reordered := vhca.Settings{Faults: "reorder=0.5,seed=6"}
	for _, run := range []struct {
		script string
		vhca.Settings
	}{{script: "python/suite.py"}, {script: "python/signature.py"}, {script: "python/device.py"}, {script: "python/qps.py"},
		{script: "python/memory.py"}, {script: "python/completions.py"}, {"python/qps.py", vhca.Settings{Strict: true}},
		{"python/suite.py", reordered}, {"python/signature.py", reordered}, {"python/qps.py", reordered}, {"python/memory.py", reordered}} {
		out, err := play(t, lib, run.Settings, []string{"PYTHONDONTWRITEBYTECODE=1"}, python, run.script)
		if err != nil {
			t.Errorf("%s, strict %v, faults %q: %v\n%s", run.script, run.Strict, run.Faults, err, out)
		}
		t.Log(out)
	}
}

func TestDevinfo(t *testing.T) {
	lib, _ := need(t)
	tool, err := exec.LookPath("ibv_devinfo")
	if err != nil {
		t.Skip("SKIPPED: no ibv_devinfo (Debian: ibverbs-utils)")
	}
	out, err := play(t, lib, vhca.Settings{}, nil, tool, "-v")
	if err != nil || !strings.Contains(out, "mlx5_0") || !strings.Contains(out, "PORT_ACTIVE (4)") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestPingpong runs both ends, two processes, of the distribution's programs.
func TestPingpong(t *testing.T) {
	lib, _ := need(t)
	for i, name := range []string{"ibv_rc_pingpong", "ibv_uc_pingpong", "ibv_ud_pingpong", "ibv_srq_pingpong", "ibv_xsrq_pingpong"} {
		tool, err := exec.LookPath(name)
		if err != nil {
			t.Skip("SKIPPED: no ibv_rc_pingpong (Debian: ibverbs-utils)")
		}
		size := "-s 2048"
		if i > 2 {
			size = ""
		}
		script := tool + " -e -n 200 " + size + " -p $1 & server=$!; for i in 1 2 3 4 5 6 7 8; do sleep 0.25; " +
			tool + " -e -n 200 " + size + " -p $1 localhost && wait $server && exit 0; done; kill $server; exit 1"
		port := []string{"18610", "18611", "18612", "18613", "18614"}[i]
		if out, err := play(t, lib, vhca.Settings{}, nil, "sh", "-c", script, "sh", port); err != nil || strings.Count(out, "200 iters")+strings.Count(out, "success") != 2 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

var keep = flag.String("record", "", "file where TestRecord leaves its cases")

// TestPerftest runs both ends of the usual benchmarks.
func TestPerftest(t *testing.T) {
	lib, _ := need(t)
	if _, err := exec.LookPath("ib_write_lat"); err != nil {
		t.Skip("SKIPPED: no ib_write_lat (Debian: perftest)")
	}
	for _, args := range []string{"ib_write_lat -n 50", "ib_send_bw -n 100 -s 4096", "ib_read_bw -n 50 -s 65536",
		"ib_atomic_lat -n 50 -A FETCH_AND_ADD", "ib_send_lat -c UD -n 50 -s 1024"} {
		script := "$0 -p 18650 >/dev/null 2>&1 & server=$!; for i in 1 2 3 4 5 6 7 8; do sleep 0.25; " +
			"$0 -p 18650 localhost && wait $server && exit 0; done; kill $server; exit 1"
		out, err := play(t, lib, vhca.Settings{}, nil, "sh", "-c", strings.ReplaceAll(script, "$0", args+" -d mlx5_0 -F"))
		if err != nil {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
}

// TestRecord turns a run of two processes into cases, in one file or in a
// directory.
func TestRecord(t *testing.T) {
	lib, suite := need(t)
	file := *keep
	if file == "" {
		file = filepath.Join(t.TempDir(), "run"+corpus.SeriesExt)
	}
	if out, err := play(t, lib, vhca.Settings{Record: file}, nil, "sh", "-c", "$0 key/lists rc/scattered & $0 key/interleaved rc/atomics && wait $!", suite); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cases, torn, err := corpus.LoadSeries(file)
	if err != nil || torn || len(cases) < 20 {
		t.Fatalf("%d cases, torn %v, %v", len(cases), torn, err)
	}
	longest, kinds, writers, dirs := 0, map[string]int{}, map[string]int{}, map[string]int{}
	for _, c := range cases {
		longest = max(longest, len(c.List))
		name := strings.Split(strings.TrimPrefix(c.Name, filepath.Base(file)+":"), "-") // process, kind, number
		writers[name[0]]++
		kinds[name[1]]++
		dirs[c.Dir]++
		if c.Access == 0 || name[1] != "recv" && c.Limits.Queue == 0 || len(c.Comments) < 2 {
			t.Errorf("%s: access %v, queue %d, comments %v", c.Name, c.Access, c.Limits.Queue, c.Comments)
		}
	}
	if longest != 28 {
		t.Errorf("the longest list has %d entries, the suite's has 28", longest)
	}
	if len(writers) != 2 || kinds["umr"] == 0 || kinds["wr"] == 0 || kinds["recv"] == 0 || dirs[corpus.DirRead] == 0 || dirs[corpus.DirWrite] == 0 {
		t.Errorf("cases by process %v, kind %v, direction %v", writers, kinds, dirs)
	}

	dir := t.TempDir()
	if out, err := play(t, lib, vhca.Settings{Record: dir}, nil, suite, "rc/scattered"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if cases, err := corpus.LoadDir(dir); err != nil || len(cases) < 2 {
		t.Errorf("%d case files, %v", len(cases), err)
	}
}

func TestTrace(t *testing.T) {
	lib, suite := need(t)
	file := filepath.Join(t.TempDir(), "trace")
	if out, err := play(t, lib, vhca.Settings{Trace: file}, nil, suite, "key/configure", "error/too_long"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"UMR", "RDMA_READ", "-> completes", "-> fails", "refuses", "longer than the receive",
		"oracle: it maps ", "oracle: remote read of ", "oracle: the adapter agrees"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %q in the trace of %d bytes", want, len(text))
		}
	}
	if i := bytes.Index(text, []byte("ORACLE DISAGREES")); i >= 0 {
		t.Errorf("%.300s", text[i:])
	}
}

// TestFull: a disk without room ends the trace and the recording, each with one
// line, and not the program.
func TestFull(t *testing.T) {
	lib, suite := need(t)
	out, err := play(t, lib, vhca.Settings{Trace: "/dev/full"}, nil, suite, "rc/scattered")
	if err != nil || strings.Count(out, "the trace ends here") != 1 || !strings.Contains(out, "no space left") {
		t.Errorf("%v\n%s", err, out)
	}
	file := filepath.Join(t.TempDir(), "run"+corpus.SeriesExt)
	out, err = play(t, lib, vhca.Settings{Record: file}, nil, "sh", "-c", "trap '' XFSZ; ulimit -f 2; exec $0 key/lists", suite)
	if err != nil || strings.Count(out, "the recording ends here") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	if cases, _, err := corpus.LoadSeries(file); err != nil || len(cases) == 0 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
}

// TestFaults: what is injected arrives, and the suite notices.
func TestFaults(t *testing.T) {
	lib, suite := need(t)
	out, err := play(t, lib, vhca.Settings{Faults: "error=0.2,syndrome=0x13,seed=3"}, nil, suite, "rc/lengths")
	if err == nil || !strings.Contains(out, "got 10 ") { // IBV_WC_REM_ACCESS_ERR
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := play(t, lib, vhca.Settings{Faults: "delay=0.3,usec=200,seed=3"}, nil, suite, "rc/", "key/interleaved"); err != nil {
		t.Errorf("delays break nothing: %v\n%s", err, out)
	}
	out, err = play(t, lib, vhca.Settings{Faults: "padding=1", Stats: true}, nil, suite, "key/lists")
	if err != nil || strings.Contains(out, " 0 faults injected") {
		t.Errorf("padding is nobody's: %v\n%s", err, out)
	}
}

// TestReorder: in an order that the architecture allows, all that waits for what
// it needs goes as ever, and only what does not is noticed.
func TestReorder(t *testing.T) {
	lib, suite := need(t)
	s := vhca.Settings{Faults: "reorder=0.5,seed=5", Stats: true}
	out, err := play(t, lib, s, nil, suite, "rc/", "error/", "key/", "window/", "srq/", "ud/", "xrc/", "uc/", "signature/",
		"strict/", "careful")
	if err != nil || strings.Contains(out, " 0 faults injected") {
		t.Errorf("%v\n%s", err, out)
	}
	s.Faults = "reorder=1,usec=100000"
	if out, err := play(t, lib, s, nil, suite, "careful"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = play(t, lib, s, nil, suite, "order/")
	for _, test := range []string{"order/umr", "order/read", "order/atomic"} {
		if err == nil || !strings.Contains(out, "ok   "+test+"_careful") || !strings.Contains(out, "FAIL "+test+"_careless") {
			t.Errorf("%s: %v\n%s", test, err, out)
		}
	}
	s.Strict, s.Stats = true, false
	out, err = play(t, lib, s, nil, suite, "order/umr_careless")
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != vhca.ExitStrict || !strings.Contains(out, "no fence in between") {
		t.Errorf("strict: %v\n%s", err, out)
	}
}
