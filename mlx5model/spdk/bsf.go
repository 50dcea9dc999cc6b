package spdk

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TweakMode says how a block's number becomes the initial tweak of AES-XTS.
type TweakMode uint8

// Tweak modes: the number in big-endian order in the tweak's last eight bytes,
// or in little-endian order in its first eight.
const (
	TweakLBABE TweakMode = 0
	TweakLBALE TweakMode = 1
)

// Crypto are the attributes of a UMR whose key encrypts or decrypts.
// Authority: include/spdk_internal/mlx5.h struct spdk_mlx5_umr_crypto_attr.
type Crypto struct {
	EncOrder    uint8 // 0, 1: signature wire- or memory-encrypted; 2, 3: raw wire or memory
	BlockSize   uint8 // block-size selector, 1: 512 bytes, 3: 4096
	Tweak       TweakMode
	DEK         uint32 // data encryption key's object id; not cut to its 24 bits
	IV          uint64 // number of the first block
	Keytag      uint64 // stored as a little-endian host holds it
	RawDataSize uint32 // bytes; SPDK passes the region's length
}

// UMRConfigureCrypto is UMRConfigure with a crypto BSF behind the list
// (spdk_mlx5_umr_configure_crypto). Authority for the BSF: providers/mlx5/wqe.h
// struct mlx5_crypto_bsf.
func (q *QP) UMRConfigureCrypto(mkey, umrLen uint32, list []sg.Entry, c *Crypto, flags uint8) error {
	b, err := q.umr(mkey, umrLen, list, flags, bsfSize)
	if err != nil {
		return err
	}
	b[0] = 2<<6 | 1 // size 64 bytes, type crypto
	b[1] = c.EncOrder
	binary.BigEndian.PutUint32(b[0x04:], c.RawDataSize)
	b[8] = c.BlockSize
	if c.Tweak == TweakLBALE {
		binary.LittleEndian.PutUint64(b[0x10:], c.IV)
	} else {
		binary.BigEndian.PutUint64(b[0x18:], c.IV)
	}
	binary.BigEndian.PutUint32(b[0x20:], c.DEK)
	binary.LittleEndian.PutUint64(b[0x28:], c.Keytag)
	return nil
}

// Domain is the side of a transfer that a signature belongs to.
type Domain uint8

// Domains.
const (
	DomainMemory Domain = 0
	DomainWire   Domain = 1
)

// Sig are the attributes of a UMR whose key carries a CRC32C.
// Authority: include/spdk_internal/mlx5.h struct spdk_mlx5_umr_sig_attr.
type Sig struct {
	Seed          uint32 // only its being 0 goes into the WQE; see SetPSV
	PSVIndex      uint32 // 24 bits
	Domain        Domain
	SigErrCount   uint32 // signature errors so far, of which the low bit counts
	RawDataSize   uint32 // bytes
	Init          bool   // start the running CRC from the PSV
	CheckGenerate bool   // check on the way in, generate on the way out
}

// Bits of the extended signature BSF. Authority: lib/mlx5/mlx5_priv.h
// MLX5_SIG_BSF_*, SPDK_MLX5_UMR_SIG_*.
const (
	sigMemCheckGen  = 1 << 24
	sigMemInit      = 1 << 25
	sigWireCheckGen = 1 << 28
	sigWireInit     = 1 << 29
	sigCRC32C       = 0x40 // transaction format selector
	sigSeedZero     = 0x01
	sigErrBit       = 1 // of the counter
)

// UMRConfigureSig is UMRConfigure with a signature BSF behind the list
// (spdk_mlx5_umr_configure_sig). The PSV is loaded by SetPSV, separately.
func (q *QP) UMRConfigureSig(mkey, umrLen uint32, list []sg.Entry, s *Sig, flags uint8) error {
	start := q.PI
	b, err := q.umr(mkey, umrLen, list, flags, bsfSize)
	if err != nil {
		return err
	}
	umr := q.block(start, 0)[mlx5model.CtrlSize:]
	binary.BigEndian.PutUint64(umr[8:], mlx5model.MaskFree|mlx5model.MaskLen|mlx5model.MaskSigErr)
	if s.SigErrCount&sigErrBit != 0 {
		binary.BigEndian.PutUint32(q.block(start, 1)[0x0c:], mlx5model.FlagsSigErr)
	}
	b[0] = 1 << 6 // extended, 32 bytes
	b[1] = 0xff   // check all bytes
	binary.BigEndian.PutUint32(b[0x04:], s.RawDataSize)
	selector := uint32(sigCRC32C)
	if s.Seed == 0 {
		selector |= sigSeedZero
	}
	tfs := selector<<24 | s.PSVIndex&(1<<24-1)
	if s.Domain == DomainWire {
		binary.BigEndian.PutUint32(b[0x10:], pick(s.Init, sigWireInit)|pick(s.CheckGenerate, sigWireCheckGen))
		binary.BigEndian.PutUint32(b[0x18:], tfs)
	} else {
		binary.BigEndian.PutUint32(b[0x10:], pick(s.Init, sigMemInit)|pick(s.CheckGenerate, sigMemCheckGen))
		binary.BigEndian.PutUint32(b[0x1c:], tfs)
	}
	return nil
}

func pick(on bool, bits uint32) uint32 {
	if on {
		return bits
	}
	return 0
}
