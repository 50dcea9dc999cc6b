package mlx5model

import "math/bits"

// Pad says what a producer leaves in the bytes of an inline list behind its
// last entry, or in other bytes that carry nothing.
type Pad uint8

const (
	PadUnknown Pad = iota // not judged
	PadStale              // keeps what the ring held: not judged, marked in dumps
	PadZero               // must be 0
)

// ListForm says where a producer puts the translation list.
type ListForm uint8

const (
	FormAny       ListForm = iota // inline or by pointer
	FormInline                    // always inline
	FormPointer                   // always by pointer
	FormThreshold                 // inline up to Rules.InlineMax bytes of list, else by pointer
)

// QPNForm says what a producer writes to a mkey context's qpn.
type QPNForm uint8

const (
	QPNFormAny  QPNForm = iota // not judged
	QPNFormAll                 // QPNAny: every QP may use the key
	QPNFormZero                // 0, and not in the mask
	QPNFormSelf                // the QP that posts the WQE
)

// SizeForm says what a producer writes to translations_octword_size, which no
// mask bit covers.
type SizeForm uint8

const (
	SizeAny   SizeForm = iota // not judged
	SizeZero                  // 0
	SizeList                  // the UMR's own xlt_octowords
	SizeEight                 // MTT: xlt_octowords; KLM: that rounded up to a multiple of 8
)

// SignatureForm says how a producer fills the signature byte of a queue that
// has WQE signatures enabled.
type SignatureForm uint8

const (
	SigUnknown SignatureForm = iota // not judged
	SigXOR                          // complement of the exclusive or of DS*16 bytes
	SigFF                           // always FFh
	SigNone                         // the producer has no such queues: always 0
)

// MkcBits selects bits of a mkey context.
type MkcBits [MkeySize]byte

// MkcFields selects the named fields of the mkey context in the layout table.
// It panics on an unknown name: its arguments are constants.
func MkcFields(names ...string) MkcBits {
	var m MkcBits
	for _, n := range names {
		f, ok := FindField(SegMkc, n)
		if !ok {
			panic("mlx5model: no field mkc." + n)
		}
		f.Put(m[:], ^uint64(0))
	}
	return m
}

// MkcBytes selects whole bytes of the mkey context, given as pairs of first
// byte and end (exclusive).
func MkcBytes(pairs ...int) MkcBits {
	var m MkcBits
	for i := 0; i+1 < len(pairs); i += 2 {
		for j := pairs[i]; j < pairs[i+1]; j++ {
			m[j] = 0xff
		}
	}
	return m
}

// With selects more bits, of the byte at off.
func (m MkcBits) With(off int, bits byte) MkcBits {
	m[off] |= bits
	return m
}

// UMRKind is one kind of UMR that a producer posts. A WQE is of the first kind
// in Rules.Kinds whose Flags and Mask fit.
type UMRKind struct {
	Name string
	// Flags are the values that the flags byte may have.
	Flags []uint8
	// Mask are the mkey_mask bits that are always set, MaskMay those that may
	// be.
	Mask, MaskMay uint64
	// Writes are the bits of the mkey context that may be nonzero. Stale are
	// the bits that the producer does not write.
	Writes, Stale MkcBits
	// Always are the bits of the context that are always set.
	Always  MkcBits
	QPN     QPNForm
	Size    SizeForm
	Form    ListForm
	MaxXlt  uint16 // most xlt_octowords
	BSF     uint16 // most bsf_octowords
	FixedDS uint8  // the only DS, 0 if it varies
	// Offsets: xlt_offset may be other than 0.
	Offsets bool
	// LenExact: the live entries of a list add up to len exactly, not beyond.
	LenExact bool
	// LenLoose: len does not come from the list but from the caller. A list
	// that does not fit it is a warning.
	LenLoose bool
	// SameTag: the context's tag is the tag of the key in the control segment.
	SameTag bool
	// Fences are the fence bits (byte 0Bh, bits 7:5) that occur; nil for any.
	Fences    []uint8
	Authority string
}

// Rules describe a dialect as data: what a producer writes, zeroes, and leaves
// alone. A nil *Rules stands for an unknown producer, to which only the
// universal rules apply.
type Rules struct {
	Name  string
	Kinds []UMRKind
	// Pad is for the end of an inline list behind its last entry.
	Pad Pad
	// RepeatReserved is for the reserved be16 in a repeat header.
	RepeatReserved Pad
	// ListMode is the mode of the keys that the producer registers, where its
	// WQEs do not say; ModePA if they vary.
	ListMode AccessMode
	// InlineMax is the longest inline list in bytes under FormThreshold.
	InlineMax int
	// PointerBytes: a pointer's byte_count is xlt_octowords * 16.
	PointerBytes bool
	Signature    SignatureForm
	// Imm is for the control segment's word 0Ch in WQEs that have no
	// immediate: PadZero or PadStale.
	Imm Pad
	// Truncates16: stride and byte_count of repeat entries are silently cut to
	// 16 bits, so that a cycle may describe less than the header and len say.
	Truncates16 bool
	// SignExtends: len is the 32-bit signed sum of the entries, extended to 64
	// bits.
	SignExtends bool
	// Wraps: a list of 2^16 octowords is posted with a count of 0.
	Wraps bool
	// PSVTail is for the WQEBB behind a SET_PSV.
	PSVTail Pad
	// Fences that may stand in WQEs other than a UMR; nil for any.
	Fences    []uint8
	Authority string
}

// Kind finds the kind of UMR w is, nil if the dialect posts none such or r is
// nil.
func (r *Rules) Kind(w *WQE) *UMRKind {
	if r == nil || w.Opcode != OpUMR {
		return nil
	}
	for i := range r.Kinds {
		if k := &r.Kinds[i]; k.hasFlags(w.UMR.Flags) && k.hasMask(w.UMR.Mask) {
			return k
		}
	}
	return nil
}

// Nearest finds the kind of UMR that differs from w in the fewest bits of flags
// and mask; nil if the dialect has none. w is a UMR.
func (r *Rules) Nearest(w *WQE) (nearest *UMRKind) {
	least := 0
	for i := range r.Kinds {
		k := &r.Kinds[i]
		lacks, extra, flags := k.Misses(w)
		n := bits.OnesCount64(lacks) + bits.OnesCount64(extra) + bits.OnesCount8(flags)
		if nearest == nil || n < least {
			nearest, least = k, n
		}
	}
	return nearest
}

// Misses says in which bits w differs from the kind: mask bits that w lacks,
// those that it has too many, and the flags that differ from the nearest
// permitted flags.
func (k *UMRKind) Misses(w *WQE) (lacks, extra uint64, flags uint8) {
	for i, f := range k.Flags {
		if d := f ^ w.UMR.Flags; i == 0 || bits.OnesCount8(d) < bits.OnesCount8(flags) {
			flags = d
		}
	}
	return k.Mask &^ w.UMR.Mask, w.UMR.Mask &^ (k.Mask | k.MaskMay), flags
}

func (k *UMRKind) hasFlags(flags uint8) bool {
	for _, f := range k.Flags {
		if f == flags {
			return true
		}
	}
	return false
}

func (k *UMRKind) hasMask(mask uint64) bool {
	return mask&k.Mask == k.Mask && mask&^(k.Mask|k.MaskMay) == 0
}
