package linux

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

// MaxKLMBytes is the most that one KLM may describe, in bytes.
// Authority: DPDK drivers/common/mlx5/mlx5_prm.h MLX5_MAX_KLM_BYTE_COUNT.
const MaxKLMBytes = 1 << 31

// MapKLMs describes the longest prefix of l, from a position on, that a KLM
// list can hold: any entries at any addresses, one KLM each, or several for an
// entry longer than maxBytes. It writes to dst, at most maxKLMs and no more
// than fit. lkey is the key of every KLM; 0 takes each entry's own Lkey.
// maxBytes is the device's limit per KLM in bytes, at most 2^32-1; 0 means
// MaxKLMBytes.
//
// The mapping's IOVA is the address of its first byte.
//
// Differences from SGToKLMs, the kernel's function:
//
//   - entries without bytes are skipped; the kernel gives them a KLM of byte
//     count zero;
//   - entries longer than maxBytes are split;
//   - all entries count, not the entry count modulo 65536;
//   - a start beyond the entry is refused; the kernel's byte count wraps;
//   - an entry beyond 2^64 is refused, and a region never passes 2^64: it
//     stops with StopTop (MapKLMsAt moves it);
//   - when full, or at any position, the mapping can be resumed;
//   - a first key of 400h is refused: the device would read the list as a
//     repeat header;
//   - failures are typed errors.
//
// Cost is linear in entries visited and KLMs written; nothing is allocated
// unless it fails.
func MapKLMs(dst []byte, l sg.List, from Pos, lkey uint32, maxKLMs int, maxBytes uint64) (m Mapping, err error) {
	if err = m.klms(dst, l, from, lkey, maxKLMs, maxBytes, nil); err != nil {
		m = Mapping{}
	}
	return m, err
}

// MapKLMsAt is MapKLMs for a region that starts at iova, any value, instead of
// at its first byte's address.
func MapKLMsAt(dst []byte, l sg.List, from Pos, lkey uint32, maxKLMs int, maxBytes, iova uint64) (m Mapping, err error) {
	if err = m.klms(dst, l, from, lkey, maxKLMs, maxBytes, &iova); err != nil {
		m = Mapping{}
	}
	return m, err
}

// klms is MapKLMs and MapKLMsAt. The mapping is filled in place, here and in
// pages: copies of it would read fields together that were just written one by
// one, which costs more than a short list does.
func (m *Mapping) klms(dst []byte, l sg.List, from Pos, lkey uint32, maxKLMs int, maxBytes uint64, iova *uint64) error {
	var c cursor
	if err := c.start(l, from); err != nil {
		return err
	}
	if maxBytes == 0 {
		maxBytes = MaxKLMBytes
	}
	maxBytes = min(maxBytes, 1<<32-1)
	room := min(len(dst)/mlx5model.KLMSize, maxKLMs)
	for {
		if run := c.plain(room-m.N, uint32(maxBytes)); len(run.list) > 0 && m.begin(run.list[0].Addr, iova).belowTop(run.total) == run.total {
			if m.N == 0 && keyOf(lkey, &run.list[0]) == mlx5model.RepeatOp {
				return ErrKey
			}
			putKLMs(dst[m.N*mlx5model.KLMSize:], run.list, lkey)
			m.N += len(run.list)
			m.Length += run.total
			c.pos.Entry += len(run.list)
			continue
		}
		addr, n, err := c.run()
		switch {
		case err != nil:
			return err
		case n == 0:
			return m.finish(&c, StopEnd)
		}
		take := m.begin(addr, iova).belowTop(min(n, maxBytes))
		if take == 0 {
			return m.finish(&c, StopTop)
		}
		if m.N >= room {
			return m.finish(&c, StopFull)
		}
		key := keyOf(lkey, &l[c.pos.Entry])
		if m.N == 0 && key == mlx5model.RepeatOp {
			return ErrKey
		}
		klm := mlx5model.KLM{ByteCount: uint32(take), Key: key, VA: addr}
		klm.Put(dst[m.N*mlx5model.KLMSize:])
		m.N++
		m.Length += take
		c.pos.Off += take
	}
}

// keyOf is the key of an entry's KLMs.
func keyOf(lkey uint32, e *sg.Entry) uint32 {
	if lkey == 0 {
		return e.Lkey
	}
	return lkey
}

func putKLMs(dst []byte, l sg.List, lkey uint32) {
	if lkey == 0 {
		xlt.KeyedKLMs(dst, l)
	} else {
		xlt.KLMs(dst, l, lkey)
	}
}
