package compare

import (
	"golang.org/x/exp/stats"
)

// answer is what became of a list.
type answer uint8

const (
	refused answer = iota
	accepted
	byFallback
	answers
)

// sampled is a list in a way's sample.
type sampled struct {
	answer answer
	row    Row
}

// tally sums up what one way made of the workload, in bounded memory.
type tally struct {
	count   [answers]int
	reasons map[string]int // of the strategy's refusals, whatever the fallback did
	sum     Row
	top     Row
	causes  [causes]float64
	sample  []sampled
}

// add adds a list; the row of one refused is zero.
func (t *tally) add(s sampled, ns [causes]float64, slot int) {
	t.count[s.answer]++
	for i, v := range s.row {
		t.sum[i] += v
		t.top[i] = max(t.top[i], v)
	}
	for i, v := range ns {
		t.causes[i] += v
	}
	switch {
	case slot < 0:
	case slot < len(t.sample):
		t.sample[slot] = s
	default:
		t.sample = append(t.sample, s)
	}
}

// lists is how many the way takes.
func (t *tally) lists() int { return t.count[accepted] + t.count[byFallback] }

// column is the sample's figures of one column, of lists taken.
func (t *tally) column(c Column) []float64 {
	var v []float64
	for i := range t.sample {
		if t.sample[i].answer != refused {
			v = append(v, t.sample[i].row[c])
		}
	}
	return v
}

// Dist is how a figure is distributed over the lists that a way takes. All are
// 0 if it takes none.
type Dist struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

func (t *tally) dist(c Column) (d Dist) {
	n := t.lists()
	if n == 0 {
		return d
	}
	d.Mean, d.Max = finite(t.sum[c]/float64(n)), t.top[c]
	if v := t.column(c); len(v) > 0 {
		q := stats.Quantiles(v, 0.5, 0.99)
		d.P50, d.P99 = q[0], q[1]
	}
	return d
}
