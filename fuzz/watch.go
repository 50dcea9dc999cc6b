package fuzz

import "github.com/sgfuzz/sgfuzz/reg"

// Sight is what Options.Watch sees: a registration while it is live and before
// it is judged, or the error in its place.
type Sight struct {
	// Env is the registering side's; its memory is as before any access by the
	// peer.
	Env *reg.Env
	// Registration is nil if Err is not. It is the Runner's own and valid until
	// the call returns.
	Registration *reg.Registration
	// Part counts the registrations of a list that is taken in parts, from 0.
	Part int
	// Again says that the list was registered and released before, on the same
	// connection.
	Again bool
	// Err is a failure that is no refusal: nothing is registered, but the send
	// queue still holds what was posted.
	Err error
}

// watched shows what a strategy's Register did, unless nobody watches.
func (r *Runner) watched(reg *reg.Registration, part int, again bool, err error) {
	if r.Watch == nil {
		return
	}
	s := Sight{Env: r.env, Registration: reg, Part: part, Again: again, Err: err}
	if err != nil {
		s.Registration = nil
	}
	r.Watch(&s)
}
