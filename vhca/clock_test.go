//go:build linux && (amd64 || arm64)

package vhca

import "testing"

// TestClock: the adapter's time is the kernel's, and never ahead of it.
func TestClock(t *testing.T) {
	for range 1000 {
		got, now := clock(), monotonic()
		if got > now || now-got > 1e9 {
			t.Fatalf("the adapter's clock is at %d, the kernel's at %d", got, now)
		}
	}
}
