package engines

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var formats = []Format{Go, GoFuzz, LibFuzzer}

func TestMarshal(t *testing.T) {
	for _, row := range []struct {
		format Format
		data   string
		want   string
	}{
		{Go, "a\x00\xff\"", "go test fuzz v1\n[]byte(\"a\\x00\\xff\\\"\")\n"},
		{Go, "", "go test fuzz v1\n[]byte(\"\")\n"},
		{GoFuzz, "a\x00", "a\x00"},
		{LibFuzzer, "abc", "\x00\x00\x00\x03abc"},
		{LibFuzzer, "", "\x00\x00\x00\x02\x00"},
	} {
		if got := row.format.Marshal([]byte(row.data)); string(got) != row.want {
			t.Errorf("%v: %q gives %q, want %q", row.format, row.data, got, row.want)
		}
	}
}

func TestUnmarshal(t *testing.T) {
	for _, row := range []struct {
		format Format
		file   string
		want   string
		err    error
	}{
		{Go, "go test fuzz v1\n[]byte(\"a\\xff\")\n", "a\xff", nil},
		{Go, "go test fuzz v1\r\n[]byte(`raw`)\r\n", "raw", nil},
		{Go, "go test fuzz v2\n[]byte(\"a\")\n", "", ErrSyntax},
		{Go, "go test fuzz v1\nstring(\"a\")\n", "", ErrSyntax},
		{Go, "go test fuzz v1\n[]byte(\"a\")\n[]byte(\"b\")\n", "", ErrSyntax},
		{Go, "go test fuzz v1\n[]byte(\"a\"", "", ErrSyntax},
		{Go, "", "", ErrSyntax},
		{GoFuzz, "", "", nil},
		{LibFuzzer, "", "", ErrFrame},
		{LibFuzzer, "\x00\x00\x00\x03", "", ErrFrame},
		{LibFuzzer, "\x00\x00\x00\x03abc", "abc", nil},
		{LibFuzzer, "\x00\x00\x00\x02abc", "ab", nil},
		{LibFuzzer, "\x00\x00\x00\x04abc", "a", nil}, // 4 modulo 3
		{LibFuzzer, "\xff\xff\xff\xffab", "a", nil},
		{LibFuzzer, "\x00\x00\x00\x00abcdefgh", "abcdef", nil}, // 30 modulo 8
	} {
		got, err := row.format.Unmarshal([]byte(row.file))
		if string(got) != row.want || !errors.Is(err, row.err) {
			t.Errorf("%v: %q gives %q, %v, want %q, %v", row.format, row.file, got, err, row.want, row.err)
		}
	}
}

func TestFormatsRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 3000 {
		data := make([]byte, n%300)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		for _, f := range formats {
			got, err := f.Unmarshal(f.Marshal(data))
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%v: % x comes back as % x, %v", f, data, got, err)
			}
		}
	}
}

// TestGoFileName has the name that the go command gives the input "0".
func TestGoFileName(t *testing.T) {
	const want = "testdata/fuzz/FuzzStrategies/582528ddfad69eb5"
	if got := Go.fileName(CaseTarget, Go.Marshal([]byte("0"))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// contents reads all files below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		all[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
