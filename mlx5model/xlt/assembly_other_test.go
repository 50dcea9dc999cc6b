//go:build !amd64 || purego

package xlt

func assembly() []implementation { return nil }
