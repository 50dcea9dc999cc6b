package corpus

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sgfuzz/sgfuzz/sg"
)

// everyKey is canonical and sets every field.
const everyKey = `# head one
# head two

page-size       512
dialect         libmlx5
profile         cx5 # the small one
# why these rights
access          lr|lw|rr
dma             merge 65536
offset          17
dir             read
strategy        umem

# limits
max-entries     256
max-entry-bytes 2147483648
max-regions     16
max-inline      64
queue           64 @ 13
pool            8
iova            0x0
pgsz-bitmap     0x40201000

# the list
sg 0x10000fff+1 # tail of entry 0
sg 0x100000000+4294967295
# above entry 2
sg 0x10001000+0 lkey=0x42

want fastreg reject gap@1 # since the first ends mid-page
want indirect ok
# the end
`

func TestParseEveryKey(t *testing.T) {
	c, err := Parse([]byte(everyKey))
	if err != nil {
		t.Fatal(err)
	}
	want := Case{
		Comments: c.Comments,
		PageSize: 512, Dialect: "libmlx5", Profile: "cx5",
		Access: AccessLR | AccessLW | AccessRR,
		DMA:    sg.DMA{Mode: sg.Merge, Limit: 65536},
		Offset: 17, Dir: DirRead, Strategy: "umem",
		Limits: Limits{MaxEntries: 256, MaxEntryBytes: 1 << 31, MaxRegions: 16, MaxInline: 64,
			Queue: 64, RingStart: 13, Pool: 8},
		HasIOVA: true, PgszBitmap: 1<<12 | 1<<21 | 1<<30,
		List: sg.List{{Addr: 0x10000fff, Len: 1}, {Addr: 1 << 32, Len: 1<<32 - 1},
			{Addr: 0x10001000, Lkey: 0x42}},
		Wants: []Want{{"fastreg", WantReject, "gap@1"}, {"indirect", WantOK, ""}},
	}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got  %+v\nwant %+v", *c, want)
	}
	if got := Format(c); got != everyKey {
		t.Errorf("Format changed canonical text:\n%s", got)
	}
	checkEveryFieldSet(t, reflect.ValueOf(*c), "Name", "IOVA")
}

// checkEveryFieldSet keeps everyKey complete when a field is added.
func checkEveryFieldSet(t *testing.T, v reflect.Value, except ...string) {
	t.Helper()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).Kind() == reflect.Struct {
			checkEveryFieldSet(t, v.Field(i), except...)
		}
		if v.Field(i).IsZero() && !strings.Contains(strings.Join(except, " "), name) && name != "Mode" {
			t.Errorf("field %s is not set by everyKey", name)
		}
	}
}

func TestCanonical(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{"numbers", "sg 4096+0x10\npage-size 0x1000\niova 16\npgsz-bitmap 4096\n",
			"page-size   4096\niova        0x10\npgsz-bitmap 0x1000\nsg 0x1000+16\n"},
		{"zero values dropped", "offset 0\ndma identity\nsg 1+1\n", "sg 0x1+1\n"},
		{"comment of a dropped key stays", "page-size 512\noffset 0 # none\nsg 1+1\n", "page-size 512\n# none\nsg 0x1+1\n"},
		{"order and comments move", "sg 1+1\n# b\nwant auto ok # c\n# a\npage-size 512\n",
			"# a\npage-size 512\nsg 0x1+1\n# b\nwant auto ok # c\n"},
		{"head stays on top", "# head\nsg 1+1\npage-size 512\n", "# head\npage-size 512\nsg 0x1+1\n"},
		{"blank lines", "\n\n# a\n\n\n\nsg 1+1\n\n\nsg 2+1\n\n\n", "# a\n\nsg 0x1+1\n\nsg 0x2+1\n"},
		{"rights in order", "access a|rw|lw\nsg 1+1\n", "access lw|rw|a\nsg 0x1+1\n"},
		{"blanks", "\t sg\t 1+1   lkey=7 \t#x \n queue 64@3\n", "queue 64 @ 3\nsg 0x1+1 lkey=0x7 #x\n"},
		{"crlf", "# a\r\nsg 1+1\r\nwant auto ok\r\n", "# a\nsg 0x1+1\nwant auto ok\n"},
		{"no last newline", "sg 1+1", "sg 0x1+1\n"},
		{"empty list", "# a\nsg none # b\nwant auto reject\n# c", "# a\nsg none # b\nwant auto reject\n# c\n"},
		{"queue at 0", "queue 64 @ 0\nsg 1+1", "queue 64\nsg 0x1+1\n"},
	} {
		c, err := Parse([]byte(row.in))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := Format(c); got != row.want {
			t.Errorf("%s:\ngot  %q\nwant %q", row.name, got, row.want)
		}
		checkFixedPoint(t, row.want)
	}
}

