package mlx5model

import (
	"encoding/binary"
	"fmt"
)

// umrSegments lays out the parts of a UMR behind its control segment and
// returns the offset of what is left.
func (v *viewer) umrSegments() int {
	w := &v.w
	end := v.segment(SegUMRCtrl, CtrlSize, "")
	remark := ""
	if v.kind != nil && v.kind.Stale != (MkcBits{}) {
		remark = fmt.Sprintf("%d bytes stale: the producer does not write them", staleBytes(&v.kind.Stale))
	}
	end = v.segment(SegMkc, end, remark)
	if w.HasPointer {
		end = v.segment(SegData, end, "pointer to the list")
		if v.ctx.List != nil {
			v.List = fmt.Sprintf("%x", v.listBytes())
			v.list(v.listBytes(), 0, BufferList)
		}
		return end
	}
	if len(w.List) > 0 {
		v.list(w.List, UMRDataOff, BufferWQE)
	}
	end += len(w.List)
	for i := 0; i+64 <= len(w.BSF); i += 64 {
		v.segment(bsfSegment(w.BSF[i:]), end+i, "")
	}
	return end + len(w.BSF)&^63
}

func staleBytes(m *MkcBits) (n int) {
	for _, b := range m {
		if b != 0 {
			n++
		}
	}
	return n
}

// list lays out a translation list that stands at offset off of its buffer.
func (v *viewer) list(list []byte, off int, buffer string) {
	r := v.listRegion()
	s := shapeOf(list, r)
	p := Part{Name: "list", Buffer: buffer, Offset: off, Size: s.liveBytes()}
	t := table{v: v, list: list, off: off, region: &r}
	switch {
	case s.repeat:
		v.repeatList(&p, &t, &s)
	case s.mode == ModeMTT:
		p.Authority, t.segment, t.bytes = authMTT, SegMTT, pageBytes(&r)
	case s.mode == ModeKSM:
		p.Authority, t.segment, t.bytes = authKSM, SegKSM, pageBytes(&r)
	case s.mode == ModeKLM:
		p.Authority, t.segment = authKLM, SegKLM
		t.bytes = func(e []byte, _ int) uint64 { return uint64(binary.BigEndian.Uint32(e)) }
	default:
		p.Title, p.State = fmt.Sprintf("%d octowords, access mode unknown", len(list)/OctowordSize), StateUnknown
	}
	if p.Title == "" {
		p.Title = fmt.Sprintf("%d octowords, %v: %d entries, %d live%s", len(list)/OctowordSize, s.mode, s.entries, s.live, coverage(&r, &s))
	}
	if t.segment != "" {
		p.Rows = t.rows(s.live)
	}
	v.Parts = append(v.Parts, p)
	v.padding(list, s.liveBytes(), off, buffer)
}

func (v *viewer) repeatList(p *Part, t *table, s *listShape) {
	h := parseBlockHeader(t.list)
	p.Title = fmt.Sprintf("%d octowords, repeat: %d cycles of %d bytes, %d entries", len(t.list)/OctowordSize, h.count, h.perCycle, h.entries)
	p.Authority, t.segment = authRepeat, SegRepeatEnt
	p.Fields = v.fields(SegRepeat, t.list[:OctowordSize], t.off)
	t.list, t.off = t.list[OctowordSize:], t.off+OctowordSize
	t.bytes = func(e []byte, _ int) uint64 { return uint64(binary.BigEndian.Uint16(e[2:])) }
	t.region = &xltRegion{} // an offset in the cycle is no address
}

// coverage says whether the list reaches the region's length.
func coverage(r *xltRegion, s *listShape) string {
	switch {
	case !r.haveLen:
		return ""
	case s.short:
		return fmt.Sprintf(", too few for len %d", r.len)
	}
	return fmt.Sprintf(", for len %d", r.len)
}

// pageBytes gives the bytes under entry i of a list of equal pages, of which
// the first begins where the region does.
func pageBytes(r *xltRegion) func(e []byte, i int) uint64 {
	if !r.haveLogPage || r.logPage >= 63 || r.mode == ModeMTT && !r.haveStart {
		return nil
	}
	size := uint64(1) << r.logPage
	return func(_ []byte, i int) uint64 {
		if i == 0 && r.mode == ModeMTT {
			return size - r.start&(size-1)
		}
		return size
	}
}

