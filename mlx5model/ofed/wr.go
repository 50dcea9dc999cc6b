package ofed

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Op is the kind of a work request.
type Op uint8

// Operations. The zero Op and others are refused with -EINVAL.
const (
	OpRegIndirMR Op = iota + 1 // IB_WR_REG_INDIR_MR
	OpLocalInv                 // IB_WR_LOCAL_INV
	OpRDMAWrite
	OpRDMARead
	OpSend
	opEnd
)

var wqeOpcode = [opEnd]mlx5model.Opcode{
	OpRegIndirMR: mlx5model.OpUMR,
	OpLocalInv:   mlx5model.OpUMR,
	OpRDMAWrite:  mlx5model.OpRDMAWrite,
	OpRDMARead:   mlx5model.OpRDMARead,
	OpSend:       mlx5model.OpSend,
}

// Send flags. Authority: include/rdma/ib_verbs.h enum ib_send_flags.
const (
	SendFence     = 1
	SendSignaled  = 2
	SendSolicited = 4
	SendInline    = 8
)

// Access flags. Authority: include/rdma/ib_verbs.h enum ib_access_flags.
const (
	LocalWrite   = 1
	RemoteWrite  = 2
	RemoteRead   = 4
	RemoteAtomic = 8
)

// IndirList is a struct ib_indir_reg_list with the driver's copy: the entries
// and the memory that the device reads them from.
type IndirList struct {
	// Entries is the consumer's list. PostSend writes entry i as KLM i to
	// Buf. If it is nil the KLMs are taken to be in place.
	Entries []sg.Entry
	// Buf is the driver's copy, 16 bytes an entry; bytes behind the last
	// entry keep what they held.
	Buf []byte
	// DMA is the device's address of Buf, a multiple of
	// mlx5model.UMRPointerAlign.
	DMA uint64
}

// WR is a work request; which fields count depends on Op.
type WR struct {
	Op    Op
	Flags uint8 // SendFence and so on

	Key     uint32     // OpRegIndirMR: full key with the tag to set; OpLocalInv: key to invalidate
	Access  uint32     // OpRegIndirMR: LocalWrite and so on
	IOVA    uint64     // OpRegIndirMR: address of the region's first byte
	Length  uint64     // OpRegIndirMR: bytes; the sum of the entries, if all is well
	List    *IndirList // OpRegIndirMR
	ListLen uint32     // OpRegIndirMR: entries

	RAddr uint64     // RDMA: remote address
	RKey  uint32     // RDMA: remote key
	SGEs  []sg.Entry // sends and RDMA: local data; entries without bytes are left out
}

// regIndir writes a registration (set_indir_reg_wr) and returns its units.
func (p *post) regIndir(at uint16, wr *WR, fence uint8) (ds uint32) {
	const rights = mlx5model.AccUMREn | mlx5model.AccLR | uint8(mlx5model.ModeKLM)
	ds = mlx5model.UMRFixedDS + 1
	size := mlx5model.AlignUp(uint64(wr.ListLen)*mlx5model.KLMSize, mlx5model.UMRListAlign)
	octowords := uint16(size / mlx5model.OctowordSize)
	head, mkc, data := sendq.UMRBlocks(p.Ring, uint32(at))
	sendq.PutWords(head, sendq.Head(at, mlx5model.OpUMR, p.QPN, ds), p.Flags(wr.Flags, fence, wr.Key),
		sendq.UMR(mlx5model.UMRCheckNotFree, octowords, 0), maskIndirect)
	sendq.PutContext(mkc, sendq.Rights(rights|sendq.Access(wr.Access), mlx5model.QPNAny, mlx5model.KeyTag(wr.Key)),
		uint64(mlx5model.FlagsEnRinval|p.qp.PDN&mlx5model.PDMask), wr.IOVA, wr.Length, uint64(octowords), 0)
	sendq.PutEntry(data[:], uint32(size), p.qp.PALkey, wr.List.DMA)
	return ds
}

// fill writes the KLMs. The driver does not check the list's length; the
// model refuses what would run past its buffer.
func (l *IndirList) fill(n uint32) bool {
	if l == nil {
		return false
	}
	if l.Entries == nil {
		return true
	}
	if uint64(n) > uint64(len(l.Entries)) || uint64(n)*mlx5model.KLMSize > uint64(len(l.Buf)) {
		return false
	}
	xlt.KeyedKLMs(l.Buf, l.Entries[:n])
	return true
}

// MkeyContext is the context of a key made by ib_create_mr with
// IB_MR_INDIRECT_REG for maxDescs entries (max_reg_descriptors, rounded up to a
// multiple of four): free, KLM, changeable by UMR, without rights, and with
// room for one group of four entries more. pd has 24 bits.
// Authority: OFED drivers/infiniband/hw/mlx5/mr.c mlx5_ib_create_mr.
func MkeyContext(maxDescs, pd uint32, tag uint8) mlx5model.MkeyContext {
	n := mlx5model.AlignUp(uint64(maxDescs), 4)
	return mlx5model.MkeyContext{
		Free:         true,
		Mode:         mlx5model.ModeKLM,
		UMREn:        true,
		QPN:          mlx5model.QPNAny,
		Tag:          tag,
		PD:           pd & mlx5model.PDMask,
		XltOctowords: uint32(mlx5model.AlignUp(n+1, 4)),
	}
}
