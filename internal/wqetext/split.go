package wqetext

import (
	"iter"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Split cuts a block into its WQEs, each with its offset in the block: each
// begins at a WQEBB and says its length in DS. Each piece reaches to the end of its last WQEBB, or of the block if
// that comes first. WQEBBs of zeros, which a send queue has where nothing was
// posted, are left out; a WQEBB with a DS of 0 is a piece by itself. The pieces
// share the block's memory. The block is taken as linear: a WQE that wraps
// around the end of a ring is cut short.
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
	size := mlx5model.WQEBBSize
	if len(rest) >= mlx5model.CtrlSize {
		size *= max(1, int(mlx5model.WQEBBs(rest[7]&mlx5model.MaxDS)))
	}
	return min(size, len(rest))
}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
