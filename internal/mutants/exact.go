package mutants

import (
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// errMap is what a consumer makes of a negative result of ib_map_mr_sg.
var errMap = errors.New("ib_map_mr_sg failed")

// exactPages is the kernel's page mapping of today, as a Mapper's method: it
// goes on from where the kernel says it stopped.
func exactPages(a *pagesArgs) (linux.Mapping, error) {
	if a.from.Entry >= len(a.l) || a.page > 1<<31 || a.from.Off > 1<<32-1 {
		return a.correct()
	}
	off := uint32(a.from.Off)
	r := linux.SGToPages(a.dst, a.max, a.l[a.from.Entry:], &off, uint32(a.page))
	m := linux.Mapping{N: r.NDescs, IOVA: r.IOVA, Length: r.Length, Next: linux.Pos{Entry: a.from.Entry + max(r.Ret, 0)}}
	switch {
	case r.Ret < 0:
		return linux.Mapping{}, errMap
	case m.Next.Entry == len(a.l):
		m.Stop = linux.StopEnd
	case m.N == min(a.max, len(a.dst)/mlx5model.MTTSize):
		m.Stop = linux.StopFull
		m.Next.Off = uint64(r.SGOffset)
	default:
		m.Stop = linux.StopGap
	}
	return m, nil
}

// exactKLMs is the kernel's KLM mapping of today.
func exactKLMs(a *klmsArgs) (linux.Mapping, error) {
	if a.from.Entry >= len(a.l) || a.from.Off > 1<<32-1 {
		return a.correct()
	}
	off := uint32(a.from.Off)
	r := linux.SGToKLMs(a.dst, a.max, a.l[a.from.Entry:], &off, a.lkey)
	m := linux.Mapping{N: r.NDescs, IOVA: r.IOVA, Length: r.Length, Next: linux.Pos{Entry: a.from.Entry + r.Ret}, Stop: linux.StopFull}
	if m.Next.Entry >= len(a.l) {
		m.Stop = linux.StopEnd
	}
	return m, nil
}

// latent is the kernel's page mapping where a list has the one feature, and
// the correct one elsewhere, so that findings can be told apart.
func latent(feature func(*pagesArgs) bool) func() Parts {
	return pagesMutant(func(a *pagesArgs) (linux.Mapping, error) {
		if feature(a) {
			return exactPages(a)
		}
		return a.correct()
	})
}

// startsInPage: the region begins inside a page and holds one page only.
func startsInPage(a *pagesArgs) bool {
	return a.max == 1 && a.from.Entry < len(a.l) && (a.l[a.from.Entry].Addr+a.from.Off)%a.page != 0 && !hasEmpty(a) && !reachesTop(a)
}

// overflows: the page list fills up before the list ends.
func overflows(a *pagesArgs) bool {
	m, err := a.correct()
	return err == nil && m.Stop == linux.StopFull && a.max > 1 && !hasEmpty(a) && !reachesTop(a)
}

func hasEmpty(a *pagesArgs) bool {
	return anyEntry(a, func(e sg.Entry) bool { return e.Len == 0 })
}

func reachesTop(a *pagesArgs) bool {
	return anyEntry(a, func(e sg.Entry) bool { return e.Len != 0 && e.End() == 0 })
}

func anyEntry(a *pagesArgs, f func(sg.Entry) bool) bool {
	for i := a.from.Entry; i < len(a.l); i++ {
		if f(a.l[i]) {
			return true
		}
	}
	return false
}

var latentBugs = []Mutant{
	{
		Name: "kernel-exact-pages", Project: "linux", Year: 2026, Strategies: pageUsers, Minimum: 1, Witness: "bugs/l4-last-ends-at-2-64",
		Cause: "ib_sg_to_pages as it is in 6.1, all latent faults together",
		make:  pagesMutant(exactPages),
	},
	{
		Name: "kernel-exact-klms", Project: "linux", Year: 2026, Strategies: klmUsers, Minimum: 1, Witness: "mutants/klm-length-above-2-31",
		Cause: "mlx5_ib_sg_to_klms as it is in 6.1: entries longer than a KLM may be are not split",
		make:  klmsMutant(exactKLMs),
	},
	{
		Name: "latent-capacity-1", Bug: "L1", Project: "linux", Year: 2026, Strategies: pageUsers, Minimum: 1, Witness: "bugs/l1-capacity-1-unaligned-start",
		Cause: "one page of room and an unaligned start: the length wraps below zero",
		make:  latent(startsInPage),
	},
	{
		Name: "latent-last-page", Bug: "L2", Project: "linux", Year: 2026, Strategies: pageUsers, Minimum: 1, Witness: "bugs/l2-last-page-not-counted",
		Cause: "the last page of a full list is not counted: not the largest prefix",
		make:  latent(overflows),
	},
	{
		Name: "latent-empty-entry", Bug: "L3", Project: "linux", Year: 2026, Strategies: pageUsers, Minimum: 2, Witness: "bugs/l3-zero-length-takes-a-page",
		Cause: "an entry without bytes takes a page, and all that follows shifts by one",
		make:  latent(hasEmpty),
	},
	{
		Name: "latent-top", Bug: "L4", Project: "linux", Year: 2022, Strategies: pageUsers, Minimum: 1, Witness: "bugs/l4-last-ends-at-2-64",
		Cause: "the end of an entry wraps to 0 and only its first page is mapped",
		make:  latent(reachesTop),
	},
	{
		Name: "latent-entity-2g", Bug: "L5", Project: "linux", Year: 2026, Strategies: klmUsers, Minimum: 1, Witness: "bugs/l5-entity-of-2g",
		Cause: "vdpa: 1 << log_entity_size as an int: an entity of 2 GiB has a negative length",
		make: afterKLMs(func(_ *klmsArgs, m *linux.Mapping, klms klmList) {
			for i := range klms.len() {
				klms.edit(i, func(k *mlx5model.KLM) {
					if k.ByteCount == 1<<31 {
						m.Length -= 1 << 32
					}
				})
			}
		}),
	},
	{
		Name: "latent-cpu-entries", Bug: "L6", Project: "ofed", Year: 2014, Strategies: bothKinds, Minimum: 1, Witness: "bugs/l6-walks-entries-before-mapping",
		Cause: "iSER walks the entries from before the DMA mapping, up to the number after it",
		make:  mapsOther(func(req *listArgs) sg.List { return append(req.dst, req.orig[:min(len(req.orig), len(req.mapped))]...) }),
	},
}
