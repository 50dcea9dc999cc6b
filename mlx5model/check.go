package mlx5model

import (
	"encoding/binary"
	"fmt"
)

// Severity says how bad a finding is.
type Severity uint8

const (
	Note  Severity = iota // legal, but worth knowing
	Warn                  // legal as far as is known, hardly meant
	Error                 // breaks a rule: DecodeStrict refuses the WQE
)

// String gives "note", "warning" or "error".
func (s Severity) String() string {
	return [...]string{"note", "warning", "error"}[min(s, Error)]
}

// MarshalText gives String's text.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (s *Severity) UnmarshalText(text []byte) error {
	for *s = Note; *s <= Error; *s++ {
		if s.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("mlx5model: no severity %q", text)
}

// Rule numbers a check of the strict decoder.
type Rule uint8

// The rules of the strict decoder.
const (
	RuleFrame     Rule = 1 + iota // opmod, DS, WQEBBs, ring edges
	RuleReserved                  // reserved bits are 0
	RuleFlags                     // UMR flags: bits 2:0, one check at most
	RuleForm                      // inline or pointer form, octowords against DS, rounding to 64 bytes
	RuleOffset                    // xlt_offset only with TRANSLATION_OFFSET_EN
	RuleMask                      // unknown mkey_mask bits
	RuleRepeat                    // repeat list: header, cycle, length
	RuleKLM                       // KLM list: sum, byte counts, padding
	RuleMTT                       // MTT list: page count, alignment
	RuleMode                      // access mode of the WQE and of the key
	RuleKSM                       // KSM list: entry count, start alignment
	RuleRegister                  // translations_octword_size, log_page_size
	RuleFence                     // use of a key right after its UMR
	RuleKind                      // dialect: flags, mask and context as this producer writes them
	RuleSignature                 // WQE signature byte
	RuleData                      // remote address, data and PSV segments
)

// Finding is one thing that the strict decoder has to say about a WQE.
type Finding struct {
	Rule      Rule     `json:"rule"`
	Severity  Severity `json:"severity"`
	Offset    int      `json:"offset"` // bytes from the start of the WQE; in a list by pointer, 80h plus the offset in the list
	Field     string   `json:"field"`  // segment and field
	Text      string   `json:"text"`
	Authority string   `json:"authority"` // header and symbol, or the dialect
}

// String gives the finding on one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: rule %d at %#03x %s: %s [%s]", f.Severity, f.Rule, f.Offset, f.Field, f.Text, f.Authority)
}

// CheckContext is what the strict decoder may know beside the bytes. The zero
// value knows nothing; only what is known is judged.
type CheckContext struct {
	Rules *Rules // the producer; nil for unknown
	// Mode is the target key's access mode; ModePA for unknown, as PA keys
	// have no list.
	Mode AccessMode
	// Key is the target key's context before the WQE, nil for unknown. It
	// supplies the fields that the WQE does not write.
	Key *MkeyContext
	// List is the content of a list given by pointer, nil for unknown.
	List []byte
	// MaxKLMBytes is the device's limit for a KLM's byte_count, 0 for none.
	MaxKLMBytes uint64
	// MinLogPage is the device's smallest log_page_size, 0 for none.
	MinLogPage uint8
	// RingWQEBBs is the send queue's size, 0 for unknown.
	RingWQEBBs uint32
	// Position, with HavePosition: the queue and the WQEBB that the WQE was
	// found at.
	HavePosition bool
	QPN          uint32
	Index        uint16
	// WQSig says that the queue has WQE signatures enabled.
	WQSig bool
	// PrevUMR says that the WQE before this one in the queue was a UMR of
	// PrevKey.
	PrevUMR bool
	PrevKey uint32
}

// maxFindings bounds what one WQE can make Check report.
const maxFindings = 64

