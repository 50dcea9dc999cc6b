package spdk

import "github.com/sgfuzz/sgfuzz/mlx5model"

// Rules are what SPDK's lib/mlx5 posts.
var Rules = mlx5model.Rules{
	Name: "spdk",
	// mlx5_set_umr_inline_klm_seg, mlx5_umr_configure_full: memset of the rest.
	Pad:            mlx5model.PadZero,
	RepeatReserved: mlx5model.PadZero,
	// spdk_mlx5_mkey_pool_init creates KLM keys.
	ListMode:  mlx5model.ModeKLM,
	Signature: mlx5model.SigNone,
	// mlx5_set_ctrl_seg writes the word for every opcode.
	Imm: mlx5model.PadZero,
	// spdk_mlx5_qp_set_psv clears the whole WQEBB.
	PSVTail:   mlx5model.PadZero,
	Authority: "lib/mlx5/mlx5_umr.c, lib/mlx5/mlx5_dma.c",
	Kinds: []mlx5model.UMRKind{{
		Name: "configure", Authority: "lib/mlx5/mlx5_umr.c mlx5_set_umr_mkey_seg, mlx5_set_umr_ctrl_seg",
		Flags: []uint8{0x80}, Mask: mlx5model.MaskFree | mlx5model.MaskLen, MaskMay: mlx5model.MaskSigErr,
		Writes: mlx5model.MkcFields("expected_sigerr_count", "len"),
		QPN:    mlx5model.QPNFormZero, Size: mlx5model.SizeZero, Form: mlx5model.FormInline,
		MaxXlt: (mlx5model.MaxDS - mlx5model.UMRFixedDS) &^ 3, BSF: 4,
		// spdk_mlx5_umr_attr.umr_len is the caller's.
		LenLoose: true,
	}},
}
