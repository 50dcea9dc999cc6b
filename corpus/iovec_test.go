package corpus

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sgfuzz/sgfuzz/sg"
)

func TestReadIovecs(t *testing.T) {
	const log = "# a comment\n\nwritev 0x1000+3 4096+0x10\r\n\t readv  0xffffffffffffffff+1\t0x2000+0\npwritev64 1+4294967295"
	type got struct {
		line int
		name string
		list sg.List
	}
	var all []got
	for _, r := range []io.Reader{strings.NewReader(log), iotest.OneByteReader(strings.NewReader(log))} {
		all = nil
		err := ReadIovecs(r, "x.iov", func(line int, name string, l sg.List) error {
			all = append(all, got{line, name, slices.Clone(l)})
			return nil
		})
		want := []got{
			{3, "writev", sg.List{{Addr: 0x1000, Len: 3}, {Addr: 0x1000, Len: 16}}},
			{4, "readv", sg.List{{Addr: 1<<64 - 1, Len: 1}, {Addr: 0x2000}}},
			{5, "pwritev64", sg.List{{Addr: 1, Len: 1<<32 - 1}}},
		}
		if err != nil || len(all) != len(want) {
			t.Fatalf("%v %+v", err, all)
		}
		for i := range want {
			if all[i].line != want[i].line || all[i].name != want[i].name || !slices.Equal(all[i].list, want[i].list) {
				t.Errorf("got %+v, want %+v", all[i], want[i])
			}
		}
	}
}

var badIovecs = []struct {
	name, in  string
	line, col int
	msg       string
}{
	{"length 2^32", "writev 0x1000+4294967296\n", 1, 15, "length is beyond 2^32-1"},
	{"address 2^64", "writev 0x1000+1 0x10000000000000000+1\n", 1, 17, "address is beyond 2^64-1"},
	{"no plus", "writev 0x1000+1 0x2000\n", 1, 23, "+ between address and length"},
	{"no length", "writev 0x1000+", 1, 15, "number is needed"},
	{"no address", "writev +12\n", 1, 8, "number is needed"},
	{"two lengths", "writev 0x1000+1+1\n", 1, 16, "only lkey"},
	{"negative", "writev -1+1\n", 1, 8, "number is needed"},
	{"wraps", "\n#\nwritev 0x1+1 0xffffffffffffffff+2\n", 3, 14, "runs past 2^64"},
	{"name missing", "0x1000+1 0x2000+1\n", 1, 1, "a name must come first"},
	{"name alone", "readv 1+1\nwritev\n", 2, 7, `no entries behind "writev"`},
	{"NUL", "wri\x00tev 1+1\n", 1, 4, "control character"},
	{"NUL in an entry", "writev 1+1\x00\n", 1, 11, "only lkey"},
	{"BOM", "\ufeffwritev 1+1\n", 1, 1, "byte order mark"},
}

func TestReadIovecsErrors(t *testing.T) {
	for _, row := range badIovecs {
		err := ReadIovecs(strings.NewReader(row.in), "x.iov", func(int, string, sg.List) error { return nil })
		var e *ParseError
		if !errors.As(err, &e) || e.File != "x.iov" || e.Line != row.line || e.Column != row.col || !strings.Contains(e.Msg, row.msg) {
			t.Errorf("%s: %v, want %d:%d …%s…", row.name, err, row.line, row.col, row.msg)
		}
	}
}

