package sendq

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

// The shuffles read entries as 16 bytes: addr, len, lkey. Should the layout
// change, these constants no longer fit a uint8.
const (
	_ = uint8(-(unsafe.Sizeof(sg.Entry{}) ^ mlx5model.KLMSize))
	_ = uint8(-unsafe.Offsetof(sg.Entry{}.Addr))
	_ = uint8(-(unsafe.Offsetof(sg.Entry{}.Len) ^ 8))
	_ = uint8(-(unsafe.Offsetof(sg.Entry{}.Lkey) ^ 12))
)

// klmsPerBlock is how many KLMs a WQEBB holds.
const klmsPerBlock = mlx5model.WQEBBSize / mlx5model.KLMSize

// ListBlocks is the WQEBBs that a list of n KLMs takes.
func ListBlocks(n int) int { return (n + klmsPerBlock - 1) / klmsPerBlock }

// PutList writes the list of the UMR that starts at counter pi: a KLM for each
// entry, and zeroes up to the end of the last WQEBB. A list that is longer than
// the ring overwrites its own start.
func PutList(r *mlx5model.Ring, pi uint32, list []sg.Entry) {
	pi += mlx5model.UMRDataOff / mlx5model.WQEBBSize
	if n := len(list); 0 < n && n <= klmsPerBlock {
		putBlock(At(r, pi), list)
		return
	}
	buf, at := r.Bytes(), int(r.Index(pi))*mlx5model.WQEBBSize
	for lap := len(buf) / mlx5model.KLMSize; len(list) > lap; list = list[lap:] {
		xlt.RingKeyedKLMs(buf, at, list[:lap])
	}
	xlt.Pad(buf, xlt.RingKeyedKLMs(buf, at, list))
}

// putBlock writes a list that fits a WQEBB.
func putBlock(b *Block, list []sg.Entry) {
	for i := range klmsPerBlock {
		k := b[i*mlx5model.KLMSize:][:mlx5model.KLMSize]
		if i < len(list) {
			PutEntry(k, list[i].Len, list[i].Lkey, list[i].Addr)
		} else {
			clear(k)
		}
	}
}

func totalGo(list []sg.Entry) (total uint64) {
	for i := range list {
		total += uint64(list[i].Len)
	}
	return total
}

// Facts are what Scan finds in a list.
type Facts struct {
	Total uint64 // sum of the lengths
	Least uint32 // shortest entry, bytes
	Most  uint32 // longest entry, bytes
	Wraps bool   // an entry ends at 2^64 or beyond
}

func scanGo(list []sg.Entry) Facts {
	f := Facts{Least: list[0].Len}
	for i := range list {
		e := &list[i]
		f.Total += uint64(e.Len)
		f.Least, f.Most = min(f.Least, e.Len), max(f.Most, e.Len)
		f.Wraps = f.Wraps || e.Addr&^(e.Addr+uint64(e.Len))>>63 != 0
	}
	return f
}

// PutEntry writes a KLM or a data segment, which look alike, of n bytes at addr
// to the front of b.
// Authority: include/linux/mlx5/qp.h mlx5_klm, mlx5_wqe_data_seg.
func PutEntry(b []byte, n, key uint32, addr uint64) {
	b = b[:mlx5model.KLMSize]
	put(b, uint64(n)<<32|uint64(key))
	put(b[8:], addr)
}
