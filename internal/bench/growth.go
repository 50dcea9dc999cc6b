package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// What Growth measures.
const (
	GrowthEncode   = "encode"   // klm_list
	GrowthRegister = "register" // multimr: map, post, execute, release
	GrowthVerify   = "verify"   // a fuzz.Runner run of multimr: registered, judged, released
)

// Point is the time that a list of N entries takes.
type Point struct {
	N  int     `json:"n"`
	Ns float64 `json:"ns"` // of the run that was disturbed least
}

// Series is how one thing grows.
type Series struct {
	Name   string  `json:"growth"`
	Points []Point `json:"points"`
	// Slope is that of the least-squares line through the logarithms of N
	// and Ns, 1 for linear growth; Tail is the slope of the upper half, where
	// what a list costs whatever its length no longer counts.
	Slope float64 `json:"slope"`
	Tail  float64 `json:"tail_slope"`
}

// growthJobs prepare one run for a list.
var growthJobs = []struct {
	name string
	prep func(sg.List) (func() error, error)
}{
	{GrowthEncode, growEncode},
	{GrowthRegister, growRegister},
	{GrowthVerify, growVerify},
}

// A point is measured for growthTime, and in growthRuns runs at least.
const (
	growthTime = 200 * time.Millisecond
	growthRuns = 5
)

// Growth measures lists of 2^low to 2^high entries. tell, if not nil, hears of
// each list before it is measured.
func Growth(ctx context.Context, low, high int, tell func(name string, n int)) ([]Series, error) {
	job, err := JobByName(KLMList)
	if err != nil {
		return nil, err
	}
	all := make([]Series, len(growthJobs))
	for i, g := range growthJobs {
		s := &all[i]
		s.Name = g.name
		for p := low; p <= high; p++ {
			if tell != nil {
				tell(g.name, 1<<p)
			}
			once, err := g.prep(job.List(1 << p))
			if err != nil {
				return nil, fmt.Errorf("%s of %d entries: %w", g.name, 1<<p, err)
			}
			ns, err := least(ctx, once)
			if err != nil {
				return nil, fmt.Errorf("%s of %d entries: %w", g.name, 1<<p, err)
			}
			s.Points = append(s.Points, Point{1 << p, ns})
		}
		s.Slope, s.Tail = slope(s.Points), slope(s.Points[len(s.Points)/2:])
	}
	return all, nil
}

// least runs once and then again until the time is over, and gives
// the nanoseconds of the fastest run: whatever disturbs a run makes it longer,
// and a longer list meets more of it. Runs shorter than the clock can tell are
// timed in batches.
func least(ctx context.Context, once func() error) (float64, error) {
	if err := once(); err != nil {
		return 0, err
	}
	batch, ns := 1, math.Inf(1)
	for start, n := time.Now(), 0; n < growthRuns || time.Since(start) < growthTime; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		t := time.Now()
		for range batch {
			if err := once(); err != nil {
				return 0, err
			}
		}
		d := time.Since(t)
		if d < 20*time.Microsecond {
			batch *= 2
			continue
		}
		ns = min(ns, float64(d.Nanoseconds())/float64(batch))
		n++
	}
	return ns, nil
}

// slope is that of the least-squares line through the points' logarithms; NaN
// for fewer than two points.
func slope(points []Point) float64 {
	var sx, sy, sxx, sxy float64
	for _, p := range points {
		x, y := math.Log(float64(p.N)), math.Log(p.Ns)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(points))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

func growEncode(l sg.List) (func() error, error) {
	w, err := newKLMs(l)
	return func() error { return w.rounds(1) }, err
}

func growRegister(l sg.List) (func() error, error) {
	s, err := strategy("multimr")
	if err != nil {
		return nil, err
	}
	profile, ok := mlx5model.ProfileByName("default")
	if !ok {
		return nil, fmt.Errorf("no default profile")
	}
	mem := sg.NewMemory(1)
	env := reg.NewEnv(mem)
	req := reg.Request{
		List: l, PageSize: 4096, Dir: reg.DirBoth,
		Access: mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW,
	}
	var r reg.Registration
	return func() error {
		mem.Reset(1)
		if err := env.Reset(reg.EnvConfig{Profile: profile, Dialect: "linux"}, l); err != nil {
			return err
		}
		if err := s.Register(env, &req, &r); err != nil {
			return err
		}
		return s.Release(env, &r)
	}, nil
}

func strategy(name string) (reg.Strategy, error) {
	for _, s := range reg.Strategies() {
		if s.Name() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no strategy %q", name)
}

func growVerify(l sg.List) (func() error, error) {
	w := &checked{fuzz.NewRunner(fuzz.Options{}), corpus.Case{Strategy: "multimr", Dialect: "linux", List: l}}
	return func() error { return w.rounds(1) }, nil
}
