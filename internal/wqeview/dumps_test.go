package wqeview

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/wqetext"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

var update = flag.Bool("update", false, "rewrite the golden texts in testdata")

// dumpFiles are recorded outputs of real drivers: WQEs with a title each, and
// the offsets of the bytes that the driver did not write.
var dumpFiles = []string{"kernel-6.1", "rdma-core-head", "spdk-head"}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB, data []byte) *Document {
	t.Helper()
	doc, err := Parse(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func text(t testing.TB, doc *Document) string {
	t.Helper()
	var b strings.Builder
	if err := doc.WriteText(&b, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want := string(read(t, path))
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Errorf("%s: line %d is\n%s\nwant\n%s", path, i+1, g[i], w[i])
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", path, len(g), len(w))
}

func TestDumpsGolden(t *testing.T) {
	for _, name := range dumpFiles {
		golden(t, "testdata/dumps/"+name+".golden", text(t, parse(t, read(t, "testdata/dumps/"+name+".txt"))))
	}
}

// Findings of the recorded dumps that are right: a queue with signatures, a
// truncation that the driver makes, and integrity lists whose region goes on
// in a list that the recording did not fill.
var dumpFindings = map[string][]string{
	"REG_MR KLM n=4 sig":                   {"ctrl.signature"},
	"LOCAL_INV wq_sig":                     {"ctrl.signature"},
	"mr_list n=5 wq_sig":                   {"ctrl.signature"},
	"local_inv post_send wq_sig":           {"ctrl.signature"},
	"mr_interleaved truncation":            {"repeat.bytes_per_cycle"},
	"integrity KLM pi, mem+wire T10, meta": {"mkc.len", "klm.byte_count"},
	"integrity KLM no meta":                {"mkc.len", "klm.byte_count"},
}

var blockTitle = regexp.MustCompile(`^(.*) \(WQEBB (\d+)\.\.(\d+)\)$`)

// TestDumpsAgreeWithTitles holds what is decoded against the titles, which the
// recorder wrote: place, size, number of entries, and the producer.
func TestDumpsAgreeWithTitles(t *testing.T) {
	producers := map[string]string{"kernel-6.1": "linux", "rdma-core-head": "libmlx5", "spdk-head": "spdk"}
	entries := regexp.MustCompile(`(KLM|MTT|mr_list) n=(\d+)`)
	left := maps.Clone(dumpFindings)
	for _, name := range dumpFiles {
		doc := parse(t, read(t, "testdata/dumps/"+name+".txt"))
		next := map[int]int{} // WQEBB behind the last WQE of a block
		for i, it := range doc.Items {
			source := doc.Blocks[it.Block].Source
			m := blockTitle.FindStringSubmatch(source)
			if m == nil || it.Error != "" {
				t.Fatalf("%s: item %d %q: %s", name, i, source, it.Error)
			}
			first, _ := strconv.Atoi(m[2])
			if n, ok := next[it.Block]; ok {
				first = n
			}
			if int(it.Index) != first {
				t.Errorf("%s %s: index %d, want %d", name, source, it.Index, first)
			}
			next[it.Block] = first + int(mlx5model.WQEBBs(it.DS))
			if it.Opcode == "UMR" && it.Dialect.Rules != producers[name] {
				t.Errorf("%s %s: taken for %s", name, source, it.Dialect.Rules)
			}
			if e := entries.FindStringSubmatch(source); e != nil && it.Offset == 0 && it.List == "" && strings.Contains(it.Summary, "inline") {
				if want, _ := strconv.Atoi(e[2]); countRows(it) != want {
					t.Errorf("%s %s: %d entries", name, source, countRows(it))
				}
			}
			var fields []string
			for _, f := range it.Findings {
				fields = append(fields, f.Field)
			}
			if want := dumpFindings[m[1]]; len(fields) > 0 && fmt.Sprint(fields) != fmt.Sprint(want) {
				t.Errorf("%s %s: findings %v, want %v", name, source, fields, want)
			}
			delete(left, m[1])
		}
	}
	for title := range left {
		t.Errorf("%s has no findings any more", title)
	}
}

func countRows(it *Item) (n int) {
	for i := range it.Parts {
		for j := range it.Parts[i].Rows {
			n += 1 + max(0, it.Parts[i].Rows[j].Omitted-1)
		}
	}
	return n
}

// TestViewRebuildsBytes demands that a view leaves nothing out: its parts cover
// each byte once, and its fields and reserved runs, put back to their bits,
// give the bytes again.
func TestViewRebuildsBytes(t *testing.T) {
	for _, name := range dumpFiles {
		doc, err := Parse(read(t, "testdata/dumps/"+name+".txt"), Options{Entries: -1})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range doc.Items {
			raw := it.Raw()
			built := make([]byte, len(raw))
			covered := make([]int, len(raw))
			for i := range it.Parts {
				p := &it.Parts[i]
				for off := p.Offset; off < p.Offset+p.Size; off++ {
					covered[off]++
				}
				if len(p.Fields)+len(p.Rows) == 0 {
					copy(built[p.Offset:p.Offset+p.Size], raw[p.Offset:])
				}
				rebuild(t, built, p.Offset, p.Fields)
				for _, r := range p.Rows {
					rebuild(t, built, r.Offset, r.Fields)
				}
			}
			for off, n := range covered {
				if n != 1 {
					t.Fatalf("%s %s: byte %#x is in %d parts", name, it.Title, off, n)
				}
				if part, _ := it.At(mlx5model.BufferWQE, off); part == nil {
					t.Fatalf("%s %s: At(%#x) finds nothing", name, it.Title, off)
				}
			}
			if !bytes.Equal(built, raw) {
				t.Errorf("%s %s: rebuilt\n% x\nfrom\n% x", name, it.Title, built, raw)
			}
		}
	}
}

// rebuild puts fields back; base is where their segment begins.
func rebuild(t *testing.T, b []byte, base int, fields []mlx5model.ViewField) {
	t.Helper()
	for _, f := range fields {
		v, err := strconv.ParseUint(f.Value, 0, 64)
		if err != nil || f.Offset != base+f.Bit/8 {
			t.Fatalf("%+v: %v", f, err)
		}
		mlx5model.Field{Bit: uint32(f.Bit), Width: uint8(f.Width)}.Put(b[base:], v)
	}
}

// TestDumpsMarkStaleBytes holds the view against the recorder's list of bytes
// that the driver did not write: each is padding, behind the WQE, or marked.
func TestDumpsMarkStaleBytes(t *testing.T) {
	stale := regexp.MustCompile(`(?m)^stale bytes: ([0-9a-f ]+) \(\d+\)$`)
	checked := 0
	for _, name := range dumpFiles {
		data := read(t, "testdata/dumps/"+name+".txt")
		doc := parse(t, data)
		for block, lines := range blocksOf(t, data) {
			m := stale.FindStringSubmatch(lines)
			if title := blockTitle.FindStringSubmatch(doc.Blocks[block].Source)[1]; m == nil || slices.Contains(dumpFindings[title], "mkc.len") {
				continue // a region longer than its list has no padding
			}
			for _, word := range strings.Fields(m[1]) {
				off, err := strconv.ParseUint(word, 16, 16)
				if err != nil {
					t.Fatal(err)
				}
				if state := stateAt(doc, block, int(off)); state != "unused" {
					t.Errorf("%s %s: byte %s was not written, but is %s", name, doc.Blocks[block].Source, word, state)
				}
				checked++
			}
		}
	}
	if checked < 1000 {
		t.Errorf("%d stale bytes in the dumps", checked)
	}
}

// blocksOf gives the text of each block of a dump, from its title to the next.
func blocksOf(t *testing.T, data []byte) []string {
	t.Helper()
	blocks, _, err := wqetext.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(data), "\n## ")[1:]
	if len(parts) != len(blocks) {
		t.Fatalf("%d titles, %d blocks", len(parts), len(blocks))
	}
	return parts
}

func stateAt(doc *Document, block, off int) string {
	for _, it := range doc.Items {
		if it.Block != block || off < it.Offset || off >= it.Offset+len(it.Hex)/2 {
			continue
		}
		part, fields := it.At(mlx5model.BufferWQE, off-it.Offset)
		switch {
		case part.Name == "padding" || part.Name == "behind":
			return "unused"
		case len(fields) == 0:
			return "in " + part.Name
		}
		for _, f := range fields {
			if f.State != mlx5model.StateStale {
				return "the field " + f.Name
			}
		}
		return "unused"
	}
	return "unused" // WQEBBs of zeros
}

// TestRunningOffsets adds up a long list by itself.
func TestRunningOffsets(t *testing.T) {
	const n = 300
	raw := make([]byte, 144)
	copy(raw, parse(t, read(t, "testdata/logs/raw-pointer-bytes.bin")).Items[0].Raw())
	list := make([]byte, n*16)
	sum := uint64(0)
	for i := range n {
		binary.BigEndian.PutUint32(list[i*16:], uint32(i+1))
		sum += uint64(i + 1)
	}
	binary.BigEndian.PutUint16(raw[0x14:], n)
	binary.BigEndian.PutUint64(raw[0x58:], sum)
	it := Of(raw, mlx5model.CheckContext{List: list}, Options{Entries: 3})
	rows := it.Parts[len(it.Parts)-1].Rows
	if len(rows) != 7 || rows[3].Omitted != n-6 || rows[3].Index != 3 {
		t.Fatalf("rows %+v", rows)
	}
	last := rows[6]
	if *last.Stream != sum-n || last.Offset != (n-1)*16 || last.IOVA != fmt.Sprintf("%#x", 0x200001000+sum-n) {
		t.Errorf("last row %+v", last)
	}
	if all := Of(raw, mlx5model.CheckContext{List: list}, Options{Entries: -1}); len(all.Parts[len(all.Parts)-1].Rows) != n {
		t.Error("not all rows")
	}
}
