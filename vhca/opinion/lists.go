package opinion

import (
	"encoding/binary"
	"errors"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

var (
	errPieces = errors.New("its layout has too many pieces")
	errEntity = errors.New("a KSM region that does not begin at an entity")
	errHole   = errors.New("an entry in the middle of its list is not present")
)

// be reads a big-endian number of n bytes, 2, 4 or 8, at offset off.
func be(b []byte, off, n int) uint64 {
	switch b = b[off:]; n {
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	}
	return binary.BigEndian.Uint64(b)
}

// room is the part of a list that counts: the key's size in octowords, rounded
// up to 64 bytes (drivers/infiniband/hw/mlx5/umr.c mlx5r_umr_get_xlt_octo).
func (k *key) room() []byte {
	most := mlx5model.AlignUp(uint64(k.ctx.XltOctowords)*mlx5model.OctowordSize, mlx5model.UMRListAlign)
	return k.list[:min(uint64(len(k.list)), most)]
}

// repeats reports whether a KLM list is an interleaved layout: the key word of
// its first entry is 400h (include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg
// repeat_block).
func repeats(list []byte) bool { return len(list) >= 16 && be(list, 4, 4) == mlx5model.RepeatOp }

// klms reads a KLM list: be32 byte_count, be32 key, be64 va
// (include/linux/mlx5/qp.h mlx5_klm). An entry that the device does not take
// ends it.
func (o *Oracle) klms(k *key, m *keymodel.Key) error {
	list := k.room()
	for ; len(list) >= 16; list = list[16:] {
		size := be(list, 0, 4)
		switch {
		case size == 0 && o.p.ZeroKLM == mlx5model.ZeroKLM2GiB:
			size = 1 << 31
		case size == 0 && o.p.ZeroKLM == mlx5model.ZeroKLMError, size > o.p.MaxKLMBytes:
			return nil
		}
		m.List = append(m.List, keymodel.Entry{Key: uint32(be(list, 4, 4)), Addr: be(list, 8, 8), Size: size})
		k.held += size
	}
	return nil
}

// layout unrolls an interleaved layout as far as the key's length: cycle by
// cycle, each entry's bytes at va + cycle * stride. The header is be32 bytes of
// a cycle, be32 400h, be32 cycles, be16 reserved, be16 entries; an entry is be16
// stride, be16 byte_count, be32 key, be64 va (include/linux/mlx5/qp.h
// mlx5_stride_block_ctrl_seg, mlx5_stride_block_entry). Bytes of a cycle that no
// entry has end the list.
func (o *Oracle) layout(k *key, m *keymodel.Key) error {
	list := k.room()
	perCycle, cycles, n := be(list, 0, 4), be(list, 8, 4), int(be(list, 14, 2))
	if perCycle == 0 || (n+1)*16 > len(list) {
		return nil
	}
	k.held = perCycle * cycles
	for c, done := uint64(0), uint64(0); c < cycles && done < m.Size; c++ {
		left := perCycle
		for i := 1; i <= n && left > 0; i++ {
			e := list[16*i:]
			size := min(be(e, 2, 2), left)
			if size == 0 {
				continue
			}
			if len(m.List) == MaxPieces {
				return errPieces
			}
			m.List = append(m.List, keymodel.Entry{Key: uint32(be(e, 4, 4)), Addr: be(e, 8, 8) + c*be(e, 0, 2), Size: size})
			left -= size
		}
		if left > 0 {
			return nil
		}
		done += perCycle
	}
	return nil
}

// pages reads an MTT list: be64 page addresses, bits 1:0 rights
// (include/linux/mlx5/device.h MLX5_MTT_READ).
func (o *Oracle) pages(k *key, m *keymodel.Key) error {
	m.Pages, m.PageSize = true, 1<<(k.ctx.LogPageSize&63)
	list := k.room()
	need := m.Size
	if in := m.Start % m.PageSize; in <= ^need {
		need += in
	}
	for ; len(list) >= 8 && k.held < need; list = list[8:] {
		at := be(list, 0, 8)
		if at == 0 {
			return errHole
		}
		if len(m.List) == MaxPieces {
			return errPieces
		}
		m.List = append(m.List, keymodel.Entry{Addr: at &^ (m.PageSize - 1), Size: m.PageSize})
		k.held += m.PageSize
	}
	return nil
}

// equal reads a KSM list: entries like KLMs that all stand for one entity.
func (o *Oracle) equal(k *key, m *keymodel.Key) error {
	size := uint64(1) << (k.ctx.LogPageSize & 63)
	if m.Start%size != 0 {
		return errEntity
	}
	for list := k.room(); len(list) >= 16 && k.held < m.Size; list = list[16:] {
		if be(list, 4, 4) == 0 {
			return errHole
		}
		m.List = append(m.List, keymodel.Entry{Key: uint32(be(list, 4, 4)), Addr: be(list, 8, 8), Size: size})
		k.held += size
	}
	return nil
}
