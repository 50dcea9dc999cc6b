package mlx5model

import (
	"encoding/binary"
	"math/bits"
)

// listShape is what a pass over a translation list finds out about it.
type listShape struct {
	mode    AccessMode // ModeMTT, ModeKLM or ModeKSM; ModePA if unknown
	repeat  bool       // a KLM list that begins with a repeat header
	entry   int        // bytes per entry
	entries int        // entries that the bytes hold; of a repeat list, without the header
	live    int        // entries that the region's length reaches; entries if the length is unknown
	sum     uint64     // bytes that the live entries describe
	zeros   int        // KLM: entries among the live ones with a byte_count of 0
	short   bool       // the live entries do not reach the length
}

// xltRegion is what the shape of a list depends on beside its bytes.
type xltRegion struct {
	mode        AccessMode
	start, len  uint64
	logPage     uint8
	haveLen     bool // len is known
	haveStart   bool // start is known, for MTT
	haveLogPage bool
}

// regionOf gives what the WQE alone says about the region: masked fields, and
// the access mode where the producer wrote it.
func (w *WQE) regionOf() xltRegion {
	return xltRegion{
		mode:        w.Mkey.Mode,
		start:       w.Mkey.Start,
		len:         w.Mkey.Len,
		logPage:     w.Mkey.LogPageSize,
		haveLen:     w.UMR.Mask&MaskLen != 0 && !w.Mkey.Length64,
		haveStart:   w.UMR.Mask&MaskStartAddr != 0,
		haveLogPage: w.UMR.Mask&MaskPageSize != 0,
	}
}

// shapeOf reads a list's shape in one pass over its live entries.
func shapeOf(list []byte, r xltRegion) listShape {
	switch r.mode {
	case ModeMTT:
		return pagesShape(list, r, MTTSize, r.haveStart)
	case ModeKSM:
		return pagesShape(list, r, KSMSize, true)
	case ModeKLM:
		if isRepeat(list) {
			return repeatShape(list, r)
		}
		return klmShape(list, r)
	}
	return listShape{entry: OctowordSize, entries: len(list) / OctowordSize, live: len(list) / OctowordSize}
}

// isRepeat tells a repeat list from a KLM list: the word where the first KLM
// has its key.
func isRepeat(list []byte) bool {
	return len(list) >= OctowordSize && binary.BigEndian.Uint32(list[4:]) == RepeatOp
}

func klmShape(list []byte, r xltRegion) listShape {
	s := listShape{mode: ModeKLM, entry: KLMSize, entries: len(list) / KLMSize}
	for i := 0; i < s.entries; i++ {
		if r.haveLen && s.sum >= r.len {
			break
		}
		n := binary.BigEndian.Uint32(list[i*KLMSize:])
		if n == 0 {
			s.zeros++
		}
		s.sum += uint64(n) // at most 2^16 entries below 2^32: no overflow
		s.live = i + 1
	}
	s.short = r.haveLen && s.sum < r.len
	return s
}

func pagesShape(list []byte, r xltRegion, entry int, haveStart bool) listShape {
	s := listShape{mode: r.mode, entry: entry, entries: len(list) / entry}
	s.live = s.entries
	if !r.haveLen || !haveStart || !r.haveLogPage {
		return s
	}
	var first uint64 // offset of byte 0 in the first page
	if r.mode == ModeMTT {
		first = r.start & (1<<r.logPage - 1)
	}
	need := pagesFor(first, r.len, r.logPage)
	s.short = need > uint64(s.entries)
	s.live = int(min(need, uint64(s.entries)))
	s.sum = r.len
	return s
}

// pagesFor counts the pages of 2^logPage bytes under length bytes that begin
// first bytes into a page; first + length may pass 2^64.
func pagesFor(first, length uint64, logPage uint8) uint64 {
	if length == 0 {
		return 0
	}
	last, carry := bits.Add64(first, length-1, 0)
	if logPage >= 64 {
		return 1
	}
	return last>>logPage + carry<<(64-logPage) + 1
}

// blockHeader is the first octoword of a repeat list.
type blockHeader struct {
	perCycle, op, count uint32
	entries             uint16
}

func parseBlockHeader(b []byte) blockHeader {
	return blockHeader{
		binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]),
		binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[14:]),
	}
}

func repeatShape(list []byte, r xltRegion) listShape {
	h := parseBlockHeader(list)
	s := listShape{mode: ModeKLM, repeat: true, entry: OctowordSize, entries: len(list)/OctowordSize - 1}
	s.live = min(int(h.entries), s.entries)
	var cycle uint64
	for i := 1; i <= s.live; i++ {
		cycle += uint64(binary.BigEndian.Uint16(list[i*OctowordSize+2:]))
	}
	s.sum = cycle * uint64(h.count) // below 2^32 * 2^32
	s.short = int(h.entries) > s.entries || r.haveLen && s.sum < r.len
	return s
}

// liveBytes is the length of the live part of a list in bytes.
func (s *listShape) liveBytes() int {
	n := s.live * s.entry
	if s.repeat {
		n += OctowordSize
	}
	return n
}
