package bench

import (
	"context"
	"encoding/xml"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestSlope(t *testing.T) {
	for _, want := range []float64{0, 0.5, 1, 2} {
		var points []Point
		for n := 1; n <= 1<<10; n *= 2 {
			points = append(points, Point{n, 7 * math.Pow(float64(n), want)})
		}
		if got := slope(points); math.Abs(got-want) > 1e-9 {
			t.Errorf("slope of n^%v is %v", want, got)
		}
	}
	if got := slope([]Point{{1, 1}}); !math.IsNaN(got) {
		t.Errorf("slope of one point is %v", got)
	}
}

// TestPicture draws known points; package chart's tests look where they are.
func TestPicture(t *testing.T) {
	s := Series{Name: "a<b", Slope: 1}
	for n := 16; n <= 1<<12; n *= 4 {
		s.Points = append(s.Points, Point{n, 100 * float64(n)})
	}
	var b strings.Builder
	if err := WriteSVG(&b, []Series{s}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a&lt;b", "slope 1.000", ">1 ms<", ">100 µs<", ">4096<", "entries in the list", "stroke-dasharray"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in %s", want, b.String())
		}
	}
	if dots := strings.Count(b.String(), "<circle"); dots != len(s.Points)+1 { // and one beside the name
		t.Errorf("%d dots for %d points", dots, len(s.Points))
	}
	if err := xml.Unmarshal([]byte(b.String()), new(struct{ XMLName xml.Name })); err != nil {
		t.Error(err)
	}
}

// TestGrowth measures lists of up to three regions.
func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var told int
	all, err := Growth(context.Background(), 14, 17, func(string, int) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	if told != 3*4 {
		t.Errorf("told of %d lists", told)
	}
	for _, s := range all {
		if len(s.Points) != 4 || s.Points[0].N != 1<<14 || s.Points[3].N != 1<<17 || s.Points[0].Ns <= 0 || s.Points[3].Ns <= 0 || math.IsNaN(s.Slope+s.Tail) {
			t.Errorf("%+v", s)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := Growth(ctx, 4, 20, func(string, int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestTable prints rows of which one contestant lacks a size.
func TestTable(t *testing.T) {
	rows := []Row{
		{Bench: KLMList, N: 1, Impl: Sgfuzz, NsPerEntry: 12.345, Ns: 12.345, RatioToCopy: 2, RatioLow: 1.8, RatioHigh: 2.2},
		{Bench: KLMList, N: 1, Impl: Copy, NsPerEntry: 123.45, RatioToCopy: 1, RatioLow: 1, RatioHigh: 1},
		{Bench: KLMList, N: 64, Impl: Copy, NsPerEntry: 0.0123},
		{Bench: Check, N: 2, Impl: Sgfuzz, NsPerEntry: 1500, Ns: 3000},
	}
	var b strings.Builder
	if err := WriteTable(&b, rows); err != nil {
		t.Fatal(err)
	}
	want := `klm_list: ns an entry, times copy, spread
    n            sgfuzz            copy
    1   12.3 2.00× ±10%   123 1.00× ±0%
   64                             0.012
check: µs a registration, times copy, spread
   n   sgfuzz
   2     3.00
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
