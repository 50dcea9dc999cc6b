package vectors

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Mapping is what a kernel caller maps: the inputs of a vector that this
// module's model of Linux 6.1 gives the outputs.
type Mapping struct {
	ID       string               // with the producer's prefix: sg2pages-, sg2klm- or regmr-
	Note     string               // free text
	Mode     mlx5model.AccessMode // ModeMTT; anything else stands for ModeKLM
	List     sg.List              // DMA-mapped; the entries' own keys are not looked at
	SGOffset *uint32              // bytes into the first entry; nil where NULL is passed
	MaxNumSG uint32               // as ib_alloc_mr gets it, at most MaxVectorDescs
	PageSize uint32               // bytes
	Lkey     uint32               // the PD's local_dma_lkey
}

// Posting is a queue pair that a mapped region is registered on and that
// invalidates it again, both in one ib_post_send.
type Posting struct {
	WQECnt  int    // ring size in WQEBBs, a power of two up to mlx5model.MaxRingWQEBBs
	CurPost uint16 // producer counter beforehand
	Access  uint32 // linux.AccessLocalWrite and so on
}

// MaxVectorDescs is the most descriptors that the regions of one vector have.
const MaxVectorDescs = maxRecordedDescs

// What the recordings have where nothing else is asked for.
const (
	madeKind    = "edge"
	madePrefill = 0xcc
	madeQPN     = 0x1234
	madePDN     = 0x42
	madeDescMap = 0x12345800 // a multiple of 2048, as the driver's own allocation is
	madeRkey    = 0xabcd04
	madeKey     = 0xabcd07 // the same index with the next tag
)

func (m *Mapping) kind() string {
	if m.Mode == mlx5model.ModeMTT {
		return "mtt"
	}
	return "klm"
}

func (m *Mapping) entries() []dmaEntry {
	l := make([]dmaEntry, len(m.List))
	for i, e := range m.List {
		l[i] = dmaEntry{e.Addr, uint64(e.Len)}
	}
	return l
}

// AppendMapping appends the line of kernel-sg2pages or kernel-sg2klm: what
// ib_map_mr_sg leaves behind, and a line feed. On error dst is returned as it
// was.
func AppendMapping(dst []byte, m *Mapping) ([]byte, error) {
	c := mapCase{
		ID: m.ID, Kind: madeKind, Note: m.Note, Type: m.kind(), MaxNumSG: m.MaxNumSG, PageSize: m.PageSize, Lkey: m.Lkey,
		Prefill: madePrefill, SG: m.entries(), SGOffset: m.SGOffset,
	}
	if err := c.fill(); err != nil {
		return dst, fmt.Errorf("%s: %w", m.ID, err)
	}
	return appendLine(dst, &c)
}

// AppendPosting appends the line of kernel-regmr: the mapping, a signaled
// REG_MR and a LOCAL_INV, and a line feed. A mapping that failed is posted with
// whatever it left, as in the recordings. On error dst is returned as it was.
func AppendPosting(dst []byte, m *Mapping, p *Posting) ([]byte, error) {
	region, key, rkey := 0, uint32(madeKey), uint32(madeKey)
	c := regCase{
		ID: m.ID, Kind: madeKind, Note: m.Note,
		QP: kernelQP{
			QPN: madeQPN, PDN: madePDN, Lkey: m.Lkey, WQECnt: p.WQECnt, CurPost: p.CurPost,
			UMRFence: mlx5model.FenceSmall, Prefill: madePrefill, CapAtomic: 1,
		},
		MRs: []regionCase{{
			Type: m.kind(), MaxNumSG: m.MaxNumSG, DescMap: madeDescMap, PageSize: m.PageSize, Rkey0: madeRkey,
			SG: m.entries(), SGOffset: m.SGOffset,
		}},
		WRs: []wrCase{
			{Op: "reg_mr", Flags: linux.SendSignaled, MR: &region, Key: &key, Access: &p.Access},
			{Op: "local_inv", Rkey: &rkey},
		},
	}
	if err := c.fill(); err != nil {
		return dst, fmt.Errorf("%s: %w", m.ID, err)
	}
	return appendLine(dst, &c)
}

