package mlx5model

import (
	"encoding/binary"
)

// umr executes a UMR. Rules in order: the key named by the index of the
// control segment's imm exists (its variant is not compared: REG_MR sends the
// new one, a window bind the old one), umr_en, check flags, mask and
// capabilities, list and BSF fit the key, the pointer, the resulting context.
// On failure the key is unchanged; the syndrome is SynUMRCheck, or that of the
// local key when the list cannot be fetched.
func (d *Device) umr(qp *QP, w *WQE) *WQEError {
	k := d.find(KeyIndex(w.Imm))
	qp.uses(w.Imm)
	if r := d.checkUMR(qp, k, w); r != reasonNone {
		return &WQEError{Syndrome: d.p.SynUMRCheck, Reason: r, Key: w.Imm}
	}
	list := w.List
	if w.HasPointer {
		var e *WQEError
		if list, e = d.fetchList(qp, w); e != nil {
			return e
		}
	}
	ctx := k.ctx
	ctx.Merge(&w.Mkey, w.UMR.Mask)
	if r := d.checkResult(k, &ctx, w, list); r != reasonNone {
		return &WQEError{Syndrome: d.p.SynUMRCheck, Reason: r, Key: w.Imm}
	}
	if w.UMR.Mask&^MaskKnown != 0 {
		d.unknownMask++
	}
	k.ctx = ctx
	d.writeList(k, w.UMR.XltOffset, list)
	if len(w.BSF) != 0 {
		k.bsf = append(k.bsf[:0], w.BSF...)
	}
	if w.UMR.Mask&MaskSigErr != 0 {
		k.sigTold = false
	}
	qp.changed(k.index)
	return nil
}

// checkUMR applies the rules that need neither the list nor the new context.
func (d *Device) checkUMR(qp *QP, k *mkey, w *WQE) Reason {
	u := &w.UMR
	const both = UMRCheckFree | UMRCheckNotFree
	switch {
	case k == nil:
		return ReasonNoKey
	case !k.ctx.UMREn:
		return ReasonUMREn
	case u.Flags&both == both:
		return ReasonCheckBoth
	case u.Flags&UMRCheckNotFree != 0 && !k.ctx.Free:
		return ReasonCheckNotFree
	case u.Flags&UMRCheckFree != 0 && k.ctx.Free:
		return ReasonCheckFree
	case u.Flags&UMRCheckQPN != 0 && k.ctx.QPN != QPNAny && k.ctx.QPN != qp.cfg.QPN:
		return ReasonCheckQPN
	case d.p.UMRCheckPD && k.ctx.PD != qp.cfg.PD:
		return ReasonUMRPD
	case d.p.UnknownMaskError && u.Mask&^MaskKnown != 0:
		return ReasonMask
	case d.p.lacks(k, u):
		return ReasonUMRCapability
	case u.XltOctowords != 0 && u.XltOffset+uint64(u.XltOctowords) > k.ctx.capacity():
		return ReasonXltSize
	case u.BSFOctowords != 0 && (u.Flags&UMRInline == 0 || uint32(u.BSFOctowords) > k.ctx.BSFOctowords):
		return ReasonBSFSize
	}
	return reasonNone
}

// lacks reports whether the device cannot change by UMR what the UMR asks for.
func (p *Profile) lacks(k *mkey, u *UMRCtrl) bool {
	switch {
	case u.Mask&MaskPageSize != 0 && p.UMRModifyEntitySizeDisabled,
		u.Mask&MaskPageSize5 != 0 && !p.LogEntitySize5,
		u.Mask&MaskA != 0 && p.UMRModifyAtomicDisabled,
		u.Mask&MaskROWrite != 0 && !p.ROWriteUMR,
		u.Mask&MaskRORead != 0 && !p.ROReadUMR,
		u.XltOctowords != 0 && k.indirect() && p.UMRIndirectMkeyDisabled,
		u.XltOffset > 0xffff && !p.UMRExtendedOffset:
		return true
	}
	return false
}

