package picture

import (
	"encoding/hex"
	"strconv"

	"github.com/sgfuzz/sgfuzz/reg"
)

// Addr is an address or a key. In JSON it is a string of the form "0x1f000",
// as a JavaScript number would lose its low bits.
type Addr uint64

func (a Addr) String() string { return "0x" + strconv.FormatUint(uint64(a), 16) }

// MarshalText gives the text of String.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (a *Addr) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 0, 64)
	*a = Addr(n)
	return err
}

// Bytes are bytes, in JSON a string of hexadecimal digits.
type Bytes []byte

// MarshalText gives two digits for each byte.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

// UnmarshalText reads what MarshalText writes.
func (b *Bytes) UnmarshalText(t []byte) (err error) {
	*b, err = hex.DecodeString(string(t))
	return err
}

// Extent is a run of Len bytes of host memory.
type Extent struct {
	Addr Addr   `json:"addr"`
	Len  uint64 `json:"len"`
}

// Picture is one case and what became of it.
type Picture struct {
	Case     string   `json:"case"`
	Dialect  string   `json:"dialect"`
	Profile  string   `json:"profile"`
	Mutant   string   `json:"mutant,omitempty"`   // the defect that was put in
	Cause    string   `json:"cause,omitempty"`    // what that defect is
	PageSize uint64   `json:"page_size"`          // bytes
	Offset   uint64   `json:"offset,omitempty"`   // stream bytes left out at the start
	Entries  int      `json:"entries"`            // of the list, not of List
	Bytes    uint64   `json:"bytes"`              // of the stream
	Features []string `json:"features,omitempty"` // of the list, as package sg names them

	// List are the entries in stream order, Memory the same from below.
	List   []Entry `json:"list"`
	Memory []Band  `json:"memory"`
	// Mapped is the list after DMA mapping, if that changed it; MappedEntries is
	// its length.
	Mapped        []Entry    `json:"mapped,omitempty"`
	MappedEntries int        `json:"mapped_entries"`
	Strategies    []Strategy `json:"strategies"`
}

// Entry is an entry of the list, or with Skipped not zero, a row that stands
// for Skipped entries from Index on; Addr and Lkey are then those of the first.
type Entry struct {
	Index   int    `json:"index"`
	Skipped int    `json:"skipped,omitempty"`
	Addr    Addr   `json:"addr"`
	Len     uint64 `json:"len"` // bytes; of all of them
	Lkey    Addr   `json:"lkey"`
	Stream  uint64 `json:"stream"` // offset of the first byte
}

// Band is a run of touched pages. Bands are in ascending order of address.
type Band struct {
	Addr Addr   `json:"addr"` // a page border
	Len  uint64 `json:"len"`  // bytes, whole pages; 0 for all 2^64
	// Gap is the number of bytes between the band before and this one.
	Gap      uint64    `json:"gap"`
	Segments []Segment `json:"segments"` // all of the band
}

// Segment is memory that the same entries name, or that none does.
type Segment struct {
	Addr  Addr   `json:"addr"`
	Len   uint64 `json:"len"`
	Named int    `json:"named"` // how many entries name it
	// Entries are the first of them, in stream order.
	Entries []int `json:"entries,omitempty"`
}

