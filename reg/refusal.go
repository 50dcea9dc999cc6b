package reg

import "fmt"

// Reason says why a strategy cannot take a list.
type Reason uint8

// Reasons of a Refusal.
const (
	ReasonGap         Reason = iota + 1 // an interior border is not page aligned
	ReasonSector                        // an interior border is not 512-byte aligned
	ReasonEntries                       // more descriptors than one region holds
	ReasonRegions                       // more regions than the request or the pool allows
	ReasonPool                          // the pool of keys or buffers is empty
	ReasonQueue                         // the work request is longer than the queue or a WQE allows
	ReasonEmpty                         // no bytes to register
	ReasonWrap                          // a range runs past 2^64
	ReasonPageSize                      // no page size fits, or the device has not this one
	ReasonUnsupported                   // the dialect or the device cannot do it at all
	ReasonTotal                         // the stream is longer than a field of the strategy holds
	ReasonOffset                        // the offset lies outside the list
)

var reasonNames = [...]string{"none", "gap", "sector", "entries", "regions", "pool", "queue", "empty", "wrap", "page-size", "unsupported", "total", "offset"}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Refusal is the typed answer of a strategy that cannot take a list. It
// changes nothing.
type Refusal struct {
	Strategy string
	Reason   Reason
	Entry    int    // mapped entry at which it stopped, -1 if none is to blame
	Off      uint64 // bytes into that entry
	Limit    uint64 // the limit that was hit; 0 if Reason has none
	Need     uint64 // what the list would have needed, 0 if unknown
	Err      error  // cause, may be nil
}

// Where is the reason and the place in one word, as case files give it:
// "gap@1", "entries@3+4096", "empty".
func (r *Refusal) Where() string {
	s := r.Reason.String()
	if r.Entry >= 0 {
		s += fmt.Sprintf("@%d", r.Entry)
		if r.Off != 0 {
			s += fmt.Sprintf("+%d", r.Off)
		}
	}
	return s
}

// At reports whether a word as Where gives it describes the refusal. A border
// belongs to both of its entries, so that a gap or sector may be named by the
// entry before it too.
func (r *Refusal) At(where string) bool {
	if where == r.Where() || where == r.Reason.String() {
		return true
	}
	before := *r
	before.Entry--
	return (r.Reason == ReasonGap || r.Reason == ReasonSector) && r.Entry > 0 && where == before.Where()
}

func (r *Refusal) Error() string {
	s := r.Strategy + ": " + r.Where()
	if r.Limit != 0 {
		s += fmt.Sprintf(" (limit %d", r.Limit)
		if r.Need != 0 {
			s += fmt.Sprintf(", needs %d", r.Need)
		}
		s += ")"
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

func (r *Refusal) Unwrap() error { return r.Err }
