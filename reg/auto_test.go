package reg

import (
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

func TestAuto(t *testing.T) {
	run := sg.List{{Addr: 0x1234, Len: 70000}, {}, {Addr: 0x1234 + 70000, Len: 5}}
	tests := []struct {
		name    string
		list    sg.List
		change  func(*Request)
		dialect string
		profile string
		want    string
		chosen  string
		descs   int
	}{
		{name: "run", list: run, want: "auto(contiguous)", chosen: "fastreg", descs: 1},
		{name: "run to the top", list: sg.List{{Addr: ^uint64(0x1fff), Len: 0x2000}}, want: "auto(contiguous)", chosen: "fastreg", descs: 1},
		{name: "run without page lists", list: run, dialect: "spdk", want: "auto(indirect)", chosen: "indirect", descs: 2},
		{name: "pages", list: sg.List{{Addr: 0x1800, Len: 0x800}, {Addr: 0x9000, Len: 5}}, want: "auto(fastreg)", chosen: "fastreg", descs: 2},
		{name: "gaps", list: scattered(9), want: "auto(indirect)", chosen: "indirect", descs: 9},
		{name: "long", list: scattered(65533), want: "auto(multimr)", chosen: "multimr", descs: 65533},
		{name: "long, one key", list: scattered(100), change: func(q *Request) { q.Limits.MaxRegions, q.Limits.MaxEntries = 1, 99 }, want: "auto(bounce)", chosen: "bounce", descs: 1},
		{name: "prefix", list: gaps(10), change: func(q *Request) {
			q.Partial, q.Limits.MaxRegions, q.Limits.MaxEntries, q.Limits.MaxTotal = true, 1, 3, 1
		}, want: "auto(indirect)", chosen: "indirect", descs: 3},
		{name: "noumr", list: scattered(9), profile: "noumr"},
	}
	for _, tt := range tests {
		if tt.profile == "" {
			tt.profile = "default"
		}
		e := newTestEnv(t, EnvConfig{Dialect: tt.dialect, Profile: profile(t, tt.profile)}, tt.list)
		req := request(tt.list)
		if tt.change != nil {
			tt.change(req)
		}
		var r Registration
		err := (Auto{}).Register(e, req, &r)
		if tt.want == "" {
			var f *Refusal
			if !errors.As(err, &f) || f.Strategy != "auto" || f.Reason != ReasonUnsupported {
				t.Errorf("%s: %v", tt.name, err)
			}
			checkNoLeaks(t, e, tt.name)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if r.Strategy != tt.want || r.Chosen != tt.chosen || r.Why == "" || r.Request != req || r.Cost.Descriptors != tt.descs {
			t.Errorf("%s: %s, %s, %q, %+v", tt.name, r.Strategy, r.Chosen, r.Why, r.Cost)
		}
		if err := (Auto{}).Release(e, &r); err != nil {
			t.Error(err)
		}
		checkNoLeaks(t, e, tt.name)
	}
	var f *Refusal
	e := newTestEnv(t, EnvConfig{}, nil)
	if err := (Auto{}).Register(e, request(sg.List{{Addr: 5}}), new(Registration)); !errors.As(err, &f) || f.Reason != ReasonEmpty || f.Strategy != "auto" {
		t.Error(err)
	}
}

func TestStrategyByName(t *testing.T) {
	for _, s := range Strategies() {
		if got, ok := StrategyByName(s.Name()); !ok || got.Name() != s.Name() {
			t.Errorf("%s: %v, %v", s.Name(), got, ok)
		}
	}
	if _, ok := StrategyByName("none"); ok {
		t.Error("finds what is not there")
	}
}
