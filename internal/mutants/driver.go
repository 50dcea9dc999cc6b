package mutants

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
)

// driverBugs are defects of what a driver writes for a registration: work
// requests, keys, ring bytes.
var driverBugs = []Mutant{
	{
		Name: "octowords-from-order", Bug: "B34", Project: "linux", Year: 2021, Strategies: klmUsers, Minimum: 1, Witness: "features/single-byte",
		Cause: "the fallback path counts entries from the order of the allocation: order(size)/16, which is 0 for small lists",
		make: field(mlx5model.SegUMRCtrl, "xlt_octowords", umrOff, func(v uint64) uint64 {
			pages := (v*mlx5model.OctowordSize + 4095) / 4096
			return uint64(bits.Len64(pages-1)) / 16
		}),
	},
	{
		Name: "octowords-not-rounded", Bug: "B35", Project: "linux", Year: 2021, Strategies: klmUsers, Minimum: 1, Witness: "features/single-byte",
		Cause: "the list is aligned by the size of a variable, not of an entry: the octoword count is no multiple of 64 bytes",
		make: encodes(encoder{after: func(w *reg.RegWR, raw []byte) {
			if w.Mode == mlx5model.ModeKLM {
				mustField(mlx5model.SegUMRCtrl, "xlt_octowords").Put(raw[umrOff:], uint64(w.N))
			}
		}}),
	},
	{
		Name: "page-size-mask-bit-missing", Bug: "B37", Project: "linux", Year: 2025, Strategies: pageUsers, Minimum: 1, Witness: "features/page-size-64k",
		Cause: "the mask bit of the page size is not set (there: its sixth bit's own; here: the other five's): the size stays",
		make:  maskLacks(mlx5model.MaskPageSize),
	},
	{
		Name: "umr-despite-capability", Bug: "B43", Project: "linux", Year: 2019, Commit: "e5366d309a77", Strategies: pageUsers, Minimum: 1, Witness: "mutants/profile-noumr",
		Cause: "UMR is used although the device forbids it to change page size and atomics",
		make: blind(func(p *mlx5model.Profile) {
			p.UMRModifyAtomicDisabled, p.UMRModifyEntitySizeDisabled = false, false
		}),
	},
	{
		Name: "cached-rights", Bug: "B43", Project: "linux", Year: 2023, Commit: "4f14c6c0213e", Strategies: bothKinds, Minimum: 1, Witness: "features/read-only",
		Cause: "keys from the cache keep the rights of the cache, all of them, whatever was asked for",
		make:  posts(func(w *reg.RegWR) { w.Access |= mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW }),
	},
	{
		Name: "small-pages-for-large", Bug: "B47", Project: "linux", Year: 2025, Commit: "12985e5915a0", Strategies: pageUsers, Minimum: 1, Witness: "bugs/b47-mr-page-above-system-page",
		Cause: "rxe: one system page stands for each page of the region, although that is larger",
		make: posts(func(w *reg.RegWR) {
			if w.Mode == mlx5model.ModeMTT {
				w.LogPage = min(w.LogPage, 12)
			}
		}),
	},
	{
		Name: "place-in-system-page-lost", Bug: "B47", Project: "linux", Year: 2025, Commit: "12985e5915a0", Strategies: pageUsers, Minimum: 1, Witness: "bugs/b47-mr-page-below-system-page",
		Cause: "rxe: the place of a 4 KiB page in its 64 KiB system page is lost",
		make: afterPages(func(a *pagesArgs, _ *linux.Mapping, mtts mttList) {
			if a.page < 1<<16 {
				mtts.each(func(_ int, page uint64) uint64 { return page &^ (1<<16 - 1) })
			}
		}),
	},
	{
		Name: "second-table-unfilled", Bug: "B48", Project: "linux", Year: 2022, Commit: "1e75550648da", Strategies: bothKinds, Minimum: 1, Witness: "features/single-byte",
		Cause: "rxe: two tables in turn, and a registration after an invalidation takes the one that nobody filled",
		make: encodes(encoder{before: func(x *encoder, w *reg.RegWR) {
			index := mlx5model.KeyIndex(w.Key)
			if filled, again := x.tables[index]; again {
				clear(w.List[copy(w.List, filled):])
				delete(x.tables, index)
				return
			}
			x.tables[index] = make([]byte, len(w.List))
		}}),
	},
	{
		Name: "page-size-not-checked", Bug: "B51", Project: "linux", Year: 2024, Commit: "d387d4b54eb8", Strategies: pageUsers, Minimum: 1, Witness: "mutants/small-pages-on-cx4",
		Cause: "hns: the page size of a region is not held against the device's range",
		make:  blind(func(p *mlx5model.Profile) { p.LogPageMin, p.LogPageMax = 9, 31 }),
	},
	{
		Name: "pages-rescaled", Bug: "B54", Project: "linux", Year: 2023, Strategies: pageUsers, Minimum: 1, Witness: "bugs/b54-page-count-rescaled",
		Cause: "bnxt_re: the number of pages in the work request is divided by the size of a page once more",
		make: posts(func(w *reg.RegWR) {
			if w.Mode == mlx5model.ModeMTT && w.LogPage > 12 {
				w.N = max(w.N>>(w.LogPage-12), 1)
				w.List = w.List[:w.N*mlx5model.MTTSize]
			}
		}),
	},
	{
		Name: "zero-length-is-everything", Bug: "B55", Project: "linux", Year: 2023, Commit: "bb6d73d9add6", Strategies: bothKinds, Minimum: 1, Witness: "bugs/b55-zero-length",
		Cause: "irdma accepts a region of length 0, which its device takes for no length check",
		make:  registers(zeroLength),
	},
	{
		Name: "length-in-32-bits", Bug: "B72", Project: "rdma-core", Year: 2020, Commit: "396e6b6d5", Strategies: klmUsers, Minimum: 2, Witness: "features/total-2-32",
		Cause: "a byte count is multiplied in 32 bits (there: strides; here: the length of a list's region)",
		make:  posts(func(w *reg.RegWR) { w.Length = uint64(uint32(w.Length)) }),
	},
	{
		Name: "wrapped-part-before-the-ring", Bug: "B73", Project: "rdma-core", Year: 2022, Commit: "c4344e46f", Strategies: klmUsers, Minimum: 1, Witness: "mutants/ring-wrap-klm",
		Cause: "the pointer to the part behind the ring's end is computed backwards: those bytes never reach the ring",
		make:  encodes(encoder{lost: true}),
	},
	{
		Name: "queue-space-of-one-unit", Bug: "B75", Project: "rdma-core", Year: 2023, Commit: "24850871b", Strategies: []string{"multimr", "indirect"}, Minimum: 1, Witness: "mutants/queue-of-four-regions",
		Cause: "the size of a UMR is not reserved: one unit of the queue stands for it",
		make:  encodes(encoder{size: func(int) int { return 1 }}),
	},
	{
		Name: "key-bits-without-mask", Bug: "B76", Project: "rdma-core", Year: 2022, Commit: "9eabb3fd9", Strategies: bothKinds, Minimum: 1, Witness: "features/single-byte",
		Cause: "the low eight bits of the key are written, but their mask bit is not: the device ignores them",
		make:  maskLacks(mlx5model.MaskKey),
	},
	{
		Name: "wqe-size-of-another-compiler", Bug: "B81", Project: "dpdk", Year: 2021, Commit: "ddcc44b5d3", Strategies: bothKinds, Minimum: 1, Witness: "features/single-byte",
		Cause: "the size of the work request comes from a structure that compilers lay out differently: 16 bytes too many",
		make:  field(mlx5model.SegCtrl, "ds", 0, func(v uint64) uint64 { return v + 1 }),
	},
	{
		Name: "key-attributes-uninitialised", Bug: "B81", Project: "dpdk", Year: 2021, Commit: "9f39076b71", Strategies: bothKinds, Minimum: 1, Witness: "features/single-byte",
		Cause: "the attributes of a new key are partly uninitialised: here the queue pair it belongs to",
		make:  encodes(encoder{context: func(c *mlx5model.MkeyContext) { c.QPN = 0x55aa }}),
	},
	{
		Name: "atomics-always", Bug: "B84", Project: "ucx", Year: 2022, Commit: "cd22f69d84", Strategies: klmUsers, Minimum: 1, Witness: "features/single-entry",
		Cause: "indirect keys always allow atomics",
		make:  posts(func(w *reg.RegWR) { w.Access |= mlx5model.AccA }),
	},
	{
		Name: "one-slot-short", Bug: "B85", Project: "spdk", Year: 2024, Commit: "5a5361cedd", Strategies: []string{"multimr"}, Minimum: 1, Witness: "mutants/queue-of-four-regions",
		Cause: "less room in the queue is checked than the work requests take",
		make:  encodes(encoder{size: func(n int) int { return n - 1 }}),
	},
}

// zeroLength registers a list without bytes with a key that has no bounds.
func zeroLength(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
	err := s.Register(e, req, r)
	var f *reg.Refusal
	if !errors.As(err, &f) || f.Reason != reg.ReasonEmpty || len(req.List) == 0 || req.List.Total() != 0 {
		return err
	}
	other := *req
	other.List = append(other.List[:0:0], req.List[0])
	other.List[0].Len = 1
	if other.Offset = 0; s.Register(e, &other, r) != nil {
		return err
	}
	r.Request, r.Covered, r.Tuples[0].Len = req, 0, 0
	return remake(e, r, 0, func(c *mlx5model.MkeyContext, xlt []byte) []byte {
		c.Length64 = true
		return xlt
	})
}

// swap exchanges the bytes of each 32-bit word, as a host of the other byte
// order would write them.
func swap(p []byte) {
	for ; len(p) >= 4; p = p[4:] {
		binary.LittleEndian.PutUint32(p, binary.BigEndian.Uint32(p))
	}
}
