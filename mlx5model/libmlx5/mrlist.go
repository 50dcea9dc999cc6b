package libmlx5

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// MRList adds a UMR that makes mkey the concatenation of the entries of list,
// zero based (mlx5dv_wr_mr_list): MkeyConfigure with two setters, SetAccess and
// SetLayoutList.
//
// The setters change the WQE in place. Where none of them would fail, the key
// has no attributes and the WQE no signature, it is written in one go instead.
// In a ring that is too short for it no such WQE is written: parts would
// overwrite one another in the setters' order.
func (q *QP) MRList(mkey *Mkey, access Access, list []sg.Entry) {
	n := uint64(len(list))
	wqebbs := (len(list)+3)>>2 + listBlock
	if q.err != nil || q.Flags&Inline == 0 || q.WQSig || q.NoTagUpdate || q.MaxPost != 0 && q.full() ||
		access&^accessMkey != 0 || n > uint64(mkey.NumDesc) || n > q.maxOctowords() || uint32(wqebbs) > q.Ring.WQEBBs() || mkey.hasAttributes() {
		q.mrListBySetters(mkey, access, list)
		return
	}
	flags := q.fmCeSe()
	q.FMCache = mlx5model.FenceSmall
	q.mkey = nil
	buf, at := q.Ring.Bytes(), int(q.Ring.Index(q.CurPost))*mlx5model.WQEBBSize
	if avx2 && n > 0 && at+wqebbs*mlx5model.WQEBBSize <= len(buf) {
		mkey.length = mrListAVX2(q, &buf[at], &list[0], len(list), mkey.Lkey, flags, access.bits(), q.Version != V44)
		return
	}
	q.mrList(mkey, access, list, flags)
}

// mrList writes and counts the UMR on every machine and across the ring's end.
func (q *QP) mrList(mkey *Mkey, access Access, list []sg.Entry, flags uint8) {
	octowords := uint32(4 * sendq.ListBlocks(len(list)))
	q.ctrl, q.size = q.CurPost, mlx5model.UMRFixedDS+octowords
	q.CurPost += q.size / 4
	q.nreq++
	sendq.PutWords(sendq.At(q.Ring, q.ctrl),
		sendq.Head(uint16(q.ctrl), mlx5model.OpUMR, q.QPN, q.size),
		sendq.Flags(0, flags, mkey.Lkey),
		sendq.UMR(mlx5model.UMRInline, uint16(octowords), 0),
		listMask)
	mkey.length = q.length(list)
	sendq.PutWords(sendq.At(q.Ring, q.ctrl+1), sendq.Rights(access.bits(), mlx5model.QPNAny, mlx5model.KeyTag(mkey.Lkey)), 0, 0, mkey.length)
	sendq.PutList(q.Ring, q.ctrl, list)
}

// mrListBySetters is MRList for every key and queue.
func (q *QP) mrListBySetters(mkey *Mkey, access Access, list []sg.Entry) {
	q.MkeyConfigure(mkey, 2, 0)
	q.SetAccess(access)
	q.SetLayoutList(list)
}

// hasAttributes reports whether a UMR of the key might carry more than its list.
func (m *Mkey) hasAttributes() bool {
	return m.Signature || m.sigState != bsfInit || m.cryptoState != bsfInit
}

// listMask are the fields that a UMR of MkeyConfigure, SetAccess and
// SetLayoutList writes.
const listMask = mlx5model.MaskFree | mlx5model.MaskKey | mlx5model.MaskAccess | mlx5model.MaskLen
