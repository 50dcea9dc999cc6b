package reg

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/ofed"
	"github.com/sgfuzz/sgfuzz/sg"
)

// ofedEncoder posts the original indirect registration: KLM lists, always by
// pointer.
type ofedEncoder struct {
	qp   ofed.QP
	list ofed.IndirList
	wr   [1]ofed.WR
	pi   uint32
}

func (*ofedEncoder) Name() string { return "ofed" }

func (*ofedEncoder) Rules() *mlx5model.Rules { return &ofed.Rules }

func (*ofedEncoder) Caps() EncoderCaps {
	return EncoderCaps{
		KLM: true, Pointer: true, Rekey: true, Invalidate: true, RDMARead: true,
		MaxList: mlx5model.MaxKLMs, ListSlack: 4,
		Mask: mlx5model.MaskLen | mlx5model.MaskPageSize | mlx5model.MaskStartAddr | mlx5model.MaskKey | mlx5model.MaskAccess | mlx5model.MaskFree,
	}
}

func (*ofedEncoder) Context(_ mlx5model.AccessMode, max int, pd uint32, tag uint8, _ uint8) mlx5model.MkeyContext {
	return ofed.MkeyContext(uint32(max), pd, tag)
}

func (x *ofedEncoder) Attach(ring *mlx5model.Ring, qpn, pd, localKey, pi uint32) {
	x.qp = ofed.QP{Ring: ring, QPN: qpn, PDN: pd, PALkey: localKey, CurPost: uint16(pi)}
	x.pi = pi
}

func (x *ofedEncoder) PI() uint32 { return x.pi }

func (x *ofedEncoder) send() error {
	res := x.qp.PostSend(x.wr[:])
	x.pi += uint32(x.qp.CurPost - uint16(x.pi))
	if res.Err != 0 {
		return fmt.Errorf("ib_post_send returned %d: %w", res.Err, ErrUnsupported)
	}
	return nil
}

// Register hands over a list that is in place already.
func (x *ofedEncoder) Register(w *RegWR) (va uint64, err error) {
	x.list = ofed.IndirList{DMA: w.ListAddr, Buf: w.List}
	x.wr[0] = ofed.WR{
		Op: ofed.OpRegIndirMR, Key: w.Key, Access: verbsAccess(w.Access),
		IOVA: w.IOVA, Length: w.Length, List: &x.list, ListLen: uint32(w.N),
	}
	if w.Signaled {
		x.wr[0].Flags = ofed.SendSignaled
	}
	return w.IOVA, x.send()
}

func (x *ofedEncoder) Invalidate(key uint32) error {
	x.wr[0] = ofed.WR{Op: ofed.OpLocalInv, Key: key}
	return x.send()
}

func (x *ofedEncoder) RDMA(write bool, raddr uint64, rkey uint32, sges []sg.Entry) error {
	x.wr[0] = ofed.WR{Op: ofed.OpRDMARead, RAddr: raddr, RKey: rkey, SGEs: sges}
	if write {
		x.wr[0].Op = ofed.OpRDMAWrite
	}
	return x.send()
}

// Size is that of a pointer: nine units.
func (*ofedEncoder) Size(mlx5model.AccessMode, int) int {
	return mlx5model.UMRDataOff/mlx5model.WQEBBSize + 1
}
