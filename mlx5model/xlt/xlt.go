package xlt

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Sizes in bytes.
const (
	KLMSize = 16 // include/linux/mlx5/qp.h mlx5_klm
	MTTSize = 8  // include/linux/mlx5/device.h mlx5_mtt
	PadUnit = 64 // device.h MLX5_UMR_KLM_ALIGNMENT, MLX5_UMR_MTT_ALIGNMENT
)

// The shuffles read entries as 16 bytes: addr, len, lkey. Should the layout
// change, these constants no longer fit a uint8.
const (
	_ = uint8(-(unsafe.Sizeof(sg.Entry{}) ^ KLMSize))
	_ = uint8(-unsafe.Offsetof(sg.Entry{}.Addr))
	_ = uint8(-(unsafe.Offsetof(sg.Entry{}.Len) ^ 8))
	_ = uint8(-(unsafe.Offsetof(sg.Entry{}.Lkey) ^ 12))
)

// KLMs writes list to the front of dst as KLMs that all have the key lkey, and
// returns the number of bytes written, KLMSize*len(list). dst must have as many.
func KLMs(dst []byte, list []sg.Entry, lkey uint32) int {
	n := len(list) * KLMSize
	klms(unsafe.SliceData(dst[:n:len(dst)]), unsafe.SliceData(list), n, lkey)
	return n
}

// KeyedKLMs is KLMs with each entry's own Lkey as the key.
func KeyedKLMs(dst []byte, list []sg.Entry) int {
	n := len(list) * KLMSize
	keyedKLMs(unsafe.SliceData(dst[:n:len(dst)]), unsafe.SliceData(list), n)
	return n
}

// RingKLMs is KLMs into a ring: from byte off on, and from the ring's end on at
// its beginning. It returns the offset behind the last KLM, 0 if that is the
// ring's end. off and the ring's length must be multiples of 16, off at most
// the length, and the list no longer than the ring.
func RingKLMs(ring []byte, off int, list []sg.Entry, lkey uint32) int {
	first := ringSplit(ring, off, len(list))
	off += KLMs(ring[off:], list[:first], lkey)
	if first == len(list) {
		return ringEnd(ring, off)
	}
	return ringEnd(ring, KLMs(ring, list[first:], lkey))
}

// RingKeyedKLMs is RingKLMs with each entry's own Lkey as the key.
func RingKeyedKLMs(ring []byte, off int, list []sg.Entry) int {
	first := ringSplit(ring, off, len(list))
	off += KeyedKLMs(ring[off:], list[:first])
	if first == len(list) {
		return ringEnd(ring, off)
	}
	return ringEnd(ring, KeyedKLMs(ring, list[first:]))
}

// ringSplit gives how many of n entries fit into a ring from off on.
func ringSplit(ring []byte, off, n int) int {
	if (len(ring)|off)&(KLMSize-1) != 0 {
		panic("xlt: ring not in units of 16 bytes")
	}
	if n > len(ring)/KLMSize {
		panic("xlt: list longer than the ring")
	}
	return min(n, len(ring[off:])/KLMSize)
}

func ringEnd(ring []byte, off int) int {
	if off == len(ring) {
		return 0
	}
	return off
}

// MTTs writes pages to the front of dst as MTTs, each with the permission bits
// or-ed in, and returns the number of bytes written, MTTSize*len(pages). dst
// must have as many.
func MTTs(dst []byte, pages []uint64, bits uint64) int {
	n := len(pages) * MTTSize
	mtts(unsafe.SliceData(dst[:n:len(dst)]), unsafe.SliceData(pages), n, bits)
	return n
}

// MTTRun fills dst with the MTTs of pages one after another: the first at
// address page, each next one step bytes on (modulo 2^64), with the permission
// bits or-ed in. It returns the number of bytes written: the length of dst, or
// the multiple of MTTSize below it.
func MTTRun(dst []byte, page, step, bits uint64) int {
	n := len(dst) / MTTSize
	mttRun(unsafe.SliceData(dst), n, page, step, bits)
	return n * MTTSize
}

// Pad zeroes buf from end up to the next multiple of PadUnit, and returns that.
// buf must begin where the list does, or a multiple of PadUnit before it, as a
// send queue does; it must be long enough.
func Pad(buf []byte, end int) int {
	to := (end + PadUnit - 1) &^ (PadUnit - 1)
	clear(buf[end:to:len(buf)])
	return to
}

// Entries reads the KLMs of list, as many as it holds whole, to the front of
// dst: byte_count becomes Len, the key Lkey and the va Addr. It returns their
// number. dst must have room for them.
func Entries(dst []sg.Entry, list []byte) int {
	n := len(list) / KLMSize
	klmEntries(unsafe.SliceData(dst[:n:len(dst)]), unsafe.SliceData(list), n*KLMSize)
	return n
}

// Sums adds up the byte_counts of the KLMs in list to from, modulo 2^64, and
// puts the sum behind each KLM into dst: dst[i] is where entry i ends in the
// byte stream if from is where entry 0 begins. It stops where dst or list ends,
// and in front of the first KLM whose byte_count is not from least to most,
// both included. It returns the number of sums.
//
// No public text says what a byte_count of 0 is in a KLM; with least 1 such an
// entry stops the sum and the caller decides. A most of 2^31 is what devices
// take (DPDK drivers/common/mlx5/mlx5_prm.h MLX5_MAX_KLM_BYTE_COUNT).
func Sums(dst []uint64, list []byte, from uint64, least, most uint32) int {
	n := min(len(dst), len(list)/KLMSize)
	return sums(unsafe.SliceData(dst), unsafe.SliceData(list), n, from, least, most)
}
