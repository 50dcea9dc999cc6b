package bench

import (
	"context"
	"math"
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

// TestGrowth measures short lists of each kind.
func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var told int
	all, err := Growth(context.Background(), 4, 17, func(string, int) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Logf("%+v", s)
		if len(s.Points) != 14 || s.Points[0].N != 16 || s.Points[13].N != 1<<17 {
			t.Errorf("%s: points %v", s.Name, s.Points)
		}
	}
}
