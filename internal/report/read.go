package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// Options say what goes into a report besides the state.
type Options struct {
	Mutants string // file; "" for mutants.json in the directory, if it is there
	Bench   string // file; "" for bench.json in the directory, if it is there
	Version string // of this program

	Findings     int // shown; 0 for DefaultFindings
	PictureBytes int // of all pictures together; 0 for DefaultPictures, below 0 for none

	// Stop, when it is closed, ends the drawing: findings have no picture from
	// then on. nil for never.
	Stop <-chan struct{}
	Now  time.Time // zero for the time it is
	// Progress, if not nil, hears of each finding before its picture is drawn.
	Progress func(done, all int)
}

// Bounds if Options have none.
const (
	DefaultFindings = 200
	DefaultPictures = 3 << 20
)

// Read makes a report of a state directory. The error says that the directory
// or its journal cannot be read, or that nothing is there (ErrNothing); it wraps
// fuzz.ErrState or a system's error.
func Read(dir string, o Options) (*Report, error) {
	o.Findings, o.PictureBytes = cmp.Or(o.Findings, DefaultFindings), cmp.Or(o.PictureBytes, DefaultPictures)
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "report", Path: dir, Err: errors.New("not a directory")}
	}
	r := &Report{Dir: dir, Made: o.Now.UTC().Truncate(time.Second), Version: o.Version, Problems: []string{}}
	s, err := fuzz.ReadState(dir)
	switch {
	case err == nil:
		r.Campaign, r.Heat = campaignOf(s), heatOf(s)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	r.findings(s, &o)
	r.mutants(o.Mutants)
	r.bench(o.Bench)
	if r.Campaign == nil && len(r.Findings.All) == 0 && r.Mutants.File == "" && r.Bench.File == "" {
		return nil, fmt.Errorf("%s: %w (sgfuzz run --state=%s makes one)", dir, ErrNothing, dir)
	}
	return r, nil
}

// ErrNothing reports a directory that has nothing to report.
var ErrNothing = errors.New("neither a campaign's state nor findings nor results")

// problem notes a file that cannot be used.
func (r *Report) problem(err error) string {
	r.Problems = append(r.Problems, err.Error())
	return err.Error()
}

func campaignOf(s *fuzz.State) *Campaign {
	c, t := &s.Config, &s.Stats
	out := &Campaign{
		Seed: s.Seed, First: c.First, Mutant: c.Mutant,
		Strategies: c.Strategies, Dialects: c.Dialects, Profiles: c.Profiles, Generators: c.Generators,
		Full: c.Full, Variants: c.Variants, Guide: !c.NoGuide, Screen: c.Screen,
		Whole: t.Cases, Seconds: s.History.Elapsed.Seconds(), Torn: s.Torn, Again: c.ResumeCommand(),
	}
	out.sessions(s)
	if n := len(s.History.Sessions); n > 0 && s.History.Sessions[n-1].End != nil {
		t = &s.History.Sessions[n-1].End.Stats // with the round under way
	}
	out.figures(t)
	for _, p := range s.History.Points {
		out.Points = append(out.Points, Point{p.Cases, p.Runs, p.Features, p.Findings, p.Elapsed.Seconds(), p.Session})
	}
	return out
}

// figures are those of the campaign's end.
func (c *Campaign) figures(t *fuzz.Stats) {
	c.Cases, c.Executions, c.Screened, c.Mutated, c.Failed = t.Cases, t.Runs, t.Screened, t.Mutated, t.Failed
	c.Checks, c.Features, c.Pool = t.ChecksRun(), t.Features, t.Pool
	if c.Seconds > 0 {
		c.PerSecond = float64(c.Cases) / c.Seconds
	}
	for _, s := range t.Strategies {
		if s.Cases() > 0 {
			c.ByStrategy = append(c.ByStrategy, Strategy{s.Strategy, s.Cases(), s.Accepted, s.Partial, s.Refused, s.Broken, s.Failed})
		}
	}
	for n := 1; n <= oracle.NumChecks; n++ {
		c.ByCheck = append(c.ByCheck, Check{n, oracle.Check(n).String(), t.Checks[n]})
	}
}

// sessions takes over the sessions and says how the campaign stands.
func (c *Campaign) sessions(s *fuzz.State) {
	all := s.History.Sessions
	for i := range all {
		x := &all[i]
		out := Session{
			Version: x.Version, Jobs: x.Jobs, Earlier: x.Earlier, Cases: x.Done - min(x.Earlier, x.Done), Seconds: x.Elapsed.Seconds(), End: Killed,
		}
		if x.Start.IsZero() {
			out.End = Unknown
		} else {
			out.Start = &x.Start
		}
		if x.End != nil {
			out.End, out.Error = x.End.Reason, x.End.Error
		}
		c.Sessions = append(c.Sessions, out)
	}
	c.stop(s)
}

// stop says why the campaign is where it is.
func (c *Campaign) stop(s *fuzz.State) {
	n := len(c.Sessions)
	if n > 0 {
		c.Version = c.Sessions[n-1].Version
	}
	switch {
	case s.Running:
		c.State, c.StopText = Running, "still running; the figures are those of its last whole round"
		if n > 0 {
			c.Sessions[n-1].End = Running
		}
	case n == 0 || c.Sessions[n-1].End == Unknown:
		c.State, c.StopText = Unknown, "not noted by the version that ran it"
	case c.Sessions[n-1].End == Killed:
		c.State, c.StopText = Killed, "killed; the figures are those of its last whole round"
	default:
		c.State, c.StopText = Ended, ends[c.Sessions[n-1].End]
		if e := c.Sessions[n-1].Error; e != "" {
			c.StopText += ": " + e
		}
	}
}

// ends are reasons in words.
var ends = map[string]string{
	fuzz.EndCases: "all cases asked for were run", fuzz.EndTime: "the time asked for was over",
	fuzz.EndInterrupted: "interrupted", fuzz.EndError: "an error",
}
