package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
)

// picture draws and demands well-formed XML.
func picture(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		if _, err := d.Token(); err == io.EOF {
			return b.String()
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
	}
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s is missing in\n%s", w, text)
		}
	}
}

// TestBarsPlaces computes where bars begin and end from the axis's ends.
func TestBarsPlaces(t *testing.T) {
	b := Bars{
		Title: "a<b", Labels: []string{"one", "two", "none"}, Axis: Axis{Label: "things", Max: 10},
		Series: []Values{{Name: "x", V: []float64{1, 4, math.NaN()}}, {Name: "y", V: []float64{2, 0, math.NaN()}, Bad: true}},
	}
	text := picture(t, b.WriteSVG)
	left := textWidth("none") + gap
	unit := (width - textWidth("3") - 2*gap - left) / 10
	contains(t, text, `aria-label="a&lt;b"`, ">a&lt;b<", ">things<", ">10<", "<style>", "prefers-color-scheme",
		fmt.Sprintf(`class="s0" x="%s" y="54.0" width="%s"`, px(left), px(unit)),
		fmt.Sprintf(`class="bad-fill" x="%s" y="54.0" width="%s"`, px(left+unit), px(2*unit)),
		fmt.Sprintf(`class="s0" x="%s" y="78.0" width="%s"`, px(left), px(4*unit)),
		"one, y: 2<", ">0</text>", ">3</text>", ">–</text>")
	if n := strings.Count(text, "<title>"); n != 3 { // y of two is 0 wide
		t.Errorf("%d parts of bars", n)
	}
	page, err := b.SVG()
	if err != nil || strings.Contains(string(page), "<style>") || strings.Contains(string(page), "paper") {
		t.Errorf("in a page: %v %s", err, page)
	}
}

// TestLinesPlaces draws a power law, which logarithms make straight.
func TestLinesPlaces(t *testing.T) {
	var p []Point
	for n := 16.0; n <= 4096; n *= 4 {
		p = append(p, Point{n, 100 * n})
	}
	l := Lines{
		Title: "growth", X: Axis{Label: "entries", Scale: Log2}, Y: Axis{Label: "time", Scale: Log10, Format: Duration},
		Lines: []Line{{Name: "a&b", Note: "slope 1", Points: p}, {Points: p[:2], Guide: true}},
	}
	text := picture(t, l.WriteSVG)
	contains(t, text, ">a&amp;b<", ">slope 1<", ">1 µs<", ">1 ms<", `class="paper"`, ">4096<", ">entries<", ">time<", `stroke-dasharray="4 3"`)
	marks := regexp.MustCompile(`<circle class="s0" cx="([0-9.]+)" cy="([0-9.]+)" r="3.5">`).FindAllStringSubmatch(text, -1)
	if len(marks) != len(p)+1 { // and one beside the name
		t.Fatalf("%d marks for %d points in\n%s", len(marks), len(p), text)
	}
	marks = marks[:len(p)]
	if strings.Contains(text, `class="s1"`) {
		t.Error("the guide has marks")
	}
	var xs, ys []float64
	for _, m := range marks {
		var x, y float64
		fmt.Sscan(m[1], &x)
		fmt.Sscan(m[2], &y)
		xs, ys = append(xs, x), append(ys, y)
	}
	for i := 2; i < len(xs); i++ {
		if dx, dy := xs[i]-2*xs[i-1]+xs[i-2], ys[i]-2*ys[i-1]+ys[i-2]; math.Abs(dx)+math.Abs(dy) > 0.3 || ys[i] >= ys[i-1] {
			t.Errorf("marks %v %v are not on a rising line", xs, ys)
		}
	}
	// 1.6 µs to 409.6 µs on an axis from 1 µs to 1 ms
	if want := titleRoom + gap + plotHeight*(1-math.Log10(1.6)/3); math.Abs(ys[0]-want) > 0.06 {
		t.Errorf("first mark at %v, not %v", ys[0], want)
	}
}

// TestHoles leaves out what an axis has no place for.
func TestHoles(t *testing.T) {
	l := Lines{Title: "t", Y: Axis{Scale: Log10}, Lines: []Line{{Name: "n", Points: []Point{{1, 1}, {2, 10}, {3, 0}, {4, math.NaN()}, {5, 1}, {6, 1}, {math.NaN(), 3}}}}}
	text := picture(t, l.WriteSVG)
	if n := strings.Count(text, "<polyline"); n != 2 {
		t.Errorf("%d runs, not 2, in\n%s", n, text)
	}
	if n := strings.Count(text, "<circle"); n != 4+1 { // and one beside the name
		t.Errorf("%d marks, not 5", n)
	}
}

func TestErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for i, row := range []struct {
		d    drawing
		want error
	}{
		{&Bars{}, ErrNoData},
		{&Bars{Labels: []string{"a"}}, ErrNoData},
		{&Bars{Labels: []string{"a"}, Series: []Values{{V: []float64{1, 2}}}}, ErrShape},
		{&Bars{Labels: []string{"a"}, Notes: []string{"x", "y"}, Series: []Values{{V: []float64{1}}}}, ErrShape},
		{&Bars{Labels: []string{"a"}, Series: []Values{{V: []float64{-1}}}}, ErrValue},
		{&Bars{Labels: []string{"a"}, Series: []Values{{V: []float64{inf}}}}, ErrValue},
		{&Bars{Labels: []string{"a"}, Series: []Values{{V: []float64{nan}}}}, ErrNoData},
		{&Bars{Labels: []string{"a"}, Axis: Axis{Scale: Log10}, Series: []Values{{V: []float64{1}}, {V: []float64{1}}}}, ErrValue},
		{&Bars{Labels: []string{"a"}, Axis: Axis{Scale: Log10, Min: -1}, Series: []Values{{V: []float64{1}}}}, ErrValue},
		{&Lines{}, ErrNoData},
		{&Lines{Lines: []Line{{Points: []Point{{nan, 1}}}}}, ErrNoData},
		{&Lines{Lines: []Line{{Points: []Point{{1, inf}}}}}, ErrValue},
	} {
		if err := writeAlone(io.Discard, row.d); !errors.Is(err, row.want) {
			t.Errorf("%d: %v, not %v", i, err, row.want)
		}
		if _, err := inPage(row.d); !errors.Is(err, row.want) {
			t.Errorf("%d in a page: %v, not %v", i, err, row.want)
		}
	}
	ok := &Bars{Labels: []string{"a"}, Series: []Values{{V: []float64{1}}}}
	if err := ok.WriteSVG(full{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full disk: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestTicks demands few, round ticks inside the axis for many ranges.
func TestTicks(t *testing.T) {
	for _, scale := range []Scale{Linear, Log2, Log10} {
		for low := -6.0; low < 12; low += 0.7 {
			for span := 0.1; span < 14; span *= 1.7 {
				a := Axis{Scale: scale}
				values := []float64{math.Pow(10, low), math.Pow(10, low+span)}
				r, err := a.ruler(values, 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				ticks := r.ticks()
				if len(ticks) < 2 || len(ticks) > mostTicks+1 {
					t.Errorf("scale %d from %v: ticks %v", scale, values, ticks)
				}
				for i, v := range ticks {
					if x := r.at(v); x < -1e-6 || x > 100+1e-6 || i > 0 && x-r.at(ticks[i-1]) < 100/(2*mostTicks) {
						t.Errorf("scale %d from %v: tick %v at %v", scale, values, v, x)
					}
				}
				if r.at(values[0]) < 0 || r.at(values[1]) > 100 || r.at(values[0]) >= r.at(values[1]) {
					t.Errorf("scale %d: %v at %v and %v", scale, values, r.at(values[0]), r.at(values[1]))
				}
			}
		}
	}
}

// TestNamesApart keeps names of lines that end at one place legible.
func TestNamesApart(t *testing.T) {
	all := []label{{at: 300, height: 16}, {at: 299, height: 32}, {at: 301, height: 16}, {at: 20, height: 16}, {at: 25, height: 16}}
	spread(all, 10, 310)
	for i, n := range all {
		if n.drawn < 10 || n.drawn+n.height > 310 || i > 0 && n.drawn < all[i-1].drawn+all[i-1].height {
			t.Errorf("%+v", all)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, row := range []struct{ got, want string }{
		{Short(0), "0"}, {Short(1234), "1234"}, {Short(12345), "12.3k"}, {Short(2.5), "2.5"}, {Short(0.004), "0.004"},
		{Short(99999e12), "99999T"}, {Short(-12345), "-12.3k"}, {Short(10), "10"}, {Short(100), "100"}, {Short(3.14159), "3.14"},
		{Percent(0.255), "25.5%"}, {Duration(999), "999 ns"}, {Duration(1500), "1.5 µs"}, {Duration(2e12), "2000 s"},
		{Size(512), "512 B"}, {Size(4096), "4 KiB"}, {Size(1536), "1.5 KiB"}, {Size(1 << 50), "1024 TiB"},
	} {
		if row.got != row.want {
			t.Errorf("%q, not %q", row.got, row.want)
		}
	}
}
