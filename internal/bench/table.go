package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
)

// WriteTable prints rows as a table for each benchmark, a line for each size
// and a column for each contestant: nanoseconds an entry (for Check,
// microseconds a registration), times copy, and half the distance between the
// ratio's quartiles in per cent of it.
func WriteTable(w io.Writer, rows []Row) error {
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r Row) bool { return r.Bench != rows[0].Bench })
		if n < 0 {
			n = len(rows)
		}
		if err := writeJob(w, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func writeJob(w io.Writer, rows []Row) error {
	var sizes []int
	var impls []string
	for _, r := range rows {
		if !slices.Contains(sizes, r.N) {
			sizes = append(sizes, r.N)
		}
		if !slices.Contains(impls, r.Impl) {
			impls = append(impls, r.Impl)
		}
	}
	unit := "ns an entry"
	if rows[0].Bench == Check {
		unit = "µs a registration"
	}
	fmt.Fprintf(w, "%s: %s, times copy, spread\n", rows[0].Bench, unit)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "n\t")
	for _, impl := range impls {
		fmt.Fprint(t, impl, "\t")
	}
	fmt.Fprintln(t)
	for _, n := range sizes {
		fmt.Fprint(t, n, "\t")
		for _, impl := range impls {
			i := slices.IndexFunc(rows, func(r Row) bool { return r.N == n && r.Impl == impl })
			if i >= 0 {
				fmt.Fprint(t, cell(&rows[i]))
			}
			fmt.Fprint(t, "\t")
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func cell(r *Row) string {
	s := digits(r.NsPerEntry)
	if r.Bench == Check {
		s = digits(r.Ns / 1000)
	}
	if r.RatioToCopy == 0 {
		return s
	}
	return fmt.Sprintf("%s %s× ±%.0f%%", s, digits(r.RatioToCopy), 50*(r.RatioHigh-r.RatioLow)/r.RatioToCopy)
}

// digits prints three digits, or all before the point, or two of a small number.
func digits(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// WriteLoop prints what Loop measured, on a line.
func WriteLoop(w io.Writer, r *LoopRow) error {
	_, err := fmt.Fprintf(w, "check loop, %d workers, %s, %d entries in the mean: %.0f registrations a second\n", r.Workers, r.Strategies, r.N, r.PerSecond)
	return err
}

// WriteGrowth prints what Growth found.
func WriteGrowth(w io.Writer, all []Series) error {
	fmt.Fprintln(w, "growth: ns an entry")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "n\t")
	for _, s := range all {
		fmt.Fprint(t, s.Name, "\t")
	}
	fmt.Fprintln(t)
	for i := range all[0].Points {
		fmt.Fprint(t, all[0].Points[i].N, "\t")
		for _, s := range all {
			fmt.Fprint(t, digits(s.Points[i].Ns/float64(s.Points[i].N)), "\t")
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range all {
		if _, err := fmt.Fprintf(w, "%s: slope %.3f, upper half %.3f\n", s.Name, s.Slope, s.Tail); err != nil {
			return err
		}
	}
	return nil
}
