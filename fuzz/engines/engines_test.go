package engines

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

func embedded(t *testing.T) []*corpus.Case {
	t.Helper()
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestRoundTrip exports every embedded case and imports what was written.
func TestRoundTrip(t *testing.T) {
	cases := embedded(t)
	want := map[string]bool{}
	for _, c := range cases {
		want[corpus.Hash(c)] = true
	}
	for _, f := range formats {
		t.Run(f.String(), func(t *testing.T) {
			dir := t.TempDir()
			x, err := Export{Format: f}.Cases(filepath.Join(dir, "x"), cases)
			if err != nil || x.Inputs != len(want) {
				t.Fatalf("%+v, %v, want %d inputs", x, err, len(want))
			}
			im, err := Import{f}.Run(filepath.Join(dir, "c"), filepath.Join(dir, "x"))
			if err != nil || im.Written != len(want) || im.Inputs != len(want) || im.Short != 0 {
				t.Fatalf("%+v, %v, want %d cases", im, err, len(want))
			}
			back, err := corpus.LoadDir(filepath.Join(dir, "c"))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range back {
				if !want[corpus.Hash(c)] || !strings.HasSuffix(c.Name, corpus.Hash(c)) {
					t.Errorf("%s is none of the exported cases\n%s", c.Name, corpus.Format(c))
				}
			}
		})
	}
}

func TestExportIsDeterministic(t *testing.T) {
	cases := embedded(t)[:40]
	turned := slices.Clone(cases)
	slices.Reverse(turned)
	for _, f := range formats {
		a, b := t.TempDir(), t.TempDir()
		_, err1 := Export{Format: f}.Cases(a, cases)
		_, err2 := Export{Format: f}.Cases(b, append(turned, cases[3]))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(contents(t, a), contents(t, b)) {
			t.Errorf("%v: other bytes for the same cases", f)
		}
	}
}

func TestExportLayout(t *testing.T) {
	c := &corpus.Case{List: sg.List{{Addr: 0x1000, Len: 1}}}
	for _, row := range []struct {
		format Format
		want   string
	}{
		{Go, "testdata/fuzz/FuzzStrategies/*"},
		{GoFuzz, "corpus/*"},
		{LibFuzzer, "fuzz_strategies_seed_corpus.zip"},
	} {
		dir := t.TempDir()
		s, err := Export{Format: row.format}.Cases(dir, []*corpus.Case{c})
		found, _ := filepath.Glob(filepath.Join(dir, row.want))
		if err != nil || len(found) != 1 || len(contents(t, dir)) != 1 || s.Files != 1 {
			t.Errorf("%v: %v, %v, %+v", row.format, err, contents(t, dir), s)
		}
	}
}

func TestExportSeedsOfAllTargets(t *testing.T) {
	dir := t.TempDir()
	s, err := Export{Format: LibFuzzer, Targets: []string{"WQEText", "Decode", "Decode"}}.Seeds(dir)
	if err != nil || s.Files != 2 || s.Inputs < 100 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, name := range []string{"fuzz_decode_seed_corpus.zip", "fuzz_wqetext_seed_corpus.zip"} {
		if contents(t, dir)[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	plain := []*corpus.Case{{Name: "plain", List: sg.List{{Addr: 1, Len: 1}}}}
	undrawn := []*corpus.Case{plain[0], {Name: "undrawn", Limits: corpus.Limits{MaxInline: 7}, List: sg.List{{Addr: 1, Len: 1}}}}
	for name, row := range map[string]struct {
		do   func(out string) error
		want error
	}{
		"target":       {func(o string) error { _, err := Export{Targets: []string{"X"}}.Seeds(o); return err }, ErrTarget},
		"cases":        {func(o string) error { _, err := Export{Targets: []string{"Text"}}.Cases(o, plain); return err }, ErrTarget},
		"two corpora":  {func(o string) error { _, err := Export{GoFuzz, []string{"Text", "Decode"}}.Seeds(o); return err }, ErrTarget},
		"undrawn case": {func(o string) error { _, err := Export{}.Cases(o, undrawn); return err }, ErrNoInput},
		"no parent":    {func(o string) error { _, err := Export{}.Cases(o+"/a/b", plain); return err }, os.ErrNotExist},
	} {
		out := filepath.Join(t.TempDir(), "out")
		if err := row.do(out); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was written", name)
		}
	}
}

func TestImport(t *testing.T) {
	input, err := Input(&corpus.Case{List: sg.List{{Addr: 0x1001, Len: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, data, 0o666)); err != nil {
			t.Fatal(err)
		}
		return name
	}
	crashers := filepath.Dir(put("crashers/0123", input))
	put("crashers/0123.output", []byte("panic: class"))
	put("crashers/0123.quoted", []byte(`"x"`))
	other := put("testdata/fuzz/FuzzMapping/0123", Go.Marshal(input))
	junk := put("junk", []byte("junk"))
	short := put("short", []byte{0, 0, 0, 1})
	whole := put("crash-1", LibFuzzer.Marshal(input))
	for _, row := range []struct {
		name  string
		f     Format
		paths []string
		want  ImportStats
		err   error
	}{
		{"crashers", GoFuzz, []string{crashers, crashers}, ImportStats{Inputs: 2, Written: 1}, nil},
		{"frames", LibFuzzer, []string{whole, short}, ImportStats{Inputs: 2, Short: 1, Written: 1}, nil},
		{"only a short one", LibFuzzer, []string{short}, ImportStats{Inputs: 1, Short: 1}, nil},
		{"other target", Go, []string{other}, ImportStats{}, ErrNoCase},
		{"junk", Go, []string{junk}, ImportStats{}, ErrSyntax},
		{"missing", GoFuzz, []string{dir + "/none"}, ImportStats{}, os.ErrNotExist},
	} {
		out := filepath.Join(t.TempDir(), "out")
		got, err := Import{row.f}.Run(out, row.paths...)
		if got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%s: %+v, %v, want %+v, %v", row.name, got, err, row.want, row.err)
		}
		if _, bad := errors.AsType[*InputError](err); bad != (row.err != nil) {
			t.Errorf("%s: %T", row.name, err)
		}
		cases, _ := corpus.LoadDir(out)
		if len(cases) != row.want.Written {
			t.Errorf("%s: %d files", row.name, len(cases))
		}
		for _, c := range cases {
			if !slices.Equal(c.List, sg.List{{Addr: 0x1001, Len: 3}}) || len(c.Comments) == 0 || !strings.Contains(c.Comments[0].Text, "target Strategies") {
				t.Errorf("%s:\n%s", row.name, corpus.Format(c))
			}
		}
	}
}
