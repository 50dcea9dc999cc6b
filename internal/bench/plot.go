package bench

import (
	"fmt"
	"io"
	"math"

	"github.com/sgfuzz/sgfuzz/internal/chart"
)

// Chart is the series as a picture: time against the number of entries, both
// on logarithmic axes, and dashed what linear growth from the first point of
// each would be. Slopes are the notes.
func Chart(all []Series) *chart.Lines {
	l := &chart.Lines{
		Title: "Time against the length of the list",
		X:     chart.Axis{Label: "entries in the list", Scale: chart.Log2},
		Y:     chart.Axis{Label: "time for the list", Scale: chart.Log10, Format: chart.Duration},
	}
	for _, s := range all {
		line := chart.Line{Name: s.Name, Note: fmt.Sprintf("slope %.3f", s.Slope)}
		for _, q := range s.Points {
			line.Points = append(line.Points, chart.Point{X: float64(q.N), Y: q.Ns})
		}
		l.Lines = append(l.Lines, line)
	}
	top := highest(all)
	for _, s := range all {
		first, last := s.Points[0], s.Points[len(s.Points)-1]
		if linear := first.Ns * float64(last.N) / float64(first.N); linear <= top {
			l.Lines = append(l.Lines, chart.Line{Guide: true, Points: []chart.Point{
				{X: float64(first.N), Y: first.Ns}, {X: float64(last.N), Y: linear},
			}})
		}
	}
	return l
}

// highest is where the axis of times ends: the power of ten above all points.
func highest(all []Series) float64 {
	top := 0.0
	for _, s := range all {
		for _, q := range s.Points {
			top = max(top, q.Ns)
		}
	}
	return math.Pow10(int(math.Ceil(math.Log10(top))))
}

// WriteSVG writes the picture of the series as a file.
func WriteSVG(w io.Writer, all []Series) error { return Chart(all).WriteSVG(w) }
