package libmlx5

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
)

// Version selects which release of the library is modelled.
type Version int

// Versions. V44 is libmlx5 1.24.44 of rdma-core 44, Head is libmlx5 1.27.65.
const (
	V44 Version = iota
	Head
)

// SendFlags are the wr_flags that builders look at.
// Authority: libibverbs/verbs.h enum ibv_send_flags.
type SendFlags uint32

// Send flags.
const (
	Fence     SendFlags = 1
	Signaled  SendFlags = 2
	Solicited SendFlags = 4
	Inline    SendFlags = 8
)

// Sizes of the BlueFlame register: two buffers of bfBufSize bytes that
// doorbells alternate between (providers/mlx5/mlx5.h struct mlx5_bf).
const (
	bfBufSize = 256
	bfMaxDS   = bfBufSize / mlx5model.DSSize
)

// QP is the library's side of a send queue. Fill in the configuration and the
// state wanted, then use the methods; the zero state is that of a fresh queue.
// A QP is not safe for concurrent use.
type QP struct {
	// Ring is the queue's memory. It must hold the longest WQE that is
	// built, which NewQP checks.
	Ring          *mlx5model.Ring
	Version       Version
	MaxInlineData uint32 // cap.max_inline_data, bytes; bounds the lists of UMRs
	MaxPost       uint32 // WRs that may be outstanding; 0 for no limit
	Tail          uint32 // WRs known to be completed; the owner of the CQ advances it
	SigAll        bool   // created with sq_sig_all: every WQE asks for a CQE
	// SingleBlockCrypto says that the device encrypts one data unit per key
	// only, instead of consecutive ones.
	SingleBlockCrypto bool
	WQSig             bool // WQE signatures are computed
	NoTagUpdate       bool // the device cannot change a key's tag: a tag other than 0 is EOPNOTSUPP

	// postMRList stores the fields from here to the gap in one piece, and
	// those between the gaps.

	QPN     uint32 // 24 bits
	CurPost uint32 // WQEBB counter of the next WQE, never masked
	// DBRec is the doorbell record [SND] in host order: 0 before the first
	// doorbell, then CurPost modulo 2^16.
	DBRec uint32
	Head  uint32 // WRs posted so far
	// BFOffset is where in the BlueFlame register the next doorbell goes:
	// 0 or 256.
	BFOffset uint32
	_        [3]uint32

	rollback rollback
	ctrl     uint32 // counter where the WQE under construction, or the last one, starts
	// Flags are the wr_flags of the builders that follow.
	Flags   SendFlags
	size    uint32 // DS of the WQE so far
	nreq    uint32
	bfLen   uint32 // bytes
	FMCache uint8  // fence that the next WQE gets
	_       [3]uint8

	err        error
	mkey       *Mkey  // key that waits for setters
	setters    uint32 // setters that ran
	numSetters uint32 // setters that were announced
	bf         [bfBufSize]byte
}

type rollback struct {
	curPost uint32
	fmCache uint8
}

// NewQP checks that the longest UMR that maxInlineData admits fits the ring,
// and returns a QP with a fresh state.
func NewQP(ring *mlx5model.Ring, v Version, qpn, maxInlineData uint32) (*QP, error) {
	list := mlx5model.AlignUp(uint64(maxInlineData)+4, mlx5model.UMRListAlign)
	if mlx5model.UMRDataOff+list > uint64(len(ring.Bytes())) {
		return nil, mlx5model.ErrRingSize
	}
	return &QP{Ring: ring, Version: v, QPN: qpn, MaxInlineData: maxInlineData}, nil
}

// Start opens a batch (ibv_wr_start).
func (q *QP) Start() {
	q.rollback = rollback{q.CurPost, q.FMCache}
	q.err = nil
	q.nreq = 0
	q.bfLen = 0
}

