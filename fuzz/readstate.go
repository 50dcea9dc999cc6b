package fuzz

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
)

// State is what a state directory holds. Its figures are those of whole rounds.
type State struct {
	Seed     uint64
	Next     uint64 // first case that is not done
	Config   Config // as the campaign was begun, with what is noted of it
	Stats    Stats  // Elapsed is that of all sessions
	Findings []Finding
	History  History
	Tally    Tally
	Running  bool  // a campaign is at work on it; never seen where files cannot be locked
	Torn     int64 // bytes of a line that was not written whole, which the next session cuts off
}

// findingsDir is where findings are saved unless Config.Out says otherwise.
func findingsDir(state string) string { return filepath.Join(state, "findings") }

// ReadState reads a state directory and changes nothing. It holds one line of
// the journal at a time, and what the campaign holds. The error wraps
// os.ErrNotExist if no campaign has begun there, and otherwise ErrState or what
// the system says.
func ReadState(dir string) (*State, error) {
	f, err := os.Open(filepath.Join(dir, journalName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	k := newCampaign(Config{})
	k.history, k.tally = &History{}, &Tally{}
	lines, good, err := readJournal(f, func(l *line, first bool) error {
		if first && l.Campaign != nil {
			k.Config.adopt(l.Campaign)
			k.next, k.Out = k.First, findingsDir(dir)
		}
		if l.Session != nil {
			k.Out = cmp.Or(l.Session.Out, findingsDir(dir))
		}
		return k.replay(l, first)
	})
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrState, dir, err)
	}
	if lines == 0 {
		return nil, fmt.Errorf("%w %s: no campaign: %w", ErrState, dir, os.ErrNotExist)
	}
	s := &State{Seed: k.Seed, Next: k.next, Config: k.Config, Stats: k.stats(), Findings: k.sum.Findings, History: *k.history, Tally: *k.tally}
	s.Config.State, s.Stats.Elapsed, s.Running = dir, s.History.Elapsed, inUse(f)
	for i := range s.Findings {
		s.Findings[i].Path = filepath.Join(k.Out, filepath.Base(s.Findings[i].Path)) // restored by every session
	}
	if info, err := f.Stat(); err == nil {
		s.Torn = max(info.Size()-good, 0)
	}
	return s, nil
}
