package mlx5model

import (
	"encoding/binary"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/sg"
)

// physical is ModePA: the address is the host's. Extents never run past 2^64.
func (w *walker) physical(va, n uint64) Reason {
	if _, carry := bits.Add64(va, n-1, 0); carry != 0 {
		return ReasonBounds
	}
	if !w.step() {
		return ReasonSteps
	}
	w.emit(va, n)
	return reasonNone
}

// mtt is ModeMTT: pages of 2^LogPageSize bytes; the low bits of start give the
// first byte's place in the first page (drivers/infiniband/hw/mlx5/mr.c
// get_octo_len counts it). The index is the difference of page numbers,
// computed from the offset so that a region may wrap.
func (w *walker) mtt(k *mkey, off, n uint64, depth int) Reason {
	p := &w.d.p
	log := k.ctx.LogPageSize
	if log < p.LogPageMin || log > p.LogPageMax {
		return ReasonPageSize
	}
	mask := uint64(1)<<log - 1
	need := uint64(0)
	if p.HonourMTTBits {
		need = w.mttNeed()
	}
	idx, in := entityOf(k.ctx.Start&mask, off, log)
	slots := k.ctx.capacity() * (OctowordSize / MTTSize)
	present := min(slots, uint64(len(k.xlt)/MTTSize))
	run := sg.Extent{} // pages found next to each other
	for n > 0 {
		w.steps--
		why := reasonNone
		var e uint64
		switch {
		case w.steps < 0:
			why = ReasonSteps
		case idx >= slots:
			why = ReasonListEnd
		case idx >= present:
			why = ReasonNotPresent
		default:
			e = binary.BigEndian.Uint64(k.xlt[idx*MTTSize:])
			if e == 0 {
				why = ReasonNotPresent
			} else if e&need != need {
				why = ReasonMTTBits
			}
		}
		if why != reasonNone {
			w.emit(run.Addr, run.Len)
			w.top(depth, idx)
			return why
		}
		take := min(n, mask-in+1)
		addr := e&^mask + in
		if addr == run.Addr+run.Len && addr != 0 && run.Len != 0 {
			run.Len += take
		} else {
			w.emit(run.Addr, run.Len)
			run = sg.Extent{Addr: addr, Len: take}
		}
		n -= take
		idx, in = idx+1, 0
	}
	w.emit(run.Addr, run.Len)
	return reasonNone
}

func (w *walker) mttNeed() uint64 {
	if w.local == AccLW {
		return MTTWrite
	}
	return MTTRead
}

// entityOf splits stream offset off of a region whose byte 0 stands first
// bytes inside an entity of 2^log bytes. The sum of off and first may pass
// 2^64.
func entityOf(first, off uint64, log uint8) (idx, in uint64) {
	mask := uint64(1)<<log - 1
	low := off&mask + first
	return off>>log + low>>log, low & mask
}

// top remembers the entry when it is one of the outermost key's list.
func (w *walker) top(depth int, entry uint64) {
	if depth == 0 {
		w.entry = int(min(entry, 1<<31-1))
	}
}

// klm is ModeKLM: entries of any length one after another, or a repeat list.
func (w *walker) klm(k *mkey, off, n uint64, depth int) Reason {
	p := &w.d.p
	if depth >= p.MaxIndirection {
		return ReasonDepth
	}
	if k.isRepeat() {
		return w.repeat(k, off, n, depth)
	}
	end := off + n - 1
	k.growKLM(p, end)
	if off >= k.sums[len(k.sums)-1] {
		return w.listEnd(k, depth)
	}
	i := k.locate(off)
	off -= k.sums[i]
	for n > 0 {
		if i+1 >= len(k.sums) {
			return w.listEnd(k, depth)
		}
		w.top(depth, uint64(i))
		if !w.step() {
			return ReasonSteps
		}
		if size := k.sums[i+1] - k.sums[i]; size != 0 {
			e := ParseKLM(k.xlt[i*KLMSize:])
			take := min(n, size-off)
			if !w.access(e.Key, e.VA+off, take, w.local, depth+1) {
				return reasonNested
			}
			n -= take
			k.hint = i
		}
		i, off = i+1, 0
		if w.flat {
			i, n = w.flatKLMs(k, i, n)
		}
	}
	return reasonNone
}

