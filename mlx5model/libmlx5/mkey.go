package libmlx5

import (
	"math"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Mkey is an indirect memory key made by mlx5dv_create_mkey, as far as the
// builders look at it.
type Mkey struct {
	Lkey      uint32 // index and tag; a UMR writes the tag
	NumDesc   uint16 // entries the key was created for, as rounded by the library
	Signature bool   // created with MLX5DV_MKEY_INIT_ATTR_FLAGS_BLOCK_SIGNATURE
	Crypto    bool   // created with MLX5DV_MKEY_INIT_ATTR_FLAGS_CRYPTO

	// postMRList looks at these and the two in front of them at once.
	sigState    bsfState
	cryptoState bsfState

	MemPSV, WirePSV uint32 // signature state objects, 24 bits
	SigErrCount     uint32 // signature errors of the key; the library starts at 1
	SigErrUpdated   bool   // the key's context does not know SigErrCount yet

	length uint64 // of the last layout
	sig    SigBlock
	crypto Crypto
}

// SigError counts a signature error of the key, as mlx5dv_mkey_check does when
// it finds one: the next UMR tells the device.
func (m *Mkey) SigError() {
	m.SigErrCount++
	m.SigErrUpdated = true
}

// MkeyFlags are the create_flags of struct mlx5dv_mkey_init_attr that change
// the context. Authority: providers/mlx5/mlx5dv.h enum
// mlx5dv_mkey_init_attr_flags.
type MkeyFlags uint32

// Creation flags. An indirect key is asked for with InitIndirect in the
// library; here every key is one.
const (
	InitIndirect         MkeyFlags = 1 << 0
	InitBlockSignature   MkeyFlags = 1 << 1
	InitCrypto           MkeyFlags = 1 << 2
	InitUpdateTag        MkeyFlags = 1 << 3
	InitRemoteInvalidate MkeyFlags = 1 << 4
)

// bsfOctowords is the room of one byte-stream format block: 64 bytes
// (providers/mlx5/wqe.h struct mlx5_bsf, struct mlx5_crypto_bsf).
const bsfOctowords = 64 / mlx5model.OctowordSize

// CreateMkeyContext is the context that mlx5dv_create_mkey asks the device for:
// a free KLM key of tag 0 for any QP, which UMR may change, with room for
// maxEntries list entries, rounded up to a multiple of four. pd has 24 bits.
// No remote or local write right is set; those come with the first UMR.
// Authority: providers/mlx5/verbs.c _mlx5dv_create_mkey.
func CreateMkeyContext(maxEntries uint16, pd uint32, flags MkeyFlags) mlx5model.MkeyContext {
	ctx := mlx5model.MkeyContext{
		Free:         true,
		Mode:         mlx5model.ModeKLM,
		Access:       mlx5model.AccLR,
		UMREn:        true,
		QPN:          mlx5model.QPNAny,
		PD:           pd & mlx5model.PDMask,
		XltOctowords: uint32(mlx5model.AlignUp(uint64(maxEntries), 4)),
		EnRinval:     flags&InitRemoteInvalidate != 0,
	}
	if flags&InitBlockSignature != 0 {
		ctx.BSFEn = true
		ctx.BSFOctowords += bsfOctowords
	}
	if flags&InitCrypto != 0 {
		ctx.BSFEn = true
		ctx.BSFOctowords += bsfOctowords
		ctx.CryptoEn = 1
	}
	return ctx
}

// NewMkey describes a key made with CreateMkeyContext: index is the number
// that the device gave it (24 bits), the tag is 0, and the capacity is the
// rounded one, as the library hands it back to its caller.
func NewMkey(index uint32, maxEntries uint16, flags MkeyFlags) Mkey {
	return Mkey{
		Lkey:      index << 8,
		NumDesc:   uint16(min(mlx5model.AlignUp(uint64(maxEntries), 4), math.MaxUint16)),
		Signature: flags&InitBlockSignature != 0,
		Crypto:    flags&InitCrypto != 0,

		SigErrCount:   1,
		SigErrUpdated: true,
	}
}
