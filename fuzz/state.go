package fuzz

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
)

// ErrState wraps what is wrong with a state directory or does not agree with
// what is asked for.
var ErrState = errors.New("state directory")

// stateHeader says what a state is of. A campaign that goes on from it must ask
// for the same.
type stateHeader struct {
	Format     string   `json:"format"`
	Seed       uint64   `json:"seed"`
	First      uint64   `json:"first"`
	Strategies []string `json:"strategies,omitempty"`
	Dialects   []string `json:"dialects,omitempty"`
	Profiles   []string `json:"profiles,omitempty"`
	Generators []string `json:"generators,omitempty"`
	Full       bool     `json:"full"`
	Variants   bool     `json:"variants"`
	Screen     uint64   `json:"screen"`
	NoGuide    bool     `json:"no_guide"`
	Keep       int      `json:"keep"`
	Shrink     int      `json:"shrink"`
	Mutant     string   `json:"mutant,omitempty"`
}

func (c *Config) header() stateHeader {
	some := func(names []string) []string { return append([]string(nil), names...) } // nil if empty, as JSON gives it
	return stateHeader{
		stateFormat, c.Seed, c.First, some(c.Strategies), some(c.Dialects), some(c.Profiles), some(c.Generators),
		c.Full, c.Variants, c.Screen, c.NoGuide, c.Keep, c.Shrink, c.Mutant,
	}
}

// adopt makes c the configuration of a state.
func (c *Config) adopt(h *stateHeader) {
	c.Seed, c.First = h.Seed, h.First
	c.Strategies, c.Dialects, c.Profiles, c.Generators = h.Strategies, h.Dialects, h.Profiles, h.Generators
	c.Full, c.Variants, c.Screen, c.NoGuide, c.Keep, c.Shrink = h.Full, h.Variants, h.Screen, h.NoGuide, h.Keep, h.Shrink
	c.Mutant = h.Mutant
}

// roundRecord is what one round added, and the figures after it.
type roundRecord struct {
	Next     uint64        `json:"next"`               // first case of the next round
	Features []byte        `json:"features,omitempty"` // eight bytes each, little endian
	Pool     []poolText    `json:"pool,omitempty"`
	Findings []findingText `json:"findings,omitempty"`
	Tally    []byte        `json:"tally,omitempty"` // see appendTally
	Stats    Stats         `json:"stats"`

	fresh []feature
	pool  []poolCase
}

type poolText struct {
	Case string `json:"case"`
	News int    `json:"news"`
	Cost int    `json:"cost"`
}

// findingText is a Finding in text. File has no directory.
type findingText struct {
	Class   string  `json:"class"`
	Number  uint64  `json:"number"`
	Mutated bool    `json:"mutated"`
	Shrunk  bool    `json:"shrunk"`
	Case    string  `json:"case"`
	Text    string  `json:"text"`
	Trigger Trigger `json:"trigger"`
	File    string  `json:"file"`
}

func (f *Finding) text() findingText {
	return findingText{f.Class, f.Number, f.Mutated, f.Shrunk, corpus.Format(f.Case), f.Text, f.Trigger, filepath.Base(f.Path)}
}

func (t *findingText) finding(dir string) (Finding, error) {
	c, err := corpus.Parse([]byte(t.Case))
	return Finding{t.Class, t.Number, t.Mutated, t.Shrunk, c, t.Text, t.Trigger, filepath.Join(dir, t.File), true}, err
}

// round adds a whole round.
func (j *journal) round(k *campaign, next uint64, rec *roundRecord) error {
	rec.Next, rec.Stats = next, k.stats()
	for _, f := range rec.fresh {
		rec.Features = binary.LittleEndian.AppendUint64(rec.Features, uint64(f))
	}
	for _, p := range rec.pool {
		rec.Pool = append(rec.Pool, poolText{corpus.Format(p.c), p.news, p.cost})
	}
	for i := j.done; i < len(k.sum.Findings); i++ {
		rec.Findings = append(rec.Findings, k.sum.Findings[i].text())
	}
	rec.Tally = appendTally(nil, k.workers)
	if err := j.append(line{Round: rec}); err != nil {
		return err
	}
	for ; j.done < len(k.sum.Findings); j.done++ {
		k.sum.Findings[j.done].inState = true
	}
	return nil
}

