package spdk

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// PoolListOctowords is the list capacity of a pool key
// (lib/mlx5/mlx5_umr.c SPDK_KLM_MAX_TRANSLATION_ENTRIES_NUM).
const PoolListOctowords = 128

// poolTag is the tag that pool keys are created with.
const poolTag = 0x42

// PoolMkeyContext is the context that SPDK's key pool asks the device for: a
// free KLM key for any QP with all rights but atomics, which a UMR then gives
// a list and a length. bsf makes room for one BSF; crypto also lets the key
// encrypt. pd has 24 bits.
// Authority: lib/mlx5/mlx5_umr.c mlx5_mkey_create and the mkey pool.
func PoolMkeyContext(pd uint32, bsf, crypto bool) mlx5model.MkeyContext {
	ctx := mlx5model.MkeyContext{
		Free:         true,
		Mode:         mlx5model.ModeKLM,
		Access:       mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW,
		UMREn:        true,
		QPN:          mlx5model.QPNAny,
		Tag:          poolTag,
		PD:           pd & mlx5model.PDMask,
		XltOctowords: PoolListOctowords,
	}
	if bsf || crypto {
		ctx.BSFEn = true
		ctx.BSFOctowords = bsfSize / mlx5model.OctowordSize
	}
	if crypto {
		ctx.CryptoEn = 1
	}
	return ctx
}

// bsfSize is one byte-stream format block in bytes.
const bsfSize = 64

// form is what the kinds of UMR differ in.
type form struct {
	bsf     uint16 // bytes behind the list
	flagsPD uint32 // word of the mkey context
	mask    uint64
}

// plain is a UMR with a list only (lib/mlx5/mlx5_umr.c mlx5_set_umr_ctrl_seg).
var plain = form{mask: plainMask}

const plainMask = mlx5model.MaskFree | mlx5model.MaskLen

// umr writes and counts a UMR, and returns the WQEBB behind the list if the
// form has a BSF there.
func (q *QP) umr(mkey, umrLen uint32, list []sg.Entry, flags uint8, f *form) (*sendq.Block, error) {
	blocks := uint64(sendq.ListBlocks(len(list)))
	wqebbs := mlx5model.UMRFixedDS/4 + blocks + uint64(f.bsf/bsfSize)
	switch {
	case len(list) == 0:
		return nil, EINVAL
	case !q.room(wqebbs):
		return nil, ENOMEM
	case uint64(len(list)) > uint64(q.MaxSendSGE):
		return nil, E2BIG
	}
	pi := uint32(q.PI)
	flags = q.mode(flags)
	head := q.headWord(mlx5model.OpUMR, uint32(wqebbs*4))
	sendq.PutWords(sendq.At(q.Ring, pi), head, sendq.Flags(0, flags, mkey),
		sendq.UMR(mlx5model.UMRInline, uint16(4*blocks), f.bsf/mlx5model.OctowordSize), f.mask)
	sendq.PutWords(sendq.At(q.Ring, pi+1), 0, uint64(f.flagsPD), 0, uint64(umrLen))
	sendq.PutList(q.Ring, pi, list)
	q.submit(uint16(wqebbs), head, flags)
	if f.bsf == 0 {
		return nil, nil
	}
	return sendq.At(q.Ring, pi+uint32(wqebbs)-1), nil
}
