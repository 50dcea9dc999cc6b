package sendq

import "github.com/sgfuzz/sgfuzz/mlx5model"

// PutCtrl writes a control segment to the front of a WQEBB.
func PutCtrl(b *Block, head, flags uint64) {
	put(b[0:], head)
	put(b[8:], flags)
}

// PutRaddr writes the remote address segment behind a control segment.
// Authority: include/linux/mlx5/qp.h mlx5_wqe_raddr_seg.
func PutRaddr(b *Block, raddr uint64, rkey uint32) {
	put(b[mlx5model.CtrlSize:], raddr)
	put(b[mlx5model.CtrlSize+8:], uint64(rkey)<<32)
}
