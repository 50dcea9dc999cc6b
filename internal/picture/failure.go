package picture

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/oracle"
)

// Failure is what a check found. Of the place, what the check does not know is
// missing.
type Failure struct {
	Check int    `json:"check"` // number
	Name  string `json:"name"`  // of the check
	Text  string `json:"text"`
	// Stream is the first byte concerned, counted from the list's first byte.
	Stream *uint64 `json:"stream,omitempty"`
	// Entry is the list entry that holds it, and Off the byte in that entry.
	Entry *int    `json:"entry,omitempty"`
	Off   *uint64 `json:"off,omitempty"`
	// Addr is the host address that was reached or changed, and must not be.
	Addr *Addr `json:"addr,omitempty"`
}

func (f Failure) String() string { return fmt.Sprintf("check %d %s: %s", f.Check, f.Name, f.Text) }

// Failures are what an oracle found, nil for nothing.
func Failures(fs []oracle.Failure) (out []Failure) {
	for i := range fs {
		f, p := &fs[i], fs[i].Place
		g := Failure{Check: int(f.Check), Name: f.Check.String(), Text: f.Text}
		if p.Knows&oracle.KnowsStream != 0 {
			g.Stream = new(p.Stream)
		}
		if p.Knows&oracle.KnowsEntry != 0 {
			g.Entry, g.Off = new(p.Entry), new(p.Off)
		}
		if p.Knows&oracle.KnowsAddr != 0 {
			g.Addr = new(Addr(p.Addr))
		}
		out = append(out, g)
	}
	return out
}
