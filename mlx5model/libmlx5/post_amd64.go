//go:build !purego

package libmlx5

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// postMRList is postMRListFallback: it writes the lists that have nothing
// special itself and jumps there with the others, before it writes anything.
// Plain is a list of one entry or more that key and queue admit, in a WQE that
// the ring's end does not cut, for a key without attributes; and a queue that
// the last batch did not leave with an error or a key under construction.
//
//go:noescape
func postMRList(q *QP, mkey *Mkey, list *sg.Entry, n int, flags SendFlags, access Access) (errno Errno)

// What postMRList writes.
const (
	fenceSmall        = mlx5model.FenceSmall
	fenceSmallAndFull = mlx5model.FenceSmallAndFull
	signaledShift     = 1 // of SigAll to Signaled
	ceAlwaysShift     = 2 // of Signaled to the control segment's bit
	solicitedShift    = 1

	// The assembler's uses do not count.
	_ = fenceSmall | fenceSmallAndFull | signaledShift | ceAlwaysShift | solicitedShift
)

// Should one of these change, the constants no longer fit a uint8.
const (
	_ = uint8(-(1<<signaledShift ^ Signaled))
	_ = uint8(-(Signaled<<ceAlwaysShift ^ mlx5model.CtrlCEAlways))
	_ = uint8(-(Solicited>>solicitedShift ^ mlx5model.CtrlSolicited))
	_ = uint8(-(accessMkey ^ Access(len(listRights)-1)))
	_ = uint8(-bsfInit)
	_ = uint8(-unsafe.Offsetof(rollback{}.curPost))
	_ = uint8(-(unsafe.Offsetof(rollback{}.fmCache) ^ 4))
	_ = uint8(-(uint64(mlx5model.UMRInline)<<56 ^ 1<<63))
)

// The assembler's uses do not count.
var _ = [...]any{postMRListFallback, &umrMask, &listRights, &toKLM, &swapWords}

var umrMask = uint64(listMask)

// listRights is the first word of the mkey context, without the tag, for each
// set of access rights.
var listRights = func() (t [16]uint64) {
	for access := range t {
		t[access] = sendq.Rights(Access(access).bits(), mlx5model.QPNAny, 0)
	}
	return t
}()

// toKLM is the shuffle of an entry to a KLM: byte i of the result is byte
// toKLM[i] of the entry, which is addr, len and lkey.
var toKLM = [16]uint8{11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0}

// swapWords is the shuffle that turns the bytes of two words around.
var swapWords = [16]uint8{7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8}
