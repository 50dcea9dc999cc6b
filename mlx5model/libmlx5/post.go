package libmlx5

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

//go:generate go -C _generate run . -out ../post_amd64.s

// PostMRList posts one list: Start, flags as the wr_flags, MRList and Complete,
// whose error it returns.
//
// For a key without attributes on a queue without WQE signatures, and a list that
// a WQE has room for, that is one pass over the list on amd64 with AVX2, which
// writes what the calls would write; list must not overlap with the ring.
func (q *QP) PostMRList(flags SendFlags, mkey *Mkey, access Access, list []sg.Entry) error {
	return postMRList(q, mkey, unsafe.SliceData(list), len(list), flags, access)
}

// postMRListFallback is PostMRList in its words: every key and list, everywhere.
func postMRListFallback(q *QP, mkey *Mkey, list *sg.Entry, n int, flags SendFlags, access Access) error {
	q.Start()
	q.Flags = flags
	q.MRList(mkey, access, unsafe.Slice(list, n))
	return q.Complete()
}
