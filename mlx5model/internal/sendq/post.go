package sendq

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Send flags of work requests.
// Authority: include/rdma/ib_verbs.h enum ib_send_flags.
const (
	SendSignaled  = 1 << 1
	SendSolicited = 1 << 2
)

// Access rights of work requests.
// Authority: include/rdma/ib_verbs.h enum ib_access_flags; rdma-core
// libibverbs/verbs.h enum ibv_access_flags has the same.
const (
	accessLocalWrite   = 1 << 0
	accessRemoteWrite  = 1 << 1
	accessRemoteRead   = 1 << 2
	accessRemoteAtomic = 1 << 3
)

// Access gives the bits of a mkey context's access byte for verbs access
// rights: local write, remote read, remote write, remote atomic. Local read is
// not among them.
func Access(verbs uint32) uint8 { return access[verbs%uint32(len(access))] }

var access = func() (t [16]uint8) {
	for verbs := range t {
		for _, right := range [...]struct {
			verbs int
			mkc   uint8
		}{
			{accessLocalWrite, mlx5model.AccLW},
			{accessRemoteWrite, mlx5model.AccRW},
			{accessRemoteRead, mlx5model.AccRR},
			{accessRemoteAtomic, mlx5model.AccA},
		} {
			if verbs&right.verbs != 0 {
				t[verbs] |= right.mkc
			}
		}
	}
	return t
}()

// Post is what does not change in one ib_post_send call, and the part of it that
// the kernel's drivers of all times do alike (drivers/infiniband/hw/mlx5/wr.c
// mlx5r_begin_wqe, mlx5r_finish_wqe and their forerunners in qp.c). The
// producer counter goes from call to call in registers: WQEs would wait for one
// another if it went through memory.
type Post struct {
	Ring   *mlx5model.Ring
	QPN    uint32 // 24 bits
	SigAll bool   // every request asks for a completion
	WQSig  bool   // WQE signatures enabled
}

// Fits reports whether the ring holds a WQE of ds units.
func (p *Post) Fits(ds uint32) bool { return ds <= p.Ring.WQEBBs()*4 }

// fmCeSe is the byte of the control segment for send flags, without a fence.
func (p *Post) fmCeSe(send uint8) uint8 {
	b := send & SendSolicited / (SendSolicited / mlx5model.CtrlSolicited)
	if p.SigAll || send&SendSignaled != 0 {
		b |= mlx5model.CtrlCEAlways
	}
	return b
}

// Refuse writes what a request leaves behind that is refused once it is begun:
// bytes 8 to Fh of the control segment.
func (p *Post) Refuse(at uint16, send uint8, imm uint32) {
	put(At(p.Ring, uint32(at))[8:], Flags(0, p.fmCeSe(send), imm))
}

// Flags is the second word of a control segment.
func (p *Post) Flags(send, fence uint8, imm uint32) uint64 {
	var signature uint8
	if p.WQSig {
		// The driver takes the length from the signature byte itself, which
		// is 0, and so complements an empty sum (wr.c wq_sig).
		signature = 0xff
	}
	return Flags(signature, p.fmCeSe(send)|fence, imm)
}

// LocalInv writes an invalidate: the key becomes free, its tag stays (wr.c
// set_linv_wr). It returns the WQE's units.
func (p *Post) LocalInv(at uint16, send, fence uint8, key uint32) (ds uint32) {
	const size = mlx5model.UMRFixedDS
	PutWords(At(p.Ring, uint32(at)), Head(at, mlx5model.OpUMR, p.QPN, size), p.Flags(send, fence, key),
		UMR(mlx5model.UMRInline, 0, 0), mlx5model.MaskFree)
	PutWords(At(p.Ring, uint32(at)+1), Free, 0, 0, 0)
	return size
}

// Transfer writes the control segment and the data segments of a send or RDMA
// request, those from unit first on; entries without bytes are left out. What
// lies between is the caller's. It returns the WQE's units.
func (p *Post) Transfer(at uint16, op mlx5model.Opcode, first uint32, send, fence uint8, imm uint32, list []sg.Entry) (ds uint32) {
	ds = first
	for i := range list {
		if list[i].Len != 0 {
			ds++
		}
	}
	PutCtrl(At(p.Ring, uint32(at)), Head(at, op, p.QPN, ds), p.Flags(send, fence, imm))
	for i := range list {
		if e := &list[i]; e.Len != 0 {
			PutEntry(p.Ring.At(uint32(at), int(first)*mlx5model.DSSize), e.Len, e.Lkey, e.Addr)
			first++
		}
	}
	return ds
}

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

// PutDescs copies a list of KLMs or MTTs, less than 64 bytes of it, into a WQEBB.
// It reads words for the reason that Copy gives.
func PutDescs(b *Block, list []byte) {
	for i := 0; i+8 <= len(list); i += 8 {
		binary.LittleEndian.PutUint64(b[i&0x38:], binary.LittleEndian.Uint64(list[i:]))
	}
}
