package fuzz

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/sg"
)

// BenchConfig says how long the bench looks for each mutant.
type BenchConfig struct {
	Seeds  int    // 0 for 10
	Limit  uint64 // cases a seed; 0 for 100,000
	Shrink int    // steps spent on shrinking; 0 for 1000
}

func (c *BenchConfig) defaults() {
	if c.Seeds <= 0 {
		c.Seeds = 10
	}
	if c.Limit == 0 {
		c.Limit = 100_000
	}
	if c.Shrink == 0 {
		c.Shrink = 1000
	}
}

// Hit is what one seed gave.
type Hit struct {
	Found      bool
	Check      oracle.Check // lowest that failed
	Checks     []oracle.Check
	Executions uint64 // cases run until the first failure, or all
	Elapsed    time.Duration
	Entries    int // of the shrunk case
	Case       *corpus.Case
	Text       string
}

// MutantResult is what the bench found out about one mutant. Its JSON form is
// one object of sgfuzz mutants --json.
type MutantResult struct {
	Name    string `json:"name"`
	Bug     string `json:"bug,omitempty"` // number in the catalogue of defects
	Project string `json:"project"`
	Year    int    `json:"year,omitempty"`
	Commit  string `json:"commit,omitempty"`
	Cause   string `json:"cause"`
	Witness string `json:"witness"`

	Found           bool    `json:"found"`      // by every seed
	Check           int     `json:"check"`      // that found it with most seeds; 0 if none
	CheckName       string  `json:"check_name"` // of Check
	Checks          []int   `json:"checks"`     // that failed on any seed's first failing case, ascending
	Executions      uint64  `json:"executions"` // median
	WorstExecutions uint64  `json:"worst_executions"`
	Seconds         float64 `json:"seconds"` // median
	WorstSeconds    float64 `json:"worst_seconds"`
	Entries         int     `json:"entries"` // of the shrunk case: median
	Minimum         int     `json:"minimum"` // entries of the smallest case known
	Case            string  `json:"case"`    // the first seed's, shrunk

	Hits []Hit `json:"-"`
}

// Mutants are the mutants that the bench knows, by name; empty names for all.
func Mutants(names ...string) ([]*mutants.Mutant, error) {
	if len(names) == 0 {
		return mutants.All(), nil
	}
	var all []*mutants.Mutant
	for _, n := range names {
		m, ok := mutants.ByName(n)
		if !ok {
			return nil, fmt.Errorf("unknown mutant %q", n)
		}
		all = append(all, m)
	}
	return all, nil
}

// MissingMutants are the catalogue's defects that no mutant re-creates, with
// the reasons.
func MissingMutants() []mutants.Unexpressed { return mutants.Missing() }

// MutantOptions are the options of a Runner whose registering side has the
// mutant's defect.
func MutantOptions(m *mutants.Mutant) Options {
	p := m.Parts()
	return Options{Strategies: m.Strategies, Mapper: p.Mapper, Encoder: p.Encoder, Wrap: p.Wrap, Host: p.Host}
}

// bench looks for one mutant.
type bench struct {
	BenchConfig
	runner  *Runner
	choices *sg.Choices
	params  sg.Params
	c       corpus.Case
}

// Bench draws cases as a campaign does, from the seeds 1, 2, …, and runs them
// against a mutant until a check fails. Strategies are those that the mutant
// concerns, all else is as drawn. Time counts drawing and running, on one
// core, not shrinking. A cancelled ctx ends it with what was found.
func Bench(ctx context.Context, m *mutants.Mutant, c BenchConfig) (MutantResult, error) {
	c.defaults()
	b := bench{BenchConfig: c, runner: NewRunner(MutantOptions(m)), choices: sg.NewChoices(nil)}
	r := MutantResult{
		Name: m.Name, Bug: m.Bug, Project: m.Project, Year: m.Year, Commit: m.Commit, Cause: m.Cause, Witness: m.Witness, Minimum: m.Minimum,
	}
	for seed := range c.Seeds {
		if ctx.Err() != nil {
			break
		}
		h, err := b.seek(ctx, uint64(seed+1))
		if err != nil {
			return r, fmt.Errorf("mutant %s, seed %d: %w", m.Name, seed+1, err)
		}
		r.Hits = append(r.Hits, h)
	}
	r.summarise()
	return r, nil
}

