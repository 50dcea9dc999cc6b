//go:build !purego

package xlt

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/sg"
)

// avx2 says whether the assembly may run. Tests switch it off.
var avx2 = cpu.X86.HasAVX2

// Below these counts, portable Go is done before a call into assembly is.
const (
	minKLMs = 4
	minMTTs = 8
	minRun  = 16
	minSums = 8
)

func putKLMs(dst []byte, list []sg.Entry, lkey uint32) {
	if avx2 && len(list) >= minKLMs {
		klmsAVX2(unsafe.SliceData(dst), (*byte)(unsafe.Pointer(unsafe.SliceData(list))), len(dst), swap32(lkey)<<32)
		return
	}
	klmsGo(dst, list, lkey)
}

func putKeyedKLMs(dst []byte, list []sg.Entry) {
	if avx2 && len(list) >= minKLMs {
		keyedKLMsAVX2(unsafe.SliceData(dst), (*byte)(unsafe.Pointer(unsafe.SliceData(list))), len(dst))
		return
	}
	keyedKLMsGo(dst, list)
}

func getEntries(dst []sg.Entry, list []byte) {
	if avx2 && len(dst) >= minKLMs {
		entriesAVX2((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), unsafe.SliceData(list), len(list))
		return
	}
	entriesGo(dst, list)
}

func putMTTs(dst []byte, pages []uint64, or uint64) {
	if avx2 && len(pages) >= minMTTs {
		mttsAVX2(unsafe.SliceData(dst), (*byte)(unsafe.Pointer(unsafe.SliceData(pages))), len(dst), bits.ReverseBytes64(or))
		return
	}
	mttsGo(dst, pages, or)
}

func putMTTRun(dst []byte, page, step, or uint64) {
	if n := len(dst) / MTTSize &^ 15; avx2 && n >= minRun {
		mttRunAVX2(unsafe.SliceData(dst), n, page, step, or)
		dst, page = dst[n*MTTSize:], page+uint64(n)*step
	}
	mttRunGo(dst, page, step, or)
}

func putSums(dst []uint64, list []byte, from uint64, least, most uint32) int {
	done := 0
	if n := len(dst) &^ 7; avx2 && n >= minSums && least <= most {
		if done = sumsAVX2(unsafe.SliceData(dst), unsafe.SliceData(list), n, from, least, most-least); done > 0 {
			from = dst[done-1]
		}
	}
	return done + sumsGo(dst[done:], list[done*KLMSize:], from, least, most)
}
