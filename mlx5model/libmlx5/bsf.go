package libmlx5

import (
	"encoding/binary"
	"math"
)

// Fields of the signature BSF. Authority: providers/mlx5/wqe.h
// struct mlx5_bsf, MLX5_BSF_*.
const (
	bsfSize = 64

	bsfSizeInline = 2 << 6 // basic, extended and inline sections
	bsfSizeCrypto = 3 << 6 // the same, and a crypto BSF belongs to it
	bsfSBS        = 1 << 4 // memory and wire have the same block structure
	bsfTypeCrypto = 1

	bsfRawData = 0xffffffff // raw_data_size: whatever the region has

	inlValidRefresh = 0xc000
	inlTypeCRC      = 1
	inlTypeCSUM     = 2
	inlRepeat       = 0x80
	inlSeed         = 0x08
	inlIncRef       = 0x40
	inlAppEscape    = 0x01
	inlRefEscape    = 0x02
	inlAppMask      = 0xffff

	// Bytes of a tuple: guard, application tag, reference tag.
	maskT10Guard = 0xc0
	maskT10App   = 0x30
	maskT10Ref   = 0x0f
	maskCRC32    = 0xf0
	maskCRC64    = 0xff

	crcRepeat   = 0x02
	crcSeedZero = 0x01
)

// crcSelector is the block-format selector's base for a CRC type.
var crcSelector = [crcTypeEnd]uint32{CRC32: 0x20, CRC32C: 0x40, CRC64XP10: 0x50}

// valid checks a domain. Seeds are all zeroes or all ones.
func (d *SigDomain) valid() bool {
	switch d.Type {
	case SigNone:
		return true
	case SigT10DIF:
		if d.T10DIF.Flags&^t10difFlags != 0 || d.T10DIF.Type > T10DIFCSUM || d.T10DIF.BG+1 > 1 {
			return false
		}
	case SigCRC:
		ones := uint64(math.MaxUint32)
		if d.CRC.Type == CRC64XP10 {
			ones = math.MaxUint64
		}
		if d.CRC.Type >= crcTypeEnd || d.CRC.Seed != 0 && d.CRC.Seed != ones {
			return false
		}
	default:
		return false
	}
	return int(d.BlockSize) < len(blockSelector)
}

// word is a domain's be32 in the basic section: format selector and PSV.
func (d *SigDomain) word(psv uint32) uint32 {
	var selector uint32
	if d.Type == SigCRC {
		selector = crcSelector[d.CRC.Type] | crcRepeat
		if d.CRC.Seed == 0 {
			selector |= crcSeedZero
		}
	}
	return selector<<24 | psv&(1<<24-1)
}

// transient is the running signature that the PSV starts with.
func (d *SigDomain) transient() uint64 {
	switch {
	case d.Type == SigT10DIF:
		return uint64(d.T10DIF.BG)<<48 | uint64(d.T10DIF.AppTag)<<32 | uint64(d.T10DIF.RefTag)
	case d.Type == SigCRC && d.CRC.Type == CRC64XP10:
		return d.CRC.Seed
	case d.Type == SigCRC:
		return d.CRC.Seed << 32
	}
	return 0
}

// putInline writes a domain's inline section of 16 bytes; only T10-DIF has one.
func (d *SigDomain) putInline(b []byte) {
	if d.Type != SigT10DIF {
		return
	}
	t := &d.T10DIF
	binary.BigEndian.PutUint16(b, inlValidRefresh)
	binary.BigEndian.PutUint16(b[2:], t.AppTag)
	binary.BigEndian.PutUint32(b[4:], t.RefTag)
	b[8] = inlTypeCRC
	if t.Type == T10DIFCSUM {
		b[8] = inlTypeCSUM
	}
	b[9] = inlRepeat
	if t.BG != 0 {
		b[9] |= inlSeed
	}
	if t.Flags&T10DIFRefRemap != 0 {
		b[13] = inlIncRef
	}
	if t.Flags&T10DIFAppRefEscape != 0 {
		b[13] |= inlRefEscape
	} else if t.Flags&T10DIFAppEscape != 0 {
		b[13] |= inlAppEscape
	}
	binary.BigEndian.PutUint16(b[14:], inlAppMask)
}

