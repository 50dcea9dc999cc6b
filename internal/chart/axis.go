package chart

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Scale says how an axis maps values to places.
type Scale uint8

// Scales.
const (
	Linear Scale = iota
	Log2
	Log10
)

// Axis is one of a chart's axes.
type Axis struct {
	Label string
	Scale Scale
	// Min and Max are the ends of the axis. If Min is not below Max they come
	// from the data; a linear axis then begins at 0 unless values are below it.
	Min, Max float64
	// Format names a value, at ticks and on bars; nil for Short.
	Format func(v float64) string
}

// mostTicks bounds the ticks of an axis.
const mostTicks = 9

// Short names a value with four digits at most and k, M, G or T.
func Short(v float64) string {
	unit := 0
	for units := " kMGT"; math.Abs(v) >= 10000 && unit < len(units)-1; unit++ {
		v /= 1000
	}
	digits := 0
	switch a := math.Abs(v); {
	case a != 0 && a < 0.1:
		return strconv.FormatFloat(v, 'g', 2, 64)
	case a < 10:
		digits = 2
	case a < 100:
		digits = 1
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		for s[len(s)-1] == '0' {
			s = s[:len(s)-1]
		}
		if s[len(s)-1] == '.' {
			s = s[:len(s)-1]
		}
	}
	return s + [...]string{"", "k", "M", "G", "T"}[unit]
}

// Percent names a share: 0.25 is 25%.
func Percent(v float64) string { return Short(v*100) + "%" }

// Duration names nanoseconds.
func Duration(ns float64) string {
	units := []string{"ns", "µs", "ms", "s"}
	i := 0
	for ; math.Abs(ns) >= 1000 && i < len(units)-1; i++ {
		ns /= 1000
	}
	return Short(ns) + " " + units[i]
}

// Size names bytes, in powers of 1024.
func Size(bytes float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; math.Abs(bytes) >= 1024 && i < len(units)-1; i++ {
		bytes /= 1024
	}
	return Short(bytes) + " " + units[i]
}

// ruler is an axis with ends and a place on the canvas.
type ruler struct {
	Axis
	low, high float64 // ends, in the scale's terms
	from, to  float64 // their places in pixels
}

// shows reports whether the axis has a place for v.
func (a *Axis) shows(v float64) bool {
	return !math.IsNaN(v) && (a.Scale == Linear || v > 0)
}

// scaled is a value in the scale's terms.
func (a *Axis) scaled(v float64) float64 {
	switch a.Scale {
	case Log2:
		return math.Log2(v)
	case Log10:
		return math.Log10(v)
	}
	return v
}

func (a *Axis) format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case a.Format != nil:
		return a.Format(v)
	}
	return Short(v)
}

// ruler fits the axis to the values, of which at least one must be showable if
// the axis has no ends of its own.
func (a *Axis) ruler(values []float64, from, to float64) (*ruler, error) {
	r := &ruler{Axis: *a, from: from, to: to}
	for _, v := range values {
		if math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: %v", ErrValue, v)
		}
	}
	if a.Min < a.Max {
		if !a.shows(a.Min) {
			return nil, fmt.Errorf("%w: %v begins a logarithmic axis", ErrValue, a.Min)
		}
		r.low, r.high = a.scaled(a.Min), a.scaled(a.Max)
		return r, nil
	}
	shown := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !a.shows(v) })
	if len(shown) == 0 {
		return nil, ErrNoData
	}
	r.fit(slices.Min(shown), slices.Max(shown))
	return r, nil
}

// fit takes round ends about the data.
func (r *ruler) fit(low, high float64) {
	switch r.Scale {
	case Linear:
		low, high = min(low, 0), max(high, 0)
		if low == high {
			high = low + 1
		}
		step := niceStep(high - low)
		r.low, r.high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	case Log10:
		r.low, r.high = math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	default:
		r.low, r.high = math.Log2(low), math.Log2(high)
	}
	if r.low == r.high {
		r.high++
	}
}

// niceStep is 1, 2 or 5 times a power of ten, for five ticks or so.
func niceStep(span float64) float64 {
	step := math.Pow10(int(math.Floor(math.Log10(span / 5))))
	for _, k := range []float64{1, 2, 5} {
		if span/(k*step) <= 6 {
			return k * step
		}
	}
	return 10 * step
}

// at is a value's place; values beyond the ends go to the end.
func (r *ruler) at(v float64) float64 {
	s := min(max(r.scaled(v), r.low), r.high)
	return r.from + (s-r.low)/(r.high-r.low)*(r.to-r.from)
}

// ticks are the values worth a mark.
func (r *ruler) ticks() (values []float64) {
	if r.Scale == Linear {
		step := niceStep(r.high - r.low)
		for k := math.Ceil(r.low/step - 1e-9); k*step <= r.high+step*1e-9; k++ {
			values = append(values, k*step+0) // no -0
		}
		return values
	}
	base := 2.0
	if r.Scale == Log10 {
		base = 10
	}
	step := math.Ceil((r.high - r.low + 1) / mostTicks)
	for e := math.Ceil(r.low - 1e-9); e <= r.high+1e-9; e += step {
		values = append(values, math.Pow(base, e))
	}
	if len(values) < 2 { // less than two powers
		values = []float64{math.Pow(base, r.low), math.Pow(base, r.high)}
	}
	return values
}
