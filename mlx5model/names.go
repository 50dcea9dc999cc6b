package mlx5model

import (
	"math/bits"
	"strconv"
	"strings"
)

// String gives the opcode's name as the headers have it, without prefix.
func (o Opcode) String() string {
	switch o {
	case OpNop:
		return "NOP"
	case OpSendInval:
		return "SEND_INVAL"
	case OpRDMAWrite:
		return "RDMA_WRITE"
	case OpRDMAWriteImm:
		return "RDMA_WRITE_IMM"
	case OpSend:
		return "SEND"
	case OpSendImm:
		return "SEND_IMM"
	case OpRDMARead:
		return "RDMA_READ"
	case OpAtomicCS:
		return "ATOMIC_CS"
	case OpAtomicFA:
		return "ATOMIC_FA"
	case OpSetPSV:
		return "SET_PSV"
	case OpGetPSV:
		return "GET_PSV"
	case OpCheckPSV:
		return "CHECK_PSV"
	case OpUMR:
		return "UMR"
	}
	return "opcode 0x" + strconv.FormatUint(uint64(o), 16)
}

var modeNames = [...]string{"PA", "MTT", "KLM", "KSM", "SW_ICM", "MEMIC", "CROSSING"}

// String gives the access mode's name.
func (m AccessMode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "mode " + strconv.Itoa(int(m))
}

// String says what the syndrome means, in the words of the headers.
func (s Syndrome) String() string {
	switch s {
	case SynOK:
		return "ok"
	case SynLocalLength:
		return "local length error"
	case SynLocalQPOp:
		return "local QP operation error"
	case SynLocalProt:
		return "local protection error"
	case SynFlush:
		return "work request flushed"
	case SynMWBind:
		return "memory window bind error"
	case SynBadResp:
		return "bad response"
	case SynLocalAccess:
		return "local access error"
	case SynRemoteInvReq:
		return "remote invalid request"
	case SynRemoteAccess:
		return "remote access error"
	case SynRemoteOp:
		return "remote operation error"
	case SynTransportRetry:
		return "transport retry exceeded"
	case SynRNRRetry:
		return "RNR retry exceeded"
	case SynRemoteAborted:
		return "remote aborted"
	}
	return "syndrome 0x" + strconv.FormatUint(uint64(s), 16)
}

// bitName is a row of a table of named bits.
type bitName struct {
	bit  uint64
	name string
}

var maskNames = []bitName{
	{MaskLen, "LEN"}, {MaskPageSize, "PAGE_SIZE"}, {MaskStartAddr, "START_ADDR"}, {MaskPD, "PD"},
	{MaskEnRinval, "EN_RINVAL"}, {MaskSigErr, "EN_SIGERR"}, {MaskBSFEn, "BSF_EN"}, {MaskKey, "KEY"},
	{MaskQPN, "QPN"}, {MaskLR, "LR"}, {MaskLW, "LW"}, {MaskRR, "RR"}, {MaskRW, "RW"}, {MaskA, "A"},
	{MaskSmallFence, "SMALL_FENCE"}, {MaskROWrite, "RELAXED_ORDERING_WRITE"}, {MaskFree, "FREE"},
	{MaskPageSize5, "PAGE_SIZE_5"}, {MaskRORead, "RELAXED_ORDERING_READ"},
}

var umrFlagNames = []bitName{
	{UMRInline, "INLINE"}, {UMRCheckFree, "CHECK_FREE"}, {UMRCheckNotFree, "CHECK_NOT_FREE"},
	{UMROffsetEn, "TRANSLATION_OFFSET_EN"}, {UMRCheckQPN, "CHECK_QPN"},
}

var accessNames = []bitName{
	{AccUMREn, "UMR_EN"}, {AccA, "A"}, {AccRW, "RW"}, {AccRR, "RR"}, {AccLW, "LW"}, {AccLR, "LR"},
}

// joinBits names the bits of v, "0" for none; a bit without a name appears as
// its number.
func joinBits(v uint64, names []bitName, sep string) string {
	if v == 0 {
		return "0"
	}
	var parts []string
	for _, n := range names {
		if v&n.bit != 0 {
			parts = append(parts, n.name)
			v &^= n.bit
		}
	}
	for ; v != 0; v &= v - 1 {
		parts = append(parts, "bit "+strconv.Itoa(bits.TrailingZeros64(v)))
	}
	return strings.Join(parts, sep)
}

// MaskString names the bits of a mkey_mask, lowest first, joined by "|".
func MaskString(mask uint64) string { return joinBits(mask, maskNames, "|") }

// UMRFlagsString names the bits of a UMR control segment's flags byte, joined
// by "|".
func UMRFlagsString(flags uint8) string { return joinBits(uint64(flags), umrFlagNames, "|") }

// AccessString names the rights of a mkey context's byte 02h, joined by "|";
// its two access-mode bits are ignored.
func AccessString(access uint8) string {
	return joinBits(uint64(access&(AccRights|AccUMREn)), accessNames, "|")
}

var (
	fenceNames = [...]string{"none", "INITIATOR_SMALL", "FENCE", "STRONG_ORDERING", "SMALL_AND_FENCE"}
	ceNames    = [...]string{"on error", "on first error", "always", "always, with event"}
)

// FmCeSeString says what a control segment's byte 0Bh asks for: fence,
// completion, solicited event.
func FmCeSeString(b uint8) string {
	fence := "fence " + strconv.Itoa(int(b>>5)) + " (undefined)"
	if int(b>>5) < len(fenceNames) {
		fence = "fence " + fenceNames[b>>5]
	}
	s := fence + ", CQE " + ceNames[b>>2&3]
	if b&CtrlSolicited != 0 {
		s += ", solicited"
	}
	return s
}
