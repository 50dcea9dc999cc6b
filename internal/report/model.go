package report

import (
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/bench"
)

// Report is what a state directory tells.
type Report struct {
	Dir     string    `json:"dir"`
	Made    time.Time `json:"made"`
	Version string    `json:"version"` // of the sgfuzz that made the report

	Campaign *Campaign `json:"campaign"` // null if none has begun in the directory
	Findings Findings  `json:"findings"`
	Heat     *Heat     `json:"heat"` // null if nothing was counted
	Mutants  Mutants   `json:"mutants"`
	Bench    Bench     `json:"bench"`
	// Problems are files that could not be used.
	Problems []string `json:"problems"`
}

// Campaign is what was done.
type Campaign struct {
	Seed       uint64   `json:"seed"`
	First      uint64   `json:"first"`
	Mutant     string   `json:"mutant,omitempty"`     // defect that was put in
	Strategies []string `json:"strategies,omitempty"` // only these
	Dialects   []string `json:"dialects,omitempty"`
	Profiles   []string `json:"profiles,omitempty"`
	Generators []string `json:"generators,omitempty"`
	Full       bool     `json:"full"`
	Variants   bool     `json:"variants"`
	Guide      bool     `json:"guide"`
	Screen     uint64   `json:"screen"`

	// Figures of all sessions. Cases count those of the round under way at the
	// end of the last session, if that ended by itself.
	Cases      uint64  `json:"cases"`
	Whole      uint64  `json:"whole"`      // of them in whole rounds, from which the campaign goes on
	Executions uint64  `json:"executions"` // registrations tried
	Screened   uint64  `json:"screened"`
	Mutated    uint64  `json:"mutated"`
	Checks     uint64  `json:"checks"` // applied
	Failed     uint64  `json:"failed"` // executions
	Features   int     `json:"features"`
	Pool       int     `json:"pool"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"cases_per_second"`
	Version    string  `json:"version,omitempty"` // that ran the last session
	State      string  `json:"state"`             // see the constants
	StopText   string  `json:"stop"`              // in words
	Torn       int64   `json:"torn,omitempty"`    // bytes of a line that was not written whole

	ByStrategy []Strategy `json:"by_strategy"`
	ByCheck    []Check    `json:"by_check"`
	Sessions   []Session  `json:"sessions"`
	Points     []Point    `json:"points"`
	Again      string     `json:"again"` // command that goes on
}

// States of a campaign.
const (
	Running = "running"
	Killed  = "killed"  // the last session did not end by itself
	Ended   = "ended"   // it did
	Unknown = "unknown" // a version ran it that did not note sessions
)

// Strategy is what a strategy answered.
type Strategy struct {
	Name     string `json:"strategy"`
	Cases    uint64 `json:"cases"`
	Accepted uint64 `json:"accepted"`
	Partial  uint64 `json:"partial"`
	Refused  uint64 `json:"refused"`
	Broken   uint64 `json:"broken"`
	Failed   uint64 `json:"failed"`
}

// Check is how often a check was applied.
type Check struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	Runs   uint64 `json:"runs"`
}

// Session is one run on the state directory.
type Session struct {
	Start   *time.Time `json:"start"` // null if not noted
	Version string     `json:"version,omitempty"`
	Jobs    int        `json:"jobs,omitempty"`
	Earlier uint64     `json:"earlier"` // cases of those before it
	Cases   uint64     `json:"cases"`   // that it ran; of one that was killed, in whole rounds
	Seconds float64    `json:"seconds"`
	End     string     `json:"end"` // fuzz.EndCases and so on, or Running, Killed, Unknown
	Error   string     `json:"error,omitempty"`
}

// Point is how far the campaign was.
type Point struct {
	Cases      uint64  `json:"cases"`
	Executions uint64  `json:"executions"`
	Features   int     `json:"features"`
	Findings   int     `json:"findings"`
	Seconds    float64 `json:"seconds"` // of all sessions
	Session    int     `json:"session"`
}

