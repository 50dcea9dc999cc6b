package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportVectors takes the embedded cases to vectors, which the verb vectors
// must pass, and a child that implements the mappings too.
func TestExportVectors(t *testing.T) {
	for _, ext := range []string{".jsonl", ".jsonl.gz"} {
		out := filepath.Join(t.TempDir(), "out")
		args := []string{"export", "--format", "jsonl", "--out", out}
		if ext == ".jsonl.gz" {
			args = append(args, "--gzip")
		}
		sgfuzz("", args...).want(t, exitFine, " cases, ", " vectors, 3 files, ", "  left out 4: the offset has more than 32 bits\n")
		sgfuzz("", "vectors", filepath.Join(out, "kernel-sg2pages"+ext), filepath.Join(out, "kernel-sg2klm"+ext), filepath.Join(out, "kernel-regmr"+ext)).
			want(t, exitFine, "kernel-sg2pages: 247 passed, 0 failed, 0 skipped", "kernel-sg2klm: 247 passed,", "kernel-regmr: 480 passed, 0 failed, 0 skipped")
	}
}

// TestExportConform gives exported vectors to a child in C, which differs
// nowhere, and to one with a wrong key, which does.
func TestExportConform(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("SKIPPED: no C compiler: exported vectors are not given to a child")
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "vectors")
	sgfuzz("", "export", "--format", "jsonl", "--out", out).want(t, exitFine)
	source, err := os.ReadFile("../../examples/c/child.c")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, old, new string
		code           int
		text           string
	}{
		{"right", "", "", exitFine, "sg_to_klms            all    246     246       0"},
		{"wrong", "sg[i].len - off, lkey, sg[i].addr + off", "sg[i].len - off, lkey + 1, sg[i].addr + off", exitFindings, "descs"},
	} {
		text := strings.Replace(string(source), row.old, row.new, 1)
		if (text == string(source)) != (row.old == "") {
			t.Fatalf("%s: %q is not in the example", row.name, row.old)
		}
		file, child := filepath.Join(dir, row.name+".c"), filepath.Join(dir, row.name)
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if msg, err := exec.Command(cc, "-O1", "-w", "-I../../examples/c", "-o", child, file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, msg)
		}
		sgfuzz("", "conform", "--cases", "246", "--ops", "sg_to_klms", "--vectors", filepath.Join(out, "kernel-sg2klm.jsonl"), "--", child).
			want(t, row.code, row.text)
	}
}

func TestExportTables(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	file := write(t, "gap.sgcase", gapCase)
	r := sgfuzz("", "export", "--format", "c-header", "--out", out, "--json", file)
	r.want(t, exitFine)
	v := decodeJSON[exportVectorsResult](t, r.out)
	if v.Format != "c-header" || v.Out != out || v.Cases != 1 || v.Vectors != 2 || v.Files != 3 || v.Bytes == 0 || v.Skipped == nil {
		t.Errorf("%+v", v)
	}
	text, err := os.ReadFile(filepath.Join(out, "sgfuzz_vectors.h"))
	if err != nil || !strings.Contains(string(text), `.name = "gap",`) || !strings.Contains(string(text), "#define SGFUZZ_CASES 1\n") {
		t.Errorf("%v\n%s", err, text)
	}
	sgfuzz("", "export", "--format", "c-header", "--most-entries", "2", "--out", out).want(t, exitFine, " the list has more than 2 entries")
}

func TestExportHelp(t *testing.T) {
	sgfuzz("", "export", "--help").want(t, exitFine, "sgfuzz export --format jsonl --out vectors", "sgfuzz export --format c-header", "--most-entries")
}

func TestExportVectorsRefuse(t *testing.T) {
	plain, bad := write(t, "plain.sgcase", plainCase), write(t, "bad.sgcase", "sg 1\n")
	odd := write(t, "odd.sgcase", "page-size 4095\n"+plainCase)
	out := filepath.Join(t.TempDir(), "out")
	for _, row := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"--format", "jsonl", "--target", "Text"}, exitUsage, "--target is for the formats of engines, not for jsonl"},
		{[]string{"--format", "c-header", "--gzip"}, exitUsage, "--gzip is for --format jsonl"},
		{[]string{"--format", "go", "--gzip"}, exitUsage, "--gzip is for --format jsonl"},
		{[]string{"--format", "jsonl", "--most-entries", "3"}, exitUsage, "--most-entries is for --format c-header"},
		{[]string{"--format", "c-header", "--most-entries=-3"}, exitUsage, "-3: the most entries must be at least 1"},
		{[]string{"--format", "jsonl", plain, bad}, exitUsage, "nothing exported"},
		{[]string{"--format", "c-header", odd}, exitUsage, "nothing to export: 1 left out: the page size is not a power of two"},
		{[]string{"--format", "jsonl", odd}, exitUsage, "nothing to export"},
		{[]string{"--format", "jsonl", "--out", plain + "/x"}, exitInternal, "not a directory"},
	} {
		sgfuzz("", append([]string{"export", "--out", out}, row.args...)...).want(t, row.code, row.text)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: something was written", row.args)
		}
	}
}
