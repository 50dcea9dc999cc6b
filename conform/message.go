package conform

import (
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Version is the version of the protocol.
const Version = 1

// Op is an operation of the protocol.
type Op uint8

// The operations. 0 is none of them.
const (
	OpHello     Op = 1 + iota // who are you, and what can you do
	OpSGToPages               // Linux' ib_sg_to_pages
	OpSGToKLMs                // Linux' mlx5_ib_sg_to_klms
	OpWQE                     // the work requests of a recorded vector
	OpRegister                // a registration of the child's own making
	NumOps      = int(OpRegister)
)

var opNames = [NumOps + 1]string{"?", "hello", "sg_to_pages", "sg_to_klms", "wqe", "register"}

// String is the operation's name in requests.
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return opNames[0]
}

// ParseOp finds an operation by its name.
func ParseOp(name string) (Op, bool) {
	for i, n := range opNames {
		if i > 0 && n == name {
			return Op(i), true
		}
	}
	return 0, false
}

// Request is one line to the child. Op says which of the other fields count.
type Request struct {
	ID       uint64
	Op       Op
	Version  uint64   // OpHello: of the protocol
	Map      Map      // OpSGToPages, OpSGToKLMs
	WQE      WQE      // OpWQE
	Register Register // OpRegister
}

// Map asks for what the kernel makes of a list.
type Map struct {
	PageSize  uint32 // bytes; OpSGToPages
	MaxDescs  uint32 // room in descriptors
	LocalLkey uint32 // local_dma_lkey: the key of every KLM; OpSGToKLMs
	SG        sg.List
	HasOffset bool   // the caller passes an offset; else sg_offset is null
	Offset    uint32 // bytes into the first entry
}

// WQE asks for the work requests of a recorded vector.
type WQE struct {
	Producer string // regmr, mrlist, ilv, conf, spdk or integ
	Version  string // of the producer: 6.1, 44, head and so on
	// Inputs is a JSON object of all further fields: those of the producer's
	// vectors without their outputs.
	Inputs []byte
}

// Key is a memory key that exists before a register request: free, with
// umr_en, in the request's protection domain.
type Key struct {
	Key  uint32               // index and variant
	Mode mlx5model.AccessMode // ModeKLM, or ModeMTT with the request's page size
	Max  uint32               // descriptors that it holds
}

// Register asks for a registration by any means.
type Register struct {
	List          sg.List // DMA-mapped entries in stream order
	Lkey          uint32  // a PA key over all host memory with local rights only
	PageSize      uint64  // bytes
	MaxEntries    uint64  // descriptors of one region
	MaxEntryBytes uint64  // bytes of one KLM
	MaxRegions    uint64
	Keys          []Key
	QPN, PD       uint32 // 24 bits
	// Access are the rights that the regions must grant: mlx5model.AccLW and so
	// on. Local read may be granted whether asked for or not.
	Access  uint8
	Scratch sg.Extent // host memory that the child may fill
	Dir     reg.Dir   // what the peer will do
}

// Answer says which of ok, reject and skip a reply has.
type Answer uint8

// Answers.
const (
	OK     Answer = 1 + iota // done, or refused in ret as the driver does
	Reject                   // refused
	Skip                     // not implemented
)

// String is the field's name.
func (a Answer) String() string {
	switch a {
	case OK:
		return "ok"
	case Reject:
		return "reject"
	case Skip:
		return "skip"
	}
	return "?"
}

// Reply is one line from the child. Answer and the request's operation say
// which fields count. Slices of bytes that ParseReply fills belong to its
// Parser.
type Reply struct {
	ID     uint64
	Answer Answer
	Reason []byte // Reject: the errno's name; Skip: the text
	Why    []byte // Reject: what the child says about it; nil if nothing

	Hello        HelloReply
	Map          MapReply
	WQE          WQEReply
	Registration RegisterReply
}

// HelloReply is ok of OpHello.
type HelloReply struct {
	Name    []byte
	Version uint64   // of the protocol; Version if the child does not say
	Ops     [][]byte // names, also such as are not known here
}

// MapReply is ok of OpSGToPages and OpSGToKLMs: what ib_map_mr_sg returned and
// left in the memory region.
type MapReply struct {
	Ret         int32 // entries mapped whole, or a negative errno
	SGOffsetOut uint32
	IOVA        uint64
	Length      uint64
	NDescs      uint64
	Descs       []byte // the descriptors without padding
}

// WQEReply is ok of OpWQE.
type WQEReply struct {
	Ret   []int32  // of each post call, batch or operation
	WQEs  [][]byte // each linear, DS times 16 bytes
	Descs [][]byte // the list of each region, descriptors without padding
}

// RegisterReply is ok of OpRegister.
type RegisterReply struct {
	Regions []reg.Tuple // what the peer is told, in order
	WQEs    [][]byte    // work requests to execute, in order
	Host    []HostWrite // written to scratch memory before the work requests
	CopyIn  []reg.Copy  // made before the peer reads
	CopyOut []reg.Copy  // made after the peer has written
}

// HostWrite is bytes that the child puts into host memory.
type HostWrite struct {
	Addr  uint64
	Bytes []byte
}

// accessText has the text of every set of rights.
var accessText = func() (t [mlx5model.AccRights + 1]string) {
	for a := range t {
		t[a] = corpus.Access(a).String()
	}
	return t
}()

// modeNames are the words for the modes of keys.
var modeNames = [...]string{mlx5model.ModeMTT: "mtt", mlx5model.ModeKLM: "klm"}

// dirNames are the words for directions.
var dirNames = [4]string{1: "read", 2: "write", 3: "read|write"}