// checkFixedPoint fails unless text is canonical.
func checkFixedPoint(t *testing.T, text string) {
	t.Helper()
	c, err := Parse([]byte(text))
	if err != nil {
		t.Errorf("canonical text is refused: %v\n%q", err, text)
	} else if got := Format(c); got != text {
		t.Errorf("not a fixed point:\nfirst  %q\nsecond %q", text, got)
	}
}

func TestParseErrors(t *testing.T) {
	for _, row := range []struct {
		name, in  string
		line, col int
		msg       string
	}{
		{"empty file", "", 1, 1, "no sg line"},
		{"cut before the list", "page-size 4096\n", 2, 1, "cut short"},
		{"cut after +", "sg 0x1000+", 1, 11, "number is needed"},
		{"cut inside the key", "sg 0x10+1\npage-si", 2, 1, `key "page-si" has no value`},
		{"length 2^32", "sg 0x1+4294967296\n", 1, 8, "length is beyond 2^32-1"},
		{"address 2^64", "sg 0x10000000000000000+1\n", 1, 4, "address is beyond 2^64-1"},
		{"lkey 2^32", "sg 1+1 lkey=0x100000000\n", 1, 13, "lkey is beyond 2^32-1"},
		{"no plus", "sg 0x1000\n", 1, 10, "+ between address and length"},
		{"negative", "sg -1+1\n", 1, 4, "number is needed"},
		{"rubbish behind", "sg 1+1 x\n", 1, 8, "only lkey=NUMBER"},
		{"separator", "page-size 4_096\nsg 1+1", 1, 12, "number is needed"},
		{"bad hex", "page-size 0xfg\nsg 1+1", 1, 14, "number is needed"},
		{"zero page", "page-size 0\nsg 1+1", 1, 11, "leave the line out"},
		{"u32 option", "max-entries 4294967296\nsg 1+1", 1, 13, "beyond 2^32-1"},
		{"u64 option", "offset 18446744073709551616\nsg 1+1", 1, 8, "beyond 2^64-1"},
		{"unknown key", "sg 1+1\npagesize 4096\n", 2, 1, `did you mean "page-size"?`},
		{"underscores", "sg 1+1\nmax_entry_byte 4\n", 2, 1, `did you mean "max-entry-bytes"?`},
		{"far from any key", "sg 1+1\n  zebra 4\n", 2, 3, `unknown key "zebra"`},
		{"key end", "sg 1+1\nend 4\n", 2, 1, `unknown key "end"`},
		{"duplicate", "dir read\nsg 1+1\n dir read\n", 3, 2, `"dir" occurs twice`},
		{"duplicate want", "sg 1+1\nwant auto ok\nwant auto reject\n", 3, 6, "two want lines"},
		{"unknown strategy", "sg 1+1\nwant fastregg ok\n", 2, 6, `did you mean "fastreg"?`},
		{"unknown verdict", "sg 1+1\nwant auto  okay\n", 2, 12, `did you mean "ok"?`},
		{"no verdict", "sg 1+1\nwant auto\n", 2, 10, "unknown verdict"},
		{"two reasons", "sg 1+1\nwant auto reject a b\n", 2, 19, "one word"},
		{"long reason", "sg 1+1\nwant auto ok " + strings.Repeat("r", 257) + "\n", 2, 14, "longer than 256 bytes"},
		{"long profile", "profile " + strings.Repeat("r", 257) + "\nsg 1+1\n", 1, 265, "longer than 256 bytes"},
		{"two profiles", "profile a b\nsg 1+1", 1, 10, "one word"},
		{"dialect", "dialect mlx5\nsg 1+1", 1, 9, "unknown dialect"},
		{"right", "access lw|xx\nsg 1+1", 1, 11, `unknown right "xx"`},
		{"right twice", "access lw|lw\nsg 1+1", 1, 11, "occurs twice"},
		{"dma", "dma fold 7\nsg 1+1", 1, 5, "must read"},
		{"queue", "queue 64 @ x\nsg 1+1", 1, 12, "number is needed"},
		{"queue 0", "queue 0 @ 1\nsg 1+1", 1, 7, "at least one WQEBB"},
		{"NUL", "sg 1+1\n# a\x00b\n", 2, 4, "control character 0x00"},
		{"NUL in an entry", "sg 1+1\x00\n", 1, 7, "control character 0x00"},
		{"lone CR", "sg 1+1 \r lkey=1\n", 1, 8, "control character 0x0d"},
		{"BOM", "\ufeffsg 1+1\n", 1, 1, "byte order mark"},
		{"not UTF-8", "# \xff\nsg 1+1", 1, 3, "not UTF-8"},
		{"none and one", "sg none\nsg 1+1\n", 2, 4, `beside "sg none"`},
		{"one and none", "sg 1+1\nsg none\n", 2, 4, "beside another"},
		{"huge line", "sg 1+1\n# " + strings.Repeat("x", MaxLine) + "\n", 2, MaxLine + 1, "line is longer than 65536 bytes"},
		{"huge last line", strings.Repeat("x", MaxLine+1), 1, MaxLine + 1, "line is longer"},
		{"comments", "sg 1+1\n" + strings.Repeat("#\n", MaxComments+1), MaxComments + 2, 1, "more than 65536 comments"},
	} {
		c, err := Parse([]byte(row.in))
		var e *ParseError
		switch {
		case !errors.As(err, &e):
			t.Errorf("%s: case %v, error %v, want a *ParseError", row.name, c, err)
		case c != nil || e.Line != row.line || e.Column != row.col || !strings.Contains(e.Msg, row.msg):
			t.Errorf("%s: %v, want %d:%d …%s…", row.name, e, row.line, row.col, row.msg)
		}
	}
}

