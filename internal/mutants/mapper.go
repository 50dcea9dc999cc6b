package mutants

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// pagesArgs and klmsArgs are the arguments of a Mapper's methods.
type pagesArgs struct {
	dst  []byte
	l    sg.List
	from linux.Pos
	page uint64
	max  int
}

type klmsArgs struct {
	dst      []byte
	l        sg.List
	from     linux.Pos
	lkey     uint32
	max      int
	maxBytes uint64
}

func (a *pagesArgs) correct() (linux.Mapping, error) {
	return reg.Corrected{}.Pages(a.dst, a.l, a.from, a.page, a.max)
}

func (a *klmsArgs) correct() (linux.Mapping, error) {
	return reg.Corrected{}.KLMs(a.dst, a.l, a.from, a.lkey, a.max, a.maxBytes)
}

// mapper is a Mapper with one defective method, or two; nil is correct.
type mapper struct {
	pages func(*pagesArgs) (linux.Mapping, error)
	klms  func(*klmsArgs) (linux.Mapping, error)
}

func (m *mapper) Pages(dst []byte, l sg.List, from linux.Pos, pageSize uint64, maxPages int) (linux.Mapping, error) {
	a := pagesArgs{dst, l, from, pageSize, maxPages}
	if m.pages == nil {
		return a.correct()
	}
	return m.pages(&a)
}

func (m *mapper) KLMs(dst []byte, l sg.List, from linux.Pos, lkey uint32, maxKLMs int, maxBytes uint64) (linux.Mapping, error) {
	a := klmsArgs{dst, l, from, lkey, maxKLMs, maxBytes}
	if m.klms == nil {
		return a.correct()
	}
	return m.klms(&a)
}

// pagesMutant makes the Parts of a defect in page lists.
func pagesMutant(f func(*pagesArgs) (linux.Mapping, error)) func() Parts {
	return func() Parts { return Parts{Mapper: &mapper{pages: f}} }
}

// klmsMutant makes the Parts of a defect in KLM lists.
func klmsMutant(f func(*klmsArgs) (linux.Mapping, error)) func() Parts {
	return func() Parts { return Parts{Mapper: &mapper{klms: f}} }
}

// afterPages changes what the correct mapping made: m and its MTT entries.
func afterPages(f func(a *pagesArgs, m *linux.Mapping, mtts mttList)) func() Parts {
	return pagesMutant(func(a *pagesArgs) (linux.Mapping, error) {
		m, err := a.correct()
		if err == nil {
			f(a, &m, mttList(a.dst[:m.N*mlx5model.MTTSize]))
		}
		return m, err
	})
}

// afterKLMs is afterPages for KLM lists.
func afterKLMs(f func(a *klmsArgs, m *linux.Mapping, klms klmList)) func() Parts {
	return klmsMutant(func(a *klmsArgs) (linux.Mapping, error) {
		m, err := a.correct()
		if err == nil {
			f(a, &m, klmList(a.dst[:m.N*mlx5model.KLMSize]))
		}
		return m, err
	})
}

// mttList is a packed list of MTT entries.
type mttList []byte

func (l mttList) len() int            { return len(l) / mlx5model.MTTSize }
func (l mttList) at(i int) uint64     { return binary.BigEndian.Uint64(l[i*mlx5model.MTTSize:]) }
func (l mttList) set(i int, v uint64) { binary.BigEndian.PutUint64(l[i*mlx5model.MTTSize:], v) }

// each replaces every entry's page address.
func (l mttList) each(f func(i int, page uint64) uint64) {
	const bits = mlx5model.MTTRead | mlx5model.MTTWrite
	for i := range l.len() {
		v := l.at(i)
		l.set(i, f(i, v&^7)|v&bits)
	}
}

// klmList is a packed list of KLM entries.
type klmList []byte

func (l klmList) len() int { return len(l) / mlx5model.KLMSize }

// edit changes entry i.
func (l klmList) edit(i int, f func(*mlx5model.KLM)) {
	k := mlx5model.ParseKLM(l[i*mlx5model.KLMSize:])
	f(&k)
	k.Put(l[i*mlx5model.KLMSize:])
}

// missesGap maps on behind gaps that the predicate does not see. seen gets the
// border's two entries, both with bytes, and the page size.
func missesGap(seen func(before, after sg.Entry, page uint64) bool) func(*pagesArgs) (linux.Mapping, error) {
	return func(a *pagesArgs) (linux.Mapping, error) {
		m, err := a.correct()
		for err == nil && m.Stop == linux.StopGap && m.Next.Off == 0 && !seen(lastWithBytes(a.l, m.Next.Entry), a.l[m.Next.Entry], a.page) {
			if m.N >= a.max {
				m.Stop = linux.StopFull
				break
			}
			rest := *a
			rest.dst, rest.max, rest.from = a.dst[m.N*mlx5model.MTTSize:], a.max-m.N, m.Next
			more, err := rest.correct()
			if err != nil {
				break
			}
			m.N, m.Length, m.Next, m.Stop = m.N+more.N, m.Length+more.Length, more.Next, more.Stop
		}
		return m, err
	}
}

// lastWithBytes is the last entry in front of i that has bytes.
func lastWithBytes(l sg.List, i int) sg.Entry {
	for i--; i > 0 && l[i].Len == 0; i-- {
	}
	return l[i]
}

// seesGap ends a mapping at borders where there is no gap but the predicate
// says so.
func seesGap(gap func(before, after sg.Entry, page uint64) bool) func(*pagesArgs) (linux.Mapping, error) {
	return func(a *pagesArgs) (linux.Mapping, error) {
		for i := a.from.Entry + 1; i < len(a.l); i++ {
			if a.l[i].Len == 0 || a.l[i-1].Len == 0 || !gap(a.l[i-1], a.l[i], a.page) {
				continue
			}
			short := *a
			short.l = a.l[:i]
			m, err := short.correct()
			if err == nil && m.Stop == linux.StopEnd {
				m.Stop = linux.StopGap
				return m, nil
			}
			break
		}
		return a.correct()
	}
}

// restOf is the bytes of l from a position on.
func restOf(l sg.List, from linux.Pos) uint64 {
	if from.Entry >= len(l) {
		return 0
	}
	return l[from.Entry:].Total() - from.Off
}
