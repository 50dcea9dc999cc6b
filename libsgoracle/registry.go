package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/sgfuzz/sgfuzz/conform/runner"
)

// maxSessions is SGO_MAX_SESSIONS.
const maxSessions = 1024

// registry has the sessions by the number that C knows them by.
type registry struct {
	mu   sync.Mutex
	byID map[uint64]*session
	last uint64 // numbers are not used again
}

var sessions = registry{byID: map[uint64]*session{}}

// create makes a session.
func (g *registry) create() (uint64, error) {
	ref, err := runner.NewReferee()
	if err != nil {
		return 0, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.byID) >= maxSessions {
		return 0, failf(errRange, "%d sessions exist", maxSessions)
	}
	g.last++
	g.byID[g.last] = &session{referee: ref}
	return g.last, nil
}

// remove ends a session. A call under way with it ends as if it were there.
func (g *registry) remove(id uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byID[id] == nil {
		return failf(errSession, "session %d", id)
	}
	delete(g.byID, id)
	return nil
}

func (g *registry) find(id uint64) *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.byID[id]
}

// use calls f with a session, alone, and gives what it gives, or the code of
// its error, which the session remembers.
func (g *registry) use(id uint64, f func(*session) (int, error)) (n int) {
	s := g.find(id)
	if s == nil {
		return int(errSession)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			n = s.note(panicked(p))
			s.referee, s.stage = nil, idle // it may be half changed
		}
	}()
	n, err := f(s)
	if err != nil {
		return s.note(err)
	}
	return n
}

// guard is use without a session.
func guard(f func() (int, error)) (n int) {
	defer func() {
		if recover() != nil {
			n = int(errInternal)
		}
	}()
	n, err := f()
	if err != nil {
		return int(codeOf(err))
	}
	return n
}

func panicked(p any) error {
	return failf(errInternal, "%v\n%s", p, debug.Stack())
}

// version is the module's version, the revision it was built from and Go's.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "libsgoracle (devel), " + runtime.Version()
	}
	text := "libsgoracle " + cmp.Or(info.Main.Version, "(devel)")
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += ", revision " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " and changes"
		}
	}
	return fmt.Sprintf("%s, %s", text, runtime.Version())
}