func TestLineOfExactlyMaxLine(t *testing.T) {
	long := "# " + strings.Repeat("x", MaxLine-2)
	checkFixedPoint(t, long+"\nsg 0x1+1\n")
	c, err := Parse([]byte("sg 1+1#" + strings.Repeat("x", MaxLine-7) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	checkFixedPoint(t, Format(c))
}

// TestCutAnywhere cuts a file at every byte: a case or a typed error.
func TestCutAnywhere(t *testing.T) {
	refused := 0
	for n := range len(everyKey) {
		c, err := Parse([]byte(everyKey[:n]))
		var e *ParseError
		if (c == nil) == (err == nil) || err != nil && !errors.As(err, &e) {
			t.Fatalf("cut at %d: case %v, error %v", n, c, err)
		}
		if err != nil {
			refused++
		}
	}
	if list := strings.Index(everyKey, "sg 0x"); refused < list {
		t.Errorf("%d cuts refused; the %d before the list must be", refused, list)
	}
}

func TestReadError(t *testing.T) {
	_, err := Read(iotest.TimeoutReader(strings.NewReader(strings.Repeat("sg 1+1\n", 1<<15))), "some.sgcase")
	if !errors.Is(err, iotest.ErrTimeout) || !strings.Contains(err.Error(), "some.sgcase") {
		t.Errorf("got %v", err)
	}
	c, err := Read(iotest.OneByteReader(strings.NewReader(everyKey)), "")
	if err != nil || Format(c) != everyKey {
		t.Errorf("a byte at a time: %v", err)
	}
}

func TestMaxEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 17 million lines")
	}
	_, err := Read(&repeat{text: "sg 1+1\n", left: MaxEntries + 1}, "")
	var e *ParseError
	if !errors.As(err, &e) || e.Line != MaxEntries+1 || !strings.Contains(e.Msg, fmt.Sprint(MaxEntries)) {
		t.Errorf("got %v", err)
	}
}

