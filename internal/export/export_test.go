package export

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/sg"
)

// oddCases have what the embedded ones lack: names that C must not read as
// something else, and offsets at the borders of the kernel's check.
func oddCases() []*corpus.Case {
	at := func(name string, offset uint64, l ...sg.Entry) *corpus.Case {
		return &corpus.Case{Name: name, Offset: offset, List: l}
	}
	full := at("full in the first entry, offset given back", 1<<12+5, sg.Entry{Addr: 0x1000, Len: 1 << 16})
	full.Limits.MaxEntries = 4
	none := at("no room at its start", 0, sg.Entry{Addr: 0x1000, Len: 1 << 20})
	none.Limits.MaxEntries = 1
	merged := at("merged", 0, sg.Entry{Addr: 0x1000, Len: 4096}, sg.Entry{Addr: 0x2000, Len: 4096})
	merged.DMA = sg.DMA{Mode: sg.Merge, Limit: 1 << 16}
	return []*corpus.Case{
		at("a \"quoted\\\" name */ ??/", 0, sg.Entry{Addr: 0x1000, Len: 1}),
		at("Umlaut \u00fc0", 0, sg.Entry{Addr: 0x1001, Len: 4095}, sg.Entry{Addr: 0x2000, Len: 1}),
		at("twice", 7, sg.Entry{Addr: 0xfffffffffffff001, Len: 4095}),
		at("twice", 8, sg.Entry{Addr: 0x1000, Len: 8}),
		at("twice~2", 9, sg.Entry{Addr: 0x1000, Len: 8}),
		at("none", 0), at("none, offset", 3), full, none, merged,
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestJSONLPassesVectors checks every line, in both forms of the files, and the
// figures.
func TestJSONLPassesVectors(t *testing.T) {
	cases := append(embedded(t), oddCases()...)
	for _, row := range []struct {
		compress bool
		ext      string
	}{{false, ".jsonl"}, {true, ".jsonl.gz"}} {
		dir := t.TempDir()
		stats, err := JSONL(dir, cases, row.compress)
		if err != nil {
			t.Fatal(err)
		}
		skipped, short, lines, size := 0, 0, 0, int64(0)
		for reason, n := range stats.Skipped {
			if strings.HasPrefix(reason, "no REG_MR") {
				short += n
			} else {
				skipped += n
			}
		}
		for _, name := range producers {
			file := filepath.Join(dir, name+row.ext)
			size += int64(len(read(t, file)))
			rep, err := vectors.CheckFile(file, vectors.Options{Workers: 1})
			if err != nil || rep.Failed+rep.Skipped != 0 || rep.Name != name {
				t.Errorf("%s: %+v, %v", file, rep, err)
			}
			if want := map[string]int{"kernel-regmr": 2 * (stats.Cases - short)}[name]; want != 0 && rep.Passed != want || want == 0 && rep.Passed != stats.Cases {
				t.Errorf("%s: %d lines of %d cases", file, rep.Passed, stats.Cases)
			}
			lines += rep.Passed
		}
		if stats.Files != 3 || stats.Vectors != lines || stats.Bytes != size || stats.Cases+skipped != len(cases) || short < 5 || stats.Cases < 240 {
			t.Errorf("%+v of %d cases, %d lines, %d bytes", stats, len(cases), lines, size)
		}
	}
}

// TestJSONLSeesChanges spoils one digit of the descriptors of one line.
func TestJSONLSeesChanges(t *testing.T) {
	dir := t.TempDir()
	if _, err := JSONL(dir, oddCases(), false); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kernel-sg2klm.jsonl")
	data := read(t, file)
	at := bytes.LastIndex(data, []byte(`"descs":"`)) + len(`"descs":"`)
	data[at] ^= 1
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if rep, err := vectors.CheckFile(file, vectors.Options{Workers: 1}); err != nil || rep.Failed != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
}

// line is what the tests look at.
type line struct {
	ID       string      `json:"id"`
	SG       [][2]uint64 `json:"sg"`
	SGOffset *uint32     `json:"sg_offset"`
	PageSize uint32      `json:"page_size"`
	MaxNumSG uint32      `json:"max_num_sg"`
	Type     string      `json:"type"`
	MRs      []struct {
		Type string `json:"type"`
	} `json:"mrs"`
	QP struct {
		WQECnt  int    `json:"wqe_cnt"`
		CurPost uint16 `json:"cur_post"`
	} `json:"qp"`
	WRs []struct {
		Access *uint32 `json:"access"`
	} `json:"wrs"`
}

func lines(t *testing.T, file string) (all []line) {
	t.Helper()
	for _, raw := range bytes.Split(bytes.TrimSpace(read(t, file)), []byte("\n")) {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// TestInputsAreTheCases compares the inputs with what the case says.
func TestInputsAreTheCases(t *testing.T) {
	c := &corpus.Case{
		Name: "a", PageSize: 512, Offset: 3, Access: corpus.AccessLW | corpus.AccessA, DMA: sg.DMA{Mode: sg.Split, Limit: 4096},
		Limits: corpus.Limits{MaxEntries: 9, Queue: 16, RingStart: 1<<16 + 15},
		List:   sg.List{{Addr: 4096 - 4, Len: 8, Lkey: 77}},
	}
	dir := t.TempDir()
	if _, err := JSONL(dir, []*corpus.Case{c, {Name: "b", List: sg.List{{Addr: 1, Len: 1}}}, {Name: "a", List: sg.List{{}}}}, false); err != nil {
		t.Fatal(err)
	}
	pages := lines(t, filepath.Join(dir, "kernel-sg2pages.jsonl"))
	l := pages[0]
	if l.ID != "sg2pages-x-a" || !slices.Equal(l.SG, [][2]uint64{{4092, 4}, {4096, 4}}) || *l.SGOffset != 3 || l.PageSize != 512 || l.MaxNumSG != 9 {
		t.Errorf("%+v", l)
	}
	if l = pages[1]; l.ID != "sg2pages-x-b" || l.SGOffset != nil || l.PageSize != 4096 || l.MaxNumSG != DefaultEntries {
		t.Errorf("%+v", l)
	}
	if l = pages[2]; l.ID != "sg2pages-x-a~2" {
		t.Errorf("%+v", l)
	}
	for _, name := range producers[:2] {
		want := map[string]string{"kernel-sg2pages": "mtt", "kernel-sg2klm": "klm"}[name]
		for _, l := range lines(t, filepath.Join(dir, name+".jsonl")) {
			if l.Type != want {
				t.Errorf("%s in %s: %s", l.ID, name, l.Type)
			}
		}
	}
	regs := lines(t, filepath.Join(dir, "kernel-regmr.jsonl"))
	for _, l := range regs {
		if !strings.HasSuffix(l.ID, "-"+l.MRs[0].Type) {
			t.Errorf("%s: %s", l.ID, l.MRs[0].Type)
		}
	}
	if l = regs[1]; l.ID != "regmr-x-a-klm" || l.QP.WQECnt != 16 || l.QP.CurPost != 15 || *l.WRs[0].Access != 1|8 {
		t.Errorf("%+v", l)
	}
	if l = regs[2]; l.ID != "regmr-x-b-mtt" || l.QP.WQECnt != 64 || l.QP.CurPost != 0 || *l.WRs[0].Access != 1|2|4 {
		t.Errorf("%+v", l)
	}
}

func TestSkipped(t *testing.T) {
	one := sg.List{{Addr: 1, Len: 1}}
	odd := []*corpus.Case{
		{PageSize: 1 << 32, List: one}, {PageSize: 4095, List: one}, {Offset: 1 << 32, List: one}, {DMA: sg.DMA{Mode: sg.Merge}, List: one},
		{Limits: corpus.Limits{MaxEntries: vectors.MaxVectorDescs + 1}, List: one}, {List: make(sg.List, maxEntries+1)},
	}
	queue := &corpus.Case{List: one, Limits: corpus.Limits{Queue: 3}}
	short := &corpus.Case{List: one, Limits: corpus.Limits{Queue: 4}}
	fits := &corpus.Case{List: one, Limits: corpus.Limits{Queue: 8, RingStart: 7}}
	long := &corpus.Case{List: make(sg.List, 3)}
	room := &corpus.Case{List: one, Limits: corpus.Limits{MaxEntries: maxTableDescs + 1}}

	stats, err := JSONL(t.TempDir(), append(slices.Clone(odd), queue, short, fits), false)
	if err != nil || stats.Cases != 3 || stats.Vectors != 8 || len(stats.Skipped) != 8 {
		t.Errorf("%+v, %v", stats, err)
	}
	stats, err = CHeader(t.TempDir(), append(slices.Clone(odd), queue, long, room), 2)
	if err != nil || stats.Cases != 1 || stats.Vectors != 2 || len(stats.Skipped) != 8 {
		t.Errorf("%+v, %v", stats, err)
	}
	for _, write := range []func(string, []*corpus.Case) (Stats, error){
		func(dir string, c []*corpus.Case) (Stats, error) { return JSONL(dir, c, true) },
		func(dir string, c []*corpus.Case) (Stats, error) { return CHeader(dir, c, 0) },
	} {
		for _, cases := range [][]*corpus.Case{nil, odd} {
			dir := filepath.Join(t.TempDir(), "new")
			if stats, err := write(dir, cases); !errors.Is(err, ErrNothing) || stats.Files != 0 {
				t.Errorf("%+v, %v", stats, err)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the directory was left behind: %v", err)
			}
		}
	}
	if _, err := CHeader(t.TempDir(), oddCases(), -1); !errors.Is(err, ErrBound) {
		t.Errorf("%v", err)
	}
}

// TestSameBytes writes the same files twice, and again over the first ones.
func TestSameBytes(t *testing.T) {
	content := func(dir string) map[string]string {
		all := map[string]string{}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all[e.Name()] = string(read(t, filepath.Join(dir, e.Name())))
		}
		return all
	}
	var got []map[string]string
	for _, dir := range []string{t.TempDir(), t.TempDir()} {
		for range 2 {
			if _, err := JSONL(dir, oddCases(), true); err != nil {
				t.Fatal(err)
			}
			if _, err := CHeader(dir, oddCases(), 0); err != nil {
				t.Fatal(err)
			}
			got = append(got, content(dir))
		}
	}
	for _, m := range got[1:] {
		if !maps.Equal(got[0], m) || len(m) != 6 {
			t.Errorf("%d files, and %d that differ", len(got[0]), len(m))
		}
	}
}

// TestAllOrNothing has a directory in the place of the last file.
func TestAllOrNothing(t *testing.T) {
	for last, write := range map[string]func(string) (Stats, error){
		"kernel-regmr.jsonl": func(dir string) (Stats, error) { return JSONL(dir, oddCases(), false) },
		KUnitName:            func(dir string) (Stats, error) { return CHeader(dir, oddCases(), 0) },
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, last, "full"), 0o777); err != nil {
			t.Fatal(err)
		}
		if stats, err := write(dir); err == nil || stats.Files != 0 {
			t.Errorf("%+v, %v", stats, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
	}
}

// TestGzipIsWhole reads a compressed file with the library alone.
func TestGzipIsWhole(t *testing.T) {
	dir := t.TempDir()
	if _, err := JSONL(dir, oddCases(), true); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(read(t, filepath.Join(dir, "kernel-sg2pages.jsonl.gz"))))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if n := strings.Count(string(text), "\n"); err != nil || n != len(oddCases()) {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestCString(t *testing.T) {
	for s, want := range map[string]string{"a/b-1": `"a/b-1"`, "\"\\": `"\"\\"`, "??/\n7": `"\077\077/\0127"`, "\u00fc0": `"\303\2740"`, "": `""`} {
		if got := cString(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}
