package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEmbeddedByName gives the verbs that read cases the names of embedded
// ones, right and nearly right. What is on disk goes before.
func TestEmbeddedByName(t *testing.T) {
	const name = "features/single-entry"
	out := filepath.Join(t.TempDir(), "out")
	for _, row := range []struct {
		args  string
		code  int
		texts []string
	}{
		{"replay -v --strategy=indirect " + name, exitFine, []string{name + ": 1 entries: ok"}},
		{"replay --strategy=indirect features/", exitFine, []string{" cases: 0 failed"}},
		{"encode " + name, exitFine, []string{"# WQE 0: UMR"}},
		{"encode " + name + ".sgcase", exitFine, []string{"# WQE 0: UMR"}},
		{"encode features", exitUsage, []string{"features: no such file, directory or embedded case"}},
		{"shrink " + name, exitUsage, []string{"does not fail"}},
		{"corpus list " + name, exitFine, []string{name}},
		{"export --format=c-header --out " + out + " " + name, exitFine, []string{"1 cases"}},
		{"replay features/sinlge-entry", exitUsage, []string{`did you mean "features/single-entry"`}},
		{"encode single-entri", exitUsage, []string{`did you mean "features/single-entry"`}},
		{"corpus list feature/single-entry", exitUsage, []string{`did you mean "features/single-entry"`}},
		{"fmt " + name, exitUsage, []string{"no such file"}},
	} {
		sgfuzz("", strings.Fields(row.args)...).want(t, row.code, row.texts...)
	}
	t.Chdir(t.TempDir())
	if err := errors.Join(os.Mkdir("features", 0o777), os.WriteFile(name, []byte(gapCase), 0o666)); err != nil {
		t.Fatal(err)
	}
	sgfuzz("", "replay", "-v", "--strategy=indirect", name).want(t, exitFine, name+": 2 entries: ok")
}
