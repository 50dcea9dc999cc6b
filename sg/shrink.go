package sg

import (
	"math"
	"math/bits"
	"slices"
)

// Shrink looks for a smaller list for which fails is still true: fewer
// entries, then fewer bytes, then fewer lkeys, then lower addresses. It drops
// entries, joins them, shortens them at either end, clears keys, and moves
// single entries, runs of contiguous ones, and the whole list, in steps that
// keep the place in a page where they can. A page more is no price for an entry
// less, if they have one.
//
// fails must depend on its argument only and must not keep it. It is called at
// most maxSteps times. The result is a list of its own for which fails was true,
// or a copy of l if that never happened. If the steps sufficed it is locally
// minimal: Shrink cannot make it any smaller.
func Shrink(l List, fails func(List) bool, maxSteps int) List {
	s := &shrinker{fails: fails, steps: maxSteps}
	if !s.try(append(s.scratch[:0], l...)) {
		return slices.Clone(l)
	}
	for again := true; again && s.steps > 0; {
		again = s.pass()
	}
	return s.best
}

// shrinker holds the smallest failing list so far. Candidates are built in
// scratch; the two swap when a candidate is taken.
type shrinker struct {
	fails         func(List) bool
	steps         int // calls of fails that are left
	best, scratch List
	group         []int // entries that move together
}

// pass tries everything once and reports whether anything was taken. Every
// step taken lowers (entries, bytes, keys, addresses) in that order, so passes
// come to an end.
func (s *shrinker) pass() bool {
	took := s.drop()
	took = s.join() || took
	took = s.shorten() || took
	took = s.clearKeys() || took
	took = s.lower() || took
	return took || s.grow()
}

// try calls fails for a candidate that was built in scratch and makes it the
// best list if it fails.
func (s *shrinker) try(candidate List) bool {
	s.scratch = candidate
	if s.steps <= 0 {
		return false
	}
	s.steps--
	if !s.fails(candidate) {
		return false
	}
	s.best, s.scratch = candidate, s.best
	return true
}

// copied is a candidate like the best list, to be changed.
func (s *shrinker) copied() List { return append(s.scratch[:0], s.best...) }

// drop leaves out runs of entries: all, then the longest power of two, half of
// that, and so on down to single ones. Who handles entries several at a time
// does so by powers of two, and fails again when as many are gone.
func (s *shrinker) drop() (took bool) {
	for n := len(s.best); n > 0 && s.steps > 0; n = powerBelow(n) {
		for at := 0; at < len(s.best) && s.steps > 0; {
			end := min(at+n, len(s.best))
			if s.try(append(append(s.scratch[:0], s.best[:at]...), s.best[end:]...)) {
				took = true // what follows is at the same place now
			} else {
				at = end
			}
		}
	}
	return took
}

// powerBelow is the largest power of two below n, 0 for none.
func powerBelow(n int) int {
	if n < 2 {
		return 0
	}
	return 1 << (bits.Len(uint(n-1)) - 1)
}

// join gives an entry the bytes of the next one, where a length can hold them.
func (s *shrinker) join() (took bool) {
	for i := 0; i+1 < len(s.best) && s.steps > 0; {
		a, b := s.best[i], s.best[i+1]
		sum := uint64(a.Len) + uint64(b.Len)
		front, back := Entry{a.Addr, uint32(sum), a.Lkey}, Entry{b.End() - sum, uint32(sum), b.Lkey}
		if sum <= math.MaxUint32 && (s.joined(i, front) || front != back && s.joined(i, back)) {
			took = true
		} else {
			i++
		}
	}
	return took
}

// grow joins entries of more than a page and gives the result one page more: two
// entries may touch a page, or take a descriptor, more than one of their length.
// Short entries say more than few.
func (s *shrinker) grow() (took bool) {
	const page = 4096
	for i := 0; i+1 < len(s.best) && s.steps > 0; {
		a, b := s.best[i], s.best[i+1]
		sum := uint64(a.Len) + uint64(b.Len) + page
		if sum > 2*page && sum <= math.MaxUint32 && s.joined(i, Entry{a.Addr, uint32(sum), a.Lkey}) {
			took = true
		} else {
			i++
		}
	}
	return took
}

// joined tries e in place of the entries i and i+1.
func (s *shrinker) joined(i int, e Entry) bool {
	candidate := s.copied()
	candidate[i] = e
	return s.try(slices.Delete(candidate, i+1, i+2))
}

