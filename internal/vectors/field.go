package vectors

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

type span struct {
	end  int // first byte behind the field
	name string
}

// Layouts by byte, as in mlx5model.Ctrl, UMRCtrl and MkeyContext.
var (
	ctrlSpans = []span{{1, "ctrl.opmod"}, {3, "ctrl.wqe_index"}, {4, "ctrl.opcode"}, {7, "ctrl.qpn"}, {8, "ctrl.ds"},
		{9, "ctrl.signature"}, {11, "ctrl.reserved"}, {12, "ctrl.fm_ce_se"}, {16, "ctrl.imm"}}
	umrSpans = []span{{1, "umr_ctrl.flags"}, {4, "umr_ctrl.reserved"}, {6, "umr_ctrl.xlt_octowords"}, {8, "umr_ctrl.xlt_offset/bsf_octowords"},
		{16, "umr_ctrl.mkey_mask"}, {20, "umr_ctrl.xlt_offset_47_16"}, {48, "umr_ctrl.reserved"}}
	mkeySpans = []span{{1, "mkc.free/access_mode_4_2"}, {2, "mkc.relaxed_ordering_write/small_fence"}, {3, "mkc.access"},
		{4, "mkc.ma_translation_mode"}, {7, "mkc.qpn"}, {8, "mkc.mkey_7_0"}, {12, "mkc.reserved"}, {13, "mkc.flags"}, {16, "mkc.pd"},
		{24, "mkc.start_addr"}, {32, "mkc.len"}, {36, "mkc.bsf_octword_size"}, {52, "mkc.reserved"},
		{56, "mkc.translations_octword_size"}, {59, "mkc.reserved"}, {60, "mkc.log_page_size"}, {61, "mkc.crypto_en"}, {64, "mkc.reserved"}}
	raddrSpans = []span{{8, "raddr.raddr"}, {12, "raddr.rkey"}, {16, "raddr.reserved"}}
	entrySpans = []span{{4, "byte_count"}, {8, "key"}, {16, "va"}}
	psvSpans   = []span{{4, "psv.index"}, {6, "psv.syndrome"}, {8, "psv.reserved"}, {16, "psv.transient_sig"}}
)

func spanAt(spans []span, off int) string {
	for _, s := range spans {
		if off < s.end {
			return s.name
		}
	}
	return ""
}

// fieldAt names the wire field at byte off of a WQE. body is the WQE behind
// its control segment, which decides what the bytes behind it are.
func fieldAt(opcode byte, body []byte, off int) string {
	if off < mlx5model.CtrlSize {
		return spanAt(ctrlSpans, off)
	}
	off -= mlx5model.CtrlSize
	switch mlx5model.Opcode(opcode) {
	case mlx5model.OpUMR:
		return umrFieldAt(body, off)
	case mlx5model.OpRDMARead, mlx5model.OpRDMAWrite, mlx5model.OpRDMAWriteImm:
		if off < mlx5model.RaddrSize {
			return spanAt(raddrSpans, off)
		}
		return entryAt("data", off-mlx5model.RaddrSize)
	case mlx5model.OpSetPSV:
		if off < 16 {
			return spanAt(psvSpans, off)
		}
		return "tail"
	}
	return entryAt("data", off)
}

func umrFieldAt(body []byte, off int) string {
	const mkey = mlx5model.UMRCtrlSize + mlx5model.MkeySize
	switch {
	case off < mlx5model.UMRCtrlSize:
		return spanAt(umrSpans, off)
	case off < mkey:
		return spanAt(mkeySpans, off-mlx5model.UMRCtrlSize)
	case len(body) >= mkey && body[0]&mlx5model.UMRInline == 0:
		return entryAt("pointer", off-mkey)
	}
	off -= mkey
	// mkc.access_mode_1_0 is only written by producers that know it.
	if len(body) >= mkey && body[mlx5model.UMRCtrlSize+2]&3 == byte(mlx5model.ModeMTT) {
		return fmt.Sprintf("mtt[%d]", off/mlx5model.MTTSize)
	}
	if list := int(mlx5model.ParseUMRCtrl(pad(body)).XltOctowords) * mlx5model.OctowordSize; off >= list {
		return fmt.Sprintf("behind the list+%#x", off-list)
	}
	return entryAt("klm", off)
}

// pad gives a whole UMR control segment even for a WQE cut short.
func pad(body []byte) []byte {
	if len(body) >= mlx5model.UMRCtrlSize {
		return body
	}
	return append(append([]byte{}, body...), make([]byte, mlx5model.UMRCtrlSize)...)
}

func entryAt(kind string, off int) string {
	return fmt.Sprintf("%s[%d].%s", kind, off/16, spanAt(entrySpans, off%16))
}
