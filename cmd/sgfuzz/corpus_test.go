package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// corpusDir is a directory with a case, a copy of it under another name in a
// directory below, and one with a want.
func corpusDir(t *testing.T) string {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a": gapCase, "sub/b": gapCase, "wanted": plainCase + "want fastreg ok\n"} {
		if err := os.WriteFile(filepath.Join(dir, name+corpus.Ext), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCorpusList(t *testing.T) {
	dir := corpusDir(t)
	r := sgfuzz("", "corpus", "list", dir)
	r.want(t, exitFine, "entries", "sub/b", "wanted", "fastreg", "gap-both")
	got := decodeJSON[corpusListResult](t, sgfuzz("", "corpus", "list", "--json", dir).out)
	if len(got.Cases) != 3 || got.Cases[0].Name != "a" || got.Cases[0].Entries != 2 || got.Cases[0].Bytes != 10 || got.Cases[2].Wants["fastreg"] != "ok" {
		t.Errorf("%+v", got)
	}
	sgfuzz("", "corpus", "list").want(t, exitFine, "captures/nginx-ssi-1", "bugs/b12-blocks-of-4g")
	sgfuzz("", "corpus", "list", t.TempDir()).want(t, exitUsage, "no case files")
	sgfuzz("", "corpus", "list", write(t, "x.sgcase", "junk\n")).want(t, exitUsage, "x.sgcase:1")
	sgfuzz("", "corpus").want(t, exitUsage, `expected one of "list"`)
}

func TestCorpusMinimize(t *testing.T) {
	dir := corpusDir(t)
	for _, row := range []struct {
		flag  string
		cases int    // read
		want  string // kept
	}{
		{"--wants", 3, "a wanted"},
		{"--no-wants", 3, "a wanted"},
		{"--no-wants --most=1", 3, "a"},
		{"--known=" + filepath.Join(dir, "sub"), 4, "wanted"},
	} {
		out := filepath.Join(t.TempDir(), "small")
		r := sgfuzz("", append([]string{"corpus", "minimize", "--no-mutants", "--json", "--out", out, dir}, strings.Fields(row.flag)...)...)
		r.want(t, exitFine)
		got := decodeJSON[corpusMinimizeResult](t, r.out)
		var kept []string
		for _, file := range got.Kept {
			name, _ := filepath.Rel(out, strings.TrimSuffix(file, corpus.Ext))
			kept = append(kept, name)
		}
		if strings.Join(kept, " ") != row.want || got.Cases != row.cases || got.Features < 100 || got.Mutants != 0 {
			t.Errorf("%s: %v of %+v", row.flag, kept, got)
		}
		if left, err := corpus.LoadDir(out); err != nil || len(left) != len(kept) {
			t.Errorf("%v, %d files", err, len(left))
		}
	}
	sgfuzz("", "corpus", "minimize", dir).want(t, exitUsage, "--out")
	sgfuzz("", "corpus", "minimize", "--most=-1", "--out", t.TempDir(), dir).want(t, exitUsage, "--most")
	sgfuzz("", "corpus", "minimize", "--known", t.TempDir(), "--out", t.TempDir(), dir).want(t, exitUsage, "no case files")
	below := filepath.Join(write(t, "file", ""), "x")
	sgfuzz("", "corpus", "minimize", "--no-mutants", "--out", below, dir).want(t, exitInternal, below)
	sgfuzz("", "corpus", "minimize", "--no-mutants", "--out", t.TempDir(), write(t, "q.sgcase", "queue 3\nsg 1+1\n")).want(t, exitUsage, "queue 3")
}

// TestCorpusFmt is the verb fmt by another name.
func TestCorpusFmt(t *testing.T) {
	file := write(t, "m.sgcase", "sg   4096+1\n")
	sgfuzz("", "corpus", "fmt", "--check", file).want(t, exitFindings, file)
	sgfuzz("", "corpus", "fmt", file).want(t, exitFine, file)
	sgfuzz("", "fmt", "--check", file).want(t, exitFine)
}
