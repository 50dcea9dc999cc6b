package mlx5model

import (
	"encoding/binary"
	"fmt"
)

// umr checks what is particular to UMRs.
func (c *checker) umr() {
	c.kind = c.rules.Kind(&c.w)
	c.flags()
	c.form()
	c.offset()
	c.mkeyContext()
	if c.rules != nil {
		c.umrKind()
	}
	c.list()
	c.bsf()
	c.keyUse()
}

// flags checks the UMR control segment's flags, mask and reserved bytes.
func (c *checker) flags() {
	u := &c.w.UMR
	var skip MkcBits
	skip[0] = 0xff // judged below
	c.reserved(Error, CtrlSize, SegUMRCtrl, reservedUMR, &skip)
	if u.Flags&7 != 0 {
		c.add(RuleFlags, Error, 0x10, "umr_ctrl.flags", authUMRArg, fmt.Sprintf("flags %#02x: bits 2:0 are reserved", u.Flags))
	}
	if both := uint8(UMRCheckFree | UMRCheckNotFree); u.Flags&both == both {
		c.add(RuleFlags, Error, 0x10, "umr_ctrl.flags", authUMRArg, fmt.Sprintf("flags %#02x: the key cannot be both free and not free", u.Flags))
	}
	if odd := u.Mask &^ MaskKnown; odd != 0 {
		c.add(RuleMask, Warn, 0x18, "umr_ctrl.mkey_mask", "include/linux/mlx5/device.h MLX5_MKEY_MASK_*", "unknown "+MaskString(odd))
	}
}

// form checks the octoword counts against DS and the place of the list.
func (c *checker) form() {
	u, ds := &c.w.UMR, int(c.w.DS)
	if u.XltOctowords%4 != 0 {
		c.add(RuleForm, Error, 0x14, "umr_ctrl.xlt_octowords", "include/linux/mlx5/device.h MLX5_UMR_KLM_ALIGNMENT",
			fmt.Sprintf("%d octowords are no multiple of 64 bytes", u.XltOctowords))
	}
	if u.BSFOctowords%4 != 0 || u.BSFOctowords > 8 {
		c.add(RuleForm, Error, 0x16, "umr_ctrl.bsf_octowords", "include/linux/mlx5/qp.h mlx5_bsf", fmt.Sprintf("%d octowords, a BSF has 4 or 8", u.BSFOctowords))
	}
	want := UMRFixedDS + int(u.XltOctowords) + int(u.BSFOctowords)
	if u.Flags&UMRInline == 0 {
		want = UMRFixedDS
		if c.w.HasPointer {
			want++
			c.pointer()
		}
	}
	if ds > want {
		sev := Warn
		if c.rules != nil && !(c.rules.Wraps && u.XltOctowords == 0) {
			sev = Error
		}
		c.add(RuleForm, sev, 0x7, "ctrl.ds", authUMR, fmt.Sprintf("DS %d, the UMR has %d", ds, want))
	}
	if k := c.ctx.Key; k != nil && u.XltOffset+uint64(u.XltOctowords) > uint64(k.XltOctowords) {
		c.add(RuleForm, Error, 0x14, "umr_ctrl.xlt_octowords", authMkc,
			fmt.Sprintf("list ends at octoword %d, the key has room for %d", u.XltOffset+uint64(u.XltOctowords), k.XltOctowords))
	}
}

func (c *checker) pointer() {
	p := &c.w.Pointer
	if p.Addr%UMRPointerAlign != 0 {
		c.add(RuleForm, Warn, UMRDataOff+8, "data_seg.addr", "include/linux/mlx5/qp.h MLX5_UMR_ALIGN",
			fmt.Sprintf("list at %#x is not aligned to %d bytes", p.Addr, UMRPointerAlign))
	}
	if c.rules != nil && c.rules.PointerBytes && uint32(p.ByteCount) != uint32(c.w.UMR.XltOctowords)*OctowordSize {
		c.add(RuleForm, Error, UMRDataOff, "data_seg.byte_count", c.dialect(),
			fmt.Sprintf("%d bytes, xlt_octowords say %d", p.ByteCount, uint32(c.w.UMR.XltOctowords)*OctowordSize))
	}
}

func (c *checker) offset() {
	u := &c.w.UMR
	if u.Flags&UMROffsetEn == 0 {
		for i := 0x20; i < 0x24; i++ {
			if c.raw[i] != 0 {
				c.add(RuleOffset, Error, i, "umr_ctrl.xlt_offset_47_16", authUMR, "set without TRANSLATION_OFFSET_EN")
				return
			}
		}
		return
	}
	if u.XltOffset%4 != 0 {
		c.add(RuleOffset, Warn, 0x16, "umr_ctrl.xlt_offset", "include/linux/mlx5/device.h MLX5_UMR_KLM_ALIGNMENT",
			fmt.Sprintf("offset of %d octowords is no multiple of 64 bytes", u.XltOffset))
	}
}

