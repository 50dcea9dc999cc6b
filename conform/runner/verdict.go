package runner

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/oracle"
)

// status is what became of one request.
type status uint8

const (
	passed status = iota
	rejected
	skipped
	failed
)

// failure is one thing that is wrong with a reply.
type failure struct {
	check string // oracle check's name, field, or kind of a breach of the protocol
	text  string
}

// verdict is the judgement of one reply. Its storage is reused.
type verdict struct {
	status   status
	failures []failure
	ran      *[oracle.NumChecks + 1]int // semantic: checks that were applied; nil otherwise
	oracle   oracle.Verdict
}

func (v *verdict) reset() {
	v.status, v.failures, v.ran = passed, v.failures[:0], nil
	v.oracle.Reset()
}

func (v *verdict) failf(check, format string, args ...any) {
	v.status = failed
	v.failures = append(v.failures, failure{check, fmt.Sprintf(format, args...)})
}

// fail adds a failure of an oracle's check.
func (v *verdict) fail(c oracle.Check, format string, args ...any) {
	v.ran = &v.oracle.Ran
	v.ran[c]++
	v.failf(c.String(), format, args...)
}
