package mlx5model

import (
	"math/bits"
	"testing"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{OpUMR.String(), "UMR"}, {OpRDMAWriteImm.String(), "RDMA_WRITE_IMM"}, {Opcode(0x77).String(), "opcode 0x77"},
		{ModeKSM.String(), "KSM"}, {ModePA.String(), "PA"}, {AccessMode(31).String(), "mode 31"},
		{SynRemoteAccess.String(), "remote access error"}, {Syndrome(0x99).String(), "syndrome 0x99"},
		{MaskString(0), "0"}, {MaskString(0x20006000), "KEY|QPN|FREE"}, {MaskString(1<<63 | 1<<4 | 1), "LEN|bit 4|bit 63"},
		{UMRFlagsString(0xb0), "INLINE|CHECK_NOT_FREE|TRANSLATION_OFFSET_EN"}, {UMRFlagsString(0x81), "INLINE|bit 0"},
		{AccessString(0xbe), "UMR_EN|RW|RR|LW|LR"}, {AccessString(3), "0"},
		{FmCeSeString(0x68), "fence STRONG_ORDERING, CQE always"}, {FmCeSeString(0x22), "fence INITIATOR_SMALL, CQE on error, solicited"},
		{FmCeSeString(0xa4), "fence 5 (undefined), CQE on first error"},
		{Error.String(), "error"}, {Note.String(), "note"}, {Severity(9).String(), "error"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

// Each constant has a name of its own.
func TestNamesAreComplete(t *testing.T) {
	ops := []Opcode{OpNop, OpSendInval, OpRDMAWrite, OpRDMAWriteImm, OpSend, OpSendImm, OpRDMARead, OpAtomicCS, OpAtomicFA, OpSetPSV, OpGetPSV, OpCheckPSV, OpUMR}
	syns := []Syndrome{SynOK, SynLocalLength, SynLocalQPOp, SynLocalProt, SynFlush, SynMWBind, SynBadResp, SynLocalAccess, SynRemoteInvReq, SynRemoteAccess, SynRemoteOp, SynTransportRetry, SynRNRRetry, SynRemoteAborted}
	seen := map[string]bool{}
	for _, o := range ops {
		seen[o.String()] = true
	}
	for _, s := range syns {
		seen[s.String()] = true
	}
	for m := ModePA; m <= ModeCrossing; m++ {
		seen[m.String()] = true
	}
	for m := MaskKnown; m != 0; m &= m - 1 {
		seen[MaskString(1<<bits.TrailingZeros64(m))] = true
	}
	want := len(ops) + len(syns) + int(ModeCrossing) + 1 + bits.OnesCount64(MaskKnown)
	if len(seen) != want {
		t.Errorf("%d names for %d constants", len(seen), want)
	}
	for name := range seen {
		if len(name) > 5 && (name[:3] == "bit" || name[:4] == "mode" || name[:4] == "opco" || name[:4] == "synd") {
			t.Errorf("a constant is called %q", name)
		}
	}
}
