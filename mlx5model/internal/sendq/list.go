package sendq

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// klmsPerBlock is how many KLMs a WQEBB holds.
const klmsPerBlock = mlx5model.WQEBBSize / mlx5model.KLMSize

// The shuffles read entries as 16 bytes: addr, len, lkey. Should the layout
// change, these constants no longer fit a uint8.
const (
	_ = uint8(-(unsafe.Sizeof(sg.Entry{}) ^ mlx5model.KLMSize))
	_ = uint8(-(unsafe.Offsetof(sg.Entry{}.Addr) ^ 0))
	_ = uint8(-(unsafe.Offsetof(sg.Entry{}.Len) ^ 8))
	_ = uint8(-(unsafe.Offsetof(sg.Entry{}.Lkey) ^ 12))
)

// ListBlocks is the WQEBBs that a list of n KLMs takes.
func ListBlocks(n int) int { return (n + klmsPerBlock - 1) / klmsPerBlock }

// PutList writes the list of the UMR that starts at counter pi: a KLM for each
// entry, and zeroes up to the end of the last WQEBB. It returns the sum of the
// lengths. A list that is longer than the ring overwrites its own start.
func PutList(r *mlx5model.Ring, pi uint32, list []sg.Entry) (total uint64) {
	buf := r.Bytes()
	to := buf[r.Index(pi+mlx5model.UMRDataOff/mlx5model.WQEBBSize)*mlx5model.WQEBBSize:]
	for len(list) > len(to)/mlx5model.KLMSize {
		n := len(to) / mlx5model.KLMSize
		total += padded(to, list[:n])
		list, to = list[n:], buf
	}
	return total + padded(to, list)
}

// putRest is PutRest for every ring and machine.
func putRest(r *mlx5model.Ring, pi uint32, rights uint64, wide bool, list []sg.Entry) (length uint64) {
	clear(At(r, pi)[2*mlx5model.OctowordSize:])
	length = PutList(r, pi, list)
	if !wide {
		length = uint64(int32(uint32(length)))
	}
	PutWords(At(r, pi+1), rights, 0, 0, length)
	return length
}

// Total is the sum of the lengths of a list that has an entry.
func Total(list []sg.Entry) uint64 { return Scan(list).Total }

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

func paddedGo(dst []byte, list []sg.Entry) (total uint64) {
	for ; len(list) >= klmsPerBlock && len(dst) >= mlx5model.WQEBBSize; list, dst = list[klmsPerBlock:], dst[mlx5model.WQEBBSize:] {
		e, b := (*[klmsPerBlock]sg.Entry)(list), (*Block)(dst)
		total += uint64(e[0].Len) + uint64(e[1].Len) + uint64(e[2].Len) + uint64(e[3].Len)
		putKLM((*klm)(b[0x00:]), e[0], e[0].Lkey)
		putKLM((*klm)(b[0x10:]), e[1], e[1].Lkey)
		putKLM((*klm)(b[0x20:]), e[2], e[2].Lkey)
		putKLM((*klm)(b[0x30:]), e[3], e[3].Lkey)
	}
	if len(list) == 0 {
		return total
	}
	b := (*Block)(dst)
	for i := range klmsPerBlock {
		k := (*klm)(b[i*mlx5model.KLMSize:])
		if i >= len(list) {
			clear(k[:])
			continue
		}
		total += uint64(list[i].Len)
		putKLM(k, list[i], list[i].Lkey)
	}
	return total
}

type klm = [mlx5model.KLMSize]byte

// putKLM writes a KLM. Authority: include/linux/mlx5/qp.h mlx5_klm.
func putKLM(b *klm, e sg.Entry, key uint32) {
	put(b[0:], uint64(e.Len)<<32|uint64(key))
	put(b[8:], e.Addr)
}
