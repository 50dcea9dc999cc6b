package mutants

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// umem is what a defective driver has at hand when it writes a user memory
// key: the correct choices, to be changed.
type umem struct {
	req       *reg.Request
	r         *reg.Registration
	l         sg.List // from the first byte on
	iova      uint64
	supported uint64 // page sizes, a bitmap
	size      uint64 // page size chosen
	blocks    []uint64
}

// fill makes the blocks for u.size by the correct iterator.
func (u *umem) fill() { u.blocks = reg.AppendBlocks(u.blocks[:0], u.l, u.iova, u.size) }

// maxBlocks bounds what a defective page size may cost here.
const maxBlocks = 1 << 20

// writes makes the Parts of a user memory strategy that writes another key
// than it should. f changes u; an error of it aborts.
func writes(f func(u *umem) error) func() Parts {
	return registered(func(e *reg.Env, req *reg.Request, r *reg.Registration) error {
		return rewrite(e, req, r, f)
	})
}

func rewrite(e *reg.Env, req *reg.Request, r *reg.Registration, f func(u *umem) error) error {
	ctx, _ := e.Dev.QueryMkey(r.Keys[0])
	u := umem{req: req, r: r, l: tail(r), iova: ctx.Start, size: 1 << ctx.LogPageSize}
	u.supported = devicePages(&e.Profile)
	if req.PageSizes != 0 {
		u.supported &= req.PageSizes
	}
	u.fill()
	before, iova, n := u.size, u.iova, len(u.blocks)
	old := append([]uint64(nil), u.blocks...)
	if err := f(&u); err != nil {
		return err
	}
	if u.size == before && u.iova == iova && equal(u.blocks, old) {
		return nil
	}
	r.Cost.Descriptors += len(u.blocks) - n
	return remake(e, r, 0, func(c *mlx5model.MkeyContext, _ []byte) []byte {
		c.Start, c.LogPageSize = u.iova, uint8(bits.TrailingZeros64(u.size))
		c.XltOctowords = uint32(len(u.blocks)+1) / 2
		var xlt []byte
		for _, b := range u.blocks {
			xlt = binary.BigEndian.AppendUint64(xlt, b|mlx5model.MTTRead|mlx5model.MTTWrite)
		}
		return xlt
	})
}

