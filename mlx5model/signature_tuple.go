package mlx5model

import (
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
)

// Tuples of blocks, in bytes. Authority: include/linux/t10-pi.h struct
// t10_pi_tuple: be16 guard, be16 application tag, be32 reference tag.
const (
	tupleCRC32 = 4
	tupleCRC64 = 8
	tupleDIF   = 8
	tupleMost  = 8
)

// Format selectors of CRCs, without their low nibble. Authority:
// providers/mlx5/qp.c mlx5_umr_crc_bfs.
const (
	crc32Base     = 0x20
	crc32cBase    = 0x40
	crc64XP10Base = 0x50
)

// sigTables are the polynomials of CRC-32s by selector.
var sigTables = map[uint8]*crc32.Table{crc32Base: crc32.IEEETable, crc32cBase: crc32.MakeTable(crc32.Castagnoli)}

// xp10Table is the polynomial of CRC-64 XP10, lowest bit first. Authority:
// man mlx5dv_wr_set_mkey_sig_block names Microsoft's XP10 compression
// standard; Project Zipline, rtl/common/include/cr_global_params.vh
// XP10CRC64_POLYNOMIAL, and cr_crc/cr_crc.v, which inverts the register at the
// end. NVM Express uses the same CRC for 64-bit guards.
var xp10Table = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// crcRepeat is the bit of a CRC's format selector by which every block starts
// from the seed.
const crcRepeat = 0x02

// dif is a T10-DIF domain: what a mlx5_bsf_inl says.
type dif struct {
	app, appMask uint16
	ref          uint32
	flags        uint8
}

// Authority: include/linux/mlx5/qp.h MLX5_BSF_INL_VALID, MLX5_DIF_CRC,
// MLX5_BSF_REPEAT_BLOCK, MLX5_BSF_INC_REFTAG, MLX5_BSF_APPTAG_ESCAPE,
// MLX5_BSF_APPREF_ESCAPE.
const (
	inlValid     = 1 << 15
	inlCRC       = 1
	inlRepeat    = 1 << 7
	inlIncRef    = 1 << 6
	inlAppEscape = 0x1
	inlRefEscape = 0x2
)

// format takes a domain's format selector, the transient signature of its PSV
// and its inline section, and reports whether this model computes it.
func (s *signature) format(selector uint8, transient uint64, inl []byte) bool {
	s.seed = transient
	switch base := selector & 0xf0; {
	case selector == 0:
		return s.formatDIF(inl)
	case base == crc64XP10Base:
		s.wide, s.tuple = xp10Table, tupleCRC64
	default:
		s.table, s.tuple = sigTables[base], tupleCRC32
	}
	return (s.table != nil || s.wide != nil) && selector&crcRepeat != 0
}

func (s *signature) formatDIF(inl []byte) bool {
	s.tuple = tupleDIF
	s.dif = dif{app: binary.BigEndian.Uint16(inl[2:]), ref: binary.BigEndian.Uint32(inl[4:]), flags: inl[0xd], appMask: binary.BigEndian.Uint16(inl[0xe:])}
	return binary.BigEndian.Uint16(inl)&inlValid != 0 && inl[8] == inlCRC && inl[9]&inlRepeat != 0
}

// isDIF reports whether tuples are T10-DIF's.
func (s *signature) isDIF() bool { return s.table == nil && s.wide == nil }

// make writes the tuple of a key's n-th block.
//
// SPDK module/accel/mlx5/accel_mlx5.c takes a CRC-32C as the host's word, of a
// seed that is the register's start, and inverts it to get the register: so
// memory has the inverted register, lowest byte first. The other CRCs are taken
// to be alike.
func (s *signature) make(tuple, block []byte, n uint64) {
	switch {
	case s.table != nil:
		binary.LittleEndian.PutUint32(tuple, crc32.Update(^uint32(s.seed>>32), s.table, block))
	case s.wide != nil:
		binary.LittleEndian.PutUint64(tuple, crcWide(^s.seed, s.wide, block))
	default:
		ref := s.dif.ref
		if s.dif.flags&inlIncRef != 0 {
			ref += uint32(n)
		}
		binary.BigEndian.PutUint16(tuple, crcDIF(uint16(s.seed>>48), block))
		binary.BigEndian.PutUint16(tuple[2:], s.dif.app)
		binary.BigEndian.PutUint32(tuple[4:], ref)
	}
}

// crcWide is crc64.Update in pieces: from 2 KiB on that makes tables anew, each
// time.
func crcWide(crc uint64, t *crc64.Table, b []byte) uint64 {
	for len(b) > 0 {
		n := min(len(b), 1024)
		crc, b = crc64.Update(crc, t, b[:n]), b[n:]
	}
	return crc
}

// compare gives the syndrome of a tuple, 0 if it matches or need not.
func (s *signature) compare(want, got []byte) (syndrome uint16) {
	if s.isDIF() && s.escapes(got) {
		return 0
	}
	for i := range want {
		mask := uint8(0xff)
		if s.isDIF() && i&^1 == 2 {
			mask = uint8(s.dif.appMask >> (8 * (3 - i)))
		}
		if s.check&(0x80>>i) == 0 || (want[i]^got[i])&mask == 0 {
			continue
		}
		switch {
		case !s.isDIF() || i < 2:
			syndrome |= SigGuard
		case i < 4:
			syndrome |= SigApp
		default:
			syndrome |= SigRef
		}
	}
	return syndrome
}

// escapes reports whether a tuple's tags say that its block is not checked.
func (s *signature) escapes(tuple []byte) bool {
	app, ref := binary.BigEndian.Uint16(tuple[2:]) == 0xffff, binary.BigEndian.Uint32(tuple[4:]) == 0xffffffff
	return s.dif.flags&inlAppEscape != 0 && app || s.dif.flags&inlRefEscape != 0 && app && ref
}

// words are a tuple as a SigError has it; a CRC-64 has its upper half in the
// transient signature. Authority: providers/mlx5/cq.c, which takes both words as
// one of 64 bits.
func (s *signature) words(tuple []byte) (transient, ref uint32) {
	switch {
	case s.table != nil:
		return binary.LittleEndian.Uint32(tuple), 0
	case s.wide != nil:
		crc := binary.LittleEndian.Uint64(tuple)
		return uint32(crc >> 32), uint32(crc)
	}
	return binary.BigEndian.Uint32(tuple), binary.BigEndian.Uint32(tuple[4:])
}

// crcDIF goes on from crc with the CRC of lib/crc-t10dif.c: polynomial 8BB7h,
// highest bit first, not inverted.
func crcDIF(crc uint16, b []byte) uint16 {
	for _, x := range b {
		crc = crc<<8 ^ difTable[uint8(crc>>8)^x]
	}
	return crc
}

var difTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x8bb7
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()
