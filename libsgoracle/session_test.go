package main

import (
	"strings"
	"sync"
	"testing"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/conform/runner"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
)

// drawn begins the case that the bytes stand for.
func drawn(s *session, data string) error {
	return s.begin(func(q *conform.Register) error {
		s.referee.Draw([]byte(data), runner.MaxDrawnEntries, q)
		return nil
	})
}

func newSession(t *testing.T, g *registry) uint64 {
	t.Helper()
	id, err := g.create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.remove(id) })
	return id
}

func newRegistry() *registry { return &registry{byID: map[uint64]*session{}} }

// run is use for what gives an error only.
func (g *registry) run(id uint64, f func(*session) error) int {
	return g.use(id, func(s *session) (int, error) { return 0, f(s) })
}

// TestPanicsEnd lets the model panic under a call: the call fails, its session
// goes on with another model, others do not notice.
func TestPanicsEnd(t *testing.T) {
	g := newRegistry()
	id, other := newSession(t, g), newSession(t, g)
	begin := func(s *session) error { return drawn(s, "some bytes") }
	if n := g.run(id, begin); n != 0 {
		t.Fatal(n, g.find(id).last)
	}
	g.find(id).referee = &runner.Referee{} // without a model
	if n := g.use(id, (*session).judge); n != int(errInternal) {
		t.Errorf("judged without a model: %d", n)
	}
	if last := g.find(id).last; !strings.Contains(last, "nil pointer") || !strings.Contains(last, "conform/runner.") {
		t.Errorf("no trace: %s", last)
	}
	if n := g.use(id, (*session).judge); n != int(errState) {
		t.Errorf("the case is still there: %d", n)
	}
	for _, x := range []uint64{id, other} {
		if n := g.run(x, begin); n != 0 {
			t.Errorf("begin: %d %s", n, g.find(x).last)
		}
		if n := g.use(x, (*session).judge); n != finding { // it has no regions
			t.Errorf("judge: %d %s", n, g.find(x).last)
		}
	}
	if n := guard(func() (int, error) { panic("anything") }); n != int(errInternal) {
		t.Errorf("guard: %d", n)
	}
}

// TestFirstFailureStays demands that judge gives the code of the first call that
// failed, and that failing once it is too late changes nothing.
func TestFirstFailureStays(t *testing.T) {
	g := newRegistry()
	id := newSession(t, g)
	post := func(b []byte) int { return g.run(id, func(s *session) error { return s.spoil(s.post(b)) }) }
	region := func() int { return g.run(id, func(s *session) error { return s.spoil(s.region(reg.Tuple{})) }) }
	reject := func() int { return g.run(id, func(s *session) error { return s.spoil(s.reject(22)) }) }
	begin := func() int { return g.run(id, func(s *session) error { return drawn(s, "x") }) }
	judge := func() int { return g.use(id, (*session).judge) }
	for i, c := range []struct {
		got  []int
		want []int
	}{
		{[]int{post(nil), judge()}, []int{int(errState), int(errState)}},
		{[]int{begin(), post(make([]byte, maxBytes)), post([]byte{1}), judge()}, []int{0, 0, int(errRange), int(errRange)}},
		{[]int{begin(), post(make([]byte, maxBytes+1)), reject(), region(), judge()}, []int{0, int(errRange), 0, int(errState), int(errRange)}},
		{[]int{begin(), reject(), region(), judge()}, []int{0, 0, int(errState), int(errState)}},
		{[]int{begin(), judge(), region(), reject(), judge()}, []int{0, finding, int(errState), int(errState), finding}},
	} {
		for k := range c.want {
			if c.got[k] != c.want[k] {
				t.Errorf("row %d: %v, want %v", i, c.got, c.want)
				break
			}
		}
	}
}

// TestSessionsShared uses sessions from many goroutines, makes and ends them
// meanwhile. It is for the race detector.
func TestSessionsShared(t *testing.T) {
	g := newRegistry()
	shared := newSession(t, g)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 50 {
				own, err := g.create()
				if err != nil {
					t.Error(err)
					return
				}
				for _, id := range []uint64{own, shared} {
					g.run(id, func(s *session) error { return drawn(s, strings.Repeat("x", i+k)) })
					g.use(id, (*session).judge)
					g.run(id, func(s *session) error { _, err := s.verdictText(); return err })
				}
				if n := g.use(own, (*session).failureClass); n <= 0 {
					t.Errorf("a registration without regions: class %d", n)
				}
				if err := g.remove(own); err != nil || g.remove(own) == nil {
					t.Errorf("ended: %v; and again", err)
				}
			}
		})
	}
	wg.Wait()
	if len(g.byID) != 1 {
		t.Errorf("%d sessions left", len(g.byID))
	}
}

func TestClassNames(t *testing.T) {
	for n := -1; n <= oracle.NumChecks+1; n++ {
		name, err := className(n)
		if ok := n >= 1 && n <= oracle.NumChecks; ok != (err == nil) || ok && name != oracle.Check(n).String() {
			t.Errorf("%d: %q %v", n, name, err)
		}
	}
	if !strings.HasPrefix(version(), "libsgoracle ") || !strings.Contains(version(), "go1.") {
		t.Error(version())
	}
}
