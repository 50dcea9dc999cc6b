package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// mapInput is what the mapping target draws: arguments of the kernel's mapping
// functions and of their corrections.
type mapInput struct {
	list     sg.List
	pageSize uint64 // of the corrected functions: a power of two from 512 on
	kernPage uint32 // of the kernel's: any number
	offset   uint32
	maxDescs int
	lkey     uint32
	maxKLM   uint64
	from     linux.Pos
	iova     uint64
	hasIOVA  bool
}

func (in *mapInput) String() string {
	return fmt.Sprintf("page size %d (kernel %d), offset %d, %d descriptors, lkey %#x, max KLM %d, from %v, iova %#x %v, list %v",
		in.pageSize, in.kernPage, in.offset, in.maxDescs, in.lkey, in.maxKLM, in.from, in.iova, in.hasIOVA, in.list)
}

const (
	mapDescs    = 96      // descriptors that the target's buffers hold
	mapBytewise = 1 << 13 // bytes of a list up to which every byte is looked at
	mapParts    = 48      // mappings of one list in parts
	mapEntries  = 512     // entries of a list
)

// mapShift are the page sizes of the kernel's functions, as powers of two; the
// last weight is for any number of 32 bits.
var mapShift = []int{4, 2, 1, 1, 1, 6, 2, 4, 1, 1}

var mapShifts = [...]uint{12, 2, 3, 4, 6, 9, 10, 16, 31}

func (in *mapInput) draw(c *sg.Choices, p *sg.Params) {
	if i := c.Pick(mapShift); i < len(mapShifts) {
		in.kernPage = 1 << mapShifts[i]
	} else {
		in.kernPage = uint32(c.Uint(1<<32 - 1))
	}
	in.pageSize = max(uint64(in.kernPage)&-uint64(in.kernPage), 512)
	in.maxDescs = int(c.Uint(mapDescs + 4))
	in.offset = 0
	if c.Bool() {
		in.offset = uint32(c.Uint(1<<32 - 1))
	}
	in.lkey = []uint32{0x1800, 0, mlx5model.RepeatOp}[c.Pick([]int{12, 3, 1})]
	in.maxKLM = []uint64{0, 1, 7, 4096, 1 << 31, 1<<32 - 1, 1 << 40}[c.Pick([]int{8, 1, 2, 2, 1, 1, 1})]
	if in.hasIOVA = c.Bool(); in.hasIOVA {
		in.iova = c.Uint(^uint64(0))
	}
	in.from = linux.Pos{Entry: int(c.Uint(7)), Off: c.Uint(511)}
	if c.Bool() {
		in.from = linux.Pos{}
	}
	*p = sg.Params{PageSize: min(max(uint64(in.kernPage), 4), 1<<31), MaxEntries: mapEntries, Capacities: p.Capacities[:0]}
	if in.maxDescs > 0 {
		p.Capacities = append(p.Capacities, in.maxDescs)
	}
	if c.Bool() {
		in.list = drawNear(c, in.list[:0], in.pageSize)
		return
	}
	in.list, _ = sg.Generate(c, p, in.list[:0])
}

// drawNear draws short entries beside few page borders, some of them at either
// end of the address space, so that borders meet, continue each other and
// alias often.
func drawNear(c *sg.Choices, l sg.List, page uint64) sg.List {
	for len(l) < 12 && c.MoreUnless(40) {
		e := sg.Entry{Addr: page*c.Uint(7) + []uint64{0, 0, 1, page - 1, page / 2, ^uint64(0), -page}[c.Pick([]int{8, 2, 2, 2, 1, 1, 1})]}
		switch c.Pick([]int{6, 3, 3, 2, 1}) {
		case 0:
			e.Len = uint32(min(page, 4096))
		case 1:
			e.Len = uint32(c.Uint(3))
		case 2:
			e.Len = uint32(min(page-e.Addr&(page-1), 4096)) // up to the border
		case 3:
			e.Len = uint32(c.Uint(1023))
		case 4:
			e.Len = uint32(-e.Addr & 0xfff) // up to 2^64, or nothing
		}
		if n := len(l); n > 0 && c.Bool() {
			e.Addr = l[n-1].End()
		}
		e.Lkey = uint32(c.Byte() & 3)
		l = append(l, e)
	}
	return l
}

