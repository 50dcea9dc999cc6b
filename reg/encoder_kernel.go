package reg

import (
	"fmt"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// linuxEncoder posts as the kernel's mlx5_ib driver does.
type linuxEncoder struct {
	qp linux.QP
	mr linux.MR
	wr [1]linux.WR
	pi uint32
}

func (*linuxEncoder) Name() string { return "linux" }

func (*linuxEncoder) Rules() *mlx5model.Rules { return &linux.Rules }

func (*linuxEncoder) Caps() EncoderCaps {
	return EncoderCaps{
		MTT: true, KLM: true, Pointer: true, Rekey: true, Invalidate: true, RDMARead: true,
		MaxInline: linux.InlineThreshold / mlx5model.KLMSize,
		MaxList:   mlx5model.MaxMTTs,
		Mask:      linux.RegMask,
	}
}

func (*linuxEncoder) Context(mode mlx5model.AccessMode, max int, pd uint32, tag uint8, logPage uint8) mlx5model.MkeyContext {
	if mode == mlx5model.ModeKLM {
		return linux.SGGapsContext(uint32(max), pd, tag)
	}
	return linux.MemRegContext(uint32(max), pd, tag)
}

func (x *linuxEncoder) Attach(ring *mlx5model.Ring, qpn, pd, localKey, pi uint32) {
	x.qp = linux.QP{
		Ring: ring, QPN: qpn, PDN: pd, LocalDMALkey: localKey,
		UMRFence: mlx5model.FenceStrong, CurPost: uint16(pi),
	}
	x.pi = pi
}

func (x *linuxEncoder) PI() uint32 { return x.pi }

// send posts one work request and follows the driver's 16-bit counter.
func (x *linuxEncoder) send() error {
	res := x.qp.PostSend(x.wr[:])
	x.pi += uint32(x.qp.CurPost - uint16(x.pi))
	if res.Err != 0 {
		return fmt.Errorf("ib_post_send returned %d: %w", res.Err, ErrUnsupported)
	}
	return nil
}

func (x *linuxEncoder) Register(w *RegWR) (va uint64, err error) {
	x.mr = linux.MR{
		Mode: w.Mode, MaxDescs: w.N, DescMap: w.ListAddr, Descs: w.List,
		NDescs: w.N, IOVA: w.IOVA, Length: w.Length,
	}
	if w.Mode == mlx5model.ModeMTT {
		x.mr.PageSize = 1 << w.LogPage
	}
	x.wr[0] = linux.WR{Op: linux.OpRegMR, MR: &x.mr, Key: w.Key, Access: verbsAccess(w.Access)}
	if w.Signaled {
		x.wr[0].Flags = linux.SendSignaled
	}
	return w.IOVA, x.send()
}

func (x *linuxEncoder) Invalidate(key uint32) error {
	x.wr[0] = linux.WR{Op: linux.OpLocalInv, Key: key}
	return x.send()
}

func (x *linuxEncoder) RDMA(write bool, raddr uint64, rkey uint32, sges []sg.Entry) error {
	x.wr[0] = linux.WR{Op: linux.OpRDMARead, RAddr: raddr, RKey: rkey, SGEs: sges}
	if write {
		x.wr[0].Op = linux.OpRDMAWrite
	}
	return x.send()
}

// Size is three WQEBBs for every list: inline lists take one more than the
// fixed segments, pointers too.
func (*linuxEncoder) Size(mlx5model.AccessMode, int) int {
	return mlx5model.UMRDataOff/mlx5model.WQEBBSize + 1
}

// verbsAccess gives the rights of a mkey context as verbs access flags, which
// have one value in the kernel (include/rdma/ib_verbs.h) and in the user
// library.
func verbsAccess(acc uint8) (flags uint32) {
	for acc &= mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW | mlx5model.AccA; acc != 0; acc &= acc - 1 {
		switch 1 << bits.TrailingZeros8(acc) {
		case mlx5model.AccLW:
			flags |= linux.AccessLocalWrite
		case mlx5model.AccRR:
			flags |= linux.AccessRemoteRead
		case mlx5model.AccRW:
			flags |= linux.AccessRemoteWrite
		case mlx5model.AccA:
			flags |= linux.AccessRemoteAtomic
		}
	}
	return flags
}
