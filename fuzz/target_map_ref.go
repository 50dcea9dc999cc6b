package fuzz

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// mapReference says what a mapping must be, without regard to cost: the
// kernel's functions by the lists of pages that each entry asks for, the
// corrected ones by the definition of a page list, one byte at a time.
type mapReference struct {
	m    linux.Mapping
	err  error
	desc []byte

	want  []uint64 // pages that one entry asks for
	bases []uint64 // page addresses by page of the region
	list  []mlx5model.KLM
}

const (
	errnoNoMem = -12
	errnoInval = -22
)

// kernelPages is ib_sg_to_pages (drivers/infiniband/core/verbs.c) by its
// effects: each entry asks for some pages; the first one that does not find
// room ends the mapping before the page that was set last.
func (r *mapReference) kernelPages(dst []byte, room int, l sg.List, offset, pageSize uint32) linux.MapResult {
	if len(l) == 0 || offset > l[0].Len {
		return linux.MapResult{Ret: errnoInval, SGOffset: offset}
	}
	res := linux.MapResult{IOVA: l[0].Addr + uint64(offset)}
	var end uint64
	for i, e := range l {
		begin, size := e.Addr, uint64(e.Len)
		if i == 0 {
			begin, size = begin+uint64(offset), size-uint64(offset)
		}
		shared := false // the entry goes on in the page where the last one ended
		if i > 0 && !(multiple(end, pageSize) && multiple(begin, pageSize)) {
			if end != begin {
				res.Ret = i
				return res
			}
			shared = true
		}
		end = begin + size
		r.pagesOf(begin, end, pageSize, shared, room-res.NDescs)
		fit := min(len(r.want), room-res.NDescs)
		for _, page := range r.want[:fit] {
			binary.BigEndian.PutUint64(dst[8*res.NDescs:], page|3)
			res.NDescs++
		}
		if fit == len(r.want) {
			res.Length += size
			res.Ret = i + 1
			continue
		}
		stop := begin // where the mapping is said to end
		if fit > 0 {
			stop = r.want[fit-1]
		}
		res.Length += stop - begin
		res.SGOffset = uint32(stop - e.Addr)
		if res.Ret = i; i == 0 && res.SGOffset == 0 {
			res.Ret = errnoNoMem
		}
		return res
	}
	return res
}

// multiple is the kernel's test for a page border: none of the bits below the
// page size are set, for any page size.
func multiple(addr uint64, pageSize uint32) bool { return addr&(uint64(pageSize)-1) == 0 }

// pagesOf lists the pages that an entry asks for, one more than there is room
// for at most: from the first one, or the one behind it if that is shared, as
// long as they begin below the end; an entry that shares no page asks for one
// at least.
func (r *mapReference) pagesOf(begin, end uint64, pageSize uint32, shared bool, room int) {
	r.want = r.want[:0]
	page := begin - begin&(uint64(pageSize)-1)
	if shared {
		page += uint64(pageSize)
	} else {
		r.want = append(r.want, page)
		page += uint64(pageSize)
	}
	for page < end && len(r.want) <= room {
		r.want = append(r.want, page)
		page += uint64(pageSize)
	}
}

// refKernelKLMs is mlx5_ib_sg_to_klms (drivers/infiniband/hw/mlx5/mr.c): one
// KLM for each of the first entries, whatever they are.
func refKernelKLMs(dst []byte, room int, l sg.List, offset, lkey uint32) linux.MapResult {
	res := linux.MapResult{IOVA: uint64(offset)}
	if len(l) > 0 {
		res.IOVA = l[0].Addr + uint64(offset)
	}
	n := min(len(l)%65536, room)
	for i, e := range l[:n] {
		if i == 0 {
			e.Addr, e.Len = e.Addr+uint64(offset), e.Len-offset
		}
		binary.BigEndian.PutUint32(dst[16*i:], e.Len)
		binary.BigEndian.PutUint32(dst[16*i+4:], lkey)
		binary.BigEndian.PutUint64(dst[16*i+8:], e.Addr)
		res.Length += uint64(e.Len)
	}
	res.Ret, res.NDescs = n, n
	if n == 0 {
		res.SGOffset = offset
	}
	return res
}

