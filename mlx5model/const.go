package mlx5model

// Opcode is the opcode byte of a control segment.
// Authority: include/linux/mlx5/device.h enum MLX5_OPCODE_*.
type Opcode uint8

// Opcodes that the model knows.
const (
	OpNop          Opcode = 0x00
	OpSendInval    Opcode = 0x01
	OpRDMAWrite    Opcode = 0x08
	OpRDMAWriteImm Opcode = 0x09
	OpSend         Opcode = 0x0a
	OpSendImm      Opcode = 0x0b
	OpRDMARead     Opcode = 0x10
	OpAtomicCS     Opcode = 0x11
	OpAtomicFA     Opcode = 0x12
	OpSetPSV       Opcode = 0x20
	OpGetPSV       Opcode = 0x21
	OpCheckPSV     Opcode = 0x22
	OpUMR          Opcode = 0x25
)

// Bits of the control segment's byte 0Bh (fm_ce_se).
// Authority: include/linux/mlx5/qp.h MLX5_WQE_CTRL_*, MLX5_FENCE_MODE_*;
// rdma-core providers/mlx5/mlx5dv.h MLX5_WQE_CTRL_*.
const (
	CtrlSolicited = 0x02 // se
	CtrlCEMask    = 0x0c // completion mode, bits 3:2
	CtrlCEFirst   = 0x04 // CQE on the first error only
	CtrlCEAlways  = 0x08 // CQ_UPDATE: a CQE always
	CtrlCEEvent   = 0x0c // CQE and event

	FenceMask         = 0xe0 // bits 7:5
	FenceNone         = 0x00
	FenceSmall        = 0x20 // MLX5_FENCE_MODE_INITIATOR_SMALL
	FenceFence        = 0x40 // MLX5_FENCE_MODE_FENCE
	FenceStrong       = 0x60 // MLX5_FENCE_MODE_STRONG_ORDERING
	FenceSmallAndFull = 0x80 // MLX5_FENCE_MODE_SMALL_AND_FENCE
)

// Bits of the UMR control segment's flags byte.
// Authority: include/linux/mlx5/device.h MLX5_UMR_*, providers/mlx5/mlx5dv.h
// MLX5_WQE_UMR_CTRL_FLAG_*. The bit of UMRCheckNotFree carries the name
// CHECK_FREE in rdma-core and in include/linux/mlx5/qp.h MLX5_FLAGS_CHECK_FREE.
const (
	UMRInline       = 0x80 // the translation list follows inline
	UMRCheckFree    = 0x40 // the WQE fails if the key is free
	UMRCheckNotFree = 0x20 // the WQE fails unless the key is free
	UMROffsetEn     = 0x10 // the list is written at xlt_offset
	UMRCheckQPN     = 0x08 // the WQE fails unless mkc.qpn is this QP
)

// Bits of the UMR control segment's mkey_mask: which mkey context fields the
// WQE writes. Authority: include/linux/mlx5/device.h MLX5_MKEY_MASK_*.
const (
	MaskLen        uint64 = 1 << 0
	MaskPageSize   uint64 = 1 << 1
	MaskStartAddr  uint64 = 1 << 6
	MaskPD         uint64 = 1 << 7
	MaskEnRinval   uint64 = 1 << 8
	MaskSigErr     uint64 = 1 << 9
	MaskBSFEn      uint64 = 1 << 12
	MaskKey        uint64 = 1 << 13
	MaskQPN        uint64 = 1 << 14
	MaskLR         uint64 = 1 << 17
	MaskLW         uint64 = 1 << 18
	MaskRR         uint64 = 1 << 19
	MaskRW         uint64 = 1 << 20
	MaskA          uint64 = 1 << 21
	MaskSmallFence uint64 = 1 << 23
	MaskROWrite    uint64 = 1 << 25
	MaskFree       uint64 = 1 << 29
	MaskPageSize5  uint64 = 1 << 42 // sixth bit of log_page_size, newer devices
	MaskRORead     uint64 = 1 << 47
	MaskAccess            = MaskLW | MaskRR | MaskRW | MaskA
	MaskKnown             = MaskLen | MaskPageSize | MaskStartAddr | MaskPD | MaskEnRinval | MaskSigErr | MaskBSFEn | MaskKey | MaskQPN | MaskLR | MaskAccess | MaskSmallFence | MaskROWrite | MaskFree | MaskPageSize5 | MaskRORead
)

