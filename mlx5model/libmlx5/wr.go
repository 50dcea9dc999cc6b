package libmlx5

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// Access are access flags of keys and windows.
// Authority: libibverbs/verbs.h enum ibv_access_flags.
type Access uint32

// Access flags.
const (
	LocalWrite      Access = 1
	RemoteWrite     Access = 2
	RemoteRead      Access = 4
	RemoteAtomic    Access = 8
	MWBind          Access = 16
	ZeroBased       Access = 32
	RelaxedOrdering Access = 1 << 20

	accessMkey = LocalWrite | RemoteWrite | RemoteRead | RemoteAtomic
)

// bits is the access byte of a mkey context. Local read, umr_en and the access
// mode stay 0: their mask bits are not set.
func (a Access) bits() uint8 { return sendq.Access(uint32(a)) }

// RDMAWrite adds an RDMA WRITE from the entries of list to remote address
// raddr under rkey. Entries of length zero are left out.
func (q *QP) RDMAWrite(rkey uint32, raddr uint64, list []sg.Entry) {
	q.rdma(mlx5model.OpRDMAWrite, rkey, raddr, list)
}

// RDMARead adds an RDMA READ from remote address raddr under rkey into the
// entries of list. Entries of length zero are left out.
func (q *QP) RDMARead(rkey uint32, raddr uint64, list []sg.Entry) {
	q.rdma(mlx5model.OpRDMARead, rkey, raddr, list)
}

// Send adds a SEND of the entries of list. Entries of length zero are left
// out. Bytes C to F of the control segment are not written.
func (q *QP) Send(list []sg.Entry) {
	if b := q.begin(mlx5model.OpSend); b != nil {
		q.sges(list)
	}
}

func (q *QP) rdma(op mlx5model.Opcode, rkey uint32, raddr uint64, list []sg.Entry) {
	b := q.begin(op)
	if b == nil {
		return
	}
	binary.BigEndian.PutUint64(b[0x10:], raddr)
	binary.BigEndian.PutUint32(b[0x18:], rkey)
	binary.BigEndian.PutUint32(b[0x1c:], 0)
	q.size += mlx5model.RaddrSize / mlx5model.DSSize
	q.sges(list)
}

// sges writes the data segments and finishes the WQE. It is a setter that, in
// contrast to those of a memory key, runs after an error too.
func (q *QP) sges(list []sg.Entry) {
	if room := min(mlx5model.MaxDS, 4*q.Ring.WQEBBs()) - q.size; uint64(len(list)) > uint64(room) && nonEmpty(list) > room {
		q.fail(ENOMEM)
		return
	}
	for i := range list {
		if list[i].Len == 0 {
			continue
		}
		seg := mlx5model.DataSeg{ByteCount: list[i].Len, Lkey: list[i].Lkey, Addr: list[i].Addr}
		seg.Put(q.octoword(q.size))
		q.size++
	}
	q.finish()
}

func nonEmpty(list []sg.Entry) uint32 {
	n := uint32(0)
	for i := range list {
		if list[i].Len != 0 {
			n++
		}
	}
	return n
}

// listBlock is the WQEBB where the list of a UMR begins.
const listBlock = mlx5model.UMRDataOff / mlx5model.WQEBBSize

// Masks of mkey fields that binds and invalidates write.
const (
	unbindMask = mlx5model.MaskFree | mlx5model.MaskKey | mlx5model.MaskQPN
	bindMask   = unbindMask | mlx5model.MaskLen | mlx5model.MaskStartAddr | mlx5model.MaskAccess
)

// maxBind is the longest window: a KLM holds no more bytes.
const maxBind = 1 << 31

// LocalInv adds a local invalidate of rkey: a UMR that frees the key, sets its
// tag to 0 and opens it to all QPs. It fails on the device unless the key
// belongs to this QP. Bytes of the mkey context other than the first and the
// QPN word are not written.
func (q *QP) LocalInv(rkey uint32) {
	if b := q.begin(mlx5model.OpUMR); b != nil {
		binary.BigEndian.PutUint32(b[0xc:], rkey)
		q.unbind(b, 0)
	}
}

// Window is a binding of a type-2 memory window (struct ibv_mw_bind_info).
type Window struct {
	Addr   uint64 // first byte, in the address space of the region below
	Length uint64 // bytes, 0 to 2^31; 0 unbinds
	Access Access // ZeroBased gives the window addresses from 0
	Lkey   uint32 // the region below; not looked at for Length 0
}

// BindMW adds a bind of the type-2 window whose key is rkey now and newRkey
// afterwards; of newRkey only the tag is used. A window over 2^31 bytes is
// EOPNOTSUPP, after the control segment was written and the fence consumed.
func (q *QP) BindMW(rkey, newRkey uint32, w Window) {
	b := q.begin(mlx5model.OpUMR)
	if b == nil {
		return
	}
	binary.BigEndian.PutUint32(b[0xc:], rkey)
	switch {
	case w.Length > maxBind:
		q.fail(EOPNOTSUPP)
	case w.Length == 0:
		q.unbind(b, uint8(newRkey))
	default:
		q.bind(b, uint8(newRkey), w)
	}
}

// unbind writes the rest of a UMR that frees a window or a key.
func (q *QP) unbind(b *[mlx5model.WQEBBSize]byte, tag uint8) {
	umr := mlx5model.UMRCtrl{Flags: mlx5model.UMRInline | mlx5model.UMROffsetEn | mlx5model.UMRCheckQPN, Mask: unbindMask}
	umr.Put(b[mlx5model.CtrlSize:])
	m := q.block(1)
	m[0] = mlx5model.MkeyFree
	binary.BigEndian.PutUint32(m[4:], mlx5model.QPNAny<<8|uint32(tag))
	q.size = mlx5model.UMRFixedDS
	q.finish()
	q.FMCache = mlx5model.FenceSmall
}

// bind writes the rest of a UMR that opens a window. The KLM holds the address
// below even if the window is zero based.
func (q *QP) bind(b *[mlx5model.WQEBBSize]byte, tag uint8, w Window) {
	umr := mlx5model.UMRCtrl{
		Flags:        mlx5model.UMRInline | mlx5model.UMROffsetEn | mlx5model.UMRCheckNotFree,
		XltOctowords: uint16(mlx5model.ListOctowords(mlx5model.KLMSize)),
		Mask:         bindMask,
	}
	umr.Put(b[mlx5model.CtrlSize:])
	m := q.block(1)
	m[0] = 0
	m[2] = w.Access.bits()
	binary.BigEndian.PutUint32(m[4:], q.QPN<<8|uint32(tag))
	start := w.Addr
	if w.Access&ZeroBased != 0 {
		start = 0
	}
	binary.BigEndian.PutUint64(m[0x10:], start)
	binary.BigEndian.PutUint64(m[0x18:], w.Length)
	list := q.block(listBlock)
	klm := mlx5model.KLM{ByteCount: uint32(w.Length), Key: w.Lkey, VA: w.Addr}
	klm.Put(list[:])
	clear(list[mlx5model.KLMSize:])
	q.size = mlx5model.UMRFixedDS + uint32(umr.XltOctowords)
	q.finish()
	q.FMCache = mlx5model.FenceSmall
}
