package xlt

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The fallbacks have the assembly's parameters: pointers, as the exported
// functions have checked the lengths. n is the size of the list of KLMs or
// MTTs in bytes; in mttRunFallback and sumsFallback it counts entries. It is 0
// for nothing, and pointers may then be nil.

func klmsFallback(dst *byte, list *sg.Entry, n int, lkey uint32) {
	klmsGo(unsafe.Slice((*klm)(unsafe.Pointer(dst)), n/KLMSize), unsafe.Slice(list, n/KLMSize), lkey)
}

func keyedKLMsFallback(dst *byte, list *sg.Entry, n int) {
	keyedKLMsGo(unsafe.Slice((*klm)(unsafe.Pointer(dst)), n/KLMSize), unsafe.Slice(list, n/KLMSize))
}

func klmEntriesFallback(dst *sg.Entry, list *byte, n int) {
	entriesGo(unsafe.Slice(dst, n/KLMSize), unsafe.Slice((*klm)(unsafe.Pointer(list)), n/KLMSize))
}

func mttsFallback(dst *byte, list *uint64, n int, bits uint64) {
	mttsGo(unsafe.Slice((*word)(unsafe.Pointer(dst)), n/MTTSize), unsafe.Slice(list, n/MTTSize), bits)
}

func mttRunFallback(dst *byte, n int, page, step, bits uint64) {
	mttRunGo(unsafe.Slice((*word)(unsafe.Pointer(dst)), n), page, step, bits)
}

func sumsFallback(dst *uint64, list *byte, n int, from uint64, least, most uint32) int {
	return sumsGo(unsafe.Slice(dst, n), unsafe.Slice((*klm)(unsafe.Pointer(list)), n), from, least, most)
}
