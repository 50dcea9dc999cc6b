package wqeview

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

func pageOf(t testing.TB, doc *Document) string {
	t.Helper()
	var b strings.Builder
	if err := doc.WritePage(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	idAttr    = regexp.MustCompile(` id="([^"]+)"`)
	fieldAttr = regexp.MustCompile(` data-f="([^"]*)"`)
	bytesAttr = regexp.MustCompile(` data-b="([^"]*)"`)
	linkAttr  = regexp.MustCompile(` href="#([^"]+)"`)
)

// TestPageLinksHold demands that whatever a page's fields, bytes and links name
// is there, each id once, and that nothing comes from elsewhere.
func TestPageLinksHold(t *testing.T) {
	files, _ := filepath.Glob("testdata/*/*.*")
	pages := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") {
			continue
		}
		page := pageOf(t, parse(t, read(t, file)))
		ids := map[string]bool{}
		for _, m := range idAttr.FindAllStringSubmatch(page, -1) {
			if ids[m[1]] {
				t.Fatalf("%s: id %s twice", file, m[1])
			}
			ids[m[1]] = true
		}
		need := func(id, by string) {
			if !ids[id] {
				t.Fatalf("%s: no %s, which %s names", file, id, by)
			}
		}
		for _, m := range fieldAttr.FindAllStringSubmatch(page, -1) {
			for _, id := range strings.Fields(m[1]) {
				need(id, m[0])
			}
			if m[1] == "" {
				t.Fatalf("%s: a byte without field", file)
			}
		}
		for _, m := range bytesAttr.FindAllStringSubmatch(page, -1) {
			prefix, span, _ := strings.Cut(m[1], ":")
			from, to, _ := strings.Cut(span, "-")
			first, err := strconv.Atoi(from)
			last, err2 := strconv.Atoi(to)
			if err != nil || err2 != nil || first > last {
				t.Fatalf("%s: %s", file, m[0])
			}
			need(prefix+from, m[0])
			need(prefix+to, m[0])
		}
		for _, m := range linkAttr.FindAllStringSubmatch(page, -1) {
			need(m[1], m[0])
		}
		if strings.Contains(page, "http:") || strings.Contains(page, "https:") || strings.Contains(page, "src=") {
			t.Errorf("%s: something comes from elsewhere", file)
		}
		pages++
	}
	if pages < 16 {
		t.Errorf("%d pages", pages)
	}
}

// TestPageEscapes keeps what a log says out of the markup.
func TestPageEscapes(t *testing.T) {
	log := strings.Replace(string(read(t, "testdata/logs/dmesg-octowords.txt")), "WQE DUMP: WQ size", "WQE DUMP: <script>alert(1)</script> WQ size", 1)
	page := pageOf(t, parse(t, []byte(log)))
	if strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("a heading gets into the markup")
	}
}

func TestPageListByPointer(t *testing.T) {
	raw := read(t, "testdata/logs/raw-pointer-bytes.bin")
	list := make([]byte, 128)
	for i := range 5 {
		k := mlx5model.KLM{ByteCount: 1024, Key: 0x1800, VA: uint64(i) << 12}
		k.Put(list[i*16:])
	}
	text := strings.ReplaceAll(words(raw), "\n", "\n") + "# " + ListHeading + " 0, 128 bytes\n" + words(list)
	doc := parse(t, []byte(text))
	if len(doc.Items) != 1 || len(doc.Items[0].RawList()) != 128 {
		t.Fatalf("%+v", doc.Items)
	}
	page := pageOf(t, doc)
	if !strings.Contains(page, "list that the pointer leads to") || !strings.Contains(page, `data-b="i1l:64-67"`) {
		t.Error("no bytes of the list")
	}
}

