package mlx5model

import (
	"fmt"
	"strings"
)

// segmentTitles are the segments in words.
var segmentTitles = map[string]string{
	SegCtrl: "control segment", SegUMRCtrl: "UMR control segment", SegMkc: "memory-key context: what the UMR writes under its mask",
	SegData: "data segment", SegRaddr: "remote address segment", SegPSV: "signature state (PSV)", SegRepeat: "repeat list's header",
	SegBSF: "byte stream format: signature", SegBSFCrypto: "byte stream format: encryption",
	SegErrCQE: "completion with error", SegSigErrCQE: "completion with signature error",
}

// walk lays out the parts.
func (v *viewer) walk() {
	w := &v.w
	if len(v.raw) < CtrlSize {
		v.plain("remaining", "bytes", 0, len(v.raw), StateUnknown)
		return
	}
	v.segment(SegCtrl, 0, "")
	end := CtrlSize
	switch w.Opcode {
	case OpUMR:
		end = v.umrSegments()
	case OpSetPSV:
		if w.DS >= 2 {
			end = v.segment(SegPSV, end, "")
		}
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		end = v.dataTable(v.segment(SegRaddr, end, ""))
	case OpSend, OpSendImm, OpSendInval:
		end = v.dataTable(end)
	}
	v.rest(end)
}

// rest lays out what follows the segments: the WQE's own remainder, what there
// is of its last WQEBB, and bytes behind that.
func (v *viewer) rest(end int) {
	own := max(end, min(len(v.raw), int(v.w.DS)*DSSize))
	if end < own {
		v.plain("remaining", "remaining bytes of the WQE", end, own, StateUnknown)
	}
	last := max(own, min(len(v.raw), int(WQEBBs(v.w.DS))*WQEBBSize))
	if own < last {
		title, state := "behind the WQE, to the end of its last WQEBB", StateStale
		if allZero(v.raw[own:last]) {
			state = StateZero
		}
		v.plain("behind", title, own, last, state)
	}
	if last < len(v.raw) {
		v.plain("behind", "bytes behind the WQE's last WQEBB", last, len(v.raw), StateUnknown)
	}
}

