package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/internal/page"
	"github.com/sgfuzz/sgfuzz/internal/style"
	"github.com/sgfuzz/sgfuzz/sg"
)

var update = flag.Bool("update", false, "write testdata anew")

// drawn are cases with what is special about their pictures.
var drawn = []struct {
	name, mutant string
	strategies   []string
}{
	{"features/frwr-legal", "", []string{"fastreg", "indirect"}},
	{"features/end-and-start-inside-page", "", []string{"fastreg", "bounce", "rdmarw"}},
	{"features/alias-overlap", "", []string{"indirect", "umem"}},
	{"features/total-past-2-32", "", []string{"indirect", "bounce"}},
	{"features/ends-at-2-64", "", []string{"fastreg", "indirect"}},
	{"features/wraps-past-2-64", "", []string{"indirect"}},
	{"features/empty-list", "", []string{"indirect"}},
	{"features/zero-length-middle", "", []string{"indirect"}},
	{"features/dma-merge", "", []string{"indirect"}},
	{"captures/node-http-8", "", []string{"indirect", "multimr"}},
	{"features/end-inside-page", "klm-neighbours-swapped", []string{"indirect"}},
	{"features/page-aligned", "mtt-last-dropped", []string{"fastreg"}},
	{"features/single-byte", "ctrl-index", []string{"indirect"}},
}

func drawnPicture(t *testing.T, i int, most int) *Picture {
	t.Helper()
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(cases, func(c *corpus.Case) bool { return c.Name == drawn[i].name })
	if at < 0 {
		t.Fatalf("no case %s", drawn[i].name)
	}
	c := cases[at].Clone()
	c.Strategy = ""
	p, err := Of(c, Options{Strategies: drawn[i].strategies, Mutant: drawn[i].mutant, Most: most})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestText compares the text at two widths with testdata, and holds that no
// line is wider than the terminal, with colours and without.
func TestText(t *testing.T) {
	for i := range drawn {
		p := drawnPicture(t, i, 16)
		for _, width := range []int{80, 46} {
			got := textOf(t, p, plainStyle(width))
			for _, l := range strings.Split(got, "\n") {
				if style.Columns(l) > width {
					t.Errorf("%s at %d: %d columns: %s", p.Case, width, style.Columns(l), l)
				}
			}
			file := filepath.Join("testdata", fmt.Sprintf("%s-%d.txt", strings.ReplaceAll(p.Case, "/", "-"), width))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if want, err := os.ReadFile(file); err != nil || string(want) != got {
				t.Errorf("%s differs (go test ./internal/picture -run TestText -update): %v\n%s", file, err, got)
			}
			colour := textOf(t, p, style.Forced(width))
			if plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colour, ""); plain != got || colour == got {
				t.Errorf("%s at %d: colours change the text", p.Case, width)
			}
		}
	}
}

func textOf(t *testing.T, p *Picture, st style.Style) string {
	t.Helper()
	var b bytes.Buffer
	var all []*Strategy
	for i := range p.Strategies {
		all = append(all, &p.Strategies[i])
	}
	if err := p.Text(&b, st, all); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func plainStyle(width int) style.Style {
	return style.For(io.Discard, func(name string) string {
		if name == "COLUMNS" {
			return strconv.Itoa(width)
		}
		return ""
	})
}

// TestNarrowText holds that any width does.
func TestNarrowText(t *testing.T) {
	for i := range drawn {
		p := drawnPicture(t, i, 16)
		for _, width := range []int{1, 10, 20, 40, 71, 72, 200} {
			for _, l := range strings.Split(textOf(t, p, plainStyle(width)), "\n") {
				if width >= 40 && style.Columns(l) > width {
					t.Errorf("%s at %d: %q", p.Case, width, l)
				}
			}
		}
	}
}

// shape is what a picture is made of.
type shape struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Shapes  []shape    `xml:",any"`
	Text    string     `xml:",chardata"`
}

func (s *shape) attr(name string) string {
	for _, a := range s.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (s *shape) walk(f func(*shape)) {
	f(s)
	for i := range s.Shapes {
		s.Shapes[i].walk(f)
	}
}

// parse reads a picture and holds what every one must have: a name and a
// description, shapes inside the frame, unique ids, nothing from outside.
func parse(t *testing.T, name string, svg []byte) *shape {
	t.Helper()
	var root shape
	if err := xml.Unmarshal(svg, &root); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var w, h float64
	if _, err := fmt.Sscanf(root.attr("viewBox"), "0 0 %g %g", &w, &h); err != nil || h < 100 || h > 12_000 {
		t.Errorf("%s: viewBox %q: %v", name, root.attr("viewBox"), err)
	}
	ids := map[string]int{}
	number := func(s *shape, attr string) float64 {
		v, _ := strconv.ParseFloat(s.attr(attr), 64)
		return v
	}
	root.walk(func(s *shape) {
		if id := s.attr("id"); id != "" {
			ids[id]++
		}
		switch s.XMLName.Local {
		case "rect", "text":
			if x, y := number(s, "x"), number(s, "y"); x < 0 || y < 0 || x+number(s, "width") > w || y+number(s, "height") > h+1 || number(s, "height") < 0 {
				t.Errorf("%s: %s %q at %g, %g is outside of %g x %g", name, s.XMLName.Local, s.Text, x, y, w, h)
			}
		}
		for _, a := range s.Attrs {
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.Contains(a.Value, "%!") || a.Name.Local == "href" {
				t.Errorf("%s: %s=%q", name, a.Name.Local, a.Value)
			}
		}
		if strings.Contains(s.Text, "%!") {
			t.Errorf("%s: %q", name, s.Text)
		}
	})
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: id %s occurs %d times", name, id, n)
		}
	}
	for _, id := range strings.Fields(root.attr("aria-labelledby")) {
		if ids[id] != 1 {
			t.Errorf("%s: labelled by %q, which is not there", name, id)
		}
	}
	if root.attr("role") != "img" {
		t.Errorf("%s: role %q", name, root.attr("role"))
	}
	return &root
}

