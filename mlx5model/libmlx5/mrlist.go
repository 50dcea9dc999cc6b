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
	wqebbs := listBlock + uint32(sendq.ListBlocks(len(list)))
	if q.err != nil || q.Flags&Inline == 0 || q.WQSig || q.NoTagUpdate || q.MaxPost != 0 && q.full() ||
		access&^accessMkey != 0 || n > uint64(mkey.NumDesc) || n > q.maxOctowords() || wqebbs > q.Ring.WQEBBs() || mkey.hasAttributes() {
		q.mrListBySetters(mkey, access, list)
		return
	}
	pi, octowords := q.CurPost, 4*(wqebbs-listBlock)
	q.ctrl, q.size, q.mkey = pi, 4*wqebbs, nil
	sendq.PutHalf(sendq.At(q.Ring, pi),
		sendq.Head(uint16(pi), mlx5model.OpUMR, q.QPN, 4*wqebbs),
		sendq.Flags(0, q.fmCeSe(), mkey.Lkey),
		sendq.UMR(mlx5model.UMRInline, uint16(octowords), 0),
		listMask)
	q.FMCache = mlx5model.FenceSmall
	q.CurPost = pi + wqebbs
	q.nreq++
	rights := sendq.Rights(access.bits(), mlx5model.QPNAny, mlx5model.KeyTag(mkey.Lkey))
	mkey.length = sendq.PutRest(q.Ring, pi, rights, q.Version != V44, list)
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
