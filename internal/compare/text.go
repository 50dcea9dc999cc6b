package compare

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sgfuzz/sgfuzz/internal/chart"
	"github.com/sgfuzz/sgfuzz/sg"
)

// WriteText prints the comparison in at most 100 columns.
func (r *Result) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	r.heading(b)
	if r.Workload.Lists > 0 {
		r.costs(b)
		r.spread(b)
		r.refusals(b)
		r.times(b)
		r.pools(b)
	}
	return b.Flush()
}

func (r *Result) heading(w io.Writer) {
	k := &r.Workload
	fmt.Fprintf(w, "%d lists, %d entries, %s\n", k.Lists, k.Entries, chart.Size(k.Bytes))
	for _, s := range k.Sources {
		fmt.Fprintf(w, "  %s\n", s)
	}
	if k.DMA != (sg.DMA{}).String() {
		fmt.Fprintf(w, "mapped for DMA: %s\n", k.DMA)
	}
	if k.Sampled {
		fmt.Fprintf(w, "quantiles and pools are of %d of the lists, drawn at random\n", MaxSample)
	}
	if k.Interrupted {
		fmt.Fprintln(w, "interrupted: this is not the whole of the workload, or lacks its pools")
	}
}

// columnsOf prints rows of cells, the first to the left and the others to the
// right.
func columnsOf(w io.Writer, head string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	wide := 0
	for _, row := range rows {
		wide = max(wide, len(row[0]))
	}
	for i, row := range append([][]string{strings.Split(head, "|")}, rows...) {
		if i == 0 {
			wide = max(wide, len(row[0]))
		}
		fmt.Fprintf(t, "%-*s\t%s\t\n", wide, row[0], strings.Join(row[1:], "\t"))
	}
	t.Flush()
}

// figure is a mean or quantile for people.
func figure(v float64) string { return chart.Short(v) }

// or is text if the way takes anything.
func (w *WayResult) or(text string) string {
	if w.Taken() == 0 {
		return "-"
	}
	return text
}

func (r *Result) costs(w io.Writer) {
	fmt.Fprintln(w, "\nanswers, and the mean cost of a list taken")
	var rows [][]string
	for i := range r.Ways {
		x := &r.Ways[i]
		row := []string{x.Way, fmt.Sprint(x.Accepted), fmt.Sprint(x.ByFallback), fmt.Sprint(x.Refused)}
		for _, d := range []*Dist{&x.Regions, &x.Rkeys, &x.Descriptors, &x.WQEBytes, &x.BytesCopied, &x.Buffers, &x.Fetches} {
			row = append(row, x.or(figure(d.Mean)))
		}
		rows = append(rows, row)
	}
	columnsOf(w, "way|accepts|fallback|refuses|regions|rkeys|descs|WQE B|copied B|pages|fetches", rows)
	if r.Uneven() {
		paragraph(w, UnevenText)
	}
}

// UnevenText is what must be said if Uneven.
const UnevenText = "The ways take different lists: their means are of different things, unless they take all."

// Uneven reports whether some way takes a part of the lists only.
func (r *Result) Uneven() bool {
	return slices.ContainsFunc(r.Ways, func(w WayResult) bool { return w.Taken() != 0 && w.Refused != 0 })
}

func (r *Result) spread(w io.Writer) {
	fmt.Fprintln(w, "\nhow that spreads: half of the lists / 99 in 100 / the largest")
	var rows [][]string
	for i := range r.Ways {
		x := &r.Ways[i]
		row := []string{x.Way}
		for _, d := range []*Dist{&x.Regions, &x.Descriptors, &x.WQEBytes, &x.BytesCopied} {
			row = append(row, x.or(figure(d.P50)+" / "+figure(d.P99)+" / "+figure(d.Max)))
		}
		rows = append(rows, row)
	}
	columnsOf(w, "way|regions|descs|WQE B|copied B", rows)
}

// refusals says why a strategy refuses.
func (r *Result) refusals(w io.Writer) {
	for i := range r.Ways {
		x := &r.Ways[i]
		if len(x.Reasons) == 0 {
			continue
		}
		then := ""
		if x.ByFallback > 0 {
			then = fmt.Sprintf("; %s takes %d of them", x.Fallback, x.ByFallback)
		}
		if i == 0 || !slices.ContainsFunc(r.Ways[:i], func(y WayResult) bool { return len(y.Reasons) > 0 }) {
			fmt.Fprintln(w, "\nrefused by the strategy, by reason")
		}
		fmt.Fprintf(w, "  %s: %s%s\n", x.Way, ReasonText(x.Reasons), then)
	}
}

// ReasonText lists reasons, the most frequent first.
func ReasonText(reasons map[string]int) string {
	type reason struct {
		name string
		n    int
	}
	var all []reason
	for name, n := range reasons {
		all = append(all, reason{name, n})
	}
	slices.SortFunc(all, func(a, b reason) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) })
	var words []string
	for _, x := range all {
		words = append(words, fmt.Sprintf("%s %d", x.name, x.n))
	}
	return strings.Join(words, ", ")
}

// micro is nanoseconds as microseconds.
func micro(ns float64) string { return fmt.Sprintf("%.2f", ns/1000) }

func (r *Result) times(w io.Writer) {
	fmt.Fprintln(w, "\nestimated µs for a list taken: a sum of the constants below, no measurement")
	var rows [][]string
	for i := range r.Ways {
		x := &r.Ways[i]
		row := []string{x.Way, x.or(micro(x.TimeNs.Mean)), x.or(micro(x.TimeNs.P99)), x.or(micro(x.TimeNs.Max))}
		for c := range causes {
			row = append(row, x.or(micro(x.Causes[c.String()])))
		}
		rows = append(rows, row)
	}
	columnsOf(w, "way|mean|p99|max|"+strings.Join(causeNames[:], "|"), rows)
	var words []string
	for i := range constants {
		k := &constants[i]
		words = append(words, fmt.Sprintf("%s %v %s", k.Name, k.Value(&r.Constants), k.Unit))
	}
	paragraph(w, strings.Join(words, ", ")+". "+TargetSide)
}

// TargetSide is what must be said of rdmarw.
const TargetSide = "rdmarw is the other end's way: it needs no region because its peer has registered one."

func (r *Result) pools(w io.Writer) {
	fmt.Fprintf(w, "\npools for %d I/Os in flight: elements until at most %s of the I/Os find too few\n",
		r.Queue.Depth, chart.Percent(r.Queue.Target))
	var rows [][]string
	for i := range r.Ways {
		for _, p := range r.Ways[i].Pools {
			rows = append(rows, []string{
				r.Ways[i].Way, p.Element, figure(p.Need.Mean), figure(p.Need.Max), chart.Size(p.ElementBytes),
				fmt.Sprint(p.Size), chart.Percent(p.Exhaustion), chart.Size(p.Bytes), fmt.Sprint(p.Worst), chart.Size(p.WorstBytes),
			})
		}
	}
	columnsOf(w, "way|of|need|most|each|size|short|memory|never short|memory", rows)
	paragraph(w, r.Model)
}

// textWidth is that of paragraphs, in columns.
const textWidth = 96

func paragraph(w io.Writer, text string) {
	for _, line := range wrap(text, textWidth) {
		fmt.Fprintf(w, "  %s\n", line)
	}
}

// wrap breaks text at blanks.
func wrap(text string, wide int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > wide {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
