package mlx5model

import (
	"encoding/binary"
	"fmt"
)

// umrSegments prints the parts of a UMR behind its control segment and returns
// the offset of what is left.
func (d *dumper) umrSegments() int {
	w := &d.w
	d.segment(SegUMRCtrl, CtrlSize, "")
	remark := ""
	if d.kind != nil && d.kind.Stale != (MkcBits{}) {
		remark = fmt.Sprintf("%d bytes stale: the producer does not write them", staleBytes(&d.kind.Stale))
	}
	d.segment(SegMkc, CtrlSize+UMRCtrlSize, remark)
	if w.HasPointer {
		d.segment(SegData, UMRDataOff, "pointer to the list")
		if d.ctx.List != nil {
			d.list(d.listBytes(), 0)
		}
		return UMRDataOff + DataSegSize
	}
	if len(w.List) > 0 {
		d.list(w.List, UMRDataOff)
	}
	end := UMRDataOff + len(w.List)
	for i := 0; i+64 <= len(w.BSF); i += 64 {
		d.segment(bsfSegment(w.BSF[i:]), end+i, "")
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

// list prints a translation list as a table; off is where its bytes stand in
// the WQE, or 0 for a list in its own buffer.
func (d *dumper) list(list []byte, off int) {
	r := d.listRegion()
	s := shapeOf(list, r)
	d.printf("list, %d octowords, ", len(list)/OctowordSize)
	switch {
	case s.repeat:
		d.repeatTable(list, &s)
	case s.mode == ModeMTT:
		d.printf("MTT: %d entries, %d live", s.entries, s.live)
		d.coverage(&r, &s)
		d.printf("    %6s %16s  %-18s rights\n", "#", "offset", "page")
		d.table(s.live, func(i int) { d.mttRow(list, i, &r) })
	case s.mode == ModeKSM:
		d.printf("KSM: %d entries, %d live", s.entries, s.live)
		d.coverage(&r, &s)
		d.printf("    %6s %10s  va\n", "#", "key")
		d.table(s.live, func(i int) {
			k := ParseKLM(list[i*KSMSize:])
			d.printf("    %6d 0x%08x  0x%016x\n", i, k.Key, k.VA)
		})
	case s.mode == ModeKLM:
		d.printf("KLM: %d entries, %d live", s.entries, s.live)
		d.coverage(&r, &s)
		d.klmTable(list, &s)
	default:
		d.printf("access mode unknown\n")
		d.table(s.live, func(i int) {
			row := list[i*OctowordSize : (i+1)*OctowordSize]
			d.printf("  %03x: % x\n", off+i*OctowordSize, row)
		})
	}
	d.padding(list, s.liveBytes(), off)
}

func (d *dumper) coverage(r *xltRegion, s *listShape) {
	switch {
	case !r.haveLen:
		d.printf("\n")
	case s.short:
		d.printf(", too few for len %d\n", r.len)
	default:
		d.printf(", for len %d\n", r.len)
	}
}

// table calls row for n entries, and leaves out the middle of a long list.
func (d *dumper) table(n int, row func(i int)) {
	for i := 0; i < n; i++ {
		if i == d.entries && n > 2*d.entries+1 {
			i = n - d.entries
			d.printf("    … %d entries left out\n", n-2*d.entries)
		}
		row(i)
	}
}

func (d *dumper) klmTable(list []byte, s *listShape) {
	d.printf("    %6s %16s %10s  %10s  va\n", "#", "offset", "bytes", "key")
	sum, next := uint64(0), 0
	d.table(s.live, func(i int) {
		for ; next < i; next++ { // the entries left out
			sum += uint64(binary.BigEndian.Uint32(list[next*KLMSize:]))
		}
		k := ParseKLM(list[i*KLMSize:])
		d.printf("    %6d %16d %10d  0x%08x  0x%016x\n", i, sum, k.ByteCount, k.Key, k.VA)
	})
}

func (d *dumper) mttRow(list []byte, i int, r *xltRegion) {
	e := binary.BigEndian.Uint64(list[i*MTTSize:])
	offset := "?"
	if r.haveStart && r.haveLogPage && r.logPage < 64 {
		o := uint64(0)
		if i > 0 {
			o = uint64(i)<<r.logPage - r.start&(1<<r.logPage-1)
		}
		offset = fmt.Sprint(o)
	}
	d.printf("    %6d %16s  0x%016x %s\n", i, offset, e&^3, [...]string{"none", "read", "write", "read, write"}[e&3])
}

func (d *dumper) repeatTable(list []byte, s *listShape) {
	h := parseBlockHeader(list)
	d.printf("repeat: %d cycles of %d bytes, %d entries\n", h.count, h.perCycle, h.entries)
	if v := binary.BigEndian.Uint16(list[0xc:]); v != 0 {
		d.printf("  ! reserved be16 in the header: %#04x\n", v)
	}
	d.printf("    %6s %16s %6s %6s  %10s  va\n", "#", "in the cycle", "bytes", "stride", "key")
	sum, next := uint64(0), 0
	d.table(s.live, func(i int) {
		for ; next < i; next++ {
			sum += uint64(binary.BigEndian.Uint16(list[(next+1)*OctowordSize+2:]))
		}
		e := list[(i+1)*OctowordSize:]
		d.printf("    %6d %16d %6d %6d  0x%08x  0x%016x\n", i, sum, binary.BigEndian.Uint16(e[2:]), binary.BigEndian.Uint16(e),
			binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint64(e[8:]))
	})
}

// padding shows what follows the live entries of a list.
func (d *dumper) padding(list []byte, from, off int) {
	if from >= len(list) {
		return
	}
	if allZero(list[from:]) {
		d.printf("    padding, %d bytes: zero\n", len(list)-from)
		return
	}
	word := "not zero"
	if d.rules != nil && d.rules.Pad == PadStale {
		word = "stale"
	}
	d.printf("    padding, %d bytes: %s\n", len(list)-from, word)
	shown := min(len(list)-from, 16*2*d.entries)
	for i := from; i < from+shown; i += 16 {
		d.printf("  %03x: % x  (%s)\n", off+i, list[i:min(i+16, len(list))], word)
	}
	d.elided(len(list) - from - shown)
}

// dataTable prints a gather list from WQE offset off and returns its end.
func (d *dumper) dataTable(off int) int {
	end := int(d.w.DS) * DSSize
	first, sum := off, uint64(0)
	for ; off < end; off += DataSegSize {
		s := ParseDataSeg(d.raw[off:])
		if off == first {
			d.printf("data segments\n    %6s %16s %10s  %10s  addr\n", "at", "offset", "bytes", "lkey")
		}
		if s.ByteCount&inlineSeg != 0 {
			d.printf("    %6s %16d %10d  inline\n", fmt.Sprintf("%03x", off), sum, s.ByteCount&^inlineSeg)
			return off
		}
		n := uint64(s.ByteCount)
		if n == 0 {
			n = inlineSeg // 0 stands for 2^31
		}
		d.printf("    %6s %16d %10d  0x%08x  0x%016x\n", fmt.Sprintf("%03x", off), sum, n, s.Lkey, s.Addr)
		sum += n
	}
	return end
}
