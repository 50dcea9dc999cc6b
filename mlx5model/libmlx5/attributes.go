package libmlx5

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// attributes enters a key's signature and crypto attributes into the UMR under
// construction. It reports whether the PSVs have to be loaded.
func (q *QP) attributes(m *Mkey) (loadPSV bool, err error) {
	newErrors := q.sigErrors(m)
	sigOn := m.sigState == bsfSet || m.sigState == bsfUpdated
	cryptoOn := m.cryptoState == bsfSet || m.cryptoState == bsfUpdated
	write := m.sigState == bsfUpdated || m.cryptoState == bsfUpdated || m.Crypto && m.sigState == bsfReset
	if cryptoOn && q.SingleBlockCrypto && m.length > blockBytes[m.crypto.DataUnit] {
		return false, EINVAL
	}
	if write {
		if err := q.putBSFs(m, cryptoOn); err != nil {
			return false, err
		}
		loadPSV = m.sigState == bsfUpdated
	} else if m.Signature && !m.Crypto && !sigOn {
		q.addMask(mlx5model.MaskBSFEn)
	}
	return loadPSV || sigOn && newErrors, nil
}

// sigErrors tells the device of signature errors of the key since the last
// UMR, and reports whether there were any.
func (q *QP) sigErrors(m *Mkey) bool {
	if !m.Signature || !m.SigErrUpdated {
		return false
	}
	m.SigErrUpdated = false
	q.addMask(mlx5model.MaskSigErr)
	if m.SigErrCount&1 != 0 {
		q.flagsPD(mlx5model.FlagsSigErr)
	}
	return true
}

// flagsPD sets bits of the mkey context's word at 0Ch.
func (q *QP) flagsPD(bits uint32) {
	w := q.context()[0xc:]
	binary.BigEndian.PutUint32(w, binary.BigEndian.Uint32(w)|bits)
}

// putBSFs writes the BSFs behind the list.
func (q *QP) putBSFs(m *Mkey, cryptoOn bool) error {
	blocks := uint32(1)
	if cryptoOn && m.Signature {
		blocks = 2
	}
	list := uint32(binary.BigEndian.Uint16(q.umr()[4:])) * mlx5model.OctowordSize
	switch {
	case uint64(list)+uint64(blocks)*bsfSize > uint64(q.MaxInlineData)+4:
		return ENOMEM
	case m.length > 1<<32-1:
		return EINVAL
	}
	at := listBlock + list/mlx5model.WQEBBSize
	ok := true
	if m.Signature {
		ok = m.putBSF(q.block(at)[:], cryptoOn)
		at++
	}
	if cryptoOn && ok {
		ok = m.putCrypto(q.block(at)[:], m.Signature, !q.SingleBlockCrypto)
	}
	if !ok {
		return EINVAL
	}
	q.addMask(mlx5model.MaskBSFEn)
	q.flagsPD(mlx5model.FlagsBSFEn)
	binary.BigEndian.PutUint16(q.umr()[6:], uint16(blocks*bsfOctowords))
	q.size += blocks * bsfOctowords
	return nil
}

// loadPSVs writes a SET_PSV for each signed domain. The signaled bit that the
// UMR gave up goes to the last one.
func (q *QP) loadPSVs(m *Mkey, signaled uint8) {
	mem, wire := m.sig.Mem.Type != SigNone, m.sig.Wire.Type != SigNone
	if mem {
		last := signaled
		if wire {
			last = 0
		}
		q.setPSV(m.MemPSV, m.sig.Mem.transient(), last)
	}
	if wire {
		q.setPSV(m.WirePSV, m.sig.Wire.transient(), signaled)
	}
}

// setPSV writes a SET_PSV. Bytes C to F and 20 to 3Fh are not written.
func (q *QP) setPSV(psv uint32, transient uint64, signaled uint8) {
	b := q.begin(mlx5model.OpSetPSV)
	if b == nil {
		return
	}
	if !q.SigAll {
		b[0xb] = b[0xb]&^mlx5model.CtrlCEMask | signaled
	}
	binary.BigEndian.PutUint32(b[0x10:], psv)
	binary.BigEndian.PutUint32(b[0x14:], 0)
	binary.BigEndian.PutUint64(b[0x18:], transient)
	q.size = 2
	q.finish()
	q.FMCache = mlx5model.FenceSmall
}
