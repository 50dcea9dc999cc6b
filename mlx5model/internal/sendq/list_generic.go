//go:build !amd64 || purego

package sendq

import "github.com/sgfuzz/sgfuzz/sg"

func padded(dst []byte, list []sg.Entry) (total uint64) { return paddedGo(dst, list) }

// Scan looks through a list, which must have an entry.
func Scan(list []sg.Entry) Facts { return scanGo(list) }
