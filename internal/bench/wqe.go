package bench

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
	"github.com/sgfuzz/sgfuzz/sg"
)

// linuxWQE is wqe_linux by package linux.
type linuxWQE struct {
	list sg.List
	qp   linux.QP
	mr   linux.MR
	wr   linux.WR
}

func newLinuxWQE(l sg.List) (work, error) {
	w := &linuxWQE{
		list: l,
		qp:   linux.QP{Ring: newRing(), QPN: qpn, LocalDMALkey: localKey, UMRFence: mlx5model.FenceStrong},
		mr:   linux.MR{Mode: mlx5model.ModeKLM, MaxDescs: len(l), DescMap: listAddr, Descs: make([]byte, len(l)*mlx5model.KLMSize)},
	}
	access := uint32(linux.AccessLocalWrite | linux.AccessRemoteRead | linux.AccessRemoteWrite)
	w.wr = linux.WR{Op: linux.OpRegMR, MR: &w.mr, Key: mkey, Access: access}
	return w, nil
}

func (w *linuxWQE) rounds(n int) error {
	for range n {
		if mapped, err := w.qp.Register(&w.wr, w.list, 4096, localKey); mapped != len(w.list) || err != 0 {
			return fmt.Errorf("%d of %d entries mapped, ib_post_send returned %d", mapped, len(w.list), err)
		}
	}
	return nil
}

func (w *linuxWQE) output() []byte {
	return request(w.qp.Ring, w.mr.Descs, w.qp.DBRec, w.qp.Doorbell[:])
}

// libmlx5WQE is wqe_libmlx5 by package libmlx5.
type libmlx5WQE struct {
	list sg.List
	qp   *libmlx5.QP
	mkey libmlx5.Mkey
}

func newLibmlx5WQE(l sg.List) (work, error) {
	qp, err := libmlx5.NewQP(newRing(), libmlx5.V44, qpn, maxInline*mlx5model.KLMSize-4)
	if err != nil {
		return nil, err
	}
	qp.MaxPost = 2 * batchWRs
	return &libmlx5WQE{list: l, qp: qp, mkey: libmlx5.NewMkey(mkey>>8, maxInline, libmlx5.InitIndirect)}, nil
}

func (w *libmlx5WQE) rounds(n int) error {
	qp, key, list := w.qp, &w.mkey, w.list
	for i := range n {
		if i%batchWRs == 0 {
			qp.Tail = qp.Head // as if all before were complete
		}
		if err := qp.PostMRList(libmlx5.Inline, key, libmlx5.LocalWrite|libmlx5.RemoteRead|libmlx5.RemoteWrite, list); err != nil {
			return err
		}
	}
	return nil
}

// batchWRs is how many requests libmlx5's queue has posted when their completions
// come; c/libmlx5.c has the same.
const batchWRs = 32

func (w *libmlx5WQE) output() []byte {
	return request(w.qp.Ring, nil, w.qp.DBRec, w.qp.BlueFlame())
}

// spdkWQE is wqe_spdk by package spdk.
type spdkWQE struct {
	list sg.List
	len  uint32
	qp   *spdk.QP
}

func newSPDKWQE(l sg.List) (work, error) {
	return &spdkWQE{l, uint32(l.Total()), spdk.NewQP(newRing(), spdk.SigNone, qpn, maxInline)}, nil
}

func (w *spdkWQE) rounds(n int) error {
	qp, list, length := w.qp, w.list, w.len
	for range n {
		qp.TxAvailable = ringWQEBBs // as if all before were complete
		if err := qp.PostUMR(mkey, length, list, 0); err != nil {
			return err
		}
	}
	return nil
}

func (w *spdkWQE) output() []byte {
	return request(w.qp.Ring, nil, w.qp.DBRec, w.qp.Doorbell[:])
}
