//go:build !amd64 || purego

package xlt

import "github.com/sgfuzz/sgfuzz/sg"

func klms(dst *byte, list *sg.Entry, n int, lkey uint32) { klmsFallback(dst, list, n, lkey) }
func keyedKLMs(dst *byte, list *sg.Entry, n int)         { keyedKLMsFallback(dst, list, n) }
func klmEntries(dst *sg.Entry, list *byte, n int)        { klmEntriesFallback(dst, list, n) }
func mtts(dst *byte, list *uint64, n int, bits uint64)   { mttsFallback(dst, list, n, bits) }
func mttRun(dst *byte, n int, page, step, bits uint64)   { mttRunFallback(dst, n, page, step, bits) }
func sums(dst *uint64, list *byte, n int, from uint64, least, most uint32) int {
	return sumsFallback(dst, list, n, from, least, most)
}
