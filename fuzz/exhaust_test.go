package fuzz

import (
	"context"
	"testing"
	"time"
)

func TestExhaustTry(t *testing.T) {
	for _, c := range []ExhaustConfig{
		{Entries: 2, Pages: 2, PageSize: 4},
		{Entries: 2, Pages: 2, PageSize: 512},
		{Entries: 2, Pages: 2, PageSize: 4096},
		{Entries: 2, Pages: 2, PageSize: 4, Base: ExhaustTop(2, 4)},
	} {
		s, err := Exhaust(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", s.ExhaustStats)
		for _, f := range s.Findings {
			t.Logf("%s %d %s: %s; replayed %s", f.Class, f.Index, listLabel(f.List), f.Text, f.Replayed)
		}
		_ = time.Now
	}
}
