//go:build plantedbug

package main

import (
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

func init() {
	planted = func(o *fuzz.Options) { o.Mapper = plantedMapper{} }
}

// plantedMapper has two defects: the third KLM of several starts one byte off,
// and page lists of more than two pages have two of them in the wrong order.
type plantedMapper struct{ reg.Corrected }

func (plantedMapper) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error) {
	m, err := reg.Corrected{}.KLMs(dst, l, from, lkey, maxKLMs, maxBytes)
	if err == nil && m.N > 2 {
		dst[3*mlx5model.KLMSize-1] ^= 1 // low byte of its address
	}
	return m, err
}

func (plantedMapper) Pages(dst []byte, l sg.List, from linux.Pos, pageSize uint64, maxPages int) (linux.Mapping, error) {
	m, err := reg.Corrected{}.Pages(dst, l, from, pageSize, maxPages)
	if err == nil && m.N > 2 {
		var a [mlx5model.MTTSize]byte
		first, second := dst[:mlx5model.MTTSize], dst[mlx5model.MTTSize:2*mlx5model.MTTSize]
		copy(a[:], first)
		copy(first, second)
		copy(second, a[:])
	}
	return m, err
}