// checker is the state of one Check.
type checker struct {
	dst   []Finding
	base  int      // len(dst) at the start
	only  Severity // what is less is dropped
	raw   []byte
	ctx   CheckContext // a copy, lest the caller's escape to the heap
	rules *Rules
	kind  *UMRKind
	w     WQE
}

var noContext CheckContext

// Check appends to dst what is wrong or remarkable about the WQE in raw, which
// is linear (ring wrap removed) and may go on behind the WQE to the end of its
// last WQEBB. A nil ctx knows nothing. At most 64 findings are appended. Check
// allocates nothing for a WQE without findings, and takes time linear in the
// list's entries.
func Check(dst []Finding, raw []byte, ctx *CheckContext) []Finding {
	if ctx == nil {
		ctx = &noContext
	}
	c := checker{dst: dst, base: len(dst), raw: raw, ctx: *ctx, rules: ctx.Rules}
	if err := Decode(raw, &c.w); err != nil {
		return c.undecodable(err)
	}
	return c.check()
}

// CheckDecoded is Check for one who has decoded raw already: w is what Decode
// made of it.
func CheckDecoded(dst []Finding, raw []byte, w *WQE, ctx *CheckContext) []Finding {
	if ctx == nil {
		ctx = &noContext
	}
	c := checker{dst: dst, base: len(dst), raw: raw, ctx: *ctx, rules: ctx.Rules, w: *w}
	return c.check()
}

func (c *checker) check() []Finding {
	c.ctrl()
	c.signature()
	switch c.w.Opcode {
	case OpUMR:
		c.umr()
	case OpSetPSV:
		c.setPSV()
	default:
		c.data()
	}
	return c.dst
}

const (
	authCtrl   = "include/linux/mlx5/qp.h mlx5_wqe_ctrl_seg"
	authUMR    = "include/linux/mlx5/qp.h mlx5_wqe_umr_ctrl_seg"
	authMkc    = "include/linux/mlx5/mlx5_ifc.h mlx5_ifc_mkc_bits"
	authUMRArg = "include/linux/mlx5/device.h MLX5_UMR_*"
)

var (
	reservedCtrl  = ReservedMask(SegCtrl)
	reservedUMR   = ReservedMask(SegUMRCtrl)
	reservedMkc   = ReservedMask(SegMkc)
	reservedRaddr = ReservedMask(SegRaddr)
	reservedPSV   = ReservedMask(SegPSV)
	reservedBSF   = ReservedMask(SegBSF)
	reservedCrypt = ReservedMask(SegBSFCrypto)
)

func (c *checker) add(rule Rule, sev Severity, off int, field, authority, text string) {
	if sev >= c.only && len(c.dst)-c.base < maxFindings {
		c.dst = append(c.dst, Finding{rule, sev, off, field, text, authority})
	}
}

// dialect is the authority of a dialect's rule.
func (c *checker) dialect() string {
	if c.kind != nil {
		return c.rules.Name + ": " + c.kind.Authority
	}
	return c.rules.Name + ": " + c.rules.Authority
}

// reserved reports the first byte of seg, at WQE offset off, that has bits of
// mask outside skip. Segments are multiples of 8 bytes.
func (c *checker) reserved(sev Severity, off int, seg string, mask []byte, skip *MkcBits) {
	var any uint64
	for i := 0; i+8 <= len(mask); i += 8 {
		m := binary.BigEndian.Uint64(mask[i:])
		if skip != nil {
			m &^= binary.BigEndian.Uint64(skip[i:])
		}
		any |= m & binary.BigEndian.Uint64(c.raw[off+i:])
	}
	if any != 0 {
		c.reservedByte(sev, off, seg, mask, skip)
	}
}

// reservedByte finds the byte that reserved saw.
func (c *checker) reservedByte(sev Severity, off int, seg string, mask []byte, skip *MkcBits) {
	for i, m := range mask {
		if skip != nil {
			m &^= skip[i]
		}
		if v := c.raw[off+i] & m; v != 0 {
			c.add(RuleReserved, sev, off+i, seg+".reserved", findSegment(seg).authority,
				fmt.Sprintf("byte %#02x has reserved bits %#02x", c.raw[off+i], v))
			return
		}
	}
}

