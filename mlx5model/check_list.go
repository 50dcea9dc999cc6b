package mlx5model

import (
	"encoding/binary"
	"fmt"
)

const (
	authKLM    = "include/linux/mlx5/qp.h mlx5_klm"
	authMTT    = "include/linux/mlx5/device.h mlx5_mtt"
	authKSM    = "include/linux/mlx5/qp.h mlx5_ksm"
	authRepeat = "include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg"
)

// listBytes is the list as far as its bytes are known.
func (c *checker) listBytes() []byte {
	if !c.w.HasPointer {
		return c.w.List
	}
	return c.ctx.List[:min(len(c.ctx.List), int(c.w.UMR.XltOctowords)*OctowordSize)]
}

// listRegion is the region that the list describes, from the WQE and what the
// context knows. A list at an offset is only a part: its length is unknown.
func (c *checker) listRegion() xltRegion {
	r := c.w.regionOf()
	if r.mode == ModePA || c.staleMode() {
		r.mode = c.keyMode()
	}
	if r.mode == ModePA && c.kind != nil {
		r.mode = c.rules.ListMode
	}
	if c.kind != nil && c.kind.Stale[0xc] != 0 { // length64 is stale
		r.haveLen = c.w.UMR.Mask&MaskLen != 0
	}
	if k := c.ctx.Key; k != nil {
		if c.w.UMR.Mask&MaskLen == 0 {
			r.len, r.haveLen = k.Len, !k.Length64
		}
		if !r.haveStart {
			r.start, r.haveStart = k.Start, true
		}
		if !r.haveLogPage {
			r.logPage, r.haveLogPage = k.LogPageSize, true
		}
	}
	if c.w.UMR.XltOffset != 0 {
		r.haveLen = false
	}
	return r
}

// list checks the translation list, if the WQE brings one and its bytes are
// known.
func (c *checker) list() {
	list := c.listBytes()
	if c.w.HasPointer && c.ctx.List != nil && len(list) < int(c.w.UMR.XltOctowords)*OctowordSize {
		c.add(RuleForm, Error, 0x14, "umr_ctrl.xlt_octowords", authUMR,
			fmt.Sprintf("%d octowords, the list buffer has %d bytes", c.w.UMR.XltOctowords, len(list)))
	}
	if len(list) < OctowordSize {
		c.emptyList()
		return
	}
	r := c.listRegion()
	s := shapeOf(list, r)
	switch {
	case s.repeat:
		c.repeat(list, &r, &s)
	case s.mode == ModeKLM:
		c.klms(list, &r, &s)
	case s.mode == ModeMTT:
		c.mtts(list, &r, &s)
	case s.mode == ModeKSM:
		c.ksms(&r, &s)
	}
}

// emptyList checks a WQE that gives the region a length, and a whole list of
// nothing, while it makes the key usable.
func (c *checker) emptyList() {
	w := &c.w
	if w.UMR.XltOctowords != 0 || w.UMR.Mask&MaskLen == 0 || w.UMR.Mask&MaskFree == 0 || w.Mkey.Free || w.Mkey.Length64 || w.Mkey.Len == 0 {
		return
	}
	if w.UMR.Flags&UMROffsetEn != 0 && w.UMR.XltOffset != 0 {
		return
	}
	sev := Warn // the key may keep an older list
	if c.kind != nil && c.kind.LenExact && !c.rules.Wraps {
		sev = Error
	}
	c.add(RuleForm, sev, 0x14, "umr_ctrl.xlt_octowords", authUMR, fmt.Sprintf("0 octowords for a region of %d bytes", w.Mkey.Len))
}

func (c *checker) klms(list []byte, r *xltRegion, s *listShape) {
	if s.short && !c.signExtended(list, r) {
		c.add(RuleKLM, c.lenSeverity(), 0x58, "mkc.len", authKLM, fmt.Sprintf("len %d, %d entries describe %d bytes", r.len, s.live, s.sum))
	}
	if !s.short && r.haveLen && s.sum != r.len && c.kind != nil && c.kind.LenExact && !c.signExtended(list, r) {
		c.add(RuleKLM, Error, 0x58, "mkc.len", c.dialect(), fmt.Sprintf("len %d ends inside an entry: %d entries describe %d bytes", r.len, s.live, s.sum))
	}
	if n := binary.BigEndian.Uint32(list); r.haveLen && r.len == 0 && n != 0 && !c.signExtended(list, r) {
		c.add(RuleKLM, Warn, 0x58, "mkc.len", authKLM, fmt.Sprintf("LEN is in the mask and len is 0, the list begins with %d bytes: nothing of it can be reached", n))
	}
	if s.zeros > 0 {
		c.add(RuleKLM, Note, UMRDataOff, "klm.byte_count", authKLM, fmt.Sprintf("%d of %d entries have 0 bytes", s.zeros, s.live))
	}
	if limit := c.ctx.MaxKLMBytes; limit != 0 {
		c.klmLimit(list, s, limit)
	}
	if c.rules != nil && c.rules.Pad == PadZero && !s.short && (s.sum == r.len || !c.signExtended(list, r)) {
		c.klmPad(list, s)
	}
}

// lenSeverity is how bad a length is that the list does not fit.
func (c *checker) lenSeverity() Severity {
	if c.kind != nil && c.kind.LenLoose {
		return Warn
	}
	return Error
}

func (c *checker) klmLimit(list []byte, s *listShape, limit uint64) {
	for i := 0; i < s.live; i++ {
		if n := binary.BigEndian.Uint32(list[i*KLMSize:]); uint64(n) > limit {
			c.add(RuleKLM, Error, UMRDataOff+i*KLMSize, "klm.byte_count", authKLM, fmt.Sprintf("entry %d has %d bytes, the device takes %d", i, n, limit))
			return
		}
	}
}

