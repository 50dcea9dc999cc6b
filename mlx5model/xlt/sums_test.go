package xlt

import (
	"slices"
	"testing"
)

// TestSumsStops puts one entry that is out of range at every place of lists of
// every length, among entries at both ends of the range.
func TestSumsStops(t *testing.T) {
	const longest = 41
	type bounds struct{ least, most uint32 }
	for _, im := range implementations() {
		t.Run(im.name, func(t *testing.T) {
			for _, b := range []bounds{{0, 1 << 31}, {1, 1 << 31}, {1, 1<<32 - 1}, {0, 0}, {7, 7}, {1 << 31, 1<<32 - 1}} {
				for _, bad := range []uint32{0, b.least - 1, b.most + 1, 1<<32 - 1} {
					for n := range longest {
						for at := range n {
							list := make([]byte, n*KLMSize)
							for i := range n {
								refBE(list[i*KLMSize:][:4], uint64([]uint32{b.least, b.most}[i%2]))
								refBE(list[i*KLMSize+4:][:12], ^uint64(0)) // key and va play no part
							}
							refBE(list[at*KLMSize:][:4], uint64(bad))
							sumsAre(t, &im, list, n, b.least, b.most)
						}
					}
				}
			}
		})
	}
}

// TestSumsBounds: no entry is from 9 to 5; room and list may each be the
// shorter one, and half a KLM is none.
func TestSumsBounds(t *testing.T) {
	list := refKLMs(entries(24), own)
	for _, im := range implementations() {
		t.Run(im.name, func(t *testing.T) {
			sumsAre(t, &im, list, 24, 9, 5)
			sumsAre(t, &im, list, 24, 1<<32-1, 0)
		})
	}
	for room := range 24 {
		dst := make([]uint64, room)
		for size := 0; size <= len(list); size += 5 {
			if got := Sums(dst, list[:size], 0, 0, 1<<32-1); got != min(room, size/KLMSize) {
				t.Fatalf("room for %d, %d bytes of list: %d sums", room, size, got)
			}
		}
	}
}

func sumsAre(t *testing.T, im *implementation, list []byte, n int, least, most uint32) {
	t.Helper()
	const untouched = 0x5555555555555555
	want := refSums(list, n, testFrom, least, most)
	dst := slices.Repeat([]uint64{untouched}, n)
	got := im.sums(dst, list, testFrom, least, most)
	if got != len(want) || !slices.Equal(dst[:got], want) {
		t.Fatalf("from %d to %d: %d sums %x, want %d %x of %x", least, most, got, dst[:got], len(want), want, list)
	}
	for i := got; i < n; i++ {
		if dst[i] != untouched {
			t.Fatalf("from %d to %d: %d sums returned, dst[%d] = %#x", least, most, got, i, dst[i])
		}
	}
}
