package wqeview

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/mlx5model/ofed"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
)

// Names that Options.Dialect may have beside those of producers.
const (
	Auto = "auto" // the one that fits best
	None = "none" // only what holds for every producer
)

// dialect is one producer's rules by the name of the command line.
type dialect struct {
	name  string
	rules *mlx5model.Rules
}

var dialects = []dialect{
	{"linux", &linux.Rules},
	{"libmlx5", &libmlx5.RulesHead},
	{"libmlx5-44", &libmlx5.RulesV44},
	{"spdk", &spdk.Rules},
	{"ofed", &ofed.Rules},
}

// Dialects lists the names that Options.Dialect may have.
func Dialects() []string {
	names := []string{Auto, None}
	for _, d := range dialects {
		names = append(names, d.name)
	}
	return names
}

// Guess says whose WQE this seems to be.
type Guess struct {
	Rules   string   `json:"rules,omitempty"` // judged by; "" for what holds for every producer
	Given   bool     `json:"given,omitempty"` // asked for, not guessed
	Fits    []string `json:"fits"`            // dialects whose rules it keeps, in a fixed order
	Errors  int      `json:"errors"`          // rules of the one judged by that it breaks
	Summary string   `json:"summary"`         // in words
}

// guess picks the rules to judge by: the dialect asked for; else the one with
// the fewest broken rules, of several the preferred one.
func guess(raw []byte, ctx mlx5model.CheckContext, asked, prefer string) (Guess, *mlx5model.Rules) {
	g := Guess{Fits: []string{}, Given: asked != Auto && asked != ""}
	var rules *mlx5model.Rules
	best := -1
	for _, d := range dialects {
		ctx.Rules = d.rules
		errors, distance := misfit(raw, &ctx)
		if errors == 0 {
			g.Fits = append(g.Fits, d.name)
		}
		score := 4*(errors+distance) + 1
		if d.name == prefer {
			score--
		}
		switch {
		case g.Given && d.name != asked, !g.Given && best >= 0 && score >= best:
			continue
		}
		best, rules = score, d.rules
		g.Rules, g.Errors = d.name, errors
	}
	g.Summary = g.words()
	return g, rules
}

// misfit counts what a WQE does that the rules do not have: broken rules, and
// bits of flags and mask that no kind of UMR explains.
func misfit(raw []byte, ctx *mlx5model.CheckContext) (errors, distance int) {
	for _, f := range mlx5model.Check(nil, raw, ctx) {
		// The frame is the queue's, not the producer's.
		if f.Severity == mlx5model.Error && f.Rule != mlx5model.RuleFrame {
			errors++
		}
	}
	if w, ok := mlx5model.Salvage(raw); ok && w.Opcode == mlx5model.OpUMR && ctx.Rules.Kind(&w) == nil {
		lacks, extra, flags := ctx.Rules.Nearest(&w).Misses(&w)
		distance = bits.OnesCount64(lacks) + bits.OnesCount64(extra) + bits.OnesCount8(flags)
	}
	return errors, distance
}

// words says what the guess is worth.
func (g *Guess) words() string {
	switch {
	case len(g.Fits) == len(dialects):
		return "fits the rules of every known dialect"
	case len(g.Fits) > 0:
		return "fits the rules of " + strings.Join(g.Fits, ", ")
	case g.Rules == "" || g.Given:
		return "fits the rules of no known dialect"
	}
	return fmt.Sprintf("fits the rules of no known dialect; closest is %s, with %d broken", g.Rules, g.Errors)
}
