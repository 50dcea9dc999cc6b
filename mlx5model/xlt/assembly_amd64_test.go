//go:build !purego

package xlt

import (
	"math/bits"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/sg"
)

func bytesOf[T any](s []T) *byte { return (*byte)(unsafe.Pointer(unsafe.SliceData(s))) }

// assembly calls the assembly itself for everything that it can take, not only
// from where it pays.
func assembly() []implementation {
	if !cpu.X86.HasAVX2 {
		return nil
	}
	return []implementation{{
		"AVX2",
		func(dst []byte, list []sg.Entry, lkey uint32) {
			if len(list) < 2 {
				klmsGo(dst, list, lkey)
				return
			}
			klmsAVX2(bytesOf(dst), bytesOf(list), len(dst), uint64(bits.ReverseBytes32(lkey))<<32)
		},
		func(dst []byte, list []sg.Entry) {
			if len(list) < 2 {
				keyedKLMsGo(dst, list)
				return
			}
			keyedKLMsAVX2(bytesOf(dst), bytesOf(list), len(dst))
		},
		func(dst []byte, pages []uint64, or uint64) {
			if len(pages) < 4 {
				mttsGo(dst, pages, or)
				return
			}
			mttsAVX2(bytesOf(dst), bytesOf(pages), len(dst), bits.ReverseBytes64(or))
		},
		func(dst []byte, page, step, or uint64) {
			n := len(dst) / MTTSize &^ 15
			if n != 0 {
				mttRunAVX2(bytesOf(dst), n, page, step, or)
			}
			mttRunGo(dst[n*MTTSize:], page+uint64(n)*step, step, or)
		},
		func(dst []sg.Entry, list []byte) {
			if len(dst) < 2 {
				entriesGo(dst, list)
				return
			}
			entriesAVX2(bytesOf(dst), bytesOf(list), len(list))
		},
		func(dst []uint64, list []byte, from uint64, least, most uint32) int {
			n, done := len(dst)&^7, 0
			if n != 0 && least <= most {
				if done = sumsAVX2(unsafe.SliceData(dst), bytesOf(list), n, from, least, most-least); done != 0 {
					from = dst[done-1]
				}
			}
			return done + sumsGo(dst[done:], list[done*KLMSize:], from, least, most)
		},
	}}
}

// TestAssemblyChosen fails where the machine could and the package would not.
func TestAssemblyChosen(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	if !avx2 {
		t.Fatal("AVX2 is there but not used")
	}
}
