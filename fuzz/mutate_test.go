package fuzz

import (
	"reflect"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// drawnPool is a pool of cases as drawn.
func drawnPool(n uint64) *pool {
	p, ch, params := new(pool), sg.NewChoices(nil), new(sg.Params)
	for i := range n {
		c := new(corpus.Case)
		ch.ResetRandom(CaseSeed(4, i))
		if Draw(ch, c, params); len(c.List) <= maxPoolEntries {
			p.add(poolCase{c, int(i % 7), 100})
		}
	}
	return p
}

// TestMutationsSurviveText demands that what is executed is what a case file
// says: a finding or a pool that is read back must be the same.
func TestMutationsSurviveText(t *testing.T) {
	p := drawnPool(300)
	m := newMutator(new(sg.Params))
	c := new(corpus.Case)
	for seed := range uint64(5000) {
		m.mutate(seed, p, c)
		back, err := corpus.Parse([]byte(corpus.Format(c)))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, corpus.Format(c))
		}
		want := c.Clone()
		want.Comments, want.Wants, back.Comments, back.Wants = nil, nil, nil, nil
		if len(want.List) == 0 {
			want.List, back.List = nil, nil
		}
		if !reflect.DeepEqual(back, want) {
			t.Fatalf("seed %d: read back as\n%+v\nwas\n%+v", seed, back, want)
		}
		if len(c.List) > maxMutated+maxPoolEntries {
			t.Fatalf("seed %d: %d entries", seed, len(c.List))
		}
	}
}

// TestMutationsChange applies each edit alone and demands that it does
// something, mostly, and leaves the pool alone.
func TestMutationsChange(t *testing.T) {
	p := drawnPool(50)
	var before []string
	for _, pc := range p.cases {
		before = append(before, corpus.Format(pc.c))
	}
	m := newMutator(new(sg.Params))
	m.pool = p
	c := new(corpus.Case)
	for _, e := range mutations {
		changed := 0
		for seed := range uint64(200) {
			m.ch.ResetRandom(seed)
			from := p.pick(m.ch)
			copyCase(c, from)
			if e.do(&m, c); !same(c, from) {
				changed++
			}
		}
		if changed < 40 {
			t.Errorf("%s changed %d cases of 200", e.name, changed)
		}
	}
	for i, pc := range p.cases {
		if corpus.Format(pc.c) != before[i] {
			t.Fatalf("case %d of the pool was changed", i)
		}
	}
}

// TestMutateAllocates nothing once its storage has grown.
func TestMutateAllocates(t *testing.T) {
	p := drawnPool(100)
	m := newMutator(new(sg.Params))
	c := new(corpus.Case)
	seed := uint64(0)
	work := func() {
		for range 500 {
			m.mutate(seed, p, c)
			seed++
		}
	}
	work()
	if n := testing.AllocsPerRun(4, func() { seed = 0; work() }); n > 5 {
		t.Errorf("%v allocations in 500 mutations", n)
	}
}

func TestPool(t *testing.T) {
	p := new(pool)
	for i := range maxPool + 10 {
		p.add(poolCase{&corpus.Case{Offset: uint64(i)}, 1, 100})
	}
	if len(p.cases) != maxPool || p.cases[9].c.Offset != maxPool+9 || p.cases[10].c.Offset != 10 {
		t.Errorf("%d cases, %d, %d", len(p.cases), p.cases[9].c.Offset, p.cases[10].c.Offset)
	}
	seen, ch := map[uint64]bool{}, sg.NewRandom(1)
	for range 40 * maxPool {
		seen[p.pick(ch).Offset] = true
	}
	if len(seen) < maxPool*9/10 || !seen[maxPool+9] {
		t.Errorf("%d of %d cases are ever picked", len(seen), maxPool)
	}
}

func TestFeatures(t *testing.T) {
	if a, b := featureOf(kindPair, 1, 2, 3, 4), feature(kindPair<<56|1<<48|2<<40|3<<32|4<<24); a != b {
		t.Errorf("%#x, want %#x", a, b)
	}
	for n, want := range map[int]uint8{-1: 0, 0: 0, 1: 1, 2: 2, 3: 3, 4: 3, 5: 4, 8: 4, 9: 5, 1 << 20: 21} {
		if got := class(n); got != want {
			t.Errorf("class of %d is %d, want %d", n, got, want)
		}
	}
	r := NewRunner(Options{Strategies: []string{"indirect"}, Variants: true})
	for _, row := range []struct {
		text string
		want trail
	}{
		{"sg 1+1\nsg 9+1\n", trail{descs: 2, regions: 1, tuples: 1, form: formInline, wrap: wrapNot}},
		{"queue 16@15\nsg 1+1\nsg 9+1\n", trail{descs: 2, regions: 1, tuples: 1, form: formInline, wrap: wrapFirst | 1}},
		{"queue 16@14\nsg 1+1\nsg 9+1\n", trail{descs: 2, regions: 1, tuples: 1, form: formInline, wrap: wrapFirst | 2}},
		{"dma merge 65536\nsg 0+4096\nsg 4096+1\n", trail{descs: 1, regions: 1, tuples: 1, form: formInline, wrap: wrapNot, dma: dmaFewer}},
		{"dma split 4096\nsg 0+8192\n", trail{descs: 2, regions: 1, tuples: 1, form: formInline, wrap: wrapNot, dma: dmaMore}},
	} {
		c, err := corpus.Parse([]byte(row.text))
		if err != nil {
			t.Fatal(err)
		}
		outs, err := r.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		got := outs[0].trail
		if got.variants == 0 {
			t.Errorf("%q: no variants", row.text)
		}
		if got.variants = 0; got != row.want {
			t.Errorf("%q: %+v, want %+v", row.text, got, row.want)
		}
	}
}