// Complete posts the batch (ibv_wr_complete): it writes the doorbell record and
// rings the doorbell, if anything was posted: with a single WQE of at most 256
// bytes whole, or else with the first eight bytes of the last one. On error it posts nothing and
// puts CurPost and FMCache back; the error is an Errno.
func (q *QP) Complete() error {
	q.bfLen = 0
	if q.err != nil {
		q.CurPost, q.FMCache = q.rollback.curPost, q.rollback.fmCache
		return q.err
	}
	if q.nreq == 0 {
		return nil
	}
	q.Head += q.nreq
	q.DBRec = q.CurPost & 0xffff
	q.BFOffset = (q.BFOffset + bfBufSize) &^ (2 * bfBufSize)
	if q.nreq == 1 && q.size > 1 && q.size <= bfMaxDS {
		wqebbs := (q.size + 3) / 4
		q.bfLen = wqebbs * mlx5model.WQEBBSize
		sendq.Push(q.bf[:], q.Ring, q.ctrl, wqebbs)
		return nil
	}
	q.bfLen = 8
	*(*[8]byte)(q.bf[:]) = *(*[8]byte)(q.block(0)[:])
	return nil
}

// BlueFlame is what the last Complete wrote to the BlueFlame register at the
// BFOffset that was current before it: 8 bytes for a plain doorbell, a multiple
// of 64 for a WQE pushed whole, none if it posted nothing. The slice is the
// QP's own, valid until the next Start or Complete.
func (q *QP) BlueFlame() []byte { return q.bf[:q.bfLen] }

// block is the i-th WQEBB of the WQE under construction.
func (q *QP) block(i uint32) *[mlx5model.WQEBBSize]byte { return sendq.At(q.Ring, q.ctrl+i) }

// octoword is the i-th 16-byte unit of the WQE under construction.
func (q *QP) octoword(i uint32) []byte {
	b, at := q.block(i/4), i%4*mlx5model.OctowordSize
	return b[at : at+mlx5model.OctowordSize]
}

func (q *QP) fail(e Errno) {
	if q.err == nil {
		q.err = e
	}
}

// full reports whether no further WR may be posted.
func (q *QP) full() bool { return q.MaxPost != 0 && q.Head-q.Tail+q.nreq >= q.MaxPost }

// fmCeSe takes the fence and gives the byte of the control segment that holds
// it.
func (q *QP) fmCeSe() uint8 {
	fence := q.FMCache
	if q.Flags&Fence != 0 {
		fence = mlx5model.FenceSmallAndFull
	}
	q.FMCache = mlx5model.FenceNone
	if q.SigAll || q.Flags&Signaled != 0 {
		fence |= mlx5model.CtrlCEAlways
	}
	if q.Flags&Solicited != 0 {
		fence |= mlx5model.CtrlSolicited
	}
	return fence
}

// begin writes bytes 0-3 and 8-B of a control segment and returns the first
// WQEBB, or nil if the queue is full.
func (q *QP) begin(op mlx5model.Opcode) *[mlx5model.WQEBBSize]byte {
	if q.full() {
		q.fail(ENOMEM)
		return nil
	}
	q.ctrl, q.size = q.CurPost, 1
	b := q.block(0)
	binary.BigEndian.PutUint32(b[:], (q.CurPost&0xffff)<<8|uint32(op))
	binary.BigEndian.PutUint32(b[8:], uint32(q.fmCeSe()))
	return b
}

// finish writes bytes 4-7 and the signature and makes the slot used. DS is not
// masked: 64 units and more spill into the bits above it, as in the library.
func (q *QP) finish() {
	b := q.block(0)
	binary.BigEndian.PutUint32(b[4:], q.QPN<<8|q.size)
	if q.WQSig {
		b[8] = q.signature()
	}
	q.CurPost += (q.size + 3) / 4
	q.nreq++
}

// signature is the complement of the XOR over the WQE. The library reads on
// past the ring's end where it should wrap; that memory is taken as zero.
func (q *QP) signature() uint8 {
	buf := q.Ring.Bytes()[q.Ring.Index(q.ctrl)*mlx5model.WQEBBSize:]
	buf = buf[:min(len(buf), int(q.size)*mlx5model.DSSize)]
	var x uint64
	for ; len(buf) >= 8; buf = buf[8:] {
		x ^= binary.LittleEndian.Uint64(buf)
	}
	x ^= x >> 32
	x ^= x >> 16
	return ^uint8(x ^ x>>8)
}
