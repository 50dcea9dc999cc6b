package sendq

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// Block is one WQEBB of a ring.
type Block = [mlx5model.WQEBBSize]byte

// At is the WQEBB that counter pi falls on.
func At(r *mlx5model.Ring, pi uint32) *Block {
	// A slice of the ring would be cut and measured three times a WQE.
	return (*Block)(unsafe.Pointer(&r.Bytes()[r.Index(pi)*mlx5model.WQEBBSize]))
}

// UMRBlocks are the WQEBBs from counter pi on that a UMR has at least if it has
// a list or a pointer. A ring's size is a power of two, so a mask is all that
// its end takes.
func UMRBlocks(r *mlx5model.Ring, pi uint32) (umr, mkc, list *Block) {
	buf, at := r.Bytes(), int(r.Index(pi))*mlx5model.WQEBBSize
	base, mask := unsafe.Pointer(unsafe.SliceData(buf)), len(buf)-1
	return (*Block)(unsafe.Add(base, at)),
		(*Block)(unsafe.Add(base, (at+mlx5model.WQEBBSize)&mask)),
		(*Block)(unsafe.Add(base, (at+2*mlx5model.WQEBBSize)&mask))
}

// Head is the first word of a control segment: index, opcode, QPN, DS. The QPN
// is cut to 24 bits; ds is not cut to its six and spills into the bits above.
// Authority: include/linux/mlx5/qp.h mlx5_wqe_ctrl_seg.
func Head(index uint16, op mlx5model.Opcode, qpn, ds uint32) uint64 {
	return uint64(index)<<40 | uint64(op)<<32 | uint64(qpn<<8|ds)
}

// Flags is the second word of a control segment: signature, fm_ce_se, and the
// immediate or key.
func Flags(signature, fmCeSe uint8, imm uint32) uint64 {
	return uint64(signature)<<56 | uint64(fmCeSe)<<32 | uint64(imm)
}

// UMR is the first word of a UMR control segment without offset: flags, list
// and BSF octowords. Authority: include/linux/mlx5/qp.h mlx5_wqe_umr_ctrl_seg.
func UMR(flags uint8, xlt, bsf uint16) uint64 {
	return uint64(flags)<<56 | uint64(xlt)<<16 | uint64(bsf)
}

// Rights is the first word of a mkey context: access byte (rights, umr_en, low
// bits of the mode), QPN and tag.
// Authority: include/linux/mlx5/mlx5_ifc.h mlx5_ifc_mkc_bits.
func Rights(access uint8, qpn uint32, tag uint8) uint64 {
	return uint64(access)<<40 | uint64(qpn<<8|uint32(tag))
}

// Free is the bit of a mkey context's first word that frees the key.
const Free = mlx5model.MkeyFree << 56

// put writes a word in big-endian order. PutUint64 of a word that was just put
// together would be taken apart again into stores of single bytes.
func put(b []byte, w uint64) { binary.LittleEndian.PutUint64(b, bits.ReverseBytes64(w)) }

// Copy copies a WQEBB that was just written. It reads words, as it was written:
// a wider load would have to wait until they are in the cache.
func Copy(dst, src *Block) {
	copyWord(dst[0x00:], src[0x00:])
	copyWord(dst[0x08:], src[0x08:])
	copyWord(dst[0x10:], src[0x10:])
	copyWord(dst[0x18:], src[0x18:])
	copyWord(dst[0x20:], src[0x20:])
	copyWord(dst[0x28:], src[0x28:])
	copyWord(dst[0x30:], src[0x30:])
	copyWord(dst[0x38:], src[0x38:])
}

// push is Push for every ring and machine.
func push(dst []byte, r *mlx5model.Ring, pi, n uint32) {
	for i := range n {
		Copy((*Block)(dst[i*mlx5model.WQEBBSize:]), At(r, pi+i))
	}
}

func copyWord(dst, src []byte) { binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)) }

// PutWords writes a WQEBB: four words, and zeroes behind them. Control and UMR
// control segment are such a WQEBB, and a mkey context whose list size and page
// size a UMR leaves alone: Rights, flags and PD, start_addr, len. SET_PSVs and
// some BSFs are too.
func PutWords(b *Block, w0, w1, w2, w3 uint64) {
	PutHalf(b, w0, w1, w2, w3)
	clear(b[0x20:])
}

// PutContext writes a mkey context, the second WQEBB of a UMR: its first word
// (see Rights), flags and PD, start_addr, len, translations_octword_size, and
// the last word (see Page). The rest is 0.
func PutContext(b *Block, rights, flagsPD, start, length, octowords, page uint64) {
	PutHalf(b, rights, flagsPD, start, length)
	PutSizes(b, octowords, page)
}

// PutSizes is the second half of PutContext.
func PutSizes(b *Block, octowords, page uint64) {
	clear(b[0x20:0x30])
	put(b[0x30:], octowords)
	put(b[0x38:], page)
}

// Page is the last word of a mkey context: the byte at 3Bh that holds
// log_page_size.
func Page(b uint8) uint64 { return uint64(b) << 32 }

// PutHalf writes the first half of a WQEBB.
func PutHalf(b *Block, w0, w1, w2, w3 uint64) {
	put(b[0x00:], w0)
	put(b[0x08:], w1)
	put(b[0x10:], w2)
	put(b[0x18:], w3)
}
