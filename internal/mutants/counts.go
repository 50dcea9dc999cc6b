package mutants

import (
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// merged joins neighbours as the DMA mapping does, by a rule of its own.
func merged(a *listArgs, joins func(before, next sg.Entry, limit uint64) bool) sg.List {
	l := a.dst
	for _, e := range a.orig {
		if k := len(l) - 1; k >= 0 && joins(l[k], e, min(a.stage.Limit, 1<<32-1)) {
			if e.Addr < l[k].Addr {
				l[k].Addr = e.Addr
			}
			l[k].Len += e.Len
			continue
		}
		l = append(l, e)
	}
	return l
}

// onlyMerging makes the Parts of a defect of a merging DMA stage.
func onlyMerging(f func(*listArgs) sg.List) func() Parts {
	return mapsOther(func(a *listArgs) sg.List {
		if a.stage.Mode != sg.Merge {
			return append(a.dst, a.mapped...)
		}
		return f(a)
	})
}

func continues(before, next sg.Entry) bool {
	return before.End() == next.Addr && next.Addr != 0 && before.Len != 0 && next.Len != 0 && before.Lkey == next.Lkey
}

// countBugs are confusions of the entries before the DMA mapping with those
// after it, and defects of the mapping itself.
var countBugs = []Mutant{
	{
		Name: "raw-count-takes-regions", Bug: "B06", Project: "linux", Year: 2026, Strategies: initiator, Minimum: 17, Witness: "mutants/merged-read",
		Cause: "rw.c bvec READ: the entries before the DMA mapping decide on regions, one each; a pool of 16 runs out: -EAGAIN",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			const pool = 16
			mapped, err := req.DMA.Map(nil, req.List)
			if err == nil && req.Dir == reg.DirWrite && len(req.List) > pool && len(mapped) <= pool && req.List.Validate() == nil {
				return errAgain
			}
			return s.Register(e, req, r)
		}),
	},
	{
		Name: "may-merge-stays-set", Bug: "B16", Project: "linux", Year: 2019, Strategies: bothKinds, Minimum: 3, Witness: "mutants/limit-after-refused-merge",
		Cause: "after a run that the segment limit kept apart, the next one is joined without asking for the limit",
		make: onlyMerging(func(a *listArgs) sg.List {
			refused := false
			return merged(a, func(before, next sg.Entry, limit uint64) bool {
				sum := uint64(before.Len) + uint64(next.Len)
				if !continues(before, next) || sum >= 1<<32 {
					return false
				}
				ok := sum <= limit || refused
				refused = !ok
				return ok
			})
		}),
	},
	{
		Name: "adjacent-below-is-joined", Bug: "B17", Project: "linux", Year: 2023, Strategies: bothKinds, Minimum: 2, Witness: "bugs/b17-adjacent-below-is-no-neighbour",
		Cause: "arguments of the test for the next page swapped: a page below is joined, one above is not",
		make: onlyMerging(func(a *listArgs) sg.List {
			return merged(a, func(before, next sg.Entry, limit uint64) bool {
				return continues(next, before) && uint64(before.Len)+uint64(next.Len) <= limit
			})
		}),
	},
	{
		Name: "allocated-entries-counted", Bug: "B18", Project: "linux", Year: 2021, Commit: "a52724456928", Strategies: bothKinds, Minimum: 1, Witness: "features/single-entry",
		Cause: "orig_nents counts allocated entries, here a multiple of 8, not populated ones",
		make: registered(func(_ *reg.Env, req *reg.Request, r *reg.Registration) error {
			n := (len(req.List) + 7) &^ 7
			r.MapNents, r.UnmapNents = n, n
			return nil
		}),
	},
	{
		Name: "stale-entries-registered", Bug: "B19", Project: "linux", Year: 2020, Commit: "57b26497fabe", Strategies: bothKinds, Minimum: 2, Witness: "bugs/b19-registered-with-the-count-before-mapping",
		Cause: "iSER maps as many entries as before the DMA mapping: stale ones at the end are registered",
		make: mapsOther(func(a *listArgs) sg.List {
			return append(append(a.dst, a.mapped...), a.orig[min(len(a.mapped), len(a.orig)):]...)
		}),
	},
	{
		Name: "unmapped-with-mapped-count", Bug: "B20", Project: "linux", Year: 2020, Strategies: bothKinds, Minimum: 1, Witness: "bugs/b20-unmapped-with-the-count-after-mapping",
		Cause: "xprtrdma keeps the mapped count and unmaps with it",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			r.UnmapNents = len(r.Mapped)
			return nil
		}),
	},
	{
		Name: "original-count-registered", Bug: "B21", Project: "linux", Year: 2021, Commit: "fb4b1373dcab", Strategies: bothKinds, Minimum: 1, Witness: "bugs/b21-success-measured-by-the-wrong-count",
		Cause: "RDS registers with the original count; entries that the mapping emptied carry no bytes",
		make: registered(func(_ *reg.Env, req *reg.Request, r *reg.Registration) error {
			r.DMANents = len(req.List)
			return nil
		}),
	},
	{
		Name: "merged-map-is-short", Bug: "B22", Project: "linux", Year: 2022, Commit: "102d2f70ec09", Strategies: bothKinds, Minimum: 2, Witness: "bugs/b22-merged-map-is-not-short",
		Cause: "RTRS compares the result of ib_map_mr_sg with the original count and fails good maps",
		make: registered(func(_ *reg.Env, req *reg.Request, r *reg.Registration) error {
			if len(r.Mapped) < len(req.List) {
				return errShort
			}
			return nil
		}),
	},
	{
		Name: "one-address-a-mapped-entry", Bug: "B23", Project: "linux", Year: 2026, Commit: "01ebdb00045d", Strategies: bothKinds, Minimum: 1, Witness: "bugs/b23-one-mapped-entry-many-chunks",
		Cause: "RTRS server: one cached address for each mapped entry; after a merge later chunks have a wrong one or none",
		make: mapsOther(func(a *listArgs) sg.List {
			l := append(a.dst, a.orig...)
			for i := range l {
				l[i].Addr = 0
				if i < len(a.mapped) {
					l[i].Addr = a.mapped[i].Addr
				}
			}
			return l
		}),
	},
	{
		Name: "tx-fragments-for-mapped", Bug: "B24", Project: "lustre", Year: 2020, Commit: "40385cda7a", Strategies: bothKinds, Minimum: 2, Witness: "bugs/b24-fragments-before-and-after",
		Cause: "o2iblnd uses the number of CPU fragments for the mapped list: its last fragment is taken again",
		make: mapsOther(func(a *listArgs) sg.List {
			l := append(a.dst, a.mapped...)
			for len(l) > 0 && len(l) < len(a.orig) {
				l = append(l, l[len(l)-1])
			}
			return l
		}),
	},
	{
		Name: "merged-length-wraps", Bug: "B25", Project: "linux", Year: 2019, Commit: "ab2cbeb0ed30", Strategies: klmUsers, Minimum: 2, Witness: "bugs/b25-merged-length-wraps",
		Cause: "the joined length is compared with the limit in 32 bits and wraps",
		make: onlyMerging(func(a *listArgs) sg.List {
			return merged(a, func(before, next sg.Entry, limit uint64) bool {
				return continues(before, next) && uint64(before.Len+next.Len) <= limit
			})
		}),
	},
	{
		Name: "segment-skipped-at-its-end", Bug: "B67", Project: "linux", Year: 2026, Strategies: klmUsers, Minimum: 2, Witness: "bugs/b67-offset-equals-segment",
		Cause: "svcrdma skips segments while offset > length, not >=: at equality a piece of no bytes takes the next segment's place",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			k := borderAt(req.List, req.Offset)
			if k == 0 || req.Partial || req.DMA.Mode != sg.Identity || req.List.Validate() != nil {
				return s.Register(e, req, r)
			}
			other := *req
			other.List = append(append(sg.List(nil), req.List[:k]...), req.List[k+1:]...)
			err := s.Register(e, &other, r)
			if err == nil {
				r.Request = req
			}
			return err
		}),
	},
}

// borderAt is the entry that begins off bytes into the stream, 0 if none does.
func borderAt(l sg.List, off uint64) int {
	for i := range l {
		if off == 0 {
			return i
		}
		if uint64(l[i].Len) > off {
			break
		}
		off -= uint64(l[i].Len)
	}
	return 0
}
