package fuzz

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// thirdKLM is a mapper whose third KLM of several starts one byte off.
type thirdKLM struct{ reg.Corrected }

func (thirdKLM) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error) {
	m, err := reg.Corrected{}.KLMs(dst, l, from, lkey, maxKLMs, maxBytes)
	if err == nil && m.N > 2 {
		dst[3*mlx5model.KLMSize-1] ^= 1 // low byte of its address
	}
	return m, err
}

func plant(o *Options) { o.Mapper = thirdKLM{} }

// small is a campaign that a test can afford.
func small(t *testing.T) Config {
	return Config{
		Seed: 3, Cases: 300, Jobs: 2, Strategies: []string{"indirect", "fastreg"}, Profiles: []string{"default", "small"},
		Options: plant, Shrink: 300, Out: filepath.Join(t.TempDir(), "findings"),
	}
}

func campaignOf(t *testing.T, c Config) *Summary {
	t.Helper()
	sum, err := Campaign(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// tree is the content of every file of a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, d := range all {
		data, err := os.ReadFile(filepath.Join(dir, d.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[d.Name()] = string(data)
	}
	return files
}

// figures are the parts of a summary that must not depend on workers or time.
func figures(s *Summary) Stats {
	f := s.Stats
	f.Elapsed, f.Earlier = 0, 0
	return f
}

// TestWorkersDoNotMatter runs the same campaign on one worker and on several.
func TestWorkersDoNotMatter(t *testing.T) {
	var want map[string]string
	var first Stats
	for _, jobs := range []int{1, 2, 5} {
		c := small(t)
		c.Jobs = jobs
		sum := campaignOf(t, c)
		files := tree(t, c.Out)
		if jobs == 1 {
			want, first = files, figures(sum)
			if len(files) == 0 || sum.Mutated == 0 || sum.Pool == 0 {
				t.Fatalf("nothing to compare: %d files, %d mutated", len(files), sum.Mutated)
			}
			continue
		}
		if !reflect.DeepEqual(files, want) {
			t.Errorf("%d workers leave %v\none leaves %v", jobs, files, want)
		}
		if got := figures(sum); !reflect.DeepEqual(got, first) {
			t.Errorf("%d workers: %+v\none: %+v", jobs, got, first)
		}
	}
}

// TestProgressTellsOfShrinking: while cases do not get on, the figures say why.
func TestProgressTellsOfShrinking(t *testing.T) {
	c := small(t)
	c.Every = time.Millisecond
	var shrinking bool
	c.Progress = func(s Stats) { shrinking = shrinking || s.Unshrunk > 0 && s.Unshrunk <= s.Findings }
	if sum := campaignOf(t, c); len(sum.Findings) == 0 || !shrinking {
		t.Errorf("%d findings, told of shrinking: %v", len(sum.Findings), shrinking)
	}
}

// TestPlantedBugIsFound demands the smallest list and what triggers it.
func TestPlantedBugIsFound(t *testing.T) {
	sum := campaignOf(t, small(t))
	var f *Finding
	for i := range sum.Findings {
		if sum.Findings[i].Class == "read-stream/indirect" {
			f = &sum.Findings[i]
		}
	}
	if f == nil {
		t.Fatalf("not found: %v", sum.Classes)
	}
	if !f.Shrunk || len(f.Case.List) != 3 {
		t.Errorf("shrunk %v to %d entries", f.Shrunk, len(f.Case.List))
	}
	onDisk, err := corpus.Load(f.Path)
	if err != nil || corpus.Format(onDisk) != corpus.Format(f.Case) {
		t.Errorf("%v: saved as\n%s", err, corpus.Format(onDisk))
	}
	text := corpus.Format(f.Case)
	for _, want := range []string{"# read-stream/indirect, found as case", "# fails with indirect", "dialect: any", "needs list: ", "options: none"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if tr := f.Trigger; tr.Neighbours != neighbours || tr.Failing == 0 || tr.Failing == neighbours {
		t.Errorf("%+v", tr)
	}
	for name := range tree(t, filepath.Dir(f.Path)) {
		if strings.HasPrefix(name, unshrunk) {
			t.Errorf("%s is left", name)
		}
	}
}

// TestNoGuide demands that every case is the one that CaseSeed gives.
func TestNoGuide(t *testing.T) {
	c := small(t)
	c.NoGuide, c.Options = true, nil
	sum := campaignOf(t, c)
	if sum.Mutated != 0 || sum.Pool != 0 || len(sum.Findings) != 0 {
		t.Errorf("%d mutated, pool of %d, %d findings", sum.Mutated, sum.Pool, len(sum.Findings))
	}
	one := c
	one.Cases = 150
	two := c
	two.First, two.Cases = 150, 150
	a, b := campaignOf(t, one), campaignOf(t, two)
	if a.Runs+b.Runs != sum.Runs {
		t.Errorf("halves try %d and %d, the whole %d", a.Runs, b.Runs, sum.Runs)
	}
}

func TestRoundEnd(t *testing.T) {
	for _, row := range [][2]uint64{
		{0, 64}, {63, 64}, {64, 192}, {191, 192}, {192, 448}, {448, 960}, {959, 960}, {960, 1984}, {1983, 1984}, {1984, 3008},
		{1 << 40, 960 + (1<<40-960)/1024*1024 + 1024},
	} {
		if got := roundEnd(row[0]); got != row[1] {
			t.Errorf("round with case %d ends at %d, want %d", row[0], got, row[1])
		}
	}
}

// panics does so for lists of two entries.
type panics struct{ reg.Corrected }

func (panics) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error) {
	if len(l) == 2 {
		panic("two entries")
	}
	return reg.Corrected{}.KLMs(dst, l, from, lkey, maxKLMs, maxBytes)
}

// TestPanicIsAFinding runs a strategy that panics and goes on.
func TestPanicIsAFinding(t *testing.T) {
	c := small(t)
	c.Options = func(o *Options) { o.Mapper = panics{} }
	sum := campaignOf(t, c)
	if sum.Cases != c.Cases || sum.Classes["termination/indirect"] == 0 || len(sum.Findings) != 1 {
		t.Fatalf("%d cases, %v, %d findings", sum.Cases, sum.Classes, len(sum.Findings))
	}
	if f := sum.Findings[0]; len(f.Case.List) != 2 || !strings.Contains(f.Text, "panic: two entries, in fuzz.panics.KLMs") {
		t.Errorf("%s\n%s", f.Text, corpus.Format(f.Case))
	}
}

// sleeps takes a minute for each list.
type sleeps struct{ reg.Corrected }

func (sleeps) KLMs([]byte, sg.List, linux.Pos, uint32, int, uint64) (linux.Mapping, error) {
	time.Sleep(time.Minute)
	return linux.Mapping{}, linux.ErrNothing
}

// TestEndsInTime cancels campaigns: one in the middle of a case that takes a
// minute, and one in the middle of shrinking.
func TestEndsInTime(t *testing.T) {
	for name, options := range map[string]func(*Options){"case": func(o *Options) { o.Mapper = sleeps{} }, "shrink": plant} {
		t.Run(name, func(t *testing.T) {
			c := small(t)
			c.Cases, c.Options, c.Shrink = 0, options, 1<<30
			c.For = 300 * time.Millisecond
			start := time.Now()
			sum := campaignOf(t, c)
			if took := time.Since(start); took > c.For+2*time.Second {
				t.Errorf("took %v", took)
			}
			for _, f := range sum.Findings {
				if _, err := corpus.Load(f.Path); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
