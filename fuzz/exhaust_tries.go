package fuzz

import (
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
)

// exhaustTry is a strategy and how it is checked.
type exhaustTry struct {
	name string
	run  func(*exhauster)
}

// Settings of the initiator: the data segments that a read may have are so few
// that two entries go through a region where the page rule allows it.
var (
	exhaustWriter reg.Strategy = reg.RDMARW{}
	exhaustReader reg.Strategy = reg.RDMARW{MaxSGLRead: 1}
)

// exhaustSector is the page size of pool512's second pool.
const exhaustSector = 512

var exhaustTries = []exhaustTry{
	{"fastreg", (*exhauster).fastreg},
	{"multimr", (*exhauster).multimr},
	{"bounce", (*exhauster).bounced},
	{"pool512", (*exhauster).pool512},
	{"indirect", (*exhauster).indirect},
	{"rdmarw", (*exhauster).rdmarw},
	{"umem", (*exhauster).umem},
	{"auto", (*exhauster).auto},
}

// own is the strategy of the active try.
func (w *exhauster) own() reg.Strategy {
	name := w.k.tries[w.active].name
	s, _ := reg.StrategyByName(name)
	return w.strategy(name, s)
}

// register registers the request and compares the answer with what is
// expected: with reason 0 acceptance, else that refusal. It reports whether
// there is a registration to look at.
func (w *exhauster) register(s reg.Strategy, reason reg.Reason, entry int, off uint64) bool {
	if w.x.size() == 0 {
		reason, entry, off = reg.ReasonEmpty, -1, 0
	}
	err := s.Register(w.env, &w.req, &w.r)
	if err == nil {
		w.answer = Accepted
		if reason == 0 {
			return true
		}
		w.fail(oracle.Resume, "accepted; byte for byte it must be refused by %q at entry %d+%d", reason, entry, off)
		return false // the fresh connection that follows gives it back
	}
	f, ok := err.(*reg.Refusal)
	if !ok && !errors.As(err, &f) {
		w.answer = Broken
		w.fail(oracle.Structure, "%v", err)
		return false
	}
	w.answer = Refused
	switch {
	case reason == 0:
		w.fail(oracle.LimitsKept, "refused (%v); byte for byte it is right", err)
	case f.Reason != reason || f.Entry != entry || f.Off != off:
		w.fail(oracle.LimitsKept, "refused by %q at entry %d+%d; it must be by %q at entry %d+%d", f.Reason, f.Entry, f.Off, reason, entry, off)
	}
	return false
}

// release gives back and demands that the tuples are dead.
func (w *exhauster) release(s reg.Strategy) {
	if err := s.Release(w.env, &w.r); err != nil {
		w.fail(oracle.Structure, "release: %v", err)
		return
	}
	for _, t := range w.r.Tuples {
		if _, ok := w.env.Dev.TryTranslate(w.ext[:0], w.access(mlx5model.RemoteRead, &t, 0, 1)); ok {
			w.fail(oracle.Rights, "key %#x still serves after its release", t.Rkey)
		}
	}
}

// pageRule is the refusal that a page list of that page size deserves.
func (w *exhauster) pageRule(reason reg.Reason, page uint64) (reg.Reason, int, uint64) {
	if w.x.size() == 0 {
		return reason, -1, 0 // settled by register
	}
	end := w.x.pagesEnd(0, page)
	if end == w.x.size() {
		return 0, 0, 0
	}
	return reason, w.x.at[end].Entry, w.x.at[end].Off
}

func (w *exhauster) fastreg() {
	s := w.own()
	reason, entry, off := w.pageRule(reg.ReasonGap, w.k.PageSize)
	if w.register(s, reason, entry, off) {
		w.judge(0, w.x.size(), 1)
		w.descriptors(w.x.pages(0, w.x.size(), w.k.PageSize))
		w.release(s)
		return
	}
	if w.answer == Refused && !w.failed && w.x.size() > 0 {
		w.inParts(s)
	}
}

// inParts registers prefix after prefix.
func (w *exhauster) inParts(s reg.Strategy) {
	w.req.Partial = true
	for from := 0; from < w.x.size() && !w.failed; {
		w.req.From = w.x.at[from]
		if from == 0 {
			w.req.From = linux.Pos{}
		}
		to := w.x.pagesEnd(from, w.k.PageSize)
		if w.register(s, 0, 0, 0) {
			w.judge(from, to, 1)
			w.release(s)
		}
		w.answer = Partial
		from = to
	}
}

