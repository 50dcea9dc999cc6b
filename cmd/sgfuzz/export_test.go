package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// TestExportImport takes a case to every engine's files and back.
func TestExportImport(t *testing.T) {
	file := write(t, "gap.sgcase", gapCase)
	for _, row := range []struct{ format, from, place string }{
		{"go", "go", "testdata/fuzz/FuzzStrategies"},
		{"gofuzz", "gofuzz", "corpus"},
		{"libfuzzer-zip", "libfuzzer", "fuzz_strategies_seed_corpus.zip"},
	} {
		t.Run(row.format, func(t *testing.T) {
			out, back := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "back")
			sgfuzz("", "export", "--format", row.format, "--out", out, file).want(t, exitFine, "1 inputs, 1 files,")
			sgfuzz("", "import", "--format", row.from, "--out", back, filepath.Join(out, row.place)).want(t, exitFine, "1 inputs, 0 too short: 1 case files")
			cases, err := corpus.LoadDir(back)
			if err != nil || len(cases) != 1 {
				t.Fatalf("%d cases, %v", len(cases), err)
			}
			text := corpus.Format(cases[0])
			if !strings.HasSuffix(text, gapCase) || !strings.HasPrefix(text, "# input ") {
				t.Errorf("%s came back as\n%s", gapCase, text)
			}
		})
	}
}

func TestExportJSON(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r := sgfuzz("", "export", "--format", "libfuzzer-zip", "--target", "all", "--out", out, "--json")
	r.want(t, exitFine)
	v := decodeJSON[exportResult](t, r.out)
	entries, err := os.ReadDir(out)
	if err != nil || v.Files != len(entries) || v.Files != len(v.Targets) || v.Inputs < 1000 || v.Bytes == 0 {
		t.Errorf("%+v, %d files, %v", v, len(entries), err)
	}
}

func TestExportImportRefuse(t *testing.T) {
	plain, bad := write(t, "plain.sgcase", plainCase), write(t, "bad.sgcase", "sg 1\n")
	out := filepath.Join(t.TempDir(), "out")
	for _, row := range []struct {
		args  []string
		code  int
		texts string
	}{
		{[]string{"export", "--format", "afl", "--out", out}, exitUsage, `unknown format "afl": one of go, gofuzz, libfuzzer-zip, jsonl, c-header`},
		{[]string{"export", "--format", "go"}, exitUsage, "--out"},
		{[]string{"export", "--format", "go", "--target", "X", "--out", out}, exitUsage, `unknown target "X": one of Strategies,`},
		{[]string{"export", "--format", "go", "--target", "Text", "--out", out, plain}, exitUsage, `"Text" takes no cases`},
		{[]string{"export", "--format", "gofuzz", "--target", "all", "--out", out}, exitUsage, "belongs to one"},
		{[]string{"export", "--format", "go", "--out", out, plain, bad}, exitUsage, "nothing exported"},
		{[]string{"export", "--format", "go", "--out", plain + "/x", plain}, exitInternal, "not a directory"},
		{[]string{"import", "--format", "afl", "--out", out, plain}, exitUsage, `unknown format "afl": one of iovec, cases, go, gofuzz, libfuzzer`},
		{[]string{"import", "--format", "go", "--out", out, plain}, exitUsage, "plain.sgcase: first line"},
		{[]string{"import", "--format", "go", "--dedupe", "--out", out, plain}, exitUsage, "--dedupe is for"},
		{[]string{"import", "--format", "libfuzzer", "--out", out, write(t, "short", "x")}, exitUsage, "1 of them too short"},
		{[]string{"import", "--format", "gofuzz", "--out", plain + "/x", plain}, exitInternal, "not a directory"},
	} {
		sgfuzz("", row.args...).want(t, row.code, row.texts)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: something was written", row.args)
		}
	}
}