func equal(a, b []uint64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// tail is the registered part of the mapped list.
func tail(r *reg.Registration) sg.List {
	l := append(sg.List(nil), r.Mapped[r.From.Entry:]...)
	l[0].Addr += r.From.Off
	l[0].Len -= uint32(r.From.Off)
	return l
}

func devicePages(p *mlx5model.Profile) uint64 {
	return (uint64(1)<<p.LogPageMax<<1 - 1) &^ (uint64(1)<<p.LogPageMin - 1)
}

// choose makes the Parts of a defective choice of the page size: bad gets the
// bits that rule sizes out, run by run. 0 from pick keeps the correct size.
func choose(ruleOut func(u *umem) uint64) func() Parts {
	return writes(func(u *umem) error {
		size := largest(u, ruleOut(u))
		if size == 0 || reg.Blocks(u.iova, u.l.Total(), size) > maxBlocks {
			return nil
		}
		u.size = size
		u.fillLoose()
		return nil
	})
}

// largest is the largest supported size that no bit of odd rules out and that
// is not larger than the range needs.
func largest(u *umem, odd uint64) uint64 {
	fitting := u.supported
	if odd != 0 {
		fitting &= odd&-odd<<1 - 1
	}
	last := u.iova + u.l.Total() - 1
	if cover := u.supported >> bits.Len64(u.iova^last) << bits.Len64(u.iova^last); cover != 0 {
		fitting &= cover&-cover<<1 - 1
	}
	if fitting == 0 {
		return 0
	}
	return 1 << (bits.Len64(fitting) - 1)
}

// fillLoose makes the blocks for a size that need not fit: the page of the
// first byte of each, as an iterator over entries does.
func (u *umem) fillLoose() {
	u.fill()
	for i := range u.blocks {
		u.blocks[i] &^= u.size - 1
	}
}

// eachBorder calls f for the borders between entries with bytes: the iova of
// the border, and the two entries.
func (u *umem) eachBorder(f func(at uint64, before, after sg.Entry)) {
	at := u.iova
	var before sg.Entry
	for _, e := range u.l {
		if e.Len == 0 {
			continue
		}
		if before.Len != 0 {
			f(at, before, e)
		}
		at, before = at+uint64(e.Len), e
	}
}

var errPageSize = errors.New("page size 0: -EINVAL")

// umemBugs are defects of user memory registration: the choice of the page
// size, the block iterator, the table.
var umemBugs = []Mutant{
	{
		Name: "page-size-by-lengths", Bug: "B07", Project: "linux", Year: 2020, Commit: "36798d5ae1af", Strategies: umemOnly, Minimum: 1, Witness: "bugs/b07-end-of-entry-limits-page-size",
		Cause: "ib_umem_find_best_pgsz takes an entry's length for the iova of its end, and never looks at entry 0",
		make: choose(func(u *umem) uint64 {
			odd := u.l[0].Addr ^ u.iova
			first := true
			u.eachBorder(func(at uint64, before, after sg.Entry) {
				odd |= after.Addr ^ at
				if !first {
					odd |= uint64(before.Len)
				}
				first = false
			})
			return odd
		}),
	},
	{
		Name: "blocks-from-system-page", Bug: "B09", Project: "linux", Year: 2023, Commit: "4fbc3a52cd4d", Strategies: umemOnly, Minimum: 1, Witness: "bugs/b09-first-byte-deep-in-system-page",
		Cause: "the block iterator starts at the 64 KiB system page that holds the first byte: blocks in front of the data",
		make: writes(func(u *umem) error {
			if u.size >= 1<<16 {
				return nil
			}
			first := u.l[0].Addr &^ (u.size - 1)
			var lead []uint64
			for p := first &^ (1<<16 - 1); p != first; p += u.size {
				lead = append(lead, p)
			}
			n := len(u.blocks)
			u.blocks = append(lead, u.blocks...)[:n]
			return nil
		}),
	},
	{
		Name: "no-page-size-is-some", Bug: "B10", Project: "linux", Year: 2021, Strategies: umemOnly, Minimum: 1, Witness: "bugs/b10-no-page-size-fits",
		Cause: "zero rounded down to a power of two: where no page size fits, a wrong one is used",
		make:  registers(nonsenseSize),
	},
	{
		Name: "borders-always-break", Bug: "B11", Project: "linux", Year: 2025, Commit: "486055f5e09d", Strategies: umemOnly, Minimum: 1, Witness: "bugs/b11-contiguous-entries-are-one",
		Cause: "every border between entries counts as a break, even where memory goes on: small pages for large runs, or none",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			if err := s.Register(e, req, r); err != nil {
				return err
			}
			var refuse error
			err := rewrite(e, req, r, func(u *umem) error {
				odd := u.l[0].Addr ^ u.iova
				u.eachBorder(func(at uint64, _, after sg.Entry) { odd |= at | after.Addr })
				size := largest(u, odd)
				switch {
				case size == 0:
					refuse = &reg.Refusal{Strategy: s.Name(), Reason: reg.ReasonPageSize, Entry: -1}
				case reg.Blocks(u.iova, u.l.Total(), size) <= reg.MaxUMemBlocks:
					u.size = size
					u.fill()
				}
				return refuse
			})
			if err != nil {
				_ = s.Release(e, r)
				r.Reset()
			}
			return err
		}),
	},
	{
		Name: "blocks-of-4g-truncated", Bug: "B12", Project: "linux", Year: 2026, Strategies: umemOnly, Minimum: 1, Witness: "bugs/b12-blocks-of-4g",
		Cause: "offset and step of the block iterator have 32 bits: addresses behind blocks of 4 GiB are wrong",
		make: writes(func(u *umem) error {
			if u.size < 1<<32 {
				return nil
			}
			first := u.blocks[0]
			for i := range u.blocks {
				step := uint64(uint32(uint64(i) * u.size))
				u.blocks[i] = (first + step) &^ (u.size - 1)
			}
			return nil
		}),
	},
	{
		Name: "counter-wraps-forever", Bug: "B13", Project: "linux", Year: 2023, Commit: "e71b6f877b40", Strategies: umemOnly, Minimum: 1, Witness: "bugs/b13-counter-wraps-forever",
		Cause: "the 32-bit position in an entry wraps when its pages reach 4 GiB: the iteration does not end (here: after 2^22 blocks)",
		make: writes(func(u *umem) error {
			for _, e := range u.l {
				if pages := reg.Blocks(e.Addr, uint64(e.Len), u.size); pages*u.size >= 1<<32 && e.Addr%u.size != 0 {
					u.r.Cost.Descriptors += 1 << 22
				}
			}
			return nil
		}),
	},
	{
		Name: "iova-in-32-bits", Bug: "B14", Project: "linux", Year: 2026, Strategies: umemOnly, Minimum: 1, Witness: "bugs/b59-unaligned-address",
		Cause: "iova passed as unsigned long: its upper half is lost on 32 bits",
		make: writes(func(u *umem) error {
			u.iova = uint64(uint32(u.iova))
			return nil
		}),
	},
	{
		Name: "iova-may-wrap", Bug: "B14", Project: "linux", Year: 2026, Strategies: umemOnly, Minimum: 1, Witness: "bugs/b14-iova-runs-past-2-64",
		Cause: "nobody checks that iova plus length stays below 2^64",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			err := s.Register(e, req, r)
			var f *reg.Refusal
			if !errors.As(err, &f) || f.Reason != reg.ReasonWrap || req.List.Validate() != nil {
				return err
			}
			other := *req
			other.IOVA = req.IOVA&(1<<40-1) | 1<<40
			if s.Register(e, &other, r) != nil {
				return err
			}
			r.Request = req
			r.Tuples[0].Addr = req.IOVA + r.Tuples[0].Addr - other.IOVA
			start := r.Tuples[0].Addr
			return remake(e, r, 0, func(c *mlx5model.MkeyContext, xlt []byte) []byte { c.Start = start; return xlt })
		}),
	},
	{
		Name: "blocks-of-the-length", Bug: "B15", Project: "linux", Year: 2020, Strategies: umemOnly, Minimum: 1, Witness: "bugs/b15-count-in-the-space-of-the-iova",
		Cause: "the number of blocks is that of the length, not of the iova range: the table is too short",
		make: writes(func(u *umem) error {
			n := (u.l.Total() + u.size - 1) / u.size
			u.blocks = u.blocks[:min(uint64(len(u.blocks)), n)]
			return nil
		}),
	},
	{
		Name: "page-size-in-32-bits", Bug: "B36", Project: "linux", Year: 2025, Strategies: umemOnly, Minimum: 1, Witness: "bugs/b36-page-of-4g-in-32-bits",
		Cause: "the best page size is kept in 32 bits: 4 GiB is 0 and the registration fails",
		make: writes(func(u *umem) error {
			if u.size >= 1<<32 {
				return errPageSize
			}
			return nil
		}),
	},
	{
		Name: "iova-alignment-ignored", Bug: "B39", Project: "linux", Year: 2025, Commit: "f4d365433815", Strategies: umemOnly, Minimum: 1, Witness: "mutants/iova-other-alignment",
		Cause: "page sizes above the alignment of the iova are not ruled out (here: where iova and address differ)",
		make: choose(func(u *umem) uint64 {
			odd := uint64(0)
			u.eachBorder(func(_ uint64, before, after sg.Entry) {
				if before.End() != after.Addr {
					odd |= before.End() | after.Addr
				}
			})
			return odd
		}),
	},
	{
		Name: "user-address-for-iova", Bug: "B41", Project: "linux", Year: 2020, Commit: "8ffc32485158", Strategies: umemOnly, Minimum: 1, Witness: "bugs/b59-unaligned-address",
		Cause: "the iova is not stored: the key begins at the user's address",
		make: writes(func(u *umem) error {
			u.iova = u.l[0].Addr
			return nil
		}),
	},
	{
		Name: "pages-counted-in-4k", Bug: "B54", Project: "linux", Year: 2023, Strategies: umemOnly, Minimum: 1, Witness: "mutants/two-large-pages",
		Cause: "bnxt_re rescales the page count by the system page size, although blocks have the region's page size",
		make: writes(func(u *umem) error {
			n := max(uint64(len(u.blocks))*4096/u.size, 1)
			u.blocks = u.blocks[:min(uint64(len(u.blocks)), n)]
			return nil
		}),
	},
	{
		Name: "root-of-four-overrun", Bug: "B57", Project: "linux", Year: 2026, Strategies: umemOnly, Minimum: 1, Witness: "bugs/b57-more-blocks-than-the-root-holds",
		Cause: "irdma: the stop test never holds at the lowest level: blocks behind the fourth are written elsewhere",
		make: writes(func(u *umem) error {
			u.blocks = u.blocks[:min(len(u.blocks), 4)]
			return nil
		}),
	},
	{
		Name: "virtual-address-ignored", Bug: "B59", Project: "linux", Year: 2024, Commit: "e02497fb6546", Strategies: umemOnly, Minimum: 1, Witness: "bugs/b59-unaligned-address",
		Cause: "mana and erdma: the offset in the first page is taken as 0",
		make: writes(func(u *umem) error {
			u.iova &^= u.size - 1
			return nil
		}),
	},
	{
		Name: "page-shift-clamped", Bug: "B77", Project: "rdma-core", Year: 2022, Commit: "8dd405f45", Strategies: umemOnly, Minimum: 1, Witness: "bugs/b12-blocks-of-4g",
		Cause: "vfio: the page shift is limited to 31 bits, the blocks keep the larger size",
		make: writes(func(u *umem) error {
			u.size = min(u.size, 1<<31)
			return nil
		}),
	},
	{
		Name: "first-page-of-the-allocation", Bug: "B77", Project: "rdma-core", Year: 2022, Commit: "8dd405f45", Strategies: umemOnly, Minimum: 1, Witness: "features/offset-past-first-page",
		Cause: "vfio: the first page is that of the allocation, not of the registered start",
		make: writes(func(u *umem) error {
			u.blocks[0] = u.r.Mapped[u.r.From.Entry].Addr &^ (u.size - 1)
			return nil
		}),
	},
	{
		Name: "common-divisor-in-32-bits", Bug: "B79", Project: "dpdk", Year: 2021, Commit: "6e914454d5", Strategies: umemOnly, Minimum: 2, Witness: "mutants/run-of-4g",
		Cause: "vdpa: the common divisor of the regions' lengths is computed in 32 bits: 4 GiB is 0, and no entity size is left",
		make: writes(func(u *umem) error {
			run := uint64(u.l[0].Len)
			bad := false
			u.eachBorder(func(_ uint64, before, after sg.Entry) {
				if before.End() != after.Addr {
					bad = bad || uint32(run) == 0
					run = 0
				}
				run += uint64(after.Len)
			})
			if bad || uint32(run) == 0 {
				return errPageSize
			}
			return nil
		}),
	},
	{
		Name: "iova-offset-added-to-base", Bug: "B83", Project: "ucx", Year: 2024, Commit: "29fcd3fcfe", Strategies: umemOnly, Minimum: 1, Witness: "features/offset-past-first-page",
		Cause: "the offset of the registered part is added to the base of the memory, not to the user's address",
		make: writes(func(u *umem) error {
			for i := range u.blocks {
				u.blocks[i] -= u.r.From.Off &^ (u.size - 1)
			}
			return nil
		}),
	},
}

// nonsenseSize registers with the device's largest page where none fits.
func nonsenseSize(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
	err := s.Register(e, req, r)
	var f *reg.Refusal
	if !errors.As(err, &f) || f.Reason != reg.ReasonPageSize {
		return err
	}
	other := *req
	other.PageSizes = 0
	if s.Register(e, &other, r) != nil {
		return err
	}
	r.Request = req
	return rewrite(e, req, r, func(u *umem) error {
		u.size = 1 << e.Profile.LogPageMax
		u.fillLoose()
		return nil
	})
}
