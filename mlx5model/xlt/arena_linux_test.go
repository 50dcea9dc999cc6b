package xlt

import (
	"os"
	"syscall"
	"testing"
)

// newArena maps at least n bytes, whole pages, between two pages that fault.
func newArena(t testing.TB, n int) arena {
	t.Helper()
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err == nil {
		err = syscall.Mprotect(m[page:page+size], syscall.PROT_READ|syscall.PROT_WRITE)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	return arena(m[page : page+size : page+size])
}