// TestBadInput demands an error that says where, or a document within its
// bounds, of whatever people paste.
func TestBadInput(t *testing.T) {
	noise := make([]byte, 1<<16)
	r := rand.New(rand.NewPCG(5, 0))
	for i := range noise {
		noise[i] = uint8(r.Uint32())
	}
	ring := bytes.Repeat(parse(t, read(t, "testdata/logs/od-mtt-alignment.txt")).Items[0].Raw(), 2048)
	for _, tt := range []struct {
		name string
		in   []byte
		err  error
	}{
		{"nothing", nil, wqetext.ErrEmpty},
		{"prose", []byte("the cat sat on the mat\n"), wqetext.ErrSyntax},
		{"a log without bytes", []byte("[ 1.0] eth2: link up\n"), wqetext.ErrEmpty},
		{"beyond the largest queue", bytes.Repeat([]byte{1}, wqetext.MaxBytes+1), wqetext.ErrTooLong},
		{"noise", noise, nil},
		{"a few bytes", []byte("00 01 02"), nil},
		{"zeros", make([]byte, 4096), nil},
		{"a whole queue", ring, nil},
		{"a queue of NOPs", bytes.Repeat(append([]byte{0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 56)...), 32768), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := Parse(tt.in, Options{})
			if tt.err != nil {
				var e *wqetext.Error
				if !errors.As(err, &e) || !errors.Is(err, tt.err) || doc != nil {
					t.Fatalf("%v, want %v", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			bounded(t, doc, len(tt.in))
		})
	}
}

// bounded demands that a document's size and text follow from the input's.
func bounded(t *testing.T, doc *Document, in int) {
	t.Helper()
	if len(doc.Items) > MaxItems || doc.Omitted > 0 && len(doc.Items) != MaxItems {
		t.Fatalf("%d items, %d left out", len(doc.Items), doc.Omitted)
	}
	var out countWriter
	if err := doc.WriteText(&out, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if most := 4096 + 400*in; int(out) > most && int(out) > 20_000*(1+len(doc.Items)) {
		t.Fatalf("%d bytes of text for %d", out, in)
	}
	out = 0
	if err := doc.WritePage(&out); err != nil {
		t.Fatal(err)
	}
	if most := htmlItems * 1_000_000; int(out) > most {
		t.Fatalf("%d bytes of page for %d", out, in)
	}
}

// countWriter counts bytes.
type countWriter int

func (w *countWriter) Write(b []byte) (int, error) {
	*w += countWriter(len(b))
	return len(b), nil
}

func TestWritersReportErrors(t *testing.T) {
	doc := parse(t, read(t, "testdata/logs/od-mtt-alignment.txt"))
	r, w := io.Pipe()
	r.Close()
	if err := doc.WriteText(w, TextOptions{}); err == nil {
		t.Error("text to a closed pipe")
	}
	if err := doc.WritePage(w); err == nil {
		t.Error("page to a closed pipe")
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/logs/*.*")
	for _, file := range files {
		if !strings.HasSuffix(file, ".golden") {
			f.Add(read(f, file))
		}
	}
	f.Add(errorCQE(mlx5model.SynMWBind))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse(data, Options{})
		if (doc == nil) == (err == nil) {
			t.Fatalf("%v with %v", doc, err)
		}
		if doc == nil {
			return
		}
		for i, it := range doc.Items {
			if size := doc.Blocks[min(it.Block, len(doc.Blocks)-1)].Size; it.Block >= len(doc.Blocks) || it.Offset >= max(size, 1) || len(it.Hex)/2 > size {
				t.Fatalf("item %d is outside its block: %+v", i, it)
			}
			covered := 0
			for j := range it.Parts {
				if it.Parts[j].Buffer == mlx5model.BufferWQE {
					covered += it.Parts[j].Size
				}
			}
			if covered != len(it.Hex)/2 {
				t.Fatalf("item %d: parts cover %d of %d bytes\n%s", i, covered, len(it.Hex)/2, it.Hex)
			}
		}
		bounded(t, doc, len(data))
	})
}
