package mutants

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
)

// consumerBugs are defects of upper-layer protocols: capacities, offsets,
// key states, copies.
var consumerBugs = []Mutant{
	{
		Name: "region-without-offset-page", Bug: "B64", Project: "lustre", Year: 2021, Commit: "23a2c92f20", Strategies: pageUsers, Minimum: 1, Witness: "bugs/b64-offset-needs-one-page-more",
		Cause: "the region is sized for the bytes; with an offset in the first page they need one page more",
		make: pagesMutant(func(a *pagesArgs) (linux.Mapping, error) {
			m, err := a.correct()
			if err == nil && m.Stop == linux.StopFull && m.N == a.max && restOf(a.l, a.from) <= uint64(a.max)*a.page {
				return linux.Mapping{}, errShort
			}
			return m, err
		}),
	},
	{
		Name: "remote-address-page-masked", Bug: "B64", Project: "lustre", Year: 2017, Commit: "6c63418041", Strategies: pageUsers, Minimum: 1, Witness: "features/unaligned-first",
		Cause: "the address told to the peer is that of the page, although the region's iova carries the offset",
		make: registered(func(_ *reg.Env, req *reg.Request, r *reg.Registration) error {
			for i := range r.Tuples {
				r.Tuples[i].Addr &^= req.PageSize - 1
			}
			return nil
		}),
	},
	{
		Name: "max-pages-in-32-bits", Bug: "B65", Project: "linux", Year: 2025, Commit: "43bd09d5b750", Strategies: pageUsers, Minimum: 1, Witness: "features/single-byte",
		Cause: "the largest region over the page size is cut to 32 bits: a multiple of 2^32 pages is none",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			if log := e.Profile.LogMaxMRWSize; log >= 44 && req.List.Validate() == nil && !req.Partial {
				return &reg.Refusal{Strategy: s.Name(), Reason: reg.ReasonEntries, Entry: -1, Limit: 0}
			}
			return s.Register(e, req, r)
		}),
	},
	{
		Name: "wrong-region-invalidated", Bug: "B66", Project: "linux", Year: 2023, Strategies: targets, Minimum: 2, Witness: "features/end-inside-page",
		Cause: "one valid bit for two regions: the one registered last is invalidated for both",
		make: encodes(encoder{invalidate: func(x *encoder, _ uint32) error {
			return x.Encoder.Invalidate(x.keys[len(x.keys)-1])
		}}),
	},
	{
		Name: "every-page-has-all-bytes", Bug: "B70", Project: "linux", Year: 2025, Strategies: copying, Minimum: 1, Witness: "bugs/b70-each-page-has-its-own-bytes",
		Cause: "siw: the copy of each page is given the bytes of all",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			for _, copies := range [...][]reg.Copy{r.CopyIn, r.CopyOut} {
				for i := range copies {
					copies[i].Len = r.Covered
				}
			}
			return nil
		}),
	},
	{
		Name: "pull-up-from-page-start", Bug: "B67", Project: "linux", Year: 2020, Strategies: copying, Minimum: 1, Witness: "features/unaligned-first",
		Cause: "svcrdma pull-up copies from the start of the page",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			for i := range r.CopyIn {
				r.CopyIn[i].From &^= 4095
			}
			return nil
		}),
	},
	{
		Name: "offset-sum-wraps", Bug: "B63", Project: "linux", Year: 2026, Strategies: bothKinds, Minimum: 1, Witness: "bugs/b63-offset-near-2-64",
		Cause: "nvmet-rdma: the sum of offset and length wraps in 64 bits and passes the test against the buffer",
		make: registers(func(s reg.Strategy, e *reg.Env, req *reg.Request, r *reg.Registration) error {
			total := req.List.Total()
			if req.Offset <= total || req.Offset+total > total || req.List.Validate() != nil || req.Partial {
				return s.Register(e, req, r)
			}
			other := *req
			other.Offset = 0
			if err := s.Register(e, &other, r); err != nil {
				return err
			}
			r.Request = req
			return nil
		}),
	},
	{
		Name: "atomic-offset-disagreed", Bug: "B84", Project: "ucx", Year: 2023, Commit: "4c5f510c13", Strategies: bothKinds, Minimum: 1, Witness: "bugs/b83-unaligned-start-and-length",
		Cause: "the requester adds an atomic offset to a key that was made without one",
		make: registered(func(_ *reg.Env, req *reg.Request, r *reg.Registration) error {
			for i := range r.Tuples {
				if req.Access&mlx5model.AccA != 0 {
					r.Tuples[i].Addr += 0x100
				}
			}
			return nil
		}),
	},
}

// SRP descriptors are judged by what the target would read.
var srpMutants = []Mutant{
	{
		Name: "srp-little-endian", Project: made, Strategies: targets, Minimum: 1, Witness: "features/single-byte",
		Cause: "the direct descriptor is written in host byte order",
		make:  srpUnit(func(r *reg.Registration) { swap(r.SRP.IU[reg.SRPCmdSize:]) }),
	},
	{
		Name: "srp-total-too-short", Project: made, Strategies: targets, Minimum: 2, Witness: "features/end-inside-page",
		Cause: "the total length of an indirect table leaves the last descriptor out",
		make: srpUnit(func(r *reg.Registration) {
			if r.SRP.Format == reg.SRPIndirect {
				at := r.SRP.IU[reg.SRPCmdSize+reg.SRPDirectSize:]
				binary.BigEndian.PutUint32(at, uint32(r.Covered-r.Tuples[len(r.Tuples)-1].Len))
			}
		}),
	},
}

// srpUnit makes the Parts of a strategy that writes another information unit.
func srpUnit(f func(r *reg.Registration)) func() Parts {
	return registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
		if r.SRP != nil && r.SRP.Format != reg.SRPNone && r.SRP.Format != reg.SRPImmediate && len(r.Tuples) > 0 {
			f(r)
		}
		return nil
	})
}
