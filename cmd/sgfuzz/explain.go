package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/files"
	"github.com/sgfuzz/sgfuzz/internal/picture"
	"github.com/sgfuzz/sgfuzz/sg"
)

// explainCmd shows one case as a picture. Its JSON is a picture.Picture.
type explainCmd struct {
	common
	Strategy []string `placeholder:"NAME" help:"Only these strategies (default: the case's, else all)."`
	Dialect  string   `placeholder:"NAME" help:"Dialect of the WQEs (default: the case's dialect, else linux)."`
	Profile  string   `placeholder:"NAME" help:"Device profile (default: the case's)."`
	Mutant   string   `placeholder:"NAME" help:"Work with a re-created defect, to see what it breaks (see sgfuzz mutants). Without a case: the one that shows it."`
	Line     int      `placeholder:"N" help:"Line of an iovec log whose list is shown (default: the first)."`
	Rows     int      `placeholder:"N" help:"Entries and descriptors that are shown; those between are summed up (default: 40 as text, 200 or 64 in files, 400 as JSON)."`
	SVG      string   `name:"svg" placeholder:"FILE" help:"Picture to write, as SVG, of one strategy: the first of --strategy, else one that failed, else indirect."`
	HTML     string   `name:"html" placeholder:"FILE" help:"Page to write, with the pictures of all strategies."`
	File     string   `arg:"" optional:"" name:"case" help:"A case: a file, the name of an embedded case, an iovec log (*.iov), or - for standard input."`
}

// Help is what stands under the usage.
func (*explainCmd) Help() string {
	return `Memory is at the left, what each strategy makes of the list in the middle, and
the byte stream that the peer sees at the right. Of a case that fails, the
differing bytes and the descriptor to blame are shown; the exit status is 1.

Examples:

    sgfuzz explain case.sgcase
    sgfuzz explain --strategy fastreg,indirect features/end-and-start-inside-page
    sgfuzz explain --svg picture.svg --html picture.html captures/node-http-8
    sgfuzz explain --mutant klm-neighbours-swapped
    sgfuzz explain --line 1 writes.iov`
}

// Rows of a picture unless --rows says otherwise.
const (
	textRows = 40
	fileRows = 200 // if that is enough for all, else
	longRows = 64
)

// smallList is the number of entries up to which the text shows every strategy.
const smallList = 6

