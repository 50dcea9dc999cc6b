package bench

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

// mttRights are the permission bits of an MTT, read and write.
// Authority: drivers/infiniband/hw/mlx5/mlx5_ib.h MLX5_IB_MTT_PRESENT.
const mttRights = 3

// made is the output of works that write one buffer.
type made struct{ dst []byte }

func (m *made) output() []byte { return m.dst }

// klms is klm_list by package xlt.
type klms struct {
	made
	list sg.List
}

func newKLMs(l sg.List) (work, error) {
	return &klms{made{make([]byte, len(l)*mlx5model.KLMSize)}, l}, nil
}

func (w *klms) rounds(n int) error {
	for range n {
		xlt.KeyedKLMs(w.dst, w.list)
	}
	return nil
}

// mtts is mtt_list by package xlt.
type mtts struct {
	made
	pages []uint64
}

func pagesOf(l sg.List) []uint64 {
	p := make([]uint64, len(l))
	for i := range l {
		p[i] = l[i].Addr
	}
	return p
}

func newMTTs(l sg.List) (work, error) {
	return &mtts{made{make([]byte, len(l)*mlx5model.MTTSize)}, pagesOf(l)}, nil
}

func (w *mtts) rounds(n int) error {
	for range n {
		xlt.MTTs(w.dst, w.pages, mttRights)
	}
	return nil
}

// naiveKLMs and naiveMTTs put one field after another.
type naiveKLMs klms

func newNaiveKLMs(l sg.List) (work, error) {
	return &naiveKLMs{made{make([]byte, len(l)*mlx5model.KLMSize)}, l}, nil
}

func (w *naiveKLMs) rounds(n int) error {
	for range n {
		for i, e := range w.list {
			putKLM(w.dst[i*mlx5model.KLMSize:], e, e.Lkey)
		}
	}
	return nil
}

func putKLM(b []byte, e sg.Entry, key uint32) {
	binary.BigEndian.PutUint32(b, e.Len)
	binary.BigEndian.PutUint32(b[4:], key)
	binary.BigEndian.PutUint64(b[8:], e.Addr)
}

type naiveMTTs mtts

func newNaiveMTTs(l sg.List) (work, error) {
	return &naiveMTTs{made{make([]byte, len(l)*mlx5model.MTTSize)}, pagesOf(l)}, nil
}

func (w *naiveMTTs) rounds(n int) error {
	for range n {
		for i, p := range w.pages {
			binary.BigEndian.PutUint64(w.dst[i*mlx5model.MTTSize:], p|mttRights)
		}
	}
	return nil
}

// copied copies what another work made.
type copied struct {
	made
	src []byte
}

// copyOf gives the maker of a copied: it lets the other work once.
func copyOf(other func(sg.List) (work, error)) func(sg.List) (work, error) {
	return func(l sg.List) (work, error) {
		src, err := once(other, l)
		return &copied{made{make([]byte, len(src))}, src}, err
	}
}

func once(maker func(sg.List) (work, error), l sg.List) ([]byte, error) {
	w, err := maker(l)
	if err == nil {
		err = w.rounds(1)
	}
	if err != nil {
		return nil, err
	}
	return w.output(), nil
}

func (w *copied) rounds(n int) error {
	for range n {
		copy(w.dst, w.src)
	}
	return nil
}
