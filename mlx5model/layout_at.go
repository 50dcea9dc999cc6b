package mlx5model

import (
	"strconv"
	"strings"
)

// FieldAt names the segment and fields that cover byte off of the WQE, such as
// "mkc.len" or "klm[3].va"; "behind the WQE" for an offset at or past DS*16.
// The list of a UMR is read by the mode in the WQE, as KLMs if it has none.
func FieldAt(w *WQE, off int) string {
	if off < 0 || off >= int(w.DS)*DSSize {
		return "behind the WQE"
	}
	if off < CtrlSize {
		return fieldsAt(SegCtrl, "", off)
	}
	if w.Opcode == OpUMR {
		return umrFieldAt(w, off)
	}
	off -= CtrlSize
	switch w.Opcode {
	case OpSetPSV:
		if off < 16 {
			return fieldsAt(SegPSV, "", off)
		}
		return SegPSV + ".tail"
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		if off < RaddrSize {
			return fieldsAt(SegRaddr, "", off)
		}
		off -= RaddrSize
	}
	return listFieldAt(SegData, off)
}

func umrFieldAt(w *WQE, off int) string {
	switch {
	case off < CtrlSize+UMRCtrlSize:
		return fieldsAt(SegUMRCtrl, "", off-CtrlSize)
	case off < UMRDataOff:
		return fieldsAt(SegMkc, "", off-CtrlSize-UMRCtrlSize)
	}
	off -= UMRDataOff
	switch {
	case w.HasPointer && off < DataSegSize:
		return fieldsAt(SegData, "", off)
	case off < len(w.List):
		return w.entryFieldAt(off)
	case off < len(w.List)+len(w.BSF):
		off -= len(w.List)
		return fieldsAt(bsfSegment(w.BSF[off&^63:]), "", off%64)
	}
	return "padding"
}

func (w *WQE) entryFieldAt(off int) string {
	switch {
	case w.Mkey.Mode == ModeMTT:
		return listFieldAt(SegMTT, off)
	case w.Mkey.Mode == ModeKSM:
		return listFieldAt(SegKSM, off)
	case !isRepeat(w.List):
		return listFieldAt(SegKLM, off)
	case off < OctowordSize:
		return fieldsAt(SegRepeat, "", off)
	}
	return listFieldAt(SegRepeatEnt, off-OctowordSize)
}

// bsfSegment names the form of the BSF that begins at b.
func bsfSegment(b []byte) string {
	if b[0]&0xf == 1 {
		return SegBSFCrypto
	}
	return SegBSF
}

func listFieldAt(seg string, off int) string {
	size := SegmentSize(seg)
	return fieldsAt(seg, "["+strconv.Itoa(off/size)+"]", off%size)
}

// fieldsAt joins the names of a segment's fields that have bits in byte off.
func fieldsAt(seg, index string, off int) string {
	var names []string
	for _, f := range Fields(seg) {
		if f.Bit < uint32(off+1)*8 && f.Bit+uint32(f.Width) > uint32(off)*8 {
			names = append(names, f.Name)
		}
	}
	if names == nil {
		names = append(names, "reserved")
	}
	return seg + index + "." + strings.Join(names, ",")
}