// Strategy is what one strategy made of the list.
type Strategy struct {
	Name     string    `json:"strategy"`
	Dialect  string    `json:"dialect,omitempty"` // "" if no work request was written
	Answer   string    `json:"answer"`            // accepted, partial, refused, broken
	Chosen   string    `json:"chosen,omitempty"`  // what a strategy that picks took
	Why      string    `json:"why,omitempty"`     // and for which reason
	Refusal  *Refusal  `json:"refusal,omitempty"`
	Error    string    `json:"error,omitempty"`    // of a broken one
	Failures []Failure `json:"failures,omitempty"` // what the checks found
	Class    string    `json:"class,omitempty"`    // of the failure
	Blame    *Blame    `json:"blame,omitempty"`
	// Again says that what is shown is the second registration of the list: the
	// first one was right.
	Again bool `json:"again,omitempty"`

	// Lapped says that the send queue was too small to hold all work requests at
	// once: Requests and Regions are as in the largest queue that the device has.
	Lapped bool `json:"lapped,omitempty"`

	Parts     int       `json:"parts"`     // registrations it took
	Covered   uint64    `json:"covered"`   // stream bytes in them
	Initiator bool      `json:"initiator"` // it moves the data itself
	Regions   []Region  `json:"regions"`
	Requests  []Request `json:"requests"`
	// RequestCount is the number of work requests, also of those that Requests
	// leaves out.
	RequestCount int     `json:"request_count"`
	Tuples       []Tuple `json:"tuples"` // at most Options.Most
	TupleCount   int     `json:"tuple_count"`
	Copies       int     `json:"copies"` // between list and bounce pages, in one direction
	Cost         Cost    `json:"cost"`
}

// Failed says that a check found something.
func (s *Strategy) Failed() bool { return len(s.Failures) > 0 }

// Refusal is a reg.Refusal with its place in the stream.
type Refusal struct {
	Reason string `json:"reason"`
	Where  string `json:"where"` // reason@entry+offset
	Entry  int    `json:"entry"` // of the mapped list, -1 for none
	Off    uint64 `json:"off"`
	Stream uint64 `json:"stream"` // where that is, 0 without an entry
	Limit  uint64 `json:"limit,omitempty"`
	Need   uint64 `json:"need,omitempty"`
	Text   string `json:"text"`
}

// Kinds of a Region.
const (
	KindMTT = "MTT" // page list
	KindKLM = "KLM" // entries of any length
	KindKSM = "KSM" // entries of one length
	KindPA  = "PA"  // physical memory
	KindSGE = "SGE" // no key of its own: the data segments of one RDMA request
)

// Region is a memory key, or the data segments of one RDMA request (KindSGE),
// and the part of the stream that it serves. With Skipped not zero it stands for
// Skipped of them: it then has one piece.
type Region struct {
	Skipped int    `json:"skipped,omitempty"`
	Kind    string `json:"kind"`
	Key     Addr   `json:"key"`  // rkey; of data segments the lkey
	IOVA    Addr   `json:"iova"` // of the key's first byte; of data segments the peer's address
	Len     uint64 `json:"len"`  // bytes of the region
	Page    uint64 `json:"page,omitempty"`
	Part    int    `json:"part"`              // of the registrations, from 0
	Request int    `json:"request,omitempty"` // of data segments: index among the work requests
	// Aux says that it serves no byte of the list: an SRP descriptor table.
	Aux         bool    `json:"aux,omitempty"`
	Stream      uint64  `json:"stream"` // of the list, where its first byte stands
	Bytes       uint64  `json:"bytes"`  // of the stream
	Descriptors int     `json:"descriptors"`
	Pieces      []Piece `json:"pieces"`
}

// Piece is what one descriptor of a region does: it takes stream bytes to
// memory. With Skipped not zero it stands for Skipped descriptors from Index
// on; if Run is set too they continue each other in memory, and Memory has the
// one extent that they make.
type Piece struct {
	Index   int    `json:"index"` // in the list of its region
	Skipped int    `json:"skipped,omitempty"`
	Run     bool   `json:"run,omitempty"`
	Stream  uint64 `json:"stream"`
	Len     uint64 `json:"len"`
	VA      Addr   `json:"va"`   // in the key's address space
	Addr    Addr   `json:"addr"` // that the descriptor names
	Size    uint64 `json:"size"` // bytes that the descriptor covers: a page, a byte count
	Key     Addr   `json:"key"`  // that a KLM or a data segment names; 0 for pages
	// Memory is where its bytes are in the end, in stream order; Via the bounce
	// memory on the way.
	Memory []Extent `json:"memory,omitempty"`
	Via    []Extent `json:"via,omitempty"`
	// First and Last are the entries that its bytes belong to.
	First int `json:"first"`
	Last  int `json:"last"`
	// Wrong says that Memory is not what the list has, which is in Want;
	// WrongAt is the first differing stream byte and WrongBytes how many differ.
	Wrong      bool     `json:"wrong,omitempty"`
	WrongAt    uint64   `json:"wrong_at,omitempty"`
	WrongBytes uint64   `json:"wrong_bytes,omitempty"`
	Want       []Extent `json:"want,omitempty"`
	// Refused is why the device does not let the peer reach it.
	Refused string `json:"refused,omitempty"`
}

