//go:build !linux

package xlt

import "testing"

// newArena gives n bytes; what is around them can be touched unnoticed.
func newArena(t testing.TB, n int) arena {
	t.Log("no untouchable pages around the buffers on this system")
	const page = 4096
	return make(arena, (n+page-1)/page*page)
}
