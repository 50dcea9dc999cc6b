package fuzz

import (
	"encoding/binary"
	"slices"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// certify checks a mapping of any size by what it claims: the descriptors in
// t.dst reach exactly the window of the list between from and Next, the region
// ends at 2^64 at the latest, and the byte behind it could not have been taken.
func (t *mapTarget) certify(kind string, m linux.Mapping, from linux.Pos, iova *uint64) error {
	l := t.in.list
	wrong := func(what string) error {
		return failure("mapping of "+kind+": "+what, "from %v: %+v\ndescriptors % x\n%v", from, m, t.dst[:min(m.N*mlx5model.KLMSize, len(t.dst))], &t.in)
	}
	begin, end := streamOffset(l, from), streamOffset(l, m.Next)
	switch {
	case m.Length == 0 || m.N <= 0 || m.N > t.in.maxDescs:
		return wrong("impossible size")
	case begin+m.Length != end:
		return wrong("length is not the distance covered")
	case m.IOVA+m.Length-1 < m.IOVA:
		return wrong("region passes 2^64")
	case iova != nil && m.IOVA != *iova:
		return wrong("iova is not the one asked for")
	}
	t.extA = l.AppendExtents(t.extA[:0], begin, m.Length)
	if kind == "pages" {
		if pages := (m.IOVA%t.in.pageSize + m.Length + t.in.pageSize - 1) / t.in.pageSize; uint64(m.N) != pages {
			return wrong("page count does not fit the length")
		}
		t.extB = pageExtents(t.extB[:0], t.dst[:m.N*mlx5model.MTTSize], t.in.pageSize, m.IOVA, m.Length)
	} else {
		t.extB = klmExtents(t.extB[:0], t.dst[:m.N*mlx5model.KLMSize])
	}
	if !slices.Equal(t.extA, t.extB) {
		return wrong("descriptors do not reach the list's bytes")
	}
	return t.maximal(kind, m, wrong)
}

// maximal checks that a mapping could not go on, for the reason it gives.
func (t *mapTarget) maximal(kind string, m linux.Mapping, wrong func(string) error) error {
	l := t.in.list
	if m.Stop == linux.StopEnd {
		if streamOffset(l, m.Next) != l.Total() {
			return wrong("ends before the list")
		}
		return nil
	}
	if m.Next.Entry >= len(l) || m.Next.Off >= uint64(l[m.Next.Entry].Len) {
		return wrong("next byte is not a byte")
	}
	next := l[m.Next.Entry].Addr + m.Next.Off
	last := t.extA[len(t.extA)-1]
	top := m.IOVA+m.Length == 0
	capacity := min(t.in.maxDescs, len(t.dst)/mlx5model.KLMSize)
	gap, room := false, m.N < capacity
	if kind == "pages" {
		capacity = min(t.in.maxDescs, len(t.dst)/mlx5model.MTTSize)
		inPage := (m.IOVA + m.Length) % t.in.pageSize
		after := last.Addr + last.Len // in the page of the last byte, unless inPage is 0
		gap = inPage != next%t.in.pageSize || inPage != 0 && after != next
		room = inPage != 0 || m.N < capacity
	} else if m.Next.Off > 0 && !top {
		room = room || !t.klmFull(m)
	}
	switch {
	case (m.Stop == linux.StopGap) != gap:
		return wrong("gap misjudged")
	case !gap && (m.Stop == linux.StopTop) != top:
		return wrong("top of the address space misjudged")
	case m.Stop == linux.StopFull && room:
		return wrong("stops although there is room")
	}
	return nil
}

// klmFull says that the last KLM holds all that one may.
func (t *mapTarget) klmFull(m linux.Mapping) bool {
	longest := t.in.maxKLM
	if longest == 0 {
		longest = linux.MaxKLMBytes
	}
	last := mlx5model.ParseKLM(t.dst[(m.N-1)*mlx5model.KLMSize:])
	return uint64(last.ByteCount) >= min(longest, 1<<32-1)
}

// streamOffset is the place of a position in the list's byte stream.
func streamOffset(l sg.List, p linux.Pos) uint64 { return l[:p.Entry].Total() + p.Off }

// pageExtents is the host memory of a page list's region.
func pageExtents(dst []sg.Extent, mtts []byte, page, iova, n uint64) []sg.Extent {
	off := iova % page
	for ; len(mtts) > 0 && n > 0; mtts = mtts[mlx5model.MTTSize:] {
		take := min(page-off, n)
		base := binary.BigEndian.Uint64(mtts) &^ (mlx5model.MTTRead | mlx5model.MTTWrite)
		dst = sg.AppendExtent(dst, base+off, take)
		n, off = n-take, 0
	}
	return dst
}

// klmExtents is the memory that a KLM list names; an entry without bytes, which
// no mapping makes, gives nothing.
func klmExtents(dst []sg.Extent, klms []byte) []sg.Extent {
	for ; len(klms) > 0; klms = klms[mlx5model.KLMSize:] {
		k := mlx5model.ParseKLM(klms)
		if k.ByteCount == 0 {
			return nil
		}
		dst = sg.AppendExtent(dst, k.VA, uint64(k.ByteCount))
	}
	return dst
}
