//go:build linux && (amd64 || arm64)

package vhca

import (
	"errors"
	"math/bits"
	"syscall"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// pd is a protection domain. flat is the index of its key of all memory, made
// when a region needs one.
type pd struct {
	uses int
	flat uint32
}

// mr is what the kernel's driver knows of a key it made: a region, a window or
// a key of the library's own.
type mr struct {
	pd     uint32
	addr   uint64 // regions: where the bytes are
	length uint64
	iova   uint64
	access uint32
	kind   keyKind
	device bool // of device memory
	rkey   uint32
}

type keyKind uint8

const (
	region keyKind = iota
	window
	direct // created by the library through DEVX
)

// Access flags of a registration. Authority: rdma/ib_user_ioctl_verbs.h enum
// ib_uverbs_access_flags.
const (
	accessLocalWrite   = 1 << 0
	accessRemoteWrite  = 1 << 1
	accessRemoteRead   = 1 << 2
	accessRemoteAtomic = 1 << 3
	accessZeroBased    = 1 << 5
	accessOnDemand     = 1 << 6
	accessRelaxed      = 1 << 20

	// What a driver changes in place, by a UMR, which leaves the key its name.
	// Authority: Linux drivers/infiniband/hw/mlx5/mr.c can_use_umr_rereg_access.
	accessInPlace = accessLocalWrite | accessRemoteWrite | accessRemoteRead | accessRemoteAtomic | accessRelaxed
)

// AllocPD adds a protection domain and gives its number.
func (e *Engine) AllocPD() uint32 {
	n := e.number(&e.nextPD, index24, func(n uint32) bool { return e.pds[n] != nil })
	e.pds[n] = new(pd)
	return n
}

// FreePD removes a protection domain that nothing belongs to any more.
func (e *Engine) FreePD(n uint32) error {
	p := e.pds[n]
	switch {
	case p == nil:
		return syscall.EINVAL
	case p.uses > 0:
		return syscall.EBUSY
	}
	if p.flat != 0 {
		e.destroyKey(p.flat)
		delete(e.mrs, p.flat)
	}
	delete(e.pds, n)
	return nil
}

// OpenXRCD adds an XRC domain, CloseXRCD removes it.
func (e *Engine) OpenXRCD() uint32 {
	n := e.number(&e.nextXRCD, index24, func(n uint32) bool { return e.xrcds[n] })
	e.xrcds[n] = true
	return n
}

// CloseXRCD removes an XRC domain that nothing uses any more.
func (e *Engine) CloseXRCD(n uint32) error {
	if !e.xrcds[n] {
		return syscall.EINVAL
	}
	for _, s := range e.srqs {
		if s.spec.XRCD == n {
			return syscall.EBUSY
		}
	}
	for _, q := range e.qps {
		if q.spec.XRCD == n {
			return syscall.EBUSY
		}
	}
	delete(e.xrcds, n)
	return nil
}

// PSV gives an index for a transient signature.
func (e *Engine) PSV() uint32 {
	return e.number(&e.nextPSV, index24, func(uint32) bool { return false })
}

// rights are a key's for a registration's access flags.
func rights(access uint32) uint8 {
	r := uint8(mlx5model.AccLR)
	for _, x := range []struct {
		flag uint32
		bit  uint8
	}{
		{accessLocalWrite, mlx5model.AccLW}, {accessRemoteWrite, mlx5model.AccRW},
		{accessRemoteRead, mlx5model.AccRR}, {accessRemoteAtomic, mlx5model.AccA},
	} {
		if access&x.flag != 0 {
			r |= x.bit
		}
	}
	return r
}

// RegMR registers length bytes at addr of the process under addresses from
// iova on. It gives the key, which is lkey and rkey.
func (e *Engine) RegMR(pdn uint32, addr, length, iova uint64, access uint32) (uint32, error) {
	index := e.number(&e.nextKey, index24, func(n uint32) bool { return e.mrs[n] != nil })
	e.variant++
	return e.register(index, e.variant, mr{pd: pdn, addr: addr, length: length, iova: iova, access: access})
}

// RegDM registers length bytes of device memory, which the process has at addr,
// under addresses from 0 on. There may be none, as with Linux.
func (e *Engine) RegDM(pdn uint32, addr, length uint64, access uint32) (uint32, error) {
	index := e.number(&e.nextKey, index24, func(n uint32) bool { return e.mrs[n] != nil })
	e.variant++
	return e.register(index, e.variant, mr{pd: pdn, addr: addr, length: length, access: access | accessZeroBased, device: true})
}

func (e *Engine) register(index uint32, tag uint8, m mr) (uint32, error) {
	p := e.pds[m.pd]
	if p == nil {
		return 0, syscall.EINVAL
	}
	if m.access&(accessRemoteWrite|accessRemoteAtomic) != 0 && m.access&accessLocalWrite == 0 {
		return 0, syscall.EINVAL
	}
	if m.access&accessZeroBased != 0 {
		m.iova = 0
	}
	ctx := mlx5model.MkeyContext{
		Access: rights(m.access), QPN: mlx5model.QPNAny, Tag: tag, PD: m.pd, Start: m.iova, Len: m.length, UMREn: true,
		ROWrite: m.access&accessRelaxed != 0 && e.c.Profile.ROWrite, RORead: m.access&accessRelaxed != 0 && e.c.Profile.RORead,
	}
	list, err := e.translation(&ctx, &m)
	if err != nil {
		return 0, err
	}
	key, err := e.createKey(index, ctx, list)
	if err != nil {
		return 0, errnoOf(err)
	}
	m.rkey = key
	e.mrs[index] = &m
	p.uses++
	return key, nil
}

// translation chooses how a region's key finds its bytes: pages as large as
// addr and iova allow, or, if they differ within a page, entries of the domain's
// key of all memory. The region of all memory (ODP, implicit) needs neither.
func (e *Engine) translation(ctx *mlx5model.MkeyContext, m *mr) ([]byte, error) {
	if m.access&accessOnDemand != 0 && m.addr == 0 && m.length == ^uint64(0) {
		ctx.Mode, ctx.Length64 = mlx5model.ModePA, true
		return nil, nil
	}
	if m.device && m.length == 0 {
		ctx.Mode = mlx5model.ModePA
		return nil, nil
	}
	if m.length == 0 || m.addr+m.length < m.addr {
		return nil, syscall.EINVAL
	}
	if !e.mapped(m.addr, m.length) && m.access&accessOnDemand == 0 {
		return nil, syscall.EFAULT
	}
	p := &e.c.Profile
	if log := uint8(min(bits.TrailingZeros64(m.addr^m.iova), int(p.LogPageMax))); log >= p.LogPageMin {
		size := uint64(1) << log
		ctx.Mode, ctx.LogPageSize = mlx5model.ModeMTT, log
		first := m.addr &^ (size - 1)
		n := (m.addr+m.length-1)>>log - first>>log + 1
		list := make([]byte, mlx5model.AlignUp(n*mlx5model.MTTSize, mlx5model.OctowordSize))
		for i := range n {
			putMTT(list[i*mlx5model.MTTSize:], first+i*size)
		}
		ctx.XltOctowords = uint32(len(list) / mlx5model.OctowordSize)
		return list, nil
	}
	return e.pieces(ctx, m)
}

// pieces makes a KLM list over the domain's key of all memory.
func (e *Engine) pieces(ctx *mlx5model.MkeyContext, m *mr) ([]byte, error) {
	flat, err := e.flat(m.pd)
	if err != nil {
		return nil, err
	}
	ctx.Mode = mlx5model.ModeKLM
	var list []byte
	piece := min(e.c.Profile.MaxKLMBytes, 1<<30)
	for off := uint64(0); off < m.length; off += piece {
		k := mlx5model.KLM{ByteCount: uint32(min(piece, m.length-off)), Key: flat, VA: m.addr + off}
		list = append(list, make([]byte, mlx5model.KLMSize)...)
		k.Put(list[len(list)-mlx5model.KLMSize:])
	}
	ctx.XltOctowords = uint32(len(list) / mlx5model.OctowordSize)
	return list, nil
}

// flat is the domain's key of all memory, with local rights only.
func (e *Engine) flat(pdn uint32) (uint32, error) {
	p := e.pds[pdn]
	if p.flat == 0 {
		index := e.number(&e.nextKey, index24, func(n uint32) bool { return e.mrs[n] != nil })
		ctx := mlx5model.MkeyContext{Mode: mlx5model.ModePA, Length64: true, PD: pdn, QPN: mlx5model.QPNAny,
			Access: mlx5model.AccLR | mlx5model.AccLW}
		if _, err := e.createKey(index, ctx, nil); err != nil {
			return 0, errnoOf(err)
		}
		e.mrs[index] = &mr{pd: pdn, kind: direct, length: ^uint64(0)}
		p.flat = index
	}
	return p.flat << 8, nil
}

func putMTT(b []byte, page uint64) {
	page |= mlx5model.MTTRead | mlx5model.MTTWrite
	for i := range mlx5model.MTTSize {
		b[i] = byte(page >> (56 - 8*i))
	}
}

// mapped reports whether the first and the last byte of a range can be read,
// as registering pins pages. What lies between shows when it is used.
func (e *Engine) mapped(addr, length uint64) bool {
	var b [1]byte
	return e.c.Memory.Read(addr, b[:]) == nil && e.c.Memory.Read(addr+length-1, b[:]) == nil
}

// Flags of a re-registration. Authority: infiniband/verbs.h enum
// ibv_rereg_mr_flags.
const (
	reregTranslation = 1 << 0
	reregPD          = 1 << 1
	reregAccess      = 1 << 2
)

// ReregMR changes a region as flags say and gives its key. Another domain, or
// other rights, leave the key as it is, as Linux does, and programs rely on it;
// with other bytes behind it the tag goes on by one, so that users of the old
// key are found. On error nothing changes.
func (e *Engine) ReregMR(index, flags, pdn uint32, addr, length, iova uint64, access uint32) (uint32, error) {
	old := e.mrs[index]
	if old == nil || old.kind != region || flags&^(reregTranslation|reregPD|reregAccess) != 0 || flags == 0 {
		return 0, syscall.EINVAL
	}
	m := *old
	if flags&reregTranslation != 0 {
		m.addr, m.length, m.iova = addr, length, iova
	}
	if flags&reregPD != 0 {
		m.pd = pdn
	}
	if flags&reregAccess != 0 {
		m.access = access
	}
	// A key that cannot be made must leave the old one: try it elsewhere.
	probe := e.number(&e.nextKey, index24, func(n uint32) bool { return e.mrs[n] != nil })
	if _, err := e.register(probe, 0, m); err != nil {
		return 0, err
	}
	e.drop(probe)
	tag := mlx5model.KeyTag(old.rkey)
	if flags&reregTranslation != 0 || (m.access^old.access)&^accessInPlace != 0 {
		tag = mlx5model.KeyTag(mlx5model.BumpKey(old.rkey))
	}
	e.drop(index)
	return e.register(index, tag, m)
}

// DeregMR removes a region.
func (e *Engine) DeregMR(index uint32) error { return e.remove(index, region) }

// FreeMW removes a window.
func (e *Engine) FreeMW(index uint32) error { return e.remove(index, window) }

// DestroyMkey removes a key of CreateMkey.
func (e *Engine) DestroyMkey(index uint32) error { return e.remove(index, direct) }

func (e *Engine) remove(index uint32, kind keyKind) error {
	if m := e.mrs[index]; m == nil || m.kind != kind {
		return syscall.EINVAL
	}
	e.drop(index)
	return nil
}

func (e *Engine) drop(index uint32) {
	if p := e.pds[e.mrs[index].pd]; p != nil {
		p.uses--
	}
	delete(e.mrs, index)
	e.destroyKey(index)
}

// Region is what a registration made.
type Region struct {
	Key    uint32 // lkey and rkey
	PD     uint32
	Access uint32 // as registered
	Length uint64 // bytes
	IOVA   uint64 // the first address
}

// QueryMR tells what a region is.
func (e *Engine) QueryMR(index uint32) (Region, error) {
	m := e.mrs[index]
	if m == nil || m.kind != region {
		return Region{}, syscall.EINVAL
	}
	return Region{Key: m.rkey, PD: m.pd, Access: m.access, Length: m.length, IOVA: m.iova}, nil
}

// errnoOf is what the kernel would return for a command that failed.
func errnoOf(err error) error {
	switch {
	case errors.Is(err, mlx5model.ErrMkeyLimit), errors.Is(err, mlx5model.ErrQPLimit):
		return syscall.ENOMEM
	case errors.Is(err, mlx5model.ErrMkeyCap):
		return syscall.EOPNOTSUPP
	}
	return syscall.EINVAL
}
