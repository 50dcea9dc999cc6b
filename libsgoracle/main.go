// Package main is libsgoracle, the oracle as a library for C:
//
//	go build -buildmode=c-shared -ldflags=-extldflags=-Wl,-soname,libsgoracle.so.1 -o libsgoracle.so ./libsgoracle
//	cc -I libsgoracle encoder.c harness.c libsgoracle.so
//
// sgoracle.h is the manual. The header that the Go tool writes beside the
// library is not needed. docs/libsgoracle.md shows a fuzzing harness.
//
// A C program feeds what its encoder made of a list, and gets the verdict that
// "sgfuzz conform" gives about the same registration: both ask
// conform/runner.Referee.
//
// # Boundary
//
// C has numbers for sessions, never pointers into Go's memory; Go copies what
// it is given before a call returns and keeps no pointer into C's. Sizes and
// NULL are looked at before memory is. A panic ends at the boundary: the call
// returns SGO_EINTERNAL with the trace as its text, and the session gets a new
// model.
//
// # Files
//
// export.go is all that knows C, and is left out where cgo is: session.go and
// registry.go are plain Go, tested as such.
package main

// main does nothing: a library has no program.
func main() {}