// Heat is what strategies answered, by feature of the list.
type Heat struct {
	Cases      uint64   `json:"cases"` // counted
	All        uint64   `json:"all"`   // cases of whole rounds; more than Cases if some ran in a version that did not count
	Strategies []string `json:"strategies"`
	Rows       []Row    `json:"rows"`
	Empty      []string `json:"empty"` // features that no list had
}

// Row is one feature of lists.
type Row struct {
	Feature string `json:"feature"`
	Group   string `json:"group"`
	Meaning string `json:"meaning"`
	Tried   uint64 `json:"tried"` // registrations
	Failed  uint64 `json:"failed"`
	Cells   []Cell `json:"cells"` // one a strategy
}

// Cell is what one strategy answered to lists with one feature.
type Cell struct {
	Accepted uint64 `json:"accepted"`
	Partial  uint64 `json:"partial"`
	Refused  uint64 `json:"refused"`
	Broken   uint64 `json:"broken"`
	Failed   uint64 `json:"failed"`
}

// Tried is the number of lists.
func (c Cell) Tried() uint64 { return c.Accepted + c.Partial + c.Refused + c.Broken }

// Findings are failures that were kept.
type Findings struct {
	Total   int       `json:"total"` // kept by the campaign or found as files
	Classes []Class   `json:"classes"`
	All     []Finding `json:"all"`
	// LeftOut are findings beyond those of All, NoPicture those of All that have
	// no picture because others took the room.
	LeftOut   int `json:"left_out"`
	NoPicture int `json:"no_picture"`
}

// Class is a failure class.
type Class struct {
	Name     string `json:"class"`
	Failures uint64 `json:"failures"`        // cases that failed in it; 0 if only files tell of it
	Findings int    `json:"findings"`        // of it that were kept
	First    string `json:"first,omitempty"` // id of the first one shown
}

// Finding is one of them.
type Finding struct {
	ID      string   `json:"id"` // of its place in the page
	Class   string   `json:"class"`
	Number  uint64   `json:"number"`         // of the case; meaningless with Loose
	Also    []uint64 `json:"also,omitempty"` // other cases that were shrunk to the same one
	Loose   bool     `json:"loose"`          // a file that the journal does not know
	Seed    uint64   `json:"seed,omitempty"` // with Loose: of the campaign that wrote it
	Mutated bool     `json:"mutated"`
	Shrunk  bool     `json:"shrunk"`
	Text    string   `json:"text"`          // the failures, one a line
	Trigger *Trigger `json:"trigger"`       // null if it is not known
	Case    string   `json:"case"`          // its text, without comments
	Cut     int      `json:"cut,omitempty"` // lines of Case left out
	File    string   `json:"file"`          // "" if it is gone
	Replay  string   `json:"replay"`        // command
	Redraw  string   `json:"redraw"`        // command, "" with Loose
	Picture Picture  `json:"picture,omitzero"`

	c *corpus.Case
}

// Trigger is a fuzz.Trigger.
type Trigger struct {
	Strategies []string `json:"strategies"`
	Dialects   []string `json:"dialects"` // none for any
	Profiles   []string `json:"profiles"` // none for any
	Options    []string `json:"options"`
	List       []string `json:"list"`
	Neighbours int      `json:"neighbours"` // tried
	Failing    int      `json:"failing"`    // of them
}

// Mutants are the results of "sgfuzz mutants --json".
type Mutants struct {
	File    string              `json:"file,omitempty"`
	Problem string              `json:"problem,omitempty"`
	All     []fuzz.MutantResult `json:"all"`
	Found   int                 `json:"found"`
}

// Bench are the results of "sgfuzz bench --json".
type Bench struct {
	File    string          `json:"file,omitempty"`
	Problem string          `json:"problem,omitempty"`
	Rows    []bench.Row     `json:"rows"`
	Loops   []bench.LoopRow `json:"loops"`
	Growth  []bench.Series  `json:"growth"`
	Skipped []Skipped       `json:"skipped"`
}

// Skipped is a contestant that the machine did not have.
type Skipped struct {
	Impl   string `json:"impl"`
	Reason string `json:"skipped"`
}
