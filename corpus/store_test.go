package corpus

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/sgfuzz/sgfuzz/sg"
)

// names lists a directory, hidden files included.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func writeFile(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSaveLoad(t *testing.T) {
	dir := t.TempDir()
	c, err := Parse([]byte(everyKey))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "every.sgcase")
	writeFile(t, file, "the former text")
	if err := Save(file, c); err != nil {
		t.Fatal(err)
	}
	d, err := Load(file)
	if err != nil || Format(d) != everyKey || d.Name != "every" {
		t.Errorf("%v, name %q", err, d.Name)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"every.sgcase"}) {
		t.Errorf("directory holds %q", got)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o444 == 0o400 {
		t.Errorf("mode %v: not what a new file gets", info.Mode())
	}
}

func TestSaveUnique(t *testing.T) {
	dir := t.TempDir()
	c := &Case{List: sg.List{{Addr: 1, Len: 1}}}
	first, err1 := SaveUnique(dir, "read-stream", c)
	c.Comments = []Comment{{Text: "# found again"}}
	c.Wants = []Want{{"auto", WantOK, ""}}
	second, err2 := SaveUnique(dir, "read-stream", c)
	c.List[0].Addr++
	third, err3 := SaveUnique(dir, "read-stream", c)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if first != second || first == third || len(names(t, dir)) != 2 {
		t.Errorf("%s %s %s", first, second, third)
	}
}

func TestSaveErrors(t *testing.T) {
	dir := t.TempDir()
	c := &Case{List: sg.List{{Addr: 1, Len: 1}}}
	plain := writeFile(t, filepath.Join(dir, "plain"), "x")
	full := filepath.Join(dir, "target.sgcase")
	if err := os.MkdirAll(filepath.Join(full, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, file string
		c          *Case
		want       error
	}{
		{"no directory", filepath.Join(dir, "none", "a.sgcase"), c, fs.ErrNotExist},
		{"directory is a file", filepath.Join(plain, "a.sgcase"), c, syscall.ENOTDIR},
		{"rename over a directory", full, c, syscall.EEXIST},
		{"no such dialect", filepath.Join(dir, "a.sgcase"), &Case{Dialect: "x"}, ErrName},
		{"no such verdict", filepath.Join(dir, "a.sgcase"), &Case{Wants: []Want{{"auto", "x", ""}}}, ErrName},
	} {
		before := names(t, dir)
		err := Save(row.file, row.c)
		if !errors.Is(err, row.want) && !(row.want == syscall.EEXIST && errors.Is(err, syscall.EISDIR)) {
			t.Errorf("%s: error %v, want %v", row.name, err, row.want)
		}
		if after := names(t, dir); !slices.Equal(before, after) {
			t.Errorf("%s: left %q", row.name, after)
		}
	}
}

func TestSaveReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o777)
	err := Save(filepath.Join(dir, "a.sgcase"), &Case{})
	if os.Geteuid() == 0 && err == nil {
		t.Skip("root may write anywhere")
	}
	if !errors.Is(err, fs.ErrPermission) || len(names(t, dir)) != 0 {
		t.Errorf("error %v, files %q", err, names(t, dir))
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	bad := writeFile(t, filepath.Join(dir, "bad.sgcase"), "sg 1\n")
	var e *ParseError
	if _, err := Load(bad); !errors.As(err, &e) || e.File != bad {
		t.Errorf("got %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestLoadLarge(t *testing.T) {
	dir := t.TempDir()
	c := &Case{List: make(sg.List, 100_000)}
	for i := range c.List {
		c.List[i] = sg.Entry{Addr: uint64(i) << 20, Len: uint32(i)}
	}
	file := filepath.Join(dir, "large.sgcase")
	if err := Save(file, c); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() < mmapFrom {
		t.Fatalf("%v, %d bytes: too small to be mapped", err, info.Size())
	}
	r, err := openLarge(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.(mapped); !ok {
		t.Errorf("read through %T", r)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	d, err := Load(file)
	if err != nil || !slices.Equal(c.List, d.List) {
		t.Errorf("%v, %d entries", err, len(d.List))
	}
}

func TestLoadDir(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "b", "c"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"z", "b/y", "b/c/x", "a"} {
		writeFile(t, filepath.Join(dir, file+Ext), "sg 1+1\n")
	}
	writeFile(t, filepath.Join(dir, "notes.txt"), "no case")
	writeFile(t, filepath.Join(dir, "b", "bad1.sgcase"), "x\n")
	writeFile(t, filepath.Join(dir, "bad2.sgcase"), "sg 1+1\nx y\n")
	wanted := []string{"a", "b/c/x", "b/y", "z"}

	for _, how := range []struct {
		name string
		load func() ([]*Case, error)
	}{
		{"LoadDir", func() ([]*Case, error) { return LoadDir(dir) }},
		{"LoadFS", func() ([]*Case, error) { return LoadFS(os.DirFS(dir)) }},
	} {
		cases, err := how.load()
		var got []string
		for _, c := range cases {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: %q", how.name, got)
		}
		if err == nil || !strings.Contains(err.Error(), "bad1.sgcase:1:1") || !strings.Contains(err.Error(), "bad2.sgcase:2:1") {
			t.Errorf("%s: error %v", how.name, err)
		}
	}
	mixed, err := LoadAll(filepath.Join(dir, "z.sgcase"), filepath.Join(dir, "none"), filepath.Join(dir, "b"))
	if len(mixed) != 3 || mixed[0].Name != "z" || mixed[2].Name != "y" ||
		!errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "bad1") {
		t.Errorf("LoadAll: %d cases, %v", len(mixed), err)
	}
	if _, err := LoadDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if cases, err := LoadFS(fstest.MapFS{}); err != nil || len(cases) != 0 {
		t.Errorf("empty: %v, %d cases", err, len(cases))
	}
}
