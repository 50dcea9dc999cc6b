package vectors

import (
	"fmt"
	"math"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

func init() {
	checkers["sg2pages"] = checkMap
	checkers["sg2klm"] = checkMap
	checkers["regmr"] = checkRegMR
	checkers["createmkey"] = checkCreateMkey
}

// dmaEntry is an entry of a kernel list: [dma_addr, len].
type dmaEntry [2]uint64

func dmaList(entries []dmaEntry) (sg.List, error) {
	l := make(sg.List, len(entries))
	for i, e := range entries {
		if e[1] > math.MaxUint32 {
			return nil, fmt.Errorf("sg[%d]: length %d has more than 32 bits", i, e[1])
		}
		l[i] = sg.Entry{Addr: e[0], Len: uint32(e[1])}
	}
	return l, nil
}

// maxRecordedDescs bounds the descriptors of all regions of a case: a line must
// not make us allocate what it pleases. Recordings reach 65,540.
const maxRecordedDescs = 1 << 19

// newRegion makes the region that ib_alloc_mr makes, with its descriptor buffer
// filled with fill.
func newRegion(kind string, maxNumSG uint32, fill byte) (*linux.MR, error) {
	if maxNumSG > maxRecordedDescs { // before it is an int, which may have 32 bits
		return nil, fmt.Errorf("max_num_sg %d is beyond %d", maxNumSG, maxRecordedDescs)
	}
	mr := &linux.MR{MaxDescs: linux.MaxDescs(maxNumSG)}
	switch kind {
	case "mtt":
		mr.Mode = mlx5model.ModeMTT
	case "klm":
		mr.Mode = mlx5model.ModeKLM
	default:
		return nil, fmt.Errorf("type %q is neither mtt nor klm", kind)
	}
	mr.Descs = filled(int(mlx5model.AlignUp(uint64(mr.MaxDescs*mr.DescSize()), mlx5model.UMRListAlign)), fill)
	return mr, nil
}

// mapJSON is what a mapping produced.
type mapJSON struct {
	Ret         int    `json:"ret"`
	SGOffsetOut uint32 `json:"sg_offset_out"`
	IOVA        uint64 `json:"iova"`
	Length      uint64 `json:"length"`
	NDescs      int    `json:"ndescs"`
}

func (j *mapJSON) compare(d *diffs, path string, got linux.MapResult) {
	eq(d, path+"ret", j.Ret, got.Ret)
	eq(d, path+"sg_offset_out", j.SGOffsetOut, got.SGOffset)
	eq(d, path+"iova", j.IOVA, got.IOVA)
	eq(d, path+"length", j.Length, got.Length)
	eq(d, path+"ndescs", j.NDescs, got.NDescs)
}

// compareDescs compares the descriptors, with their padding up to 64 bytes as
// the buffer held it, for both fills.
func compareDescs(d *diffs, path, want string, prefill byte, a, b *linux.MR) {
	n := int(mlx5model.AlignUp(uint64(a.NDescs*a.DescSize()), mlx5model.UMRListAlign))
	note := func(off int) string {
		if a.Mode == mlx5model.ModeKLM {
			return entryField(mlx5model.SegKLM, off)
		}
		return entryField(mlx5model.SegMTT, off)
	}
	d.hex(path, want, a.Descs[:n], note)
	// At the complement fill only the padding may differ.
	flipped := append([]byte(nil), a.Descs[:n]...)
	for i := a.NDescs * a.DescSize(); i < n; i++ {
		flipped[i] = ^prefill
	}
	d.bytes(path+" at the complement fill", flipped, b.Descs[:n], note)
}

// mapCase is a line of kernel-sg2pages and kernel-sg2klm.
type mapCase struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"`
	Note     string     `json:"note"`
	Seed     uint64     `json:"seed"`
	Type     string     `json:"type"`
	MaxNumSG uint32     `json:"max_num_sg"`
	MaxDescs int        `json:"max_descs"`
	DescSize int        `json:"desc_size"`
	PageSize uint32     `json:"page_size"`
	Lkey     uint32     `json:"local_dma_lkey"`
	Prefill  byte       `json:"prefill"`
	SG       []dmaEntry `json:"sg"`
	SGOffset *uint32    `json:"sg_offset"`

	Ret         int    `json:"ret"`
	SGOffsetOut uint32 `json:"sg_offset_out"`
	IOVA        uint64 `json:"iova"`
	Length      uint64 `json:"length"`
	NDescs      int    `json:"ndescs"`
	Descs       string `json:"descs"`
}

