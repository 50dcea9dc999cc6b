package xlt

import (
	"encoding/binary"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The loops take several entries at a time through pointers to arrays: the loop
// condition proves the lengths once, so that no index in the body is checked.
// That it asks for one entry more than the body takes spares the compiler the
// care that a slice of length 0 must not point behind its memory.
// TestNoBoundsChecks asks the compiler. Source and destination are of the same
// length.

// word is 8 bytes of a list.
type word = [8]byte

// klm is a KLM as two words: byte_count and key, va.
type klm = [2]word

func klmsGo(dst []klm, list []sg.Entry, lkey uint32) {
	key := swap32(lkey) << 32
	for len(list) > 4 && len(dst) > 4 {
		e, b := (*[4]sg.Entry)(list), (*[4]klm)(dst)
		binary.LittleEndian.PutUint64(b[0][0][:], swap32(e[0].Len)|key)
		binary.BigEndian.PutUint64(b[0][1][:], e[0].Addr)
		binary.LittleEndian.PutUint64(b[1][0][:], swap32(e[1].Len)|key)
		binary.BigEndian.PutUint64(b[1][1][:], e[1].Addr)
		binary.LittleEndian.PutUint64(b[2][0][:], swap32(e[2].Len)|key)
		binary.BigEndian.PutUint64(b[2][1][:], e[2].Addr)
		binary.LittleEndian.PutUint64(b[3][0][:], swap32(e[3].Len)|key)
		binary.BigEndian.PutUint64(b[3][1][:], e[3].Addr)
		list, dst = list[4:], dst[4:]
	}
	for i := 0; i < len(list) && i < len(dst); i++ {
		e, b := &list[i], &dst[i]
		binary.LittleEndian.PutUint64(b[0][:], swap32(e.Len)|key)
		binary.BigEndian.PutUint64(b[1][:], e.Addr)
	}
}

// swap32 turns the bytes around; the compiler makes it one instruction.
func swap32(v uint32) uint64 { return uint64(bits.ReverseBytes32(v)) }

func keyedKLMsGo(dst []klm, list []sg.Entry) {
	for len(list) > 4 && len(dst) > 4 {
		e, b := (*[4]sg.Entry)(list), (*[4]klm)(dst)
		binary.BigEndian.PutUint64(b[0][0][:], uint64(e[0].Len)<<32|uint64(e[0].Lkey))
		binary.BigEndian.PutUint64(b[0][1][:], e[0].Addr)
		binary.BigEndian.PutUint64(b[1][0][:], uint64(e[1].Len)<<32|uint64(e[1].Lkey))
		binary.BigEndian.PutUint64(b[1][1][:], e[1].Addr)
		binary.BigEndian.PutUint64(b[2][0][:], uint64(e[2].Len)<<32|uint64(e[2].Lkey))
		binary.BigEndian.PutUint64(b[2][1][:], e[2].Addr)
		binary.BigEndian.PutUint64(b[3][0][:], uint64(e[3].Len)<<32|uint64(e[3].Lkey))
		binary.BigEndian.PutUint64(b[3][1][:], e[3].Addr)
		list, dst = list[4:], dst[4:]
	}
	for i := 0; i < len(list) && i < len(dst); i++ {
		e, b := &list[i], &dst[i]
		binary.BigEndian.PutUint64(b[0][:], uint64(e.Len)<<32|uint64(e.Lkey))
		binary.BigEndian.PutUint64(b[1][:], e.Addr)
	}
}

// mttsGo takes the last eight words first, whatever is left over then: they are
// written twice, as one at a time would take twice as long.
func mttsGo(dst []word, pages []uint64, bits uint64) {
	if len(pages) < 8 || len(dst) < 8 {
		for i := 0; i < len(pages) && i < len(dst); i++ {
			binary.BigEndian.PutUint64(dst[i][:], pages[i]|bits)
		}
		return
	}
	p, b := pages[len(pages)-8:], dst[len(dst)-8:]
	mttBlock((*[4]word)(b), (*[4]uint64)(p), bits)
	mttBlock((*[4]word)(b[4:]), (*[4]uint64)(p[4:]), bits)
	for len(pages) > 16 && len(dst) > 16 {
		p, b := (*[16]uint64)(pages), (*[16]word)(dst)
		mttBlock((*[4]word)(b[:]), (*[4]uint64)(p[:]), bits)
		mttBlock((*[4]word)(b[4:]), (*[4]uint64)(p[4:]), bits)
		mttBlock((*[4]word)(b[8:]), (*[4]uint64)(p[8:]), bits)
		mttBlock((*[4]word)(b[12:]), (*[4]uint64)(p[12:]), bits)
		pages, dst = pages[16:], dst[16:]
	}
	for len(pages) > 8 && len(dst) > 8 {
		p, b := (*[8]uint64)(pages), (*[8]word)(dst)
		mttBlock((*[4]word)(b[:]), (*[4]uint64)(p[:]), bits)
		mttBlock((*[4]word)(b[4:]), (*[4]uint64)(p[4:]), bits)
		pages, dst = pages[8:], dst[8:]
	}
}

// mttBlock is as much as the compiler inlines.
func mttBlock(b *[4]word, p *[4]uint64, bits uint64) {
	binary.BigEndian.PutUint64(b[0][:], p[0]|bits)
	binary.BigEndian.PutUint64(b[1][:], p[1]|bits)
	binary.BigEndian.PutUint64(b[2][:], p[2]|bits)
	binary.BigEndian.PutUint64(b[3][:], p[3]|bits)
}

func mttRunGo(dst []word, page, step, bits uint64) {
	for len(dst) > 4 {
		b := (*[4]word)(dst)
		binary.BigEndian.PutUint64(b[0][:], page|bits)
		binary.BigEndian.PutUint64(b[1][:], page+step|bits)
		binary.BigEndian.PutUint64(b[2][:], page+2*step|bits)
		binary.BigEndian.PutUint64(b[3][:], page+3*step|bits)
		page += 4 * step
		dst = dst[4:]
	}
	for i := range dst {
		binary.BigEndian.PutUint64(dst[i][:], page|bits)
		page += step
	}
}

func entriesGo(dst []sg.Entry, list []klm) {
	for len(dst) > 4 && len(list) > 4 {
		e, b := (*[4]sg.Entry)(dst), (*[4]klm)(list)
		e[0] = entry(&b[0])
		e[1] = entry(&b[1])
		e[2] = entry(&b[2])
		e[3] = entry(&b[3])
		dst, list = dst[4:], list[4:]
	}
	for i := 0; i < len(dst) && i < len(list); i++ {
		dst[i] = entry(&list[i])
	}
}

func entry(b *klm) sg.Entry {
	w := binary.BigEndian.Uint64(b[0][:])
	return sg.Entry{Addr: binary.BigEndian.Uint64(b[1][:]), Len: uint32(w >> 32), Lkey: uint32(w)}
}

// sumsGo returns how many sums it wrote.
func sumsGo(dst []uint64, list []klm, sum uint64, least, most uint32) int {
	for i := 0; i < len(dst) && i < len(list); i++ {
		n := binary.BigEndian.Uint32(list[i][0][:])
		if n < least || n > most {
			return i
		}
		sum += uint64(n)
		dst[i] = sum
	}
	return len(dst)
}