// flatKLMs walks whole entries from i on for as long as they name flatKey, and
// gives the entry it stopped at and the bytes left. It is klm's loop without
// what such entries do not need; entries that fail are left to klm.
func (w *walker) flatKLMs(k *mkey, i int, n uint64) (int, uint64) {
	dst, steps := w.dst, w.steps
	last := &sg.Extent{Addr: 0}
	if len(dst) > 0 {
		last = &dst[len(dst)-1]
	}
	left := n
	for left > 0 && i+1 < len(k.sums) && steps >= 2 {
		e := k.xlt[i*KLMSize:][:KLMSize]
		take := min(left, k.sums[i+1]-k.sums[i])
		va := binary.BigEndian.Uint64(e[8:])
		if take == 0 || binary.BigEndian.Uint32(e[4:]) != w.flatKey || va+(take-1) < va {
			break
		}
		steps -= 2 // the entry, and the memory behind it
		if last.Addr+last.Len == va && va != 0 && last.Len <= ^take {
			last.Len += take
		} else {
			dst = append(dst, sg.Extent{Addr: va, Len: take})
			last = &dst[len(dst)-1]
		}
		left -= take
		k.hint = i
		i++
	}
	w.dst, w.steps, w.done = dst, steps, w.done+(n-left)
	return i, left
}

// listEnd is why a KLM list holds no more bytes.
func (w *walker) listEnd(k *mkey, depth int) Reason {
	w.top(depth, uint64(max(len(k.sums)-1, 0)))
	if k.bad != reasonNone {
		return k.bad
	}
	return ReasonListEnd
}

// repeat walks a repeat list: cycle after cycle, in each every entry's bytes
// at va + cycle*stride.
func (w *walker) repeat(k *mkey, off, n uint64, depth int) Reason {
	h := parseStrideHeader(k.xlt)
	k.growRepeat(h)
	total := k.sums[len(k.sums)-1]
	if h.cycle == 0 || uint64(h.entries) >= k.ctx.capacity() {
		return ReasonRepeatLayout
	}
	cycle, rest := off/h.cycle, off%h.cycle
	for n > 0 {
		if cycle >= h.count {
			return ReasonListEnd
		}
		if rest >= total {
			return ReasonRepeatLayout
		}
		i := k.locate(rest)
		w.top(depth, uint64(i))
		if !w.step() {
			return ReasonSteps
		}
		e := parseStrideEntry(k.xlt[(i+1)*KLMSize:])
		in := rest - k.sums[i]
		take := min(n, k.sums[i+1]-rest, h.cycle-rest)
		if !w.access(e.key, e.va+cycle*e.stride+in, take, w.local, depth+1) {
			return reasonNested
		}
		n -= take
		if rest += take; rest == h.cycle {
			cycle, rest = cycle+1, 0
		}
	}
	return reasonNone
}

// ksm is ModeKSM: entries that all stand for 2^LogPageSize bytes. A key word
// of 0 is an entry that is not present. Whether an unaligned start shifts the
// entries is not documented; see Profile.KSMIndexByVA.
func (w *walker) ksm(k *mkey, va, off, n uint64, depth int) Reason {
	p := &w.d.p
	log := k.ctx.LogPageSize
	switch {
	case depth >= p.MaxIndirection:
		return ReasonDepth
	case log < p.LogPageMin || log > p.LogPageMax:
		return ReasonPageSize
	}
	mask := uint64(1)<<log - 1
	first := uint64(0)
	if p.KSMIndexByVA {
		first = k.ctx.Start & mask
	}
	idx, in := entityOf(first, off, log)
	for n > 0 {
		w.top(depth, idx)
		if !w.step() {
			return ReasonSteps
		}
		if idx >= k.ctx.capacity() {
			return ReasonListEnd
		}
		if idx >= uint64(k.entries()) {
			return ReasonNotPresent
		}
		e := ParseKLM(k.xlt[idx*KSMSize:])
		if e.Key == 0 {
			return ReasonNotPresent
		}
		take := min(n, mask-in+1)
		if !w.access(e.Key, e.VA+in, take, w.local, depth+1) {
			return reasonNested
		}
		n -= take
		idx, in = idx+1, 0
	}
	return reasonNone
}
