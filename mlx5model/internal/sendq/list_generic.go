//go:build !amd64 || purego

package sendq

import "github.com/sgfuzz/sgfuzz/sg"

func padded(dst []byte, list []sg.Entry) (total uint64) { return paddedGo(dst, list) }

func klms(dst []byte, list []sg.Entry, key uint32, own bool) Mapped {
	return klmsGo(dst, list, key, own)
}
