package linux

import (
	"unsafe"

	"github.com/sgfuzz/sgfuzz/sg"
)

//go:generate go -C _generate run . -out ../register_amd64.s

// Register maps l to the region wr.MR and posts wr, a REG_MR, with its
// doorbell: MapSG and, if that mapped the whole list, PostSend of wr alone, as
// kernel consumers do (drivers/nvme/host/rdma.c nvme_rdma_map_sg_fr). mapped is
// what ib_map_mr_sg returned; err is what ib_post_send returned, and 0 if it was
// not called because mapped is not len(l). pageSize and lkey are those of
// MapSG. It leaves wr unchanged.
//
// A wr that is no REG_MR, or has no region, is refused with -EINVAL before
// anything is mapped.
//
// For a region of KLMs that is one pass over the list on amd64 with AVX2, which
// writes what the two calls would write; l must not overlap with the region's
// buffer or the ring.
func (qp *QP) Register(wr *WR, l sg.List, pageSize, lkey uint32) (mapped, err int) {
	return register(qp, wr, unsafe.SliceData(l), len(l), pageSize, lkey)
}

// registerFallback is Register in its words: every list, everywhere.
func registerFallback(qp *QP, wr *WR, list *sg.Entry, n int, pageSize, lkey uint32) (mapped, err int) {
	if wr.Op != OpRegMR || wr.MR == nil {
		return 0, errINVAL
	}
	if mapped = wr.MR.MapSG(unsafe.Slice(list, n), nil, pageSize, lkey).Ret; mapped != n {
		return mapped, 0
	}
	return mapped, qp.PostSend(unsafe.Slice(wr, 1)).Err
}
