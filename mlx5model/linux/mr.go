package linux

import (
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Access rights of a REG_MR as kernel consumers give them.
// Authority: include/rdma/ib_verbs.h enum ib_access_flags.
const (
	AccessLocalWrite      = 1 << 0
	AccessRemoteWrite     = 1 << 1
	AccessRemoteRead      = 1 << 2
	AccessRemoteAtomic    = 1 << 3
	AccessMWBind          = 1 << 4 // REG_MR ignores it
	AccessZeroBased       = 1 << 5 // REG_MR ignores it
	AccessRelaxedOrdering = 1 << 20
)

// InlineThreshold is the longest descriptor list in bytes that the kernel puts
// into the WQE: 8 MTTs or 4 KLMs. Authority: drivers/infiniband/hw/mlx5/mlx5_ib.h
// MLX5_IB_SQ_UMR_INLINE_THRESHOLD.
const InlineThreshold = 64

// MR is a memory region for fast registration: a key and the driver's buffer
// of descriptors. Mapping fills it, a REG_MR work request makes the device
// read it.
type MR struct {
	Mode     mlx5model.AccessMode // ModeMTT, or ModeKLM for SG_GAPS
	MaxDescs int                  // capacity in descriptors; see MaxDescs
	DescMap  uint64               // DMA address of Descs, a multiple of 2048
	Descs    []byte               // descriptor buffer
	NDescs   int                  // descriptors mapped
	IOVA     uint64               // of the region's first byte
	Length   uint64               // bytes
	PageSize uint32               // bytes; of ModeMTT
	Rkey     uint32               // current key, for the caller's use
}

// DescSize is the size of one descriptor in bytes.
func (mr *MR) DescSize() int {
	if mr.Mode == mlx5model.ModeKLM {
		return mlx5model.KLMSize
	}
	return mlx5model.MTTSize
}

// MapSG is ib_map_mr_sg (drivers/infiniband/hw/mlx5/mr.c mlx5_ib_map_mr_sg):
// it replaces the region's mapping by that of l and reports what the call
// returned. lkey is the PD's local_dma_lkey. A refused list leaves IOVA and
// Length as they were, but no descriptors.
func (mr *MR) MapSG(l sg.List, sgOffset *uint32, pageSize, lkey uint32) (r MapResult) {
	mr.PageSize, mr.NDescs = pageSize, 0
	if mr.Mode == mlx5model.ModeKLM {
		r.klms(mr.Descs, mr.MaxDescs, l, sgOffset, lkey)
	} else {
		r.pages(mr.Descs, mr.MaxDescs, l, sgOffset, pageSize)
	}
	if r.Ret != errINVAL {
		mr.IOVA, mr.Length, mr.NDescs = r.IOVA, r.Length, r.NDescs
	}
	return r
}

// SetMapping makes a mapping of MapPages or MapKLMs the region's own; the
// descriptors are already in Descs.
func (mr *MR) SetMapping(m Mapping, pageSize uint32) {
	mr.NDescs, mr.IOVA, mr.Length, mr.PageSize = m.N, m.IOVA, m.Length, pageSize
}

// listBytes is the size of the mapped descriptors in bytes, not rounded. It is
// bounded by what the buffer holds.
func (mr *MR) listBytes() int {
	const log2MTT, log2KLM = 3, 4 // of the sizes
	shift := log2MTT
	if mr.Mode == mlx5model.ModeKLM {
		shift = log2KLM
	}
	return min(max(mr.NDescs, 0), len(mr.Descs)>>shift) << shift
}

// xltOctowords is the translations_octword_size that the kernel writes to the
// mkey context of a REG_MR for a list of that many octowords, rounded as in a
// UMR: it counts KLMs in groups of 8, as it does MTTs
// (drivers/infiniband/hw/mlx5/wr.c set_reg_mkey_seg).
func (mr *MR) xltOctowords(list uint32) uint64 {
	if mr.Mode == mlx5model.ModeKLM {
		return mlx5model.AlignUp(uint64(list), 8)
	}
	return uint64(list)
}

// pageWord is the last word of the mkey context. The page size fills its byte:
// FFh for 0.
func (mr *MR) pageWord() uint64 {
	if mr.Mode != mlx5model.ModeMTT {
		return 0
	}
	return sendq.Page(uint8(bits.Len32(mr.PageSize) - 1))
}