// shorten takes bytes from each entry: all but one, then halves of the
// number's range down to single bytes.
func (s *shrinker) shorten() (took bool) {
	for i := 0; i < len(s.best) && s.steps > 0; i++ {
		if n := s.best[i].Len; n > 1 && s.cut(i, n-1) {
			took = true
			continue
		}
		for bit := 31; bit >= 0 && s.steps > 0; bit-- {
			for s.best[i].Len > 1<<bit && s.cut(i, 1<<bit) && s.steps > 0 {
				took = true
			}
		}
	}
	return took
}

// cut takes n bytes from entry i: from its end, from its start, from its end
// with the entries that continue it moved up, and from the end of all entries
// as long as it.
func (s *shrinker) cut(i int, n uint32) bool {
	c := s.copied()
	c[i].Len -= n
	if s.try(c) {
		return true
	}
	c = s.copied()
	c[i].Len -= n
	c[i].Addr += uint64(n)
	return s.try(c) || s.cutRun(i, n) || s.cutAlike(i, n)
}

func (s *shrinker) cutRun(i int, n uint32) bool {
	end := s.runEnd(i)
	if end == i+1 {
		return false
	}
	c := s.copied()
	c[i].Len -= n
	for k := i + 1; k < end; k++ {
		c[k].Addr -= uint64(n)
	}
	return s.try(c)
}

func (s *shrinker) cutAlike(i int, n uint32) bool {
	c, alike := s.copied(), 0
	for k := range c {
		if c[k].Len == s.best[i].Len {
			c[k].Len -= n
			alike++
		}
	}
	return alike > 1 && s.try(c)
}

// runEnd is behind the last of the entries from i on that continue each other
// in memory.
func (s *shrinker) runEnd(i int) int {
	for i++; i < len(s.best) && s.best[i].Addr == s.best[i-1].End() && s.best[i].Addr != 0; i++ {
	}
	return i
}

// clearKeys makes lkeys 0, or at least 1: all of them together, then each.
func (s *shrinker) clearKeys() (took bool) {
	if slices.ContainsFunc(s.best, func(e Entry) bool { return e.Lkey != 0 }) {
		c := s.copied()
		for i := range c {
			c[i].Lkey = 0
		}
		took = s.try(c)
	}
	for i := 0; i < len(s.best) && s.steps > 0; i++ {
		for _, key := range [...]uint32{0, 1} {
			if s.best[i].Lkey <= key {
				break
			}
			c := s.copied()
			c[i].Lkey = key
			if s.try(c) {
				took = true
				break
			}
		}
	}
	return took
}

// lower moves entries to smaller addresses: with each entry all that start no
// lower, so that what overlaps or touches stays so; then each run by itself;
// then each entry.
func (s *shrinker) lower() (took bool) {
	for i := 0; i < len(s.best) && s.steps > 0; i++ {
		from := s.best[i].Addr
		took = s.lowerSome(func(_ int, e Entry) bool { return e.Addr >= from }) || took
	}
	for i := 0; i < len(s.best) && s.steps > 0; {
		end := s.runEnd(i)
		if end > i+1 {
			took = s.lowerSome(func(k int, _ Entry) bool { return i <= k && k < end }) || took
		}
		i = end
	}
	for i := 0; len(s.best) > 1 && i < len(s.best) && s.steps > 0; i++ {
		took = s.lowerSome(func(k int, _ Entry) bool { return k == i }) || took
	}
	return took
}

// keptOffsets are the address bits that a long move down leaves as they are:
// none; the place in a 4 KiB, 64 KiB and 2 MiB page; the low half.
var keptOffsets = [...]uint64{0, 1<<12 - 1, 1<<16 - 1, 1<<21 - 1, 1<<32 - 1}

// lowerSome moves the entries that member names: first all the way down, then
// by powers of two.
func (s *shrinker) lowerSome(member func(int, Entry) bool) (took bool) {
	s.group = s.group[:0]
	low := uint64(math.MaxUint64)
	for k, e := range s.best {
		if member(k, e) {
			s.group = append(s.group, k)
			low = min(low, e.Addr)
		}
	}
	for _, keep := range keptOffsets {
		if by := low &^ keep; s.moved(by) {
			low, took = low-by, true
			break
		}
	}
	for bit := 63; bit >= 0 && s.steps > 0; bit-- {
		if by := uint64(1) << bit; by <= low && s.moved(by) {
			low, took = low-by, true
		}
	}
	return took
}

// moved tries the group lower by that many bytes.
func (s *shrinker) moved(by uint64) bool {
	if by == 0 {
		return false
	}
	c := s.copied()
	for _, k := range s.group {
		c[k].Addr -= by
	}
	return s.try(c)
}
