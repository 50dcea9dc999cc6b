package serve

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/internal/picture"
	"github.com/sgfuzz/sgfuzz/internal/wqeview"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Explained is a case and what became of it.
type Explained struct {
	// Picture has every strategy's answer, but regions and requests of the one
	// that is shown only, and neither bands of memory nor tuples.
	Picture *picture.Picture `json:"picture"`
	Shown   int              `json:"shown"` // index in Picture.Strategies
	// Request is the work request shown, -1 for none, and View its bytes.
	Request int           `json:"request"`
	View    *wqeview.Item `json:"view,omitempty"`
	// SVG is the picture of the strategy shown, to be styled by /picture.css.
	SVG string `json:"svg,omitempty"`
}

// explainQuery is the body of a request for Explained.
type explainQuery struct {
	Text     string `json:"text"`     // of a case
	Strategy string `json:"strategy"` // that is shown; "" for the case's, else the first that fails, else indirect
	Bug      string `json:"bug"`      // defect that is put in, "" for none
	Request  *int   `json:"request"`  // work request that is shown; nil for the one at fault, else the first
}

// Bounds of one answer.
const (
	mostWhole   = 400 // entries of a list that is shown whole
	mostRows    = 120 // of each kind of a longer one, see picture.Options
	mostEntries = 200 // of a work request's list, from each end
	lessEntries = 32  // the same for a longer list
)

func (s *Server) explain(r *http.Request) (any, error) {
	var q explainQuery
	if err := s.read(r, &q); err != nil {
		return nil, err
	}
	c, err := s.parse(q.Text)
	if err != nil {
		return nil, err
	}
	fn, err := q.plan(c)
	if err != nil {
		return nil, err
	}
	return compute(s, r, fn)
}

// plan checks the names of a query and gives what computes the answer, until
// stop is closed.
func (q *explainQuery) plan(c *corpus.Case) (func(stop <-chan struct{}) (*Explained, error), error) {
	opt, shown, err := q.options(c)
	if err != nil {
		return nil, err
	}
	return func(stop <-chan struct{}) (*Explained, error) {
		opt.Stop = stop
		p, err := picture.Of(c, opt)
		switch {
		case errors.Is(err, fuzz.ErrStopped):
			return nil, context.DeadlineExceeded
		case err != nil:
			return nil, judged(c, err)
		}
		e := &Explained{Picture: p, Request: -1}
		e.show(shown)
		e.open(q.Request)
		if e.Shown < len(p.Strategies) {
			e.SVG = string(p.SVG(&p.Strategies[e.Shown], picture.SVGOptions{Bare: true}))
		}
		e.trim()
		return e, nil
	}, nil
}

// options checks the names of a query. Every strategy runs, whichever is shown.
func (q *explainQuery) options(c *corpus.Case) (opt picture.Options, shown string, err error) {
	shown, opt = q.Strategy, picture.Options{Mutant: q.Bug, Most: mostWhole}
	if len(c.List) > mostWhole {
		opt.Most = mostRows
	}
	if shown == "" {
		shown = c.Strategy
	}
	c.Strategy = ""
	if shown != "" && !slices.Contains(corpus.Strategies(), shown) {
		return opt, "", problemf(http.StatusUnprocessableEntity, "strategy", "no strategy %s", clip(shown))
	}
	if _, ok := mutants.ByName(q.Bug); q.Bug != "" && !ok {
		return opt, "", problemf(http.StatusUnprocessableEntity, "bug", "no defect %s", clip(q.Bug))
	}
	return opt, shown, nil
}

// defaultStrategy is shown if nothing else is asked for: it takes any list.
const defaultStrategy = "indirect"

// show picks the strategy that is shown and drops the details of the others.
func (e *Explained) show(name string) {
	all := e.Picture.Strategies
	find := func(is func(*picture.Strategy) bool) int {
		return slices.IndexFunc(all, func(s picture.Strategy) bool { return is(&s) })
	}
	at := find(func(s *picture.Strategy) bool { return s.Name == name })
	if name == "" {
		at = find((*picture.Strategy).Failed)
	}
	if at < 0 {
		at = find(func(s *picture.Strategy) bool { return s.Name == defaultStrategy })
	}
	e.Shown = max(at, 0)
	for i := range all {
		if i != e.Shown {
			all[i].Regions, all[i].Requests, all[i].Tuples = []picture.Region{}, []picture.Request{}, []picture.Tuple{}
		}
	}
}

// trim drops what the page has no use for beside View and SVG.
func (e *Explained) trim() {
	e.Picture.Memory, e.Picture.Mapped = []picture.Band{}, nil
	for i := range e.Picture.Strategies {
		s := &e.Picture.Strategies[i]
		s.Tuples = []picture.Tuple{}
		for k := range s.Requests {
			s.Requests[k].WQE = nil
		}
	}
	if e.View == nil {
		return
	}
	for i := range e.View.Parts {
		for k := range e.View.Parts[i].Rows {
			for f := range e.View.Parts[i].Rows[k].Fields {
				e.View.Parts[i].Rows[k].Fields[f].Authority = "" // the part's says it for all of them
			}
		}
	}
}

// open lays out one work request of the strategy that is shown.
func (e *Explained) open(want *int) {
	if e.Shown >= len(e.Picture.Strategies) {
		return
	}
	st := &e.Picture.Strategies[e.Shown]
	number := 0
	switch {
	case want != nil:
		number = *want
	case st.Blame != nil && st.Blame.Request >= 0:
		number = st.Blame.Request
	}
	at := slices.IndexFunc(st.Requests, func(q picture.Request) bool { return q.Index == number })
	if at < 0 {
		if at = 0; len(st.Requests) == 0 {
			return
		}
	}
	q := &st.Requests[at]
	ctx := mlx5model.CheckContext{List: q.Table}
	e.Request = q.Index
	opt := wqeview.Options{Dialect: rulesOf(st.Dialect), Entries: mostEntries}
	if e.Picture.Entries > mostWhole {
		opt.Entries = lessEntries
	}
	e.View = wqeview.Of(q.WQE, ctx, opt)
}

// rulesOf is the name of the rules for what a strategy wrote.
func rulesOf(dialect string) string {
	if slices.Contains(wqeview.Dialects(), dialect) {
		return dialect
	}
	return wqeview.Auto
}
