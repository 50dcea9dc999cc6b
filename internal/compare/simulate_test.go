package compare

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// exact is the probability that an I/O is turned away, in closed form: the
// slots that hold I/Os, and what those hold, have a product form that is cut off
// at the size of the pool, whatever the distribution of service times. An I/O
// that is issued sees the other depth-1 slots as if its own were not there.
func exact(q *Queue, needs []int32, size int) float64 {
	most := 0
	for _, n := range needs {
		most = max(most, int(n))
	}
	share := make([]float64, most+1)
	for _, n := range needs {
		share[n] += 1 / float64(len(needs))
	}
	held := make([]float64, size+1) // probability that n I/Os hold so much, all within the size
	held[0] = 1
	weight, all, short := 1.0, 0.0, 0.0
	for n := 0; n < q.Depth; n++ {
		for in, p := range held {
			all += weight * p
			for need, s := range share {
				if s != 0 && in+need > size {
					short += weight * p * s
				}
			}
		}
		next := make([]float64, size+1)
		for in, p := range held {
			for need, s := range share {
				if s != 0 && in+need <= size {
					next[in+need] += p * s
				}
			}
		}
		held = next
		weight *= float64(q.Depth-1-n) / float64(n+1) * q.Service / q.Idle
	}
	return short / all
}

// erlangB is the loss of c servers with an offered load.
func erlangB(c int, load float64) float64 {
	b := 1.0
	for i := 1; i <= c; i++ {
		b = load * b / (float64(i) + load*b)
	}
	return b
}

// engset is the loss that a source of a finite number sees, load each.
func engset(sources, servers int, load float64) float64 {
	term, sum := 1.0, 0.0
	for i := 0; i <= servers; i++ {
		sum += term
		if i < servers {
			term *= float64(sources-1-i) / float64(i+1) * load
		}
	}
	return term / sum
}

// TestExact holds the closed form of the tests to Engset's and Erlang's.
func TestExact(t *testing.T) {
	q := Queue{Depth: 9, Service: 30, Idle: 70}
	if got, want := exact(&q, []int32{1}, 4), engset(9, 4, 30.0/70); math.Abs(got-want) > 1e-12 {
		t.Errorf("Engset: %v, not %v", got, want)
	}
	q = Queue{Depth: 4000, Service: 1, Idle: 4000.0/7 - 1}
	if got, want := exact(&q, []int32{1}, 10), erlangB(10, 7); math.Abs(got/want-1) > 0.01 {
		t.Errorf("Erlang: %v, not %v", got, want)
	}
	// With needs of 0 and 1 and room for all, how many hold is binomial: an I/O
	// that needs 1 of 1 is turned away if another holds it.
	q = Queue{Depth: 2, Service: 1, Idle: 1}
	// the other slot: idle 1, holding nothing 1/2, holding it 1/2; so short 1/4 of 1/2
	if got := exact(&q, []int32{0, 1}, 1); math.Abs(got-0.125) > 1e-12 {
		t.Errorf("two slots: %v", got)
	}
}

// TestSimulation compares with the closed form, for service times of both
// kinds: only their mean counts.
func TestSimulation(t *testing.T) {
	mixed := []int32{1, 1, 1, 2, 2, 5}
	for _, row := range []struct {
		q     Queue
		needs []int32
		size  int
	}{
		{Queue{Depth: 9, Service: 30, Idle: 70}, []int32{1}, 4},
		{Queue{Depth: 9, Service: 30, Idle: 70, Fixed: true}, []int32{1}, 4},
		{Queue{Depth: 16, Service: 100, Idle: 25}, mixed, 24},
		{Queue{Depth: 16, Service: 100, Idle: 25, Fixed: true}, mixed, 24},
		{Queue{Depth: 16, Service: 100, Idle: 25}, mixed, 36},
		{Queue{Depth: 64, Service: 100, Idle: 25}, []int32{0, 3}, 75},
		{Queue{Depth: 3, Service: 1, Idle: 1000}, mixed, 4},
		{Queue{Depth: 2000, Service: 1, Idle: 2000.0/7 - 1}, []int32{1}, 10}, // Erlang's 7 in 10 servers, nearly
	} {
		row.q.IOs, row.q.Seed = 1_000_000, 12
		ios, short, err := row.q.simulate(context.Background(), row.needs, row.size)
		if err != nil || ios != row.q.IOs {
			t.Fatal(ios, err)
		}
		got, want := float64(short)/float64(ios), exact(&row.q, row.needs, row.size)
		// Losses come in bursts, which doubles the deviation of independent trials
		// (measured with 60 seeds); four of these for chance.
		if off := math.Abs(got - want); off > 8*math.Sqrt(want*(1-want)/float64(ios)) {
			t.Errorf("%+v, needs %v, pool of %d: %.5f, exact %.5f", row.q, row.needs, row.size, got, want)
		}
	}
}

