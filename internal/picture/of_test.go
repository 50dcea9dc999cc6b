package picture

import (
	"errors"
	"math/bits"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/mutants"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestEmbeddedCasesAddUp holds for every embedded case that the rows of the
// list and of every registration make up the whole, in order, and that a sound
// registration reaches the list's bytes and none is blamed.
func TestEmbeddedCasesAddUp(t *testing.T) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]int{}
	for n, c := range cases {
		if testing.Short() && len(c.List) > 1000 {
			continue
		}
		p, err := Of(c, Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		checkList(t, c, p)
		for i := range p.Strategies {
			s := &p.Strategies[i]
			answers[s.Answer]++
			if s.Failed() || s.Blame != nil {
				t.Errorf("%s, %s: failed: %v", c.Name, s.Name, s.Failures)
			}
			checkStrategy(t, c, s)
			if i == n%len(p.Strategies) {
				parse(t, c.Name+" "+s.Name, p.SVG(s, SVGOptions{}))
				textOf(t, p, plainStyle(40+n%60))
			}
		}
	}
	if lapped > 3 {
		t.Errorf("of %d registrations nothing is shown", lapped)
	}
	if answers["accepted"] < 400 || answers["refused"] < 100 || answers["partial"] < 50 {
		t.Errorf("too little was looked at: %v", answers)
	}
}

func checkList(t *testing.T, c *corpus.Case, p *Picture) {
	t.Helper()
	n, stream := 0, uint64(0)
	for _, e := range p.List {
		if e.Index != n || e.Stream != stream {
			t.Fatalf("%s: row of entry %d at %d, want %d at %d", c.Name, e.Index, e.Stream, n, stream)
		}
		n += max(e.Skipped, 1)
		stream += e.Len
	}
	if n != len(c.List) || stream != c.List.Total() || p.Entries != n || p.Bytes != stream {
		t.Fatalf("%s: rows have %d entries, %d bytes; the list %d, %d", c.Name, n, stream, len(c.List), c.List.Total())
	}
	if len(p.List) > DefaultMost+DefaultMost/4 {
		t.Errorf("%s: %d rows", c.Name, len(p.List))
	}
	named := map[int]uint64{}
	for i, b := range p.Memory {
		at := uint64(b.Addr)
		if i > 0 && uint64(p.Memory[i-1].Addr)+p.Memory[i-1].Len+b.Gap != at {
			t.Errorf("%s: band %d is not %d bytes behind the one before", c.Name, i, b.Gap)
		}
		for _, s := range b.Segments {
			if uint64(s.Addr) != at || s.Named != len(s.Entries) && s.Named <= maxNamed {
				t.Errorf("%s: segment %+v, want one at %#x", c.Name, s, at)
			}
			at += s.Len
			for _, e := range s.Entries {
				named[e] += s.Len
			}
		}
		if at != uint64(b.Addr)+b.Len {
			t.Errorf("%s: segments of band %d end at %#x", c.Name, i, at)
		}
	}
	for e, n := range named {
		if n > uint64(c.List[e].Len) {
			t.Errorf("%s: entry %d has %d bytes in memory, not %d", c.Name, e, n, c.List[e].Len)
		}
	}
}

var lapped int

