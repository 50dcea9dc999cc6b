package mlx5model

import (
	"fmt"
	"math/bits"
	"strings"
)

const (
	authMask = "include/linux/mlx5/device.h MLX5_MKEY_MASK_*"
	// nearBits is how many bits of flags and mask a UMR may differ in from the
	// nearest kind to be held against it; what is further off is none of the
	// producer's.
	nearBits = 4
)

// mkcMaskBits tells which mask bit writes a field of the context.
var mkcMaskBits = map[string]uint64{
	"free": MaskFree, "relaxed_ordering_write": MaskROWrite, "small_fence_on_rdma_read_response": MaskSmallFence,
	"a": MaskA, "rw": MaskRW, "rr": MaskRR, "lw": MaskLW, "lr": MaskLR, "qpn": MaskQPN, "mkey_7_0": MaskKey,
	"length64": MaskLen, "bsf_en": MaskBSFEn, "expected_sigerr_count": MaskSigErr, "en_rinval": MaskEnRinval, "pd": MaskPD,
	"start_addr": MaskStartAddr, "len": MaskLen, "relaxed_ordering_read": MaskRORead, "log_page_size": MaskPageSize,
}

// maskedField is a field of the context with the mask bit that writes it.
type maskedField struct {
	Field
	mask uint64
}

// maskedFields are those of mkcMaskBits in the order of the layout table.
var maskedFields = func() (out []maskedField) {
	for _, f := range Fields(SegMkc) {
		if bit, ok := mkcMaskBits[f.Name]; ok {
			out = append(out, maskedField{f, bit})
		}
	}
	return out
}()

// strange reports a UMR whose flags and mask no kind of the dialect has: in
// what it differs from the nearest, which it is then taken for, and what
// becomes of the fields.
func (c *checker) strange() {
	u := &c.w.UMR
	k := c.rules.near(&c.w)
	if k == nil {
		c.add(RuleKind, Error, 0x10, "umr_ctrl", c.dialect(), fmt.Sprintf("no UMR of this producer has flags %#02x with mask %#x", u.Flags, u.Mask))
		return
	}
	c.kind = k
	lacks, extra, flags := k.Misses(&c.w)
	if lacks != 0 {
		c.add(RuleKind, Error, 0x18, "umr_ctrl.mkey_mask", c.dialect(), fmt.Sprintf("lacks %s, which %s always has: %s", MaskString(lacks), k.Name, c.contents(lacks, "is not written")))
	}
	if extra != 0 {
		c.add(RuleKind, Error, 0x18, "umr_ctrl.mkey_mask", c.dialect(), fmt.Sprintf("has %s, which %s never has: %s", MaskString(extra), k.Name, c.contents(extra, "is written")))
	}
	if flags != 0 {
		c.add(RuleKind, Error, 0x10, "umr_ctrl.flags", c.dialect(), fmt.Sprintf("flags %#02x (%s), %s has %#02x", u.Flags, UMRFlagsString(u.Flags), k.Name, u.Flags^flags))
	}
}

// near is the nearest kind, if w differs from it in no more than nearBits.
func (r *Rules) near(w *WQE) *UMRKind {
	if r == nil || w.Opcode != OpUMR {
		return nil
	}
	k := r.Nearest(w)
	if k == nil {
		return nil
	}
	lacks, extra, flags := k.Misses(w)
	if bits.OnesCount64(lacks)+bits.OnesCount64(extra)+bits.OnesCount8(flags) > nearBits {
		return nil
	}
	return k
}

// contents tells what the context holds in the fields of mask bits.
func (c *checker) contents(mask uint64, fate string) string {
	var parts []string
	for i := range maskedFields {
		f := &maskedFields[i]
		if mask&f.mask != 0 && f.Name != "length64" {
			parts = append(parts, fmt.Sprintf("mkc.%s %#x", f.Name, f.Get(c.raw[CtrlSize+UMRCtrlSize:])))
		}
	}
	if len(parts) == 0 {
		return "no known field"
	}
	return strings.Join(parts, ", ") + " " + fate
}

// unmasked warns of fields that the kind writes under a mask bit that is not
// set: the device ignores them. Kinds that do not describe a whole region fill
// the context in any case.
func (c *checker) unmasked() {
	const off = CtrlSize + UMRCtrlSize
	if !c.kind.LenExact {
		return
	}
	may := c.kind.MaskMay &^ c.w.UMR.Mask
	for i := range maskedFields {
		f := &maskedFields[i]
		if may&f.mask == 0 || f.Get(c.kind.Stale[:]) != 0 {
			continue
		}
		if n := f.Get(c.raw[off:]); n != 0 {
			c.add(RuleMask, Warn, off+int(f.Bit/8), "mkc."+f.Name, authMask, fmt.Sprintf("%#x, but %s is not in the mask: the device ignores it", n, MaskString(f.mask)))
		}
	}
}
