package fuzz

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// same compares what the choice encoding keeps: everything but the name, the
// comments and the wants.
func same(a, b *corpus.Case) bool {
	x, y := a.Clone(), b.Clone()
	for _, c := range []*corpus.Case{x, y} {
		c.Name, c.Comments, c.Wants = "", nil, nil
		normalise(c)
	}
	return corpus.Format(x) == corpus.Format(y)
}

func TestEmbeddedCasesEncode(t *testing.T) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		b, err := EncodeCase(nil, c)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		var got corpus.Case
		Draw(sg.NewChoices(b), &got, new(sg.Params))
		if !same(c, &got) {
			t.Errorf("%s: drawn back as\n%s\nwant\n%s", c.Name, corpus.Format(&got), corpus.Format(c))
		}
	}
	if len(cases) < 100 {
		t.Errorf("only %d embedded cases", len(cases))
	}
}

func TestDrawnCasesEncode(t *testing.T) {
	ch := sg.NewChoices(nil)
	var c, got corpus.Case
	var p sg.Params
	for n := range uint64(5000) {
		ch.ResetRandom(CaseSeed(1, n))
		Draw(ch, &c, &p)
		b, err := EncodeCase(nil, &c)
		if err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
		Draw(sg.NewChoices(b), &got, &p)
		if !same(&c, &got) {
			t.Fatalf("case %d: drawn back as\n%s\nwant\n%s", n, corpus.Format(&got), corpus.Format(&c))
		}
	}
}

func TestEveryOptionIsDrawn(t *testing.T) {
	seen := make([]map[uint64]bool, len(options))
	for i := range seen {
		seen[i] = map[uint64]bool{}
	}
	ch := sg.NewChoices(nil)
	for n := range uint64(20000) {
		ch.ResetRandom(CaseSeed(2, n))
		for i := range options {
			seen[i][options[i].draw(ch)] = true
		}
	}
	for i, o := range options {
		if want := len(o.values) + min(int(o.lit), 1); len(o.weights) != want {
			t.Errorf("%s: %d weights for %d values", o.name, len(o.weights), want)
		}
		for _, v := range o.values {
			if !seen[i][v] {
				t.Errorf("%s: %#x was never drawn", o.name, v)
			}
		}
		sum := 0
		for _, w := range o.weights {
			sum += w
		}
		if sum > 256 {
			t.Errorf("%s: weights add up to %d, a choice byte tells 256 apart", o.name, sum)
		}
	}
}

// TestEncodeRefusesUnknownNames: a name that is never drawn is not left out in
// silence.
func TestEncodeRefusesUnknownNames(t *testing.T) {
	for _, c := range []corpus.Case{{Profile: "sm[ll"}, {Dialect: "x"}, {Strategy: "x"}, {Dir: "x"}, {Limits: corpus.Limits{Queue: 3}}} {
		c.List = eight
		if b, err := EncodeCase(nil, &c); err == nil {
			t.Errorf("%x for\n%s", b, corpus.Format(&c))
		}
	}
}

func TestExhaustedStreamIsPlain(t *testing.T) {
	var c corpus.Case
	Draw(sg.NewChoices(nil), &c, new(sg.Params))
	plain := corpus.Case{List: c.List}
	if !same(&c, &plain) {
		t.Errorf("an empty stream draws\n%s", corpus.Format(&c))
	}
}

func ExampleDraw() {
	var c corpus.Case
	Draw(sg.NewRandom(7), &c, new(sg.Params))
	b, _ := EncodeCase(nil, &c)
	var again corpus.Case
	Draw(sg.NewChoices(b), &again, new(sg.Params))
	fmt.Println(slices.Equal(c.List, again.List))
	// Output: true
}