func checkStrategy(t *testing.T, c *corpus.Case, s *Strategy) {
	t.Helper()
	at, rows, descs := c.Offset, 0, 0
	for i := range s.Regions {
		g := &s.Regions[i]
		if g.Aux {
			continue
		}
		if g.Stream != at {
			t.Errorf("%s, %s: region %d is at %d, want %d", c.Name, s.Name, i, g.Stream, at)
			return
		}
		n := 0
		for k := range g.Pieces {
			p := &g.Pieces[k]
			if p.Stream != at {
				t.Errorf("%s, %s: piece %d of region %d is at %d, want %d", c.Name, s.Name, k, i, p.Stream, at)
				return
			}
			checkPiece(t, c, s, p)
			at += p.Len
			n += max(p.Skipped, 1)
			rows++
		}
		if at != g.Stream+g.Bytes || n != g.Descriptors {
			t.Errorf("%s, %s: region %d ends at %d with %d descriptors, want %d with %d", c.Name, s.Name, i, at, n, g.Stream+g.Bytes, g.Descriptors)
		}
		descs += n
	}
	if s.Lapped && len(s.Regions) == 0 {
		lapped++ // not even the largest queue holds the requests
		return
	}
	if at != c.Offset+s.Covered || s.Answer == "accepted" && s.Covered != c.List.Total()-c.Offset {
		t.Errorf("%s, %s %s: pieces end at %d, %d are covered", c.Name, s.Name, s.Answer, at, s.Covered)
	}
	if rows > 2*DefaultMost || len(s.Requests) > DefaultMost || len(s.Tuples) > DefaultMost {
		t.Errorf("%s, %s: %d rows, %d requests, %d tuples", c.Name, s.Name, rows, len(s.Requests), len(s.Tuples))
	}
	if s.Initiator && len(s.Regions) > 0 && s.Regions[0].Kind != KindSGE {
		descs += len(s.Requests) - len(s.Regions) // an RDMA request each, of one segment
	}
	if s.Answer == "accepted" && s.Name != "multimr" && descs != s.Cost.Descriptors {
		t.Errorf("%s, %s: %d descriptors, the cost record has %d", c.Name, s.Name, descs, s.Cost.Descriptors)
	}
}

func checkPiece(t *testing.T, c *corpus.Case, s *Strategy, p *Piece) {
	t.Helper()
	if p.Wrong || p.Skipped > 0 && !p.Run {
		if p.Wrong {
			t.Errorf("%s, %s: %+v is wrong", c.Name, s.Name, p)
		}
		return
	}
	if len(p.Memory) == maxExtents {
		return // cut short
	}
	var got []sg.Extent
	for _, e := range p.Memory {
		got = append(got, sg.Extent{Addr: uint64(e.Addr), Len: e.Len})
	}
	want := c.List.AppendExtents(nil, p.Stream, p.Len)
	if len(got) != len(want) {
		t.Fatalf("%s, %s: %+v, the list has %v", c.Name, s.Name, p, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s, %s: %+v, the list has %v", c.Name, s.Name, p, want)
		}
	}
	if p.First > p.Last || p.Last >= len(c.List) {
		t.Errorf("%s, %s: entries %d to %d", c.Name, s.Name, p.First, p.Last)
	}
}

