package spdk

import (
	"encoding/binary"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Errno is an error as SPDK returns it: a negative errno of Linux.
type Errno int

// Errors of the builders.
const (
	E2BIG  Errno = -7  // more entries than MaxSendSGE
	ENOMEM Errno = -12 // not enough free WQEBBs
	EINVAL Errno = -22 // a UMR without entries
)

func (e Errno) Error() string {
	switch e {
	case E2BIG:
		return "E2BIG (-7): more entries than max_send_sge"
	case ENOMEM:
		return "ENOMEM (-12): send queue full"
	case EINVAL:
		return "EINVAL (-22): no entries"
	}
	return fmt.Sprintf("errno %d", int(e))
}

// SigMode says which work requests ask for a completion.
// Authority: include/spdk_internal/mlx5.h SPDK_MLX5_QP_SIG_*.
type SigMode uint8

// Signalling modes.
const (
	SigNone SigMode = 0 // as the flags say
	SigAll  SigMode = 1 // every one, unless the flags ask for errors only
	SigLast SigMode = 2 // the last one before each doorbell
)

// ceMap gives the completion mode written for the one asked for.
// Authority: lib/mlx5/mlx5_priv.h g_mlx5_ce_map.
var ceMap = [3][4]uint8{
	SigNone: {1, 1, 2, 3},
	SigAll:  {2, 1, 2, 3},
	SigLast: {1, 1, 1, 3},
}

const ceShift = 2 // of the completion mode in fm_ce_se

// QP is SPDK's side of a send queue. Fill in the configuration and the state
// wanted, then use the methods; the zero state is that of a fresh queue but for
// TxAvailable. A QP is not safe for concurrent use.
type QP struct {
	Ring       *mlx5model.Ring
	QPN        uint32 // 24 bits
	SigMode    SigMode
	MaxSendSGE uint32 // entries per WQE

	// NonsignaledOutstanding counts the WQEBBs posted since the last WQE
	// that asks for a completion.
	NonsignaledOutstanding uint16

	// DBRec is the doorbell record [SND] in host order, 0 before the first
	// doorbell.
	DBRec       uint32
	PI          uint16 // WQEBB counter of the next WQE
	TxAvailable uint16 // free WQEBBs; completions give them back

	// Doorbell is what the last doorbell wrote to the UAR: the first 8 bytes
	// of the last WQE.
	Doorbell [8]byte

	// head is the first 8 bytes of the last WQE, zeroes if a doorbell
	// announced it.
	head [8]byte
}

// NewQP returns a QP with a fresh state: the whole ring is free.
func NewQP(ring *mlx5model.Ring, mode SigMode, qpn, maxSendSGE uint32) *QP {
	return &QP{Ring: ring, SigMode: mode, QPN: qpn, MaxSendSGE: maxSendSGE, TxAvailable: uint16(ring.WQEBBs())}
}

// room reports whether a WQE of n WQEBBs can be written now.
func (q *QP) room(n uint64) bool { return n <= uint64(min(uint32(q.TxAvailable), q.Ring.WQEBBs())) }

// mode gives the fm_ce_se byte for the one asked for.
func (q *QP) mode(flags uint8) uint8 {
	if q.SigMode == SigNone && flags&mlx5model.CtrlCEMask != 0 {
		return flags // the table leaves it
	}
	return flags&^mlx5model.CtrlCEMask | ceMap[min(q.SigMode, SigLast)][flags>>ceShift&3]<<ceShift
}

// headWord is the first word of the next WQE. DS is cut to its six bits, as
// mlx5dv_set_ctrl_seg does.
func (q *QP) headWord(op mlx5model.Opcode, ds uint32) uint64 {
	return sendq.Head(q.PI, op, q.QPN, ds&mlx5model.MaxDS)
}

// submit counts a WQE that was written with this head and these flags.
func (q *QP) submit(wqebbs uint16, head uint64, flags uint8) {
	q.NonsignaledOutstanding += wqebbs
	if flags&mlx5model.CtrlCEAlways != 0 {
		q.NonsignaledOutstanding = 0
	}
	binary.BigEndian.PutUint64(q.head[:], head)
	q.PI += wqebbs
	q.TxAvailable -= wqebbs
}

// CompleteSend rings the doorbell if anything was written since the last one.
// With SigLast it first makes the last WQE ask for a completion: its mode
// becomes CtrlCEAlways whatever it was.
func (q *QP) CompleteSend() {
	if q.head == [8]byte{} {
		return
	}
	if q.SigMode == SigLast {
		q.signalLast()
	}
	q.DBRec, q.Doorbell, q.head = uint32(q.PI), q.head, [8]byte{}
}

// signaled is a fm_ce_se byte that asks for a completion.
func signaled(fmCeSe uint8) uint8 { return fmCeSe&^mlx5model.CtrlCEMask | mlx5model.CtrlCEAlways }

// signalLast makes the last WQE ask for a completion. It stands apart so that
// CompleteSend is small enough to be inlined.
//
//go:noinline
func (q *QP) signalLast() {
	const index = 1 // be16 of the control segment
	b := sendq.At(q.Ring, uint32(binary.BigEndian.Uint16(q.head[index:])))
	b[0x0b] = signaled(b[0x0b])
	q.NonsignaledOutstanding = 0
}

// RDMAWrite writes an RDMA WRITE of the entries of list to remote address
// raddr under rkey. Entries of length zero are written like others; the device
// takes them for 2^31 bytes. The unused end of the last WQEBB is not written.
func (q *QP) RDMAWrite(list []sg.Entry, raddr uint64, rkey uint32, flags uint8) error {
	ds := uint64(len(list)) + 2
	wqebbs := (ds + 3) / 4
	if !q.room(wqebbs) {
		return ENOMEM
	}
	if uint64(len(list)) > uint64(q.MaxSendSGE) {
		return E2BIG
	}
	flags = q.mode(flags)
	b := sendq.At(q.Ring, uint32(q.PI))
	head := q.headWord(mlx5model.OpRDMAWrite, uint32(ds))
	sendq.PutCtrl(b, head, sendq.Flags(0, flags, 0))
	sendq.PutRaddr(b, raddr, rkey)
	for i := range list {
		seg := mlx5model.DataSeg{ByteCount: list[i].Len, Lkey: list[i].Lkey, Addr: list[i].Addr}
		seg.Put(q.Ring.At(uint32(q.PI), mlx5model.CtrlSize+mlx5model.RaddrSize+i*mlx5model.DataSegSize))
	}
	q.submit(uint16(wqebbs), head, flags)
	return nil
}

// SetPSV writes a SET_PSV that loads the CRC seed into the signature state
// psvIndex. The whole WQEBB is written. The index is not cut to 24 bits.
func (q *QP) SetPSV(psvIndex, crcSeed uint32, flags uint8) error {
	if !q.room(1) {
		return ENOMEM
	}
	flags = q.mode(flags)
	head := q.headWord(mlx5model.OpSetPSV, 2)
	sendq.PutWords(sendq.At(q.Ring, uint32(q.PI)), head, sendq.Flags(0, flags, 0), uint64(psvIndex)<<32, uint64(crcSeed)<<32)
	q.submit(1, head, flags)
	return nil
}
