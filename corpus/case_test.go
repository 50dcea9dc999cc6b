package corpus

import (
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

func TestValidate(t *testing.T) {
	one := sg.List{{Addr: 1, Len: 1}}
	for _, row := range []struct {
		name string
		c    Case
		want error
	}{
		{"plain", Case{List: one}, nil},
		{"ends at 2^64", Case{List: sg.List{{Addr: 1<<64 - 2, Len: 2}}}, nil},
		{"largest queue", Case{List: one, Limits: Limits{Queue: 1 << 15, RingStart: 1<<32 - 1}}, nil},
		{"wraps", Case{List: sg.List{{Addr: 1<<64 - 2, Len: 3}}}, sg.ErrWraps},
		{"no bytes", Case{List: sg.List{{Addr: 1}}}, sg.ErrEmpty},
		{"no entries", Case{}, sg.ErrEmpty},
		{"page size", Case{PageSize: 3000, List: one}, ErrPageSize},
		{"queue of 48", Case{List: one, Limits: Limits{Queue: 48}}, ErrQueue},
		{"queue of 65536", Case{List: one, Limits: Limits{Queue: 1 << 16}}, ErrQueue},
		{"rw alone", Case{List: one, Access: AccessRW}, ErrAccess},
		{"atomic alone", Case{List: one, Access: AccessA | AccessRR}, ErrAccess},
		{"dialect", Case{List: one, Dialect: "x"}, ErrName},
		{"direction", Case{List: one, Dir: "both"}, ErrName},
		{"want", Case{List: one, Wants: []Want{{"auto", "", ""}, {"nobody", WantOK, ""}}}, ErrName},
	} {
		if err := row.c.Validate(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
	bad := Case{PageSize: 3, List: sg.List{{Addr: 1}, {Addr: 1<<64 - 1, Len: 2}}}
	err := bad.Validate()
	var e *sg.EntryError
	if !errors.Is(err, ErrPageSize) || !errors.As(err, &e) || e.Index != 1 {
		t.Errorf("not all is reported: %v", err)
	}
}

func TestParsedWrapIsReportedByValidate(t *testing.T) {
	c, err := Parse([]byte("sg 0xffffffffffffffff+2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); !errors.Is(err, sg.ErrWraps) {
		t.Errorf("got %v", err)
	}
}

func TestAccess(t *testing.T) {
	for a := range Access(0x80) {
		a &^= 3 // no rights there
		if a == 0 {
			continue
		}
		if got, err := ParseAccess(a.String()); err != nil || got != a {
			t.Errorf("%#x: %q read as %#x, %v", uint8(a), a, uint8(got), err)
		}
	}
	if got := (AccessLR | AccessLW | AccessRR | AccessRW | AccessA).String(); got != "lr|lw|rr|rw|a" {
		t.Errorf("got %q", got)
	}
	if _, err := ParseAccess(""); err == nil {
		t.Error("no right at all was accepted")
	}
}

func TestDefaults(t *testing.T) {
	var c Case
	if c.EffectivePageSize() != 4096 || c.EffectiveAccess().String() != "lw|rr|rw" {
		t.Errorf("%d %v", c.EffectivePageSize(), c.EffectiveAccess())
	}
	c.PageSize, c.Access = 512, AccessLR
	if c.EffectivePageSize() != 512 || c.EffectiveAccess() != AccessLR {
		t.Errorf("%d %v", c.EffectivePageSize(), c.EffectiveAccess())
	}
}

func TestNamesAreCopies(t *testing.T) {
	Strategies()[0], Dialects()[0] = "x", "x"
	if strategies[0] == "x" || dialects[0] == "x" {
		t.Error("a caller can change the known names")
	}
}
