package linux

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

func u32(v uint32) *uint32 { return &v }

// entries builds a list from address, length pairs.
func entries(pairs ...uint64) sg.List {
	var l sg.List
	for i := 0; i < len(pairs); i += 2 {
		l = append(l, sg.Entry{Addr: pairs[i], Len: uint32(pairs[i+1])})
	}
	return l
}

// mtts prints a page list as hexadecimal words.
func mtts(b []byte) string {
	var s []string
	for ; len(b) > 0; b = b[8:] {
		s = append(s, fmt.Sprintf("%x", binary.BigEndian.Uint64(b)))
	}
	return strings.Join(s, " ")
}

// klms prints a KLM list as {byte_count,key,va} in hexadecimal.
func klms(b []byte) string {
	var s []string
	for ; len(b) > 0; b = b[16:] {
		k := mlx5model.ParseKLM(b)
		s = append(s, fmt.Sprintf("{%x,%x,%x}", k.ByteCount, k.Key, k.VA))
	}
	return strings.Join(s, " ")
}

// Expected values recorded from Linux 6.1's ib_sg_to_pages, page size 4096.
func TestSGToPagesRecorded(t *testing.T) {
	const einval = -22
	for _, c := range []struct {
		name     string
		max      int
		off      uint32
		list     sg.List
		ret      int
		offOut   uint32
		iova, ln uint64
		descs    string
	}{
		{"contiguous pages", 8, 0, entries(0x1000, 0x1000, 0x2000, 0x1000), 2, 0, 0x1000, 0x2000, "1003 2003"},
		{"first unaligned, last short", 8, 0, entries(0x1200, 0xe00, 0x5000, 0x1000, 0x9000, 0x100), 3, 0, 0x1200, 0x1f00, "1003 5003 9003"},
		{"gap at end of entry 0", 8, 0, entries(0x1000, 0x800, 0x5000, 0x1000), 1, 0, 0x1000, 0x800, "1003"},
		{"gap at start of entry 1", 8, 0, entries(0x1000, 0x1000, 0x5100, 0x800), 1, 0, 0x1000, 0x1000, "1003"},
		{"joined inside a page", 8, 0, entries(0x1000, 0x200, 0x1200, 0x200, 0x1400, 0x200), 3, 0, 0x1000, 0x600, "1003"},
		{"joined across a page border", 8, 0, entries(0x1000, 0x200, 0x1200, 0x2000), 2, 0, 0x1000, 0x2200, "1003 2003 3003"},
		{"offset", 8, 0x300, entries(0x1000, 0x1000, 0x3000, 0x1000), 2, 0, 0x1300, 0x1d00, "1003 3003"},
		{"full in entry 1", 3, 0, entries(0x1000, 0x1000, 0x4000, 0x4000), 1, 0x1000, 0x1000, 0x2000, "1003 4003 5003"},
		{"full in aligned entry 0", 2, 0, entries(0x1000, 0x4000), 0, 0x1000, 0x1000, 0x1000, "1003 2003"},
		{"one page for an unaligned entry of two", 1, 0, entries(0x1100, 0x1000), 0, 0xffffff00, 0x1100, 0xffffffffffffff00, "1003"},
		{"two pages for an unaligned entry of three", 2, 0, entries(0x1100, 0x2000), 0, 0xf00, 0x1100, 0xf00, "1003 2003"},
		{"full while joining", 1, 0, entries(0x1000, 0x200, 0x1200, 0x2000), 1, 0, 0x1000, 0x200, "1003"},
		{"zero length takes a page", 8, 0, entries(0x1000, 0, 0x1000, 0x1000), 2, 0, 0x1000, 0x1000, "1003 1003"},
		{"offset is the length", 8, 0x1000, entries(0x1000, 0x1000, 0x3000, 0x1000), 2, 0, 0x2000, 0x1000, "2003 3003"},
		{"offset beyond the length", 8, 0x1001, entries(0x1000, 0x1000), einval, 0x1001, 0, 0, ""},
		{"no room", 0, 0, entries(0x1000, 0x1000), -12, 0, 0x1000, 0, ""},
		{"full between entries", 1, 0, entries(0x1000, 0x1000, 0x3000, 0x1000), 1, 0, 0x1000, 0x1000, "1003"},
		{"zero length in the middle", 8, 0, entries(0x1000, 0x1000, 0x9000, 0, 0x3000, 0x1000), 3, 0, 0x1000, 0x2000, "1003 9003 3003"},
		{"joined, then a jump", 8, 0, entries(0x1800, 0x400, 0x1c00, 0x400, 0x8000, 0x1000), 3, 0, 0x1800, 0x1800, "1003 8003"},
		// The three rows below follow from the code; the first is B04.
		{"end at 2^64 reads as 0", 8, 0, entries(0xfffffffffffff000-0x3000, 0x4000), 1, 0, 0xffffffffffffc000, 0x4000, "ffffffffffffc003"},
		{"no room, offset 5", 0, 5, entries(0x1000, 0x1000), 0, 5, 0x1005, 0, ""},
		{"empty list", 8, 7, nil, einval, 7, 0, 0, ""},
	} {
		descs := make([]byte, 8*8)
		r := SGToPages(descs, c.max, c.list, u32(c.off), 4096)
		got := fmt.Sprintf("ret=%d off=%x iova=%x len=%x %s", r.Ret, r.SGOffset, r.IOVA, r.Length, mtts(descs[:r.NDescs*8]))
		want := fmt.Sprintf("ret=%d off=%x iova=%x len=%x %s", c.ret, c.offOut, c.iova, c.ln, c.descs)
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// Expected values recorded from Linux 6.1's mlx5_ib_sg_to_klms.
func TestSGToKLMsRecorded(t *testing.T) {
	list := entries(0x1001, 7, 0x5003, 0x123, 0x9000, 1)
	for _, c := range []struct {
		name     string
		max      int
		off      uint32
		list     sg.List
		ret      int
		offOut   uint32
		iova, ln uint64
		descs    string
	}{
		{"three entries", 4, 0, list, 3, 0, 0x1001, 0x12b, "{7,1800,1001} {123,1800,5003} {1,1800,9000}"},
		{"full", 2, 0, list, 2, 0, 0x1001, 0x12a, "{7,1800,1001} {123,1800,5003}"},
		{"offset", 4, 5, list[:2], 2, 0, 0x1006, 0x125, "{2,1800,1006} {123,1800,5003}"},
		{"offset beyond the length", 4, 9, list[:1], 1, 0, 0x100a, 0xfffffffe, "{fffffffe,1800,100a}"},
		{"zero length", 4, 0, entries(0x1000, 0, 0x2000, 4), 2, 0, 0x1000, 4, "{0,1800,1000} {4,1800,2000}"},
		{"no room", 0, 3, entries(0x1000, 4), 0, 3, 0x1003, 0, ""},
		{"empty list", 4, 0, nil, 0, 0, 0, 0, ""},
	} {
		descs := make([]byte, 4*16)
		r := SGToKLMs(descs, c.max, c.list, u32(c.off), 0x1800)
		got := fmt.Sprintf("ret=%d off=%x iova=%x len=%x %s", r.Ret, r.SGOffset, r.IOVA, r.Length, klms(descs[:r.NDescs*16]))
		want := fmt.Sprintf("ret=%d off=%x iova=%x len=%x %s", c.ret, c.offOut, c.iova, c.ln, c.descs)
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// The entry count is an unsigned short: 65537 entries are one.
func TestSGToKLMsCountIs16Bits(t *testing.T) {
	l := make(sg.List, 1<<16+1)
	for i := range l {
		l[i] = sg.Entry{Addr: uint64(i) << 12, Len: 1}
	}
	descs := make([]byte, len(l)*16)
	if r := SGToKLMs(descs, len(l), l, nil, 1); r.Ret != 1 || r.Length != 1 {
		t.Errorf("65537 entries: ret %d length %d, want 1 and 1", r.Ret, r.Length)
	}
	if r := SGToKLMs(descs, len(l), l[:1<<16], u32(3), 1); r.Ret != 0 || r.SGOffset != 3 || r.IOVA != 3 {
		t.Errorf("65536 entries: %+v, want nothing mapped and the offset kept", r)
	}
}

// A NULL sg_offset reports 0 whatever happens.
func TestNullOffset(t *testing.T) {
	if r := SGToPages(make([]byte, 8), 1, entries(0x1000, 0x3000), nil, 4096); r.SGOffset != 0 || r.Ret != -12 {
		t.Errorf("%+v, want -ENOMEM and no offset", r)
	}
}

// Whatever the arguments, nothing beyond the capacity is written and the call
// ends.
func TestExactStaysInBounds(t *testing.T) {
	l := entries(0, 1<<32-1, 1<<63, 0, ^uint64(0), 1<<32-1, 5, 5)
	for _, page := range []uint32{0, 1, 3, 512, 4096, 12288, 1 << 31, 1<<32 - 1} {
		for max := -1; max <= 5; max++ {
			buf := bytes.Repeat([]byte{0xcc}, 5*16)
			r := SGToPages(buf[:3*8], max, l, nil, page)
			if r.NDescs > 3 || !bytes.Equal(buf[r.NDescs*8:], bytes.Repeat([]byte{0xcc}, len(buf)-r.NDescs*8)) {
				t.Fatalf("pages of %d, capacity %d: %d descriptors, buffer %x", page, max, r.NDescs, buf)
			}
			buf = bytes.Repeat([]byte{0xcc}, 5*16)
			r = SGToKLMs(buf[:3*16], max, l, nil, 1)
			if r.NDescs > 3 || !bytes.Equal(buf[r.NDescs*16:], bytes.Repeat([]byte{0xcc}, len(buf)-r.NDescs*16)) {
				t.Fatalf("KLMs, capacity %d: %d descriptors, buffer %x", max, r.NDescs, buf)
			}
		}
	}
}

// A refused list leaves the region's address and length, but no descriptors.
func TestMapSGRefused(t *testing.T) {
	mr := MR{Mode: mlx5model.ModeMTT, MaxDescs: 4, Descs: make([]byte, 64)}
	if r := mr.MapSG(entries(0x1000, 0x1000), nil, 4096, 0); r.Ret != 1 {
		t.Fatalf("first mapping: %+v", r)
	}
	if r := mr.MapSG(entries(0x5000, 1), u32(2), 8192, 0); r.Ret != -22 {
		t.Fatalf("offset beyond the entry: %+v", r)
	}
	if mr.IOVA != 0x1000 || mr.Length != 0x1000 || mr.NDescs != 0 || mr.PageSize != 8192 {
		t.Errorf("region after a refusal: %+v", mr)
	}
}
