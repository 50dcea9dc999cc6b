package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/conform/runner"
)

// conformCmd drives an implementation written elsewhere.
type conformCmd struct {
	common
	Ops        []string      `placeholder:"NAME" names:"operation" help:"Only these operations: ${operation} (default: all that the child offers)."`
	Judge      string        `default:"exact" placeholder:"HOW" help:"How mappings are judged: equal to the driver's (exact), or by what the peer reads and writes (semantic)."`
	Cases      uint64        `placeholder:"N" help:"Cases to make at most, for each operation (default: 10000, or no limit with --for)."`
	For        time.Duration `placeholder:"TIME" help:"Time to work at most, such as 90s or 8h (default: no limit)."`
	Seed       uint64        `default:"1" placeholder:"N" help:"Seed of what is drawn."`
	Batch      int           `default:"64" placeholder:"N" help:"Requests outstanding."`
	Timeout    time.Duration `default:"2s" placeholder:"TIME" help:"Longest wait for a reply."`
	Hex        bool          `help:"Numbers above 2^53 as strings of hexadecimal digits."`
	Vectors    []string      `sep:"none" placeholder:"FILE" help:"Recorded outputs of real drivers, .jsonl or .jsonl.gz, to begin with."`
	Replay     []string      `aliases:"corpus" sep:"none" placeholder:"CASE" help:"Cases to begin with (--corpus is the same): files, directories of them, names of embedded cases."`
	Deviations string        `placeholder:"FILE" help:"File of known differences: CHECK PATTERN REASON a line."`
	Out        string        `short:"o" placeholder:"DIR" help:"Directory for findings: case, request, reply (default: they are printed only); made when there is one."`
	JUnit      string        `name:"junit" placeholder:"FILE" help:"File to write the result to as JUnit XML."`
	Command    []string      `arg:"" passthrough:"partial" name:"command" help:"The implementation and its arguments, behind --."`
}

// defaultConformCases is --cases if neither it nor --for is given.
const defaultConformCases = 10000

// Members of --judge.
const (
	judgeExact    = "exact"
	judgeSemantic = "semantic"
)

const maxBatch = 1 << 16

func (v *conformCmd) run(a *app) (any, error) {
	c, err := v.config()
	if err != nil {
		return nil, err
	}
	bar := a.newProgress(-1)
	c.Every = bar.every()
	c.Progress = func(p runner.Progress) {
		bar.at(int64(p.Cases), func() string { return fmt.Sprintf("%s: %d cases, %d findings", p.Op, p.Cases, p.Findings) })
	}
	s, err := runner.Run(a.ctx, c)
	bar.done()
	if errors.Is(err, runner.ErrUsage) || errors.Is(err, runner.ErrStart) {
		return nil, badInput(err)
	}
	if s == nil {
		return nil, err
	}
	r := newConformResult(s, v.Seed)
	if v.JUnit != "" {
		err = cmp.Or(err, writeJUnit(v.JUnit, r))
	}
	a.printConform(r)
	if s.Stderr != "" {
		fmt.Fprintf(a.stderr, "sgfuzz: the child's last words:\n%s\n", s.Stderr)
	}
	if err == nil && s.Failed() {
		err = status(exitFindings)
	}
	return r, err
}

// config checks the flags and reads what they name.
func (v *conformCmd) config() (runner.Config, error) {
	c := runner.Config{
		Command: v.Command, Cases: v.Cases, For: v.For, Seed: v.Seed, Batch: v.Batch, Timeout: v.Timeout,
		Hex: v.Hex, Vectors: v.Vectors, Out: v.Out,
	}
	if len(c.Command) > 0 && c.Command[0] == "--" {
		c.Command = c.Command[1:]
	}
	switch {
	case len(c.Command) == 0:
		return c, badInputf("no command behind --")
	case v.Batch < 1 || v.Batch > maxBatch:
		return c, badInputf("--batch %d: 1 to %d", v.Batch, maxBatch)
	case v.Timeout <= 0:
		return c, badInputf("--timeout %v: more than 0", v.Timeout)
	case v.For < 0:
		return c, badInputf("--for %v: not negative", v.For)
	case v.Cases == 0 && v.For == 0:
		c.Cases = defaultConformCases
	}
	if v.Judge == judgeSemantic {
		c.Judge = runner.Semantic
	}
	if err := cmp.Or(knownIn("operation", v.Ops...), knownIn("judge", v.Judge)); err != nil {
		return c, err
	}
	for _, name := range v.Ops {
		op, _ := conform.ParseOp(name)
		c.Ops = append(c.Ops, op)
	}
	var err error
	if len(v.Replay) > 0 {
		if c.Corpus, err = loadCases(v.Replay); err != nil {
			return c, err
		}
	}
	if v.Deviations != "" {
		c.Deviations, err = readDeviations(v.Deviations)
	}
	return c, badInput(err)
}

func readDeviations(path string) ([]*runner.Deviation, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := runner.ParseDeviations(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}
