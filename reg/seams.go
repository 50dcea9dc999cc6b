package reg

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Mapper turns a mapped list into descriptors. The default, Corrected, is
// package linux's corrected mapping; a mutant stands in its place.
type Mapper interface {
	// Pages writes MTT entries to dst; see linux.MapPages.
	Pages(dst []byte, l sg.List, from linux.Pos, pageSize uint64, maxPages int) (linux.Mapping, error)
	// KLMs writes KLM entries to dst; see linux.MapKLMs.
	KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error)
}

// RegWR is one registration work request, before a dialect writes it.
type RegWR struct {
	Key      uint32 // full key, with the tag that the registration is to set
	Mode     mlx5model.AccessMode
	List     []byte // N descriptors, packed: MTTs of 8 bytes or KLMs of 16
	N        int
	ListAddr uint64 // where the same bytes stand in host memory, for a list by pointer
	IOVA     uint64 // address of the region's first byte, where the dialect writes one
	Length   uint64 // bytes
	LogPage  uint8  // log2 of the page size, for MTTs
	Access   uint8  // mlx5model.AccLW and so on
	Signaled bool
}

// EncoderCaps says what a dialect's registration work request can carry.
type EncoderCaps struct {
	MTT       bool // page lists
	KLM       bool
	Pointer   bool   // lists by pointer; else inline only
	MaxInline int    // descriptors that fit inline (KLMs)
	MaxList   int    // descriptors of one work request at all, by either form
	ZeroBased bool   // the region starts at address 0 whatever IOVA says
	Rekey     bool   // the work request sets a new tag
	MaxTotal  uint64 // bytes of one region; 0 for no limit
	// Invalidate says that a work request frees a key. Without it, keys are
	// destroyed and created again.
	Invalidate bool
	// RDMARead says that the dialect posts RDMA READs, not only WRITEs.
	RDMARead bool
	// FixedAccess are the rights that keys have from creation on, for a
	// dialect whose registrations do not change them; 0 for one whose do.
	FixedAccess uint8
	// ListSlack is the octowords that a key takes beyond its descriptors.
	ListSlack int
	// Mask are the mkey_mask bits of every registration work request, which
	// a device must be able to execute.
	Mask uint64
}

// Encoder writes a dialect's work requests to one QP's send queue. It keeps the
// driver's state of that queue: position, fence cache.
type Encoder interface {
	Name() string
	Caps() EncoderCaps
	Rules() *mlx5model.Rules
	// Context is the context of a free key as this dialect's creator makes
	// it, for max descriptors.
	Context(mode mlx5model.AccessMode, max int, pd uint32, tag uint8, logPage uint8) mlx5model.MkeyContext
	// Attach binds the encoder to a QP's ring at producer counter pi.
	Attach(ring *mlx5model.Ring, qpn, pd, localKey, pi uint32)
	// PI is the producer counter: WQEBBs posted since counter 0.
	PI() uint32
	// Register posts w and returns the region's first address as the peer
	// must use it.
	Register(w *RegWR) (va uint64, err error)
	// Invalidate posts a local invalidate of key.
	Invalidate(key uint32) error
	// RDMA posts an RDMA WRITE or READ with the given data segments.
	RDMA(write bool, raddr uint64, rkey uint32, sges []sg.Entry) error
	// Size is the WQEBBs that Register takes for n descriptors of mode.
	Size(mode mlx5model.AccessMode, n int) int
}