func checkMap(line []byte, env *Env) Outcome {
	var c mapCase
	if err := decodeStrict(line, &c); err != nil {
		return failf("%v", err)
	}
	l, err := dmaList(c.SG)
	if err != nil {
		return failf("%v", err)
	}
	a, err := newRegion(c.Type, c.MaxNumSG, c.Prefill)
	if err != nil {
		return failf("%v", err)
	}
	b, err := newRegion(c.Type, c.MaxNumSG, ^c.Prefill)
	if err != nil {
		return failf("%v", err)
	}
	got := a.MapSG(l, c.SGOffset, c.PageSize, c.Lkey)
	b.MapSG(l, c.SGOffset, c.PageSize, c.Lkey)

	d := newDiffs(env)
	eq(d, "max_descs", c.MaxDescs, a.MaxDescs)
	eq(d, "desc_size", c.DescSize, a.DescSize())
	want := mapJSON{c.Ret, c.SGOffsetOut, c.IOVA, c.Length, c.NDescs}
	want.compare(d, "", got)
	compareDescs(d, "descs", c.Descs, c.Prefill, a, b)
	return d.outcome()
}

// createCase is a line of kernel-createmkey.
type createCase struct {
	ID       string `json:"id"`
	Kind     string `json:"kind,omitempty"`
	Note     string `json:"note,omitempty"`
	Seed     uint64 `json:"seed"`
	Type     string `json:"type"`
	MaxNumSG uint32 `json:"max_num_sg"`
	PDN      uint32 `json:"pdn"`
	Index    uint32 `json:"mkey_index_out"`
	Variant  uint8  `json:"mkey_variant"`
	MaxDescs int    `json:"max_descs"`
	Lkey     uint32 `json:"lkey"`
	In       string `json:"create_mkey_in"`
}

func checkCreateMkey(line []byte, env *Env) Outcome {
	var c createCase
	if err := decodeStrict(line, &c); err != nil {
		return failf("%v", err)
	}
	var ctx mlx5model.MkeyContext
	switch c.Type {
	case "mtt":
		ctx = linux.MemRegContext(c.MaxNumSG, c.PDN, c.Variant)
	case "klm":
		ctx = linux.SGGapsContext(c.MaxNumSG, c.PDN, c.Variant)
	default:
		return failf("type %q is neither mtt nor klm", c.Type)
	}
	d := newDiffs(env)
	in := linux.CreateMkeyIn(&ctx)
	d.hex("create_mkey_in", c.In, in[:], mailboxField)
	eq(d, "max_descs", c.MaxDescs, linux.MaxDescs(c.MaxNumSG))
	eq(d, "lkey", c.Lkey, c.Index<<8|uint32(c.Variant))
	return d.outcome()
}

func mailboxField(off int) string {
	switch {
	case off < 2:
		return "opcode"
	case off >= 0x10 && off < 0x10+mlx5model.MkeySize:
		return segField(mlx5model.SegMkc, off-0x10)
	}
	return "reserved"
}

// compareDoorbell compares the 8 bytes written to the UAR: the start of a
// control segment.
func compareDoorbell(d *diffs, path, want string, got [8]byte) {
	d.hex(path, want, got[:], func(off int) string { return segField(mlx5model.SegCtrl, off) })
}
