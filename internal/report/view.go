package report

import (
	"errors"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/bench"
	"github.com/sgfuzz/sgfuzz/internal/chart"
)

// view is a report with what is drawn for its page.
type view struct {
	*Report
	Growth       []template.HTML
	Steps        []Point // some of the points, as a table
	MutantChart  template.HTML
	MutantRows   []fuzz.MutantResult // those that were not found first
	BenchCharts  []template.HTML
	BenchTables  []benchTable
	CheckSummary string
}

func (v *view) draw() error {
	err := errors.Join(v.growth(), v.mutantChart(), v.benchCharts())
	if err != nil {
		return fmt.Errorf("drawing a chart: %w", err)
	}
	return nil
}

// svg is the picture of a chart, or nothing if there is nothing to draw.
func svg(draw func() (template.HTML, error)) (template.HTML, error) {
	h, err := draw()
	if errors.Is(err, chart.ErrNoData) {
		return "", nil
	}
	return h, err
}

// growth draws features and findings over executions and time.
func (v *view) growth() error {
	if v.Campaign == nil || len(v.Campaign.Points) < 2 {
		return nil
	}
	all := v.Campaign.Points
	v.Steps = steps(all, 10, true, func(p Point) float64 { return float64(p.Cases) })
	most := all[len(all)-1].Seconds
	unit, by := "seconds", 1.0
	switch {
	case most > 3*3600:
		unit, by = "hours", 3600.0
	case most > 180:
		unit, by = "minutes", 60.0
	}
	executions := chart.Axis{Label: "executions", Scale: chart.Log10}
	time := chart.Axis{Label: unit + " of running"}
	features := func(p Point) float64 { return float64(p.Features) }
	findings := func(p Point) float64 { return float64(p.Findings) }
	byRuns := func(p Point) float64 { return float64(p.Executions) }
	byTime := func(p Point) float64 { return p.Seconds / by }
	kinds := []struct {
		name string
		y    func(Point) float64
	}{{"features", features}, {"findings", findings}}
	if all[len(all)-1].Findings == 0 {
		kinds = kinds[:1]
	}
	var charts []chart.Lines
	for _, k := range kinds {
		title, y := strings.ToUpper(k.name[:1])+k.name[1:], chart.Axis{Label: k.name}
		charts = append(charts,
			chart.Lines{Title: title + " over executions", X: executions, Y: y, Lines: []chart.Line{{Name: k.name, Points: line(all, &executions, byRuns, k.y)}}},
			chart.Lines{Title: title + " over time", X: time, Y: y, Lines: []chart.Line{{Name: k.name, Points: line(all, &time, byTime, k.y)}}})
	}
	for i := range charts {
		h, err := svg(charts[i].SVG)
		if err != nil {
			return err
		}
		if h != "" {
			v.Growth = append(v.Growth, h)
		}
	}
	return nil
}

// maxMarks bounds the points of a line.
const maxMarks = 60

func line(all []Point, a *chart.Axis, x, y func(Point) float64) (points []chart.Point) {
	for _, p := range steps(all, maxMarks, a.Scale != chart.Linear, x) {
		points = append(points, chart.Point{X: x(p), Y: y(p)})
	}
	return points
}

// steps picks about n of the points, the first and the last among them, at even
// distances of x or of its logarithm.
func steps(all []Point, n int, logarithm bool, x func(Point) float64) (some []Point) {
	place := x
	if logarithm {
		place = func(p Point) float64 { return math.Log(max(x(p), 1)) }
	}
	step := (place(all[len(all)-1]) - place(all[0])) / float64(n)
	for i, p := range all {
		if i == 0 || i == len(all)-1 || place(p) >= place(some[len(some)-1])+step {
			some = append(some, p)
		}
	}
	return some
}