// signs reports whether any domain has a signature.
func (s *SigBlock) signs() bool { return s.Mem.Type != SigNone || s.Wire.Type != SigNone }

// sameStructure reports whether memory and wire have blocks and tuples of the
// same sizes.
func (s *SigBlock) sameStructure() bool {
	m, w := &s.Mem, &s.Wire
	return m.Type != SigNone && m.Type == w.Type && m.BlockSize == w.BlockSize && (m.Type != SigCRC || m.CRC.Type == w.CRC.Type)
}

// copyMask says which bytes of the tuple are passed on.
func (s *SigBlock) copyMask() uint8 {
	m, w := &s.Mem, &s.Wire
	switch {
	case s.UseCopy:
		return s.CopyMask
	case m.Type == SigCRC && m.CRC.Type == CRC64XP10:
		return maskCRC64
	case m.Type == SigCRC:
		return maskCRC32
	}
	var mask uint8
	if m.T10DIF.Type == w.T10DIF.Type && m.T10DIF.BG == w.T10DIF.BG {
		mask |= maskT10Guard
	}
	if m.T10DIF.AppTag == w.T10DIF.AppTag {
		mask |= maskT10App
	}
	if m.T10DIF.RefTag == w.T10DIF.RefTag {
		mask |= maskT10Ref
	}
	return mask
}

// putBSF writes a signature BSF of 64 bytes. It reports whether the
// attributes go together.
func (m *Mkey) putBSF(b []byte, withCrypto bool) bool {
	clear(b)
	s := &m.sig
	b[0] = bsfSizeInline
	if withCrypto {
		b[0] = bsfSizeCrypto
	}
	binary.BigEndian.PutUint32(b[4:], bsfRawData)
	if !s.signs() {
		return true
	}
	b[1] = s.CheckMask
	if s.Mem.Type != SigNone {
		b[3] = blockSelector[s.Mem.BlockSize]
		binary.BigEndian.PutUint32(b[0xc:], s.Mem.word(m.MemPSV))
		s.Mem.putInline(b[0x30:])
	}
	if s.Wire.Type == SigNone {
		return true
	}
	s.Wire.putInline(b[0x20:])
	switch {
	case s.sameStructure():
		b[0] |= bsfSBS
		b[2] = s.copyMask()
	case s.UseCopy:
		return false
	default:
		b[2] = blockSelector[s.Wire.BlockSize]
	}
	binary.BigEndian.PutUint32(b[0x8:], s.Wire.word(m.WirePSV))
	return true
}

// Encryption orders. Authority: providers/mlx5/wqe.h MLX5_ENCRYPTION_ORDER_*.
const (
	orderWireSig = 0
	orderMemSig  = 1
	orderRawWire = 2
	orderRawMem  = 3
)

// order is where encryption stands among the signatures.
func (c *Crypto) order() uint8 {
	after := c.Order == SigAfterCryptoOnTX
	switch {
	case c.EncryptOnTX && after:
		return orderRawWire
	case c.EncryptOnTX:
		return orderWireSig
	case after:
		return orderMemSig
	}
	return orderRawMem
}

// putCrypto writes a crypto BSF of 64 bytes. It reports whether the attributes
// go together with the signature's.
func (m *Mkey) putCrypto(b []byte, withSig, reversed bool) bool {
	clear(b)
	c := &m.crypto
	b[0] = bsfSizeInline | bsfTypeCrypto
	if withSig {
		b[0] = bsfSizeCrypto | bsfTypeCrypto
	}
	both := m.sig.Mem.Type != SigNone && m.sig.Wire.Type != SigNone
	if both && c.order() >= orderRawWire {
		return false
	}
	b[1] = c.order()
	binary.BigEndian.PutUint32(b[4:], bsfRawData)
	b[8] = blockSelector[c.DataUnit]
	for i, t := range c.InitialTweak {
		if reversed {
			i = len(c.InitialTweak) - 1 - i
		}
		b[0x10+i] = t
	}
	binary.BigEndian.PutUint32(b[0x20:], c.DEK&(1<<24-1))
	copy(b[0x28:0x30], c.Keytag[:])
	return true
}
