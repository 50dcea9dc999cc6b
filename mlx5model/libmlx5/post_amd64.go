//go:build !purego

package libmlx5

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// postMRList is postMRListFallback: it writes the lists that have nothing
// special itself and jumps there with the others, before it writes anything.
// Plain is a list of one entry or more that key and queue admit, in a WQE that
// the ring's end does not cut in front of a long list and that is no longer than
// longest, for a key without attributes; and a queue that the last batch did not
// leave with an error or a key under construction.
//
//go:noescape
func postMRList(q *QP, mkey *Mkey, list *sg.Entry, n int, flags SendFlags, access Access) error

// longest is the longest WQE that the assembly writes, in bytes: none without
// AVX2. Tests switch it off.
var longest = func() uint64 {
	if cpu.X86.HasAVX2 {
		return mostWQEBBs * mlx5model.WQEBBSize
	}
	return 0
}()

// mostWQEBBs is how many WQEBBs the six bits of DS can say.
const mostWQEBBs = mlx5model.MaxDS / (mlx5model.WQEBBSize / mlx5model.DSSize)

// tables are the constants of a request.
type tables struct {
	// Shuffles: byte i of the result is byte toKLM[i] of the source, or 0.
	// The control segment, a mkey context's tag and what the queue remembers
	// of a request come from 16 bytes of fields: QPN, CurPost, mode.set with
	// the fences, and key. A length comes from its eight bytes.
	toKLM                         [32]uint8 // of two entries, which are addr, len and lkey
	toCtrl, toTag, toState, toLen [16]uint8
	// counted is and-ed to the counters: QPN, CurPost, DBRec, Head, BFOffset.
	counted [8]uint32
	// modes say what becomes of wr_flags but for Inline; the upper half is
	// that of queues that signal all.
	modes [2 * Inline]mode
	// rights are the first words of a mkey context, without the tag.
	rights [accessMkey + 1][16]byte
	// forms are those of WQEs of so many WQEBBs.
	forms [mostWQEBBs + 1]form
}

// mode is what becomes of flags. Byte 0 is fm_ce_se, 1 the fence that was next,
// 2 the flags.
type mode struct {
	keep uint32 // of the fence that is next, in bytes 0 and 1
	set  uint32
}

// form is what the WQEs of a size have in common.
type form struct {
	head  [32]byte  // without index, QPN, fm_ce_se and key
	count [8]uint32 // what the counters grow by
	state [4]uint32 // size, nreq, bfLen, FMCache
	_     [12]uint32
}

var constants = newTables()

func newTables() (t tables) {
	const no = 0x80
	t.toKLM = [32]uint8{
		11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0,
		11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0,
	}
	t.toCtrl = [16]uint8{no, 5, 4, no, 2, 1, 0, no, no, no, no, 8, 15, 14, 13, 12}
	t.toTag = [16]uint8{no, no, no, no, no, no, no, 12, no, no, no, no, no, no, no, no}
	t.toState = [16]uint8{4, 5, 6, 7, 9, no, no, no, 4, 5, 6, 7, 10, no, no, no}
	t.toLen = [16]uint8{no, no, no, no, no, no, no, no, 7, 6, 5, 4, 3, 2, 1, 0}
	t.counted = [8]uint32{1<<32 - 1, 1<<32 - 1, 1<<16 - 1, 1<<32 - 1, ^uint32(2 * bfBufSize)}
	for i := range t.modes {
		q := QP{Flags: SendFlags(i) | Inline, SigAll: i >= int(Inline)}
		t.modes[i] = mode{keep: 0xffff, set: uint32(q.fmCeSe()) | uint32(q.Flags)<<16}
		if q.Flags&Fence != 0 {
			t.modes[i].keep = 0xff00
		}
	}
	for access := range t.rights {
		binary.BigEndian.PutUint64(t.rights[access][:], sendq.Rights(Access(access).bits(), mlx5model.QPNAny, 0))
	}
	for wqebbs := uint32(mlx5model.UMRFixedDS / 4); wqebbs <= mostWQEBBs; wqebbs++ {
		ds, f := 4*wqebbs, &t.forms[wqebbs]
		binary.BigEndian.PutUint64(f.head[:], sendq.Head(0, mlx5model.OpUMR, 0, ds))
		binary.BigEndian.PutUint64(f.head[16:], sendq.UMR(mlx5model.UMRInline, uint16(ds-mlx5model.UMRFixedDS), 0))
		binary.BigEndian.PutUint64(f.head[24:], listMask)
		f.count = [8]uint32{0, wqebbs, wqebbs, 1, bfBufSize}
		f.state = [4]uint32{ds, 1, 8, mlx5model.FenceSmall}
		if ds <= bfMaxDS {
			f.state[2] = wqebbs * mlx5model.WQEBBSize
		}
	}
	return t
}

// The assembler's uses do not count.
var _ = [...]any{postMRListFallback, &constants, &longest}

// Where fields stand that are loaded and stored together.
const (
	zeroes   = unsafe.Offsetof(Mkey{}.Signature)
	counters = unsafe.Offsetof(QP{}.QPN)
	state    = unsafe.Offsetof(QP{}.rollback)
)

// The assembly takes these for granted. Should one change, the constants no
// longer fit a uint8.
const (
	_ = uint8(-(Inline ^ 8))
	_ = uint8(-bsfInit)
	_ = uint8(-(unsafe.Sizeof(form{}) ^ 2*mlx5model.WQEBBSize))
	_ = uint8(-(unsafe.Sizeof(mode{}) ^ 8))
	_ = uint8(-(unsafe.Offsetof(QP{}.NoTagUpdate) - unsafe.Offsetof(QP{}.WQSig) ^ 1))
	_ = uint8(-(unsafe.Offsetof(Mkey{}.Crypto) - zeroes ^ 1))
	_ = uint8(-(unsafe.Offsetof(Mkey{}.sigState) - zeroes ^ 2))
	_ = uint8(-(unsafe.Offsetof(Mkey{}.cryptoState) - zeroes ^ 3))
	_ = uint8(-(unsafe.Offsetof(QP{}.CurPost) - counters ^ 4))
	_ = uint8(-(unsafe.Offsetof(QP{}.DBRec) - counters ^ 8))
	_ = uint8(-(unsafe.Offsetof(QP{}.Head) - counters ^ 12))
	_ = uint8(-(unsafe.Offsetof(QP{}.BFOffset) - counters ^ 16))
	_ = uint8(-(state - counters ^ 32))
	_ = uint8(-(unsafe.Offsetof(QP{}.rollback.fmCache) ^ 4))
	_ = uint8(-(unsafe.Offsetof(QP{}.ctrl) - state ^ 8))
	_ = uint8(-(unsafe.Offsetof(QP{}.Flags) - state ^ 12))
	_ = uint8(-(unsafe.Offsetof(QP{}.size) - state ^ 16))
	_ = uint8(-(unsafe.Offsetof(QP{}.nreq) - state ^ 20))
	_ = uint8(-(unsafe.Offsetof(QP{}.bfLen) - state ^ 24))
	_ = uint8(-(unsafe.Offsetof(QP{}.FMCache) - state ^ 28))
	_ = uint8(-(unsafe.Offsetof(QP{}.err) - state ^ 32))
)