// mapTarget holds the target's storage; the mapper and the kernel's functions
// are fields so that tests can put broken ones there.
type mapTarget struct {
	sgToPages func(descs []byte, maxDescs int, l sg.List, off *uint32, page uint32) linux.MapResult
	sgToKLMs  func(descs []byte, maxDescs int, l sg.List, off *uint32, lkey uint32) linux.MapResult
	mapper    reg.Mapper

	in     mapInput
	params sg.Params
	ch     *sg.Choices
	ref    mapReference
	dst    []byte
	want   []byte
	extA   []sg.Extent
	extB   []sg.Extent
}

func newMapTarget() *mapTarget {
	return &mapTarget{
		sgToPages: linux.SGToPages, sgToKLMs: linux.SGToKLMs, mapper: reg.Corrected{}, ch: sg.NewChoices(nil),
		dst: make([]byte, mapDescs*mlx5model.KLMSize), want: make([]byte, mapDescs*mlx5model.KLMSize),
	}
}

// mappingTarget takes bytes as arguments of the kernel's mapping functions and
// compares what comes out with references that were written from their
// description.
func mappingTarget() Target {
	return Target{
		Name: "Mapping", Doc: "the kernel's mapping functions and their corrections, against references",
		Body: newMapTarget().run, Seeds: mapSeeds,
	}
}