// table makes rows of a list's entries.
type table struct {
	v       *viewer
	list    []byte // the entries
	off     int    // of the first entry in its buffer
	segment string
	region  *xltRegion
	bytes   func(entry []byte, i int) uint64 // under entry i; nil for unknown
}

// rows lays out n entries and leaves out the middle of a long list.
func (t *table) rows(n int) []Row {
	size, keep := SegmentSize(t.segment), t.v.entries
	rows := make([]Row, 0, min(n, 2*max(keep, 0)+1))
	stream := uint64(0)
	for i := 0; i < n; i++ {
		shown := keep < 0 || i < keep || i >= n-keep || n <= 2*keep+1
		if !shown && i == keep {
			rows = append(rows, Row{Index: i, Omitted: n - 2*keep, Offset: t.off + i*size, Size: (n - 2*keep) * size})
		}
		e := t.list[i*size : (i+1)*size]
		if shown {
			rows = append(rows, t.row(e, i, stream))
		}
		if t.bytes != nil {
			stream += t.bytes(e, i)
		}
	}
	return rows
}

func (t *table) row(e []byte, i int, stream uint64) Row {
	size := len(e)
	row := Row{Index: i, Offset: t.off + i*size, Size: size, Fields: t.v.fields(t.segment, e, t.off+i*size)}
	if t.bytes != nil {
		row.Stream = &stream
		if t.region.haveStart {
			row.IOVA = fmt.Sprintf("%#x", t.region.start+stream)
		}
	}
	row.Remark = t.remark(e, stream)
	return row
}

// remark says what an entry's bits amount to, where a reader would miss it.
func (t *table) remark(e []byte, stream uint64) string {
	switch t.segment {
	case SegMTT:
		return [...]string{"not present", "read", "write", "read, write"}[e[7]&3]
	case SegKLM:
		n := uint64(binary.BigEndian.Uint32(e))
		if n == 0 {
			return "no bytes"
		}
		if r := t.region; r.haveLen && stream < r.len && n > r.len-stream {
			return fmt.Sprintf("len ends %d bytes into it", r.len-stream)
		}
	}
	return ""
}

// padding lays out what follows the live entries of a list.
func (v *viewer) padding(list []byte, from, off int, buffer string) {
	if from >= len(list) {
		return
	}
	state := StateNotZero
	switch {
	case allZero(list[from:]):
		state = StateZero
	case v.rules != nil && v.rules.Pad == PadStale || buffer == BufferList:
		state = StateStale
	}
	v.Parts = append(v.Parts, Part{Name: "padding", Title: "padding of the list to 64 bytes", Buffer: buffer, Offset: off + from, Size: len(list) - from, State: state})
}

// dataTable lays out a gather list from WQE offset off and returns its end.
func (v *viewer) dataTable(off int) int {
	end := min(int(v.w.DS)*DSSize, len(v.raw))
	p := Part{Name: "list", Title: "data segments", Buffer: BufferWQE, Offset: off, Authority: authData}
	stream := uint64(0)
	for ; off+DataSegSize <= end; off += DataSegSize {
		s := ParseDataSeg(v.raw[off:])
		row := Row{Index: len(p.Rows), Offset: off, Size: DataSegSize, Stream: new(uint64), Fields: v.fields(SegData, v.raw[off:off+DataSegSize], off)}
		*row.Stream = stream
		if s.ByteCount&inlineSeg != 0 {
			row.Fields, row.Size = row.Fields[:1], 4
			row.Remark = fmt.Sprintf("%d bytes of data follow inline", s.ByteCount&^inlineSeg)
			p.Rows, p.Size = append(p.Rows, row), off+4-p.Offset
			v.Parts = append(v.Parts, p)
			off = min(off+4+int(s.ByteCount&^inlineSeg), end)
			v.plain("inline", "data in the WQE", p.Offset+p.Size, off, "")
			return off
		}
		n := uint64(s.ByteCount)
		if n == 0 {
			n, row.Remark = inlineSeg, "0 stands for 2^31 bytes"
		}
		p.Rows = append(p.Rows, row)
		stream += n
	}
	p.Size = off - p.Offset
	if len(p.Rows) > 0 {
		v.Parts = append(v.Parts, p)
	}
	return off
}