// repeat reads as left copies of text.
type repeat struct {
	text string
	left int
	at   int // in the copy begun
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for r.left > 0 && n < len(p) {
		k := copy(p[n:], r.text[r.at:])
		n += k
		if r.at += k; r.at == len(r.text) {
			r.at = 0
			r.left--
		}
	}
	if n == 0 {
		err = io.EOF
	}
	return n, err
}

func TestFormatMends(t *testing.T) {
	c := &Case{
		Profile: "two words#",
		Comments: []Comment{{Text: "no hash\nand \x00two lines"}, {At: "zebra", Text: "# \xff"},
			{At: "sg", Index: 9, Text: "# of a lost entry"}, {At: "sg", Tail: true, Text: "# t"},
			{At: "sg", Tail: true, Text: "# second tail"}},
		List:  sg.List{{Addr: 1, Len: 1}},
		Wants: []Want{{"auto", WantReject, "why not"}},
	}
	const want = "# no hash and  two lines\nprofile two_words_\nsg 0x1+1 # t\n# second tail\n" +
		"# of a lost entry\nwant auto reject why_not\n# ?\n"
	if got := Format(c); got != want {
		t.Errorf("got\n%s", got)
	}
	checkFixedPoint(t, want)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everyKey))
	f.Add([]byte("sg none\n"))
	f.Add([]byte("# a\r\n\n\nsg 1+1#x\nqueue 4@1\n#end"))
	f.Add([]byte("offset 0 # gone\nsg 0xffffffffffffffff+0xffffffff lkey=1\nwant umem fail x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if (c == nil) == (err == nil) {
			t.Fatalf("case %v, error %v", c, err)
		}
		if err != nil {
			return
		}
		text := Format(c)
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("Format's text is refused: %v\n%s", err, text)
		}
		if again := Format(d); again != text {
			t.Fatalf("not a fixed point:\n%q\n%q", text, again)
		}
		c.Comments, d.Comments = nil, nil
		if !reflect.DeepEqual(c, d) {
			t.Fatalf("values changed:\n%+v\n%+v", c, d)
		}
	})
}

// BenchmarkParse reports nanoseconds, bytes and allocations per entry.
func BenchmarkParse(b *testing.B) {
	const entries = 1 << 20
	var text []byte
	for i := range uint64(entries) {
		text = append(sg.AppendEntry(append(text, "sg "...), sg.Entry{Addr: i<<13 | 0x7f0000000000, Len: 4096}), '\n')
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := Parse(text)
		if err != nil || len(c.List) != entries {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/entry")
}

// TestParseAllocations holds the parser to a bounded share of memory. The bytes
// count every array that the growing list has left behind; at one time it has
// two at most, 36 bytes an entry.
func TestParseAllocations(t *testing.T) {
	const entries = 1 << 20
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Read(&repeat{text: "sg 0x7f0000000000+4096\n", left: entries}, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
	perEntry := float64(r.AllocedBytesPerOp()) / entries
	if perEntry > 128 || r.AllocsPerOp() > entries/1000 {
		t.Errorf("%.1f bytes per entry, %d allocations for %d entries", perEntry, r.AllocsPerOp(), entries)
	}
}
