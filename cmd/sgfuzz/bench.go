package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"github.com/sgfuzz/sgfuzz/internal/bench"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/internal/peers"
)

// benchCmd measures encoders and the check loop beside what else does the same
// on this machine. Its JSON is one object a line: bench.Row, bench.LoopRow,
// benchSkipped or bench.Series.
type benchCmd struct {
	common
	Benchmark []string `aliases:"bench" placeholder:"NAME" help:"Only these benchmarks: ${benchmark} (default: all)."`
	Entries   []int    `aliases:"n" placeholder:"N" help:"Entries of a list (default: what suits the benchmark)."`
	Rounds    int      `default:"31" placeholder:"N" help:"Turns that each contestant takes."`
	Plot      string   `placeholder:"FILE" help:"File to draw, as SVG, how time grows with the list; without --benchmark and --entries nothing else is measured."`
	Longest   int      `default:"20" placeholder:"P" help:"Longest list of --plot: 2 to the power of P entries."`
	Serve     bool     `hidden:"" help:"Be a contestant: requests on standard input."`
}

// shortest is the power of two where --plot begins.
const shortest = 4

// benchSkipped is a contestant that this machine cannot have.
type benchSkipped struct {
	Impl    string `json:"impl"`
	Skipped string `json:"skipped"`
}

// output is empty: lines of JSON are written here.
func (v *benchCmd) output() *jsonFlag { return &jsonFlag{} }

func (v *benchCmd) run(a *app) (any, error) {
	if v.Serve {
		return nil, bench.Serve(a.stdin, a.stdout)
	}
	out, err := v.open(a)
	if err != nil {
		return nil, err
	}
	defer out.abandon()
	b := benchRun{app: a, out: out, rounds: v.Rounds}
	if err = v.measure(&b); err != nil {
		err = cmp.Or(out.put(errorResult{err.Error(), codeOf(err)}), err)
	}
	saved := out.commit() // what was measured before an error, too
	return nil, cmp.Or(err, saved, status(b.code))
}

func (v *benchCmd) measure(b *benchRun) error {
	jobs, err := v.jobs()
	if err != nil {
		return badInput(err)
	}
	if err := b.jobs(jobs, v.Entries); err != nil || v.Plot == "" {
		return err
	}
	return b.growth(v.Plot, v.Longest)
}