func (c *checker) ctrl() {
	w, ctx := &c.w, &c.ctx
	c.reserved(Error, 0, SegCtrl, reservedCtrl, nil)
	if w.Opmod != 0 {
		c.add(RuleFrame, Error, 0x0, "ctrl.opmod", authCtrl, fmt.Sprintf("opmod %#02x, no opcode here has one", w.Opmod))
	}
	if w.FmCeSe>>5 >= uint8(len(fenceNames)) {
		c.add(RuleFrame, Error, 0xb, "ctrl.fm", "include/linux/mlx5/qp.h MLX5_FENCE_MODE_*", fmt.Sprintf("fence mode %d is undefined", w.FmCeSe>>5))
	}
	if n := WQEBBs(w.DS); ctx.RingWQEBBs != 0 && n > ctx.RingWQEBBs {
		c.add(RuleFrame, Error, 0x7, "ctrl.ds", authCtrl, fmt.Sprintf("%d WQEBBs in a ring of %d", n, ctx.RingWQEBBs))
	}
	if !ctx.HavePosition {
		return
	}
	if w.QPN != ctx.QPN {
		c.add(RuleFrame, Error, 0x4, "ctrl.qpn", authCtrl, fmt.Sprintf("%#x in the queue of %#x", w.QPN, ctx.QPN))
	}
	if w.Index != ctx.Index {
		c.add(RuleFrame, Error, 0x1, "ctrl.wqe_index", authCtrl, fmt.Sprintf("%#x at WQEBB %#x", w.Index, ctx.Index))
	}
}

// signature checks the signature byte. Without signatures it must be 0; a
// value that fits the WQE hints that the queue has them.
func (c *checker) signature() {
	got := c.w.Signature
	form := SigXOR
	if c.rules != nil {
		form = c.rules.Signature
	}
	if !c.ctx.WQSig {
		if got == 0 {
			return
		}
		if got == c.signatureOf(form) {
			c.add(RuleSignature, Warn, 0x8, "ctrl.signature", authCtrl, fmt.Sprintf("%#02x is the WQE's signature: the queue seems to have signatures", got))
			return
		}
		c.add(RuleSignature, Error, 0x8, "ctrl.signature", authCtrl, fmt.Sprintf("%#02x in a queue without signatures", got))
		return
	}
	want := c.signatureOf(form)
	if form == SigUnknown || got == want {
		return
	}
	sev := Error
	if c.rules == nil && got == 0xff || c.wraps() {
		sev = Warn // Linux writes ffh; libmlx5 reads on behind the ring's end
	}
	c.add(RuleSignature, sev, 0x8, "ctrl.signature", "providers/mlx5/qp.c wq_sig", fmt.Sprintf("%#02x, the WQE gives %#02x", got, want))
}

// wraps says whether the WQE is known to pass the ring's end.
func (c *checker) wraps() bool {
	ring := c.ctx.RingWQEBBs
	return c.ctx.HavePosition && ring != 0 && uint32(c.ctx.Index)%ring+WQEBBs(c.w.DS) > ring
}

func (c *checker) signatureOf(form SignatureForm) uint8 {
	switch form {
	case SigXOR:
		return WQESignature(c.raw[:int(c.w.DS)*DSSize])
	case SigFF:
		return 0xff
	}
	return 0
}

// WQESignature is the defined value of a WQE's signature byte: the complement
// of the exclusive or of all its bytes, the signature byte taken as 0. wqe has
// DS*16 bytes. Authority: providers/mlx5/qp.c wq_sig, calc_sig.
func WQESignature(wqe []byte) uint8 {
	var x uint8
	for _, b := range wqe {
		x ^= b
	}
	if len(wqe) > 8 {
		x ^= wqe[8]
	}
	return ^x
}
