package reg

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Dir says what the remote peer will do with the advertised memory.
type Dir uint8

// Directions. DirBoth lets the peer do either.
const (
	DirRead  Dir = 1 // the peer reads: data leaves the list
	DirWrite Dir = 2 // the peer writes: data lands in the list
	DirBoth  Dir = DirRead | DirWrite
)

// Tuple is what the peer is told: Len bytes at Addr of the key's address
// space. Tuples are used in order and make up the stream.
type Tuple struct {
	Rkey uint32
	Addr uint64
	Len  uint64 // bytes
}

// Copy is a copy of Len bytes in host memory that the registering side makes.
type Copy struct {
	From, To uint64
	Len      uint64 // bytes
}

// Cost is what a registration took. Oracle check 11 recounts it.
type Cost struct {
	MRs         int    // memory keys in use
	WQEs        int    // work requests posted to register (not to release)
	WQEBytes    int    // their bytes in the send queue, DS times 16
	Descriptors int    // MTT entries, KLMs or data segments that the device walks
	BytesCopied uint64 // bytes that CopyIn or CopyOut move, one direction
	Buffers     int    // bounce pages allocated
	Fetches     int    // DMA reads the device makes to learn the registration: one a WQE and one a list by pointer
	RemoteDescs int    // tuples the peer must handle
}

// Registration is what the registering side leaves behind: everything that is
// needed to judge it, and nothing that knows which strategy made it. The
// oracle reads it; conform and the C library fill it from outside.
type Registration struct {
	Strategy string // name for reports
	Dialect  string // name for reports; "" if no work request was written

	// Request is what was asked for.
	Request *Request
	// Mapped is the list after DMA mapping; the stream and every position
	// below refer to it.
	Mapped sg.List
	// From and Next bound the part of Mapped that is covered: the first byte
	// covered and the first byte not covered.
	From, Next linux.Pos
	// Covered is the number of stream bytes between From and Next.
	Covered uint64
	// Whole says that Next is the end of the list.
	Whole bool

	Tuples []Tuple
	Access uint8 // rights granted, mlx5model.AccLW and so on
	// FixedAccess says that the dialect's work requests cannot change the
	// rights that its keys were created with, so that Access may exceed what
	// was asked for.
	FixedAccess bool
	CopyIn      []Copy
	CopyOut     []Copy
	// Own is host memory that the registering side may write besides the
	// list: descriptor lists, bounce pages, tables, also of attempts that were
	// given up before.
	Own []sg.Extent
	// Keys are the full keys that serve Tuples, in order of registration; for
	// an initiator, those that its own requests name.
	Keys []uint32
	// AuxKeys are further keys of the registration that serve no bytes of the
	// list: that of an SRP descriptor table. Cost counts them.
	AuxKeys []uint32

	// Initiator says that the registering side moves the data itself, by
	// RDMA READ and WRITE work requests in the send queue, against the
	// peer's buffer Request.Remote. Tuples is then empty.
	Initiator bool

	Dev  *mlx5model.Device
	QP   *mlx5model.QP
	Ring *mlx5model.Ring
	// QPN and PD are the QP's number and protection domain: what a remote
	// access arrives on.
	QPN, PD uint32
	// Rules are the dialect's, for the strict decoder; nil if none is known.
	Rules *mlx5model.Rules
	// PostedFrom and PostedTo are the send queue's producer counters before
	// and after the registration's work requests.
	PostedFrom, PostedTo uint32

	// DMANents is the entry count that the registration used, MapNents the
	// one it gave to DMA mapping, UnmapNents the one it will give to DMA
	// unmapping.
	DMANents, MapNents, UnmapNents int

	Cost Cost

	// SRP is the information unit as far as the strategy wrote one.
	SRP *SRPCommand

	// Chosen and Why are set by a strategy that picks among others: the name
	// of the one taken and the reason.
	Chosen, Why string

	held   []heldKey // pool keys to give back
	blocks []block   // driver memory to give back
	mapped bool      // the list is mapped for DMA
	direct bool      // the keys were made by CREATE_MKEY and are destroyed
	srp    SRPCommand
}

// heldKey is a key taken from the pool; posted says that a work request named
// it.
type heldKey struct {
	key    *Key
	posted bool
}

// block is driver memory as allocated.
type block struct{ addr, n, align uint64 }

// Reset empties r and keeps its slices for reuse.
func (r *Registration) Reset() {
	*r = Registration{
		Mapped:  r.Mapped[:0],
		Tuples:  r.Tuples[:0],
		CopyIn:  r.CopyIn[:0],
		CopyOut: r.CopyOut[:0],
		Own:     r.Own[:0],
		Keys:    r.Keys[:0],
		AuxKeys: r.AuxKeys[:0],
		held:    r.held[:0],
		blocks:  r.blocks[:0],
		srp:     r.srp,
	}
}
