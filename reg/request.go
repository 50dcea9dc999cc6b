package reg

import (
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Limits bound what a registration may use. 0 means: what the device profile
// and the dialect allow.
type Limits struct {
	MaxEntries    int    // descriptors (KLMs or MTTs) of one region
	MaxRegions    int    // memory keys for one request
	MaxEntryBytes uint64 // bytes of one KLM
	PoolSize      int    // keys or bounce pages that exist at all
	MaxSGE        int    // data segments of one RDMA READ or WRITE
	InlineDescs   int    // SRP: descriptors that fit the information unit (cmd_sg_entries)
	MaxTotal      uint64 // bytes that bounce buffers may hold for one request
}

// Remote is the buffer of the peer that an initiator transfers to or from.
type Remote struct {
	Rkey uint32
	Addr uint64
}

// Request asks a strategy to register a list.
type Request struct {
	List     sg.List // entries as the consumer has them, before DMA mapping
	DMA      sg.DMA  // how the DMA mapping stage changes them
	Offset   uint64  // bytes of the stream to leave out at the start
	PageSize uint64  // bytes, a power of two
	Access   uint8   // remote and local rights asked for: mlx5model.AccLR and so on
	Dir      Dir
	Limits   Limits

	// Partial allows a registration of the longest prefix that the strategy
	// can take in one region; otherwise less than everything is a Refusal.
	Partial bool
	// From is where to start in the mapped list; after a partial
	// registration it is that one's Next. Offset counts from here only when
	// From is zero.
	From linux.Pos

	// IOVA and PageSizes are for user memory registration: the address that
	// the stream's first byte gets, 0 for its own, and a bitmap of the page
	// sizes in bytes to choose from, 0 for all that the device has.
	IOVA      uint64
	PageSizes uint64

	Remote Remote // for an initiator
}

// Strategy is one way to register a list. A Strategy keeps no state between
// registrations but what Env holds, so that one value serves many.
type Strategy interface {
	// Name is the word that case files and the command line use.
	Name() string
	// Register maps req.List, posts the work requests and fills r, which it
	// resets first. On error, a *Refusal unless something broke, all keys,
	// buffers and mappings are given back and r is empty.
	Register(env *Env, req *Request, r *Registration) error
	// Release invalidates r's keys, gives them and everything else back and
	// unmaps the list.
	Release(env *Env, r *Registration) error
}
