package mlx5model

import (
	"fmt"
	"strconv"
)

// What a field's meaning says when the device does not look at it.
const (
	unmasked = "not in the mask: ignored"
	ignored  = "has no mask bit: ignored"
)

// meaning reads a field's value: text is the value in words or units, meaning
// what the device makes of it. Each is "" if the number says it all.
func (v *viewer) meaning(f *Field, n uint64) (text, meaning string) {
	switch f.Segment {
	case SegCtrl:
		return v.ctrlMeaning(f.Name, n)
	case SegUMRCtrl:
		return v.umrCtrlMeaning(f.Name, n)
	case SegMkc:
		return v.mkcMeaning(f.Name, n)
	case SegData:
		if f.Name == "byte_count" && v.w.HasPointer {
			return bytesText(n), "the device goes by xlt_octowords"
		}
	case SegBSF, SegBSFCrypto:
		return bsfText(f.Name, n), ""
	case SegErrCQE, SegSigErrCQE:
		return cqeMeaning(f, n)
	}
	if f.Name == "byte_count" || f.Name == "bytes_per_cycle" {
		return bytesText(n), ""
	}
	return "", ""
}

func bytesText(n uint64) string { return strconv.FormatUint(n, 10) + " bytes" }

func (v *viewer) ctrlMeaning(name string, n uint64) (text, meaning string) {
	switch name {
	case "opcode":
		return Opcode(n).String(), ""
	case "wqe_index":
		return "WQEBB " + strconv.FormatUint(n, 10), "of the queue, modulo 2^16"
	case "ds":
		return counted(int(n), "unit") + " of 16 bytes", "the WQE's length"
	case "fm":
		if int(n) < len(fenceNames) {
			return "fence " + fenceNames[n], ""
		}
		return "undefined", ""
	case "ce":
		return "CQE " + ceNames[n&3], ""
	case "se":
		if n != 0 {
			return "solicited", ""
		}
	case "imm":
		switch v.w.Opcode {
		case OpUMR:
			return fmt.Sprintf("key with index %#06x, tag %#02x", n>>8, uint8(n)), "the key that the UMR changes"
		case OpSendInval:
			return fmt.Sprintf("key with index %#06x, tag %#02x", n>>8, uint8(n)), "the peer's key to invalidate"
		}
	}
	return "", ""
}

func (v *viewer) umrCtrlMeaning(name string, n uint64) (text, meaning string) {
	flag := func(set, clear string) (string, string) {
		if n != 0 {
			return set, ""
		}
		return clear, ""
	}
	switch name {
	case "inline":
		return flag("the list follows", "a data segment points to the list")
	case "check_free":
		return flag("fails if the key is free", "")
	case "check_not_free":
		return flag("fails unless the key is free", "")
	case "translation_offset_en":
		return flag(fmt.Sprintf("the list goes to octoword %d", v.w.UMR.XltOffset), "")
	case "check_qpn":
		return flag("fails unless the key's qpn is this queue's", "")
	case "xlt_octowords":
		return v.octowords(n)
	case "xlt_offset_15_0/bsf_octowords":
		if v.w.UMR.Flags&UMROffsetEn == 0 {
			return fmt.Sprintf("BSF of %d bytes", n*OctowordSize), ""
		}
		return "low half of the offset", ""
	case "mkey_mask":
		return MaskString(n), "written by the UMR"
	}
	return "", ""
}

// octowords holds a list's count against its content.
func (v *viewer) octowords(n uint64) (text, meaning string) {
	text = fmt.Sprintf("%d octowords = %d bytes", n, n*OctowordSize)
	s := shapeOf(v.listBytes(), v.listRegion())
	slots := map[AccessMode]string{
		ModeKLM: fmt.Sprintf("%d KLMs", n), ModeKSM: fmt.Sprintf("%d KSMs", n), ModeMTT: fmt.Sprintf("%d MTTs", 2*n),
		ModePA: fmt.Sprintf("%d KLMs or %d MTTs", n, 2*n),
	}[s.mode]
	text += ": " + slots
	switch {
	case n == 0 || s.mode == ModePA || s.entries == 0:
	case s.repeat:
		meaning = fmt.Sprintf("header, %d entries, padding of %d", s.live, s.entries-s.live)
	case s.short:
		meaning = fmt.Sprintf("all %d of them do not reach len", s.live)
	case s.live == s.entries:
		meaning = "all of them used"
	default:
		meaning = fmt.Sprintf("%d of them used, the rest pads to 64 bytes", s.live)
	}
	return text, meaning
}

func (v *viewer) mkcMeaning(name string, n uint64) (text, meaning string) {
	bit, ok := mkcMaskBits[name]
	switch {
	case !ok:
		meaning = ignored
	case v.w.UMR.Mask&bit == 0:
		meaning = unmasked
	}
	return mkcText(name, n), meaning
}

func mkcText(name string, n uint64) string {
	switch name {
	case "access_mode_1_0":
		return AccessMode(n).String()
	case "qpn":
		if n == QPNAny {
			return "any QP"
		}
	case "len":
		return bytesText(n)
	case "translations_octword_size":
		return strconv.FormatUint(n, 10) + " octowords"
	case "log_page_size":
		return "pages of 2^" + strconv.FormatUint(n, 10) + " bytes"
	case "mkey_7_0":
		return "the key's tag"
	case "start_addr":
		return "iova of the first byte"
	}
	if n == 0 {
		return ""
	}
	return mkcFlags[name]
}

// mkcFlags are the context's single bits in words.
var mkcFlags = map[string]string{
	"length64": "2^64 bytes", "free": "no valid translation", "umr_en": "UMRs may change the key",
	"a": "remote atomic", "rw": "remote write", "rr": "remote read", "lw": "local write", "lr": "local read",
	"bsf_en": "has a BSF", "en_rinval": "the peer may invalidate it",
}

// blockSizes are the data units that a block-size selector names.
// Authority: drivers/infiniband/hw/mlx5/wr.c bs_selector, providers/mlx5/qp.c
// block size table; 1 MiB from drivers/common/mlx5/mlx5_prm.h.
var blockSizes = [...]string{"", "512", "520", "4096", "4160", "1 MiB", "4048"}

func bsfText(name string, n uint64) string {
	switch name {
	case "bsf_size":
		return [...]string{"basic", "extended", "with inline part", "signature and encryption"}[n&3]
	case "bsf_type":
		if n == 1 {
			return "encryption"
		}
	case "mem_block_size", "block_size":
		if n > 0 && int(n) < len(blockSizes) {
			return blockSizes[n] + " bytes"
		}
	case "sbs":
		if n == 1 {
			return "wire and memory have the same block structure"
		}
	case "raw_data_size":
		return bytesText(n)
	}
	return ""
}
