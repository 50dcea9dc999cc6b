//go:build !purego

package spdk

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// umrConfigure and umrPost write the plain UMRs themselves and jump to their
// fallbacks with the others, before they write anything. Plain is a list of one
// entry or more that the queue admits, in a WQE that it has room for, that the
// ring's end does not cut in front of the list and that is no longer than longest.

//go:noescape
func umrConfigure(q *QP, keyLen uint64, list *sg.Entry, n int, flags uint8) error

//go:noescape
func umrPost(q *QP, keyLen uint64, list *sg.Entry, n int, flags uint8) error

// longest is the longest WQE that the assembly writes, in WQEBBs: none without
// AVX2. Tests switch it off.
var longest = func() uint64 {
	if cpu.X86.HasAVX2 {
		return mostWQEBBs
	}
	return 0
}()

// mostWQEBBs is how many WQEBBs the six bits of DS can say.
const mostWQEBBs = mlx5model.MaxDS / (mlx5model.WQEBBSize / mlx5model.DSSize)

// tables are the constants of a UMR: it needs three cache lines of them.
type tables struct {
	// Shuffles: byte i of the result is byte toKLM[i] of the source, or 0.
	// What goes to the control segment and to a mkey context's length comes
	// from 16 bytes of fields: QPN, PI, fm_ce_se in byte 6, key, length.
	toKLM         [32]uint8 // of two entries, which are addr, len and lkey
	toCtrl, toLen [16]uint8

	// forms are the first 32 bytes of a WQE of so many WQEBBs without those
	// fields.
	forms [mostWQEBBs + 1][32]byte

	// modes say what the flags that a caller asks for become in each
	// signalling mode; doorModes, what they become before the doorbell.
	modes, doorModes [modeCount << 8]mode
}

const modeCount = len(ceMap)

// mode is what becomes of flags.
type mode struct {
	flags uint32 // fm_ce_se, 16 bits up
	keep  uint32 // and-ed to the count of unsignaled WQEBBs
}

var constants = newTables()

func newTables() (t tables) {
	const no = 0x80
	t.toKLM = [32]uint8{
		11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0,
		11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4, 3, 2, 1, 0,
	}
	t.toCtrl = [16]uint8{no, 5, 4, no, 2, 1, 0, no, no, no, no, 6, 11, 10, 9, 8}
	t.toLen = [16]uint8{no, no, no, no, no, no, no, no, no, no, no, no, 15, 14, 13, 12}
	for wqebbs := mlx5model.UMRFixedDS / 4; wqebbs <= mostWQEBBs; wqebbs++ {
		ds := uint16(4 * wqebbs)
		form := t.forms[wqebbs][:]
		binary.BigEndian.PutUint64(form, sendq.Head(0, mlx5model.OpUMR, 0, uint32(ds)))
		binary.BigEndian.PutUint64(form[16:], sendq.UMR(mlx5model.UMRInline, ds-mlx5model.UMRFixedDS, 0))
		binary.BigEndian.PutUint64(form[24:], plain.mask)
	}
	for i := range t.modes {
		q := QP{SigMode: SigMode(i >> 8)}
		fmCeSe := q.mode(uint8(i))
		t.modes[i] = newMode(fmCeSe)
		if q.SigMode == SigLast {
			fmCeSe = signaled(fmCeSe)
		}
		t.doorModes[i] = newMode(fmCeSe)
	}
	return t
}

func newMode(fmCeSe uint8) mode {
	m := mode{flags: uint32(fmCeSe) << 16, keep: 0xffff}
	if fmCeSe&mlx5model.CtrlCEAlways != 0 {
		m.keep = 0
	}
	return m
}

// The assembler's uses do not count.
var _ = [...]any{umrConfigureFallback, umrPostFallback, &constants, &longest}

// The assembly takes these for granted. Should one change, the constants no
// longer fit a uint8.
const (
	_ = uint8(-uint8(SigNone))
	_ = uint8(-(unsafe.Sizeof(mode{}) ^ 8))
	_ = uint8(-(unsafe.Offsetof(mode{}.keep) ^ 4))
	_ = uint8(-(unsafe.Offsetof(QP{}.PI) ^ (unsafe.Offsetof(QP{}.DBRec) + 4)))
	_ = uint8(-(unsafe.Offsetof(QP{}.TxAvailable) ^ (unsafe.Offsetof(QP{}.DBRec) + 6)))
	_ = uint8(-(unsafe.Offsetof(QP{}.head) ^ (unsafe.Offsetof(QP{}.Doorbell) + 8)))
)