func appendLine(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return dst, err
	}
	return append(append(dst, b...), '\n'), nil
}

// fill enters the outputs.
func (c *mapCase) fill() error {
	l, err := dmaList(c.SG)
	if err != nil {
		return err
	}
	mr, err := newRegion(c.Type, c.MaxNumSG, c.Prefill)
	if err != nil {
		return err
	}
	r := mr.MapSG(l, c.SGOffset, c.PageSize, c.Lkey)
	c.MaxDescs, c.DescSize = mr.MaxDescs, mr.DescSize()
	c.Ret, c.SGOffsetOut, c.IOVA, c.Length, c.NDescs = r.Ret, r.SGOffset, r.IOVA, r.Length, r.NDescs
	c.Descs = leftBehind(mr)
	return nil
}

// leftBehind is the descriptors with their padding up to 64 bytes.
func leftBehind(mr *linux.MR) string {
	n := mlx5model.AlignUp(uint64(mr.NDescs*mr.DescSize()), mlx5model.UMRListAlign)
	return hex.EncodeToString(mr.Descs[:n])
}

// fill enters the outputs, of two runs at complementary fill.
func (c *regCase) fill() error {
	ringA, ringB, err := prefillRings(c.QP.WQECnt, c.QP.Prefill)
	if err != nil {
		return fmt.Errorf("qp.wqe_cnt: %w", err)
	}
	a, err := c.run(ringA, c.QP.Prefill)
	if err != nil {
		return err
	}
	b, err := c.run(ringB, ^c.QP.Prefill)
	if err != nil {
		return err
	}
	for i := range c.MRs {
		m, mr, r := &c.MRs[i], a.mrs[i], a.maps[i]
		m.MaxDescs, m.DescSize, m.Descs = mr.MaxDescs, mr.DescSize(), leftBehind(mr)
		m.Map = mapJSON{r.Ret, r.SGOffset, r.IOVA, r.Length, r.NDescs}
	}
	o := &c.Out
	o.Err, o.BadWR, o.NReq = a.res.Err, a.res.BadWR, int(a.qp.Head)
	o.CurPost, o.NextFence, o.DBRec = a.qp.CurPost, a.qp.NextFence, a.qp.DBRec
	o.DBBytes = hex.EncodeToString(a.qp.Doorbell[:])
	o.WQEs = make([]wqeJSON, len(a.wqes))
	for i, w := range a.wqes {
		o.WQEs[i] = wqeJSON{
			Idx: w.Idx, DS: int(w.Raw[7]), Opcode: int(w.Raw[3]), Hex: hex.EncodeToString(w.Raw),
			Stale: staleRanges(w.Raw, b.wqes[i].Raw, c.QP.Prefill),
		}
	}
	o.Segs, o.Ring = ringSegments(ringA.Bytes(), c.QP.Prefill), nil
	return nil
}

// ringSegments gives the parts of a ring that are not all fill: runs of WQEBBs,
// each without the fill at its end.
func ringSegments(ring []byte, fill byte) []ringSeg {
	segs := []ringSeg{}
	open := false
	for at := 0; at < len(ring); at += mlx5model.WQEBBSize {
		used := at + mlx5model.WQEBBSize
		for used > at && ring[used-1] == fill {
			used--
		}
		if used > at && !open {
			segs = append(segs, ringSeg{Off: at})
		}
		if open = used > at; open {
			last := &segs[len(segs)-1]
			last.Data = ring[last.Off:used]
		}
	}
	return segs
}

// MarshalJSON gives [offset, "hex"].
func (s ringSeg) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]any{s.Off, hex.EncodeToString(s.Data)})
}