// jobs checks the flags and gives the benchmarks asked for.
func (v *benchCmd) jobs() (jobs []bench.Job, err error) {
	if v.Rounds < 1 || v.Rounds > 1<<20 {
		return nil, fmt.Errorf("--rounds %d: 1 to %d", v.Rounds, 1<<20)
	}
	if v.Longest < shortest+4 || v.Longest > 22 {
		return nil, fmt.Errorf("--longest %d: %d to 22", v.Longest, shortest+4)
	}
	if v.Plot == "" || len(v.Entries) > 0 || len(v.Benchmark) > 0 {
		jobs = bench.Jobs()
	}
	if err := knownIn("benchmark", v.Benchmark...); err != nil {
		return nil, err
	}
	if len(v.Benchmark) > 0 {
		jobs = jobs[:0]
	}
	for _, name := range v.Benchmark {
		j, err := bench.JobByName(name)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	for _, n := range v.Entries {
		if !slices.ContainsFunc(jobs, func(j bench.Job) bool { return n >= 1 && n <= j.Max }) {
			return nil, fmt.Errorf("--entries %d: no benchmark asked for takes such a list", n)
		}
	}
	return jobs, nil
}

// benchLines writes a JSON object a line. Without file and w it writes nothing.
type benchLines struct {
	w    io.Writer
	file *files.File
}

// open prepares the place for the lines before any work is done.
func (v *benchCmd) open(a *app) (*benchLines, error) {
	switch {
	case !v.JSON.on:
		return &benchLines{w: io.Discard}, nil
	case v.JSON.file == "":
		a.out = io.Discard
		return &benchLines{w: text{a.stdout}}, nil
	}
	file, err := files.Create(v.JSON.file)
	if err != nil {
		return nil, err
	}
	return &benchLines{file, file}, nil
}

func (l *benchLines) put(objects ...any) error {
	enc := json.NewEncoder(l.w)
	for _, o := range objects {
		if err := enc.Encode(filled(o)); err != nil {
			return err
		}
	}
	return nil
}

func (l *benchLines) commit() (err error) {
	if l.file != nil {
		err, l.file = l.file.Commit(), nil
	}
	return err
}

// abandon does nothing after commit.
func (l *benchLines) abandon() {
	if l.file != nil {
		l.file.Abandon()
	}
}

// benchRun is one run of the verb.
type benchRun struct {
	app     *app
	out     *benchLines
	rounds  int
	all     []bench.Contestant
	skipped int
	code    int
}

// jobs measures benchmarks, of lists of the sizes given or of their own.
func (b *benchRun) jobs(jobs []bench.Job, sizes []int) error {
	if len(jobs) == 0 {
		return nil
	}
	defer b.stop()
	if err := b.start(jobs); err != nil {
		return b.interrupted(err)
	}
	p := b.app.newProgress(int64(len(jobs)))
	defer p.done()
	for i := range jobs {
		j := &jobs[i]
		rows, err := b.job(j, sizes, func(n int) {
			p.at(int64(i), func() string { return fmt.Sprintf("%d of %d benchmarks, at %s of %d entries", i, len(jobs), j.Name, n) })
		})
		err = cmp.Or(bench.WriteTable(b.app.out, rows), err)
		if err == nil && j.Name == bench.Check {
			err = b.loops()
		}
		if err != nil {
			return b.interrupted(err)
		}
	}
	if b.skipped > 0 {
		b.app.printf("%d contestants skipped\n", b.skipped)
	}
	return nil
}

// job measures one benchmark. With an error, rows are those until then.
func (b *benchRun) job(j *bench.Job, sizes []int, tell func(n int)) (rows []bench.Row, err error) {
	for _, n := range sizesOf(j, sizes) {
		tell(n)
		r, err := b.measure(j, n)
		if err != nil {
			return rows, err
		}
		for i := range r {
			if err := b.out.put(&r[i]); err != nil {
				return rows, err
			}
		}
		rows = append(rows, r...)
	}
	return rows, nil
}

// loopTurn is how long a check loop is measured for each round.
const loopTurn = 50 * time.Millisecond

// loops measures the check loop on all cores.
func (b *benchRun) loops() error {
	for _, strategy := range []string{bench.AllStrategies, "indirect"} {
		row, err := bench.Loop(b.app.ctx, strategy, runtime.GOMAXPROCS(0), time.Duration(b.rounds)*loopTurn)
		if err != nil {
			return err
		}
		if err := cmp.Or(b.out.put(&row), bench.WriteLoop(b.app.out, &row)); err != nil {
			return err
		}
	}
	return nil
}

func sizesOf(j *bench.Job, sizes []int) []int {
	if len(sizes) == 0 {
		return j.Sizes
	}
	return slices.DeleteFunc(slices.Clone(sizes), func(n int) bool { return n < 1 || n > j.Max })
}

// interrupted makes nothing of the end of the context: what was measured until
// then was printed.
func (b *benchRun) interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// measure drops a contestant that fails and goes on without it; different bytes
// are a finding.
func (b *benchRun) measure(j *bench.Job, n int) ([]bench.Row, error) {
	for {
		rows, err := bench.Measure(b.app.ctx, j, n, b.all, bench.Config{Rounds: b.rounds})
		if b.app.ctx.Err() != nil {
			return nil, b.app.ctx.Err()
		}
		if _, ok := errors.AsType[*bench.DifferError](err); ok {
			b.app.complain(err)
			b.code = max(b.code, exitFindings)
			return nil, nil
		}
		lost, ok := errors.AsType[*bench.ContestantError](err)
		if !ok {
			return rows, err
		}
		b.app.complain(fmt.Errorf("going on without %s: %w", lost.Name, err))
		b.code = exitInternal
		i := slices.IndexFunc(b.all, func(c bench.Contestant) bool { return c.Name() == lost.Name })
		end(b.all[i])
		b.all = slices.Delete(b.all, i, i+1)
	}
}

// start makes the contestants that the jobs need. One that this machine lacks is
// skipped.
func (b *benchRun) start(jobs []bench.Job) error {
	for _, name := range append([]string{bench.Sgfuzz, bench.Portable, bench.Naive, bench.Copy}, peers.Names()...) {
		if !slices.ContainsFunc(jobs, func(j bench.Job) bool { return j.Takes(name) }) {
			continue
		}
		c, err := b.contestant(name)
		if errors.Is(err, peers.ErrMissing) {
			b.skipped++
			b.app.complain(fmt.Errorf("SKIPPED: %s: %w", name, err))
			err = b.out.put(benchSkipped{name, err.Error()})
		} else if err == nil {
			b.all = append(b.all, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *benchRun) contestant(name string) (bench.Contestant, error) {
	switch {
	case slices.Contains(peers.Names(), name):
		return peers.Start(b.app.ctx, name)
	case name != bench.Portable:
		return bench.Local(name)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return bench.StartPortable(b.app.ctx, exec.CommandContext(b.app.ctx, exe, "bench", "--serve"))
}

func (b *benchRun) stop() {
	for _, c := range b.all {
		end(c)
	}
}

// end ends a contestant's process if it has one.
func end(c bench.Contestant) {
	if p, ok := c.(*peers.Child); ok {
		p.Close()
	}
}

// growth measures long lists and draws the result into a file.
func (b *benchRun) growth(file string, longest int) error {
	p := b.app.newProgress(-1)
	defer p.done()
	all, err := bench.Growth(b.app.ctx, shortest, longest, func(name string, n int) {
		p.at(0, func() string { return fmt.Sprintf("growth of %s, at %d entries", name, n) })
	})
	if err != nil {
		return b.interrupted(err)
	}
	for i := range all {
		if err := b.out.put(&all[i]); err != nil {
			return err
		}
	}
	f, err := files.Create(file)
	if err != nil {
		return err
	}
	if err := bench.WriteSVG(f, all); err != nil {
		f.Abandon()
		return err
	}
	return cmp.Or(f.Commit(), bench.WriteGrowth(b.app.out, all))
}
