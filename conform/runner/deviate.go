package runner

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sgfuzz/sgfuzz/oracle"
)

// ErrDeviation reports a line that declares no deviation.
var ErrDeviation = errors.New("not a deviation")

// Deviation is a known difference: CHECK PATTERN REASON…
type Deviation struct {
	Line    int
	Check   string // name of an oracle's check, or a field of an exact operation
	Pattern string // glob over OP/SIGNATURE, the list's features joined by '+'
	Reason  string

	Hits  uint64 // requests that it excused
	Tried bool   // an operation that it is about was exercised
	Gone  bool   // it no longer happens
}

// ParseDeviations reads a file of deviations: blank lines and lines that begin
// with '#' are skipped. Errors wrap ErrDeviation and name the line.
func ParseDeviations(r io.Reader) ([]*Deviation, error) {
	var all []*Deviation
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		d, err := parseDeviation(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %w", n, ErrDeviation, err)
		}
		d.Line = n
		all = append(all, d)
	}
	return all, lines.Err()
}

func parseDeviation(text string) (*Deviation, error) {
	words := strings.Fields(text)
	if len(words) < 3 {
		return nil, errors.New("want CHECK PATTERN REASON")
	}
	d := &Deviation{Check: words[0], Pattern: words[1], Reason: strings.Join(words[2:], " ")}
	if n, err := strconv.Atoi(d.Check); err == nil {
		if n < 1 || n > oracle.NumChecks {
			return nil, fmt.Errorf("check %d: 1 to %d", n, oracle.NumChecks)
		}
		d.Check = oracle.Check(n).String()
	} else if !slices.Contains(mapChecks, d.Check) && !slices.Contains(wqeChecks, d.Check) {
		return nil, fmt.Errorf("check %q: a number from 1 to %d, or one of %s, wqes", d.Check, oracle.NumChecks, strings.Join(mapChecks, ", "))
	}
	if _, err := path.Match(d.Pattern, ""); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", d.Pattern, err)
	}
	return d, nil
}

// undeclared are the failures of a verdict that no deviation excuses. With
// count, those that do are credited.
func (e *engine) undeclared(x *slot, v *verdict, count bool) []failure {
	if len(e.Deviations) == 0 {
		return v.failures
	}
	signature := x.signature()
	var left []failure
	credited := map[*Deviation]bool{}
	for _, f := range v.failures {
		i := slices.IndexFunc(e.Deviations, func(d *Deviation) bool {
			ok, _ := path.Match(d.Pattern, signature)
			return ok && d.Check == f.check
		})
		if i < 0 {
			left = append(left, f)
			continue
		}
		if d := e.Deviations[i]; count && !credited[d] {
			credited[d] = true
			d.Hits++
		}
	}
	return left
}

// settleDeviations finds those that no longer happen. One whose operation was
// not exercised may still.
func (e *engine) settleDeviations() {
	for _, d := range e.Deviations {
		op, _, _ := strings.Cut(d.Pattern, "/")
		for i := range e.sum.Ops {
			ok, _ := path.Match(op, e.sum.Ops[i].Op.String())
			d.Tried = d.Tried || ok && e.sum.Ops[i].Cases > 0
		}
		d.Gone = d.Tried && d.Hits == 0 && !e.sum.Interrupted
	}
}