func (w *exhauster) multimr() {
	s := w.own()
	if !w.register(s, 0, 0, 0) {
		return
	}
	n := 0
	for from := 0; from < w.x.size(); n++ {
		from = w.x.pagesEnd(from, w.k.PageSize)
	}
	w.judge(0, w.x.size(), n)
	w.unit()
	w.release(s)
}

// unit demands that the target reads from the SRP command, and from the table
// it points to, what the registration advertises.
func (w *exhauster) unit() {
	var err error
	if w.r.SRP == nil {
		w.fail(oracle.Conservation, "there is no SRP command")
		return
	}
	if w.tuples, err = w.r.Descriptors(reg.DirRead, w.tuples[:0]); err != nil {
		w.fail(oracle.Conservation, "%v", err)
		return
	}
	if len(w.tuples) != len(w.r.Tuples) {
		w.fail(oracle.Conservation, "the SRP command names %d regions of %d", len(w.tuples), len(w.r.Tuples))
		return
	}
	for i, t := range w.tuples {
		if t != w.r.Tuples[i] {
			w.fail(oracle.Conservation, "the SRP command says %+v for %+v", t, w.r.Tuples[i])
		}
	}
}

func (w *exhauster) bounced() {
	s := w.own()
	if !w.register(s, 0, 0, 0) {
		return
	}
	if !w.bounce.bounced(&w.x, w.r.CopyIn, w.r.CopyOut) {
		w.fail(oracle.Conservation, "the copies in and out are not the list's bytes in order")
	} else if w.whole(0, w.x.size()) && len(w.r.Tuples) == 1 && w.r.Tuples[0].Len == uint64(w.x.size())<<w.shift {
		w.tuple(&w.r.Tuples[0], &w.bounce, 0, w.x.size())
	} else {
		w.fail(oracle.Conservation, "not one region of the whole length")
	}
	w.release(s)
}

func (w *exhauster) indirect() {
	s := w.own()
	if w.register(s, 0, 0, 0) {
		w.judge(0, w.x.size(), 1)
		w.descriptors(w.x.live)
		w.release(s)
	}
}

func (w *exhauster) umem() {
	s := w.own()
	least := min(w.k.PageSize, exhaustSector) // the device's smallest page
	reason := reg.Reason(0)
	if w.x.size() > 0 && !w.x.whole(least) {
		reason = reg.ReasonPageSize
	}
	if w.register(s, reason, -1, 0) {
		w.judge(0, w.x.size(), 1)
		w.descriptors(w.x.fewestPages(least))
		w.release(s)
	}
}

func (w *exhauster) pool512() {
	s := w.own()
	reason, entry, off := w.pageRule(reg.ReasonSector, exhaustSector)
	page := uint64(reg.DefaultPageSize)
	if reason != 0 || w.x.size() == 0 || !w.x.whole(page) {
		page = exhaustSector
	}
	if w.register(s, reason, entry, off) {
		w.judge(0, w.x.size(), 1)
		w.descriptors(w.x.pages(0, w.x.size(), page))
		w.release(s)
	}
}

func (w *exhauster) auto() {
	s := w.own()
	if !w.register(s, 0, 0, 0) {
		return
	}
	want := "auto(indirect)"
	switch {
	case w.x.run[0] == w.x.size():
		want = "auto(contiguous)"
	case w.x.whole(w.k.PageSize):
		want = "auto(fastreg)"
	}
	if w.r.Strategy != want {
		w.fail(oracle.CostClaims, "took %s, the cheapest is %s", w.r.Strategy, want)
	}
	w.judge(0, w.x.size(), 1)
	w.release(s)
}

// rdmarw moves the list both ways and looks at what the peer sees.
func (w *exhauster) rdmarw() {
	for _, way := range [...]struct {
		name string
		s    reg.Strategy
		dir  reg.Dir
	}{{"rdmarw write", exhaustWriter, reg.DirRead}, {"rdmarw read, max_sgl_rd 1", exhaustReader, reg.DirWrite}} {
		s := w.strategy(way.name, way.s)
		w.req.Dir = way.dir
		w.peer.expect(&w.x.unitStream, way.dir == reg.DirRead)
		if !w.register(s, 0, 0, 0) {
			continue
		}
		w.whole(0, w.x.size())
		if err := w.env.Kick(); err != nil {
			w.fail(oracle.Structure, "%v", err)
		} else if w.peer.wrong || w.peer.at != w.x.size() {
			w.fail(oracle.WriteStream, "%s: after %d units of %d the requests leave the list", way.name, w.peer.at, w.x.size())
		}
		w.release(s)
	}
}