// shrunk adds a finding that was shrunk.
func (j *journal) shrunk(f *Finding) error {
	t := f.text()
	return j.append(line{Shrunk: &t})
}

// open goes on from the state directory, or starts one.
func (k *campaign) open() error {
	if k.Out == "" {
		k.Out = findingsDir(k.State)
	}
	if err := os.MkdirAll(k.State, 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(k.State, journalName), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	if err := k.load(f); err != nil {
		f.Close()
		return err
	}
	return nil
}

func (k *campaign) load(f *os.File) error {
	if err := lock(f); err != nil {
		return fmt.Errorf("%w %s: in use: %w", ErrState, k.State, err)
	}
	lines, good, err := readJournal(f, k.replay)
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrState, k.State, err)
	}
	if err := f.Truncate(good); err != nil {
		return err
	}
	if _, err := f.Seek(good, io.SeekStart); err != nil {
		return err
	}
	k.journal = &journal{file: f, size: good}
	if lines == 0 {
		h := k.header()
		return k.journal.append(line{Campaign: &h})
	}
	k.sum.Earlier, k.journal.done = k.sum.Cases, len(k.sum.Findings)
	return k.restore()
}

// replay takes over what one line says.
func (k *campaign) replay(l *line, first bool) error {
	switch {
	case first != (l.Campaign != nil):
		return errors.New("out of place")
	case first:
		if want := k.header(); !reflect.DeepEqual(*l.Campaign, want) {
			return fmt.Errorf("the state is of another campaign: %s", l.Campaign.differs(&want))
		}
	case l.Round != nil:
		return k.replayRound(l.Round)
	case l.Shrunk != nil:
		return k.replayShrunk(l.Shrunk)
	case k.history == nil:
	case l.Session != nil:
		k.history.session(*l.Session)
	case l.End != nil:
		return k.history.end(l.End)
	}
	return nil
}

// differs names the fields that two headers differ in.
func (h *stateHeader) differs(want *stateHeader) (text string) {
	a, b := reflect.ValueOf(*h), reflect.ValueOf(*want)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			text += fmt.Sprintf("%s %v, not %v; ", name, x, y)
		}
	}
	return text[:max(len(text)-2, 0)]
}

func (k *campaign) replayRound(r *roundRecord) error {
	if r.Next <= k.next || len(r.Features)%8 != 0 {
		return errors.New("round out of order")
	}
	for i := 0; i < len(r.Features); i += 8 {
		k.features[feature(binary.LittleEndian.Uint64(r.Features[i:]))] = struct{}{}
	}
	for i := range r.Pool {
		c, err := corpus.Parse([]byte(r.Pool[i].Case))
		if err != nil {
			return err
		}
		k.pool.add(poolCase{c, r.Pool[i].News, r.Pool[i].Cost})
	}
	for i := range r.Findings {
		f, err := r.Findings[i].finding(k.Out)
		if err != nil {
			return err
		}
		k.kept[f.Class]++
		k.sum.Findings = append(k.sum.Findings, f)
	}
	if len(r.Stats.Strategies) != len(k.sum.Strategies) || r.Stats.Classes == nil || r.Stats.Generators == nil {
		return errors.New("figures are missing")
	}
	k.next, k.sum.Stats = r.Next, r.Stats
	if k.history == nil {
		return nil
	}
	k.history.round(&r.Stats)
	if r.Tally == nil {
		return nil // of a version that did not count
	}
	return k.tally.add(r.Tally)
}

func (k *campaign) replayShrunk(t *findingText) error {
	small, err := t.finding(k.Out)
	if err != nil {
		return err
	}
	for i := range k.sum.Findings {
		if f := &k.sum.Findings[i]; f.Class == small.Class && f.Number == small.Number {
			*f = small
			return nil
		}
	}
	return errors.New("shrunk finding that was never found")
}

// restore writes findings again whose files are missing.
func (k *campaign) restore() error {
	for i := range k.sum.Findings {
		f := &k.sum.Findings[i]
		if _, err := os.Stat(f.Path); err == nil || !errors.Is(err, os.ErrNotExist) {
			continue
		}
		prefix := unshrunk
		if f.Shrunk {
			prefix = ""
		}
		if err := k.save(f, prefix); err != nil {
			return err
		}
	}
	return nil
}
