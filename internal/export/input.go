package export

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// DefaultEntries is max_num_sg where a case says nothing: the number of pages
// that ULPs of the kernel register at once when the device allows it.
const DefaultEntries = 256

// defaultQueue is the send queue where a case says nothing, in WQEBBs.
const defaultQueue = 64

// minQueue is the shortest send queue that holds a REG_MR (three WQEBBs) and a
// LOCAL_INV (two). The driver makes none that does not hold a work request, so
// that what it would do on one is nobody's business.
const minQueue = 8

// maxEntries bounds a list: a line of a vector file may have 64 MiB, and an
// entry takes up to 34 bytes of it.
const maxEntries = 1 << 19

// ErrNothing says that no case gave anything to write.
var ErrNothing = errors.New("nothing to export")

// Stats counts what an export did.
type Stats struct {
	Cases   int            // written, in one of the files at least
	Vectors int            // lines, or elements of tables
	Files   int            // written
	Bytes   int64          // in them
	Skipped map[string]int // cases, and vectors of cases, left out, by reason
}

func (s *Stats) skip(reason string) { s.Skipped[reason]++ }

// nothing is the error for an export without vectors, or nil.
func (s *Stats) nothing() error {
	if s.Vectors > 0 {
		return nil
	}
	if len(s.Skipped) == 0 {
		return fmt.Errorf("%w: no cases", ErrNothing)
	}
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(s.Skipped)) {
		why = append(why, fmt.Sprintf("%d left out: %s", s.Skipped[reason], reason))
	}
	return fmt.Errorf("%w: %s", ErrNothing, strings.Join(why, "; "))
}

// input is a case as a call of ib_map_mr_sg.
type input struct {
	name     string // no other input of the export has it
	list     sg.List
	offset   *uint32
	pageSize uint32
	maxNumSG uint32
	lkey     uint32
}

// names gives each case a name of its own.
type names map[string]bool

func (n names) unique(name string) string {
	got := name
	for i := 2; n[got]; i++ {
		got = name + "~" + strconv.Itoa(i)
	}
	n[got] = true
	return got
}

// newInput translates a case, but for its name. reason says why there is no
// such call.
func newInput(c *corpus.Case) (in *input, reason string) {
	in = &input{maxNumSG: DefaultEntries}
	list, err := c.DMA.Map(nil, c.List)
	size := c.EffectivePageSize()
	switch {
	case err != nil:
		return nil, "the DMA mapping of the list is not possible"
	case len(list) > maxEntries:
		return nil, fmt.Sprintf("the list has more than %d entries", maxEntries)
	case size > math.MaxUint32:
		return nil, "the page size has more than 32 bits"
	case size&(size-1) != 0:
		return nil, "the page size is not a power of two"
	case c.Offset > math.MaxUint32:
		return nil, "the offset has more than 32 bits"
	case c.Limits.MaxEntries > vectors.MaxVectorDescs:
		return nil, fmt.Sprintf("max-entries is more than %d", vectors.MaxVectorDescs)
	case c.Limits.MaxEntries != 0:
		in.maxNumSG = c.Limits.MaxEntries
	}
	if c.Offset != 0 {
		in.offset = new(uint32(c.Offset))
	}
	key, err := strconv.ParseUint(corpus.Hash(c)[:8], 16, 32)
	if err != nil { // Hash is 12 hexadecimal digits
		panic(err)
	}
	in.list, in.pageSize, in.lkey = list, uint32(size), uint32(key)
	return in, ""
}

// mapping is the input as one of a vector.
func (in *input) mapping(prefix, suffix string, mode mlx5model.AccessMode) *vectors.Mapping {
	return &vectors.Mapping{
		ID: prefix + "-x-" + in.name + suffix, Note: "computed by the model of Linux 6.1, not recorded",
		Mode: mode, List: in.list, SGOffset: in.offset, MaxNumSG: in.maxNumSG, PageSize: in.pageSize, Lkey: in.lkey,
	}
}

// call runs the mapping on the model. descs is what it wrote.
func (in *input) call(mode mlx5model.AccessMode) (r linux.MapResult, maxDescs int, descs []byte) {
	maxDescs = linux.MaxDescs(in.maxNumSG)
	if mode == mlx5model.ModeMTT {
		descs = make([]byte, maxDescs*mlx5model.MTTSize)
		r = linux.SGToPages(descs, maxDescs, in.list, in.offset, in.pageSize)
		return r, maxDescs, descs[:r.NDescs*mlx5model.MTTSize]
	}
	descs = make([]byte, maxDescs*mlx5model.KLMSize)
	r = linux.SGToKLMs(descs, maxDescs, in.list, in.offset, in.lkey)
	return r, maxDescs, descs[:r.NDescs*mlx5model.KLMSize]
}

// access gives a case's rights as verbs access flags.
func access(a corpus.Access) (flags uint32) {
	for _, r := range []struct {
		right corpus.Access
		flag  uint32
	}{
		{corpus.AccessLW, linux.AccessLocalWrite}, {corpus.AccessRW, linux.AccessRemoteWrite},
		{corpus.AccessRR, linux.AccessRemoteRead}, {corpus.AccessA, linux.AccessRemoteAtomic},
	} {
		if a&r.right != 0 {
			flags |= r.flag
		}
	}
	return flags
}