// AccessMode says how a key's translation list is read.
// Authority: include/linux/mlx5/mlx5_ifc.h MLX5_MKC_ACCESS_MODE_*.
type AccessMode uint8

// Access modes. Crossing keys exist on newer devices only.
const (
	ModePA       AccessMode = 0
	ModeMTT      AccessMode = 1
	ModeKLM      AccessMode = 2
	ModeKSM      AccessMode = 3
	ModeSWICM    AccessMode = 4
	ModeMEMIC    AccessMode = 5
	ModeCrossing AccessMode = 6
)

// Access rights as they stand in byte 02h of a mkey context.
// Authority: include/linux/mlx5/device.h MLX5_PERM_*, mlx5_ifc.h
// mlx5_ifc_mkc_bits.
const (
	AccLR     = 0x04 // local read
	AccLW     = 0x08 // local write
	AccRR     = 0x10 // remote read
	AccRW     = 0x20 // remote write
	AccA      = 0x40 // remote atomic
	AccUMREn  = 0x80 // umr_en: not a right, the key may be changed by UMR
	AccRights = AccLR | AccLW | AccRR | AccRW | AccA
)

// Bits of a mkey context's flags_pd word (offset 0Ch).
// Authority: include/linux/mlx5/mlx5_ifc.h mlx5_ifc_mkc_bits;
// device.h MLX5_MKEY_REMOTE_INVAL, MLX5_MKEY_BSF_EN.
const (
	FlagsLength64 = 1 << 31
	FlagsBSFEn    = 1 << 30
	FlagsSyncUMR  = 1 << 29
	FlagsSigErr   = 1 << 26
	FlagsEnRinval = 1 << 24
	PDMask        = 1<<24 - 1
)

const (
	// MkeyFree is bit 6 of a mkey context's byte 0: the key has no valid
	// translation (device.h MLX5_MKEY_STATUS_FREE).
	MkeyFree = 0x40
	// QPNAny in a mkey context lets every QP use the key.
	QPNAny = 0xffffff
	// MTTRead and MTTWrite are the two permission bits of an MTT entry
	// (device.h MLX5_EN_RD, MLX5_EN_WR).
	MTTRead  = 1
	MTTWrite = 2
	// RepeatOp stands where a KLM has its key and marks a repeat header
	// (include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg, MLX5_STRIDE_BLOCK_OP).
	RepeatOp = 0x400
	// InvalidLkey ends a receive list (drivers/infiniband/hw/mlx5/wr.c,
	// MLX5_INVALID_LKEY).
	InvalidLkey = 0x100
)

// Syndrome is the reason of an error completion.
// Authority: include/linux/mlx5/cq.h MLX5_CQE_SYNDROME_*.
type Syndrome uint8

// Syndromes. SynOK is not on the wire: it says that nothing failed.
const (
	SynOK             Syndrome = 0x00
	SynLocalLength    Syndrome = 0x01
	SynLocalQPOp      Syndrome = 0x02
	SynLocalProt      Syndrome = 0x04
	SynFlush          Syndrome = 0x05
	SynMWBind         Syndrome = 0x06
	SynBadResp        Syndrome = 0x10
	SynLocalAccess    Syndrome = 0x11
	SynRemoteInvReq   Syndrome = 0x12
	SynRemoteAccess   Syndrome = 0x13
	SynRemoteOp       Syndrome = 0x14
	SynTransportRetry Syndrome = 0x15
	SynRNRRetry       Syndrome = 0x16
	SynRemoteAborted  Syndrome = 0x22

	// SynWait is not on the wire either: a Peer that cannot take the message
	// yet, because no receive is posted for it, answers it.
	SynWait Syndrome = 0xff
)
