package wqetext

import (
	"iter"
	"math/bits"
	"strings"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Split cuts a block into its WQEs, each with its offset in the block: each
// begins at a WQEBB and says its length in DS; a UMR whose list needs more, and
// behind which its queue does not go on, is as long as its list. Each piece
// reaches to the end of its last WQEBB, or of the block if that comes first.
// WQEBBs of zeros, which a send queue has where nothing was posted, are left
// out; a WQEBB with a DS of 0 is a piece by itself. The pieces share the block's
// memory, but for the WQE that passes the end of a whole ring: it is put
// together, and comes last.
func Split(block []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		last, over := wrapped(block)
		for off := over; off < last; {
			size := min(pieceSize(block[off:]), last-off)
			if piece := block[off : off+size : off+size]; !zero(piece) && !yield(off, piece) {
				return
			}
			off += size
		}
		if over > 0 {
			yield(last, append(block[last:len(block):len(block)], block[:over]...))
		}
	}
}

// wrapped tells whether a block is a whole ring with a WQE that passes its end:
// where that WQE begins, and how many bytes of it stand at the ring's start.
// The index of a WQE in a ring is its WQEBB, modulo the ring's size. Without
// such a WQE, last is the block's end and over 0.
func wrapped(block []byte) (last, over int) {
	const bb, longest = mlx5model.WQEBBSize, 16 // WQEBBs of the longest WQE
	n := len(block) / bb
	if len(block)%bb != 0 || bits.OnesCount(uint(n)) != 1 || n < 4 || inPlace(block, 0, n) {
		return len(block), 0
	}
	for at := n - 1; at > 0 && at >= n-longest; at-- {
		if !inPlace(block, at, n) {
			continue
		}
		c := mlx5model.ParseCtrl(block[at*bb:])
		over = at + int(mlx5model.WQEBBs(c.DS)) - n
		if over > 0 && over < at && inPlace(block, over, n) && mlx5model.ParseCtrl(block[over*bb:]).QPN == c.QPN {
			return at * bb, over * bb
		}
		break // the last WQE ends where the ring does
	}
	return len(block), 0
}

// inPlace says whether WQEBB at of a ring of n begins a WQE with the index that
// belongs there.
func inPlace(ring []byte, at, n int) bool {
	c := mlx5model.ParseCtrl(ring[at*mlx5model.WQEBBSize:])
	return c.Opmod == 0 && c.DS > 0 && int(c.Index)&(n-1) == at && !strings.HasPrefix(c.Opcode.String(), "opcode")
}

// pieceSize is the length in bytes of the WQE that rest begins with.
func pieceSize(rest []byte) int {
	if len(rest) < mlx5model.CtrlSize {
		return len(rest)
	}
	w, _ := mlx5model.Salvage(rest)
	size := bytesOf(w.DS)
	if need := bytesOf(listDS(&w)); need > size && !continues(&w, rest, size) {
		size = need
	}
	return min(size, len(rest))
}

// bytesOf is the length of the WQEBBs that DS units take, at least one.
func bytesOf(ds uint8) int {
	return mlx5model.WQEBBSize * max(1, int(mlx5model.WQEBBs(ds)))
}

// listDS is what a UMR has in DS units by its flags and octoword counts, 0 for
// other WQEs and for more than a WQE holds.
func listDS(w *mlx5model.WQE) uint8 {
	u, need := &w.UMR, mlx5model.UMRFixedDS
	switch {
	case w.Opcode != mlx5model.OpUMR:
		return 0
	case u.Flags&mlx5model.UMRInline != 0:
		need += int(u.XltOctowords) + int(u.BSFOctowords)
	case u.XltOctowords != 0:
		need++
	}
	if need > mlx5model.MaxDS {
		return 0
	}
	return uint8(need)
}

// continues says whether the WQE at offset size of rest is the one behind w.
func continues(w *mlx5model.WQE, rest []byte, size int) bool {
	if len(rest) < size+mlx5model.CtrlSize {
		return false
	}
	next := mlx5model.ParseCtrl(rest[size:])
	return next.QPN == w.QPN && next.Index == w.Index+uint16(size/mlx5model.WQEBBSize)
}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
