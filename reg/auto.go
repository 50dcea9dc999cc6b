package reg

import (
	"errors"
)

// Auto takes the cheapest way that the list allows: a contiguous run in one
// page as large as need be, then a page list of Request.PageSize, then KLMs,
// then several regions, then a copy. Registration.Chosen names the way and Why
// gives the reason; Strategy reads, for example, "auto(fastreg)". With Partial,
// a prefix in one region comes after everything that takes the whole list.
type Auto struct{}

// Name is "auto".
func (Auto) Name() string { return "auto" }

// way is one thing that Auto tries.
type way struct {
	strategy Strategy
	label    string
	why      string
	partial  bool
	pages    bool // needs a dialect with page lists
	run      bool // for a contiguous run only, with the best page size
}

var autoWays = [...]way{
	{strategy: FastReg{}, label: "auto(contiguous)", why: "one run of memory: fewest pages", pages: true, run: true},
	{strategy: FastReg{}, label: "auto(fastreg)", why: "all borders are page borders", pages: true},
	{strategy: Indirect{}, label: "auto(indirect)", why: "borders inside of pages, one KLM list holds them"},
	{strategy: &MultiMR{NoUnit: true}, label: "auto(multimr)", why: "too long for one region"},
	{strategy: Bounce{}, label: "auto(bounce)", why: "no registration in place fits"},
	{strategy: Indirect{}, label: "auto(indirect)", why: "a prefix is enough", partial: true},
	{strategy: FastReg{}, label: "auto(fastreg)", why: "a prefix is enough", pages: true, partial: true},
}

// Register refuses when every way does. The Refusal is that of the last way;
// its Err joins the others'. What is wrong with the list as such is refused at
// once.
func (s Auto) Register(e *Env, req *Request, r *Registration) error {
	var last *Refusal
	var all [len(autoWays)]error
	pages := e.Enc.Caps().MTT
	for i := range autoWays {
		w := &autoWays[i]
		if w.partial && !req.Partial || w.pages && !pages {
			continue
		}
		probe := &e.probe
		*probe = *req
		probe.Partial = w.partial
		if w.run && !e.contiguous(probe) {
			continue
		}
		err := w.strategy.Register(e, probe, r)
		if err == nil {
			r.Request, r.Strategy, r.Chosen, r.Why = req, w.label, w.strategy.Name(), w.why
			return nil
		}
		var f *Refusal
		if !errors.As(err, &f) {
			return err
		}
		if f.Reason == ReasonWrap || f.Reason == ReasonEmpty || f.Reason == ReasonOffset {
			f.Strategy = s.Name()
			return f
		}
		last, all[i] = f, err
	}
	out := *last
	out.Strategy, out.Err = s.Name(), errors.Join(all[:]...)
	return &out
}

// Release invalidates the keys and gives everything back.
func (Auto) Release(e *Env, r *Registration) error { return e.release(r) }

// contiguous reports whether the request's list is one run of memory, and sets
// its page size so that one or two pages hold it, if the device allows.
func (e *Env) contiguous(req *Request) bool {
	var first, end uint64
	open := false
	for i := range req.List {
		x := &req.List[i]
		switch {
		case x.Len == 0:
			continue
		case x.Wraps() || open && (x.Addr != end || end == 0):
			return false
		case !open:
			first, open = x.Addr, true
		}
		end = x.End()
	}
	if !open {
		return false
	}
	log := e.Profile.LogPageMin
	for log < min(e.Profile.LogPageMax, maxLogPage) && (end-1-first)>>log != 0 {
		log++
	}
	req.PageSize = 1 << log
	return true
}
