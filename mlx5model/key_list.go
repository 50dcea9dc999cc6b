package mlx5model

import (
	"encoding/binary"
	"slices"

	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
)

// capacity is the number of octowords a UMR may write: the list's size rounded
// up to 64 bytes. The kernel creates MTT keys of (pages+1)/2 octowords and
// sends them lists rounded to 64 bytes (drivers/infiniband/hw/mlx5/mr.c
// get_octo_len, umr.c mlx5r_umr_get_xlt_octo), so the device must have room.
func (c *MkeyContext) capacity() uint64 {
	return AlignUp(uint64(c.XltOctowords), UMRListAlign/OctowordSize)
}

// writeList copies list to octoword offset off of the key's translation list,
// whose capacity the caller has checked, and forgets what the change outdates.
// A part of an octoword is filled up with zeros.
func (d *Device) writeList(k *mkey, off uint64, list []byte) {
	if len(list) == 0 {
		return
	}
	from := int(off) * OctowordSize
	end := int(AlignUp(uint64(from+len(list)), OctowordSize))
	if old := len(k.xlt); end > old {
		held := cap(k.xlt) / OctowordSize
		k.xlt = slices.Grow(k.xlt, end-old)[:end]
		clear(k.xlt[old:])
		d.xltHeld += uint64(cap(k.xlt)/OctowordSize - held)
	}
	clear(k.xlt[from+copy(k.xlt[from:], list) : end])
	k.outdate(int(off))
}

// outdate forgets the sums that depend on octoword oct and those behind it.
func (k *mkey) outdate(oct int) {
	if oct == 0 || k.isRepeat() {
		k.sums = k.sums[:0]
	} else if len(k.sums) > oct+1 {
		k.sums = k.sums[:oct+1]
	}
	k.hint, k.bad = 0, reasonNone
}

// isRepeat reports whether the list starts with a repeat header: its key word
// is RepeatOp (include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg).
func (k *mkey) isRepeat() bool {
	return k.ctx.Mode == ModeKLM && len(k.xlt) >= KLMSize && binary.BigEndian.Uint32(k.xlt[4:]) == RepeatOp
}

// entries is how many octowords of the list were ever written.
func (k *mkey) entries() int { return len(k.xlt) / OctowordSize }

// klmSize is the byte count that KLM entry i stands for. A reason other than
// reasonNone says that the list cannot be used from here on.
func (k *mkey) klmSize(p *Profile, i int) (uint64, Reason) {
	n := uint64(binary.BigEndian.Uint32(k.xlt[i*KLMSize:]))
	switch {
	case n > p.MaxKLMBytes:
		return 0, ReasonKLMBytes
	case n != 0:
		return n, reasonNone
	case p.ZeroKLM == ZeroKLM2GiB:
		return 1 << 31, reasonNone
	case p.ZeroKLM == ZeroKLMError:
		return 0, ReasonZeroKLM
	}
	return 0, reasonNone
}

// sumsAhead is how many entries growKLM adds up at least, if the list has them:
// fewer cost no less.
const sumsAhead = 32

// growKLM extends the sums until they pass stream offset off or the list ends.
func (k *mkey) growKLM(p *Profile, off uint64) {
	if len(k.sums) == 0 {
		k.sums = append(k.sums, 0)
	}
	least := uint32(1)
	if p.ZeroKLM == ZeroKLMSkip {
		least = 0
	}
	most := uint32(min(p.MaxKLMBytes, 1<<32-1))
	n := k.entries()
	for have := len(k.sums) - 1; have < n && k.sums[have] <= off && k.bad == reasonNone; have = len(k.sums) - 1 {
		take := min(n-have, max(sumsAhead, have))
		k.sums = slices.Grow(k.sums, take)
		got := xlt.Sums(k.sums[have+1:have+1+take], k.xlt[have*KLMSize:], k.sums[have], least, most)
		k.sums = k.sums[:have+1+got]
		if got == take {
			continue
		}
		size, bad := k.klmSize(p, have+got)
		if k.bad = bad; bad == reasonNone {
			k.sums = append(k.sums, k.sums[have+got]+size)
		}
	}
}

// growRepeat fills the sums with the byte counts of one cycle's entries; entry
// i stands in octoword i+1.
func (k *mkey) growRepeat(h strideHeader) {
	if len(k.sums) != 0 {
		return
	}
	k.sums = append(k.sums, 0)
	var total uint64
	for i := 0; i < min(h.entries, k.entries()-1); i++ {
		total += uint64(binary.BigEndian.Uint16(k.xlt[(i+1)*KLMSize+2:]))
		k.sums = append(k.sums, total)
	}
}

// locate finds the entry whose bytes include stream offset off, which is less
// than the last sum. It looks beside the entry found last before it searches.
func (k *mkey) locate(off uint64) int {
	for i := k.hint; i <= k.hint+1 && i+1 < len(k.sums); i++ {
		if k.sums[i] <= off && off < k.sums[i+1] {
			k.hint = i
			return i
		}
	}
	lo, hi := 0, len(k.sums)-2
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if k.sums[mid+1] > off {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	k.hint = lo
	return lo
}

// strideHeader is the first octoword of a repeat list:
//
//	+0  bytes per cycle (32 bits)
//	+4  RepeatOp
//	+8  repeat count (32 bits)
//	+C  reserved (16 bits) | number of entries (16 bits)
//
// Authority: include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg.
type strideHeader struct {
	cycle   uint64 // bytes
	count   uint64 // cycles
	entries int
}

func parseStrideHeader(b []byte) strideHeader {
	b = b[:KLMSize]
	return strideHeader{
		cycle:   uint64(binary.BigEndian.Uint32(b)),
		count:   uint64(binary.BigEndian.Uint32(b[8:])),
		entries: int(binary.BigEndian.Uint16(b[14:])),
	}
}

// strideEntry is one entry of a repeat list: be16 stride, be16 byte_count,
// be32 key, be64 va. Authority: include/linux/mlx5/qp.h
// mlx5_stride_block_entry.
type strideEntry struct {
	stride uint64 // bytes from one cycle to the next
	key    uint32
	va     uint64
}

func parseStrideEntry(b []byte) strideEntry {
	b = b[:KLMSize]
	return strideEntry{
		stride: uint64(binary.BigEndian.Uint16(b)),
		key:    binary.BigEndian.Uint32(b[4:]),
		va:     binary.BigEndian.Uint64(b[8:]),
	}
}
