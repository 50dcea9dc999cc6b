package bench

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"golang.org/x/exp/stats"
)

// Row is what one contestant came to.
type Row struct {
	Bench      string  `json:"bench"`
	N          int     `json:"n"` // entries
	Impl       string  `json:"impl"`
	NsPerEntry float64 `json:"ns_per_entry"` // median over the rounds
	Ns         float64 `json:"ns"`           // the same for the whole list
	// RatioToCopy is the median over the rounds of this contestant's time
	// against copy's in the same round; RatioLow and RatioHigh are the
	// quartiles. 0 if copy does not take part.
	RatioToCopy float64 `json:"ratio_to_copy"`
	RatioLow    float64 `json:"ratio_low"`
	RatioHigh   float64 `json:"ratio_high"`
	Rounds      int     `json:"rounds"`
}

// Config says how long to measure.
type Config struct {
	Rounds int           // turns that each contestant takes, at least 1
	Slice  time.Duration // aimed at for one turn; 0 for 500 µs
}

const defaultSlice = 500 * time.Microsecond

// turn is a contestant and its times.
type turn struct {
	Contestant
	rounds int       // in a slice
	ns     []float64 // of one list, for each round
}

// ContestantError says that a contestant fails at what it should be able to do.
// The others can go on without it.
type ContestantError struct {
	Name string
	Err  error
}

func (e *ContestantError) Error() string { return e.Err.Error() }
func (e *ContestantError) Unwrap() error { return e.Err }

// DifferError says that two contestants make different bytes of a list.
type DifferError struct {
	Bench string
	N     int // entries
	Names [2]string
	At    int       // first byte that differs
	Bytes [2][]byte // from there on, at most 16
}

func (e *DifferError) Error() string {
	return fmt.Sprintf("%s of %d entries: %s and %s differ from byte %#x on: %x and %x",
		e.Bench, e.N, e.Names[0], e.Names[1], e.At, e.Bytes[0], e.Bytes[1])
}

// Measure lets the contestants that take part in j compete on a list of n
// entries and reports them in their order. Those that do not take part are
// passed over. An error is a *DifferError, a *ContestantError or the context's.
func Measure(ctx context.Context, j *Job, n int, contestants []Contestant, cfg Config) ([]Row, error) {
	if n < 1 || n > j.Max {
		return nil, fmt.Errorf("%s of %d entries: 1 to %d", j.Name, n, j.Max)
	}
	turns, err := prepare(j, n, contestants)
	if err != nil {
		return nil, err
	}
	slice := cfg.Slice
	if slice == 0 {
		slice = defaultSlice
	}
	for i := range turns {
		if err := turns[i].calibrate(ctx, j, slice); err != nil {
			return nil, err
		}
	}
	for r := range cfg.Rounds {
		for i := range turns {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := turns[(r+i)%len(turns)].take(j); err != nil {
				return nil, err
			}
		}
	}
	return rows(j, n, turns), nil
}

// prepare loads the list and demands that all make the same of it.
func prepare(j *Job, n int, contestants []Contestant) ([]turn, error) {
	list := j.List(n)
	var turns []turn
	var want []byte
	for _, c := range contestants {
		if !j.Takes(c.Name()) {
			continue
		}
		if err := c.Load(list); err != nil {
			return nil, &ContestantError{c.Name(), err}
		}
		got, err := c.Emit(j.Name)
		if err != nil {
			return nil, &ContestantError{c.Name(), fmt.Errorf("%s of %d entries: %w", j.Name, n, err)}
		}
		if turns == nil {
			want = got
		} else if at := differ(want, got); at >= 0 {
			return nil, &DifferError{
				Bench: j.Name, N: n, Names: [2]string{turns[0].Name(), c.Name()},
				At: at, Bytes: [2][]byte{excerpt(want, at), excerpt(got, at)},
			}
		}
		turns = append(turns, turn{Contestant: c})
	}
	return turns, nil
}

// differ is the first offset at which a and b differ, -1 if they are equal.
func differ(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func excerpt(b []byte, at int) []byte { return b[min(at, len(b)):min(at+16, len(b))] }

// calibrate finds how often the benchmark fits a slice. The search warms the
// contestant up. The better of two tries counts: one that was interrupted would
// end the search far too early, and all turns would measure the clock.
func (t *turn) calibrate(ctx context.Context, j *Job, slice time.Duration) error {
	const most = 1 << 24
	for t.rounds = 1; t.rounds < most; t.rounds *= 2 {
		if err := ctx.Err(); err != nil {
			return err
		}
		d := time.Duration(math.MaxInt64)
		for range 2 {
			try, err := t.Time(j.Name, t.rounds)
			if err != nil {
				return &ContestantError{t.Name(), err}
			}
			d = min(d, try)
		}
		if d >= slice/2 {
			t.rounds = max(1, int(float64(t.rounds)*float64(slice)/float64(d)))
			return nil
		}
	}
	return nil
}

func (t *turn) take(j *Job) error {
	d, err := t.Time(j.Name, t.rounds)
	if err != nil {
		return &ContestantError{t.Name(), err}
	}
	t.ns = append(t.ns, float64(d.Nanoseconds())/float64(t.rounds))
	return nil
}

func rows(j *Job, n int, turns []turn) []Row {
	var base []float64
	for i := range turns {
		if turns[i].Name() == Copy {
			base = turns[i].ns
		}
	}
	out := make([]Row, len(turns))
	for i := range turns {
		t := &turns[i]
		r := Row{Bench: j.Name, N: n, Impl: t.Name(), Rounds: len(t.ns)}
		if len(t.ns) > 0 {
			r.Ns = stats.Median(t.ns)
			r.NsPerEntry = r.Ns / float64(n)
		}
		if ratios := over(t.ns, base); len(ratios) > 0 {
			q := stats.Quantiles(ratios, 0.25, 0.5, 0.75)
			r.RatioLow, r.RatioToCopy, r.RatioHigh = q[0], q[1], q[2]
		}
		out[i] = r
	}
	return out
}

// over divides round by round; a round whose base is 0, which a clock of low
// resolution may give, counts for nothing.
func over(ns, base []float64) (ratios []float64) {
	for i := range base {
		if base[i] > 0 {
			ratios = append(ratios, ns[i]/base[i])
		}
	}
	return ratios
}