// mkeyContext checks the context's reserved bits and mode.
func (c *checker) mkeyContext() {
	const off = CtrlSize + UMRCtrlSize
	sev, stale := Error, (*MkcBits)(nil)
	if c.kind != nil {
		stale = &c.kind.Stale
	} else if c.w.UMR.Flags&(UMRInline|UMROffsetEn) == UMRInline|UMROffsetEn {
		sev = Warn // rdma-core's windows and invalidations leave the context stale
	}
	c.reserved(sev, off, SegMkc, reservedMkc, stale)
	mode := c.keyMode()
	if m := c.w.Mkey.Mode; m != ModePA && !c.staleMode() {
		if m > ModeCrossing {
			c.add(RuleMode, sev, off+2, "mkc.access_mode", authMkc, fmt.Sprintf("mode %d is undefined", m))
		} else if mode != ModePA && m != mode {
			c.add(RuleMode, sev, off+2, "mkc.access_mode", authMkc, fmt.Sprintf("%v, the key is %v", m, mode))
		}
	}
	if min := c.ctx.MinLogPage; min > c.w.Mkey.LogPageSize && c.w.UMR.Mask&MaskPageSize != 0 && c.listRegion().mode == ModeMTT {
		c.add(RuleRegister, Error, off+0x3b, "mkc.log_page_size", authMkc, fmt.Sprintf("2^%d bytes, the device's smallest page has 2^%d", c.w.Mkey.LogPageSize, min))
	}
}

// staleMode says whether the producer leaves the context's access mode.
func (c *checker) staleMode() bool { return c.kind != nil && c.kind.Stale[2] != 0 }

// keyMode is the target key's mode as the context knows it, ModePA if it does
// not.
func (c *checker) keyMode() AccessMode {
	if c.ctx.Mode == ModePA && c.ctx.Key != nil {
		return c.ctx.Key.Mode
	}
	return c.ctx.Mode
}

// umrKind checks the WQE against the dialect's kind.
func (c *checker) umrKind() {
	if c.kind == nil {
		c.strange()
	}
	w, k := &c.w, c.kind
	if k == nil {
		return
	}
	c.kindContext()
	c.unmasked()
	c.kindSize()
	if k.FixedDS != 0 && w.DS != k.FixedDS {
		c.add(RuleKind, Error, 0x7, "ctrl.ds", c.dialect(), fmt.Sprintf("DS %d, %s has %d", w.DS, k.Name, k.FixedDS))
	}
	if w.UMR.BSFOctowords > k.BSF {
		c.add(RuleKind, Error, 0x16, "umr_ctrl.bsf_octowords", c.dialect(), fmt.Sprintf("%d octowords, %s has at most %d", w.UMR.BSFOctowords, k.Name, k.BSF))
	}
	if w.UMR.XltOffset != 0 && !k.Offsets {
		c.add(RuleOffset, Error, 0x16, "umr_ctrl.xlt_offset", c.dialect(), fmt.Sprintf("octoword %d, %s has no offset", w.UMR.XltOffset, k.Name))
	}
	if fence := w.FmCeSe & FenceMask; k.Fences != nil && !contains(k.Fences, fence) {
		c.add(RuleKind, Error, 0xb, "ctrl.fm", c.dialect(), fmt.Sprintf("fence %#02x does not occur in %s", fence, k.Name))
	}
	if list := int(w.UMR.XltOctowords) * OctowordSize; !c.formFits(list) {
		c.add(RuleForm, Error, 0x10, "umr_ctrl.inline", c.dialect(), fmt.Sprintf("flags %#02x with a list of %d bytes", w.UMR.Flags, list))
	}
}

func (c *checker) formFits(list int) bool {
	inline := c.w.UMR.Flags&UMRInline != 0
	switch c.kind.Form {
	case FormInline:
		return inline
	case FormPointer:
		return !inline
	case FormThreshold:
		// A list of 2^16 octowords wraps to 0 and stays in pointer form.
		return inline == (list <= c.rules.InlineMax) || list == 0 && c.rules.Wraps
	}
	return true
}

func contains(set []uint8, v uint8) bool {
	for _, s := range set {
		if s == v {
			return true
		}
	}
	return false
}

// kindContext checks the mkey context against what the kind writes there.
func (c *checker) kindContext() {
	const off = CtrlSize + UMRCtrlSize
	k, m := c.kind, &c.w.Mkey
	var odd, lacks uint64
	for i := 0; i < MkeySize; i += 8 {
		b := binary.BigEndian.Uint64(c.raw[off+i:])
		odd |= b &^ (binary.BigEndian.Uint64(k.Writes[i:]) | binary.BigEndian.Uint64(k.Stale[i:]) | binary.BigEndian.Uint64(reservedMkc[i:]))
		lacks |= binary.BigEndian.Uint64(k.Always[i:]) &^ b
	}
	if odd|lacks != 0 {
		c.kindByte(c.raw[off : off+MkeySize])
	}
	if want, judged := c.kindQPN(); judged && m.QPN != want {
		c.add(RuleKind, Error, off+4, "mkc.qpn", c.dialect(), fmt.Sprintf("%#x, %s writes %#x", m.QPN, k.Name, want))
	}
	if k.SameTag && m.Tag != KeyTag(c.w.Imm) {
		c.add(RuleKind, Error, off+7, "mkc.mkey_7_0", c.dialect(), fmt.Sprintf("tag %#02x, the key has %#02x", m.Tag, KeyTag(c.w.Imm)))
	}
}

