package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/internal/wqeview"
)

func TestReplay(t *testing.T) {
	good, wrong := write(t, "good.sgcase", gapCase), write(t, "wrong.sgcase", wrongCase)
	bad := write(t, "bad.sgcase", "sg 0x1000+1\nsg 0x1000\n")
	for _, row := range []struct {
		name  string
		args  []string
		code  int
		texts []string
	}{
		{"good", []string{"--strategy=indirect,fastreg", good}, exitFine, []string{"1 cases: 0 failed", "indirect      1         1"}},
		{"verbose", []string{"-v", "--strategy=fastreg", good}, exitFine, []string{"2 entries: ok", "gap@1"}},
		{"limit", []string{"-v", "--strategy=indirect", write(t, "l.sgcase", "max-entries 1\n"+gapCase)}, exitFine, []string{"entries@1      1 "}},
		{"full", []string{"--full", "--strategy=indirect", good}, exitFine, []string{"0 failed"}},
		{"wrong want", []string{"--strategy=indirect", wrong}, exitFindings, []string{"1 failed", "3 entries: FAILED", "the case wants reject"}},
		{"bad", []string{bad}, exitUsage, []string{bad + ":2:", "0 cases", "1 files could not be used"}},
		{"bad and good", []string{"--strategy=indirect", bad, good}, exitUsage, []string{"1 cases: 0 failed, 1 files could not"}},
		{"bad and wrong", []string{"--strategy=indirect", wrong, bad}, exitUsage, []string{"1 cases: 1 failed, 1 files could not"}},
		{"missing and good", []string{"--strategy=indirect", good, "/no/such"}, exitUsage, []string{"/no/such", "1 cases: 0 failed"}},
		{"impossible", []string{write(t, "q.sgcase", "queue 3\nsg 0x1000+1\n")}, exitUsage, []string{"queue 3", "q.sgcase"}},
		{"unknown profile", []string{write(t, "p.sgcase", "profile nosuch\nsg 0x1000+1\n")}, exitUsage, []string{"nosuch"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sgfuzz("", append([]string{"replay"}, row.args...)...).want(t, row.code, row.texts...)
		})
	}
	sgfuzz(wrongCase, "replay", "--strategy=indirect", "-").want(t, exitFindings, "stdin: 3 entries: FAILED")
}

// TestReplayDirectory demands the order of the files whatever the workers do.
func TestReplayDirectory(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 50 {
		file := filepath.Join(dir, fmt.Sprintf("%02d.sgcase", i))
		want = append(want, file)
		if err := os.WriteFile(file, []byte(plainCase), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r := sgfuzz("", "replay", "-v", "--jobs=4", "--strategy=indirect", "--json", dir)
	r.want(t, exitFine)
	got := decodeJSON[replayResult](t, r.out)
	var names []string
	for _, c := range got.Cases {
		names = append(names, c.Name)
	}
	if got.Run != 50 || !slices.Equal(names, want) {
		t.Errorf("%d cases: %v", got.Run, names)
	}
}

func TestReplayInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := sgfuzzCtx(ctx, "", "replay", "--json")
	r.want(t, exitFine)
	if got := decodeJSON[replayResult](t, r.out); !got.Interrupted || got.Run > 20 {
		t.Errorf("interrupted %v after %d cases", got.Interrupted, got.Run)
	}
}

func TestRunVerb(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "findings")
	args := []string{"run", "--no-corpus", "--cases=40", "--seed=7", "--strategy=indirect,bounce", "--profile=small,default", "--out", dir, "--json"}
	first, second := sgfuzz("", args...), sgfuzz("", append(args, "--jobs=3")...)
	a, b := decodeJSON[runResult](t, first.out), decodeJSON[runResult](t, second.out)
	if a.Cases != 40 || a.Seed != 7 || len(a.Strategies) != 2 || a.Strategies[0].Cases != 40 || len(a.Checks) != 15 {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(a.Strategies, b.Strategies) || !slices.Equal(a.Checks, b.Checks) {
		t.Errorf("the same seed, other figures:\n%+v %+v\n%+v %+v", a.Strategies, a.Checks, b.Strategies, b.Checks)
	}
	wantCode := exitFine
	if len(a.Classes) > 0 {
		wantCode = exitFindings
	}
	if first.code != wantCode {
		t.Errorf("exit status %d with classes %v", first.code, a.Classes)
	}
	_, err := os.Stat(dir)
	if made := err == nil; made != (len(a.Findings) > 0) {
		t.Errorf("directory made: %v, findings %d", made, len(a.Findings))
	}
	for _, f := range a.Findings {
		if _, err := corpus.Load(f.File); err != nil || !strings.HasSuffix(f.Replay, f.File) {
			t.Errorf("%v: %+v", err, f)
		}
	}
	sgfuzz("", "run", "--no-corpus", "--cases=1", "--seed=0x10", "--strategy=indirect", "--out", dir).want(t, exitFine, "seed 16", "1 cases in")
}

func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := sgfuzzCtx(ctx, "", "run", "--out", filepath.Join(t.TempDir(), "f"))
	r.want(t, exitFine, "interrupted", "no findings", "seed ")
}

