package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// runCmd is the main job: a campaign.
type runCmd struct {
	common
	strategyFlag
	depthFlags
	jobsFlag
	For       time.Duration `placeholder:"TIME" help:"Time to work at most, such as 90s or 8h (default: 20s, or no limit with --cases)."`
	Cases     uint64        `placeholder:"N" help:"Cases to make at most, those of earlier sessions on --state included (default: no limit)."`
	Seed      *uint64       `placeholder:"N" help:"Seed of what is drawn (default: random; it is printed)."`
	First     uint64        `placeholder:"N" help:"Number to begin with (default: 0)."`
	Dialect   []string      `placeholder:"NAME" help:"Only these dialects (default: all)."`
	Profile   []string      `placeholder:"NAME" help:"Only these device profiles (default: all)."`
	Generator []string      `placeholder:"NAME" help:"Only these list generators (default: all)."`
	State     string        `placeholder:"DIR" help:"Directory to save the campaign's state to, and to go on from if it has one."`
	Out       string        `short:"o" placeholder:"DIR" help:"Directory for findings (default: findings, or findings in --state); made when there is one."`
	Keep      int           `default:"1" placeholder:"N" help:"Findings kept of one failure class."`
	Screen    uint64        `placeholder:"N" help:"Run one case in N with all checks whatever a quick look at it says; 1 for all (default: 8, or 1 with --full)."`
	Guide     bool          `default:"true" negatable:"" help:"Mutate cases that showed something new, besides drawing fresh ones."`
	Mutant    string        `placeholder:"NAME" help:"Work with a re-created defect, to see it found (see sgfuzz mutants)."`
	Corpus    bool          `default:"true" negatable:"" help:"Replay the embedded cases first."`
}

// runResult is its JSON object.
type runResult struct {
	Seed        uint64            `json:"seed"`
	First       uint64            `json:"first"`
	Corpus      *replayResult     `json:"corpus,omitempty"`
	Cases       uint64            `json:"cases"`
	Runs        uint64            `json:"runs"` // strategies tried on them
	Seconds     float64           `json:"seconds"`
	Features    int               `json:"features"` // distinct things that answers show
	Mutated     uint64            `json:"mutated"`  // cases made from others
	Screened    uint64            `json:"screened"` // cases that got a quick look only
	Pool        int               `json:"pool"`     // cases that mutations start from
	Earlier     uint64            `json:"earlier"`  // cases of earlier sessions on the state directory
	State       string            `json:"state,omitempty"`
	Strategies  []runStrategy     `json:"strategies"`
	Checks      []runCheck        `json:"checks"`
	Classes     map[string]uint64 `json:"classes"` // failures by class
	Findings    []runFinding      `json:"findings"`
	Interrupted bool              `json:"interrupted"`
}

type runStrategy struct {
	Strategy string `json:"strategy" names:"strategy"`
	Cases    uint64 `json:"cases"`
	Accepted uint64 `json:"accepted"`
	Partial  uint64 `json:"partial"`
	Refused  uint64 `json:"refused"`
	Broken   uint64 `json:"broken"`
	Failed   uint64 `json:"failed"`
}

type runCheck struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	Runs   uint64 `json:"runs"`
}

type runFinding struct {
	Class  string `json:"class"`
	Number uint64 `json:"number"` // of the case in the campaign
	File   string `json:"file"`
	Text   string `json:"text"`
	Replay string `json:"replay"` // command that runs the file
	Redraw string `json:"redraw"` // command that makes the case again, before shrinking
	Case   string `json:"case"`

	Mutated bool        `json:"mutated"` // the case was made from others
	Shrunk  bool        `json:"shrunk"`  // false if there was no time
	Trigger *runTrigger `json:"trigger,omitempty"`
}

// runTrigger is what a shrunk case needs to fail; see fuzz.Trigger.
type runTrigger struct {
	Strategies []string `json:"strategies"`
	Dialects   []string `json:"dialects"` // null for any
	Profiles   []string `json:"profiles"` // null for any
	Options    []string `json:"options"`
	List       []string `json:"list"`
	Neighbours int      `json:"neighbours"` // tried
	Failing    int      `json:"failing"`    // of them
}

// planted changes the options of every Runner of a campaign. It is set in
// builds with the tag plantedbug only, which tests make.
var planted func(*fuzz.Options)

// defaultFor is the time to fuzz if no limit is given.
const defaultFor = 20 * time.Second

func (v *runCmd) run(a *app) (any, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	seed, err := v.seed(a)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(a.stderr, "sgfuzz: seed %d\n", seed)
	r := runResult{Seed: seed, First: v.First, Classes: map[string]uint64{}, Findings: []runFinding{}}
	if v.Corpus {
		var err error
		if r.Corpus, err = v.replayCorpus(a); err != nil {
			return nil, err
		}
	}
	err = v.campaign(a, &r)
	r.Interrupted = a.ctx.Err() != nil
	a.printRun(&r)
	if err != nil {
		return r, err
	}
	return r, status(r.code())
}

// seed is the one given, that of the state directory, or a random one.
func (v *runCmd) seed(a *app) (uint64, error) {
	if v.State != "" {
		s, err := fuzz.ReadState(v.State)
		switch {
		case err == nil:
			fmt.Fprintf(a.stderr, "sgfuzz: going on from %s: %d cases, %d findings\n", v.State, s.Stats.Cases, len(s.Findings))
			if v.Seed == nil {
				return s.Seed, nil
			}
		case !errors.Is(err, fs.ErrNotExist):
			return 0, badInput(err)
		}
	}
	if v.Seed != nil {
		return *v.Seed, nil
	}
	return rand.Uint64(), nil
}

