//go:build !purego

package linux

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// register is registerFallback: it writes the registrations that have nothing
// special itself and jumps there with the others, before it writes anything.
// Plain are KLMs with a list of 1 to maxPlain entries that the region has room
// for, in a WQE that the ring's end does not cut, under rights that every device
// can set.
//
//go:noescape
func register(qp *QP, wr *WR, list *sg.Entry, n int, pageSize, lkey uint32) (mapped, err int)

// avx2 says whether the assembly may run. Tests switch it off.
var avx2 = cpu.X86.HasAVX2

// What register writes and looks at.
const (
	modeKLM       = uint8(mlx5model.ModeKLM)
	accessAsked   = AccessRemoteAtomic | AccessRelaxedOrdering // rights that canReconfig asks for
	maxPlain      = 1<<16 - 1                                  // mlx5_ib_sg_to_klms counts to 16 bits
	headInline    = uint64(mlx5model.OpUMR)<<32 | maxRegMR     // sendq.Head without index and QPN
	headPointer   = uint64(mlx5model.OpUMR)<<32 | (mlx5model.UMRFixedDS + 1)
	fenceBehind   = mlx5model.FenceSmall << 16 // the fence that stays, behind CurPost
	ceAlwaysShift = 3

	// The assembler's uses do not count.
	_ = uint64(modeKLM) | accessAsked | maxPlain | headInline | headPointer | fenceBehind | ceAlwaysShift
	_ = uint8(-(1<<ceAlwaysShift ^ mlx5model.CtrlCEAlways))
)

// The assembler's uses do not count.
var _ = [...]any{registerFallback, &umrInline, &umrPointer, &regMask, &regFlags, &regRights, &regFmCeSe, &toKLM, &swapWords}

// Fields that are written together lie together. Should the layout change, these
// constants no longer fit a uint8.
const (
	_ = uint8(-(unsafe.Offsetof(QP{}.NextFence) ^ (unsafe.Offsetof(QP{}.CurPost) + 2)))
	_ = uint8(-(unsafe.Offsetof(QP{}.Head) ^ (unsafe.Offsetof(QP{}.CurPost) + 4)))
	_ = uint8(-(unsafe.Offsetof(MR{}.Length) ^ (unsafe.Offsetof(MR{}.IOVA) + 8)))
)

// Words as they stand in the WQE.
var (
	umrInline  = bits.ReverseBytes64(sendq.UMR(mlx5model.UMRCheckNotFree|mlx5model.UMRInline, InlineThreshold/mlx5model.OctowordSize, 0))
	umrPointer = bits.ReverseBytes64(sendq.UMR(mlx5model.UMRCheckNotFree, 0, 0)) // without the list's octowords
	regMask    = bits.ReverseBytes64(RegMask)
	regFlags   = bits.ReverseBytes64(mlx5model.FlagsEnRinval)
)

// regRights is the first word of the mkey context, without the tag, for the
// lower three access rights of a work request.
var regRights = func() (t [8]uint64) {
	for access := range t {
		t[access] = bits.ReverseBytes64(sendq.Rights(regAccess|sendq.Access(uint32(access))|modeKLM, mlx5model.QPNAny, 0))
	}
	return t
}()

// regFmCeSe is fm_ce_se, without the fence, for the lower three send flags.
var regFmCeSe = func() (t [8]uint8) {
	for send := range t {
		t[send] = uint8(new(sendq.Post).Flags(uint8(send), 0, 0) >> 32)
	}
	return t
}()

// toKLM is the shuffle of an entry to a KLM: byte i of the result is byte
// toKLM[i] of the entry, which is addr, len and lkey.
var toKLM = [16]uint8{11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0}

// swapWords is the shuffle that turns the bytes of two words around.
var swapWords = [16]uint8{7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8}