func TestShrink(t *testing.T) {
	file := write(t, "w.sgcase", "strategy indirect\n"+wrongCase)
	r := sgfuzz("", "shrink", file)
	r.want(t, exitFine, "limits/indirect")
	c, err := corpus.Parse([]byte(r.out))
	if err != nil || len(c.List) != 1 {
		t.Fatalf("%v: %s", err, r.out)
	}
	sgfuzz(r.out, "replay", "-").want(t, exitFindings, "the case wants reject")

	out := filepath.Join(t.TempDir(), "small.sgcase")
	sgfuzz("strategy indirect\n"+wrongCase, "shrink", "--out", out, "-").want(t, exitFine)
	if data, err := os.ReadFile(out); err != nil || string(data) != r.out {
		t.Errorf("%v: %s", err, data)
	}
	sgfuzz(plainCase, "shrink", "--json", "-").want(t, exitUsage, "does not fail")
	sgfuzz("queue 3\nsg 1+1\n", "shrink", "-").want(t, exitUsage, "queue 3")
}

// goldenEncode is REG_MR of two KLMs as Linux posts it: authority of each field
// is in package mlx5model/linux.
const goldenEncode = `# case stdin, strategy indirect

# WQE 0: UMR, DS 12, dialect linux
00 00 00 25 00 12 34 0c 00 00 00 60 00 10 00 01
a0 00 00 00 00 04 00 00 00 00 00 00 20 9e 21 43
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 be 00 ff ff ff 01 00 00 00 00 01 00 00 00
00 00 00 00 10 00 00 01 00 00 00 00 00 00 00 0a
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00
00 00 00 03 00 00 18 00 00 00 00 00 10 00 00 01
00 00 00 07 00 00 18 00 00 00 00 00 20 00 00 05
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`

func TestEncodeGolden(t *testing.T) {
	if r := sgfuzz(gapCase, "encode", "-"); r.code != exitFine || r.out != goldenEncode {
		t.Errorf("status %d\n%s%s", r.code, r.out, r.err)
	}
}

// TestEncodeDecode pipes what encode writes for every dialect into decode.
func TestEncodeDecode(t *testing.T) {
	var long strings.Builder // by pointer where a dialect has that
	for i := range 45 {
		fmt.Fprintf(&long, "sg %#x+%d\n", 0x10000001+i*0x3000, i+1)
	}
	for _, dialect := range corpus.Dialects() {
		for name, text := range map[string]string{"short": gapCase, "long": long.String()} {
			t.Run(dialect+"/"+name, func(t *testing.T) {
				enc := sgfuzz(text, "encode", "--dialect", dialect, "-")
				enc.want(t, exitFine, "dialect "+dialect)
				dec := sgfuzz(enc.out, "decode", "--strict", "--dialect", dialect, "--json")
				dec.want(t, exitFine)
				got := decodeJSON[wqeview.Document](t, dec.out)
				posted := decodeJSON[encodeResult](t, sgfuzz(text, "encode", "--dialect", dialect, "--json", "-").out)
				if n := strings.Count(enc.out, "# WQE "); len(got.Blocks) != n || len(posted.WQEs) != n {
					t.Fatalf("%d WQEs encoded, %d in JSON, %d decoded", n, len(posted.WQEs), len(got.Blocks))
				}
				for i := range posted.WQEs {
					w := got.Items[i]
					if w.Hex != posted.WQEs[i].Hex || w.List != posted.WQEs[i].List || !slices.Contains(w.Dialect.Fits, dialect) {
						t.Errorf("WQE %d is not what was encoded, or does not fit: %+v", i, w)
					}
				}
				raw := sgfuzz(text, "encode", "--raw", "--dialect", dialect, "-")
				if blocks, format, err := wqetext.Parse([]byte(raw.out)); err != nil || format != wqetext.Binary || len(maps.Collect(wqetext.Split(blocks[0].Bytes))) != len(posted.WQEs) {
					t.Errorf("raw: %v %v, %d bytes", format, err, len(raw.out))
				}
			})
		}
	}
}

func TestEncodeRefusal(t *testing.T) {
	for _, row := range []struct {
		text, strategy, want string
	}{
		{gapCase, "fastreg", "fastreg: gap@1"},
		{"sg none\n", "indirect", "empty"},
		{plainCase, "umem", "umem posts no work request"},
		{"profile nosuch\n" + plainCase, "indirect", "nosuch"},
		{"queue 3\n" + plainCase, "indirect", "queue 3"},
	} {
		sgfuzz(row.text, "encode", "--strategy", row.strategy, "-").want(t, exitUsage, row.want)
	}
}

