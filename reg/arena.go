package reg

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/sg"
)

// The arena is where a driver's own memory lies: descriptor lists, SRP tables,
// bounce pages. It is one window of arenaSize bytes at the first of the
// addresses arenaBase, arenaBase+arenaStride, … that no entry of the list
// comes near. An entry is shorter than the gap between two windows, so it
// spoils one window at most, and one window more than the list has entries is
// always enough.
const (
	arenaBase   = 0x5a5a << 32
	arenaShift  = 36
	arenaStride = 1 << arenaShift // 64 GiB
	arenaSize   = arenaStride / 2

	// minClass is the smallest block: UMR lists by pointer are aligned to
	// mlx5model.UMRPointerAlign.
	minClass = 11
	maxClass = arenaShift - 1
)

// Errors of the arena, wrapped with the sizes at fault.
var (
	ErrArenaFull  = errors.New("driver memory is used up")
	ErrArenaAlign = errors.New("alignment is not a power of two, or block too long")
)

// arena hands out blocks of power-of-two sizes from one window.
type arena struct {
	base    uint64
	next    uint64 // bytes of the window used so far
	live    int
	free    [maxClass + 1][]uint64 // blocks given back, by log2 of the size
	classes uint64                 // bit c: blocks were given back to free[c]
	taken   []uint64               // bitmap of spoilt windows
}

// place chooses the window and forgets all blocks. It looks at every entry
// once.
func (a *arena) place(l sg.List) {
	windows := len(l) + 1
	words := (windows + 63) / 64
	if cap(a.taken) < words {
		a.taken = make([]uint64, words)
	}
	a.taken = a.taken[:words]
	clear(a.taken)
	for i := range l {
		first, last := l[i].Addr-arenaBase, l[i].Last()-arenaBase
		if first%arenaStride < arenaSize {
			a.spoil(first>>arenaShift, windows)
		}
		if last>>arenaShift != first>>arenaShift {
			a.spoil(last>>arenaShift, windows)
		}
	}
	a.base = arenaBase + a.firstClear()<<arenaShift
	a.next, a.live = 0, 0
	for ; a.classes != 0; a.classes &= a.classes - 1 {
		i := bits.TrailingZeros64(a.classes)
		a.free[i] = a.free[i][:0]
	}
}

func (a *arena) spoil(window uint64, windows int) {
	if window < uint64(windows) {
		a.taken[window/64] |= 1 << (window % 64)
	}
}

func (a *arena) firstClear() uint64 {
	for i, w := range a.taken {
		if w != ^uint64(0) {
			return uint64(i*64 + bits.TrailingZeros64(^w))
		}
	}
	return uint64(len(a.taken)) * 64
}

// class is the log2 of the block that n bytes at the alignment take.
func class(n, align uint64) int {
	n = max(n, align, 1)
	return max(bits.Len64(n-1), minClass)
}

func (a *arena) alloc(n, align uint64) (uint64, error) {
	if align&(align-1) != 0 || n > arenaSize || align > arenaSize {
		return 0, fmt.Errorf("%d bytes aligned to %d: %w", n, align, ErrArenaAlign)
	}
	c := class(n, align)
	if k := len(a.free[c]); k > 0 {
		addr := a.free[c][k-1]
		a.free[c] = a.free[c][:k-1]
		a.live++
		return addr, nil
	}
	size := uint64(1) << c
	at := (a.next + size - 1) &^ (size - 1)
	if at+size > arenaSize {
		return 0, fmt.Errorf("%d bytes: %w", n, ErrArenaFull)
	}
	a.next = at + size
	a.live++
	return a.base + at, nil
}

// release gives back what alloc returned for the same n and align.
func (a *arena) release(addr, n, align uint64) {
	c := class(n, align)
	a.free[c] = append(a.free[c], addr)
	a.classes |= 1 << c
	a.live--
}