// Blame names the part that is at fault.
type Blame struct {
	// Part is what it is, for example "KLM 3", "MTT 0", "work request 1"; "" if
	// the checks name nothing that can be shown.
	Part   string `json:"part"`
	Text   string `json:"text"` // one sentence
	Region int    `json:"region"`
	// Index is the descriptor's in its region, -1 if none is to blame; see
	// Strategy.Regions for the Region, -1 likewise.
	Index   int    `json:"index"`
	Request int    `json:"request"` // of Strategy.Requests by number, -1 for none
	Stream  uint64 `json:"stream"`  // first differing byte
	Differ  uint64 `json:"differ"`  // bytes of the stream that do; 0 if unknown
	Entry   int    `json:"entry"`   // of the list, that Stream falls into; -1 for none
	Off     uint64 `json:"off"`     // and where in it
	// Reaches and Want are the memory behind Stream by the device and by the
	// list, Got and Expected the bytes there.
	Reaches  *Extent `json:"reaches,omitempty"`
	Want     *Extent `json:"want,omitempty"`
	Got      Bytes   `json:"got,omitempty"`
	Expected Bytes   `json:"expected,omitempty"`
}

// Request is a work request in the send queue.
type Request struct {
	Index    int      `json:"index"`   // among those of the registration
	Part     int      `json:"part"`    // of the registrations
	Counter  uint32   `json:"counter"` // producer counter, in WQEBBs
	Ring     uint32   `json:"ring"`    // byte offset in the queue
	Opcode   string   `json:"opcode"`
	DS       int      `json:"ds"`    // 16-byte units
	Bytes    int      `json:"bytes"` // DS times 16
	Key      Addr     `json:"key"`   // that it modifies or invalidates, or the peer's rkey
	Inline   bool     `json:"inline,omitempty"`
	List     Addr     `json:"list,omitempty"` // of a translation list by pointer
	ListLen  int      `json:"list_len,omitempty"`
	WQE      Bytes    `json:"wqe"`
	Table    Bytes    `json:"-"`                  // the bytes of List
	Findings []string `json:"findings,omitempty"` // of the strict decoder: errors only
}

// Tuple is what the peer is told.
type Tuple struct {
	Rkey Addr   `json:"rkey"`
	Addr Addr   `json:"addr"`
	Len  uint64 `json:"len"`
}

// Cost is a reg.Cost, of all parts together.
type Cost struct {
	MRs         int    `json:"mrs"`
	WQEs        int    `json:"wqes"`
	WQEBytes    int    `json:"wqe_bytes"`
	Descriptors int    `json:"descriptors"`
	BytesCopied uint64 `json:"bytes_copied"`
	Buffers     int    `json:"buffers"`
	Fetches     int    `json:"fetches"`
	RemoteDescs int    `json:"remote_descs"`
}

func (c *Cost) add(r *reg.Cost) {
	c.MRs += r.MRs
	c.WQEs += r.WQEs
	c.WQEBytes += r.WQEBytes
	c.Descriptors += r.Descriptors
	c.BytesCopied += r.BytesCopied
	c.Buffers += r.Buffers
	c.Fetches += r.Fetches
	c.RemoteDescs += r.RemoteDescs
}
