package vectors

import (
	"encoding/hex"
	"fmt"
)

// Status is what became of one case.
type Status int

// Statuses.
const (
	Pass Status = iota
	Fail
	Skip // not checked; the outcome's Reason says why
)

func (s Status) String() string {
	switch s {
	case Pass:
		return "pass"
	case Fail:
		return "fail"
	case Skip:
		return "skip"
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// Diff is one difference between a recorded output and this module's.
type Diff struct {
	Path string // where in the case's JSON, e.g. out.wqes[0].hex+0x1d
	Want string // the recorded value
	Got  string // ours
	Note string // the wire field at that byte, if Path leads to wire bytes
}

func (d Diff) String() string {
	s := fmt.Sprintf("%s: want %s, got %s", d.Path, d.Want, d.Got)
	if d.Note != "" {
		s += " (" + d.Note + ")"
	}
	return s
}

// Outcome is the result of one case.
type Outcome struct {
	Status Status
	Reason string // why skipped, or a summary of the failure
	Diffs  []Diff // the first differences, in the order found
}

func failf(format string, args ...any) Outcome {
	return Outcome{Status: Fail, Reason: fmt.Sprintf(format, args...)}
}

func skip(reason string) Outcome { return Outcome{Status: Skip, Reason: reason} }

// defaultMaxDiffs bounds the differences kept per case.
const defaultMaxDiffs = 8

// diffs collects the differences of one case: all are counted, the first few
// are kept.
type diffs struct {
	list  []Diff
	total int
	max   int
}

func newDiffs(env *Env) *diffs {
	d := &diffs{max: defaultMaxDiffs}
	if env != nil && env.MaxDiffs > 0 {
		d.max = env.MaxDiffs
	}
	return d
}

func (d *diffs) add(path, want, got, note string) {
	d.total++
	if len(d.list) < d.max {
		d.list = append(d.list, Diff{path, want, got, note})
	}
}

// eq compares two plain values.
func eq[T comparable](d *diffs, path string, want, got T) {
	if want != got {
		d.add(path, fmt.Sprint(want), fmt.Sprint(got), "")
	}
}

// hex compares a recorded hex string with bytes, byte by byte. note, which may
// be nil, names the field at an offset. Bytes of one field that differ next to
// each other count as one difference.
func (d *diffs) hex(path, want string, got []byte, note func(off int) string) {
	w, err := hex.DecodeString(want)
	if err != nil {
		d.add(path, want, hex.EncodeToString(got), err.Error())
		return
	}
	d.bytes(path, w, got, note)
}

func (d *diffs) bytes(path string, want, got []byte, note func(off int) string) {
	if len(want) != len(got) {
		d.add(path, fmt.Sprintf("%d bytes", len(want)), fmt.Sprintf("%d bytes", len(got)), "")
	}
	n := min(len(want), len(got))
	name := func(off int) string {
		if note == nil {
			return ""
		}
		return note(off)
	}
	for i := 0; i < n; i++ {
		if want[i] == got[i] {
			continue
		}
		field, j := name(i), i+1
		for j < n && j-i < 8 && want[j] != got[j] && name(j) == field {
			j++
		}
		d.add(fmt.Sprintf("%s+%#x", path, i), hex.EncodeToString(want[i:j]), hex.EncodeToString(got[i:j]), field)
		i = j - 1
	}
}

func (d *diffs) outcome() Outcome {
	if d.total == 0 {
		return Outcome{Status: Pass}
	}
	return Outcome{Status: Fail, Reason: fmt.Sprintf("%d differences", d.total), Diffs: d.list}
}
