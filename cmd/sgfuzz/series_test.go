package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// TestSeries: verbs that take cases take a file with several of them, whole or
// cut; import makes case files of it.
func TestSeries(t *testing.T) {
	text := []byte(corpus.SeriesHead())
	for _, name := range []string{"a", "b"} {
		c, err := corpus.Parse([]byte(plainCase))
		if err != nil {
			t.Fatal(err)
		}
		c.Name = name
		text = corpus.AppendBlock(text, c)
	}
	file := write(t, "run.sgcases", string(text))
	sgfuzz("", "replay", "-v", file).want(t, exitFine, "2 cases: 0 failed", "run.sgcases:b:")
	sgfuzz("", "corpus", "list", file).want(t, exitFine, "run.sgcases:a", "run.sgcases:b")
	sgfuzz("", "explain", file).want(t, exitUsage, "several cases")
	cut := write(t, "cut.sgcases", string(text[:len(text)-5]))
	sgfuzz("", "replay", cut).want(t, exitFine, "1 cases: 0 failed", "cut.sgcases: its last case was not written whole")
	sgfuzz("", "replay", write(t, "none.sgcases", corpus.SeriesHead())).want(t, exitUsage, "holds no whole case")

	out := filepath.Join(t.TempDir(), "out")
	sgfuzz("", "import", "--format=cases", "-o", out, file).want(t, exitFine, "2 case files")
	sgfuzz("", "replay", out).want(t, exitFine, "2 cases: 0 failed")
	sgfuzz("", "import", "--format=cases", "--dedupe", "-o", out, file).want(t, exitUsage, "--dedupe")
	sgfuzz("", "import", "--format=cases", "-o", out, write(t, "c.sgcase", plainCase)).want(t, exitUsage, "begins with")
}

// TestRecordPath: a directory is taken as one, a record is replaced, and no
// other file is.
func TestRecordPath(t *testing.T) {
	dir := t.TempDir()
	for name, isDir := range map[string]bool{"": true, "new/dir/": true, "new.sgcases": false} {
		path, err := recordPath(filepath.Join(dir, name) + map[bool]string{true: "/"}[strings.HasSuffix(name, "/")])
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() != isDir {
			t.Errorf("%q: %v, %v", name, info, err)
		}
	}
	file := filepath.Join(dir, "new.sgcases")
	old := corpus.AppendBlock([]byte(corpus.SeriesHead()), &corpus.Case{Name: "a"})
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := recordPath(file); err != nil {
		t.Error(err)
	}
	if data, _ := os.ReadFile(file); string(data) != corpus.SeriesHead() {
		t.Errorf("now %q", data)
	}
	letter := write(t, "letter", "dear\n")
	if _, err := recordPath(letter); err == nil || !strings.Contains(err.Error(), "no record") {
		t.Errorf("a letter: %v", err)
	}
	sgfuzz("", "vhca", "--record", letter, "--", "true").want(t, exitUsage, "no record")
}