// kindByte finds the first byte of the context that kindContext saw.
func (c *checker) kindByte(mkc []byte) {
	const off = CtrlSize + UMRCtrlSize
	k := c.kind
	for i, b := range mkc {
		if odd := b &^ (k.Writes[i] | k.Stale[i] | reservedMkc[i]); odd != 0 {
			c.add(RuleKind, Error, off+i, FieldAt(&c.w, off+i), c.dialect(), fmt.Sprintf("bits %#02x, %s writes 0 there", odd, k.Name))
			return
		}
		if lacks := k.Always[i] &^ b; lacks != 0 {
			c.add(RuleKind, Error, off+i, FieldAt(&c.w, off+i), c.dialect(), fmt.Sprintf("byte %#02x lacks %#02x of %s", b, lacks, k.Name))
			return
		}
	}
}

func (c *checker) kindQPN() (want uint32, judged bool) {
	switch c.kind.QPN {
	case QPNFormAll:
		return QPNAny, true
	case QPNFormZero:
		return 0, true
	case QPNFormSelf:
		return c.w.QPN, true
	}
	return 0, false
}

// kindSize checks the octoword counts in the context, and the list's length.
func (c *checker) kindSize() {
	k, got := c.kind, c.w.Mkey.XltOctowords
	want := uint32(0)
	switch xlt := uint32(c.w.UMR.XltOctowords); k.Size {
	case SizeAny:
		want = got
	case SizeList:
		want = xlt
	case SizeEight:
		want = xlt
		if c.w.Mkey.Mode == ModeKLM {
			want = (xlt + 7) &^ 7
		}
		if c.rules.Wraps && want == 0 && got == 1<<16 && c.w.UMR.Flags&UMRInline == 0 {
			want = got
		}
	}
	if got != want {
		c.add(RuleRegister, Error, 0x74, "mkc.translations_octword_size", c.dialect(), fmt.Sprintf("%d octowords, %s writes %d", got, k.Name, want))
	}
	if m := &c.w.Mkey; k.Size == SizeEight && m.Mode == ModeKLM && m.LogPageSize != 0 {
		c.add(RuleRegister, Error, 0x7b, "mkc.log_page_size", c.dialect(), fmt.Sprintf("%d, %s of a KLM key writes 0", m.LogPageSize, k.Name))
	}
	if b := c.w.Mkey.BSFOctowords; k.Writes[0x23] != 0 && b != uint32(k.BSF) {
		c.add(RuleRegister, Error, 0x60, "mkc.bsf_octword_size", c.dialect(), fmt.Sprintf("%d octowords, %s writes %d", b, k.Name, k.BSF))
	}
	if c.w.UMR.XltOctowords > k.MaxXlt {
		c.add(RuleKind, Error, 0x14, "umr_ctrl.xlt_octowords", c.dialect(), fmt.Sprintf("%d octowords, %s has at most %d", c.w.UMR.XltOctowords, k.Name, k.MaxXlt))
	}
}

// bsf checks the reserved bits of the BSF area.
func (c *checker) bsf() {
	for off := len(c.w.List) + UMRDataOff; len(c.w.BSF) > 0 && off+64 <= UMRDataOff+len(c.w.List)+len(c.w.BSF); off += 64 {
		if c.raw[off]&0xf == 1 {
			c.reserved(Warn, off, SegBSFCrypto, reservedCrypt, nil)
		} else {
			c.reserved(Warn, off, SegBSF, reservedBSF, nil)
		}
	}
}

// keyUse warns of a key that a list uses right after an unfenced UMR of it.
func (c *checker) keyUse() {
	if !c.ctx.PrevUMR || c.w.FmCeSe&FenceMask != 0 {
		return
	}
	if r := c.listRegion(); r.mode != ModeKLM && r.mode != ModeKSM {
		return
	}
	list := c.listBytes()
	for i := 0; i+OctowordSize <= len(list); i += OctowordSize {
		if k := ParseKLM(list[i:]); k.ByteCount != 0 && KeyIndex(k.Key) == KeyIndex(c.ctx.PrevKey) {
			c.fenceFinding(UMRDataOff+i, "klm.key", k.Key)
			return
		}
	}
}

func (c *checker) fenceFinding(off int, field string, key uint32) {
	c.add(RuleFence, Warn, off, field, "include/linux/mlx5/qp.h MLX5_FENCE_MODE_*",
		fmt.Sprintf("key %#x is changed by the UMR before this WQE, which has no fence", key))
}
