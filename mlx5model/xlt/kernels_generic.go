//go:build !amd64 || purego

package xlt

import "github.com/sgfuzz/sgfuzz/sg"

func putKLMs(dst []byte, list []sg.Entry, lkey uint32) { klmsGo(dst, list, lkey) }
func putKeyedKLMs(dst []byte, list []sg.Entry)         { keyedKLMsGo(dst, list) }
func putMTTs(dst []byte, pages []uint64, bits uint64)  { mttsGo(dst, pages, bits) }
func putMTTRun(dst []byte, page, step, bits uint64)    { mttRunGo(dst, page, step, bits) }
func getEntries(dst []sg.Entry, list []byte)           { entriesGo(dst, list) }
func putSums(dst []uint64, list []byte, from uint64, least, most uint32) int {
	return sumsGo(dst, list, from, least, most)
}
