package corpus

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Case is one test case as plain values. The zero value of every field means
// "not said": the strategy or the device profile decides.
type Case struct {
	// Name is the file's path without ".sgcase": its base name after Load,
	// relative to the directory after LoadDir and LoadFS. It is not part of
	// the text.
	Name string
	// Comments are the comment and blank lines, in file order.
	Comments []Comment

	PageSize uint64 // bytes; 0 is DefaultPageSize
	Dialect  string // one of Dialects, or ""
	Profile  string // device profile; "" is "default"
	Access   Access // 0 is DefaultAccess
	DMA      sg.DMA // how entries become DMA-mapped entries
	Offset   uint64 // bytes of the first entry that are left out (sg_offset)
	Dir      string // DirRead, DirWrite, or "" for both
	Strategy string // one of Strategies, or "" for all

	Limits Limits

	IOVA       uint64 // address the peer uses for the first byte, if HasIOVA
	HasIOVA    bool
	PgszBitmap uint64 // supported page sizes for umem: bit n is 2^n bytes

	List  sg.List
	Wants []Want
}

// Limits are capacities, each 0 for the profile's or the strategy's own.
type Limits struct {
	MaxEntries    uint32 // descriptors (pages, KLMs) of one region: ib_alloc_mr's max_num_sg
	MaxEntryBytes uint64 // bytes one descriptor covers: 2^31 where a device says nothing else
	MaxRegions    uint32 // memory regions one command may use
	MaxInline     uint32 // bytes of a translation list that may stand in the WQE
	Queue         uint32 // send queue size in WQEBBs, a power of two
	RingStart     uint32 // producer counter before the first WQE; the ring index is it mod Queue
	Pool          uint32 // elements in the strategy's pool: regions or bounce buffers
}

// Values that stand for a field left zero.
const (
	DefaultPageSize = 4096
	DefaultAccess   = AccessLW | AccessRR | AccessRW
)

// Values of Case.Dir: what the remote peer does with the registration.
const (
	DirRead  = "read"  // the peer reads the list's bytes
	DirWrite = "write" // the peer writes them
)

// Verdicts of a Want.
const (
	WantOK     = "ok"     // the strategy accepts and every check passes
	WantReject = "reject" // the strategy refuses with a typed error, rightly
	WantFail   = "fail"   // a check is known to fail
)

// Dialects returns the names that Case.Dialect may have.
func Dialects() []string { return slices.Clone(dialects) }

// Strategies returns the names that Case.Strategy and Want.Strategy may have.
func Strategies() []string { return slices.Clone(strategies) }

var (
	dialects   = []string{"linux", "libmlx5", "spdk", "ofed"}
	strategies = []string{"fastreg", "multimr", "bounce", "pool512", "indirect", "rdmarw", "umem", "auto"}
	dirs       = []string{DirRead, DirWrite}
	verdicts   = []string{WantOK, WantReject, WantFail}
)

// Want is one expectation: what a strategy must answer to the case.
type Want struct {
	Strategy string // one of Strategies
	Verdict  string // WantOK, WantReject or WantFail
	Reason   string // a word such as "gap@1" (why@entry), or ""
}

// Want returns the expectation for a strategy, if the case states one.
func (c *Case) Want(strategy string) (Want, bool) {
	for _, w := range c.Wants {
		if w.Strategy == strategy {
			return w, true
		}
	}
	return Want{}, false
}

// EffectivePageSize is the page size in bytes with the default filled in.
func (c *Case) EffectivePageSize() uint64 {
	if c.PageSize == 0 {
		return DefaultPageSize
	}
	return c.PageSize
}

// EffectiveAccess is the access list with the default filled in.
func (c *Case) EffectiveAccess() Access {
	if c.Access == 0 {
		return DefaultAccess
	}
	return c.Access
}

// Clone returns a copy that shares no memory with c.
func (c *Case) Clone() *Case {
	d := *c
	d.Comments = slices.Clone(c.Comments)
	d.List = slices.Clone(c.List)
	d.Wants = slices.Clone(c.Wants)
	return &d
}

// Errors that Validate wraps. List errors are those of sg.List.Validate.
var (
	ErrPageSize = errors.New("page size is not a power of two")
	ErrQueue    = errors.New("queue is not a power of two within 1..32768 WQEBBs")
	ErrAccess   = errors.New("rights rw and a need lw")
	ErrName     = errors.New("unknown name")
)

// maxQueue is the largest send queue: a 16-bit WQE counter must tell a full
// ring from an empty one (include/linux/mlx5/qp.h mlx5_wqe_ctrl_seg, wqe_index).
const maxQueue = 1 << 15

// Validate reports everything about the case that a correct strategy must
// refuse or that no strategy can be run with, joined into one error. Parse
// accepts such cases: to be refused is what they are for.
func (c *Case) Validate() error {
	var errs []error
	if p := c.EffectivePageSize(); p&(p-1) != 0 {
		errs = append(errs, fmt.Errorf("page-size %d: %w", p, ErrPageSize))
	}
	if q := c.Limits.Queue; q&(q-1) != 0 || q > maxQueue {
		errs = append(errs, fmt.Errorf("queue %d: %w", q, ErrQueue))
	}
	if a := c.Access; a&(AccessRW|AccessA) != 0 && a&AccessLW == 0 {
		errs = append(errs, fmt.Errorf("access %v: %w", a, ErrAccess))
	}
	errs = append(errs, c.validateNames()...)
	if err := c.List.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *Case) validateNames() (errs []error) {
	check := func(what, name string, known []string) {
		if name != "" && !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("%s %q: %w", what, name, ErrName))
		}
	}
	check("dialect", c.Dialect, dialects)
	check("dir", c.Dir, dirs)
	check("strategy", c.Strategy, strategies)
	for _, w := range c.Wants {
		check("want", w.Strategy, strategies)
		check("want "+w.Strategy, w.Verdict, verdicts)
	}
	return errs
}