func TestEncodeMultipleWQEs(t *testing.T) {
	r := sgfuzz("max-entries 2\nsg 1+1\nsg 9+1\nsg 0x20+1\nsg 0x31+1\nsg 0x42+1\n", "encode", "--strategy=multimr", "-")
	r.want(t, exitFine, "# WQE 2: UMR")
	sgfuzz(r.out, "decode", "--strict").want(t, exitFine, "WQE 0: UMR", "WQE 2: UMR", "strict check: no findings")
}

func TestImport(t *testing.T) {
	good := write(t, "good.iov", "writev 0x1000+3 0x2001+4\nreadv 1+1\nwritev 0x1000+3 0x2001+4\n")
	bad := write(t, "bad.iov", "writev 0x1000+3\nwritev 0x1000\n")
	out := filepath.Join(t.TempDir(), "cases")
	sgfuzz("", "import", "--out", out, good, bad).want(t, exitUsage, bad+":2:14")
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s was made: %v", out, err)
	}
	r := sgfuzz("", "import", "--json", "--out", out, good)
	r.want(t, exitFine)
	if got := decodeJSON[importResult](t, r.out); got != (importResult{Out: out, Files: 1, Lists: 3, Entries: 5, Written: 3}) {
		t.Errorf("%+v", got)
	}
	sgfuzz("", "import", "--dedupe", "--out", filepath.Join(t.TempDir(), "d"), good).want(t, exitFine, "3 lists, 5 entries: 2 case files")
	sgfuzz("", "replay", "--strategy=indirect", out).want(t, exitFine, "3 cases: 0 failed")
	sgfuzz("", "fmt", "--check", out).want(t, exitFine)
}

const testdata = "../../internal/vectors/testdata/"

func TestVectors(t *testing.T) {
	good := testdata + "kernel-createmkey.jsonl.gz"
	if r := sgfuzz("", "vectors", good); r.code != exitFine || r.out != "kernel-createmkey: 100 passed, 0 failed, 0 skipped\n" {
		t.Errorf("status %d: %s%s", r.code, r.out, r.err)
	}
	skipped := write(t, "s.jsonl", skippedVector+skippedVector)
	failed := write(t, "f.jsonl", skippedVector+`{"id":"nosuch-1"}`+"\nnot json\n")
	sgfuzz("", "vectors", skipped).want(t, exitFine, "s: 0 passed, 0 failed, 2 skipped", "skipped 2: needs signature")
	sgfuzz("", "vectors", failed).want(t, exitFindings, "f: 0 passed, 2 failed, 1 skipped", "line 2, nosuch-1", "line 3")
	sgfuzz("", "vectors", failed, "/no/such", skipped).want(t, exitUsage, "f: 0 passed", "/no/such", "s: 0 passed")
	sgfuzz("", "vectors", "--failures=1", failed).want(t, exitFindings, "1 more failed")
	r := sgfuzz("", "vectors", "--json", failed)
	if got := decodeJSON[vectorsResult](t, r.out); len(got.Files) != 1 || got.Files[0].Failed != 2 || got.Files[0].SkipReasons["needs signature"] != 1 || len(got.Files[0].Failures) != 2 {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	sgfuzzCtx(ctx, "", "vectors", "--json", good).want(t, exitFine, `"interrupted": true`)
}

func TestFmt(t *testing.T) {
	const messy = "sg   4096+1 # x\noffset 0x1\n"
	dir := t.TempDir()
	file := filepath.Join(dir, "m.sgcase")
	if err := os.WriteFile(file, []byte(messy), 0o640); err != nil {
		t.Fatal(err)
	}
	neatText := sgfuzz(messy, "fmt", "-")
	neatText.want(t, exitFine)
	if c, err := corpus.Parse([]byte(messy)); err != nil || neatText.out != corpus.Format(c) {
		t.Errorf("%v: %q", err, neatText.out)
	}
	sgfuzz("", "fmt", "--check", dir).want(t, exitFindings, file)
	if data, _ := os.ReadFile(file); string(data) != messy {
		t.Fatalf("--check changed the file: %q", data)
	}
	sgfuzz("", "fmt", dir).want(t, exitFine, file)
	data, _ := os.ReadFile(file)
	if info, _ := os.Stat(file); string(data) != neatText.out || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %q", info.Mode(), data)
	}
	if r := sgfuzz("", "fmt", "-n", dir); r.code != exitFine || r.out != "" {
		t.Errorf("status %d: %s", r.code, r.out)
	}
	sgfuzz(messy, "fmt", "-n", "-").want(t, exitFindings, "stdin")
	bad := filepath.Join(dir, "bad.sgcase")
	if err := os.WriteFile(bad, []byte("nonsense\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	sgfuzz("", "fmt", dir).want(t, exitUsage, bad+":1:")
	if data, _ := os.ReadFile(bad); !bytes.Equal(data, []byte("nonsense\n")) {
		t.Errorf("now %q", data)
	}
}
