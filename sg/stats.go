package sg

import "fmt"

// Stats sums a list up.
type Stats struct {
	Entries        int    // all of them
	Empty          int    // those of length zero
	Total          uint64 // bytes
	MinLen, MaxLen uint32 // shortest and longest entry, empty ones apart; 0 if there is none
	Low, High      uint64 // lowest and highest byte's address; 0 if there is none. A wrapping range counts to the top
}

// Stats sums l up in one pass.
func (l List) Stats() Stats {
	s := Stats{Entries: len(l), Total: l.Total()}
	for i := range l {
		e := &l[i]
		if e.Len == 0 {
			s.Empty++
			continue
		}
		if s.MaxLen == 0 {
			s.MinLen, s.Low = e.Len, e.Addr
		}
		s.MinLen, s.MaxLen = min(s.MinLen, e.Len), max(s.MaxLen, e.Len)
		s.Low, s.High = min(s.Low, e.Addr), max(s.High, lastUpToTop(e))
	}
	return s
}

// String is a line for people: "3 entries, 4100 bytes, 4 to 4095 each, in
// 0x1000-0x5fff".
func (s Stats) String() string {
	if s.Total == 0 {
		return fmt.Sprintf("%d entries, no bytes", s.Entries)
	}
	text := fmt.Sprintf("%d entries, %d bytes, %d to %d each, in %#x-%#x", s.Entries, s.Total, s.MinLen, s.MaxLen, s.Low, s.High)
	if s.Empty != 0 {
		text += fmt.Sprintf(", %d empty", s.Empty)
	}
	return text
}
