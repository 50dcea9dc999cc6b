package mlx5model

import (
	"math/bits"
	"testing"
)

// The bits of the constants stand where the layout table has the fields.
func TestConstantsAgreeWithLayout(t *testing.T) {
	for _, tt := range []struct {
		seg, field string
		off        int    // byte that the constant is a part of
		value      uint64 // the constant, as it stands in that byte or word
		size       int    // bytes of that word
	}{
		{SegUMRCtrl, "inline", 0, UMRInline, 1}, {SegUMRCtrl, "check_free", 0, UMRCheckFree, 1}, {SegUMRCtrl, "check_not_free", 0, UMRCheckNotFree, 1},
		{SegUMRCtrl, "translation_offset_en", 0, UMROffsetEn, 1}, {SegUMRCtrl, "check_qpn", 0, UMRCheckQPN, 1},
		{SegCtrl, "fm", 0xb, FenceMask, 1}, {SegCtrl, "ce", 0xb, CtrlCEMask, 1}, {SegCtrl, "se", 0xb, CtrlSolicited, 1}, {SegCtrl, "ds", 7, MaxDS, 1},
		{SegMkc, "free", 0, MkeyFree, 1}, {SegMkc, "umr_en", 2, AccUMREn, 1}, {SegMkc, "a", 2, AccA, 1}, {SegMkc, "rw", 2, AccRW, 1},
		{SegMkc, "rr", 2, AccRR, 1}, {SegMkc, "lw", 2, AccLW, 1}, {SegMkc, "lr", 2, AccLR, 1},
		{SegMkc, "length64", 0xc, FlagsLength64, 4}, {SegMkc, "bsf_en", 0xc, FlagsBSFEn, 4}, {SegMkc, "sync_umr", 0xc, FlagsSyncUMR, 4},
		{SegMkc, "expected_sigerr_count", 0xc, FlagsSigErr, 4}, {SegMkc, "en_rinval", 0xc, FlagsEnRinval, 4}, {SegMkc, "pd", 0xc, PDMask, 4},
		{SegMTT, "read", 0, MTTRead, 8}, {SegMTT, "write", 0, MTTWrite, 8},
	} {
		f, ok := FindField(tt.seg, tt.field)
		if !ok {
			t.Errorf("no field %s.%s", tt.seg, tt.field)
			continue
		}
		b := make([]byte, SegmentSize(tt.seg))
		f.Put(b, ^uint64(0))
		word := Field{Bit: uint32(tt.off) * 8, Width: uint8(tt.size) * 8}
		if got := word.Get(b); got != tt.value {
			t.Errorf("%s.%s is %#x, the constant %#x", tt.seg, tt.field, got, tt.value)
		}
	}
}

func TestMaskBits(t *testing.T) {
	// include/linux/mlx5/device.h, by bit number.
	want := map[uint64]int{MaskLen: 0, MaskPageSize: 1, MaskStartAddr: 6, MaskPD: 7, MaskEnRinval: 8, MaskSigErr: 9, MaskBSFEn: 12, MaskKey: 13, MaskQPN: 14,
		MaskLR: 17, MaskLW: 18, MaskRR: 19, MaskRW: 20, MaskA: 21, MaskSmallFence: 23, MaskROWrite: 25, MaskFree: 29, MaskPageSize5: 42, MaskRORead: 47}
	var all uint64
	for m, bit := range want {
		if m != 1<<bit {
			t.Errorf("mask %#x is not bit %d", m, bit)
		}
		all |= m
	}
	if all != MaskKnown || len(want) != bits.OnesCount64(MaskKnown) {
		t.Errorf("known mask %#x, want %#x", MaskKnown, all)
	}
	// The masks that the drivers' headers compose, as recorded on the wire.
	if got := MaskLen | MaskPageSize | MaskStartAddr | MaskEnRinval | MaskKey | MaskLR | MaskLW | MaskRR | MaskRW | MaskSmallFence | MaskFree; got != 0x209e2143 {
		t.Errorf("REG_MR's mask is %#x", got)
	}
	if got := MaskLen | MaskKey | MaskFree | MaskAccess; got != 0x203c2001 {
		t.Errorf("mr_list's mask is %#x", got)
	}
}
