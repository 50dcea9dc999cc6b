package reg

import (
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// BestPageSize is the page size in bytes with which the stream of l, seen from
// iova on, takes the fewest blocks: the largest of the supported sizes (a
// bitmap: bit n stands for 2^n bytes, so that a size is its own bit) with which
// every page of the iova range lies in one page of physical memory at the same
// offset, but none larger than needed to hold the whole range in one page. It
// is what ib_umem_find_best_pgsz (drivers/infiniband/core/umem.c) is for.
//
// Neighbours that continue each other count as one run whatever their lengths,
// all arithmetic has 64 bits, and the first and the last page may be partly
// outside the range. Errors are *Refusal of strategy "umem": ReasonEmpty,
// ReasonWrap for an entry or for iova+length beyond 2^64, ReasonPageSize if no
// supported size fits.
func BestPageSize(l sg.List, iova uint64, supported uint64) (uint64, error) {
	const name = "umem"
	if err := l.Validate(); err != nil {
		return 0, listRefusal(name, err)
	}
	total := l.Total()
	last := iova + total - 1
	if last < iova {
		return 0, &Refusal{Strategy: name, Reason: ReasonWrap, Entry: -1}
	}
	// Bits of odd that are set rule out all sizes above them.
	var odd uint64
	at, end, open := iova, uint64(0), false
	for i := range l {
		e := &l[i]
		if e.Len == 0 {
			continue
		}
		if !open || end != e.Addr { // 2^64 is a border of every page: no special case
			odd |= e.Addr ^ at
			if open {
				odd |= at // the border between two runs
			}
		}
		at, end, open = at+uint64(e.Len), e.End(), true
	}
	fitting := supported & upTo(bits.TrailingZeros64(odd))
	if cover := supported &^ below(bits.Len64(iova^last)); cover != 0 {
		fitting &= upTo(bits.TrailingZeros64(cover))
	}
	if fitting == 0 {
		return 0, &Refusal{Strategy: name, Reason: ReasonPageSize, Entry: -1, Need: lowest(odd)}
	}
	return 1 << (bits.Len64(fitting) - 1), nil
}

// below has the n low bits set, n up to 64.
func below(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

// upTo has bits 0 to n set.
func upTo(n int) uint64 { return below(n + 1) }

func lowest(x uint64) uint64 { return x & -x }

// blockIter yields the page address of every page of an iova range, as
// rdma_for_each_block (include/rdma/ib_verbs.h) does. Pages may be longer than
// entries and may be 4 GiB and more.
type blockIter struct {
	l    sg.List
	at   linux.Pos
	iova uint64 // of the byte at at
	left uint64 // bytes from at on
	mask uint64 // page size - 1
}

// next gives the physical page that holds the next byte, and moves to the
// start of the page after it.
func (b *blockIter) next() (addr uint64, ok bool) {
	if b.left == 0 {
		return 0, false
	}
	for b.at.Off == uint64(b.l[b.at.Entry].Len) {
		b.at = linux.Pos{Entry: b.at.Entry + 1}
	}
	offset := b.iova & b.mask
	addr = b.l[b.at.Entry].Addr + b.at.Off - offset
	b.skip(min(b.mask-offset, b.left-1) + 1)
	return addr, true
}

// skip moves n bytes on, 1 to left.
func (b *blockIter) skip(n uint64) {
	b.iova += n
	b.left -= n
	for n > 0 {
		take := min(uint64(b.l[b.at.Entry].Len)-b.at.Off, n)
		b.at.Off += take
		if n -= take; n > 0 {
			b.at = linux.Pos{Entry: b.at.Entry + 1}
		}
	}
}

// Blocks is the number of pages of pageSize bytes, a power of two, that the n
// bytes at iova touch: 0 for n = 0. The range must not pass 2^64.
func Blocks(iova, n, pageSize uint64) uint64 {
	if n == 0 {
		return 0
	}
	shift := bits.TrailingZeros64(pageSize)
	return (iova+n-1)>>shift - iova>>shift + 1
}

// AppendBlocks adds to dst the address of the physical page behind each page
// of pageSize bytes, a power of two, of the iova range that the stream of l
// takes: Blocks of them. The page size must be one that fits, such as
// BestPageSize gives or a smaller one; otherwise the addresses describe other
// memory. It costs entries plus blocks, so check Blocks first.
func AppendBlocks(dst []uint64, l sg.List, iova, pageSize uint64) []uint64 {
	b := blockIter{l: l, iova: iova, left: l.Total(), mask: pageSize - 1}
	for addr, ok := b.next(); ok; addr, ok = b.next() {
		dst = append(dst, addr)
	}
	return dst
}
