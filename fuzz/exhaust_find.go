package fuzz

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// ExhaustFinding is the smallest list of a failure class: of the fewest
// entries, then the fewest bytes, then the lowest index.
type ExhaustFinding struct {
	Class string // check and strategy
	Index uint64 // of the list in the scope
	List  sg.List
	Text  string // what was wrong
	// Case is the list for replay, drawn to a page size that devices have:
	// the same picture, each byte as many.
	Case *corpus.Case
	// Replayed is what the oracle says of Case: the class of its first
	// failure, "" for none.
	Replayed string
	Path     string // file of Case, "" if it was not saved
}

// compare orders findings by size.
func (f *ExhaustFinding) compare(index uint64, l sg.List) int {
	return cmp.Or(cmp.Compare(len(f.List), len(l)), cmp.Compare(f.List.Total(), l.Total()), cmp.Compare(f.Index, index))
}

// fail records that the active strategy failed a check on the current list.
// Only its first failure counts.
func (w *exhauster) fail(c oracle.Check, format string, args ...any) {
	if w.failed {
		return
	}
	w.failed = true
	k, class := w.k, c.String()+"/"+w.k.tries[w.active].name
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sum.Classes[class]++
	if f := k.found[class]; f == nil || f.compare(w.index, w.walk.list) > 0 {
		k.found[class] = &ExhaustFinding{Class: class, Index: w.index, List: slices.Clone(w.walk.list), Text: fmt.Sprintf(format, args...)}
	}
}

// settle makes cases of the findings, replays and saves them.
func (k *exhaustion) settle() error {
	var errs []error
	for _, class := range slices.Sorted(maps.Keys(k.found)) {
		f := k.found[class]
		_, strategy, _ := strings.Cut(class, "/")
		f.Case = k.caseOf(f, strategy)
		if err := k.replay(f, strategy); err != nil {
			errs = append(errs, err)
		}
		if k.Out != "" {
			if err := k.save(f); err != nil {
				errs = append(errs, err)
			}
		}
		k.sum.Findings = append(k.sum.Findings, *f)
	}
	return errors.Join(errs...)
}

// caseOf draws a finding's list to pages of 512 bytes at least. The universe
// keeps its place relative to the top of the address space, or its middle.
func (k *exhaustion) caseOf(f *ExhaustFinding, strategy string) *corpus.Case {
	scale := max(exhaustSector/k.PageSize, 1)
	base := k.Base
	switch {
	case scale == 1:
	case k.Base+k.span() == 0:
		base = ExhaustTop(k.Pages, k.PageSize*scale)
	case k.Base%(k.PageSize*scale) != 0 || k.Base+k.span()*scale < k.Base:
		base = 1<<32 - uint64(k.Pages/2)*k.PageSize*scale
	}
	c := &corpus.Case{PageSize: k.PageSize * scale, Profile: "strict", Dialect: exhaustDialect, Strategy: strategy, PgszBitmap: -(k.PageSize * scale)}
	for _, e := range f.List {
		c.List = append(c.List, sg.Entry{Addr: base + (e.Addr-k.Base)*scale, Len: uint32(uint64(e.Len) * scale)})
	}
	text := strings.SplitN(f.Text, "\n", 2)[0]
	for _, line := range []string{f.Class + ": " + text, fmt.Sprintf("list %d of a universe with pages of %d bytes: %s", f.Index, k.PageSize, listLabel(f.List))} {
		c.Comments = append(c.Comments, corpus.Comment{Text: "# " + line})
	}
	return c
}

// replay runs a finding's case through the oracle.
func (k *exhaustion) replay(f *ExhaustFinding, strategy string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			f.Replayed = oracle.Termination.String() + "/" + strategy
		}
	}()
	parts := k.parts()
	for _, dir := range []string{"", corpus.DirWrite} {
		c := f.Case.Clone()
		c.Dir = dir
		outs, err := NewRunner(Options{Full: true, Mapper: parts.Mapper, Encoder: parts.Encoder, Wrap: parts.Wrap}).Run(c)
		if err != nil {
			return err
		}
		for i := range outs {
			if outs[i].Failed() {
				f.Replayed, f.Case = outs[i].Class(), c
				return nil
			}
		}
		if strategy != (reg.RDMARW{}).Name() {
			break
		}
	}
	return nil
}

func (k *exhaustion) save(f *ExhaustFinding) (err error) {
	if err := os.MkdirAll(k.Out, 0o777); err != nil {
		return err
	}
	f.Path, err = corpus.SaveUnique(k.Out, "exhaust-"+strings.ReplaceAll(f.Class, "/", "-"), f.Case)
	return err
}