// TestSimulationEdges has pools that never and always run out.
func TestSimulationEdges(t *testing.T) {
	q := Queue{Depth: 8, Service: 100, Idle: 1, IOs: 2000}
	for _, row := range []struct {
		needs []int32
		size  int
		short int
	}{{[]int32{3}, 24, 0}, {[]int32{0}, 0, 0}, {[]int32{3}, 2, 2000}, {[]int32{math.MaxInt32 / MaxDepth}, 0, 2000}} {
		if _, short, err := q.simulate(context.Background(), row.needs, row.size); short != row.short || err != nil {
			t.Errorf("%+v: %d, %v", row, short, err)
		}
	}
	for _, fixed := range []bool{true, false} {
		s := simulation{q: &Queue{Service: 7, Fixed: fixed}, rng: rand.New(rand.NewPCG(1, 1))}
		if one := s.service(); (one == 7) != fixed {
			t.Errorf("fixed %v: a service time of %v", fixed, one)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := q.simulate(ctx, []int32{1}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestSearch demands the size that the closed form gives, or one beside it.
func TestSearch(t *testing.T) {
	q := Queue{Depth: 16, Service: 100, Idle: 25, IOs: 200_000, Target: 0.01, Seed: 3}
	needs := []int32{1, 1, 1, 2, 2, 5}
	s := sizes{ctx: context.Background(), q: &q, needs: needs, worst: 80}
	if err := s.search(); err != nil {
		t.Fatal(err)
	}
	want := 1
	for exact(&q, needs, want) > q.Target {
		want++
	}
	if math.Abs(float64(s.best-want)) > 1 {
		t.Errorf("%d, by the closed form %d", s.best, want)
	}
	for i, p := range s.points {
		if i > 0 && p.Size <= s.points[i-1].Size || p.Exhaustion != float64(p.Short)/float64(p.IOs) || p.IOs != q.IOs {
			t.Errorf("points %+v", s.points)
		}
	}
	p := Pool{ElementBytes: 8}
	if err := p.measure(context.Background(), &q, needs, map[string]*Pool{}); err != nil || p.Size != s.best || p.Worst != 80 ||
		p.Bytes != float64(8*s.best) || p.WorstBytes != 640 || p.Exhaustion > q.Target || p.Exhaustion == 0 {
		t.Errorf("%v: %+v", err, p)
	}
	if n := len(s.points); n < curvePoints-4 || !slices.ContainsFunc(s.points, func(p PoolPoint) bool { return p.Size == s.best }) || s.points[n-1].Size != 80 || s.points[n-1].Short != 0 {
		t.Errorf("%d points %+v", n, s.points)
	}
}

// TestSearchTeeth has one list in 33 that needs 166 elements, which makes teeth
// of that width: a pool of 250 is within the target, pools about 375 and 525 are
// not.
func TestSearchTeeth(t *testing.T) {
	q := DefaultQueue()
	q.Target = 0.035
	needs := []int32{166}
	for range 32 {
		needs = append(needs, 4)
	}
	if low, high := exact(&q, needs, 250), exact(&q, needs, 525); low > q.Target || high < 1.5*q.Target {
		t.Fatalf("no teeth: %v and %v", low, high)
	}
	s := sizes{ctx: context.Background(), q: &q, needs: needs, worst: 64 * 166}
	if err := s.search(); err != nil {
		t.Fatal(err)
	}
	want := 700
	for exact(&q, needs, want) <= q.Target {
		want -= 4
	}
	if math.Abs(float64(s.best-want)) > 15 {
		t.Errorf("%d, by the closed form %d", s.best, want)
	}
}

// TestSample adds far more lists than are kept: figures of all stay exact, the
// sample is of the right size and fair.
func TestSample(t *testing.T) {
	m := newComparer(t, Config{})
	var one tally
	const n = 5*MaxSample + 7
	for i := range n {
		var row Row
		row[Copied] = float64(i)
		one.add(sampled{accepted, row}, [causes]float64{CPU: 1}, m.slot())
		m.work.Lists++
	}
	d := one.dist(Copied)
	if len(one.sample) != MaxSample || d.Max != n-1 || math.Abs(d.Mean-(n-1)/2.0) > 1e-6 {
		t.Errorf("%d kept, %+v", len(one.sample), d)
	}
	for _, q := range []struct{ got, want float64 }{{d.P50, n / 2}, {d.P99, n * 0.99}} {
		if math.Abs(q.got-q.want) > 0.01*n {
			t.Errorf("quantile %v, not about %v", q.got, q.want)
		}
	}
	if d := one.dist(Regions); d != (Dist{}) {
		t.Errorf("%+v", d)
	}
	if d := (&tally{}).dist(Copied); d != (Dist{}) {
		t.Errorf("a way that takes nothing: %+v", d)
	}
}

func BenchmarkSimulate(b *testing.B) {
	for _, depth := range []int{1, 64, 4096} {
		b.Run(fmt.Sprint(depth), func(b *testing.B) {
			q := DefaultQueue()
			q.Depth = depth
			for b.Loop() {
				if _, _, err := q.simulate(context.Background(), []int32{1, 2, 3}, depth); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCopyCold is where the constant "copy" comes from: pages at random
// places of more memory than the caches hold.
func BenchmarkCopyCold(b *testing.B) {
	const room, page = 256 << 20, 4096
	from, to := make([]byte, room), make([]byte, room)
	for i := 0; i < room; i += page {
		from[i], to[i] = 1, 1 // have them there
	}
	b.SetBytes(page)
	place := uint64(1)
	for b.Loop() {
		place = place*6364136223846793005 + 1442695040888963407
		f, t := place>>20%(room/page)*page, place>>40%(room/page)*page
		copy(to[t:t+page], from[f:f+page])
	}
}
