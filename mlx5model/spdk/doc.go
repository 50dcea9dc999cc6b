// Package spdk builds send-queue entries as SPDK's lib/mlx5 does: the same
// bytes at the same ring positions, the same errors, the same accounting of
// free queue space and unsignaled work.
//
// # Posting
//
// Every method writes one WQE and counts it at once, or returns an Errno and
// changes nothing. CompleteSend rings the doorbell for all that was written
// since the last one:
//
//	err := qp.UMRConfigure(mkey, total, list, mlx5model.CtrlCEAlways)
//	qp.CompleteSend()
//
// PostUMR does both at once. The flags are the control segment's fm_ce_se byte.
// Fences are entirely the caller's: nothing is added to a UMR or behind it. The
// completion mode is rewritten by the queue's SigMode.
//
// # What SPDK leaves out
//
// A UMR changes the key's length and its free state only. Rights, tag, QPN,
// PD and start address stay as the key's creation set them (PoolMkeyContext),
// and the mkey context of the WQE has zeroes there. The region's length is the
// caller's 32-bit umrLen and is not compared with the list.
//
// # Sources
//
// SPDK lib/mlx5/mlx5_umr.c, mlx5_dma.c, mlx5_priv.h and mlx5_qp.c, include/
// spdk_internal/mlx5.h, as recorded outputs show them.
package spdk
