package xlt

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The naive loops are what one would write first.

func naiveKLMs(dst []byte, list []sg.Entry, lkey uint32) {
	for i := range list {
		binary.BigEndian.PutUint32(dst[i*16:], list[i].Len)
		binary.BigEndian.PutUint32(dst[i*16+4:], lkey)
		binary.BigEndian.PutUint64(dst[i*16+8:], list[i].Addr)
	}
}

func naiveKeyedKLMs(dst []byte, list []sg.Entry) {
	for i := range list {
		binary.BigEndian.PutUint32(dst[i*16:], list[i].Len)
		binary.BigEndian.PutUint32(dst[i*16+4:], list[i].Lkey)
		binary.BigEndian.PutUint64(dst[i*16+8:], list[i].Addr)
	}
}

func naiveMTTs(dst []byte, pages []uint64, bits uint64) {
	for i := range pages {
		binary.BigEndian.PutUint64(dst[i*8:], pages[i]|bits)
	}
}

func naiveMTTRun(dst []byte, page, step uint64, n int, bits uint64) {
	for i := range n {
		binary.BigEndian.PutUint64(dst[i*8:], page|bits)
		page += step
	}
}

func naiveEntries(dst []sg.Entry, list []byte) {
	for i := range dst {
		dst[i].Len = binary.BigEndian.Uint32(list[i*16:])
		dst[i].Lkey = binary.BigEndian.Uint32(list[i*16+4:])
		dst[i].Addr = binary.BigEndian.Uint64(list[i*16+8:])
	}
}

func naiveSums(dst []uint64, list []byte, from uint64, least, most uint32) int {
	for i := range dst {
		n := binary.BigEndian.Uint32(list[i*16:])
		if n < least || n > most {
			return i
		}
		from += uint64(n)
		dst[i] = from
	}
	return len(dst)
}