// fetchList reads the list that the WQE's pointer names: a local read through
// the pointer's lkey in the queue pair's domain, of xlt_octowords octowords
// whatever the pointer's byte_count says (drivers of DPDK write 0 there), unless
// the profile says otherwise.
func (d *Device) fetchList(qp *QP, w *WQE) ([]byte, *WQEError) {
	size := int(w.UMR.XltOctowords) * OctowordSize
	s := &w.Pointer
	if s.Addr&uint64(d.p.UMRPointerAlignment-1) != 0 || d.p.PointerByteCount && int(s.ByteCount) < size {
		return nil, &WQEError{Syndrome: d.p.SynUMRCheck, Reason: ReasonPointer, Key: s.Lkey}
	}
	if cap(d.list) < size {
		d.list = make([]byte, size)
	}
	d.list = d.list[:size]
	qp.uses(s.Lkey)
	a := Access{Op: LocalRead, QPN: qp.cfg.QPN, PD: qp.cfg.PD, Key: s.Lkey, VA: s.Addr}
	if err := d.ReadHost(a, d.list); err != nil {
		return nil, localError(s.Lkey, err)
	}
	return d.list, nil
}

// Merge writes the fields of from that mask selects. PAGE_SIZE selects the low
// five bits of log_page_size, PAGE_SIZE_5 the sixth; LEN selects length64 too.
func (c *MkeyContext) Merge(from *MkeyContext, mask uint64) {
	set := func(bit uint64) bool { return mask&bit != 0 }
	if set(MaskLen) {
		c.Len, c.Length64 = from.Len, from.Length64
	}
	if set(MaskPageSize) {
		c.LogPageSize = c.LogPageSize&0x20 | from.LogPageSize&0x1f
	}
	if set(MaskPageSize5) {
		c.LogPageSize = c.LogPageSize&0x1f | from.LogPageSize&0x20
	}
	if set(MaskStartAddr) {
		c.Start = from.Start
	}
	if set(MaskPD) {
		c.PD = from.PD
	}
	if set(MaskKey) {
		c.Tag = from.Tag
	}
	if set(MaskQPN) {
		c.QPN = from.QPN
	}
	c.mergeFlags(from, mask)
}

func (c *MkeyContext) mergeFlags(from *MkeyContext, mask uint64) {
	pick := func(dst *bool, v bool, bit uint64) {
		if mask&bit != 0 {
			*dst = v
		}
	}
	pick(&c.Free, from.Free, MaskFree)
	pick(&c.EnRinval, from.EnRinval, MaskEnRinval)
	pick(&c.SigErr, from.SigErr, MaskSigErr)
	pick(&c.BSFEn, from.BSFEn, MaskBSFEn)
	pick(&c.SmallFence, from.SmallFence, MaskSmallFence)
	pick(&c.ROWrite, from.ROWrite, MaskROWrite)
	pick(&c.RORead, from.RORead, MaskRORead)
	rights := maskRights(mask)
	c.Access = c.Access&^rights | from.Access&rights
}

// maskRights is the access byte's bits that a mkey_mask selects: mask bits 17
// (LR) to 21 (A) stand for byte bits 2 to 6.
func maskRights(mask uint64) uint8 {
	return uint8(mask>>17) << 2 & AccRights
}

// checkResult applies the rules on what the key would be after the UMR.
func (d *Device) checkResult(k *mkey, ctx *MkeyContext, w *WQE, list []byte) Reason {
	p := &d.p
	if p.checkLive(ctx) != "" {
		return ReasonContext
	}
	if ctx.Access&AccA&^k.ctx.Access != 0 && !p.Atomic {
		return ReasonUMRCapability
	}
	if k.ctx.Mode != ModeKLM || len(list) == 0 || w.UMR.XltOffset != 0 {
		return reasonNone
	}
	repeat := binary.BigEndian.Uint32(list[4:]) == RepeatOp
	switch {
	case repeat && p.RepeatedBlockDisabled:
		return ReasonUMRCapability
	case p.ShortListError && w.UMR.Mask&MaskLen != 0 && !ctx.Length64 && listBytes(list, repeat) < ctx.Len:
		return ReasonShortList
	}
	return reasonNone
}

// listBytes is the number of bytes a KLM or repeat list holds; a byte_count of
// 0 holds none.
func listBytes(list []byte, repeat bool) uint64 {
	if repeat {
		h := parseStrideHeader(list)
		return h.cycle * h.count
	}
	var sum uint64
	for ; len(list) >= KLMSize; list = list[KLMSize:] {
		sum += uint64(binary.BigEndian.Uint32(list))
	}
	return sum
}
