package linux

import "github.com/sgfuzz/sgfuzz/mlx5model"

// RegMask is the mkey_mask of a REG_MR; with remote atomic access MaskA comes
// on top. Authority: drivers/infiniband/hw/mlx5/wr.c frwr_mkey_mask.
const RegMask = mlx5model.MaskLen | mlx5model.MaskPageSize | mlx5model.MaskStartAddr | mlx5model.MaskEnRinval |
	mlx5model.MaskKey | mlx5model.MaskLR | mlx5model.MaskLW | mlx5model.MaskRR | mlx5model.MaskRW |
	mlx5model.MaskSmallFence | mlx5model.MaskFree

// regMR writes what follows the control segment of a REG_MR: UMR control and
// mkey context segment, then the list itself or a pointer to it (set_reg_wr).
func (p *post) regMR(wr *WR) int {
	if wr.Flags&SendInline != 0 || !p.qp.canReconfig(wr.Access) {
		return errINVAL
	}
	mr := wr.MR
	list := mr.listBytes()
	inline := list <= InlineThreshold
	umr := mlx5model.UMRCtrl{
		Flags:        mlx5model.UMRCheckNotFree,
		XltOctowords: uint16(mlx5model.ListOctowords(uint64(list))),
		Mask:         RegMask,
	}
	if inline {
		umr.Flags |= mlx5model.UMRInline
	}
	if wr.Access&AccessRemoteAtomic != 0 {
		umr.Mask |= mlx5model.MaskA
	}
	p.umrPrefix(&umr)
	mr.putMkey(p.qp.Ring.At(p.ctrl, mkeyOff), wr.Key, wr.Access)
	if inline {
		// Only the entries are written; the rest of the 64 bytes keeps what
		// the ring held.
		p.qp.Ring.Write(p.ctrl, mlx5model.UMRDataOff, mr.Descs[:list])
		p.ds += uint8(mlx5model.ListOctowords(uint64(list)))
		return 0
	}
	ptr := mlx5model.DataSeg{
		ByteCount: uint32(mlx5model.AlignUp(uint64(list), mlx5model.UMRListAlign)),
		Lkey:      p.qp.LocalDMALkey,
		Addr:      mr.DescMap,
	}
	ptr.Put(p.seg())
	return 0
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

// localInv writes what follows the control segment of a LOCAL_INV
// (set_linv_wr): the key becomes free, its tag stays.
func (p *post) localInv(*WR) {
	p.umrPrefix(&mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, Mask: mlx5model.MaskFree})
	mkc := mlx5model.MkeyContext{Free: true}
	mkc.Put(p.qp.Ring.At(p.ctrl, mkeyOff))
}

// mkeyOff is where a UMR's mkey context segment begins.
const mkeyOff = mlx5model.CtrlSize + mlx5model.UMRCtrlSize

// umrPrefix writes the UMR control segment and counts it and the mkey context
// segment.
func (p *post) umrPrefix(umr *mlx5model.UMRCtrl) {
	umr.Put(p.qp.Ring.At(p.ctrl, mlx5model.CtrlSize))
	p.ds = mlx5model.UMRFixedDS
}
