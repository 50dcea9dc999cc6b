package linux

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// CreateMkeySize is the size in bytes of the CREATE_MKEY command without
// translation entries. Authority: include/linux/mlx5/mlx5_ifc.h
// mlx5_ifc_create_mkey_in_bits.
const CreateMkeySize = 272

const (
	cmdCreateMkey = 0x200 // mlx5_ifc.h MLX5_CMD_OP_CREATE_MKEY
	cmdMkcOff     = 0x10  // memory_key_mkey_entry
)

// CreateMkeyIn is the CREATE_MKEY command that creates a key with context c:
// be16 opcode at 0, the context at 10h, 0 elsewhere.
func CreateMkeyIn(c *mlx5model.MkeyContext) [CreateMkeySize]byte {
	var in [CreateMkeySize]byte
	binary.BigEndian.PutUint16(in[:], cmdCreateMkey)
	c.Put(in[cmdMkcOff:])
	return in
}

// umrFree is the context of a key that ib_alloc_mr makes: free, open to UMR,
// local read (drivers/infiniband/hw/mlx5/mr.c mlx5_set_umr_free_mkey). The
// relaxed-ordering bits, which follow the device's capabilities, are off.
func umrFree(mode mlx5model.AccessMode, octowords, pd uint32, tag uint8) mlx5model.MkeyContext {
	return mlx5model.MkeyContext{
		Free:         true,
		Mode:         mode,
		Access:       mlx5model.AccLR,
		UMREn:        true,
		QPN:          mlx5model.QPNAny,
		Tag:          tag,
		PD:           pd & mlx5model.PDMask,
		XltOctowords: octowords,
	}
}

// MemRegContext is the context of a page-list key (IB_MR_TYPE_MEM_REG) for
// maxNumSG pages in protection domain pd. Its capacity is counted as if MTTs
// had 16 bytes, twice what it needs.
func MemRegContext(maxNumSG, pd uint32, tag uint8) mlx5model.MkeyContext {
	c := umrFree(mlx5model.ModeMTT, uint32(MaxDescs(maxNumSG)), pd, tag)
	c.LogPageSize = 12 // PAGE_SHIFT, until a REG_MR sets another
	return c
}

// SGGapsContext is the context of a KLM key (IB_MR_TYPE_SG_GAPS) for maxNumSG
// entries in protection domain pd.
func SGGapsContext(maxNumSG, pd uint32, tag uint8) mlx5model.MkeyContext {
	return umrFree(mlx5model.ModeKLM, uint32(MaxDescs(maxNumSG)), pd, tag)
}

// MWContext is the context of a memory window with room for numKLMs entries, 0
// meaning 1 (mr.c mlx5_ib_alloc_mw). A type 2 window can be invalidated by the
// peer.
func MWContext(numKLMs, pd uint32, tag uint8, type2 bool) mlx5model.MkeyContext {
	c := umrFree(mlx5model.ModeKLM, uint32(MaxDescs(max(numKLMs, 1))), pd, tag)
	c.EnRinval = type2
	return c
}

// DMAMRContext is the context behind a protection domain's local_dma_lkey: all
// of the address space, physical, local rights only (mr.c
// mlx5_ib_get_dma_mr).
func DMAMRContext(pd uint32) mlx5model.MkeyContext {
	return mlx5model.MkeyContext{
		Mode:     mlx5model.ModePA,
		Access:   mlx5model.AccLR | mlx5model.AccLW,
		QPN:      mlx5model.QPNAny,
		Length64: true,
		PD:       pd & mlx5model.PDMask,
	}
}
