package corpus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

func seriesText(n int) (text string, whole []int) {
	text = SeriesHead()
	whole = append(whole, len(text))
	for i := range n {
		c := Case{Name: fmt.Sprintf("c%d", i), Comments: []Comment{{Text: "# one"}}, Dir: DirRead,
			List: sg.List{{Addr: 0x1000 * uint64(i+1), Len: uint32(i + 1), Lkey: 7}, {Addr: 0x9000, Len: 3}}}
		text = string(AppendBlock([]byte(text), &c))
		whole = append(whole, len(text))
	}
	return text, whole
}

// TestSeriesCutAnywhere: of a file cut at any byte all whole cases are read, and
// the place behind them is found.
func TestSeriesCutAnywhere(t *testing.T) {
	text, whole := seriesText(3)
	for cut := len(SeriesHead()); cut <= len(text); cut++ {
		n := 0 // whole cases
		for n+1 < len(whole) && whole[n+1] <= cut {
			n++
		}
		if got := WholeSeries([]byte(text[:cut])); got != whole[n] {
			t.Fatalf("cut at %d: %d bytes are whole, want %d", cut, got, whole[n])
		}
		var names []string
		torn, err := readSeries(strings.NewReader(text[:cut]), "f", func(c *Case) { names = append(names, c.Name) })
		// Without its last newline, and then only, a case counts as read though
		// it would be cut off.
		if len(names) != n && !(len(names) == n+1 && cut == whole[n+1]-1) || err != nil || torn != (cut != whole[n] && len(names) == n) {
			t.Fatalf("cut at %d: read %v, torn %v, %v; want %d cases", cut, names, torn, err, n)
		}
	}
	for cut := range len(SeriesHead()) {
		if got := WholeSeries([]byte(text[:cut])); got != 0 {
			t.Errorf("cut at %d: %d bytes are whole", cut, got)
		}
	}
}

func TestSeriesErrors(t *testing.T) {
	text, whole := seriesText(2)
	for what, bad := range map[string]struct {
		text string
		line int
	}{
		"no head":              {text[len(SeriesHead()):], 1},
		"a value":              {strings.Replace(text, "0x1000+1", "0x1000+x", 1), 5},
		"an entry less":        {strings.Replace(text, "sg 0x9000+3\n", "", 1), 6},
		"an end less":          {text[:whole[1]-17] + text[whole[1]:], 7},
		"junk between":         {text[:whole[1]] + "junk\n" + text[whole[1]:], 8},
		"a case without entry": {text[:whole[0]] + "case x\nend 000000000000\n" + text[whole[0]:], 3},
	} {
		_, err := readSeries(strings.NewReader(bad.text), "f", func(*Case) {})
		if e, ok := errors.AsType[*ParseError](err); !ok || e.Line != bad.line || e.File != "f" {
			t.Errorf("%s: %v, want line %d\n%s", what, err, bad.line, bad.text)
		}
	}
}

// TestSeriesFiles loads and splits what AppendBlock made, and refuses it where
// one case is wanted.
func TestSeriesFiles(t *testing.T) {
	text, _ := seriesText(3)
	dir := t.TempDir()
	file := filepath.Join(dir, "run"+SeriesExt)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := LoadAll(file)
	if err != nil || len(all) != 3 || all[2].Name != "run.sgcases:c2" || all[2].List[0].Len != 3 || all[1].Dir != DirRead {
		t.Fatalf("%v, %v", all, err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "several cases") {
		t.Errorf("as one case: %v", err)
	}
	out := filepath.Join(dir, "out")
	stats, err := Split(out, file)
	one, loadErr := Load(filepath.Join(out, "c1"+Ext))
	if err != nil || loadErr != nil || stats.Written != 3 || stats.Entries != 6 || Hash(one) != Hash(all[1]) || len(one.Comments) == 0 {
		t.Errorf("%+v, %v, %v", stats, err, loadErr)
	}
	if _, err := Split(out, file, file); err == nil || !strings.Contains(err.Error(), "two cases") {
		t.Errorf("the same names twice: %v", err)
	}
	bad := strings.Replace(text, "case c1", "case ../c1", 1)
	if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Split(out, file); err == nil || !strings.Contains(err.Error(), "cannot name a file") {
		t.Errorf("a name that leads outside: %v", err)
	}
}
