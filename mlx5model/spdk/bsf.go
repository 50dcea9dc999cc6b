package spdk

import (
	"encoding/binary"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
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
	b, err := q.umr(mkey, umrLen, list, flags, &withCrypto)
	if err != nil {
		return err
	}
	const sizeAndType = 2<<6 | 1 // 64 bytes, crypto
	be, le := c.IV, uint64(0)
	if c.Tweak == TweakLBALE {
		be, le = 0, bits.ReverseBytes64(c.IV)
	}
	binary.BigEndian.PutUint64(b[0x00:], sizeAndType<<56|uint64(c.EncOrder)<<48|uint64(c.RawDataSize))
	binary.BigEndian.PutUint64(b[0x08:], uint64(c.BlockSize)<<56)
	binary.BigEndian.PutUint64(b[0x10:], le)
	binary.BigEndian.PutUint64(b[0x18:], be)
	binary.BigEndian.PutUint64(b[0x20:], uint64(c.DEK)<<32)
	binary.LittleEndian.PutUint64(b[0x28:], c.Keytag)
	clear(b[0x30:])
	return nil
}

// withCrypto is a UMR with a crypto BSF.
var withCrypto = form{bsf: bsfSize, mask: plain.mask}

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
	f := form{bsf: bsfSize, mask: plain.mask | mlx5model.MaskSigErr}
	if s.SigErrCount&sigErrBit != 0 {
		f.flagsPD = mlx5model.FlagsSigErr
	}
	b, err := q.umr(mkey, umrLen, list, flags, &f)
	if err != nil {
		return err
	}
	const head = 1<<6<<8 | 0xff // extended, 32 bytes; check all bytes
	selector := uint32(sigCRC32C)
	if s.Seed == 0 {
		selector |= sigSeedZero
	}
	tfs := uint64(selector<<24 | s.PSVIndex&(1<<24-1))
	how := pick(s.Init, sigMemInit) | pick(s.CheckGenerate, sigMemCheckGen)
	if s.Domain == DomainWire {
		tfs <<= 32 // the word of the wire comes first
		how = pick(s.Init, sigWireInit) | pick(s.CheckGenerate, sigWireCheckGen)
	}
	sendq.PutWords(b, head<<48|uint64(s.RawDataSize), 0, how<<32, tfs)
	return nil
}

func pick(on bool, bits uint64) uint64 {
	if on {
		return bits
	}
	return 0
}