func TestReadIovecsStops(t *testing.T) {
	stop := errors.New("enough")
	calls := 0
	err := ReadIovecs(strings.NewReader("a 1+1\nb 1+1\n"), "", func(int, string, sg.List) error {
		calls++
		return stop
	})
	if err != stop || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	err = ReadIovecs(iotest.ErrReader(io.ErrUnexpectedEOF), "x.iov", nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestLongIovecLine(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 64 MiB")
	}
	err := ReadIovecs(&repeat{text: " 0x1+1", left: MaxIovecLine / 6}, "", func(_ int, _ string, l sg.List) error { return nil })
	var e *ParseError
	if !errors.As(err, &e) || e.Column != 2 { // within the bound: an entry where the name belongs
		t.Errorf("got %v", err)
	}
	err = ReadIovecs(&repeat{text: " 0x1+1", left: MaxIovecLine/6 + 1}, "", nil)
	if !errors.As(err, &e) || e.Column != MaxIovecLine+1 || !strings.Contains(e.Msg, "67108864 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	one := writeFile(t, filepath.Join(dir, "one.iov"), "writev 1+1 2+2\nreadv 1+1 2+2\nwritev 1+1 2+2\n")
	two := writeFile(t, filepath.Join(dir, "two.iov"), "\nreadv 3+3\n")
	out := filepath.Join(dir, "out")
	for _, row := range []struct {
		im    Import
		stats ImportStats
		files []string
		text  string // of one-1
	}{
		{Import{Dedupe: true}, ImportStats{2, 4, 7, 3}, []string{"one-1.sgcase", "one-2.sgcase", "two-2.sgcase"},
			"# writev, line 1 of one.iov\n# the same list occurs 2 times there, last on line 3\nsg 0x1+1\nsg 0x2+2\n"},
		{Import{}, ImportStats{2, 4, 7, 4}, []string{"one-1.sgcase", "one-2.sgcase", "one-3.sgcase", "two-2.sgcase"},
			"# writev, line 1 of one.iov\nsg 0x1+1\nsg 0x2+2\n"},
	} {
		stats, err := row.im.Run(out, one, two)
		if err != nil || stats != row.stats || !slices.Equal(names(t, out), row.files) {
			t.Errorf("%+v: %v %+v %q", row.im, err, stats, names(t, out))
		}
		text, _ := os.ReadFile(filepath.Join(out, "one-1.sgcase"))
		if string(text) != row.text {
			t.Errorf("%+v:\n%s", row.im, text)
		}
		checkFixedPoint(t, string(text))
	}
}

func TestImportErrorsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	good := writeFile(t, filepath.Join(dir, "good.iov"), "writev 1+1\n")
	out := filepath.Join(dir, "out")
	kept := filepath.Join(dir, "kept")
	if err := os.Mkdir(kept, 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(kept, "good-1.sgcase"), "former")
	for _, row := range badIovecs {
		if row.name == "BOM" { // one in the first line only
			continue
		}
		bad := writeFile(t, filepath.Join(dir, "bad.iov"), "writev 9+9\n"+row.in)
		for _, to := range []string{out, kept} {
			stats, err := ImportIovecs(to, good, bad)
			var e *ParseError
			if !errors.As(err, &e) || e.File != bad || e.Line != row.line+1 || stats != (ImportStats{}) {
				t.Errorf("%s: %+v %v", row.name, stats, err)
			}
		}
		if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: the directory was left: %q", row.name, names(t, out))
		}
		if text, _ := os.ReadFile(filepath.Join(kept, "good-1.sgcase")); string(text) != "former" || len(names(t, kept)) != 1 {
			t.Fatalf("%s: directory changed: %q", row.name, names(t, kept))
		}
	}
}

func TestImportSystemErrors(t *testing.T) {
	dir := t.TempDir()
	good := writeFile(t, filepath.Join(dir, "good.iov"), "writev 1+1\n")
	other := filepath.Join(dir, "other")
	blocked := filepath.Join(dir, "blocked")
	if err := errors.Join(os.Mkdir(other, 0o777), os.MkdirAll(filepath.Join(blocked, "good-2.sgcase"), 0o777)); err != nil {
		t.Fatal(err)
	}
	same := writeFile(t, filepath.Join(other, "good.log"), "writev 1+1\nwritev 1+1\n")
	for _, row := range []struct {
		name, out string
		files     []string
		msg       string
	}{
		{"no log", filepath.Join(dir, "a"), []string{filepath.Join(dir, "none.iov")}, "no such file"},
		{"no parent", filepath.Join(dir, "a", "b"), []string{good}, "no such file"},
		{"same names", filepath.Join(dir, "a"), []string{good, same}, "same case names"},
		{"blocked in the middle", blocked, []string{same}, "good-2.sgcase"},
	} {
		stats, err := ImportIovecs(row.out, row.files...)
		if err == nil || !strings.Contains(err.Error(), row.msg) || stats != (ImportStats{}) {
			t.Errorf("%s: %+v %v", row.name, stats, err)
		}
	}
	if got := names(t, blocked); !slices.Equal(got, []string{"good-2.sgcase"}) {
		t.Errorf("left %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the new directory was left")
	}
}
