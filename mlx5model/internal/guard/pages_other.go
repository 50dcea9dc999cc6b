//go:build !linux

package guard

import "testing"

// Pages gives at least n bytes, whole pages; what is around them can be touched
// unnoticed.
func Pages(t testing.TB, n int) []byte {
	t.Log("no untouchable pages around the buffers on this system")
	const page = 4096
	return make([]byte, (n+page-1)/page*page)
}
