package fuzz

import (
	"errors"
	"fmt"
)

// Target is one fuzz target: what the native FuzzXxx functions and the entry
// points of other engines run.
type Target struct {
	Name string // the native function is "Fuzz" + Name
	Doc  string // one line for people
	// Body takes any bytes and returns a *TargetError if what they stand for
	// goes wrong. It does no I/O, ends in bounded time, and its answer depends
	// on its argument only, though it reuses storage: a Body is not safe for
	// concurrent use, that of another Targets is another one.
	Body func(data []byte) error
	// Seeds are inputs worth starting from, made from the embedded corpus.
	Seeds func() ([][]byte, error)
}

// TargetError is a failure of a target. Class says what went wrong in words
// that are always the same for the same cause, and makes up the first line of
// the error's text, so that an engine can tell failures apart by it; Detail has
// the values.
type TargetError struct {
	Class  string
	Detail string
}

func (e *TargetError) Error() string { return e.Class + "\n" + e.Detail }

// Class is the class of a target's failure: constant text for an engine that
// tells crashes apart by their message; "" for nil.
func Class(err error) string {
	if e, ok := errors.AsType[*TargetError](err); ok {
		return e.Class
	}
	if err != nil {
		return "unclassified failure"
	}
	return ""
}

func failure(class, format string, args ...any) error {
	return &TargetError{Class: class, Detail: fmt.Sprintf(format, args...)}
}

// Targets makes all targets, each with storage of its own.
func Targets() []Target {
	return []Target{
		strategiesTarget(), mappingTarget(), dialectsTarget(), decodeTarget(),
		deviceTarget(), statefulTarget(), textTarget(), wqeTextTarget(), protocolTarget(),
	}
}

// TargetByName makes one of Targets.
func TargetByName(name string) (Target, bool) {
	for _, t := range Targets() {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}
