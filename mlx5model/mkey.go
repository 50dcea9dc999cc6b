package mlx5model

import "encoding/binary"

// MkeyContext is a memory-key context: what CREATE_MKEY sets and what a UMR
// changes where its mask says so.
//
//	+00  free, access_mode_4_2 | relaxed_ordering_write, small_fence | umr_en a rw rr lw lr mode_1_0 | ma_translation_mode
//	+04  qpn (24 bits)                                                                              | tag
//	+08  reserved
//	+0C  length64 bsf_en sync_umr . . sigerr . en_rinval                                            | pd (24 bits)
//	+10  start_addr (64 bits)
//	+18  len (64 bits)
//	+20  bsf_octword_size
//	+34  translations_octword_size
//	+38  relaxed_ordering_read (byte 3Bh bit 6), log_page_size (byte 3Bh bits 5:0)
//	+3C  crypto_en (bits 28:27)
//
// Authority: include/linux/mlx5/mlx5_ifc.h mlx5_ifc_mkc_bits.
type MkeyContext struct {
	Free          bool
	Mode          AccessMode
	Access        uint8 // AccLR|AccLW|AccRR|AccRW|AccA
	UMREn         bool
	SmallFence    bool
	ROWrite       bool // relaxed_ordering_write
	RORead        bool // relaxed_ordering_read
	MATranslation uint8
	QPN           uint32 // 24 bits; QPNAny lets every QP use the key
	Tag           uint8  // mkey_7_0, the variant
	Length64      bool   // the region is 2^64 bytes, Len is ignored
	BSFEn         bool
	SyncUMR       bool
	SigErr        bool // expected_sigerr_count, a 1-bit counter
	EnRinval      bool
	PD            uint32 // 24 bits
	Start         uint64 // iova of byte 0
	Len           uint64 // bytes
	BSFOctowords  uint32
	XltOctowords  uint32 // translations_octword_size: capacity of the list
	LogPageSize   uint8  // log2 of the entity size; 6 bits
	CryptoEn      uint8  // 2 bits
}

// AppendTo appends the context's 64 bytes to dst, big-endian, reserved bits 0.
func (c *MkeyContext) AppendTo(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, MkeySize)...)
	c.Put(dst[n:])
	return dst
}

// Put writes all 64 bytes of the context to b, reserved bits 0.
func (c *MkeyContext) Put(b []byte) {
	b = b[:MkeySize]
	clear(b)
	b[0] = flag(c.Free, MkeyFree) | uint8(c.Mode>>2&7)<<2
	b[1] = flag(c.ROWrite, 4) | flag(c.SmallFence, 1)
	b[2] = flag(c.UMREn, AccUMREn) | c.Access&AccRights | uint8(c.Mode&3)
	b[3] = c.MATranslation & 3 << 4
	binary.BigEndian.PutUint32(b[0x04:], c.QPN<<8|uint32(c.Tag))
	b[0x0c] = flag(c.Length64, 0x80) | flag(c.BSFEn, 0x40) | flag(c.SyncUMR, 0x20) | flag(c.SigErr, 4) | flag(c.EnRinval, 1)
	b[0x0d], b[0x0e], b[0x0f] = uint8(c.PD>>16), uint8(c.PD>>8), uint8(c.PD)
	binary.BigEndian.PutUint64(b[0x10:], c.Start)
	binary.BigEndian.PutUint64(b[0x18:], c.Len)
	binary.BigEndian.PutUint32(b[0x20:], c.BSFOctowords)
	binary.BigEndian.PutUint32(b[0x34:], c.XltOctowords)
	b[0x3b] = flag(c.RORead, 0x40) | c.LogPageSize&0x3f
	b[0x3c] = c.CryptoEn & 3 << 3
}

// ParseMkeyContext reads the 64 bytes of a context and ignores reserved bits.
// It panics if b is shorter.
func ParseMkeyContext(b []byte) MkeyContext {
	b = b[:MkeySize]
	return MkeyContext{
		Free:          b[0]&MkeyFree != 0,
		Mode:          AccessMode(b[0]>>2&7<<2 | b[2]&3),
		Access:        b[2] & AccRights,
		UMREn:         b[2]&AccUMREn != 0,
		SmallFence:    b[1]&1 != 0,
		ROWrite:       b[1]&4 != 0,
		RORead:        b[0x3b]&0x40 != 0,
		MATranslation: b[3] >> 4 & 3,
		QPN:           binary.BigEndian.Uint32(b[4:]) >> 8,
		Tag:           b[7],
		Length64:      b[0x0c]&0x80 != 0,
		BSFEn:         b[0x0c]&0x40 != 0,
		SyncUMR:       b[0x0c]&0x20 != 0,
		SigErr:        b[0x0c]&4 != 0,
		EnRinval:      b[0x0c]&1 != 0,
		PD:            binary.BigEndian.Uint32(b[0x0c:]) & PDMask,
		Start:         binary.BigEndian.Uint64(b[0x10:]),
		Len:           binary.BigEndian.Uint64(b[0x18:]),
		BSFOctowords:  binary.BigEndian.Uint32(b[0x20:]),
		XltOctowords:  binary.BigEndian.Uint32(b[0x34:]),
		LogPageSize:   b[0x3b] & 0x3f,
		CryptoEn:      b[0x3c] >> 3 & 3,
	}
}

func flag(on bool, bit uint8) uint8 {
	if on {
		return bit
	}
	return 0
}

// KeyIndex is the part of a memory key that names the context.
func KeyIndex(key uint32) uint32 { return key >> 8 }

// KeyTag is the variant part of a memory key, which a registration may change.
func KeyTag(key uint32) uint8 { return uint8(key) }

// BumpKey gives the key with the next variant, modulo 256, and the same index
// (include/rdma/ib_verbs.h ib_inc_rkey).
func BumpKey(key uint32) uint32 { return key&^0xff | (key+1)&0xff }