// walk calls f for each byte of the list from a position on, until f says why
// it cannot be taken.
func (r *mapReference) walk(l sg.List, from linux.Pos, iova *uint64, f func(entry int, addr uint64) (linux.StopReason, error)) {
	r.m, r.err, r.desc = linux.Mapping{Next: linux.Pos{Entry: len(l)}}, nil, r.desc[:0]
	if from != (linux.Pos{Entry: len(l)}) && (from.Entry < 0 || from.Entry >= len(l) || from.Off > uint64(l[from.Entry].Len)) {
		r.err = linux.ErrPos
		return
	}
	for i := from.Entry; i < len(l); i++ {
		for off := uint64(0); off < uint64(l[i].Len); off++ {
			if i == from.Entry && off < from.Off {
				continue
			}
			if l[i].Wraps() {
				r.err = sg.ErrWraps
				return
			}
			addr := l[i].Addr + off
			if r.m.Length == 0 {
				if r.m.IOVA = addr; iova != nil {
					r.m.IOVA = *iova
				}
			}
			stop, err := f(i, addr)
			if err != nil {
				r.err = err
				return
			}
			if stop != linux.StopEnd {
				r.m.Next, r.m.Stop = linux.Pos{Entry: i, Off: off}, stop
				if r.m.Length == 0 {
					r.err = linux.ErrNoRoom
				}
				return
			}
			r.m.Length++
		}
	}
	if r.m.Length == 0 {
		r.err = linux.ErrNothing
	}
}

// atTop says that the next byte of the region would have address 2^64.
func (r *mapReference) atTop() bool { return r.m.Length > 0 && r.m.IOVA+r.m.Length == 0 }

// pages is the longest prefix in which byte k lies in page (iova mod size + k)
// div size of the region, and each page has one address.
func (r *mapReference) pages(l sg.List, from linux.Pos, size uint64, room int, iova *uint64) {
	r.bases = r.bases[:0]
	r.walk(l, from, iova, func(_ int, addr uint64) (linux.StopReason, error) {
		place := r.m.IOVA%size + r.m.Length
		page, base := int(place/size), addr-addr%size
		switch {
		case room <= 0:
			return linux.StopFull, nil
		case addr%size != place%size && r.m.Length == 0:
			return 0, linux.ErrIOVA
		case addr%size != place%size, page < len(r.bases) && r.bases[page] != base:
			return linux.StopGap, nil
		case r.atTop():
			return linux.StopTop, nil
		case page >= room:
			return linux.StopFull, nil
		case page == len(r.bases):
			r.bases = append(r.bases, base)
		}
		return linux.StopEnd, nil
	})
	r.m.N = len(r.bases)
	for _, b := range r.bases {
		r.desc = binary.BigEndian.AppendUint64(r.desc, b|3)
	}
}

// klms opens a KLM at each entry, and within one after each longest KLM.
func (r *mapReference) klms(l sg.List, from linux.Pos, lkey uint32, room int, longest uint64, iova *uint64) {
	if longest == 0 {
		longest = linux.MaxKLMBytes
	}
	longest = min(longest, 1<<32-1)
	r.list = r.list[:0]
	last := -1
	r.walk(l, from, iova, func(entry int, addr uint64) (linux.StopReason, error) {
		fresh := entry != last || uint64(r.list[len(r.list)-1].ByteCount) == longest
		switch {
		case r.atTop():
			return linux.StopTop, nil
		case fresh && len(r.list) >= room:
			return linux.StopFull, nil
		case fresh:
			key := lkey
			if key == 0 {
				key = l[entry].Lkey
			}
			if len(r.list) == 0 && key == mlx5model.RepeatOp {
				return 0, linux.ErrKey
			}
			r.list = append(r.list, mlx5model.KLM{Key: key, VA: addr})
			last = entry
		}
		r.list[len(r.list)-1].ByteCount++
		return linux.StopEnd, nil
	})
	r.m.N = len(r.list)
	for i := range r.list {
		r.desc = append(r.desc, make([]byte, mlx5model.KLMSize)...)
		r.list[i].Put(r.desc[len(r.desc)-mlx5model.KLMSize:])
	}
}
