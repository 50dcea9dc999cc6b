package corpus

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// failsOn is a runner whose failures need an entry of odd length, and its
// class the page size besides.
func failsOn(c *Case) Verdict {
	for _, e := range c.List {
		if e.Len%2 == 1 {
			if c.EffectivePageSize() == 512 && c.Offset > 4 {
				return Verdict{true, "odd-512", "odd"}
			}
			return Verdict{true, "odd", "odd"}
		}
	}
	return Verdict{}
}

func TestReplay(t *testing.T) {
	even, odd := &Case{List: sg.List{{Len: 2}}}, &Case{List: sg.List{{Len: 1}}}
	var seen []bool
	each := func(_ *Case, v Verdict) { seen = append(seen, v.Failed) }
	s, err := Replay(context.Background(), []*Case{odd, even, odd}, failsOn, each)
	if err != nil || s.Run != 3 || s.Failed != 2 || !maps.Equal(s.Classes, map[string]int{"odd": 2}) {
		t.Errorf("%v %+v", err, s)
	}
	if !reflect.DeepEqual(seen, []bool{true, false, true}) {
		t.Errorf("reported %v", seen)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s, err = Replay(ctx, []*Case{even, odd}, func(c *Case) Verdict { cancel(); return failsOn(c) }, nil)
	if !errors.Is(err, context.Canceled) || s.Run != 1 {
		t.Errorf("%v %+v", err, s)
	}
}

func TestMinimise(t *testing.T) {
	c, err := Parse([]byte(everyKey))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(50) {
		c.List = append(c.List, sg.Entry{Addr: i << 16, Len: 4096})
	}
	before := c.Clone()
	calls := 0
	small, v := Minimise(c, func(c *Case) Verdict {
		calls++
		defer func() { clear(c.List); c.Wants = nil }() // a runner may spoil what it was given
		return failsOn(c)
	}, 2000)
	if !reflect.DeepEqual(c, before) {
		t.Error("the case given was changed")
	}
	if v.Class != "odd-512" || calls > 2000 {
		t.Errorf("%+v after %d calls", v, calls)
	}
	if len(small.List) != 1 || small.List[0].Len%2 != 1 || small.PageSize != 512 || small.Offset <= 4 || small.Offset > 8 {
		t.Errorf("not small:\n%s", Format(small))
	}
	rest := *small
	rest.List, rest.Comments, rest.PageSize, rest.Offset = nil, nil, 0, 0
	if rest.Wants = nil; !reflect.DeepEqual(rest, Case{}) {
		t.Errorf("options were left:\n%s", Format(small))
	}
	if small.Comments[0].Text != "# head one" {
		t.Errorf("head comment lost: %+v", small.Comments)
	}
	checkFixedPoint(t, Format(small))
}

func TestMinimiseBounds(t *testing.T) {
	c := &Case{PageSize: 512, List: make(sg.List, 1000)}
	for i := range c.List {
		c.List[i].Len = 1
	}
	for _, steps := range []int{0, 1, 2, 17} {
		calls := 0
		Minimise(c, func(c *Case) Verdict { calls++; return failsOn(c) }, steps)
		if calls > steps {
			t.Errorf("%d calls, %d allowed", calls, steps)
		}
	}
	fine := &Case{Name: "fine", List: sg.List{{Len: 2}}}
	if got, v := Minimise(fine, failsOn, 100); v.Failed || !reflect.DeepEqual(got, fine) {
		t.Errorf("a case that passes became %+v, %+v", got, v)
	}
}

// TestMinimiseCapacities: a list that is one entry too long for a limit gets
// shorter together with the limit.
func TestMinimiseCapacities(t *testing.T) {
	for name, of := range map[string]func(*Limits) *uint32{
		"entries": func(l *Limits) *uint32 { return &l.MaxEntries },
		"regions": func(l *Limits) *uint32 { return &l.MaxRegions },
		"pool":    func(l *Limits) *uint32 { return &l.Pool },
	} {
		c := &Case{}
		*of(&c.Limits) = 64
		for i := range uint64(90) {
			c.List = append(c.List, sg.Entry{Addr: i << 16, Len: 4096})
		}
		small, v := Minimise(c, func(c *Case) Verdict {
			limit := int(*of(&c.Limits))
			return Verdict{Failed: limit > 0 && len(c.List) > limit, Class: "too-long"}
		}, 1000)
		if !v.Failed || len(small.List) != 2 || *of(&small.Limits) != 1 {
			t.Errorf("%s:\n%s", name, Format(small))
		}
	}
}

// TestMinimiseGetsToTheOptions: a list that takes more calls than there are
// leaves some for the options.
func TestMinimiseGetsToTheOptions(t *testing.T) {
	c := &Case{PageSize: 65536, Dialect: "ofed"}
	for i := range uint64(500) {
		c.List = append(c.List, sg.Entry{Addr: i << 16, Len: uint32(4096 + i)})
	}
	small, _ := Minimise(c, func(c *Case) Verdict { return Verdict{Failed: len(c.List) == 500, Class: "exact"} }, 400)
	if small.PageSize != 0 || small.Dialect != "" {
		t.Errorf("page size %d and dialect %q are left", small.PageSize, small.Dialect)
	}
}
