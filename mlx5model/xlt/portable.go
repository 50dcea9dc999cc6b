package xlt

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The loops take four entries at a time through pointers to arrays: the loop
// condition proves the length once, so that no index in the body is checked.
// TestNoBoundsChecks asks the compiler.

func klmsGo(dst []byte, list []sg.Entry, lkey uint32) {
	key := swap32(lkey) << 32
	for len(list) >= 4 && len(dst) >= 4*KLMSize {
		e, b := (*[4]sg.Entry)(list), (*[4 * KLMSize]byte)(dst)
		binary.LittleEndian.PutUint64(b[0:], swap32(e[0].Len)|key)
		binary.LittleEndian.PutUint64(b[8:], swap64(e[0].Addr))
		binary.LittleEndian.PutUint64(b[16:], swap32(e[1].Len)|key)
		binary.LittleEndian.PutUint64(b[24:], swap64(e[1].Addr))
		binary.LittleEndian.PutUint64(b[32:], swap32(e[2].Len)|key)
		binary.LittleEndian.PutUint64(b[40:], swap64(e[2].Addr))
		binary.LittleEndian.PutUint64(b[48:], swap32(e[3].Len)|key)
		binary.LittleEndian.PutUint64(b[56:], swap64(e[3].Addr))
		list, dst = list[4:], dst[4*KLMSize:]
	}
	for len(list) >= 1 && len(dst) >= KLMSize {
		e, b := &list[0], (*[KLMSize]byte)(dst)
		binary.LittleEndian.PutUint64(b[0:], swap32(e.Len)|key)
		binary.LittleEndian.PutUint64(b[8:], swap64(e.Addr))
		list, dst = list[1:], dst[KLMSize:]
	}
}

func keyedKLMsGo(dst []byte, list []sg.Entry) {
	for len(list) >= 4 && len(dst) >= 4*KLMSize {
		e, b := (*[4]sg.Entry)(list), (*[4 * KLMSize]byte)(dst)
		binary.BigEndian.PutUint64(b[0:], uint64(e[0].Len)<<32|uint64(e[0].Lkey))
		binary.BigEndian.PutUint64(b[8:], e[0].Addr)
		binary.BigEndian.PutUint64(b[16:], uint64(e[1].Len)<<32|uint64(e[1].Lkey))
		binary.BigEndian.PutUint64(b[24:], e[1].Addr)
		binary.BigEndian.PutUint64(b[32:], uint64(e[2].Len)<<32|uint64(e[2].Lkey))
		binary.BigEndian.PutUint64(b[40:], e[2].Addr)
		binary.BigEndian.PutUint64(b[48:], uint64(e[3].Len)<<32|uint64(e[3].Lkey))
		binary.BigEndian.PutUint64(b[56:], e[3].Addr)
		list, dst = list[4:], dst[4*KLMSize:]
	}
	for len(list) >= 1 && len(dst) >= KLMSize {
		e, b := &list[0], (*[KLMSize]byte)(dst)
		binary.BigEndian.PutUint64(b[0:], uint64(e.Len)<<32|uint64(e.Lkey))
		binary.BigEndian.PutUint64(b[8:], e.Addr)
		list, dst = list[1:], dst[KLMSize:]
	}
}

func mttsGo(dst []byte, pages []uint64, bits uint64) {
	for len(pages) >= 4 && len(dst) >= 4*MTTSize {
		p, b := (*[4]uint64)(pages), (*[4 * MTTSize]byte)(dst)
		binary.BigEndian.PutUint64(b[0:], p[0]|bits)
		binary.BigEndian.PutUint64(b[8:], p[1]|bits)
		binary.BigEndian.PutUint64(b[16:], p[2]|bits)
		binary.BigEndian.PutUint64(b[24:], p[3]|bits)
		pages, dst = pages[4:], dst[4*MTTSize:]
	}
	for len(pages) >= 1 && len(dst) >= MTTSize {
		binary.BigEndian.PutUint64((*[MTTSize]byte)(dst)[:], pages[0]|bits)
		pages, dst = pages[1:], dst[MTTSize:]
	}
}

func mttRunGo(dst []byte, page, step, bits uint64) {
	for len(dst) >= 4*MTTSize {
		b := (*[4 * MTTSize]byte)(dst)
		binary.BigEndian.PutUint64(b[0:], page|bits)
		binary.BigEndian.PutUint64(b[8:], page+step|bits)
		binary.BigEndian.PutUint64(b[16:], page+2*step|bits)
		binary.BigEndian.PutUint64(b[24:], page+3*step|bits)
		page += 4 * step
		dst = dst[4*MTTSize:]
	}
	for ; len(dst) >= MTTSize; dst = dst[MTTSize:] {
		binary.BigEndian.PutUint64((*[MTTSize]byte)(dst)[:], page|bits)
		page += step
	}
}

func entriesGo(dst []sg.Entry, list []byte) {
	for len(dst) >= 4 && len(list) >= 4*KLMSize {
		e, b := (*[4]sg.Entry)(dst), (*[4 * KLMSize]byte)(list)
		e[0] = sg.Entry{Addr: binary.BigEndian.Uint64(b[8:]), Len: binary.BigEndian.Uint32(b[0:]), Lkey: binary.BigEndian.Uint32(b[4:])}
		e[1] = sg.Entry{Addr: binary.BigEndian.Uint64(b[24:]), Len: binary.BigEndian.Uint32(b[16:]), Lkey: binary.BigEndian.Uint32(b[20:])}
		e[2] = sg.Entry{Addr: binary.BigEndian.Uint64(b[40:]), Len: binary.BigEndian.Uint32(b[32:]), Lkey: binary.BigEndian.Uint32(b[36:])}
		e[3] = sg.Entry{Addr: binary.BigEndian.Uint64(b[56:]), Len: binary.BigEndian.Uint32(b[48:]), Lkey: binary.BigEndian.Uint32(b[52:])}
		dst, list = dst[4:], list[4*KLMSize:]
	}
	for len(dst) >= 1 && len(list) >= KLMSize {
		b := (*[KLMSize]byte)(list)
		dst[0] = sg.Entry{Addr: binary.BigEndian.Uint64(b[8:]), Len: binary.BigEndian.Uint32(b[0:]), Lkey: binary.BigEndian.Uint32(b[4:])}
		dst, list = dst[1:], list[KLMSize:]
	}
}

// sumsGo returns how many sums it wrote.
func sumsGo(dst []uint64, list []byte, sum uint64, least, most uint32) int {
	for i := range dst {
		if len(list) < KLMSize {
			return i
		}
		n := binary.BigEndian.Uint32(list)
		if n < least || n > most {
			return i
		}
		sum += uint64(n)
		dst[i] = sum
		list = list[KLMSize:]
	}
	return len(dst)
}
