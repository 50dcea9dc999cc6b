package compare

import (
	"context"
	"math"
	"slices"
)

// Elements that pools are made of.
const (
	PoolRegions = "regions"
	PoolSectors = "512 B regions"
	PoolBuffers = "bounce pages"
)

// Pool is what a way's I/Os take from one pool.
type Pool struct {
	Element string `json:"element"`
	Need    Dist   `json:"need"` // elements that a list takes
	// ElementBytes is the memory of one element: the longest list of a region,
	// or a page.
	ElementBytes float64 `json:"element_bytes"`
	Size         int     `json:"size"`        // smallest from which on the exhaustion is at most the target
	Exhaustion   float64 `json:"exhaustion"`  // at that size
	Bytes        float64 `json:"bytes"`       // Size times ElementBytes
	Worst        int     `json:"worst"`       // never runs out: depth times the largest need
	WorstBytes   float64 `json:"worst_bytes"` // Worst times ElementBytes
	// Curve is the exhaustion of other sizes, in rising order.
	Curve []PoolPoint `json:"curve"`
}

// PoolPoint is one simulated size.
type PoolPoint struct {
	Size       int     `json:"size"`
	IOs        int     `json:"ios"`
	Short      int     `json:"short"` // turned away
	Exhaustion float64 `json:"exhaustion"`
}

var poolKinds = []struct {
	element string
	column  Column
	bytes   Column // of one element
}{
	{PoolRegions, PageRegions, PageList},
	{PoolSectors, Sectors, SectorList},
	{PoolBuffers, Buffers, PageBytes},
}

// maxNeed bounds what one I/O can take, so that sums fit an int.
const maxNeed = math.MaxInt32 / MaxDepth

// pools looks at every pool that a way uses. Keys made by command are no pool.
func (t *tally) pools(ctx context.Context, q *Queue, known map[string]*Pool) (all []Pool, err error) {
	for _, k := range poolKinds {
		var needs []int32
		for _, v := range t.column(k.column) {
			needs = append(needs, int32(min(v, maxNeed)))
		}
		if t.top[k.column] == 0 || len(needs) == 0 {
			continue
		}
		p := Pool{Element: k.element, Need: t.dist(k.column), ElementBytes: t.top[k.bytes]}
		if err := p.measure(ctx, q, needs, known); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// measure fills size and curve; the same needs are simulated once.
func (p *Pool) measure(ctx context.Context, q *Queue, needs []int32, known map[string]*Pool) error {
	key := needKey(needs)
	if same := known[key]; same != nil {
		p.Size, p.Exhaustion, p.Worst, p.Curve = same.Size, same.Exhaustion, same.Worst, same.Curve
	} else {
		s := sizes{ctx: ctx, q: q, needs: needs, worst: q.Depth * int(slices.Max(needs))}
		if err := s.search(); err != nil {
			return err
		}
		p.Size, p.Worst, p.Curve = s.best, s.worst, s.points
		p.Exhaustion = s.done[s.best].Exhaustion
		known[key] = p
	}
	p.Bytes, p.WorstBytes = float64(p.Size)*p.ElementBytes, float64(p.Worst)*p.ElementBytes
	return nil
}

// needKey is the same for the same sequence of needs.
func needKey(needs []int32) string {
	b := make([]byte, 0, 4*len(needs))
	for _, n := range needs {
		b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return string(b)
}

// sizes are the simulated sizes of one pool.
type sizes struct {
	ctx    context.Context
	q      *Queue
	needs  []int32
	worst  int
	best   int
	done   map[int]PoolPoint
	points []PoolPoint // the best and the curve about it, in rising order of size
}

// curvePoints are the sizes of a curve beside the one that is looked for.
const curvePoints = 16

// search finds the smallest size from which on all are within the target, and
// the curve. It comes down from the worst until a size is too small, and then
// halves the step: the probability is no monotone function of the size, but has
// teeth as wide as the largest need, where a larger pool lets in I/Os that leave
// too little for the others.
func (s *sizes) search() error {
	s.done, s.points = map[int]PoolPoint{}, []PoolPoint{}
	s.best = s.worst
	low := 0 // too small, or nothing
	for step := s.best / 10; s.best > 1 && low == 0; {
		size := max(s.best-max(step, 1), 1)
		p, err := s.at(size)
		if err != nil {
			return err
		}
		if p.Exhaustion > s.q.Target {
			low = size
		} else {
			s.best = size
		}
		if step = size / 10; p.Exhaustion > s.q.Target/10 {
			step = min(step, s.worst/s.q.Depth/8) // not past a tooth
		}
	}
	for s.best-low > 1 {
		mid := low + (s.best-low)/2
		p, err := s.at(mid)
		if err != nil {
			return err
		}
		if p.Exhaustion <= s.q.Target {
			s.best = mid
		} else {
			low = mid
		}
	}
	return s.curve()
}

// curve simulates sizes from a sixteenth of the best to the worst.
func (s *sizes) curve() error {
	grid := []int{s.best}
	first := max(float64(s.best)/16, 1)
	for i := range curvePoints {
		grid = append(grid, int(math.Round(first*math.Pow(float64(s.worst)/first, float64(i)/(curvePoints-1)))))
	}
	slices.Sort(grid)
	s.points = s.points[:0]
	for _, size := range slices.Compact(grid) {
		p, err := s.at(size)
		if err != nil {
			return err
		}
		s.points = append(s.points, p)
	}
	return nil
}

// at simulates a size, once.
func (s *sizes) at(size int) (PoolPoint, error) {
	if p, ok := s.done[size]; ok {
		return p, nil
	}
	ios, short, err := s.q.simulate(s.ctx, s.needs, size)
	if err != nil {
		return PoolPoint{}, err
	}
	p := PoolPoint{size, ios, short, float64(short) / float64(ios)}
	s.done[size] = p
	return p, nil
}
