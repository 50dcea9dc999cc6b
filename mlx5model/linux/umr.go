package linux

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
)

// RegMask is the mkey_mask of a REG_MR; with remote atomic access MaskA comes
// on top. Authority: drivers/infiniband/hw/mlx5/wr.c frwr_mkey_mask.
const RegMask = mlx5model.MaskLen | mlx5model.MaskPageSize | mlx5model.MaskStartAddr | mlx5model.MaskEnRinval |
	mlx5model.MaskKey | mlx5model.MaskLR | mlx5model.MaskLW | mlx5model.MaskRR | mlx5model.MaskRW |
	mlx5model.MaskSmallFence | mlx5model.MaskFree

// regAccess is what every REG_MR has in the access byte.
const regAccess = mlx5model.AccUMREn | mlx5model.AccLR

// regMR writes a REG_MR: control, UMR control and mkey context segment, then the
// list itself or a pointer to it (set_reg_wr). The PD is left out: the mask does
// not cover it.
func (p *post) regMR(at uint16, wr *WR) (ds uint32, err int) {
	if wr.Flags&SendInline != 0 || !p.qp.canReconfig(wr.Access) {
		p.Refuse(at, wr.Flags, wr.Key)
		return 0, errINVAL
	}
	p.armed = mlx5model.FenceSmall
	mr := wr.MR
	list := mr.listBytes()
	octowords := uint32(mlx5model.ListOctowords(uint64(list)))
	ds = mlx5model.UMRFixedDS + 1
	form := uint8(mlx5model.UMRCheckNotFree)
	if list <= InlineThreshold {
		ds, form = mlx5model.UMRFixedDS+octowords, mlx5model.UMRCheckNotFree|mlx5model.UMRInline
	}
	mask := uint64(RegMask)
	if wr.Access&AccessRemoteAtomic != 0 {
		mask |= mlx5model.MaskA
	}
	head, mkc, data := sendq.UMRBlocks(p.Ring, uint32(at))
	sendq.PutWords(head, sendq.Head(at, mlx5model.OpUMR, p.QPN, ds), p.Flags(wr.Flags, p.qp.UMRFence, wr.Key),
		sendq.UMR(form, uint16(octowords), 0), mask)
	sendq.PutHalf(mkc, sendq.Rights(regAccess|sendq.Access(wr.Access)|uint8(mr.Mode&3), mlx5model.QPNAny, mlx5model.KeyTag(wr.Key)),
		mlx5model.FlagsEnRinval, mr.IOVA, mr.Length)
	sendq.PutSizes(mkc, mr.xltOctowords(octowords), mr.pageWord())
	if list > InlineThreshold {
		sendq.PutEntry(data[:], octowords*mlx5model.OctowordSize, p.qp.LocalDMALkey, mr.DescMap)
		return ds, 0
	}
	// Only the entries are written; the rest of the 64 bytes keeps what the
	// ring held.
	if list == InlineThreshold {
		sendq.Copy(data, (*sendq.Block)(mr.Descs))
	} else {
		sendq.PutDescs(data, mr.Descs[:list])
	}
	return ds, 0
}

// canReconfig reports whether the device lets a UMR set these rights on a key
// that has none (mlx5r_umr_can_reconfig).
func (qp *QP) canReconfig(access uint32) bool {
	if access&AccessRemoteAtomic != 0 && qp.CapAtomic && qp.CapUMRModifyAtomicDisabled {
		return false
	}
	if access&AccessRelaxedOrdering == 0 {
		return true
	}
	return (!qp.CapROWrite || qp.CapROWriteUMR) && (!qp.CapRORead || qp.CapROReadUMR)
}
