package report

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/picture"
)

// maxCaseLines bounds the lines of a case in the page, maxLine their length and
// maxText the text of a failure, in bytes.
const (
	maxCaseLines = 24
	maxLine      = 200
	maxText      = 4000
)

// maxFiles bounds the files of findings that are looked at.
const maxFiles = 100_000

// findings lists those of the state and those that are in files only.
func (r *Report) findings(s *fuzz.State, o *Options) {
	r.Findings.All, r.Findings.Classes = []Finding{}, []Class{}
	dir := filepath.Join(r.Dir, "findings")
	classes := map[string]*Class{}
	known := map[string]bool{}
	if s != nil {
		dir = s.Config.Out
		for name, n := range s.Stats.Classes {
			classes[name] = &Class{Name: name, Failures: n}
		}
		for i := range s.Findings {
			f := &s.Findings[i]
			known[filepath.Base(f.Path)] = true
			r.Findings.All = append(r.Findings.All, stateFinding(f, &s.Config))
		}
		if n := len(s.History.Sessions); n > 0 && s.History.Sessions[n-1].End != nil {
			for name, n := range s.History.Sessions[n-1].End.Stats.Classes {
				classes[name] = &Class{Name: name, Failures: n}
			}
		}
	}
	r.loose(dir, known, s)
	for i := range r.Findings.All {
		f := &r.Findings.All[i]
		if classes[f.Class] == nil {
			classes[f.Class] = &Class{Name: f.Class}
		}
		classes[f.Class].Findings++
	}
	r.choose(o.Findings)
	for i := range r.Findings.All {
		f := &r.Findings.All[i]
		classes[f.Class].First = cmp.Or(classes[f.Class].First, f.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		r.Findings.Classes = append(r.Findings.Classes, *classes[name])
	}
	r.draw(s, o)
}

// stateFinding is one that the journal has.
func stateFinding(f *fuzz.Finding, c *fuzz.Config) Finding {
	out := Finding{
		Class: f.Class, Number: f.Number, Mutated: f.Mutated, Shrunk: f.Shrunk, Text: clip(f.Text, maxText),
		Replay: c.ReplayCommand(f.Path), Redraw: c.RedrawCommand(f.Number, f.Mutated), c: f.Case,
	}
	if f.Shrunk {
		t := Trigger(f.Trigger)
		out.Trigger = &t
	}
	if _, err := os.Stat(f.Path); err == nil {
		out.File = f.Path
	}
	return out
}

// loose adds files of the directory that the journal does not know: of a round
// that was not finished, or of another campaign.
func (r *Report) loose(dir string, known map[string]bool, s *fuzz.State) {
	d, err := os.Open(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.problem(err)
		}
		return
	}
	defer d.Close()
	files, err := d.ReadDir(maxFiles)
	if len(files) == maxFiles {
		err = fmt.Errorf("%s: %d files or more; no others were looked at", dir, maxFiles)
	}
	if err != nil && err != io.EOF {
		r.problem(err)
	}
	slices.SortFunc(files, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, file := range files {
		if known[file.Name()] || filepath.Ext(file.Name()) != corpus.Ext || file.IsDir() {
			continue
		}
		r.looseFile(filepath.Join(dir, file.Name()), s)
	}
}

func (r *Report) looseFile(path string, s *fuzz.State) {
	c, err := corpus.Load(path)
	if err != nil {
		r.problem(err)
		return
	}
	f, seed, ok := fuzz.ParseFinding(c)
	if !ok {
		r.problem(fmt.Errorf("%s: a case, but not a finding: its comments do not say what failed", path))
		return
	}
	config := fuzz.Config{Variants: true}
	if s != nil && s.Seed == seed {
		config = s.Config
	}
	out := Finding{
		Class: f.Class, Number: f.Number, Seed: seed, Loose: true, Shrunk: f.Shrunk, Text: clip(f.Text, maxText), File: path,
		Replay: config.ReplayCommand(path), c: c,
	}
	if f.Shrunk {
		t := Trigger(f.Trigger)
		out.Trigger = &t
	}
	r.Findings.All = append(r.Findings.All, out)
}

// choose keeps the first n findings: the first of each class, then the second
// of each, and so on. They end up ordered by class.
func (r *Report) choose(n int) {
	all := r.Findings.All
	order := func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), cmp.Compare(a.Number, b.Number), strings.Compare(a.File, b.File))
	}
	slices.SortStableFunc(all, order)
	r.Findings.Total = len(all)
	all = merge(all)
	r.Findings.All = all
	rank, seen := map[string]int{}, map[string]int{}
	for i := range all {
		all[i].ID = fmt.Sprintf("f%d", i+1)
		rank[all[i].ID] = seen[all[i].Class]
		seen[all[i].Class]++
	}
	if len(all) <= n {
		return
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Or(cmp.Compare(rank[a.ID], rank[b.ID]), order(a, b)) })
	for i := range all[n:] {
		r.Findings.LeftOut += 1 + len(all[n:][i].Also)
	}
	r.Findings.All = all[:n]
	slices.SortStableFunc(r.Findings.All, order)
}

// merge makes one of the findings of a class that were shrunk to the same case.
func merge(all []Finding) []Finding {
	some := []Finding{}
	at := map[[2]string]int{}
	for _, f := range all {
		key := [2]string{f.Class, f.File}
		if i, ok := at[key]; ok && f.Shrunk && f.File != "" && !f.Loose {
			some[i].Also = append(some[i].Also, f.Number)
			continue
		}
		at[key] = len(some)
		some = append(some, f)
	}
	return some
}

// draw gives findings their case's text and a picture each, as long as there is
// room: first those that come first in their class.
func (r *Report) draw(s *fuzz.State, o *Options) {
	p, room, rank := newPainter(s, o.Stop), o.PictureBytes, map[string]int{}
	var turns [][2]int // rank in the class, place
	for i := range r.Findings.All {
		f := &r.Findings.All[i]
		f.Case, f.Cut = caseText(f.c)
		turns = append(turns, [2]int{rank[f.Class], i})
		rank[f.Class]++
	}
	slices.SortStableFunc(turns, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	for done, turn := range turns {
		f := &r.Findings.All[turn[1]]
		if o.Progress != nil {
			o.Progress(done, len(turns))
		}
		if room > 0 {
			f.Picture = p.paint(f)
			room -= len(f.Picture.SVG)
		}
		if p.stopped() {
			room = 0
		}
		if room <= 0 {
			f.Picture, room = Picture{}, 0
			r.Findings.NoPicture++
		}
	}
}

// Picture is what a finding comes to when it is run again for the report.
type Picture struct {
	SVG   template.HTML `json:"-"`
	Fails bool          `json:"fails"`
	Class string        `json:"class,omitempty"` // in which it fails
	Shown bool          `json:"shown"`           // the failure is in the picture: else it is in a variant, or between strategies
	Note  string        `json:"note,omitempty"`  // why there is none
	// Failures are what the checks find in what is shown.
	Failures []picture.Failure `json:"failures,omitempty"`
}

// caseText is a case without its comments, and the number of lines cut off.
func caseText(c *corpus.Case) (text string, cut int) {
	plain := c.Clone()
	plain.Comments = nil
	lines := strings.Split(strings.TrimSpace(corpus.Format(plain)), "\n")
	if len(lines) > maxCaseLines {
		cut = len(lines) - maxCaseLines
		lines = lines[:maxCaseLines]
	}
	for i := range lines {
		lines[i] = clip(lines[i], maxLine)
	}
	return strings.Join(lines, "\n"), cut
}

// clip shortens a text to n bytes, at the start of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + " …"
}
