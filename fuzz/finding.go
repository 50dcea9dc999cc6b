package fuzz

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// Finding is one failure that a campaign kept.
type Finding struct {
	Class   string
	Number  uint64 // of the case in the campaign
	Mutated bool   // the case was made from others
	Shrunk  bool   // as far as it goes; else the work was interrupted
	Case    *corpus.Case
	Text    string  // the failures, one on a line
	Trigger Trigger // if Shrunk
	Path    string  // where it was saved, "" if nowhere

	inState bool // the state file has it
}

// newFinding makes a finding of a case as it was run.
func newFinding(k *campaign, n uint64, c *corpus.Case, f caught) Finding {
	c = c.Clone()
	if !strings.HasPrefix(f.class, oracle.Agreement.String()) { // which takes two
		c.Strategy = f.strategy
	}
	found := Finding{Class: f.class, Number: n, Text: f.text, Case: c}
	found.describe(k.Seed)
	return found
}

// describe puts the finding's origin above the case.
func (f *Finding) describe(seed uint64) {
	f.Case.Comments = nil
	say := func(format string, args ...any) {
		f.Case.Comments = append(f.Case.Comments, corpus.Comment{Text: "# " + fmt.Sprintf(format, args...)})
	}
	say("%s, found as case %d of seed %d", f.Class, f.Number, seed)
	for line := range strings.SplitSeq(f.Text, "\n") {
		say("%s", line)
	}
	if f.Shrunk {
		for line := range strings.SplitSeq(f.Trigger.String(), "\n") {
			say("%s", line)
		}
	}
}

// ParseFinding reads what a saved finding's comments say of its origin: class,
// number, whether it was shrunk, text, trigger, and the campaign's seed. Whether
// the case was mutated they do not say, nor how many neighbours were tried. ok
// is false for any other case.
func ParseFinding(c *corpus.Case) (f Finding, seed uint64, ok bool) {
	var lines []string
	for i := range c.Comments {
		if text, found := strings.CutPrefix(c.Comments[i].Text, "# "); found {
			lines = append(lines, text)
		}
	}
	if len(lines) == 0 {
		return f, 0, false
	}
	class, origin, _ := strings.Cut(lines[0], ", ")
	if n, err := fmt.Sscanf(origin, "found as case %d of seed %d", &f.Number, &seed); n != 2 || err != nil {
		return f, 0, false
	}
	f.Class, f.Case, lines = class, c, lines[1:]
	if n := len(lines); n >= 2 {
		if f.Shrunk = f.Trigger.parse(lines[n-2], lines[n-1]); f.Shrunk {
			lines = lines[:n-2]
		}
	}
	f.Text = strings.Join(lines, "\n")
	return f, seed, true
}

// unshrunk begins the names of findings as they were met.
const unshrunk = "unshrunk-"

// fileClass is a failure class as part of a file's name.
func fileClass(class string) string { return strings.ReplaceAll(class, "/", "-") }

// rawPath is where a finding is saved before it is shrunk.
func rawPath(dir string, f *Finding) string {
	return filepath.Join(dir, unshrunk+fileClass(f.Class)+"-"+corpus.Hash(f.Case)+corpus.Ext)
}

// rawFiles lists the unshrunk findings of a class.
func rawFiles(dir, class string) (files []string, err error) {
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	prefix := unshrunk + fileClass(class) + "-"
	for _, d := range all {
		rest, ok := strings.CutPrefix(d.Name(), prefix)
		if ok && !strings.Contains(strings.TrimSuffix(rest, corpus.Ext), "-") { // else of a longer class
			files = append(files, filepath.Join(dir, d.Name()))
		}
	}
	return files, nil
}

// saveRaw saves a failing case at once, unless the round is sure not to keep
// it.
func (k *campaign) saveRaw(r *result, f caught) error {
	if k.Out == "" || !k.mayKeep(r.n, f.class) {
		return nil
	}
	found := newFinding(k, r.n, r.c, f)
	return k.save(&found, unshrunk)
}

// mayKeep says whether case n can be among the first of its class.
func (k *campaign) mayKeep(n uint64, class string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.kept[class]
	for _, m := range k.raw[class] {
		if m < n {
			before++
		}
	}
	if before >= k.Keep || k.closed {
		return false
	}
	k.raw[class] = append(k.raw[class], n)
	return true
}

// save writes a finding to the output directory, if there is one.
func (k *campaign) save(f *Finding, prefix string) error {
	if k.Out == "" {
		return nil
	}
	if err := os.MkdirAll(k.Out, 0o777); err != nil {
		return err
	}
	path, err := corpus.SaveUnique(k.Out, prefix+fileClass(f.Class), f.Case)
	if err != nil {
		return fmt.Errorf("saving a finding to %s: %w", filepath.Clean(k.Out), err)
	}
	f.Path = path
	return nil
}

// shrink makes finding i smaller, works out what triggers it, and saves it
// again. Interrupted work counts only if there is no state to go on from.
func (k *campaign) shrink(w *worker, i int) error {
	k.mu.Lock()
	f := k.sum.Findings[i]
	k.mu.Unlock()
	small, v, err := w.minimise(f.Case, f.Class, k.Shrink)
	if small != nil {
		f.Case, f.Text = small, v.Text
	}
	if err == nil {
		f.Trigger, err = w.trigger(f.Case, f.Class)
		f.Shrunk = err == nil
	}
	switch {
	case err != nil && !errors.Is(err, ErrStopped):
		return err
	case err != nil && (k.journal != nil || small == nil):
		return ErrStopped
	}
	f.describe(k.Seed)
	raw := f.Path
	if err := k.save(&f, ""); err != nil {
		return err
	}
	if f.inState {
		if err := k.journal.shrunk(&f); err != nil {
			return err
		}
	}
	if raw != f.Path {
		if err := os.Remove(raw); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.sum.Findings[i] = f
	}
	return nil
}

// minimise is corpus.Minimise that can be stopped. The case is then the
// smallest so far. It is nil if the failure did not show again.
func (w *worker) minimise(c *corpus.Case, class string, steps int) (best *corpus.Case, v corpus.Verdict, err error) {
	defer func() { // the one way out of corpus.Minimise
		if p := recover(); p == ErrStopped {
			err = ErrStopped
		} else if p != nil {
			panic(p)
		}
	}()
	small, last := corpus.Minimise(c, func(c *corpus.Case) corpus.Verdict {
		outs, err := w.run(w.runner, c)
		if errors.Is(err, ErrStopped) {
			panic(ErrStopped)
		}
		now := verdictOf(outs, err)
		if now.Failed && now.Class == class {
			best, v = c, now
		}
		return now
	}, steps)
	if best == nil {
		return nil, v, nil
	}
	return small, last, nil
}
