package mlx5model_test

import (
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
)

func BenchmarkCheck(b *testing.B) {
	for _, name := range []string{"RegKLM1", "List5", "Interleaved", "SigUMR", "RegMTT9"} {
		g := goldenByName(b, name)
		raw, _ := goldenBytes(g.text, 0)
		ctx := mlx5model.CheckContext{Rules: g.rules, List: g.list}
		b.Run(name, func(b *testing.B) { benchCheck(b, raw, &ctx) })
	}
	for _, n := range []int{16, 256, 4096} {
		raw, list := longList(n)
		ctx := mlx5model.CheckContext{Rules: &linux.Rules, List: list}
		b.Run(fmt.Sprintf("KLM%d", n), func(b *testing.B) { benchCheck(b, raw, &ctx) })
	}
}

func benchCheck(b *testing.B, raw []byte, ctx *mlx5model.CheckContext) {
	b.ReportAllocs()
	var found []mlx5model.Finding
	for b.Loop() {
		if found = mlx5model.Check(found[:0], raw, ctx); len(found) > 0 {
			b.Fatal(found)
		}
	}
}

func BenchmarkDecodeStrictAndAppendTo(b *testing.B) {
	g := goldenByName(b, "List5")
	raw, _ := goldenBytes(g.text, 0)
	var w mlx5model.WQE
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		if err := mlx5model.DecodeStrict(raw, g.rules, &w); err != nil {
			b.Fatal(err)
		}
		dst = w.AppendTo(dst[:0])
	}
}
