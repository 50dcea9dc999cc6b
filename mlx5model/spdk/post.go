package spdk

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

//go:generate go -C _generate run . -out ../post_amd64.s

// UMRConfigure writes a UMR that makes mkey the concatenation of the entries of
// list with a length of umrLen bytes, and valid (spdk_mlx5_umr_configure).
//
// With AVX2 on amd64 that is one pass over the list in assembly, but for WQEs that
// the ring's end cuts in front of the list or that are longer than DS can say. list
// must not overlap with the ring.
func (q *QP) UMRConfigure(mkey, umrLen uint32, list []sg.Entry, flags uint8) error {
	return umrConfigure(q, keyAndLen(mkey, umrLen), unsafe.SliceData(list), len(list), flags)
}

// PostUMR is UMRConfigure and, unless that refuses, CompleteSend, in one pass.
func (q *QP) PostUMR(mkey, umrLen uint32, list []sg.Entry, flags uint8) error {
	return umrPost(q, keyAndLen(mkey, umrLen), unsafe.SliceData(list), len(list), flags)
}

// keyAndLen puts two arguments into one: the key is the low half.
func keyAndLen(mkey, umrLen uint32) uint64 { return uint64(umrLen)<<32 | uint64(mkey) }

// umrConfigureFallback is umrConfigure for every queue and list, everywhere.
func umrConfigureFallback(q *QP, keyLen uint64, list *sg.Entry, n int, flags uint8) error {
	_, err := q.umr(uint32(keyLen), uint32(keyLen>>32), unsafe.Slice(list, n), flags, &plain)
	return err
}

// umrPostFallback is umrPost in its words.
func umrPostFallback(q *QP, keyLen uint64, list *sg.Entry, n int, flags uint8) error {
	if err := umrConfigureFallback(q, keyLen, list, n, flags); err != nil {
		return err
	}
	q.CompleteSend()
	return nil
}