// signExtended says whether the dialect's arithmetic explains a length that
// does not fit the list: the sum in 32 bits, sign-extended.
func (c *checker) signExtended(list []byte, r *xltRegion) bool {
	if c.rules == nil || !c.rules.SignExtends {
		return false
	}
	var sum uint32
	for i := 0; i+KLMSize <= len(list); i += KLMSize {
		sum += binary.BigEndian.Uint32(list[i:])
	}
	return r.len == uint64(int64(int32(sum))) && (sum>>31 != 0 || r.len < 1<<31)
}

// klmPad checks the entries behind the live ones in a dialect that zeroes
// them. Entries of 0 bytes may end a list: they are no padding until the first
// zero octoword, of which there are at most three.
func (c *checker) klmPad(list []byte, s *listShape) {
	padding := false
	for i := s.live; i < s.entries; i++ {
		k := ParseKLM(list[i*KLMSize:])
		off := UMRDataOff + i*KLMSize
		switch {
		case k == KLM{}:
			padding = true
		case k.ByteCount != 0:
			if c.kind != nil && c.kind.LenExact {
				c.add(RuleKLM, Error, off, "klm.byte_count", c.dialect(), fmt.Sprintf("entry %d lies behind the region's end", i))
				return
			}
		case padding || k.Key == 0:
			c.add(RuleKLM, Error, off, "klm", c.dialect(), fmt.Sprintf("padding entry %d is not zero", i))
			return
		}
	}
}

func (c *checker) repeat(list []byte, r *xltRegion, s *listShape) {
	h := parseBlockHeader(list)
	if int(h.entries) > s.entries {
		c.add(RuleRepeat, Error, UMRDataOff+0xe, "repeat.num_entries", authRepeat,
			fmt.Sprintf("%d entries in %d octowords; or a KLM whose key looks like a repeat header", h.entries, s.entries))
		return
	}
	cut := c.rules != nil && c.rules.Truncates16
	var cycle uint64
	for i := 1; i <= s.live; i++ {
		cycle += uint64(binary.BigEndian.Uint16(list[i*OctowordSize+2:]))
	}
	if cycle != uint64(h.perCycle) {
		sev := Error
		if cut && (uint32(cycle)^h.perCycle)&0xffff == 0 {
			sev = Note
		}
		c.add(RuleRepeat, sev, UMRDataOff, "repeat.bytes_per_cycle", authRepeat, fmt.Sprintf("%d, the entries have %d", h.perCycle, cycle))
	}
	if total := uint64(h.perCycle) * uint64(h.count); r.haveLen && r.len != total {
		sev := c.lenSeverity()
		if cut && uint32(total) == uint32(r.len) {
			sev = Note
		}
		c.add(RuleRepeat, sev, 0x58, "mkc.len", authRepeat, fmt.Sprintf("len %d, %d cycles of %d bytes are %d", r.len, h.count, h.perCycle, total))
	}
	c.repeatZeros(list, s)
}

// repeatZeros checks the header's reserved bytes and the padding.
func (c *checker) repeatZeros(list []byte, s *listShape) {
	pad, sev := PadUnknown, Warn
	if c.rules != nil {
		pad, sev = c.rules.RepeatReserved, Error
	}
	if v := binary.BigEndian.Uint16(list[0xc:]); v != 0 && pad != PadStale {
		c.add(RuleRepeat, sev, UMRDataOff+0xc, "repeat.reserved", authRepeat, fmt.Sprintf("%#04x", v))
	}
	if c.rules == nil || c.rules.Pad != PadZero {
		return
	}
	for i := s.liveBytes(); i < len(list); i++ {
		if list[i] != 0 {
			c.add(RuleRepeat, Error, UMRDataOff+i, "repeat_entry", c.dialect(), fmt.Sprintf("padding byte %#02x is not zero", list[i]))
			return
		}
	}
}

func (c *checker) mtts(list []byte, r *xltRegion, s *listShape) {
	if s.short {
		c.add(RuleMTT, Error, 0x58, "mkc.len", authMTT,
			fmt.Sprintf("%d bytes from %#x need more pages of 2^%d than the %d in the list", r.len, r.start, r.logPage, s.entries))
	}
	if !r.haveLogPage || r.logPage < 2 {
		return
	}
	low := uint64(1)<<min(r.logPage, 63) - 4
	absent := 0
	for i := 0; i < s.live; i++ {
		e := binary.BigEndian.Uint64(list[i*MTTSize:])
		if e&low != 0 {
			c.add(RuleMTT, Error, UMRDataOff+i*MTTSize, "mtt.address", authMTT, fmt.Sprintf("entry %d: %#x is not aligned to 2^%d", i, e, r.logPage))
			return
		}
		if e&(MTTRead|MTTWrite) == 0 {
			absent++
		}
	}
	if absent > 0 {
		c.add(RuleMTT, Note, UMRDataOff, "mtt.read", authMTT, fmt.Sprintf("%d of %d entries allow neither reading nor writing", absent, s.live))
	}
}

func (c *checker) ksms(r *xltRegion, s *listShape) {
	if s.short {
		c.add(RuleKSM, Error, 0x58, "mkc.len", authKSM, fmt.Sprintf("%d bytes need more entries of 2^%d than the %d in the list", r.len, r.logPage, s.entries))
	}
	if r.haveStart && r.haveLogPage && r.start&(1<<r.logPage-1) != 0 {
		c.add(RuleKSM, Warn, 0x50, "mkc.start_addr", authKSM, fmt.Sprintf("%#x is not aligned to the entity size 2^%d", r.start, r.logPage))
	}
}
