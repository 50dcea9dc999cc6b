package spdk

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
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

// listBlock is the WQEBB where the list of a UMR begins.
const listBlock = mlx5model.UMRDataOff / mlx5model.WQEBBSize

// bsfSize is one byte-stream format block in bytes.
const bsfSize = 64

// UMRConfigure writes a UMR that makes mkey the concatenation of the entries of
// list with a length of umrLen bytes, and valid (spdk_mlx5_umr_configure).
func (q *QP) UMRConfigure(mkey, umrLen uint32, list []sg.Entry, flags uint8) error {
	_, err := q.umr(mkey, umrLen, list, flags, 0)
	return err
}

// umr writes and counts a UMR with room for bsf bytes behind the list, and
// returns that room, zeroed.
func (q *QP) umr(mkey, umrLen uint32, list []sg.Entry, flags uint8, bsf int) ([]byte, error) {
	blocks := (uint64(len(list)) + 3) / 4
	wqebbs := 2 + blocks + uint64(bsf/bsfSize)
	switch {
	case len(list) == 0:
		return nil, EINVAL
	case !q.room(wqebbs):
		return nil, ENOMEM
	case uint64(len(list)) > uint64(q.MaxSendSGE):
		return nil, E2BIG
	}
	b := q.ctrl(mlx5model.OpUMR, uint32(wqebbs*4), flags, mkey)
	umr := mlx5model.UMRCtrl{
		Flags:        mlx5model.UMRInline,
		XltOctowords: uint16(4 * blocks),
		BSFOctowords: uint16(bsf / mlx5model.OctowordSize),
		Mask:         mlx5model.MaskFree | mlx5model.MaskLen,
	}
	umr.Put(b[mlx5model.CtrlSize:])
	m := q.block(q.PI, 1)
	clear(m[:])
	binary.BigEndian.PutUint32(m[0x1c:], umrLen)
	for i := range int(blocks) {
		putKLMs(q.block(q.PI, listBlock+uint32(i)), list[4*i:])
	}
	var area []byte
	if bsf != 0 {
		area = q.block(q.PI, listBlock+uint32(blocks))[:]
		clear(area)
	}
	q.submit(uint16(wqebbs))
	return area, nil
}

// putKLMs fills one WQEBB of the translation list from the front of list.
func putKLMs(b *[mlx5model.WQEBBSize]byte, list []sg.Entry) {
	n := min(len(list), 4)
	for i := range list[:n] {
		e := &list[i]
		k := b[i*mlx5model.KLMSize:][:mlx5model.KLMSize]
		binary.BigEndian.PutUint64(k, uint64(e.Len)<<32|uint64(e.Lkey))
		binary.BigEndian.PutUint64(k[8:], e.Addr)
	}
	clear(b[n*mlx5model.KLMSize:])
}