// blamed is what is at fault by Cause, where the mutant is one descriptor's, on
// the witness.
var blamed = map[string]string{
	"klm-neighbours-swapped":        "KLM 0",
	"klm-address-low-half":          "KLM 0",
	"klm-last-dropped":              "KLM 1",
	"klm-last-rounded-up":           "KLM 0",
	"mtt-duplicate-first":           "MTT 1",
	"mtt-last-dropped":              "MTT 3",
	"page-size-by-lengths":          "MTT 1",
	"blocks-of-4g-truncated":        "MTT 1",
	"gap-test-on-first-page":        "MTT 1",
	"piece-minimum-before-offset":   "KLM 1",
	"chain-entry-as-data":           "SGE 2",
	"rdma-segments-reversed":        "SGE 0",
	"pull-up-from-page-start":       "copy of bounce page 0",
	"every-page-has-all-bytes":      "copy of bounce page 1",
	"mkc-start-high-half":           "key 0x100001",
	"key-attributes-uninitialised":  "key 0x100001",
	"ctrl-index":                    "work request 0",
	"octowords-not-rounded":         "work request 0",
	"stale-entries-registered":      "MTT 3",
	"second-table-unfilled":         "MTT 0",
	"one-address-a-mapped-entry":    "MTT 4",
	"latent-empty-entry":            "MTT 1",
	"unmapped-with-mapped-count":    "",
	"offset-in-the-first-page-only": "MTT 0",
	"blocks-of-the-length":          "MTT 1",
	"user-address-for-iova":         "key 0x100000",
	"common-divisor-in-32-bits":     "",
	"never-invalidated":             "",
	"latent-entity-2g":              "KLM 2",
	"descriptors-overstated":        "",
	"mapping-end-counts-once-more":  "MTT 0",
	"pages-without-the-offset":      "MTT 1",
	"adjacent-below-is-joined":      "MTT 0",
	"kernel-exact-klms":             "KLM 0",
	"remote-address-page-masked":    "key 0x100001",
	"rdma-address-not-advanced":     "SGE 0",
	"first-page-of-the-allocation":  "MTT 0",
	"virtual-address-ignored":       "key 0x100000",
	"atomic-offset-disagreed":       "MTT 0",
	"region-starts-at-the-map":      "MTT 0",
	"page-shift-clamped":            "MTT 1",
	"root-of-four-overrun":          "MTT 4",
	"page-size-mask-bit-missing":    "MTT 0",
	"small-pages-for-large":         "MTT 0",
	"place-in-system-page-lost":     "MTT 0",
	"sector-pages-as-4k":            "MTT 0",
	"gap-only-at-unaligned-start":   "MTT 0",
	"errno-compared-unsigned":       "MTT 0",
	"end-wraps-to-zero":             "work request 0",
	"offset-underflows-the-page":    "MTT 3",
	"tuples-swapped":                "MTT 0",
	"copy-back-forgotten":           "",
	"dma-address-40-bits":           "",
	"dma-read-wraps-in-page":        "",
	"umr-despite-capability":        "work request 0",
	"wqe-size-of-another-compiler":  "work request 0",
	"key-bits-without-mask":         "key 0x100001",
	"mtt-byte-order":                "MTT 0",
	"iova-alignment-ignored":        "MTT 0",
	"blocks-from-system-page":       "MTT 0",
	"no-page-size-is-some":          "MTT 0",
	"length-in-32-bits":             "key 0x100001",
	"pages-counted-in-4k":           "MTT 1",
}

// TestMutantsAreShown shows every mutant by its witness: it fails, and what is
// blamed is what the mutant broke.
func TestMutantsAreShown(t *testing.T) {
	parts := 0
	for _, m := range mutants.All() {
		c, err := fuzz.Witness(m)
		if err != nil {
			t.Fatal(err)
		}
		c.Strategy = ""
		p, err := Of(c, Options{Mutant: m.Name})
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		var b *Blame
		for i := range p.Strategies {
			if s := &p.Strategies[i]; s.Failed() {
				b = s.Blame
				checkBlame(t, m.Name, c, s)
				break
			}
		}
		if b == nil {
			t.Errorf("%s: nothing failed", m.Name)
			continue
		}
		if want, ok := blamed[m.Name]; ok && b.Part != want {
			t.Errorf("%s (%s): %q is blamed, not %q: %s", m.Name, m.Cause, b.Part, want, b.Text)
		}
		if b.Part != "" {
			parts++
		}
	}
	if parts < len(mutants.All())/2 {
		t.Errorf("of %d mutants %d have something to blame", len(mutants.All()), parts)
	}
	for name := range blamed {
		if _, ok := mutants.ByName(name); !ok {
			t.Errorf("%s: no such mutant", name)
		}
	}
}

// checkBlame holds that what a Blame names is there, and wrong.
func checkBlame(t *testing.T, name string, c *corpus.Case, s *Strategy) {
	b := s.Blame
	if b.Text == "" {
		t.Errorf("%s: blame without a word", name)
	}
	if b.Want != nil {
		if w := c.List.AppendExtents(nil, b.Stream, 1); len(w) != 1 || Addr(w[0].Addr) != b.Want.Addr {
			t.Errorf("%s: byte %d is at %v, the list says %v", name, b.Stream, b.Want.Addr, w)
		}
	}
	if b.Reaches != nil && b.Want != nil && b.Reaches.Addr == b.Want.Addr {
		t.Errorf("%s: %v is what the list has", name, b.Want)
	}
	if b.Index < 0 {
		return
	}
	if b.Region < 0 || b.Region >= len(s.Regions) {
		t.Errorf("%s: blames %s of region %d, there are %d", name, b.Part, b.Region, len(s.Regions))
		return
	}
	for _, p := range s.Regions[b.Region].Pieces {
		if p.Index == b.Index && p.Skipped == 0 {
			return
		}
	}
	t.Errorf("%s: %s of region %d is not shown", name, b.Part, b.Region)
}

