package fuzz

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/internal/keymodel"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// queue draws a queue; one in the error state is mostly brought back first.
func (s *stateful) queue() *statefulQP {
	b := int(s.ch.Byte())
	q := s.qps[b%len(s.qps)]
	if q.failed && b < 200 {
		s.restart(q)
	}
	return q
}

// queueOf draws a queue: mostly one of the domain of a key.
func (s *stateful) queueOf(key uint32) *statefulQP {
	q := s.queue()
	if k := s.model.Keys[key>>8]; k != nil && k.Exists && k.PD != q.pd && s.ch.Byte() < 208 {
		return s.qps[k.PD-0x40]
	}
	return q
}

// slot draws the index of a key under test, and whether it has a page list:
// mostly of one that exists, the next one behind the index drawn.
func (s *stateful) slot() (index uint32, pages bool) {
	b := uint32(s.ch.Byte())
	n := b % statefulSlots
	for range statefulSlots {
		if k := s.model.Keys[firstSlot+n]; b >= 224 || k != nil && k.Exists {
			break
		}
		n = (n + 1) % statefulSlots
	}
	return firstSlot + n, n >= statefulSlots/2
}

// tagged draws a full key of an index: mostly with the tag that it has, or the
// next one.
func (s *stateful) tagged(index uint32, next uint8) uint32 {
	var tag uint8
	if k := s.model.Keys[index]; k != nil {
		tag = k.Tag
	}
	switch b := s.ch.Byte(); {
	case b < 208:
		tag += next
	default:
		tag += b
	}
	return index<<8 | uint32(tag)
}

// anyKey draws a key to reach data through: that of all data in a domain, or
// one under test.
func (s *stateful) anyKey(q *statefulQP) uint32 {
	if b := s.ch.Byte(); b < 160 {
		pd := uint32(0)
		if b < 16 || q.pd != 0x40 && b < 144 {
			pd = 1
		}
		return (dataKeys + pd) << 8
	}
	b := uint32(s.ch.Byte())
	for n := range uint32(statefulSlots) { // one that is registered, if there is any
		index := firstSlot + (b+n)%statefulSlots
		if k := s.model.Keys[index]; k != nil && k.Exists && !k.Free && k.PD == q.pd && b < 224 {
			return index<<8 | uint32(k.Tag)
		}
	}
	index, _ := s.slot()
	return s.tagged(index, 0)
}

// va draws an address in a key: mostly inside.
func (s *stateful) va(key uint32) uint64 {
	if k := s.model.Keys[key>>8]; k != nil && k.Size > 0 {
		if s.ch.Byte() < 224 {
			return k.Start + s.ch.Uint(min(k.Size-1, k.Size*3/4))
		}
		return k.Start + s.ch.Uint(k.Size+k.Size/16)
	}
	return s.ch.Uint(1<<16 - 1)
}

func (s *stateful) drawKLMs(q *statefulQP, w *reg.RegWR, r *request) {
	w.Mode, w.IOVA = mlx5model.ModeKLM, s.ch.Uint(^uint64(0))
	for w.N < 12 && (w.N == 0 || s.ch.MoreUnless(64)) {
		key := s.anyKey(q)
		e := keymodel.Entry{Key: key, Addr: s.va(key), Size: 1 + s.ch.Uint(255)}
		r.Register.List = append(r.Register.List, e)
		w.List = binary.BigEndian.AppendUint32(w.List, uint32(e.Size))
		w.List = binary.BigEndian.AppendUint32(w.List, e.Key)
		w.List = binary.BigEndian.AppendUint64(w.List, e.Addr)
		w.Length += e.Size
		w.N++
	}
}

func (s *stateful) drawPages(w *reg.RegWR, r *request) {
	w.Mode, w.LogPage = mlx5model.ModeMTT, 9
	const page = 512
	off := s.ch.Uint(page - 1)
	w.IOVA = s.ch.Uint(1<<40)*page + off
	for w.N < 16 && (w.N == 0 || s.ch.MoreUnless(48)) {
		addr := statefulBase + page*s.ch.Uint(statefulData/page-1)
		r.Register.List = append(r.Register.List, keymodel.Entry{Addr: addr, Size: page})
		w.List = binary.BigEndian.AppendUint64(w.List, addr|mlx5model.MTTRead|mlx5model.MTTWrite)
		w.N++
	}
	r.Register.PageSize = page
	w.Length = uint64(w.N)*page - off
	w.Length -= s.ch.Uint(min(page, w.Length) - 1)
}