// seek runs the cases of one seed.
func (b *bench) seek(ctx context.Context, seed uint64) (h Hit, err error) {
	start := time.Now()
	for h.Executions < b.Limit && ctx.Err() == nil {
		b.choices.ResetRandom(CaseSeed(seed, h.Executions))
		Draw(b.choices, &b.c, &b.params)
		b.c.Strategy = ""
		h.Executions++
		outs, err := b.runner.Run(&b.c)
		if err != nil {
			return h, err
		}
		i := slices.IndexFunc(outs, func(o Outcome) bool { return o.Failed() })
		if i < 0 {
			continue
		}
		h.Checks = outs[i].Verdict.FailedChecks()
		h.Found, h.Check, h.Elapsed = true, outs[i].Verdict.First(), time.Since(start)
		c := b.c.Clone()
		c.Strategy = outs[i].Strategy
		small, v := corpus.Minimise(c, b.verdict, b.Shrink)
		h.Case, h.Text, h.Entries = small, v.Text, len(small.List)
		return h, nil
	}
	h.Elapsed = time.Since(start)
	return h, nil
}

// verdict puts all failures into one class: the mutant is their one cause,
// whichever check sees it first.
func (b *bench) verdict(c *corpus.Case) corpus.Verdict {
	v := b.runner.Verdict(c)
	if v.Failed {
		v.Class = "mutant"
	}
	return v
}

// summarise works out medians and worst values.
func (r *MutantResult) summarise() {
	var execs []uint64
	var times []float64
	var entries []int
	checks := map[oracle.Check]int{}
	r.Checks = []int{}
	r.Found = len(r.Hits) > 0
	for i := range r.Hits {
		h := &r.Hits[i]
		execs, times = append(execs, h.Executions), append(times, h.Elapsed.Seconds())
		if r.Found = r.Found && h.Found; !h.Found {
			continue
		}
		entries = append(entries, h.Entries)
		for _, c := range h.Checks {
			if !slices.Contains(r.Checks, int(c)) {
				r.Checks = append(r.Checks, int(c))
			}
		}
		checks[h.Check]++
		if n := checks[h.Check]; n > checks[oracle.Check(r.Check)] || r.Check == 0 {
			r.Check = int(h.Check)
		}
		if r.Case == "" {
			r.Case = corpus.Format(h.Case)
		}
	}
	slices.Sort(r.Checks)
	r.CheckName = oracle.Check(r.Check).String()
	r.Executions, r.WorstExecutions = median(execs)
	r.Seconds, r.WorstSeconds = median(times)
	r.Entries, _ = median(entries)
}

// median gives the middle (the upper one of two) and the largest of v, which
// it sorts; zeros if v is empty.
func median[T uint64 | float64 | int](v []T) (mid, worst T) {
	if len(v) == 0 {
		return mid, worst
	}
	slices.Sort(v)
	return v[len(v)/2], v[len(v)-1]
}

// WriteMutantTable prints one line a mutant, and the sums.
func WriteMutantTable(w io.Writer, rs []MutantResult) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "mutant\tbug\tproject\tyear\tfound by\texecutions\tworst\tms\tworst\tentries\tleast\tcause")
	found := 0
	for i := range rs {
		r := &rs[i]
		by := "NOT FOUND"
		if r.Found {
			found++
			by = fmt.Sprintf("%d %s", r.Check, r.CheckName)
		}
		year := ""
		if r.Year != 0 {
			year = fmt.Sprint(r.Year)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%.1f\t%.1f\t%d\t%d\t%s\n", r.Name, r.Bug, r.Project, year, by,
			r.Executions, r.WorstExecutions, r.Seconds*1e3, r.WorstSeconds*1e3, r.Entries, r.Minimum, r.Cause)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d mutants found\n", found, len(rs))
	return err
}

// witnesses are the embedded cases by name, read once.
var witnesses = sync.OnceValues(func() (map[string]*corpus.Case, error) {
	cases, err := corpus.EmbeddedCases()
	all := map[string]*corpus.Case{}
	for _, c := range cases {
		all[c.Name] = c
	}
	return all, err
})

// Witness is the embedded case that shows a mutant.
func Witness(m *mutants.Mutant) (*corpus.Case, error) {
	all, err := witnesses()
	if err != nil {
		return nil, err
	}
	c := all[m.Witness]
	if c == nil {
		return nil, fmt.Errorf("mutant %s: no case %q", m.Name, m.Witness)
	}
	return c.Clone(), nil
}