// TestSVG draws all of drawn and every mutant's witness.
func TestSVG(t *testing.T) {
	for i := range drawn {
		p := drawnPicture(t, i, 0)
		for k := range p.Strategies {
			s := &p.Strategies[k]
			svg := p.SVG(s, SVGOptions{Alone: true})
			root := parse(t, p.Case+" "+s.Name, svg)
			checkColumns(t, p, s, root)
			if len(svg) > 400_000 {
				t.Errorf("%s, %s: %d bytes", p.Case, s.Name, len(svg))
			}
			if again := p.SVG(s, SVGOptions{Alone: true}); !bytes.Equal(svg, again) {
				t.Errorf("%s, %s: drawn twice, not the same", p.Case, s.Name)
			}
		}
	}
	for _, m := range mutants.All() {
		c, err := fuzz.Witness(m)
		if err != nil {
			t.Fatal(err)
		}
		c.Strategy = ""
		p, err := Of(c, Options{Mutant: m.Name, Most: 32})
		if err != nil {
			t.Fatal(err)
		}
		for k := range p.Strategies {
			s := &p.Strategies[k]
			root := parse(t, m.Name, p.SVG(s, SVGOptions{}))
			marked := 0
			root.walk(func(x *shape) {
				if strings.HasPrefix(x.Text, "✗") {
					marked++
				}
			})
			if s.Blame != nil && (s.Blame.Index >= 0 || s.Blame.Entry >= 0) && marked == 0 {
				t.Errorf("%s: %s is to blame, and not marked", m.Name, s.Blame.Part)
			}
			if s.Blame == nil && marked > 0 {
				t.Errorf("%s: %d marks, nothing to blame", m.Name, marked)
			}
		}
	}
}

// checkColumns holds that every shown entry has one colour in all columns, and
// that flows end where the shapes are.
func checkColumns(t *testing.T, p *Picture, s *Strategy, root *shape) {
	t.Helper()
	texts := map[string]int{}
	flows := 0
	colours := regexp.MustCompile(`\bs(\d)\b`)
	root.walk(func(x *shape) {
		texts[strings.TrimSpace(x.Text)]++
		title := ""
		for _, c := range x.Shapes {
			if c.XMLName.Local == "title" {
				title = c.Text
			}
		}
		if x.XMLName.Local == "path" && strings.HasPrefix(x.attr("class"), "pf") {
			flows++
		}
		var entry int
		if _, err := fmt.Sscanf(title, "entry %d:", &entry); err != nil {
			return
		}
		for _, c := range append(x.Shapes, *x) {
			if m := colours.FindStringSubmatch(c.attr("class")); m != nil && m[1] != strconv.Itoa(entry%page.Series) {
				t.Errorf("%s, %s: entry %d has colour %s", p.Case, s.Name, entry, m[1])
			}
		}
	})
	if flows == 0 && p.Bytes > 0 {
		t.Errorf("%s, %s: no flow", p.Case, s.Name)
	}
	pieces := 0
	for i := range s.Regions {
		for k := range s.Regions[i].Pieces {
			q := &s.Regions[i].Pieces[k]
			if q.Skipped == 0 {
				pieces++
				if name := q.name(s.Regions[i].Kind); texts[name] == 0 && texts["✗ "+name] == 0 {
					t.Errorf("%s, %s: %s is not drawn", p.Case, s.Name, name)
				}
			}
		}
	}
	if pieces > 0 && flows < 2*pieces {
		t.Errorf("%s, %s: %d pieces, %d flows", p.Case, s.Name, pieces, flows)
	}
}

