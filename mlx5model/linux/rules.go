package linux

import "github.com/sgfuzz/sgfuzz/mlx5model"

// Paths of the kernel that the rules cite.
const (
	wrC  = "drivers/infiniband/hw/mlx5/wr.c "
	umrC = "drivers/infiniband/hw/mlx5/umr.c "
)

// Masks of the kernel's UMRs. Authority: wr.c frwr_mkey_mask, sig_mkey_mask,
// get_umr_unreg_mr_mask; umr.c get_umr_enable_mr_mask,
// get_umr_update_{access,pd,translation}_mask.
const (
	maskRegMR     = mlx5model.MaskLen | mlx5model.MaskPageSize | mlx5model.MaskStartAddr | mlx5model.MaskEnRinval | mlx5model.MaskKey | mlx5model.MaskLR | mlx5model.MaskLW | mlx5model.MaskRR | mlx5model.MaskRW | mlx5model.MaskSmallFence | mlx5model.MaskFree
	maskSignature = maskRegMR | mlx5model.MaskSigErr | mlx5model.MaskBSFEn
	maskXlt       = mlx5model.MaskLen | mlx5model.MaskPageSize | mlx5model.MaskStartAddr
	maskAccess    = mlx5model.MaskLR | mlx5model.MaskLW | mlx5model.MaskRR | mlx5model.MaskRW
	maskCaps      = mlx5model.MaskA | mlx5model.MaskROWrite | mlx5model.MaskRORead // as the device's capabilities allow
)

var (
	// wr.c set_reg_mkey_seg: what is not named here stays 0, the PD too.
	writesRegMR = mlx5model.MkcFields("umr_en", "a", "rw", "rr", "lw", "lr", "access_mode_1_0",
		"qpn", "mkey_7_0", "en_rinval", "start_addr", "len", "translations_octword_size", "log_page_size")
	// wr.c set_sig_mkey_segment: zero-based, with the PD and the BSF.
	writesSignature = mlx5model.MkcFields("umr_en", "a", "rw", "rr", "lw", "lr", "access_mode_1_0",
		"qpn", "mkey_7_0", "bsf_en", "expected_sigerr_count", "en_rinval", "pd", "len", "bsf_octword_size", "translations_octword_size")
	// umr.c mlx5r_umr_set_update_xlt_mkey_seg.
	writesXlt = mlx5model.MkcFields("relaxed_ordering_write", "a", "rw", "rr", "lw", "lr", "qpn", "mkey_7_0",
		"length64", "pd", "start_addr", "len", "relaxed_ordering_read", "log_page_size")
	// device.h mlx5_get_umr_fence, the three values of umr_fence.
	umrFences = []uint8{mlx5model.FenceNone, mlx5model.FenceSmall, mlx5model.FenceStrong}
	// umr.c mlx5r_umr_post_send: always INITIATOR_SMALL.
	smallFence = []uint8{mlx5model.FenceSmall}
	// The fence of a WR that is no registration: wr.c mlx5_ib_post_send.
	otherFences = []uint8{mlx5model.FenceNone, mlx5model.FenceSmall, mlx5model.FenceFence, mlx5model.FenceSmallAndFull}
)