func (v *explainCmd) run(a *app) (any, error) {
	c, err := v.load(a)
	if err != nil {
		return nil, err
	}
	rows := textRows
	if v.JSON.on && v.JSON.file == "" {
		rows = picture.DefaultMost // nobody reads the text
	}
	p, err := v.picture(a, c, rows)
	if err != nil {
		return nil, err
	}
	saved := v.writeFiles(a, c)
	if err := cmp.Or(p.Text(a.out, a.style, v.shown(p)), saved); err != nil {
		return p, err
	}
	if v.JSON.file != "" {
		if p, err = v.picture(a, c, picture.DefaultMost); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(p.Strategies, func(s picture.Strategy) bool { return s.Failed() }) {
		return p, status(exitFindings)
	}
	return p, nil
}

// picture runs the case. most is the number of rows without --rows.
func (v *explainCmd) picture(a *app, c *corpus.Case, most int) (*picture.Picture, error) {
	if v.Rows > 0 {
		most = v.Rows
	}
	p, err := picture.Of(c, picture.Options{Strategies: v.Strategy, Mutant: v.Mutant, Most: most, Stop: a.ctx.Done()})
	if errors.Is(err, fuzz.ErrStopped) {
		return nil, errInterrupted
	}
	return p, badInput(err)
}

// writeFiles writes what --svg and --html ask for.
func (v *explainCmd) writeFiles(a *app, c *corpus.Case) error {
	if v.SVG == "" && v.HTML == "" {
		return nil
	}
	rows := fileRows
	if len(c.List) > fileRows {
		rows = longRows
	}
	p, err := v.picture(a, c, rows)
	if err != nil {
		return err
	}
	if v.SVG != "" {
		if err := files.WriteBytes(v.SVG, p.SVG(v.first(p), picture.SVGOptions{Alone: true})); err != nil {
			return err
		}
	}
	if v.HTML == "" {
		return nil
	}
	return files.Write(v.HTML, func(w io.Writer) error { return p.HTML(w, []*picture.Strategy{v.first(p)}) })
}

// first is the strategy that matters most.
func (v *explainCmd) first(p *picture.Picture) *picture.Strategy {
	best := &p.Strategies[0]
	for i := range p.Strategies {
		s := &p.Strategies[i]
		switch {
		case len(v.Strategy) > 0 && s.Name == v.Strategy[0]:
			return s
		case s.Failed() && !best.Failed(), s.Name == defaultStrategy && !best.Failed():
			best = s
		}
	}
	return best
}

// shown are the strategies whose pictures the text has: all that were asked
// for or that failed; of a short list all; else one.
func (v *explainCmd) shown(p *picture.Picture) (out []*picture.Strategy) {
	failed := slices.ContainsFunc(p.Strategies, func(s picture.Strategy) bool { return s.Failed() })
	for i := range p.Strategies {
		s := &p.Strategies[i]
		if s.Failed() || len(v.Strategy) > 0 || !failed && (p.Entries <= smallList || s == v.first(p)) {
			out = append(out, s)
		}
	}
	return out
}

// load reads the case and applies the flags.
func (v *explainCmd) load(a *app) (*corpus.Case, error) {
	if err := cmp.Or(knownIn("strategy", v.Strategy...), knownName("dialect", v.Dialect), knownName("profile", v.Profile), knownName("mutant", v.Mutant)); err != nil {
		return nil, err
	}
	if v.Rows < 0 || v.Line < 0 {
		return nil, badInputf("--rows and --line: at least 1")
	}
	c, err := v.read(a)
	if err != nil {
		return nil, err
	}
	if v.Dialect != "" {
		c.Dialect = v.Dialect
	}
	if v.Profile != "" {
		c.Profile = v.Profile
	}
	if len(v.Strategy) > 0 {
		c.Strategy = ""
	}
	return c, nil
}

// read reads the case: a log's line, a mutant's witness, or what loadCase
// knows.
func (v *explainCmd) read(a *app) (*corpus.Case, error) {
	switch {
	case v.File == "" && v.Mutant != "":
		return witness(v.Mutant)
	case v.File == "":
		return nil, badInputf("which case? A file, the name of an embedded case (see sgfuzz corpus list), or - for standard input")
	case filepath.Ext(v.File) == ".iov":
		return v.readLog(a)
	case v.Line != 0:
		return nil, badInputf("--line is for iovec logs (*.iov)")
	}
	return a.loadCase(v.File)
}

// witness is the embedded case that shows a mutant.
func witness(mutant string) (*corpus.Case, error) {
	ms, err := fuzz.Mutants(mutant)
	if err != nil {
		return nil, badInput(err)
	}
	c, err := fuzz.Witness(ms[0])
	if err != nil {
		return nil, err
	}
	c.Strategy = "" // the mutant knows whom it concerns
	return c, nil
}

// readLog takes one list of an iovec log, and says so if there are others to
// choose from.
func (v *explainCmd) readLog(a *app) (*corpus.Case, error) {
	data, err := a.readAll(v.File)
	if err != nil {
		return nil, err
	}
	var c *corpus.Case
	lists, first, last := 0, 0, 0
	err = corpus.ReadIovecs(bytes.NewReader(data), v.File, func(line int, _ string, l sg.List) error {
		if lists, last = lists+1, line; lists == 1 {
			first = line
		}
		if line == v.Line || v.Line == 0 && lists == 1 {
			base := strings.TrimSuffix(filepath.Base(v.File), ".iov")
			c = &corpus.Case{Name: fmt.Sprintf("%s-%d", base, line), List: slices.Clone(l)}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, badInput(err)
	case lists == 0:
		return nil, badInputf("%s: no lists", v.File)
	case c == nil:
		return nil, badInputf("%s: no list on line %d; the first of %d is on line %d, the last on line %d", v.File, v.Line, lists, first, last)
	case v.Line == 0 && lists > 1:
		a.printf("%s: line %d, the first of %d lists up to line %d; --line picks another\n\n", v.File, first, lists, last)
	}
	return c, nil
}
