package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/sgfuzz/sgfuzz/internal/chart"
)

// bars are a chart of one bar a way; value gives NaN for nothing.
func (r *Result) bars(title, axis string, format func(float64) string, value func(*WayResult) float64) *chart.Bars {
	b := &chart.Bars{Title: title, Axis: chart.Axis{Label: axis, Format: format}, Series: []chart.Values{{}}}
	for i := range r.Ways {
		b.Labels = append(b.Labels, r.Ways[i].Way)
		b.Series[0].V = append(b.Series[0].V, r.Ways[i].value(value))
	}
	return b
}

// value is NaN for a way that takes nothing.
func (w *WayResult) value(f func(*WayResult) float64) float64 {
	if w.Taken() == 0 {
		return math.NaN()
	}
	return f(w)
}

// AnswerChart is which share of the lists each way takes.
func (r *Result) AnswerChart() *chart.Bars {
	b := r.bars("Lists accepted, taken by a fallback, refused", "share of the lists", chart.Percent, nothing)
	b.Axis.Max = 1
	b.Series = []chart.Values{{Name: "accepted"}, {Name: "by fallback"}, {Name: "refused", Bad: true}}
	for i := range r.Ways {
		w := &r.Ways[i]
		for k, n := range []int{w.Accepted, w.ByFallback, w.Refused} {
			b.Series[k].V = append(b.Series[k].V, r.Share(n))
		}
		b.Notes = append(b.Notes, chart.Percent(r.Share(w.Taken()))+" taken")
	}
	return b
}

func nothing(*WayResult) float64 { return 0 }

// DescriptorChart is the mean number of descriptors.
func (r *Result) DescriptorChart() *chart.Bars {
	return r.bars("Descriptors for a list taken", "MTT entries, KLMs or data segments, mean", nil, func(w *WayResult) float64 { return w.Descriptors.Mean })
}

// CopyChart is the mean number of bytes copied.
func (r *Result) CopyChart() *chart.Bars {
	return r.bars("Bytes copied for a list taken", "bytes, mean", nil, func(w *WayResult) float64 { return w.BytesCopied.Mean })
}

// RegionChart is the mean number of regions.
func (r *Result) RegionChart() *chart.Bars {
	return r.bars("Regions for a list taken", "memory keys, mean", nil, func(w *WayResult) float64 { return w.Regions.Mean })
}

// TimeChart is the estimated time by cause.
func (r *Result) TimeChart() *chart.Bars {
	b := r.bars("Estimated time for a list taken, by cause", "mean, no measurement", chart.Duration, nothing)
	b.Series = nil
	for c := range causes {
		s := chart.Values{Name: c.String()}
		for i := range r.Ways {
			s.V = append(s.V, r.Ways[i].value(func(w *WayResult) float64 { return w.Causes[c.String()] }))
		}
		b.Series = append(b.Series, s)
	}
	return b
}

// PoolLine is a line of the pool chart: pools of the same size for the same
// needs.
type PoolLine struct {
	Name string
	Ways []string
	Pool *Pool
}

// PoolLines groups pools whose exhaustion is the same.
func (r *Result) PoolLines() (lines []PoolLine) {
	for i := range r.Ways {
		for k := range r.Ways[i].Pools {
			p := &r.Ways[i].Pools[k]
			at := slices.IndexFunc(lines, func(l PoolLine) bool {
				return l.Pool.Element == p.Element && slices.Equal(l.Pool.Curve, p.Curve)
			})
			if at < 0 {
				at = len(lines)
				lines = append(lines, PoolLine{Name: r.Ways[i].Way, Pool: p})
			}
			lines[at].Ways = append(lines[at].Ways, r.Ways[i].Way)
		}
	}
	for i := range lines {
		if n := len(lines[i].Ways); n > 1 {
			lines[i].Name = fmt.Sprintf("%s, %d more", lines[i].Ways[0], n-1)
		}
	}
	return lines
}

// PoolChart is the exhaustion probability against the size of the pool. What
// happened to none of the I/Os simulated stands at the lower edge.
func (r *Result) PoolChart() *chart.Lines {
	least := 1 / float64(max(r.Queue.IOs, 1))
	l := &chart.Lines{
		Title: fmt.Sprintf("I/Os turned away, by size of the pool (%d in flight)", r.Queue.Depth),
		X:     chart.Axis{Label: "elements in the pool", Scale: chart.Log2},
		Y:     chart.Axis{Label: "share of the I/Os turned away", Scale: chart.Log10, Min: least, Max: 1, Format: chart.Percent},
	}
	for _, p := range r.PoolLines() {
		line := chart.Line{Name: p.Name, Note: p.Pool.Element}
		for _, q := range p.Pool.Curve {
			if q.Size > 0 {
				line.Points = append(line.Points, chart.Point{X: float64(q.Size), Y: max(q.Exhaustion, least)})
			}
		}
		l.Lines = append(l.Lines, line)
	}
	return l
}
