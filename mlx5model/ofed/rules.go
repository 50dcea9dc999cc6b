package ofed

import "github.com/sgfuzz/sgfuzz/mlx5model"

const qpC = "drivers/infiniband/hw/mlx5/qp.c (OFED 3.x/4.0) "

// maskIndirect is the mask of an indirect registration: unlike REG_MR's it has
// the atomic right always and the small fence never. Authority: OFED qp.c
// set_indir_umr_segment.
const maskIndirect = mlx5model.MaskLen | mlx5model.MaskPageSize | mlx5model.MaskStartAddr | mlx5model.MaskEnRinval | mlx5model.MaskKey | mlx5model.MaskLR | mlx5model.MaskAccess | mlx5model.MaskFree

// Rules are what the original indirect registration posts, as it survives in
// OFED 3.x and 4.0 kernels.
var Rules = mlx5model.Rules{
	Name: "ofed",
	// set_indir_data_seg fills the entries only.
	Pad:            mlx5model.PadStale,
	RepeatReserved: mlx5model.PadStale,
	ListMode:       mlx5model.ModeKLM,
	// set_indir_data_seg: ALIGN of the list's bytes to 64.
	PointerBytes: true,
	Signature:    mlx5model.SigFF,
	Imm:          mlx5model.PadZero,
	// The list's length is not checked: 16 bits of octowords may wrap.
	Wraps:     true,
	PSVTail:   mlx5model.PadStale,
	Authority: "drivers/infiniband/hw/mlx5/qp.c (OFED 3.x/4.0)",
	Kinds: []mlx5model.UMRKind{
		{
			Name: "REG_INDIR_MR", Authority: qpC + "set_indir_reg_wr",
			Flags: []uint8{0x20}, Mask: maskIndirect,
			Writes: mlx5model.MkcFields("umr_en", "a", "rw", "rr", "lw", "lr", "access_mode_1_0", "qpn", "mkey_7_0",
				"en_rinval", "pd", "start_addr", "len", "translations_octword_size"),
			Always: mlx5model.MkcFields("umr_en", "lr", "en_rinval").With(2, uint8(mlx5model.ModeKLM)),
			QPN:    mlx5model.QPNFormAll, Size: mlx5model.SizeList, Form: mlx5model.FormPointer,
			MaxXlt: mlx5model.MaxListOctowords, SameTag: true,
			// get_fence with fm_cache: none, small, or small and full.
			Fences: []uint8{mlx5model.FenceNone, mlx5model.FenceSmall, mlx5model.FenceSmallAndFull},
		},
		{
			Name: "LOCAL_INV", Authority: qpC + "set_frwr_li_wr",
			Flags: []uint8{0x80}, Mask: mlx5model.MaskFree, Writes: mlx5model.MkcFields("free"), Always: mlx5model.MkcFields("free"),
			QPN: mlx5model.QPNFormZero, Size: mlx5model.SizeZero, FixedDS: mlx5model.UMRFixedDS,
			// get_fence: LOCAL_INV with IB_SEND_FENCE is strongly ordered.
			Fences: []uint8{mlx5model.FenceNone, mlx5model.FenceSmall, mlx5model.FenceStrong, mlx5model.FenceSmallAndFull},
		},
	},
}
