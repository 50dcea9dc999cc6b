package report

import (
	"errors"
	"fmt"
	"html/template"
	"path/filepath"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/internal/picture"
	"github.com/sgfuzz/sgfuzz/oracle"
)

// pictureRows bounds the rows of one picture, maxPicture its bytes.
const (
	pictureRows = 32
	maxPicture  = 512 << 10
)

// painter checks findings again and draws them.
type painter struct {
	mutant  string
	options fuzz.Options
	runner  *fuzz.Runner
}

// newPainter makes one that works as the campaign did; s may be nil.
func newPainter(s *fuzz.State, stop <-chan struct{}) *painter {
	p := &painter{options: fuzz.Options{Variants: true}}
	if s != nil {
		c := &s.Config
		if m, ok := mutants.ByName(c.Mutant); ok {
			p.mutant, p.options = c.Mutant, fuzz.MutantOptions(m)
		}
		p.options.Full, p.options.Variants, p.options.Strategies = c.Full, c.Variants, c.Strategies
	}
	p.options.FullLimit, p.options.Stop = 1<<20, stop
	return p
}

func (p *painter) stopped() bool {
	select {
	case <-p.options.Stop:
		return true
	default:
		return false
	}
}

// again runs a finding's case and gives the class in which it fails, of several
// the finding's own; "" if it does not. A panic of a strategy is a failure.
func (p *painter) again(f *Finding) (class string) {
	defer func() {
		if recover() != nil {
			p.runner, class = nil, oracle.Termination.String()
		}
	}()
	if p.runner == nil {
		p.runner = fuzz.NewRunner(p.options)
	}
	outs, err := p.runner.Run(f.c)
	if err != nil {
		return "unusable"
	}
	for i := range outs {
		if now := outs[i].Class(); now == f.Class || class == "" {
			class = now
		}
	}
	return class
}

// paint checks a finding once more, with the campaign's mutant, and draws the
// strategy that failed.
func (p *painter) paint(f *Finding) Picture {
	out := Picture{Class: p.again(f)}
	out.Fails = out.Class != ""
	pic, s, err := p.picture(f)
	if err != nil {
		out.Note = err.Error()
		return out
	}
	out.Failures = s.Failures
	svg := pic.SVG(s, picture.SVGOptions{ID: "p-" + f.ID, Bare: true})
	if len(svg) > maxPicture {
		out.Note = fmt.Sprintf("it would have %d KiB", len(svg)>>10)
		return out
	}
	out.SVG, out.Shown = template.HTML(svg), s.Failed()
	return out
}

// picture is that of the finding's strategy.
func (p *painter) picture(f *Finding) (pic *picture.Picture, s *picture.Strategy, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the registration panics: %v", v)
		}
	}()
	check, strategy, _ := strings.Cut(f.Class, "/")
	o := picture.Options{Mutant: p.mutant, Most: pictureRows, Stop: p.options.Stop}
	if check != oracle.Agreement.String() && strategy != "" { // which takes several
		o.Strategies = []string{strategy}
	}
	c := f.c.Clone()
	c.Name = strings.TrimSuffix(filepath.Base(f.File), corpus.Ext)
	if f.File == "" {
		c.Name = f.Class
	}
	pic, err = picture.Of(c, o)
	if errors.Is(err, picture.ErrConcern) {
		o.Mutant = ""
		pic, err = picture.Of(c, o)
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range pic.Strategies {
		if s = &pic.Strategies[i]; s.Name == strategy {
			return pic, s, nil
		}
	}
	return nil, nil, fmt.Errorf("no strategy %q was tried", strategy)
}
