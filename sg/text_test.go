package sg

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseEntry(t *testing.T) {
	tests := []struct {
		in   string
		want Entry
		out  string
	}{
		{"0x10000fff+1", Entry{0x10000fff, 1, 0}, "0x10000fff+1"},
		{"0x100000000+4294967295", Entry{1 << 32, math.MaxUint32, 0}, "0x100000000+4294967295"},
		{"0x10001000+4095 lkey=0x42", Entry{0x10001000, 4095, 0x42}, "0x10001000+4095 lkey=0x42"},
		{"  16+0X1f\tlkey=4294967295 \r\n", Entry{16, 31, math.MaxUint32}, "0x10+31 lkey=0xffffffff"},
		{"0xFFFFffffFFFFffff+4294967295", Entry{top, math.MaxUint32, 0}, "0xffffffffffffffff+4294967295"},
		{"18446744073709551615+0", Entry{top, 0, 0}, "0xffffffffffffffff+0"},
		{"0000000000000000000000007+007", Entry{7, 7, 0}, "0x7+7"},
		{"0+0 lkey=0", Entry{}, "0x0+0"},
	}
	for _, tt := range tests {
		e, err := ParseEntry(tt.in)
		if err != nil || e != tt.want || e.String() != tt.out {
			t.Errorf("%q: %v, %v; want %v", tt.in, e, err, tt.want)
		}
	}
}

func TestParseEntryRefuses(t *testing.T) {
	tests := []struct {
		in     string
		offset int
		want   error
	}{
		{"", 0, ErrNumber},
		{"   ", 3, ErrNumber},
		{"x+1", 0, ErrNumber},
		{"0x+1", 0, ErrNumber},
		{"-1+1", 0, ErrNumber},
		{"+1+1", 0, ErrNumber},
		{"1", 1, ErrPlus},
		{"1 +1", 1, ErrPlus},
		{"0x1g+1", 3, ErrPlus},
		{"1a+1", 1, ErrPlus},
		{"1+1a", 3, ErrTrailing},
		{"1_0+1", 1, ErrPlus},
		{"0b1+1", 1, ErrPlus},
		{"1+", 2, ErrNumber},
		{"1+-1", 2, ErrNumber},
		{"0x10000000000000000+1", 0, ErrTooBig},
		{"18446744073709551616+1", 0, ErrTooBig},
		{"1+4294967296", 2, ErrTooBig},
		{"1+0x100000000", 2, ErrTooBig},
		{"1+1,", 3, ErrTrailing},
		{"1+1lkey=1", 3, ErrTrailing},
		{"1+1 lkey 1", 4, ErrTrailing},
		{"1+1 LKEY=1", 4, ErrTrailing},
		{"1+1 lkey=", 9, ErrNumber},
		{"1+1 lkey=0x100000000", 9, ErrTooBig},
		{"1+1 lkey=1 lkey=1", 11, ErrTrailing},
		{"1+1\x00", 3, ErrTrailing},
	}
	for _, tt := range tests {
		e, err := ParseEntry(tt.in)
		var pe *ParseError
		if !errors.As(err, &pe) || !errors.Is(err, tt.want) || pe.Offset != tt.offset || pe.Line != 0 || e != (Entry{}) {
			t.Errorf("%q: %v, %v; want offset %d: %v", tt.in, e, err, tt.offset, tt.want)
		}
	}
}

func TestParseList(t *testing.T) {
	l, err := ParseList("\n0x1000+1\r\n\t\n0x2000+2 lkey=3\n5+5")
	if err != nil {
		t.Fatal(err)
	}
	sameList(t, "list", l, List{{0x1000, 1, 0}, {0x2000, 2, 3}, {5, 5, 0}})

	l, err = ParseList("0x1000+1\n\n0x2000*2\n")
	var pe *ParseError
	if l != nil || !errors.As(err, &pe) || *pe != (ParseError{3, 16, ErrPlus}) {
		t.Fatalf("%v, %v", l, err)
	}
	if want := "line 3, offset 16"; !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("%v does not start with %q", err, want)
	}
}

func TestListTextRoundTrip(t *testing.T) {
	r := newRng(t, 6)
	for range 500 {
		l := r.list(20)
		got, err := ParseList(l.String())
		if err != nil {
			t.Fatal(err)
		}
		sameList(t, "round trip", got, l)
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add("0x10001000+4095 lkey=0x42")
	f.Add("18446744073709551615+0")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseEntry(s)
		var pe *ParseError
		if err != nil {
			if !errors.As(err, &pe) || pe.Offset < 0 || pe.Offset > len(s) {
				t.Fatalf("%q: error %#v", s, err)
			}
			return
		}
		if again, err := ParseEntry(e.String()); err != nil || again != e {
			t.Fatalf("%q: %v, then %v, %v", s, e, again, err)
		}
	})
}

func TestAppendEntryAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 64)
	e := Entry{top, math.MaxUint32, math.MaxUint32}
	if n := testing.AllocsPerRun(100, func() { buf = AppendEntry(buf[:0], e) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
