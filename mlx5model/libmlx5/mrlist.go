package libmlx5

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// MRList adds a UMR that makes mkey the concatenation of the entries of list,
// zero based (mlx5dv_wr_mr_list): MkeyConfigure with two setters, SetAccess and
// SetLayoutList.
func (q *QP) MRList(mkey *Mkey, access Access, list []sg.Entry) {
	if q.plain(mkey, access, uint64(len(list))) {
		q.mrList(mkey, access, list)
		return
	}
	q.MkeyConfigure(mkey, 2, 0)
	q.SetAccess(access)
	q.SetLayoutList(list)
}

// plain reports whether mrList can write the UMR of n entries: no setter would
// fail, the key has no attributes, the WQE no signature, and the WQE fits the
// ring, so that no part of it is written over another.
func (q *QP) plain(mkey *Mkey, access Access, n uint64) bool {
	return q.err == nil && q.Flags&Inline != 0 && !q.WQSig && !q.full() &&
		access&^accessMkey == 0 && n <= min(q.maxOctowords(), uint64(mkey.NumDesc)) &&
		!mkey.Signature && mkey.sigState == bsfInit && mkey.cryptoState == bsfInit &&
		!(q.NoTagUpdate && mlx5model.KeyTag(mkey.Lkey) != 0) &&
		n <= uint64(4*(q.Ring.WQEBBs()-min(q.Ring.WQEBBs(), listBlock)))
}

// mrList writes the UMR of a plain key in one go. The region's length is known
// only when the list is written, and so the mkey context comes last.
func (q *QP) mrList(mkey *Mkey, access Access, list []sg.Entry) {
	tag := mlx5model.KeyTag(mkey.Lkey)
	octowords := uint32(4 * sendq.ListBlocks(len(list)))
	q.ctrl, q.size = q.CurPost, mlx5model.UMRFixedDS+octowords
	q.mkey = nil
	sendq.PutWords(sendq.At(q.Ring, q.ctrl),
		sendq.Head(uint16(q.ctrl), mlx5model.OpUMR, q.QPN, q.size),
		sendq.Flags(0, q.fmCeSe(), mkey.Lkey),
		sendq.UMR(mlx5model.UMRInline, uint16(octowords), 0),
		listMask)
	mkey.length = q.length(sendq.PutList(q.Ring, q.ctrl, list))
	sendq.PutWords(sendq.At(q.Ring, q.ctrl+1), sendq.Rights(access.bits(), mlx5model.QPNAny, tag), 0, 0, mkey.length)
	q.FMCache = mlx5model.FenceSmall
	q.CurPost += (q.size + 3) / 4
	q.nreq++
}

// listMask are the fields that a UMR of MkeyConfigure, SetAccess and
// SetLayoutList writes.
const listMask = mlx5model.MaskFree | mlx5model.MaskKey | mlx5model.MaskAccess | mlx5model.MaskLen
