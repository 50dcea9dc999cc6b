package mutants

import (
	"errors"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

var (
	errShort = errors.New("fewer elements mapped than given: -EINVAL")
	errAgain = errors.New("no memory region left: -EAGAIN")
)

// mappingBugs are defects of the functions that turn a list into descriptors.
var mappingBugs = []Mutant{
	{
		Name: "gap-only-at-unaligned-start", Bug: "B01", Project: "linux", Year: 2015, Strategies: pageUsers, Minimum: 2, Witness: "bugs/b01-aligned-start-after-short-end",
		Cause: "ib_sg_to_pages looks for a gap only where the current element starts inside a page",
		make:  pagesMutant(missesGap(func(_, after sg.Entry, page uint64) bool { return after.Addr%page != 0 })),
	},
	{
		Name: "pages-of-a-partial-element", Bug: "B03", Project: "linux", Year: 2015, Strategies: pageUsers, Minimum: 1, Witness: "bugs/b03-first-page-does-not-fit",
		Cause: "when the page list fills up inside an element, the result counts elements, but its pages are in the list",
		make:  pagesMutant(wholeElements),
	},
	{
		Name: "end-wraps-to-zero", Bug: "B04", Project: "linux", Year: 2022, Strategies: pageUsers, Minimum: 1, Witness: "bugs/b04-first-ends-at-2-64",
		Cause: "the loop over an element's pages compares with an end that is 0 at 2^64: one page is set",
		make:  pagesMutant(stopsAtTop),
	},
	{
		Name: "errno-compared-unsigned", Bug: "B05", Project: "ofed", Year: 2017, Strategies: []string{"rdmarw", "fastreg"}, Minimum: 2, Witness: "bugs/b01-aligned-start-after-short-end",
		Cause: "rdma_rw_init_one_mr compares a negative result with an unsigned count: every failure is success",
		make: pagesMutant(func(a *pagesArgs) (linux.Mapping, error) {
			m, err := a.correct()
			if err == nil && m.Stop == linux.StopGap {
				m.Length, m.Next, m.Stop = restOf(a.l, a.from), linux.Pos{Entry: len(a.l)}, linux.StopEnd
			}
			return m, err
		}),
	},
	{
		Name: "one-klm-past-the-array", Bug: "B31", Project: "linux", Year: 2017, Strategies: klmUsers, Minimum: 1, Witness: "bugs/b31-one-klm-past-the-array",
		Cause: "mlx5_ib_sg_to_klms tests i > max_descs: one KLM is written behind the array",
		make:  klmsMutant(func(a *klmsArgs) (linux.Mapping, error) { return pastTheArray(a, a.max+1) }),
	},
	{
		Name: "length-keeps-the-offset", Bug: "B32", Project: "linux", Year: 2017, Strategies: klmUsers, Minimum: 1, Witness: "bugs/b32-length-keeps-the-offset",
		Cause: "the region's length includes the bytes that sg_offset leaves out of the first element",
		make:  afterKLMs(func(a *klmsArgs, m *linux.Mapping, _ klmList) { m.Length += a.from.Off }),
	},
	{
		Name: "klms-rounded-down-to-none", Bug: "B44", Project: "linux", Year: 2025, Strategies: klmUsers, Minimum: 1, Witness: "bugs/l1-capacity-1-unaligned-start",
		Cause: "SHAMPO: the entries of one WQE are rounded down to a multiple of 16 (headers of a 64 KiB page): none are left",
		make: klmsMutant(func(a *klmsArgs) (linux.Mapping, error) {
			a.max &^= 15
			return a.correct()
		}),
	},
	{
		Name: "region-starts-at-the-map", Bug: "B46", Project: "linux", Year: 2024, Strategies: bothKinds, Minimum: 1, Witness: "bugs/b46-region-begins-inside-the-map",
		Cause: "vdpa map_direct_mr takes the map's start for the region's, which begins inside it",
		make:  startsAt(func(linux.Pos) uint64 { return 0 }),
	},
	{
		Name: "page-count-returned", Bug: "B50", Project: "linux", Year: 2024, Strategies: pageUsers, Minimum: 1, Witness: "bugs/b50-pages-are-not-entries",
		Cause: "hns map_mr_sg returns pages where elements are wanted: the caller sees a short or an impossible map",
		make: pagesMutant(func(a *pagesArgs) (linux.Mapping, error) {
			m, err := a.correct()
			if err == nil && m.Stop == linux.StopEnd && m.N != len(a.l)-a.from.Entry {
				return linux.Mapping{}, errShort
			}
			return m, err
		}),
	},
	{
		Name: "two-pages-or-nothing", Bug: "B52", Project: "linux", Year: 2022, Strategies: pageUsers, Minimum: 1, Witness: "bugs/b52-single-page",
		Cause: "hns always looks up two page addresses: a region of one page fails",
		make: pagesMutant(func(a *pagesArgs) (linux.Mapping, error) {
			m, err := a.correct()
			if err == nil && m.N == 1 {
				return linux.Mapping{}, errMap
			}
			return m, err
		}),
	},
	{
		Name: "chain-entry-as-data", Bug: "B62", Project: "linux", Year: 2021, Strategies: initiator, Minimum: 2, Witness: "mutants/sg-chained",
		Cause: "nvme-rdma steps over a chained list with sgl++: behind two inline entries the link is sent as data",
		make: mapsOther(func(a *listArgs) sg.List {
			l := append(a.dst, a.mapped...)
			if len(l) > 2 && len(l) <= 4 {
				l[2].Addr = 0xdead0000
			}
			return l
		}),
	},
	{
		Name: "offset-underflows-the-page", Bug: "B63", Project: "linux", Year: 2026, Strategies: pageUsers, Minimum: 1, Witness: "bugs/b63-offset-beyond-a-page",
		Cause: "nvmet-rdma: PAGE_SIZE - off for an offset beyond the first page wraps below zero and counts as length",
		make: afterPages(func(a *pagesArgs, m *linux.Mapping, _ mttList) {
			if a.from.Off > a.page {
				m.Length += 1<<32 - (a.from.Off - a.page)
			}
		}),
	},
	{
		Name: "pages-without-the-offset", Bug: "B63", Project: "linux", Year: 2026, Strategies: pageUsers, Minimum: 1, Witness: "mutants/offset-makes-page",
		Cause: "the number of pages is that of the length, without the offset in the first page",
		make: afterPages(func(a *pagesArgs, m *linux.Mapping, _ mttList) {
			m.N = min(m.N, int((m.Length+a.page-1)/a.page))
		}),
	},
	{
		Name: "piece-minimum-before-offset", Bug: "B67", Project: "linux", Year: 2026, Strategies: klmUsers, Minimum: 1, Witness: "bugs/b67-short-rest-behind-the-offset",
		Cause: "svcrdma takes the minimum of the lengths before it subtracts the offset: bytes are dropped",
		make: afterKLMs(func(a *klmsArgs, m *linux.Mapping, klms klmList) {
			klms.edit(0, func(k *mlx5model.KLM) {
				drop := min(uint32(min(a.from.Off, 1<<31)), k.ByteCount)
				k.ByteCount -= drop
				m.Length -= uint64(drop)
			})
		}),
	},
	{
		Name: "entries-beyond-capacity", Bug: "B68", Project: "linux", Year: 2025, Strategies: klmUsers, Minimum: 1, Witness: "bugs/b68-more-folios-than-sges",
		Cause: "smb client: the loop ends when there is no room or no byte left, and never counts the bytes: it runs past the array",
		make:  klmsMutant(func(a *klmsArgs) (linux.Mapping, error) { return pastTheArray(a, 1<<16) }),
	},
	{
		Name: "offset-in-the-first-page-only", Bug: "B69", Project: "linux", Year: 2012, Strategies: bothKinds, Minimum: 1, Witness: "bugs/b69-offset-indexes-the-whole-list",
		Cause: "RPC/RDMA takes page_base, which indexes the whole page list, for an offset in the first page",
		make:  startsAt(func(from linux.Pos) uint64 { return from.Off % 4096 }),
	},
}

// wholeElements leaves the partial element out of the count, but not its pages
// out of the list.
func wholeElements(a *pagesArgs) (linux.Mapping, error) {
	m, err := a.correct()
	if err != nil || m.Stop != linux.StopFull || m.Next.Off == 0 {
		return m, err
	}
	if m.Next.Entry == a.from.Entry {
		return linux.Mapping{}, nil // "0 mapped", and no error
	}
	m.Length -= m.Next.Off
	m.Next.Off = 0
	return m, nil
}

// stopsAtTop sets one page for an element that ends at 2^64 and counts all its
// bytes.
func stopsAtTop(a *pagesArgs) (linux.Mapping, error) {
	var lost uint64
	other := *a
	other.l = append(sg.List(nil), a.l...)
	for i := a.from.Entry; i < len(a.l); i++ {
		e := &other.l[i]
		if e.Len == 0 || e.End() != 0 {
			continue
		}
		var off uint64
		if i == a.from.Entry {
			off = a.from.Off
		}
		page := a.page - (e.Addr+off)%a.page
		if left := uint64(e.Len) - off; left > page {
			e.Len -= uint32(left - page)
			lost += left - page
		}
	}
	m, err := other.correct()
	if err == nil && m.Stop == linux.StopEnd {
		m.Length += lost
	}
	return m, err
}

// pastTheArray maps max KLMs whatever room there is. What lies behind the array
// is lost here, where it overwrote something there.
func pastTheArray(a *klmsArgs, max int) (linux.Mapping, error) {
	if m, err := a.correct(); err != nil || m.Stop != linux.StopFull {
		return m, err
	}
	wide := *a
	wide.max = max
	wide.dst = make([]byte, max*mlx5model.KLMSize)
	m, err := wide.correct()
	copy(a.dst, wide.dst)
	return m, err
}

// startsAt maps from another offset in the first entry than was asked for,
// while length and end stay.
func startsAt(off func(from linux.Pos) uint64) func() Parts {
	move := func(l sg.List, from linux.Pos) sg.List {
		if from.Entry >= len(l) {
			return l
		}
		other := append(sg.List(nil), l...)
		other[from.Entry].Addr -= from.Off - off(from)
		if other[from.Entry].Wraps() {
			return l
		}
		return other
	}
	return func() Parts {
		return Parts{Mapper: &mapper{
			pages: func(a *pagesArgs) (linux.Mapping, error) {
				other := *a
				other.l = move(a.l, a.from)
				return other.correct()
			},
			klms: func(a *klmsArgs) (linux.Mapping, error) {
				other := *a
				other.l = move(a.l, a.from)
				return other.correct()
			},
		}}
	}
}

// gapBugs are defects of the rules that tell which lists a page list can hold.
var gapBugs = []Mutant{
	{
		Name: "gap-never-true", Bug: "B26", Project: "lustre", Year: 2026, Commit: "b42c175949", Strategies: pageUsers, Minimum: 2, Witness: "bugs/b26-gap-predicate-never-true",
		Cause: "the gap predicate compares a fragment with a minimum of which it is part: gapped lists reach ib_map_mr_sg and fail there",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			err := s.Register(e, req, r)
			var f *reg.Refusal
			if errors.As(err, &f) && f.Reason == reg.ReasonGap && !req.Partial {
				return errShort
			}
			return err
		}),
	},
	{
		Name: "descriptor-lost-on-short-map", Bug: "B26", Project: "lustre", Year: 2026, Commit: "a941409f67", Strategies: pageUsers, Minimum: 2, Witness: "bugs/b26-gap-predicate-never-true",
		Cause: "a short map returns without giving its descriptor back",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			err := s.Register(e, req, r)
			var f *reg.Refusal
			if errors.As(err, &f) && f.Reason == reg.ReasonGap {
				_, _ = e.GetKey(mlx5model.ModeMTT, 1)
			}
			return err
		}),
	},
	{
		Name: "gap-test-on-first-page", Bug: "B27", Project: "linux", Year: 2021, Strategies: pageUsers, Minimum: 2, Witness: "bugs/b27-gap-behind-the-first-page",
		Cause: "the gap test looks at the first page of a segment of several: its end is never seen",
		make: pagesMutant(missesGap(func(before, after sg.Entry, page uint64) bool {
			return after.Addr%page != 0 || before.Addr%page+uint64(before.Len) < page
		})),
	},
	{
		Name: "gap-by-lengths-misses", Bug: "B28", Project: "linux", Year: 2020, Strategies: pageUsers, Minimum: 2, Witness: "bugs/b28-unaligned-end-aligned-length",
		Cause: "iov_iter_gap_alignment takes lengths for ends: a gap between lengths of whole pages is not seen",
		make:  pagesMutant(missesGap(func(before, after sg.Entry, page uint64) bool { return uint64(before.Len)%page != 0 })),
	},
	{
		Name: "gap-by-lengths-refuses", Bug: "B28", Project: "linux", Year: 2020, Strategies: pageUsers, Minimum: 2, Witness: "bugs/b28-aligned-end-unaligned-length",
		Cause: "the same: an aligned end behind an odd length counts as a gap",
		make: pagesMutant(seesGap(func(before, after sg.Entry, page uint64) bool {
			return before.End() != after.Addr && uint64(before.Len)%page != 0
		})),
	},
	{
		Name: "segment-limit-makes-gaps", Bug: "B29", Project: "linux", Year: 2019, Commit: "09324d32d2a0", Strategies: pageUsers, Minimum: 1, Witness: "mutants/long-and-unaligned",
		Cause: "a segment limit of 64 KiB cuts a run inside a page, and the cut counts as a gap",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			for i, x := range req.List {
				if x.Len > 1<<16 && x.Addr%4096 != 0 && !req.Partial && req.List.Validate() == nil {
					return &reg.Refusal{Strategy: s.Name(), Reason: reg.ReasonGap, Entry: i, Off: 1 << 16}
				}
			}
			return s.Register(e, req, r)
		}),
	},
	{
		Name: "continuation-is-a-gap", Bug: "B30", Project: "linux", Year: 2019, Strategies: pageUsers, Minimum: 1, Witness: "bugs/b30-continuation-is-no-gap",
		Cause: "the gap test runs before the attempt to extend the last segment: what continues it inside a page is refused",
		make: pagesMutant(seesGap(func(before, after sg.Entry, page uint64) bool {
			return before.End() == after.Addr && after.Addr%page != 0
		})),
	},
	{
		Name: "system-page-for-boundary", Bug: "B60", Project: "linux", Year: 2017, Strategies: pageUsers, Minimum: 1, Witness: "features/page-aligned",
		Cause: "nvme-rdma registers with system pages of 64 KiB what the queue keeps to a boundary of 4 KiB",
		make:  requests(func(_ *reg.Env, req *reg.Request) { req.PageSize = max(req.PageSize, 1<<16) }),
	},
	{
		Name: "sectors-by-length", Bug: "B28", Project: "linux", Year: 2020, Strategies: sectors, Minimum: 2, Witness: "mutants/short-entry-to-border",
		Cause: "the second pool: the same rule with sectors",
		make: pagesMutant(seesGap(func(before, after sg.Entry, page uint64) bool {
			return before.End() != after.Addr && uint64(before.Len)%512 != 0
		})),
	},
}