// plain adds a part without fields.
func (v *viewer) plain(name, title string, from, to int, state State) {
	v.Parts = append(v.Parts, Part{Name: name, Title: title, Buffer: BufferWQE, Offset: from, Size: to - from, State: state})
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// segment adds the segment at off, as far as the bytes go, and returns its
// end.
func (v *viewer) segment(name string, off int, remark string) (end int) {
	end = min(off+SegmentSize(name), len(v.raw))
	if end <= off {
		return off
	}
	p := Part{Name: name, Title: segmentTitles[name], Buffer: BufferWQE, Offset: off, Size: end - off, Authority: findSegment(name).authority}
	if remark != "" {
		p.Title += ", " + remark
	}
	if p.Size < SegmentSize(name) {
		p.State = StateCut
	}
	p.Fields = v.fields(name, v.raw[off:end], off)
	v.Parts = append(v.Parts, p)
	return end
}

// fields reads a segment's fields and reserved bits, as far as b reaches. off
// is where b stands.
func (v *viewer) fields(segment string, b []byte, off int) []ViewField {
	all := findSegment(segment).all
	out := make([]ViewField, 0, len(all))
	for i := range all {
		if f := &all[i]; int(f.Bit+uint32(f.Width)+7)/8 <= len(b) {
			out = append(out, v.field(f, b, off))
		}
	}
	return out
}

func (v *viewer) field(f *Field, b []byte, off int) ViewField {
	value := f.Get(b)
	out := ViewField{
		Name: f.Name, Bit: int(f.Bit), Width: int(f.Width), Position: position(f, off), Authority: f.Authority,
		Offset: off + int(f.Bit/8), Size: int((f.Bit+uint32(f.Width)+7)/8 - f.Bit/8),
		Value: fmt.Sprintf("%#0*x", int(f.Width+3)/4, value), zero: value == 0,
	}
	switch {
	case v.staleField(f):
		if out.State = StateStale; !out.zero {
			out.Meaning = "stale: the producer does not write it"
		}
	case f.Name != reservedName:
		out.Text, out.Meaning = v.meaning(f, value)
		if out.Meaning == ignored || out.Meaning == unmasked {
			out.State = StateIgnored
		}
	case value != 0:
		out.State, out.Meaning = StateReserved, "reserved bits are set"
	}
	return out
}

// staleField says whether the producer leaves the field as the ring held it.
func (v *viewer) staleField(f *Field) bool {
	switch {
	case f.Segment == SegMkc && v.kind != nil:
		return f.Get(v.kind.Stale[:]) != 0
	case f.Segment == SegRepeat && f.Name == reservedName && v.rules != nil:
		return v.rules.RepeatReserved == PadStale
	case f.Segment == SegCtrl && f.Name == "imm" && v.rules != nil && v.rules.Imm == PadStale:
		return v.w.Opcode == OpSetPSV || v.w.Opcode == OpSend || v.w.Opcode == OpRDMAWrite || v.w.Opcode == OpRDMARead
	}
	return false
}

// position gives a field's place as its word's offset and the bits in that
// big-endian word, of 32 bits or for wider fields 64, bit 0 lowest.
func position(f *Field, off int) string {
	word := uint32(32)
	if f.Width > 32 {
		word = 64
	}
	hi := word - 1 - f.Bit%word
	if f.Bit%word+uint32(f.Width) > word { // not aligned to its own size
		word, hi = 8, 7-f.Bit%8
	}
	base := off + int(f.Bit/word*word/8)
	lo := hi + 1 - uint32(f.Width)
	if hi == lo {
		return fmt.Sprintf("%03x[%d]", base, hi)
	}
	return fmt.Sprintf("%03x[%d:%d]", base, hi, lo)
}

// summary says in words what the WQE asks for.
func (v *viewer) summary() string {
	w := &v.w
	switch w.Opcode {
	case OpUMR:
		return v.umrSummary()
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		verb := map[Opcode]string{OpRDMARead: "reads %d bytes from", OpRDMAWrite: "writes %d bytes to", OpRDMAWriteImm: "writes %d bytes to"}[w.Opcode]
		return fmt.Sprintf(verb+" address %#x of the peer's key %#08x", v.dataBytes(), w.RAddr, w.RKey)
	case OpSend, OpSendImm:
		return fmt.Sprintf("sends %d bytes", v.dataBytes())
	case OpSendInval:
		return fmt.Sprintf("sends %d bytes and has the peer invalidate its key %#08x", v.dataBytes(), w.Imm)
	case OpSetPSV:
		return "sets the state of a signature (PSV)"
	case OpNop:
		return "does nothing"
	}
	return ""
}

// dataBytes is the length of the gather list.
func (v *viewer) dataBytes() (sum uint64) {
	for d := v.w.Data; len(d) >= DataSegSize; d = d[DataSegSize:] {
		s := ParseDataSeg(d)
		switch {
		case s.ByteCount&inlineSeg != 0:
			return sum + uint64(s.ByteCount&^inlineSeg)
		case s.ByteCount == 0:
			sum += inlineSeg // 0 stands for 2^31
		}
		sum += uint64(s.ByteCount)
	}
	return sum
}

func (v *viewer) umrSummary() string {
	w := &v.w
	u, m := &w.UMR, &w.Mkey
	key := fmt.Sprintf("key %#08x", w.Imm)
	var parts []string
	switch {
	case u.Mask&MaskFree != 0 && m.Free:
		return "invalidates " + key + ": nothing can be reached through it from now on"
	case u.Mask&MaskFree != 0:
		parts = append(parts, "registers "+key)
	case u.Mask != 0:
		parts = append(parts, "changes "+key)
	default:
		parts = append(parts, "writes a piece of the translation list of "+key)
	}
	switch {
	case u.Mask&MaskLen == 0:
	case m.Length64:
		parts = append(parts, "the whole address space")
	default:
		parts = append(parts, fmt.Sprintf("%d bytes", m.Len))
	}
	if u.Mask&MaskStartAddr != 0 {
		parts = append(parts, fmt.Sprintf("iova %#x", m.Start))
	}
	if rights := u.Mask & (MaskLR | MaskLW | MaskRR | MaskRW | MaskA); rights != 0 {
		parts = append(parts, "access "+AccessString(m.Access&AccRights))
	}
	return strings.Join(append(parts, v.listSummary()), ", ")
}

func (v *viewer) listSummary() string {
	u := &v.w.UMR
	if u.XltOctowords == 0 {
		return "no list"
	}
	s := fmt.Sprintf("list of %d octowords", u.XltOctowords)
	if list := v.listBytes(); len(list) >= OctowordSize {
		if shape := shapeOf(list, v.listRegion()); shape.repeat {
			s = "repeat list of " + entries(shape.live)
		} else if shape.mode != ModePA {
			s = fmt.Sprintf("%v list of %s", shape.mode, entries(shape.live))
		}
	}
	if v.w.HasPointer {
		s += fmt.Sprintf(" at %#x", v.w.Pointer.Addr)
	} else {
		s += " inline"
	}
	if u.Flags&UMROffsetEn != 0 {
		s += fmt.Sprintf(", to octoword %d of the key's list", u.XltOffset)
	}
	return s
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