func TestErrors(t *testing.T) {
	c := &corpus.Case{List: sg.List{{Addr: 0x1000, Len: 10}}}
	for _, x := range []struct {
		o    Options
		want error
	}{
		{Options{Strategies: []string{"nothing"}}, ErrStrategy},
		{Options{Mutant: "nothing"}, ErrMutant},
		{Options{Mutant: "klm-byte-order", Strategies: []string{"umem"}}, ErrConcern},
	} {
		if p, err := Of(c, x.o); !errors.Is(err, x.want) || p != nil {
			t.Errorf("%+v: %v", x.o, err)
		}
	}
	c.Profile = "nothing"
	if _, err := Of(c, Options{}); err == nil {
		t.Error("an unknown profile is taken")
	}
}

// TestLongLists holds bounds and content of pictures of lists that are too long
// to be drawn whole.
func TestLongLists(t *testing.T) {
	var shreds, big sg.List
	for i := range 65_000 {
		shreds = append(shreds, sg.Entry{Addr: 0x10000 + uint64(i)*5000, Len: uint32(100 + i%7)})
	}
	for i := range 4 {
		big = append(big, sg.Entry{Addr: uint64(i+1) << 33, Len: 1<<32 - 4096})
	}
	for name, l := range map[string]sg.List{"shreds": shreds, "big": big} {
		c := &corpus.Case{Name: name, List: l}
		p, err := Of(c, Options{Most: 64})
		if err != nil {
			t.Fatal(err)
		}
		checkList(t, c, p)
		if len(p.List) > 70 || len(p.Memory) > 70 {
			t.Errorf("%s: %d rows, %d bands", name, len(p.List), len(p.Memory))
		}
		accepted := 0
		for i := range p.Strategies {
			s := &p.Strategies[i]
			checkStrategy(t, c, s)
			if s.Answer == "accepted" {
				accepted++
			}
			n := 0
			for k := range s.Regions {
				n += len(s.Regions[k].Pieces)
			}
			if n > 200 {
				t.Errorf("%s, %s: %d pieces", name, s.Name, n)
			}
		}
		if accepted < 2 {
			t.Errorf("%s: %d strategies accept", name, accepted)
		}
	}
}

// TestChoose holds that spans make up the whole, keep to the bound and show
// what must be seen.
func TestChoose(t *testing.T) {
	for _, n := range []int{0, 1, 16, 17, 100, 10_000} {
		for _, must := range [][]int{nil, {0}, {n - 1}, {n / 2}, {8, 9}, {n / 3, n / 3, n}} {
			at, shown := 0, 0
			seen := map[int]bool{}
			for i, s := range choose(n, 16, must) {
				if s.from != at || s.to <= s.from || !s.shown && i == 0 {
					t.Fatalf("%d rows, must %v: span %+v at %d", n, must, s, at)
				}
				if at = s.to; s.shown {
					shown += s.to - s.from
					for k := s.from; k < s.to; k++ {
						seen[k] = true
					}
				} else if s.to-s.from == 1 {
					t.Errorf("%d rows, must %v: one row is left out", n, must)
				}
			}
			if at != n || shown > 18 || n <= 16 && shown != n {
				t.Errorf("%d rows, must %v: end at %d, %d shown", n, must, at, shown)
			}
			if n > 16 && len(must) > 0 && must[0] >= 0 && must[0] < n && !seen[must[0]] && bits.Len(uint(n)) < 63 {
				t.Errorf("%d rows: %d is left out", n, must[0])
			}
		}
	}
}
