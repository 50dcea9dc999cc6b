package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// unit are constants whose products are easily told apart.
var unit = Constants{Post: 1, Build: 10, Copy: 0.5, Allocate: 1000, Register: 1e5, Fetch: 1e6, Bus: 64, Walk: 1e7, MKey: 1e8, Message: 1e9, RoundTrip: 1e12}

func newComparer(t *testing.T, c Config) *Comparer {
	t.Helper()
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func add(t *testing.T, m *Comparer, lists ...sg.List) {
	t.Helper()
	for i, l := range lists {
		if err := m.Add(context.Background(), &corpus.Case{Name: fmt.Sprint(i), List: l}); err != nil {
			t.Fatal(err)
		}
	}
}

func resultOf(t *testing.T, m *Comparer) *Result {
	t.Helper()
	r, err := m.Result(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Result) way(name string) *WayResult {
	for i := range r.Ways {
		if r.Ways[i].Way == name {
			return &r.Ways[i]
		}
	}
	return nil
}

// TestByHand registers two lists whose costs are worked out here: two whole
// pages, and two pieces of 100 bytes in the middle of nowhere.
//
// A REG_MR with its list inline is 16 bytes of control, 48 of UMR control, 64
// of context and 64 of list; an RDMA WRITE of two segments 16, 16 and 2*16.
// multimr needs a region for each piece and one for the table.
func TestByHand(t *testing.T) {
	m := newComparer(t, Config{Constants: unit})
	add(t, m, sg.List{{Addr: 0x10000, Len: 4096}, {Addr: 0x20000, Len: 4096}}, sg.List{{Addr: 0x30064, Len: 100}, {Addr: 0x40000, Len: 100}})
	r := resultOf(t, m)
	if w := r.Workload; w.Lists != 2 || w.Entries != 4 || w.Bytes != 8392 || w.Sampled {
		t.Errorf("workload %+v", w)
	}
	// figures of the two lists; -1 for a list not taken
	type two [2]float64
	const no = -1
	for _, want := range []struct {
		way                                                  string
		accepted, fallback                                   int
		reasons                                              string
		regions, rkeys, descs, wqes, wqeBytes, copied, pages two
		fetches, ns                                          two
	}{
		// ns: post a request and its invalidation, write descriptors and the tuple,
		// register, the WQE over the bus, the peer's request
		{"fastreg", 1, 0, "gap 1", two{1, no}, two{1, no}, two{2, no}, two{1, no}, two{192, no}, two{0, no}, two{0, no},
			two{1, no}, two{2 + 30 + 1e5 + 3 + 1e9 + 1, no}},
		{"fastreg+bounce", 1, 1, "gap 1", two{1, 1}, two{1, 1}, two{2, 1}, two{1, 1}, two{192, 192}, two{0, 200}, two{0, 1},
			two{1, 1}, two{2 + 30 + 1e5 + 3 + 1e9 + 1, 2 + 20 + 400 + 1000 + 1e5 + 3 + 1e9 + 1}},
		{"multimr", 2, 0, "", two{1, 3}, two{1, 2}, two{2, 3}, two{1, 3}, two{192, 576}, two{0, 0}, two{0, 0},
			two{1, 3}, two{2 + 30 + 1e5 + 3 + 1e9 + 1, 6 + 50 + 3e5 + 9 + 2e9 + 2}},
		{"bounce", 2, 0, "", two{1, 1}, two{1, 1}, two{2, 1}, two{1, 1}, two{192, 192}, two{8192, 200}, two{2, 1},
			two{1, 1}, two{2 + 30 + 16384 + 2000 + 1e5 + 3 + 1e9 + 1, 2 + 20 + 400 + 1000 + 1e5 + 3 + 1e9 + 1}},
		{"pool512", 1, 0, "sector 1", two{1, no}, two{1, no}, two{2, no}, two{1, no}, two{192, no}, two{0, no}, two{0, no},
			two{1, no}, two{2 + 30 + 1e5 + 3 + 1e9 + 1, no}},
		{"pool512+bounce", 1, 1, "sector 1", two{1, 1}, two{1, 1}, two{2, 1}, two{1, 1}, two{192, 192}, two{0, 200}, two{0, 1},
			two{1, 1}, two{2 + 30 + 1e5 + 3 + 1e9 + 1, 2 + 20 + 400 + 1000 + 1e5 + 3 + 1e9 + 1}},
		{"indirect", 2, 0, "", two{1, 1}, two{1, 1}, two{2, 2}, two{1, 1}, two{192, 192}, two{0, 0}, two{0, 0},
			two{1, 1}, two{2 + 30 + 1e5 + 3 + 2e7 + 1e9 + 1, 2 + 30 + 1e5 + 3 + 2e7 + 1e9 + 1}},
		{"rdmarw", 2, 0, "", two{0, 0}, two{0, 0}, two{2, 2}, two{1, 1}, two{64, 64}, two{0, 0}, two{0, 0},
			two{1, 1}, two{1 + 20 + 1 + 1e9 + 1, 1 + 20 + 1 + 1e9 + 1}},
		{"umem", 1, 0, "page-size 1", two{1, no}, two{1, no}, two{2, no}, two{0, no}, two{0, no}, two{0, no}, two{0, no},
			two{0, no}, two{30 + 1e8 + 1e9 + 1, no}},
		{"auto", 2, 0, "", two{1, 1}, two{1, 1}, two{2, 2}, two{1, 1}, two{192, 192}, two{0, 0}, two{0, 0},
			two{1, 1}, two{2 + 30 + 1e5 + 3 + 1e9 + 1, 2 + 30 + 1e5 + 3 + 2e7 + 1e9 + 1}},
	} {
		w := r.way(want.way)
		if w.Accepted != want.accepted || w.ByFallback != want.fallback || w.Refused != 2-want.accepted-want.fallback || ReasonText(w.Reasons) != want.reasons {
			t.Errorf("%s: %d accepted, %d by fallback, %d refused: %s", want.way, w.Accepted, w.ByFallback, w.Refused, ReasonText(w.Reasons))
		}
		for _, f := range []struct {
			name string
			got  Dist
			want two
		}{
			{"regions", w.Regions, want.regions}, {"rkeys", w.Rkeys, want.rkeys}, {"descriptors", w.Descriptors, want.descs},
			{"WQEs", w.WQEs, want.wqes}, {"WQE bytes", w.WQEBytes, want.wqeBytes}, {"copied", w.BytesCopied, want.copied},
			{"buffers", w.Buffers, want.pages}, {"fetches", w.Fetches, want.fetches}, {"time", w.TimeNs, want.ns},
		} {
			low, high := min(f.want[0], f.want[1]), max(f.want[0], f.want[1])
			if f.want[1] == no {
				low, high = f.want[0], f.want[0]
			}
			near(t, want.way+" "+f.name, f.got, Dist{(low + high) / 2, (low + high) / 2, low + 0.99*(high-low), high})
		}
		sum := 0.0
		for _, v := range w.Causes {
			sum += v
		}
		if math.Abs(sum-w.TimeNs.Mean) > 1e-9*sum {
			t.Errorf("%s: causes add up to %v, time is %v", want.way, sum, w.TimeNs.Mean)
		}
	}
}

func near(t *testing.T, what string, got, want Dist) {
	t.Helper()
	for _, p := range [][2]float64{{got.Mean, want.Mean}, {got.P50, want.P50}, {got.P99, want.P99}, {got.Max, want.Max}} {
		if math.Abs(p[0]-p[1]) > 1e-9*math.Abs(p[1]) {
			t.Errorf("%s: %+v, want %+v", what, got, want)
			return
		}
	}
}

// TestLongLists works out what does not stand inline: five KLMs of 16 bytes in
// a list of 128, a WQE with a pointer in its place, a second fetch; and for SRP a
// table of 13 tuples, which the target must read.
func TestLongLists(t *testing.T) {
	m := newComparer(t, Config{Constants: unit})
	var l sg.List
	for i := range uint64(13) {
		l = append(l, sg.Entry{Addr: 0x10000*i + 0x10001, Len: 1})
	}
	add(t, m, l[:5])
	near(t, "list bytes", resultOf(t, m).way("indirect").ListBytes, Dist{128, 128, 128, 128})
	r := resultOf(t, m).way("indirect")
	near(t, "WQE bytes", r.WQEBytes, Dist{144, 144, 144, 144})
	near(t, "fetches", r.Fetches, Dist{2, 2, 2, 2})
	near(t, "fetch ns", Dist{Mean: r.Causes["fetch"]}, Dist{Mean: 1e6 + (144+128)/64.0})
	near(t, "walk ns", Dist{Mean: r.Causes["walk"]}, Dist{Mean: 5e7})
	if p := r.Pools; len(p) != 1 || p[0].ElementBytes != 5*16 || p[0].Element != PoolRegions {
		t.Errorf("pools of indirect: %+v", p)
	}

	m = newComparer(t, Config{Constants: unit})
	add(t, m, l[:12])
	short := resultOf(t, m).way("multimr").Causes["remote"]
	m = newComparer(t, Config{Constants: unit})
	add(t, m, l)
	long := resultOf(t, m).way("multimr")
	near(t, "remote ns", Dist{Mean: short}, Dist{Mean: 12 * (1e9 + 1)})
	near(t, "remote ns with a table", Dist{Mean: long.Causes["remote"]}, Dist{Mean: 13*(1e9+1) + 1e12})
	near(t, "regions", long.Regions, Dist{14, 14, 14, 14})
}

// TestPools of a list of sectors, which take the second pool of pool512, and
// one of pages, which does not.
func TestPools(t *testing.T) {
	m := newComparer(t, Config{Queue: Queue{Depth: 4, Service: 100, Idle: 100, IOs: 1000, Target: 0, Seed: 1}})
	add(t, m, sg.List{{Addr: 0x10000, Len: 512}, {Addr: 0x20000, Len: 1024}}, sg.List{{Addr: 0x10000, Len: 4 * 4096}})
	r := resultOf(t, m)
	type pool struct {
		element    string
		mean, most float64
		each       float64
		worst      int
	}
	for way, want := range map[string][]pool{
		"fastreg":  {{PoolRegions, 1, 1, 4 * 8, 4}},
		"bounce":   {{PoolRegions, 1, 1, 4 * 8, 4}, {PoolBuffers, 2.5, 4, 4096, 16}},
		"pool512":  {{PoolRegions, 0.5, 1, 4 * 8, 4}, {PoolSectors, 0.5, 1, 3 * 8, 4}},
		"multimr":  {{PoolRegions, 2, 3, 4 * 8, 12}},
		"indirect": {{PoolRegions, 1, 1, 2 * 16, 4}},
		"umem":     nil, "rdmarw": nil,
	} {
		got := r.way(way).Pools
		if len(got) != len(want) {
			t.Errorf("%s: %d pools %+v", way, len(got), got)
			continue
		}
		for i, p := range got {
			w := want[i]
			if (pool{p.Element, p.Need.Mean, p.Need.Max, p.ElementBytes, p.Worst}) != w || p.Size > p.Worst || p.Exhaustion != 0 {
				t.Errorf("%s: %+v, want %+v", way, p, w)
			}
			if p.Bytes != float64(p.Size)*w.each || p.WorstBytes != float64(w.worst)*w.each || p.Curve[len(p.Curve)-1].Short != 0 {
				t.Errorf("%s: %+v", way, p)
			}
		}
	}
}

// TestEmbedded adds every embedded case: whatever the lists, the answers add
// up, and auto takes what any single region takes.
func TestEmbedded(t *testing.T) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	m := newComparer(t, Config{Queue: Queue{Depth: 2, Service: 1, Idle: 1, IOs: MinIOs}})
	n := 0
	for _, c := range cases {
		if testing.Short() && len(c.List) > 100 {
			continue
		}
		if err := m.Add(context.Background(), c); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if n++; m.Lists() != n {
			t.Fatalf("%d lists after %d cases", m.Lists(), n)
		}
		if m.taken[indexOf(m.strategies, "fastreg")].ok && !m.taken[indexOf(m.strategies, "auto")].ok {
			t.Errorf("%s: fastreg takes it, auto does not", c.Name)
		}
	}
	for _, w := range resultOf(t, m).Ways {
		reasons := 0
		for _, k := range w.Reasons {
			reasons += k
		}
		if w.Accepted+w.ByFallback+w.Refused != n || reasons != n-w.Accepted || w.Accepted == 0 || (w.ByFallback > 0) != (w.Fallback != "") {
			t.Errorf("%s: %d accepted, %d by fallback, %d refused of %d: %v", w.Way, w.Accepted, w.ByFallback, w.Refused, n, w.Reasons)
		}
	}
}

// TestDeterminism demands the same result from the same seed, and another queue
// from another.
func TestDeterminism(t *testing.T) {
	run := func(seed uint64) (ways, all string) {
		q := DefaultQueue()
		q.Seed, q.IOs = seed, 1000
		m := newComparer(t, Config{Queue: q})
		if err := Draw("writev", 7, 40, func(c *corpus.Case) error { return m.Add(context.Background(), c) }); err != nil {
			t.Fatal(err)
		}
		var one, b bytes.Buffer
		r := resultOf(t, m)
		if err := errors.Join(json.NewEncoder(&one).Encode(r.Ways), json.NewEncoder(&b).Encode(r), r.WriteText(&b), r.WriteHTML(&b)); err != nil {
			t.Fatal(err)
		}
		return one.String(), b.String()
	}
	ways, all := run(1)
	if _, again := run(1); again != all {
		t.Error("another run gives something else")
	}
	if other, _ := run(2); other == ways {
		t.Error("the seed of the queue does nothing")
	}
}

// TestDirection: what a peer writes is copied out, and moved by RDMA READ.
func TestDirection(t *testing.T) {
	l := sg.List{{Addr: 0x10001, Len: 5000}}
	for _, dir := range []string{"", corpus.DirRead, corpus.DirWrite} {
		m := newComparer(t, Config{Dir: dir})
		add(t, m, l)
		if w := resultOf(t, m).way("bounce"); w.BytesCopied.Mean != 5000 {
			t.Errorf("%q: %v bytes copied", dir, w.BytesCopied.Mean)
		}
	}
	m := newComparer(t, Config{})
	if err := m.Add(context.Background(), &corpus.Case{List: l, Dir: corpus.DirWrite, Strategy: "umem", Wants: []corpus.Want{{Strategy: "indirect", Verdict: corpus.WantReject}}}); err != nil {
		t.Errorf("what a case says of strategies and answers counts: %v", err)
	}
}

// TestDMA cuts an entry of two pages and a bit into three, which a page list
// does not notice, unless the case says how it is mapped.
func TestDMA(t *testing.T) {
	m := newComparer(t, Config{DMA: sg.DMA{Mode: sg.Split, Limit: 4096}})
	l := sg.List{{Addr: 0x10001, Len: 8193}}
	add(t, m, l)
	if err := m.Add(context.Background(), &corpus.Case{List: l, DMA: sg.DMA{Mode: sg.Split, Limit: 8192}}); err != nil {
		t.Fatal(err)
	}
	r := resultOf(t, m)
	near(t, "KLMs", r.way("indirect").Descriptors, Dist{2.5, 2.5, 2.99, 3})
	near(t, "pages", r.way("fastreg").Descriptors, Dist{3, 3, 3, 3})
	var b strings.Builder
	if err := errors.Join(r.WriteText(&b), r.WriteHTML(&b)); err != nil || strings.Count(b.String(), "apped for DMA: split 4096") != 2 {
		t.Errorf("%v in %s", err, b.String())
	}
}

// TestCharts looks at the figures behind the pictures.
func TestCharts(t *testing.T) {
	q := DefaultQueue()
	q.IOs = 1000
	m := newComparer(t, Config{Queue: q})
	add(t, m, sg.List{{Addr: 0x10000, Len: 4096}, {Addr: 0x20000, Len: 4096}}, sg.List{{Addr: 0x30064, Len: 100}, {Addr: 0x40000, Len: 100}})
	r := resultOf(t, m)
	answers := r.AnswerChart()
	for i, label := range answers.Labels {
		w := r.way(label)
		for k, n := range []int{w.Accepted, w.ByFallback, w.Refused} {
			if got := answers.Series[k].V[i]; got != float64(n)/2 {
				t.Errorf("%s, %s: %v", label, answers.Series[k].Name, got)
			}
		}
	}
	for i, label := range r.TimeChart().Labels {
		sum := 0.0
		for _, s := range r.TimeChart().Series {
			sum += s.V[i]
		}
		if w := r.way(label); math.Abs(sum-w.TimeNs.Mean) > 1e-9*sum {
			t.Errorf("%s: %v ns, the parts of the bar are %v", label, w.TimeNs.Mean, sum)
		}
	}
	lines := r.PoolLines()
	if got := lines[0]; got.Name != "fastreg, 6 more" || len(got.Ways) != 7 || got.Pool.Element != PoolRegions {
		t.Errorf("%s: %v", got.Name, got.Ways)
	}
	for i, l := range r.PoolChart().Lines {
		last := l.Points[len(l.Points)-1]
		if last.X != float64(lines[i].Pool.Worst) || last.Y != 0.001 || l.Points[0].Y <= 0.001 || l.Note != lines[i].Pool.Element {
			t.Errorf("%s: %v", l.Name, l.Points)
		}
	}
}

// TestDraw demands other lists from another seed, the same from the same, and
// an end when fn wants one.
func TestDraw(t *testing.T) {
	draw := func(name string, seed uint64) (text string) {
		if err := Draw(name, seed, 20, func(c *corpus.Case) error { text += fmt.Sprintf("%v;", c.List); return nil }); err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, name := range Generators() {
		if one := draw(name, 1); one != draw(name, 1) || one == draw(name, 2) || strings.Count(one, ";") != 20 {
			t.Errorf("%s: the seed does nothing, or too much", name)
		}
	}
	stop, n := errors.New("stop"), 0
	if err := Draw(AllGenerators, 1, 20, func(*corpus.Case) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}
