package libmlx5

import "github.com/sgfuzz/sgfuzz/mlx5model"

const qpC = "providers/mlx5/qp.c "

// Masks of rdma-core's UMRs. Authority: providers/mlx5/qp.c umr_wqe_init,
// mlx5_send_wr_set_mkey_access_flags, mlx5_send_wr_set_mkey_layout,
// set_umr_control_seg.
const (
	maskConfigure = mlx5model.MaskFree | mlx5model.MaskKey
	// Each setter adds its bits; a signature key also those of its state.
	maskSetters = mlx5model.MaskAccess | mlx5model.MaskLen | mlx5model.MaskBSFEn | mlx5model.MaskSigErr
	maskBind    = maskConfigure | mlx5model.MaskAccess | mlx5model.MaskLen | mlx5model.MaskStartAddr
)

var (
	writesConfigure = mlx5model.MkcFields("a", "rw", "rr", "lw", "qpn", "mkey_7_0", "bsf_en", "expected_sigerr_count", "len")
	writesBind      = mlx5model.MkcFields("a", "rw", "rr", "lw", "qpn", "mkey_7_0", "start_addr", "len")
	// set_umr_mkey_seg writes byte 0, the access byte, the qpn word, address
	// and length; without a length nothing behind the qpn word.
	staleBind       = mlx5model.MkcBytes(0x01, 0x02, 0x03, 0x04, 0x08, 0x10, 0x20, 0x40)
	staleInvalidate = mlx5model.MkcBytes(0x01, 0x04, 0x08, 0x40)
	// qp.c _common_wqe_init_op: the cached small fence or IBV_SEND_FENCE.
	fences = []uint8{mlx5model.FenceNone, mlx5model.FenceSmall, mlx5model.FenceSmallAndFull}
)

// maxInlineOctowords is what DS leaves behind a UMR's fixed part, in multiples
// of 64 bytes.
const maxInlineOctowords = (mlx5model.MaxDS - mlx5model.UMRFixedDS) &^ 3

// RulesHead are what libmlx5 posts since the sum of a list's lengths has 64
// bits (commit e23cb0a72, version 61).
var RulesHead = mlx5model.Rules{
	Name: "libmlx5",
	// umr_sg_list_create, umr_strided_seg_create: memset up to 64 bytes.
	Pad:            mlx5model.PadZero,
	RepeatReserved: mlx5model.PadZero,
	// mlx5dv_create_mkey makes KLM keys only.
	ListMode:  mlx5model.ModeKLM,
	Signature: mlx5model.SigXOR,
	// _common_wqe_init_op leaves the word alone without an immediate.
	Imm: mlx5model.PadStale,
	// umr_strided_seg_create stores byte_count and stride with htobe16.
	Truncates16: true,
	// mlx5_post_send_set_psv ends after 32 bytes.
	PSVTail:   mlx5model.PadStale,
	Fences:    fences,
	Authority: "providers/mlx5/qp.c",
	Kinds: []mlx5model.UMRKind{
		{
			// mlx5dv_wr_mr_list, mlx5dv_wr_mr_interleaved and
			// mlx5dv_wr_mkey_configure with its setters.
			Name: "configure", Authority: qpC + "umr_wqe_init, mlx5_send_wr_set_mkey_layout",
			Flags: []uint8{0x80}, Mask: maskConfigure, MaskMay: maskSetters, Writes: writesConfigure,
			QPN: mlx5model.QPNFormAll, Size: mlx5model.SizeZero, Form: mlx5model.FormInline,
			MaxXlt: maxInlineOctowords, BSF: 8, LenExact: true, SameTag: true, Fences: fences,
		},
		{
			Name: "bind type 2", Authority: qpC + "set_umr_control_seg, set_umr_mkey_seg",
			Flags: []uint8{0xb0}, Mask: maskBind | mlx5model.MaskQPN, Writes: writesBind, Stale: staleBind,
			QPN: mlx5model.QPNFormSelf, Form: mlx5model.FormInline, MaxXlt: 4, FixedDS: 12, LenExact: true, Fences: fences,
		},
		{
			Name: "bind type 1", Authority: qpC + "set_umr_control_seg, set_umr_mkey_seg",
			Flags: []uint8{0x90}, Mask: maskBind, Writes: writesBind, Stale: staleBind,
			QPN: mlx5model.QPNFormAll, Form: mlx5model.FormInline, MaxXlt: 4, FixedDS: 12, LenExact: true, Fences: fences,
		},
		{
			// Invalidation, and a type 2 window bound to length 0.
			Name: "LOCAL_INV", Authority: qpC + "set_umr_control_seg, set_umr_mkey_seg",
			Flags: []uint8{0x98}, Mask: maskConfigure | mlx5model.MaskQPN, Writes: mlx5model.MkcFields("free", "qpn", "mkey_7_0"), Always: mlx5model.MkcFields("free"), Stale: staleInvalidate,
			QPN: mlx5model.QPNFormAll, FixedDS: mlx5model.UMRFixedDS, Fences: fences,
		},
		{
			Name: "unbind type 1", Authority: qpC + "set_umr_control_seg, set_umr_mkey_seg",
			Flags: []uint8{0x90}, Mask: maskConfigure, Writes: mlx5model.MkcFields("free", "qpn", "mkey_7_0"), Always: mlx5model.MkcFields("free"), Stale: staleInvalidate,
			QPN: mlx5model.QPNFormAll, FixedDS: mlx5model.UMRFixedDS, Fences: fences,
		},
	},
}

// RulesV44 are what libmlx5 of rdma-core 44 posts: umr_sg_list_create sums the
// lengths in an int, which reaches len sign-extended.
var RulesV44 = func() mlx5model.Rules {
	r := RulesHead
	r.Name = "libmlx5-v44"
	r.SignExtends = true
	return r
}()