// mutantChart draws how many executions it took to find mutants.
func (v *view) mutantChart() (err error) {
	all := v.Mutants.All
	for _, found := range []bool{false, true} {
		for i := range all {
			if all[i].Found == found {
				v.MutantRows = append(v.MutantRows, all[i])
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	labels := []string{"1", "2 – 10", "11 – 100", "101 – 1000", "1001 – 10 000", "more", "not found"}
	counts := make([]float64, len(labels))
	for i := range all {
		place := len(labels) - 1
		if all[i].Found {
			place = min(int(math.Ceil(math.Log10(float64(max(all[i].Executions, 1))))), len(labels)-2)
		}
		counts[place]++
	}
	b := chart.Bars{Title: "Mutants by the executions that found them (median of the seeds)", Labels: labels, Series: []chart.Values{{V: counts}}}
	v.MutantChart, err = svg(b.SVG)
	return err
}

// benchTable is one benchmark: a row for each size, a cell for each contestant.
type benchTable struct {
	Name, Unit string
	Impls      []string
	Rows       []benchRow
}

type benchRow struct {
	N     int
	Cells []benchCell
}

type benchCell struct {
	Ratio, Spread, Time string // "" if it was not measured
}

// benchCharts draws each benchmark's ratios for its longest list, and lists all.
func (v *view) benchCharts() error {
	rows := v.Bench.Rows
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r bench.Row) bool { return r.Bench != rows[0].Bench })
		if n < 0 {
			n = len(rows)
		}
		v.BenchTables = append(v.BenchTables, tableOf(rows[:n]))
		h, err := ratioChart(rows[:n])
		if err != nil {
			return err
		}
		if h != "" {
			v.BenchCharts = append(v.BenchCharts, h)
		}
		rows = rows[n:]
	}
	return nil
}

// ratioChart draws the ratios for the longest list that was measured.
func ratioChart(rows []bench.Row) (template.HTML, error) {
	longest := slices.MaxFunc(rows, func(a, b bench.Row) int { return a.N - b.N }).N
	b := chart.Bars{Axis: chart.Axis{Label: "times copy, less is faster"}, Title: fmt.Sprintf("%s, %d entries: time against copy's", rows[0].Bench, longest)}
	var ratios []float64
	for _, r := range rows {
		if r.N == longest && r.RatioToCopy > 0 {
			b.Labels, ratios = append(b.Labels, r.Impl), append(ratios, r.RatioToCopy)
			b.Notes = append(b.Notes, ratio(r.RatioToCopy)+"×")
		}
	}
	if len(ratios) == 0 {
		return "", nil
	}
	b.Series = []chart.Values{{V: ratios}}
	return svg(b.SVG)
}

func tableOf(rows []bench.Row) benchTable {
	t := benchTable{Name: rows[0].Bench, Unit: "ns an entry"}
	if t.Name == bench.Check {
		t.Unit = "µs a registration"
	}
	for _, r := range rows {
		if !slices.Contains(t.Impls, r.Impl) {
			t.Impls = append(t.Impls, r.Impl)
		}
		if len(t.Rows) == 0 || t.Rows[len(t.Rows)-1].N != r.N {
			t.Rows = append(t.Rows, benchRow{N: r.N})
		}
	}
	for i := range t.Rows {
		t.Rows[i].Cells = make([]benchCell, len(t.Impls))
		for _, r := range rows {
			if r.N == t.Rows[i].N {
				t.Rows[i].Cells[slices.Index(t.Impls, r.Impl)] = cellOf(&r)
			}
		}
	}
	return t
}

func cellOf(r *bench.Row) (c benchCell) {
	c.Time = ratio(r.NsPerEntry)
	if r.Bench == bench.Check {
		c.Time = ratio(r.Ns / 1000)
	}
	if r.RatioToCopy > 0 {
		c.Ratio = ratio(r.RatioToCopy) + "×"
		c.Spread = fmt.Sprintf("±%.0f %%", 50*(r.RatioHigh-r.RatioLow)/r.RatioToCopy)
	}
	return c
}
