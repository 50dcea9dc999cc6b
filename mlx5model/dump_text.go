package mlx5model

import (
	"fmt"
	"strconv"
)

// meaning explains a field's value, "" if the number says it all.
func (d *dumper) meaning(f Field, v uint64) string {
	switch f.Segment {
	case SegCtrl:
		return d.ctrlMeaning(f.Name, v)
	case SegUMRCtrl:
		return d.umrCtrlMeaning(f.Name, v)
	case SegMkc:
		if d.kind != nil && f.Get(d.kind.Stale[:]) != 0 {
			return "stale: the producer does not write it"
		}
		return d.mkcMeaning(f.Name, v)
	case SegData:
		if f.Name == "byte_count" && d.w.HasPointer {
			return fmt.Sprintf("%d bytes; the device goes by xlt_octowords", v)
		}
	case SegBSF, SegBSFCrypto:
		return bsfMeaning(f.Name, v)
	}
	return ""
}

func (d *dumper) ctrlMeaning(name string, v uint64) string {
	switch name {
	case "opcode":
		return Opcode(v).String()
	case "ds":
		return fmt.Sprintf("%d units of 16 bytes", v)
	case "fm":
		if int(v) < len(fenceNames) {
			return "fence " + fenceNames[v]
		}
		return "undefined"
	case "ce":
		return "CQE " + ceNames[v&3]
	case "se":
		return "solicited"
	case "imm":
		if d.w.Opcode == OpUMR {
			return fmt.Sprintf("key with index %#06x, tag %#02x", v>>8, uint8(v))
		}
	}
	return ""
}

func (d *dumper) umrCtrlMeaning(name string, v uint64) string {
	switch name {
	case "inline":
		return "the list follows"
	case "check_free":
		return "fails if the key is free"
	case "check_not_free":
		return "fails unless the key is free"
	case "translation_offset_en":
		return fmt.Sprintf("the list goes to octoword %d", d.w.UMR.XltOffset)
	case "check_qpn":
		return "fails unless the key's qpn is this queue's"
	case "xlt_octowords":
		return fmt.Sprintf("%d octowords = %d bytes: %d KLMs or %d MTTs", v, v*OctowordSize, v, 2*v)
	case "xlt_offset_15_0/bsf_octowords":
		if d.w.UMR.Flags&UMROffsetEn != 0 {
			return "low half of the offset"
		}
		return fmt.Sprintf("BSF of %d bytes", v*OctowordSize)
	case "mkey_mask":
		return MaskString(v)
	}
	return ""
}

// mkcMaskBits tells which mask bit writes a field of the context.
var mkcMaskBits = map[string]uint64{
	"free": MaskFree, "relaxed_ordering_write": MaskROWrite, "small_fence_on_rdma_read_response": MaskSmallFence,
	"a": MaskA, "rw": MaskRW, "rr": MaskRR, "lw": MaskLW, "lr": MaskLR, "qpn": MaskQPN, "mkey_7_0": MaskKey,
	"length64": MaskLen, "bsf_en": MaskBSFEn, "expected_sigerr_count": MaskSigErr, "en_rinval": MaskEnRinval, "pd": MaskPD,
	"start_addr": MaskStartAddr, "len": MaskLen, "relaxed_ordering_read": MaskRORead, "log_page_size": MaskPageSize,
}

func (d *dumper) mkcMeaning(name string, v uint64) string {
	text := mkcValue(name, v)
	ignored := "not in the mask: ignored"
	bit, ok := mkcMaskBits[name]
	if !ok {
		ignored = "has no mask bit: ignored"
	}
	if ok && d.w.UMR.Mask&bit != 0 {
		return text
	}
	if text != "" {
		text += "; "
	}
	return text + ignored
}

func mkcValue(name string, v uint64) string {
	switch name {
	case "access_mode_1_0":
		return AccessMode(v).String()
	case "qpn":
		if v == QPNAny {
			return "any QP"
		}
	case "len":
		return strconv.FormatUint(v, 10) + " bytes"
	case "length64":
		return "2^64 bytes"
	case "translations_octword_size":
		return strconv.FormatUint(v, 10) + " octowords"
	case "log_page_size":
		return "pages of 2^" + strconv.FormatUint(v, 10) + " bytes"
	case "free":
		return "no valid translation"
	case "a", "rw", "rr", "lw", "lr":
		return map[string]string{"a": "remote atomic", "rw": "remote write", "rr": "remote read", "lw": "local write", "lr": "local read"}[name]
	}
	return ""
}

// blockSizes are the data units that a block-size selector names.
// Authority: drivers/infiniband/hw/mlx5/wr.c bs_selector, providers/mlx5/qp.c
// block size table; 1 MiB from drivers/common/mlx5/mlx5_prm.h.
var blockSizes = [...]string{"", "512", "520", "4096", "4160", "1 MiB", "4048"}

func bsfMeaning(name string, v uint64) string {
	switch name {
	case "bsf_size":
		return [...]string{"basic", "extended", "with inline part", "signature and encryption"}[v&3]
	case "bsf_type":
		if v == 1 {
			return "encryption"
		}
	case "mem_block_size", "block_size":
		if int(v) < len(blockSizes) {
			return blockSizes[v] + " bytes"
		}
	case "sbs":
		return "wire and memory have the same block structure"
	case "raw_data_size":
		return strconv.FormatUint(v, 10) + " bytes"
	}
	return ""
}
