package wqetext

import (
	"iter"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Split cuts a block into its WQEs, each with its offset in the block: each
// begins at a WQEBB and says its length in DS; a UMR whose list needs more, and
// behind which its queue does not go on, is as long as its list. Each piece
// reaches to the end of its last WQEBB, or of the block if that comes first.
// WQEBBs of zeros, which a send queue has where nothing was posted, are left
// out; a WQEBB with a DS of 0 is a piece by itself. The pieces share the block's
// memory. The block is taken as linear: a WQE that wraps around the end of a
// ring is cut short.
func Split(block []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for off := 0; off < len(block); {
			size := pieceSize(block[off:])
			if piece := block[off : off+size : off+size]; !zero(piece) && !yield(off, piece) {
				return
			}
			off += size
		}
	}
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
