//go:build !amd64 || purego

package xlt

func withoutAVX2() []implementation { return nil }