// Rules are what the kernel's driver posts: the work requests of wr.c and the
// driver's own UMR queue of umr.c, version 6.1.
var Rules = mlx5model.Rules{
	Name: "linux",
	// wr.c set_reg_wr rounds the size of an inline list and writes the entries only.
	Pad: mlx5model.PadStale,
	// wr.c set_sig_data_segment does not write the reserved be16.
	RepeatReserved: mlx5model.PadStale,
	// umr.c updates keys of any mode, and leaves the mode 0 in the WQE.
	ListMode: mlx5model.ModePA,
	// wr.c MLX5_IB_SQ_UMR_INLINE_THRESHOLD.
	InlineMax: 64,
	// wr.c set_reg_data_seg, umr.c mlx5r_umr_set_update_xlt_data_seg.
	PointerBytes: true,
	// wr.c wq_sig takes the length from the signature byte, just cleared.
	Signature: mlx5model.SigFF,
	// wr.c mlx5r_begin_wqe writes the word for every opcode.
	Imm: mlx5model.PadZero,
	// umr.h mlx5r_umr_get_xlt_octo is stored to 16 bits.
	Wraps: true,
	// wr.c set_psv_wr ends after 32 bytes.
	PSVTail:   mlx5model.PadStale,
	Fences:    otherFences,
	Authority: "drivers/infiniband/hw/mlx5/{wr,umr}.c",
	Kinds: []mlx5model.UMRKind{
		{
			// IB_WR_REG_MR: with CHECK_NOT_FREE, or for the pi_mr of an
			// integrity chain without (wr.c set_reg_umr_seg).
			Name: "REG_MR", Authority: wrC + "set_reg_wr",
			Flags: []uint8{0xa0, 0x20, 0x80, 0x00}, Mask: maskRegMR, MaskMay: mlx5model.MaskA,
			Writes: writesRegMR, Always: mlx5model.MkcFields("umr_en", "lr", "en_rinval"),
			QPN: mlx5model.QPNFormAll, Size: mlx5model.SizeEight, Form: mlx5model.FormThreshold,
			MaxXlt: mlx5model.MaxListOctowords, LenExact: true, SameTag: true, Fences: umrFences,
		},
		{
			Name: "signature UMR", Authority: wrC + "set_pi_umr_wr",
			Flags: []uint8{0xa0}, Mask: maskSignature,
			Writes: writesSignature, Always: mlx5model.MkcFields("umr_en", "lr", "bsf_en", "en_rinval").With(2, uint8(mlx5model.ModeKLM)),
			QPN: mlx5model.QPNFormAll, Size: mlx5model.SizeList, Form: mlx5model.FormInline,
			MaxXlt: 4, BSF: 4, FixedDS: 16, SameTag: true, Fences: umrFences,
			// len is the mapped region's, the list covers whole blocks of it.
			LenLoose: true,
		},
		{
			Name: "LOCAL_INV", Authority: wrC + "set_linv_wr",
			Flags: []uint8{0x80}, Mask: mlx5model.MaskFree, Writes: mlx5model.MkcFields("free"), Always: mlx5model.MkcFields("free"),
			QPN: mlx5model.QPNFormZero, Size: mlx5model.SizeZero, FixedDS: mlx5model.UMRFixedDS, Fences: otherFences,
		},
		{
			Name: "revoke", Authority: umrC + "mlx5r_umr_revoke_mr",
			Flags: []uint8{0x80}, Mask: mlx5model.MaskFree | mlx5model.MaskPD, Writes: mlx5model.MkcFields("free", "qpn", "mkey_7_0", "pd"), Always: mlx5model.MkcFields("free"),
			QPN: mlx5model.QPNFormAll, Size: mlx5model.SizeZero, FixedDS: mlx5model.UMRFixedDS, SameTag: true, Fences: smallFence,
		},
		{
			Name: "rereg PD and access", Authority: umrC + "mlx5r_umr_rereg_pd_access",
			Flags: []uint8{0xc0}, Mask: maskAccess | mlx5model.MaskPD, MaskMay: maskCaps,
			Writes: mlx5model.MkcFields("relaxed_ordering_write", "a", "rw", "rr", "lw", "lr", "qpn", "mkey_7_0", "pd", "relaxed_ordering_read"),
			Always: mlx5model.MkcFields("lr"), QPN: mlx5model.QPNFormAll, Size: mlx5model.SizeZero,
			FixedDS: mlx5model.UMRFixedDS, SameTag: true, Fences: smallFence,
		},
		{
			// All chunks but the last have an empty mask; the last has the
			// bits of what it enables or updates.
			Name: "translation update", Authority: umrC + "mlx5r_umr_update_mr_pas, mlx5r_umr_update_xlt",
			Flags: []uint8{0x20, 0x30, 0x40, 0x50}, MaskMay: maskXlt | maskAccess | maskCaps | mlx5model.MaskPD | mlx5model.MaskFree | mlx5model.MaskKey,
			Writes: writesXlt, Always: mlx5model.MkcFields("lr"), QPN: mlx5model.QPNFormAll, Size: mlx5model.SizeZero,
			Form: mlx5model.FormPointer, MaxXlt: mlx5model.MaxListOctowords, Offsets: true, SameTag: true, Fences: smallFence,
		},
	},
}
