package oracle

import "fmt"

// Check is the number of one check, the same in reports, mutants and docs.
type Check uint8

// The checks. 0 is none of them.
const (
	ReadStream   Check = 1 + iota // remote READ of every tuple gives the original stream
	WriteStream                   // remote WRITE lands at exactly the original positions
	Confinement                   // nothing outside the list changes, nothing outside a tuple is reachable
	SubRange                      // any window of the stream equals the same window of the list
	Conservation                  // lengths add up, nothing is mapped twice or dropped
	Resume                        // prefixes are the largest and continue without hole or overlap
	Rights                        // access flags, PD, key variant and freed keys are enforced
	Structure                     // strict decode of every work request
	RoundTrip                     // decode and encode are inverse on written bytes
	Agreement                     // strategies agree, and so do equivalent lists
	CostClaims                    // the cost record is what is really there
	Vector                        // bytes equal recorded outputs of real drivers
	DMAContract                   // mapped and original entry counts are used where they belong
	LimitsKept                    // capacities are respected, refusals are right
	Termination                   // work is bounded by the list
	NumChecks    = int(Termination)
)

var checkNames = [...]string{
	"none", "read-stream", "write-stream", "confinement", "sub-range", "conservation", "resume", "rights", "structure",
	"round-trip", "agreement", "cost", "vector", "dma", "limits", "termination",
}

func (c Check) String() string {
	if int(c) < len(checkNames) {
		return checkNames[c]
	}
	return fmt.Sprintf("check-%d", uint8(c))
}

// Failure is one thing that a check found.
type Failure struct {
	Check Check
	Text  string // what differs, and where
	Place Place
}

func (f Failure) String() string { return fmt.Sprintf("check %d %v: %s", f.Check, f.Check, f.Text) }

// maxFailures bounds what a Verdict keeps of one check: the first say it all.
const maxFailures = 4

// Verdict collects what the checks say of one case. The zero Verdict is ready
// to use.
type Verdict struct {
	Failures []Failure
	// Ran and Failed count, by check, how often it was applied and how often
	// it found something.
	Ran, Failed [NumChecks + 1]int
}

// OK says that no check found anything.
func (v *Verdict) OK() bool { return len(v.Failures) == 0 }

// Reset empties v and keeps its storage.
func (v *Verdict) Reset() { *v = Verdict{Failures: v.Failures[:0]} }

// First is the lowest-numbered check that failed, 0 if none did.
func (v *Verdict) First() Check {
	for c := Check(1); int(c) <= NumChecks; c++ {
		if v.Failed[c] != 0 {
			return c
		}
	}
	return 0
}

// FailedChecks lists the checks that failed in ascending order.
func (v *Verdict) FailedChecks() []Check {
	var cs []Check
	for c := Check(1); int(c) <= NumChecks; c++ {
		if v.Failed[c] != 0 {
			cs = append(cs, c)
		}
	}
	return cs
}

// Add merges another verdict into v.
func (v *Verdict) Add(o *Verdict) {
	v.Failures = append(v.Failures, o.Failures...)
	for c := range v.Ran {
		v.Ran[c] += o.Ran[c]
		v.Failed[c] += o.Failed[c]
	}
}

func (v *Verdict) ran(c Check) { v.Ran[c]++ }

// failf is failAt for what has no place in the list.
func (v *Verdict) failf(c Check, format string, args ...any) { v.failAt(c, Place{}, format, args...) }

func (v *Verdict) failAt(c Check, p Place, format string, args ...any) {
	v.Failed[c]++
	if v.Failed[c] <= maxFailures {
		v.Failures = append(v.Failures, Failure{c, fmt.Sprintf(format, args...), p})
	}
}