func (t *mapTarget) run(data []byte) error {
	t.ch.Reset(data)
	t.in.draw(t.ch, &t.params)
	for _, f := range []func() error{t.kernelPages, t.kernelKLMs, t.correctedPages, t.correctedKLMs, t.defaultMapper} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

const mapFill = 0xa5 // what descriptors hold before

func (t *mapTarget) fill() {
	for i := range t.dst {
		t.dst[i], t.want[i] = mapFill, mapFill
	}
}

func (t *mapTarget) kernelPages() error {
	t.fill()
	off := t.in.offset
	got := t.sgToPages(t.dst, t.in.maxDescs, t.in.list, &off, t.in.kernPage)
	want := t.ref.kernelPages(t.want, min(t.in.maxDescs, len(t.want)/mlx5model.MTTSize), t.in.list, t.in.offset, t.in.kernPage)
	return t.same("SGToPages differs from its description", got, want)
}

func (t *mapTarget) kernelKLMs() error {
	t.fill()
	off := t.in.offset
	got := t.sgToKLMs(t.dst, t.in.maxDescs, t.in.list, &off, t.in.lkey)
	want := refKernelKLMs(t.want, min(t.in.maxDescs, mapDescs), t.in.list, t.in.offset, t.in.lkey)
	return t.same("SGToKLMs differs from its description", got, want)
}

func (t *mapTarget) same(class string, got, want linux.MapResult) error {
	if got != want {
		return failure(class, "got %+v\nwant %+v\n%v", got, want, &t.in)
	}
	if !bytes.Equal(t.dst, t.want) {
		return failure(class+" in a descriptor", "result %+v\n got % x\nwant % x\n%v", got, t.dst, t.want, &t.in)
	}
	return nil
}

func (t *mapTarget) correctedPages() error {
	return t.parts("pages", func(from linux.Pos, iova *uint64) (linux.Mapping, error) {
		if iova != nil {
			return linux.MapPagesAt(t.dst, t.in.list, from, t.in.pageSize, t.in.maxDescs, *iova)
		}
		return linux.MapPages(t.dst, t.in.list, from, t.in.pageSize, t.in.maxDescs)
	})
}

func (t *mapTarget) correctedKLMs() error {
	return t.parts("KLMs", func(from linux.Pos, iova *uint64) (linux.Mapping, error) {
		if iova != nil {
			return linux.MapKLMsAt(t.dst, t.in.list, from, t.in.lkey, t.in.maxDescs, t.in.maxKLM, *iova)
		}
		return linux.MapKLMs(t.dst, t.in.list, from, t.in.lkey, t.in.maxDescs, t.in.maxKLM)
	})
}

// defaultMapper tries the strategies' mapper, which picks an iova itself.
func (t *mapTarget) defaultMapper() error {
	if t.in.hasIOVA {
		return nil
	}
	l, from := t.in.list, t.in.from
	m, err := t.mapper.Pages(t.dst, l, from, t.in.pageSize, t.in.maxDescs)
	if err == nil {
		if err := t.certify("pages", m, from, nil); err != nil {
			return err
		}
	}
	m, err = t.mapper.KLMs(t.dst, l, from, t.in.lkey, t.in.maxDescs, t.in.maxKLM)
	if err == nil {
		return t.certify("KLMs", m, from, nil)
	}
	return nil
}

// parts maps the list from the drawn position, and goes on where each mapping
// ends. Every mapping is certified; those of short lists are compared with what
// a look at every byte gives.
func (t *mapTarget) parts(kind string, mapFrom func(linux.Pos, *uint64) (linux.Mapping, error)) error {
	from := t.in.from
	var iova *uint64
	if t.in.hasIOVA {
		iova = &t.in.iova
	}
	short := t.in.list.Total() <= mapBytewise
	for range mapParts {
		m, err := mapFrom(from, iova)
		if short {
			if err := t.bytewise(kind, m, err, from, iova); err != nil {
				return err
			}
		}
		if err != nil {
			if m != (linux.Mapping{}) {
				return failure("mapping with an error", "%s from %v: %+v, %v\n%v", kind, from, m, err, &t.in)
			}
			return nil
		}
		if err := t.certify(kind, m, from, iova); err != nil {
			return err
		}
		if m.Stop == linux.StopEnd {
			return nil
		}
		from = m.Next
		if iova != nil && kind == "pages" {
			iova = nil // only the first part starts where the list does
		}
	}
	return nil
}

func (t *mapTarget) bytewise(kind string, got linux.Mapping, err error, from linux.Pos, iova *uint64) error {
	r := &t.ref
	if kind == "pages" {
		r.pages(t.in.list, from, t.in.pageSize, min(t.in.maxDescs, len(t.dst)/mlx5model.MTTSize), iova)
	} else {
		r.klms(t.in.list, from, t.in.lkey, min(t.in.maxDescs, mapDescs), t.in.maxKLM, iova)
	}
	class := "mapping of " + kind + " is not what a look at every byte gives"
	switch {
	case r.err != nil || err != nil:
		if !errors.Is(err, r.err) || err == nil {
			return failure(class, "from %v: error %v, want %v\n%v", from, err, r.err, &t.in)
		}
	case got != r.m:
		return failure(class, "from %v: got %+v\nwant %+v\n%v", from, got, r.m, &t.in)
	case !bytes.Equal(t.dst[:len(r.desc)], r.desc):
		return failure(class, "from %v: descriptors % x\nwant % x\n%v", from, t.dst[:len(r.desc)], r.desc, &t.in)
	}
	return nil
}

// mapSeeds are the corpus' lists under the plainest options and under some
// others.
func mapSeeds() ([][]byte, error) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		return nil, err
	}
	var seeds [][]byte
	for i, c := range cases {
		if len(c.List) > mapEntries {
			continue
		}
		seeds = append(seeds, encodeMapping(c.List, byte(i%(mapDescs+4)), uint32(c.Offset)))
	}
	// the corners that need two choices at once: a short first entry, a full list
	for _, descs := range []byte{0, 1, 2, 3} {
		l := sg.List{{Addr: 0x1100, Len: 0x1f00}, {Addr: 0x9000, Len: 1}, {Addr: 0x9001, Len: 0x1000}}
		seeds = append(seeds, encodeMapping(l, descs, 0), encodeMapping(l, descs, 0x1f00), encodeMapping(l, descs, 0x1f01))
	}
	return slices.Clip(seeds), nil
}

// encodeMapping is the choice stream for which draw gives the list, pages of
// 4096 bytes, a capacity and an offset.
func encodeMapping(l sg.List, descs byte, offset uint32) []byte {
	b := []byte{0, descs, 1, byte(offset), byte(offset >> 8), byte(offset >> 16), byte(offset >> 24)}
	b = append(b, 0, 0, 0)       // lkey, longest KLM, no iova
	b = append(b, 0, 0, 0, 1, 0) // from the start; a list from a generator
	return sg.EncodeList(b, l)
}
