package fuzz

import (
	"context"
	"errors"
	"time"
)

// Reasons for a session's end.
const (
	EndCases       = "cases"       // all that were asked for are done
	EndTime        = "time"        // the time to run is over
	EndInterrupted = "interrupted" // from outside
	EndError       = "error"       // something could not be run or written
)

// Session is one run of a campaign with a state directory: from a start to
// the next.
type Session struct {
	Start   time.Time     `json:"start"` // zero for sessions of versions that did not note it
	Version string        `json:"version,omitempty"`
	Jobs    int           `json:"jobs,omitempty"`
	Cases   uint64        `json:"cases,omitempty"`   // limit, 0 for none
	For     time.Duration `json:"for_ns,omitempty"`  // limit, 0 for none
	Out     string        `json:"out,omitempty"`     // directory for findings, if not that in the state
	Earlier uint64        `json:"earlier,omitempty"` // cases of the sessions before it

	End     *SessionEnd   `json:"-"` // nil if it was killed, or still runs
	Elapsed time.Duration `json:"-"` // of one without End until its last whole round
	Done    uint64        `json:"-"` // cases after it, those of earlier sessions included; likewise
}

// SessionEnd is how a session ended. Its figures include the round under way,
// which the next session does again.
type SessionEnd struct {
	Reason string    `json:"reason"`
	Error  string    `json:"error,omitempty"` // with EndError
	Time   time.Time `json:"time"`
	Stats  Stats     `json:"stats"`
}

// Point is how far a campaign was after a round.
type Point struct {
	Session                       int // index
	Cases, Runs, Screened, Failed uint64
	Features, Pool, Findings      int
	Elapsed                       time.Duration // running time of all sessions until then
}

// History is the course of a campaign.
type History struct {
	Sessions []Session
	// Points are rounds in their order: all of a short campaign; of a long one
	// those at which the number of cases had grown by a 64th, and the last.
	Points []Point
	// Elapsed is the running time of all sessions. Of one that was killed it
	// has what came before its last whole round.
	Elapsed time.Duration

	before time.Duration // of the sessions before the last
	open   bool          // the last session has a line of its own and no round yet
	dense  bool          // the last point is there only because it is the last
}

// thin is the part by which cases grow from one Point to the next: 64 points
// for each factor of e, which is a few hundred for a campaign of days.
const thin = 64

// session begins a session.
func (h *History) session(s Session) {
	h.before, h.open = h.Elapsed, true
	s.Done = s.Earlier
	h.Sessions = append(h.Sessions, s)
}

// round takes the figures after a round. Rounds of versions that did not note
// sessions tell them by the cases of earlier ones.
func (h *History) round(s *Stats) {
	n := len(h.Sessions)
	if n == 0 || !h.open && h.Sessions[n-1].Earlier != s.Earlier {
		h.session(Session{Earlier: s.Earlier})
	}
	h.open = false
	h.Elapsed = max(h.Elapsed, h.before+s.Elapsed)
	n = len(h.Sessions) - 1
	h.Sessions[n].Elapsed, h.Sessions[n].Done = s.Elapsed, s.Cases
	p := Point{
		n, s.Cases, s.Runs, s.Screened, s.Failed, s.Features, s.Pool, s.Findings, h.Elapsed,
	}
	if h.dense {
		h.Points = h.Points[:len(h.Points)-1]
	}
	if n := len(h.Points); n > 0 {
		last := h.Points[n-1].Cases
		h.dense = p.Cases-last < last/thin
	}
	h.Points = append(h.Points, p)
}

// end ends the session under way.
func (h *History) end(e *SessionEnd) error {
	n := len(h.Sessions)
	if n == 0 || h.Sessions[n-1].End != nil {
		return errors.New("end of a session that did not begin")
	}
	h.Sessions[n-1].End, h.Sessions[n-1].Elapsed, h.Sessions[n-1].Done = e, e.Stats.Elapsed, e.Stats.Cases
	h.Elapsed = max(h.Elapsed, h.before+e.Stats.Elapsed)
	return nil
}

// begin notes that a session begins, before its first round.
func (k *campaign) begin() error {
	if k.journal == nil || k.journal.begun {
		return nil
	}
	k.journal.begun = true
	s := Session{Start: k.start.UTC(), Version: k.Version, Jobs: k.Jobs, Cases: k.Cases, For: k.For, Earlier: k.sum.Earlier}
	if k.Out != findingsDir(k.State) {
		s.Out = k.Out
	}
	return k.journal.append(line{Session: &s})
}

// end notes how the session ended, if it began. outer is the caller's context,
// without the limit of time.
func (k *campaign) end(outer, ctx context.Context) error {
	if k.journal == nil || !k.journal.begun {
		return nil
	}
	e := SessionEnd{Reason: EndCases, Time: time.Now().UTC(), Stats: k.stats()}
	switch {
	case k.firstErr != nil:
		e.Reason, e.Error = EndError, k.firstErr.Error()
	case outer.Err() != nil:
		e.Reason = EndInterrupted
	case ctx.Err() != nil:
		e.Reason = EndTime
	}
	return k.journal.append(line{End: &e})
}
