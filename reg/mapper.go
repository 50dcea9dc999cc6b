package reg

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// klmIOVAMask leaves the low bits of a KLM region's start when the region
// cannot start at its first byte's address.
const klmIOVAMask = 4096 - 1

// Corrected is the Mapper of package linux: the longest legal prefix, whatever
// the list. A region starts at the address of its first byte; if it would run
// past 2^64 there, it starts at that address modulo the page size (KLMs: modulo
// 4096).
type Corrected struct{}

// Pages is linux.MapPages, or linux.MapPagesAt near the top.
func (Corrected) Pages(dst []byte, l sg.List, from linux.Pos, pageSize uint64, maxPages int) (linux.Mapping, error) {
	m, err := linux.MapPages(dst, l, from, pageSize, maxPages)
	if err != nil || m.Stop != linux.StopTop {
		return m, err
	}
	return linux.MapPagesAt(dst, l, from, pageSize, maxPages, m.IOVA&(pageSize-1))
}

// KLMs is linux.MapKLMs, or linux.MapKLMsAt near the top.
func (Corrected) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error) {
	m, err := linux.MapKLMs(dst, l, from, lkey, maxKLMs, maxBytes)
	if err != nil || m.Stop != linux.StopTop {
		return m, err
	}
	return linux.MapKLMsAt(dst, l, from, lkey, maxKLMs, maxBytes, m.IOVA&klmIOVAMask)
}
