package libmlx5

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/sendq"
	"github.com/sgfuzz/sgfuzz/sg"
)

// ConfFlags are the conf_flags of struct mlx5dv_mkey_conf_attr.
// Authority: providers/mlx5/mlx5dv.h enum mlx5dv_mkey_conf_flags.
type ConfFlags uint32

// ResetSigAttr forgets a key's signature attributes. It changes nothing for a
// key without them.
const ResetSigAttr ConfFlags = 1

// Interleaved is one entry of an interleaved layout (struct
// mlx5dv_mr_interleaved).
type Interleaved struct {
	Addr       uint64 // of the first block
	BytesCount uint32 // bytes per block; the WQE keeps the low 16 bits
	BytesSkip  uint32 // bytes between blocks; the WQE keeps the low 16 bits of count + skip
	Lkey       uint32
}

// MRInterleaved adds a UMR that makes mkey repeat times a block of each entry,
// zero based (mlx5dv_wr_mr_interleaved): MkeyConfigure with two setters,
// SetAccess and SetLayoutInterleaved.
func (q *QP) MRInterleaved(mkey *Mkey, access Access, repeat uint32, entries []Interleaved) {
	q.MkeyConfigure(mkey, 2, 0)
	q.SetAccess(access)
	q.SetLayoutInterleaved(repeat, entries)
}

// MkeyConfigure begins a UMR of mkey that numSetters setters complete
// (mlx5dv_wr_mkey_configure); with none it is complete at once, and frees
// nothing but makes the key valid under its tag. Without the Inline flag, or
// with unknown conf flags, the error is EOPNOTSUPP, in place of an earlier one,
// and nothing is written.
func (q *QP) MkeyConfigure(mkey *Mkey, numSetters uint8, conf ConfFlags) {
	if q.Flags&Inline == 0 || conf&^ResetSigAttr != 0 || q.NoTagUpdate && mlx5model.KeyTag(mkey.Lkey) != 0 {
		q.err = EOPNOTSUPP
		return
	}
	b := q.begin(mlx5model.OpUMR)
	if b == nil {
		return
	}
	binary.BigEndian.PutUint32(b[0xc:], mkey.Lkey)
	umr := mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, Mask: mlx5model.MaskFree | mlx5model.MaskKey}
	umr.Put(b[mlx5model.CtrlSize:])
	m := q.block(1)
	clear(m[:])
	binary.BigEndian.PutUint32(m[4:], mlx5model.QPNAny<<8|uint32(mlx5model.KeyTag(mkey.Lkey)))
	q.FMCache = mlx5model.FenceSmall
	q.size = mlx5model.UMRFixedDS
	mkey.age(conf)
	q.mkey, q.setters, q.numSetters = mkey, 0, uint32(numSetters)
	if numSetters == 0 {
		q.configured()
	}
}

// age makes attributes that an earlier configuration gave old ones.
func (m *Mkey) age(conf ConfFlags) {
	if m.sigState == bsfReset {
		m.sigState = bsfInit
	}
	if m.sigState == bsfUpdated {
		m.sigState = bsfSet
	}
	if m.cryptoState == bsfUpdated {
		m.cryptoState = bsfSet
	}
	if m.Signature && conf&ResetSigAttr != 0 {
		m.sig, m.sigState = SigBlock{}, bsfReset
	}
}

// SetAccess is a setter for the key's rights, among LocalWrite, RemoteWrite,
// RemoteRead and RemoteAtomic (mlx5dv_wr_set_mkey_access_flags). Other flags,
// a second call and a call outside of a configuration are EINVAL.
func (q *QP) SetAccess(access Access) {
	if q.err != nil {
		return
	}
	if q.mkey == nil || access&^accessMkey != 0 || q.mask()&mlx5model.MaskAccess != 0 {
		q.err = EINVAL
		return
	}
	q.addMask(mlx5model.MaskAccess)
	q.context()[2] = access.bits()
	q.setterDone()
}

// SetLayoutList is a setter that makes the key the concatenation of the
// entries (mlx5dv_wr_set_mkey_layout_list). More entries than the key or the
// WQE can hold are ENOMEM; a second layout and a call outside of a
// configuration are EINVAL. Only a layout that wrote a list counts as a first.
func (q *QP) SetLayoutList(list []sg.Entry) {
	if !q.mayLayout(uint64(len(list)), q.maxOctowords()) {
		return
	}
	sendq.PutList(q.Ring, q.ctrl, list)
	q.layout(uint32(4*sendq.ListBlocks(len(list))), q.length(list))
}

// length is the length of the region. Version 44 adds up in an int.
func (q *QP) length(list []sg.Entry) uint64 {
	total := sendq.Total(list)
	if q.Version == V44 {
		return uint64(int32(uint32(total)))
	}
	return total
}