// code is the exit status.
func (r *runResult) code() int {
	corpusCode := exitFine
	if r.Corpus != nil {
		corpusCode = r.Corpus.code()
	}
	if len(r.Classes) > 0 {
		return max(corpusCode, exitFindings)
	}
	return corpusCode
}

// check refuses wrong flags before any work is done.
func (v *runCmd) check() error {
	if v.For < 0 {
		return badInputf("--for %v: a time before now", v.For)
	}
	if v.Keep < 1 {
		return badInputf("--keep %d: at least 1", v.Keep)
	}
	if v.For == 0 && v.Cases == 0 {
		v.For = defaultFor
	}
	if v.Out == "" && v.State == "" {
		v.Out = "findings"
	}
	info, err := os.Stat(cmp.Or(v.Out, v.State))
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("--out or --state %s: not a directory", cmp.Or(v.Out, v.State))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--out or --state: %w", err)
	}
	return cmp.Or(
		v.jobsFlag.check(),
		v.strategyFlag.check(),
		knownName("mutant", v.Mutant),
		knownIn("dialect", v.Dialect...),
		knownIn("profile", v.Profile...),
		knownIn("generator", v.Generator...),
	)
}

// replayCorpus runs the embedded cases.
func (v *runCmd) replayCorpus(a *app) (*replayResult, error) {
	sources, err := embeddedSources()
	if err != nil {
		return nil, err
	}
	rp := replayer{
		app: a, jobs: v.Jobs,
		options: fuzz.Options{Full: v.Full, Variants: v.Variants, Strategies: v.Strategy},
	}
	rp.result.init()
	return &rp.result, rp.replay(sources)
}

// campaign fuzzes and fills r with what came of it.
func (v *runCmd) campaign(a *app, r *runResult) error {
	p := a.newProgress(v.total())
	defer p.done()
	c := v.config(r.Seed)
	c.Every, c.Progress = p.every(), func(s fuzz.Stats) {
		p.at(v.steps(&s), func() string { return statusLine(&s) })
	}
	sum, err := fuzz.Campaign(a.ctx, c)
	if sum != nil {
		v.fill(r, sum)
	}
	return err
}

// config is what the flags ask for.
func (v *runCmd) config(seed uint64) fuzz.Config {
	return fuzz.Config{
		Seed: seed, First: v.First, Cases: v.Cases, For: v.For, Jobs: v.Jobs,
		Strategies: v.Strategy, Dialects: v.Dialect, Profiles: v.Profile, Generators: v.Generator,
		Full: v.Full, Variants: v.Variants, Screen: v.Screen, NoGuide: !v.Guide, State: v.State, Out: v.Out, Keep: v.Keep, Options: planted,
		Mutant: v.Mutant, Version: buildVersion(),
	}
}

// total is the number of steps for the progress bar: cases or milliseconds,
// whichever is limited.
func (v *runCmd) total() int64 {
	if v.For > 0 {
		return v.For.Milliseconds()
	}
	return int64(v.Cases)
}

func (v *runCmd) steps(s *fuzz.Stats) int64 {
	if v.For > 0 {
		return min(s.Elapsed.Milliseconds(), v.total()-1)
	}
	return min(int64(s.Cases), v.total()-1)
}

func rate(n uint64, t time.Duration) float64 {
	if t <= 0 {
		return 0
	}
	return float64(n) / t.Seconds()
}

func (v *runCmd) fill(r *runResult, sum *fuzz.Summary) {
	r.Cases, r.Runs, r.Seconds, r.Features = sum.Cases, sum.Runs, sum.Elapsed.Seconds(), sum.Features
	r.Mutated, r.Screened, r.Pool, r.Earlier, r.State = sum.Mutated, sum.Screened, sum.Pool, sum.Earlier, v.State
	for _, s := range sum.Strategies {
		if s.Cases() > 0 {
			r.Strategies = append(r.Strategies, runStrategy{s.Strategy, s.Cases(), s.Accepted, s.Partial, s.Refused, s.Broken, s.Failed})
		}
	}
	for n := 1; n <= oracle.NumChecks; n++ {
		r.Checks = append(r.Checks, runCheck{n, oracle.Check(n).String(), sum.Checks[n]})
	}
	for class, n := range sum.Classes {
		r.Classes[class] = n
	}
	for _, f := range sum.Findings {
		r.Findings = append(r.Findings, v.finding(r.Seed, &f))
	}
	slices.SortFunc(r.Findings, func(a, b runFinding) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), cmp.Compare(a.Number, b.Number))
	})
}

func (v *runCmd) finding(seed uint64, f *fuzz.Finding) runFinding {
	c := v.config(seed)
	out := runFinding{
		Class: f.Class, Number: f.Number, File: f.Path, Text: f.Text, Mutated: f.Mutated, Shrunk: f.Shrunk,
		Replay: c.ReplayCommand(f.Path), Redraw: c.RedrawCommand(f.Number, f.Mutated), Case: corpus.Format(f.Case),
	}
	if f.Shrunk {
		t := runTrigger(f.Trigger)
		out.Trigger = &t
	}
	return out
}
