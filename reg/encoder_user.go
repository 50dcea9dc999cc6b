package reg

import (
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

// maxInlineKLMs is what a WQE of DS 63 holds inline once the list is rounded
// to 64 bytes: DS 60.
const maxInlineKLMs = (mlx5model.MaxDS - mlx5model.UMRFixedDS) / 4 * 4

// entriesOf reads packed KLMs as the entries that a user library is given.
func entriesOf(dst []sg.Entry, list []byte) []sg.Entry {
	n := len(list) / mlx5model.KLMSize
	dst = slices.Grow(dst, n)
	dst = dst[:len(dst)+n]
	xlt.Entries(dst[len(dst)-n:], list)
	return dst
}

// inlineWQEBBs is the size of a UMR with n KLMs inline.
func inlineWQEBBs(n int) int {
	return (mlx5model.UMRDataOff + int(mlx5model.AlignUp(uint64(n)*mlx5model.KLMSize, mlx5model.UMRListAlign))) / mlx5model.WQEBBSize
}

// libmlx5Encoder posts as rdma-core's user library does.
type libmlx5Encoder struct {
	version libmlx5.Version
	qp      libmlx5.QP
	mkey    libmlx5.Mkey
	sges    []sg.Entry
}

func (x *libmlx5Encoder) Name() string {
	if x.version == libmlx5.V44 {
		return "libmlx5-44"
	}
	return "libmlx5"
}

func (x *libmlx5Encoder) Rules() *mlx5model.Rules {
	if x.version == libmlx5.Head {
		return &libmlx5.RulesHead
	}
	return &libmlx5.RulesV44
}

// Caps limits version 44 to regions whose length its 32-bit sum can hold.
func (x *libmlx5Encoder) Caps() EncoderCaps {
	c := EncoderCaps{
		KLM: true, ZeroBased: true, Rekey: true, Invalidate: true, RDMARead: true,
		MaxInline: maxInlineKLMs, MaxList: maxInlineKLMs,
		Mask: mlx5model.MaskFree | mlx5model.MaskKey | mlx5model.MaskLen | mlx5model.MaskAccess,
	}
	if x.version == libmlx5.V44 {
		c.MaxTotal = 1<<31 - 1
	}
	return c
}

// Context sets the tag that the pool asks for; the library's own is 0.
func (*libmlx5Encoder) Context(_ mlx5model.AccessMode, max int, pd uint32, tag uint8, _ uint8) mlx5model.MkeyContext {
	c := libmlx5.CreateMkeyContext(uint16(min(max, maxInlineKLMs)), pd, libmlx5.InitIndirect|libmlx5.InitUpdateTag)
	c.Tag = tag
	return c
}

func (x *libmlx5Encoder) Attach(ring *mlx5model.Ring, qpn, pd, localKey, pi uint32) {
	x.qp = libmlx5.QP{
		Ring: ring, Version: x.version, QPN: qpn, CurPost: pi,
		MaxInlineData: maxInlineKLMs*mlx5model.KLMSize - 4,
		Flags:         libmlx5.Inline,
	}
}

func (x *libmlx5Encoder) PI() uint32 { return x.qp.CurPost }

func (x *libmlx5Encoder) Register(w *RegWR) (va uint64, err error) {
	x.sges = entriesOf(x.sges[:0], w.List)
	x.qp.Start()
	x.qp.Flags = libmlx5.Inline
	if w.Signaled {
		x.qp.Flags |= libmlx5.Signaled
	}
	x.mkey = libmlx5.Mkey{Lkey: w.Key, NumDesc: maxInlineKLMs}
	x.qp.MRList(&x.mkey, libmlx5.Access(verbsAccess(w.Access)), x.sges)
	x.qp.Flags = libmlx5.Inline
	return 0, x.qp.Complete()
}

func (x *libmlx5Encoder) Invalidate(key uint32) error {
	x.qp.Start()
	x.qp.LocalInv(key)
	return x.qp.Complete()
}

func (x *libmlx5Encoder) RDMA(write bool, raddr uint64, rkey uint32, sges []sg.Entry) error {
	x.qp.Start()
	x.qp.Flags = 0
	if write {
		x.qp.RDMAWrite(rkey, raddr, sges)
	} else {
		x.qp.RDMARead(rkey, raddr, sges)
	}
	return x.qp.Complete()
}

func (*libmlx5Encoder) Size(_ mlx5model.AccessMode, n int) int { return inlineWQEBBs(n) }

// spdkEncoder posts as SPDK's mlx5 library does. It has keys with all rights
// but atomics, changes list, length and free bit only, and knows no
// invalidate.
type spdkEncoder struct {
	qp   spdk.QP
	pi   uint32
	sges []sg.Entry
}

func (*spdkEncoder) Name() string { return "spdk" }

func (*spdkEncoder) Rules() *mlx5model.Rules { return &spdk.Rules }

func (*spdkEncoder) Caps() EncoderCaps {
	return EncoderCaps{
		KLM: true, ZeroBased: true,
		MaxInline: maxInlineKLMs, MaxList: maxInlineKLMs, MaxTotal: 1<<32 - 1,
		FixedAccess: mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW,
		Mask:        mlx5model.MaskFree | mlx5model.MaskLen,
	}
}

// Context is that of SPDK's key pool, which has room for 128 entries. A key made again at the same place gets the
// tag that the pool asks for.
func (*spdkEncoder) Context(_ mlx5model.AccessMode, max int, pd uint32, tag uint8, _ uint8) mlx5model.MkeyContext {
	c := spdk.PoolMkeyContext(pd, false, false)
	if tag != 0 {
		c.Tag = tag
	}
	return c
}

func (x *spdkEncoder) Attach(ring *mlx5model.Ring, qpn, pd, localKey, pi uint32) {
	x.qp = spdk.QP{Ring: ring, QPN: qpn, MaxSendSGE: mlx5model.MaxDS, PI: uint16(pi)}
	x.pi = pi
}

func (x *spdkEncoder) PI() uint32 { return x.pi }

// posted follows the library's 16-bit counter. Room in the queue is Env's
// affair, so the library is told before each WQE that all of it is free.
func (x *spdkEncoder) posted(err error) error {
	x.qp.CompleteSend()
	x.pi += uint32(x.qp.PI - uint16(x.pi))
	return err
}

func (x *spdkEncoder) free() { x.qp.TxAvailable = uint16(x.qp.Ring.WQEBBs()) }

func (x *spdkEncoder) Register(w *RegWR) (va uint64, err error) {
	if w.Length > 1<<32-1 {
		return 0, fmt.Errorf("%d bytes in a 32-bit length: %w", w.Length, ErrUnsupported)
	}
	x.sges = entriesOf(x.sges[:0], w.List)
	var flags uint8
	if w.Signaled {
		flags = mlx5model.CtrlCEAlways
	}
	x.free()
	return 0, x.posted(x.qp.UMRConfigure(w.Key, uint32(w.Length), x.sges, flags))
}

func (x *spdkEncoder) Invalidate(uint32) error { return ErrUnsupported }

// RDMA posts writes only: the library has no reads.
func (x *spdkEncoder) RDMA(write bool, raddr uint64, rkey uint32, sges []sg.Entry) error {
	if !write {
		return fmt.Errorf("RDMA READ: %w", ErrUnsupported)
	}
	x.free()
	return x.posted(x.qp.RDMAWrite(sges, raddr, rkey, mlx5model.FenceSmall))
}

func (*spdkEncoder) Size(_ mlx5model.AccessMode, n int) int { return inlineWQEBBs(n) }