// SetLayoutInterleaved is a setter that makes the key repeat times a block of
// each entry (mlx5dv_wr_set_mkey_layout_interleaved). Blocks and strides are
// cut to 16 bits each in the WQE and the cycle to 32, but the region's length
// is computed from the whole values modulo 2^64. Errors are those of
// SetLayoutList; the header's octoword is not counted against the key's
// capacity, as in the library.
func (q *QP) SetLayoutInterleaved(repeat uint32, entries []Interleaved) {
	if !q.mayLayout(uint64(len(entries)), q.maxOctowords()-1) {
		return
	}
	var cycle uint64
	for i := range entries {
		cycle += uint64(entries[i].BytesCount)
		q.putRepeat(uint32(i)+1, &entries[i])
	}
	head := q.octoword(mlx5model.UMRFixedDS)
	binary.BigEndian.PutUint32(head, uint32(cycle))
	binary.BigEndian.PutUint32(head[4:], mlx5model.RepeatOp)
	binary.BigEndian.PutUint32(head[8:], repeat)
	binary.BigEndian.PutUint32(head[12:], uint32(len(entries)))
	octowords := uint32(mlx5model.AlignUp(uint64(len(entries))+1, 4))
	for i := uint32(len(entries)) + 1; i < octowords; i++ {
		clear(q.octoword(mlx5model.UMRFixedDS + i))
	}
	q.layout(octowords, cycle*uint64(repeat))
}

func (q *QP) putRepeat(at uint32, e *Interleaved) {
	b := q.octoword(mlx5model.UMRFixedDS + at)
	binary.BigEndian.PutUint16(b, uint16(e.BytesCount+e.BytesSkip))
	binary.BigEndian.PutUint16(b[2:], uint16(e.BytesCount))
	binary.BigEndian.PutUint32(b[4:], e.Lkey)
	binary.BigEndian.PutUint64(b[8:], e.Addr)
}

// SetSigBlock is a setter for the key's signatures
// (mlx5dv_wr_set_mkey_sig_block). Unknown types, sizes and flags, a key without
// signature, a second call and a call outside of a configuration are EINVAL.
func (q *QP) SetSigBlock(attr *SigBlock) {
	if q.err != nil {
		return
	}
	if q.mkey == nil || !q.mkey.Signature || q.mkey.sigState == bsfUpdated || !attr.signs() || !attr.Mem.valid() || !attr.Wire.valid() {
		q.err = EINVAL
		return
	}
	q.mkey.sig, q.mkey.sigState = *attr, bsfUpdated
	q.setterDone()
}

// SetCrypto is a setter for the key's encryption (mlx5dv_wr_set_mkey_crypto).
// Unknown sizes and orders, a key without crypto, a second call and a call
// outside of a configuration are EINVAL.
func (q *QP) SetCrypto(attr *Crypto) {
	if q.err != nil {
		return
	}
	if q.mkey == nil || !q.mkey.Crypto || q.mkey.cryptoState == bsfUpdated || attr.Order > SigBeforeCryptoOnTX || int(attr.DataUnit) >= len(blockSelector) {
		q.err = EINVAL
		return
	}
	q.mkey.crypto, q.mkey.cryptoState = *attr, bsfUpdated
	q.setterDone()
}

// maxOctowords is the room that the QP's inline limit leaves for a list: the
// four bytes are the inline header that a UMR has no use for.
func (q *QP) maxOctowords() uint64 { return (uint64(q.MaxInlineData) + 4) / mlx5model.OctowordSize }

// mayLayout checks a layout of n entries against the QP's limit and the key's.
func (q *QP) mayLayout(n, limit uint64) bool {
	if q.err != nil {
		return false
	}
	switch {
	case q.mkey == nil:
		q.err = EINVAL
	case n > min(limit, uint64(q.mkey.NumDesc)):
		q.err = ENOMEM
	case binary.BigEndian.Uint16(q.umr()[4:]) != 0:
		q.err = EINVAL
	}
	return q.err == nil
}

// layout enters a list into the fixed part of the UMR.
func (q *QP) layout(octowords uint32, length uint64) {
	q.mkey.length = length
	binary.BigEndian.PutUint64(q.context()[0x18:], length)
	q.addMask(mlx5model.MaskLen)
	binary.BigEndian.PutUint16(q.umr()[4:], uint16(octowords))
	q.size += octowords
	q.setterDone()
}

// setterDone finishes the WQE if no further setter was announced.
func (q *QP) setterDone() {
	q.setters++
	if q.setters == q.numSetters {
		q.configured()
	}
}

// configured finishes the UMR and loads the PSVs it needs.
func (q *QP) configured() {
	m := q.mkey
	q.mkey = nil
	loadPSV, err := q.attributes(m)
	if err != nil {
		q.err = err
		return
	}
	var signaled uint8
	if loadPSV && m.sig.signs() {
		b := q.block(0)
		signaled = b[0xb] & mlx5model.CtrlCEAlways
		b[0xb] &^= mlx5model.CtrlCEAlways
	}
	q.finish()
	if loadPSV {
		q.loadPSVs(m, signaled)
	}
}

// umr and context are the two fixed segments of the UMR under construction.
func (q *QP) umr() []byte     { return q.block(0)[mlx5model.CtrlSize:] }
func (q *QP) context() []byte { return q.block(1)[:] }

func (q *QP) mask() uint64        { return binary.BigEndian.Uint64(q.umr()[8:]) }
func (q *QP) addMask(bits uint64) { binary.BigEndian.PutUint64(q.umr()[8:], q.mask()|bits) }
