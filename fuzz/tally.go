package fuzz

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Tally counts, for every feature of lists and every strategy, the cases whose
// list has the feature, by what the strategy answered. The figures are of whole
// rounds, and so depend on the seed and the number of cases alone.
type Tally struct {
	Cases uint64 // counted
	cells [][]TallyCell
}

// TallyCell is what one strategy answered to lists with one feature.
type TallyCell struct {
	Accepted, Partial, Refused, Broken uint64
	Failed                             uint64 // of them: a check found something
}

// Cases is the number of cases that the strategy was tried on.
func (c *TallyCell) Cases() uint64 { return c.Accepted + c.Partial + c.Refused + c.Broken }

// ListFeatures are the words of the features of lists, in the order of a Tally.
func ListFeatures() []string { return sg.Features(^uint64(0)).Names() }

var numFeatures = len(ListFeatures())

// Cell gives the figures of a strategy, by its place in corpus.Strategies, and
// a feature, by its place in ListFeatures.
func (t *Tally) Cell(strategy, feature int) TallyCell {
	if t.cells == nil {
		return TallyCell{}
	}
	return t.cells[strategy][feature]
}

// rows of a strategy: the answers, and failures in the place of "no answer".
const (
	failedRow = 0
	numRows   = int(Broken) + 1
)

// field is the figure that a row counts.
func (c *TallyCell) field(row int) *uint64 {
	return [numRows]*uint64{failedRow: &c.Failed, Accepted: &c.Accepted, Partial: &c.Partial, Refused: &c.Refused, Broken: &c.Broken}[row]
}

// columns counts the set bits of words, each bit by itself: plane i holds bit i
// of the 64 numbers. Adding a word takes two steps in the middle, however many
// bits are set. It holds what a worker meets in one round.
type columns [11]uint64 // up to 2047: a round has no more than fullRound cases

func (c *columns) add(word uint64) {
	for i := 0; word != 0 && i < len(c); i++ {
		c[i], word = c[i]^word, c[i]&word
	}
}

func (c *columns) number(bit int) (n uint64) {
	for i := range c {
		n |= c[i] >> bit & 1 << i
	}
	return n
}

// roundTally is what one worker counts in one round.
type roundTally struct {
	cases   uint64
	columns [][numRows]columns // by strategy
}

func newRoundTally() roundTally {
	return roundTally{columns: make([][numRows]columns, len(corpus.Strategies()))}
}

func (t *roundTally) reset() {
	t.cases = 0
	clear(t.columns)
}

// count adds a case that has the list's features.
func (t *roundTally) count(outs []Outcome, list sg.Features) {
	t.cases++
	for i := range outs {
		rows := &t.columns[index(strategyNames, outs[i].Strategy)-1] // strategyNames begins with none
		rows[outs[i].Answer].add(uint64(list))
		if outs[i].Failed() {
			rows[failedRow].add(uint64(list))
		}
	}
}

// appendTally writes what the workers counted: the number of cases, of
// strategies, rows and features, and then the figures, all as uvarints.
func appendTally(dst []byte, workers []*worker) []byte {
	var cases uint64
	for _, w := range workers {
		cases += w.tally.cases
	}
	for _, n := range [...]uint64{cases, uint64(len(strategyNames) - 1), uint64(numRows), uint64(numFeatures)} {
		dst = binary.AppendUvarint(dst, n)
	}
	for s := range len(strategyNames) - 1 {
		for row := range numRows {
			for f := range numFeatures {
				var n uint64
				for _, w := range workers {
					n += w.tally.columns[s][row].number(f)
				}
				dst = binary.AppendUvarint(dst, n)
			}
		}
	}
	return dst
}

var errTally = errors.New("the counts by feature are not those of this version")

// add takes over what appendTally wrote. After an error t is as it was.
func (t *Tally) add(text []byte) error {
	rest := text
	next := func() uint64 {
		n, size := binary.Uvarint(rest)
		if size <= 0 || bits.Len64(n) > 32 { // a round's figures are small
			rest = nil
			return ^uint64(0)
		}
		rest = rest[size:]
		return n
	}
	cases, shape := next(), [3]uint64{next(), next(), next()}
	if cases == ^uint64(0) || shape != [3]uint64{uint64(len(strategyNames) - 1), uint64(numRows), uint64(numFeatures)} {
		return errTally
	}
	figures := make([]uint64, (len(strategyNames)-1)*numRows*numFeatures)
	for i := range figures {
		if figures[i] = next(); figures[i] > cases {
			return errTally
		}
	}
	if len(rest) > 0 {
		return errTally
	}
	t.Cases += cases
	t.take(figures)
	return nil
}

// take adds figures in the order of appendTally.
func (t *Tally) take(figures []uint64) {
	if t.cells == nil {
		t.cells = make([][]TallyCell, len(strategyNames)-1)
		for s := range t.cells {
			t.cells[s] = make([]TallyCell, numFeatures)
		}
	}
	for i, n := range figures {
		*t.cells[i/numFeatures/numRows][i%numFeatures].field(i / numFeatures % numRows) += n
	}
}