// TestLayoutLinesUp holds that a byte is at the same height in the middle and
// in the stream, and that later bytes are lower.
func TestLayoutLinesUp(t *testing.T) {
	for i := range drawn {
		p := drawnPicture(t, i, 0)
		for k := range p.Strategies {
			axis, bands, bottom := layout(p, &p.Strategies[k], 10)
			last := 0.0
			for n, at := range axis.at {
				if axis.above[n] < last || axis.pos[n] < axis.above[n] || axis.begin(at) != axis.pos[n] || axis.end(at) != axis.above[n] {
					t.Fatalf("%s: stop %d at %g, %g behind %g", p.Case, n, axis.above[n], axis.pos[n], last)
				}
				last = axis.pos[n]
				if n > 0 && at-axis.at[n-1] > 1 {
					if mid := axis.begin(at - 1); mid <= axis.pos[n-1] || mid >= axis.above[n] {
						t.Errorf("%s: byte %d at %g, not between %g and %g", p.Case, at-1, mid, axis.pos[n-1], axis.above[n])
					}
				}
			}
			y := 0.0
			for n := range bands {
				if b := &bands[n]; b.top < y || b.bottom <= b.top || b.bottom > bottom {
					t.Errorf("%s: band %d from %g to %g, behind %g", p.Case, n, b.top, b.bottom, y)
				}
				y = bands[n].bottom
			}
			if last > bottom {
				t.Errorf("%s: the stream ends at %g, below %g", p.Case, last, bottom)
			}
		}
	}
}

// TestBoundedDrawings holds that long and large lists make pictures of bounded
// size that say what they leave out.
func TestBoundedDrawings(t *testing.T) {
	var many sg.List
	for i := range 10_000 {
		many = append(many, sg.Entry{Addr: 0x10000 + uint64(i)*9000, Len: uint32(1 + i%5000)})
	}
	p, err := Of(&corpus.Case{Name: "many", List: many}, Options{Most: 64})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Strategies {
		s := &p.Strategies[i]
		svg := p.SVG(s, SVGOptions{})
		parse(t, "many "+s.Name, svg)
		if len(svg) > 200_000 {
			t.Errorf("%s: %d bytes", s.Name, len(svg))
		}
		if s.Answer == "accepted" && !bytes.Contains(svg, []byte("more entries …")) {
			t.Errorf("%s: nothing says that entries are left out", s.Name)
		}
	}
	text := textOf(t, p, plainStyle(80))
	if n := strings.Count(text, "\n"); n > 700 || !strings.Contains(text, "more KLMs") || !strings.Contains(text, "more pages …") {
		t.Errorf("%d lines of text", n)
	}
}

func TestHTML(t *testing.T) {
	p := drawnPicture(t, 10, 0)
	var b bytes.Buffer
	if err := p.HTML(&b, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h1>features/end-inside-page</h1>", "To blame: KLM 0 reaches", "the peer gets  52 6b", `<svg xmlns`, "<h3>WQE 0: UMR, 192 bytes", "klm-neighbours-swapped"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	var wqe bytes.Buffer
	if err := drawnPicture(t, 12, 0).HTML(&wqe, nil); err != nil || !strings.Contains(wqe.String(), "<details open>") {
		t.Errorf("the work request to blame is not shown: %v", err)
	}
	p.Case = `<script>alert("x")</script>`
	b.Reset()
	if err := p.HTML(&b, nil); err != nil || strings.Contains(b.String(), "<script") {
		t.Errorf("a case's name is not escaped: %v", err)
	}
	if strings.Contains(string(p.SVG(&p.Strategies[0], SVGOptions{})), "<script") {
		t.Error("a case's name is not escaped in the picture")
	}
	if err := p.HTML(full{}, nil); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	if err := p.Text(full{}, plainStyle(80), nil); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1: "1 B", 1023: "1,023 B", 1024: "1 KiB", 4096: "4 KiB", 4097: "4,097 B", 9999: "9,999 B", 10_001: "9.8 KiB",
		1 << 20: "1 MiB", 1<<32 - 1: "4.0 GiB", 1 << 32: "4 GiB", 1<<64 - 1: "16.0 EiB", 5 << 30: "5 GiB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
	if got := count(1, "fetch") + ", " + commas(1234567) + ", " + (&Cost{Fetches: 2}).costs(); got != "1 fetch, 1,234,567, 2 device fetches" {
		t.Error(got)
	}
}

// TestFollow holds that every entry has a rule by which its flows stand out,
// and shapes in all three columns that set it off.
func TestFollow(t *testing.T) {
	p := drawnPicture(t, 0, 0)
	for i := range p.Strategies {
		svg := string(p.SVG(&p.Strategies[i], SVGOptions{ID: "x"}))
		for e := range p.Entries {
			for want, least := range map[string]int{
				fmt.Sprintf("#x:has(.e%d:hover) .pf:not(.e%[1]d)", e): 1,
				fmt.Sprintf(`<g class="e%d"`, e):                      3,
				fmt.Sprintf(` e%d" d="M`, e):                          2,
			} {
				if n := strings.Count(svg, want); n < least {
					t.Errorf("%s: %q occurs %d times, want %d", p.Strategies[i].Name, want, n, least)
				}
			}
		}
	}
	if bare := string(p.SVG(&p.Strategies[0], SVGOptions{Bare: true})); strings.Contains(bare, "<style") {
		t.Error("a bare picture has a style element")
	}
}
