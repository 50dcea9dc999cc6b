//go:build linux && (amd64 || arm64)

package vhca

import (
	"syscall"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// AllocMW adds a window, a free key that a UMR of the library binds: for type
// 2 one that a peer may invalidate. Authority: drivers/infiniband/hw/mlx5/mr.c
// mlx5_ib_alloc_mw.
func (e *Engine) AllocMW(pdn uint32, type2 bool) (uint32, error) {
	p := e.pds[pdn]
	if p == nil {
		return 0, syscall.EINVAL
	}
	ctx := mlx5model.MkeyContext{Mode: mlx5model.ModeKLM, Free: true, UMREn: true, EnRinval: type2,
		Access: mlx5model.AccLR, QPN: mlx5model.QPNAny, PD: pdn, XltOctowords: 4}
	return e.create(pdn, ctx, nil, window)
}

// CreateMkey executes the library's own CREATE_MKEY: 64 bytes of context and
// the octowords of its list.
func (e *Engine) CreateMkey(mkc, list []byte) (uint32, error) {
	if len(mkc) < mlx5model.MkeySize {
		return 0, syscall.EINVAL
	}
	ctx := mlx5model.ParseMkeyContext(mkc)
	if e.pds[ctx.PD] == nil {
		return 0, syscall.EINVAL
	}
	key, err := e.create(ctx.PD, ctx, list, direct)
	return mlx5model.KeyIndex(key), err
}

func (e *Engine) create(pdn uint32, ctx mlx5model.MkeyContext, list []byte, kind keyKind) (uint32, error) {
	index := e.number(&e.nextKey, index24, func(n uint32) bool { return e.mrs[n] != nil })
	key, err := e.createKey(index, ctx, list)
	if err != nil {
		return 0, errnoOf(err)
	}
	e.mrs[index] = &mr{pd: pdn, kind: kind, rkey: key}
	e.pds[pdn].uses++
	return key, nil
}
