package linux

import (
	"encoding/binary"
	"math"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Error numbers as the kernel returns them, negative.
// Authority: include/uapi/asm-generic/errno-base.h.
const (
	errNOMEM = -12
	errINVAL = -22
)

// MapResult is what ib_map_mr_sg returned and left in the memory region.
type MapResult struct {
	Ret      int    // entries mapped whole, or a negative errno
	SGOffset uint32 // *sg_offset afterwards; 0 if NULL was passed
	IOVA     uint64 // 0 if Ret is -EINVAL: the region's own value stays
	Length   uint64 // bytes; like IOVA. May have wrapped below 0
	NDescs   int    // descriptors written
}

// MaxDescs is the descriptor capacity of a region that ib_alloc_mr makes for
// maxNumSG entries. Authority: drivers/infiniband/hw/mlx5/mr.c,
// mlx5_alloc_mem_reg_descs and mlx5_alloc_sg_gaps_descs.
func MaxDescs(maxNumSG uint32) int { return int(uint32(mlx5model.AlignUp(uint64(maxNumSG), 4))) }

// pageWriter is the kernel's set_page callback, called for runs of pages: it
// fails once the list is full.
type pageWriter struct {
	descs []byte
	n     int
}

const mttBits = mlx5model.MTTRead | mlx5model.MTTWrite

// one sets a page and reports whether there was room.
func (w *pageWriter) one(page uint64) bool {
	if (w.n+1)*mlx5model.MTTSize > len(w.descs) {
		return false
	}
	binary.BigEndian.PutUint64(w.descs[w.n*mlx5model.MTTSize:], page|mttBits)
	w.n++
	return true
}

// run sets count pages from page on, size bytes apart modulo 2^64, or as many
// as there is room for, and returns how many.
func (w *pageWriter) run(page, size, count uint64) uint64 {
	room := w.descs[w.n*mlx5model.MTTSize:]
	count = min(count, uint64(len(room)/mlx5model.MTTSize))
	xlt.MTTRun(room[:count*mlx5model.MTTSize], page, size, mttBits)
	w.n += int(count)
	return count
}

// SGToPages maps l to a page list exactly as Linux 6.1 does: ib_sg_to_pages
// (drivers/infiniband/core/verbs.c) as ib_map_mr_sg reaches it. At most
// maxDescs entries, and no more than fit, go to descs as big-endian MTTs; other
// bytes of descs keep their value. sgOffset (bytes into the first entry) is
// nil where the caller passes NULL; it is only read. pageSize is in bytes, 32
// bits as in struct ib_mr; nothing checks that it is a power of two.
//
// Faults reproduced: entries of length zero take a page; an entry whose end
// wraps to 0 yields one page; when the list is full in the middle of an entry
// that entry's last page is not counted, and for a first entry that starts
// mid-page the length and the offset wrap.
func SGToPages(descs []byte, maxDescs int, l sg.List, sgOffset *uint32, pageSize uint32) (r MapResult) {
	r.pages(descs, maxDescs, l, sgOffset, pageSize)
	return r
}

// pages is SGToPages. The result is filled in place, here and in klms: copies of
// it would read fields together that were just written one by one, which costs
// more than a short list does.
func (r *MapResult) pages(descs []byte, maxDescs int, l sg.List, sgOffset *uint32, pageSize uint32) {
	off := valueOf(sgOffset)
	if len(l) == 0 || off > l[0].Len {
		r.Ret, r.SGOffset = errINVAL, off
		return
	}
	w := pageWriter{descs: descs[:min(len(descs)/mlx5model.MTTSize, max(maxDescs, 0))*mlx5model.MTTSize]}
	mask := ^(uint64(pageSize) - 1)
	r.IOVA = l[0].Addr + uint64(off)
	var lastEnd uint64
	for i := range l {
		start := l[i].Addr + uint64(off)
		n := l[i].Len - off
		joined := i > 0 && (lastEnd&^mask != 0 || start&^mask != 0)
		if joined && lastEnd != start {
			r.Ret, r.NDescs = i, w.n
			return
		}
		if last, ok := w.setPages(start, start+uint64(n), uint64(pageSize), joined); !ok {
			r.full(i, &l[i], start, last, sgOffset, w.n)
			return
		}
		r.Length += uint64(n)
		lastEnd = start + uint64(n)
		off = 0
	}
	r.Ret, r.NDescs = len(l), w.n
}

// setPages sets the pages of [start, end), the first one even if that is
// empty. joined says that the first page is already set by the entry before.
// If the list is full it reports the page set last, or start if none was.
//
// Within one page size of 2^64 the kernel's page number wraps before it gets to
// end, and the loop goes on to a full list, as it does for a page size of 0.
func (w *pageWriter) setPages(start, end, pageSize uint64, joined bool) (last uint64, ok bool) {
	page := start &^ (pageSize - 1)
	if joined {
		page += pageSize
		if page >= end {
			return start, true
		}
	}
	next := page + pageSize
	if next >= end {
		if !w.one(page) {
			return start, false
		}
		return page, true
	}
	count := uint64(math.MaxUint64)
	if pageSize != 0 && end <= -pageSize {
		count = min((end-next-1)/pageSize, math.MaxUint64-2) + 2
	}
	done := w.run(page, pageSize, count)
	if done == 0 {
		return start, false
	}
	return page + (done-1)*pageSize, done == count
}

// full ends a mapping inside entry i: what counts as mapped ends at the page
// that was set last, not behind it.
func (r *MapResult) full(i int, e *sg.Entry, start, last uint64, sgOffset *uint32, n int) {
	off := uint32(last - e.Addr)
	r.Length += last - start
	r.NDescs = n
	r.Ret = i
	if i == 0 && off == 0 {
		r.Ret = errNOMEM
	}
	if sgOffset != nil {
		r.SGOffset = off
	}
}

// SGToKLMs maps l to a KLM list exactly as Linux 6.1 does: mlx5_ib_sg_to_klms
// (drivers/infiniband/hw/mlx5/mr.c) as ib_map_mr_sg reaches it for an SG_GAPS
// region. Parameters are those of SGToPages; lkey is the PD's local_dma_lkey,
// the key of every entry.
//
// Faults reproduced: the entry count is cut to 16 bits; entries of length zero
// give a KLM of byte count zero; an offset beyond the first entry wraps its
// byte count; nothing is refused. An empty list has iova 0 plus the offset,
// which is what the zeroed entry in front of the recording's list gives.
func SGToKLMs(descs []byte, maxDescs int, l sg.List, sgOffset *uint32, lkey uint32) (r MapResult) {
	r.klms(descs, maxDescs, l, sgOffset, lkey)
	return r
}

// klms is SGToKLMs.
func (r *MapResult) klms(descs []byte, maxDescs int, l sg.List, sgOffset *uint32, lkey uint32) {
	off := valueOf(sgOffset)
	r.IOVA = uint64(off)
	if len(l) > 0 {
		r.IOVA += l[0].Addr
	}
	l = l[:min(int(uint16(len(l))), len(descs)/mlx5model.KLMSize, max(maxDescs, 0))]
	r.NDescs, r.Ret = len(l), len(l)
	few := 0 // entries at the front that are taken one by one
	if len(l) <= fewKLMs {
		few = len(l)
	} else if off != 0 {
		few = 1
	}
	for i := range l[:few] {
		n := l[i].Len - off
		sendq.PutEntry(descs[i*mlx5model.KLMSize:], n, lkey, l[i].Addr+uint64(off))
		r.Length += uint64(n)
		off = 0
	}
	if few < len(l) {
		xlt.KLMs(descs[few*mlx5model.KLMSize:], l[few:], lkey)
		r.Length += sendq.Total(l[few:])
	}
	if sgOffset != nil {
		r.SGOffset = off
	}
}

// fewKLMs is the longest list that is mapped faster entry by entry.
const fewKLMs = 2

func valueOf(p *uint32) uint32 {
	if p == nil {
		return 0
	}
	return *p
}
