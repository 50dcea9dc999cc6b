package libmlx5

// SigType is the kind of signature of a domain.
// Authority: providers/mlx5/mlx5dv.h enum mlx5dv_sig_type.
type SigType uint8

// Signature types. SigNone stands for a domain that is not given.
const (
	SigNone SigType = iota
	SigT10DIF
	SigCRC
)

// T10DIFType is how the guard of a T10-DIF tuple is computed.
// Authority: mlx5dv.h enum mlx5dv_sig_t10dif_bg_type.
type T10DIFType uint8

// T10-DIF guards.
const (
	T10DIFCRC  T10DIFType = 0
	T10DIFCSUM T10DIFType = 1
)

// T10DIFFlags are the flags of struct mlx5dv_sig_t10dif.
type T10DIFFlags uint16

// T10-DIF flags.
const (
	T10DIFRefRemap     T10DIFFlags = 1 // the reference tag counts up
	T10DIFAppEscape    T10DIFFlags = 2 // application tag FFFFh: not checked
	T10DIFAppRefEscape T10DIFFlags = 4 // both tags all ones: not checked

	t10difFlags = T10DIFRefRemap | T10DIFAppEscape | T10DIFAppRefEscape
)

// T10DIF are the attributes of a T10-DIF signature.
type T10DIF struct {
	Type   T10DIFType
	BG     uint16 // seed of the guard
	AppTag uint16
	RefTag uint32
	Flags  T10DIFFlags
}

// CRCType is a polynomial. Authority: mlx5dv.h enum mlx5dv_sig_crc_type.
type CRCType uint8

// CRC types.
const (
	CRC32      CRCType = 0
	CRC32C     CRCType = 1
	CRC64XP10  CRCType = 2
	crcTypeEnd CRCType = 3
)

// CRC are the attributes of a CRC signature.
type CRC struct {
	Type CRCType
	Seed uint64 // of CRC32 and CRC32C the low 32 bits go into the PSV
}

// BlockSize is a number of bytes between two signatures.
// Authority: mlx5dv.h enum mlx5dv_block_size.
type BlockSize uint8

// Block sizes in bytes.
const (
	Block512  BlockSize = 0
	Block520  BlockSize = 1
	Block4048 BlockSize = 2
	Block4096 BlockSize = 3
	Block4160 BlockSize = 4
)

// blockSelector is the device's number for a block size, 0 if it has none.
// Authority: providers/mlx5/wqe.h MLX5_BSF_BS_*.
var blockSelector = [...]uint8{Block512: 1, Block520: 2, Block4048: 6, Block4096: 3, Block4160: 4}

var blockBytes = [...]uint64{Block512: 512, Block520: 520, Block4048: 4048, Block4096: 4096, Block4160: 4160}

// SigDomain is one side of a signature, memory or wire.
type SigDomain struct {
	Type      SigType
	T10DIF    T10DIF // for SigT10DIF
	CRC       CRC    // for SigCRC
	BlockSize BlockSize
}

// SigBlock are the attributes of struct mlx5dv_sig_block_attr.
type SigBlock struct {
	Mem, Wire SigDomain
	CheckMask uint8 // bytes of the tuple that are compared
	CopyMask  uint8 // bytes that are passed on, if UseCopy
	UseCopy   bool  // MLX5DV_SIG_BLOCK_ATTR_FLAG_COPY_MASK
}

// CryptoOrder says which of signature and encryption sees the other's output
// on the way out. Authority: mlx5dv.h enum mlx5dv_signature_crypto_order.
type CryptoOrder uint8

// Orders.
const (
	SigAfterCryptoOnTX  CryptoOrder = 0
	SigBeforeCryptoOnTX CryptoOrder = 1
)

// Crypto are the attributes of struct mlx5dv_crypto_attr, for AES-XTS.
type Crypto struct {
	EncryptOnTX  bool
	Order        CryptoOrder
	DataUnit     BlockSize
	DEK          uint32   // object id of the data encryption key
	InitialTweak [16]byte // of the first data unit
	Keytag       [8]byte
}

// bsfState is what became of a key's attributes. Authority: providers/mlx5/
// mlx5.h enum mlx5_mkey_bsf_state.
type bsfState uint8

const (
	bsfInit    bsfState = iota // never given
	bsfReset                   // taken away again
	bsfSet                     // given by an earlier work request
	bsfUpdated                 // given by the work request under construction
)
