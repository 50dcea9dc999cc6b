package mlx5model

import (
	"encoding/hex"
	"fmt"
)

// AnnotateCQE lays out a completion's 64 bytes, or of 128 the last 64. An error
// of the requester or responder and a signature error have fields; of other
// completions the fields that they share with an error do.
func AnnotateCQE(raw []byte) *View {
	v := viewer{checker: checker{raw: raw}, View: &View{What: "cqe", Hex: hex.EncodeToString(raw), Parts: []Part{}, Findings: []ViewFinding{}}}
	from := max(0, len(raw)-CQESize)
	if len(raw) < CQESize || len(raw) > 2*CQESize {
		v.Title, v.Error = fmt.Sprintf("%d bytes, no CQE", len(raw)), fmt.Sprintf("a CQE has %d or %d bytes", CQESize, 2*CQESize)
		v.plain("remaining", "bytes", 0, len(raw), StateUnknown)
		return v.View
	}
	if from > 0 {
		v.plain("head", "first half of a 128-byte completion", 0, from, StateUnknown)
	}
	c := ParseCQE(raw[from:])
	v.Opcode, v.Index, v.QPN = c.Opcode.String(), c.Index, c.QPN
	segment := SegErrCQE
	if c.Opcode == CQESigErr {
		segment = SegSigErrCQE
	}
	v.Title = fmt.Sprintf("CQE %v: QPN %#06x", c.Opcode, c.QPN)
	switch {
	case c.Failed():
		v.Title += fmt.Sprintf(", WQE at index %#04x (%v)", c.Index, c.WQEOpcode)
		v.Summary = fmt.Sprintf("syndrome %#02x, %v; vendor syndrome %#02x", uint8(c.Syndrome), c.Syndrome, c.Vendor)
		if c.Opcode == CQERespErr {
			v.Title = fmt.Sprintf("CQE %v: QPN %#06x, receive", c.Opcode, c.QPN)
		}
	case c.Opcode != CQESigErr:
		v.Summary = "no error: only the fields that it shares with an error are shown"
	}
	v.segment(segment, from, "")
	return v.View
}

var cqeOpcodeNames = map[CQEOpcode]string{
	CQERequester: "REQ", CQERecvWriteImm: "RESP_WR_IMM", CQERecvSend: "RESP_SEND", CQERecvSendImm: "RESP_SEND_IMM",
	CQERecvSendInv: "RESP_SEND_INV", CQEResize: "RESIZE_CQ", CQESigErr: "SIG_ERR", CQEReqErr: "REQ_ERR", CQERespErr: "RESP_ERR",
	CQEInvalid: "INVALID",
}

// String gives the opcode's name as include/linux/mlx5/device.h MLX5_CQE_* has
// it, without prefix.
func (o CQEOpcode) String() string {
	if s, ok := cqeOpcodeNames[o]; ok {
		return s
	}
	return fmt.Sprintf("opcode %#x", uint8(o))
}

func cqeMeaning(f *Field, n uint64) (text, meaning string) {
	switch f.Name {
	case "syndrome":
		if f.Segment == SegErrCQE {
			return Syndrome(n).String(), ""
		}
	case "opcode":
		return CQEOpcode(n).String(), ""
	case "s_wqe_opcode":
		return Opcode(n).String(), "opcode of the WQE that failed, in a requester's error"
	case "wqe_counter":
		return fmt.Sprintf("WQEBB %d", n), "index of the WQE that failed"
	case "vendor_err_synd":
		return "", "the firmware's own code; no public header lists them"
	}
	return "", ""
}
