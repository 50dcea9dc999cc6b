package mutants

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

const anyCase = "features/single-byte"

// madeMapping are made defects of descriptor lists.
var madeMapping = []Mutant{
	{
		Name: "klm-byte-order", Project: made, Strategies: klmUsers, Minimum: 1, Witness: anyCase, Cause: "KLMs in host byte order",
		make: afterKLMs(func(_ *klmsArgs, _ *linux.Mapping, klms klmList) { swap(klms) }),
	},
	{
		Name: "klm-address-low-half", Project: made, Strategies: klmUsers, Minimum: 1, Witness: "features/address-bits", Cause: "the upper half of a KLM's address is lost",
		make: eachKLM(func(k *mlx5model.KLM) { k.VA = uint64(uint32(k.VA)) }),
	},
	{
		Name: "klm-entry-key", Project: made, Strategies: klmUsers, Minimum: 1, Witness: "features/mixed-lkey", Cause: "a KLM carries the entry's lkey, not the local DMA key",
		make: klmsMutant(func(a *klmsArgs) (linux.Mapping, error) {
			m, err := a.correct()
			klms := klmList(a.dst[:m.N*mlx5model.KLMSize])
			for i := range klms.len() {
				klms.edit(i, func(k *mlx5model.KLM) { k.Key = a.l[a.from.Entry].Lkey })
			}
			return m, err
		}),
	},
	{
		Name: "klm-last-rounded-up", Project: made, Strategies: klmUsers, Minimum: 1, Witness: anyCase, Cause: "the last KLM and the region are rounded up to 64 bytes",
		make: afterKLMs(func(_ *klmsArgs, m *linux.Mapping, klms klmList) {
			klms.edit(m.N-1, func(k *mlx5model.KLM) {
				up := -k.ByteCount & 63
				k.ByteCount += up
				m.Length += uint64(up)
			})
		}),
	},
	{
		Name: "klm-unlimited", Project: made, Strategies: klmUsers, Minimum: 1, Witness: "features/length-2-31-plus-1", Cause: "entries longer than the device's KLM limit are not split",
		make: klmsMutant(func(a *klmsArgs) (linux.Mapping, error) {
			a.maxBytes = 1<<32 - 1
			return a.correct()
		}),
	},
	{
		Name: "klm-neighbours-swapped", Project: made, Strategies: klmUsers, Minimum: 1, Witness: "features/end-inside-page", Cause: "the first two KLMs stand in the wrong order",
		make: afterKLMs(func(_ *klmsArgs, m *linux.Mapping, klms klmList) {
			if m.N > 1 {
				first := append([]byte(nil), klms[:mlx5model.KLMSize]...)
				copy(klms, klms[mlx5model.KLMSize:2*mlx5model.KLMSize])
				copy(klms[mlx5model.KLMSize:], first)
			}
		}),
	},
	{
		Name: "klm-last-dropped", Project: made, Strategies: klmUsers, Minimum: 1, Witness: "features/end-inside-page", Cause: "the last KLM is left out, the length is not",
		make: afterKLMs(func(_ *klmsArgs, m *linux.Mapping, _ klmList) { m.N = max(m.N-1, 1) }),
	},
	{
		Name: "mtt-byte-order", Project: made, Strategies: pageUsers, Minimum: 1, Witness: "features/address-bits", Cause: "MTTs in host byte order",
		make: afterPages(func(_ *pagesArgs, _ *linux.Mapping, mtts mttList) {
			for i := range mtts.len() {
				binary.LittleEndian.PutUint64(mtts[i*mlx5model.MTTSize:], mtts.at(i))
			}
		}),
	},
	{
		Name: "mtt-bits-missing", Project: made, Strategies: pageUsers, Minimum: 1, Witness: "mutants/profile-strict", Cause: "MTTs without the permission bits",
		make: afterPages(func(_ *pagesArgs, _ *linux.Mapping, mtts mttList) {
			for i := range mtts.len() {
				mtts.set(i, mtts.at(i)&^3)
			}
		}),
	},
	{
		Name: "mtt-address-low-half", Project: made, Strategies: pageUsers, Minimum: 1, Witness: "mutants/page-aligned-high", Cause: "the upper half of an MTT's address is lost",
		make: afterPages(func(_ *pagesArgs, _ *linux.Mapping, mtts mttList) {
			mtts.each(func(_ int, page uint64) uint64 { return uint64(uint32(page)) })
		}),
	},
	{
		Name: "mtt-last-dropped", Project: made, Strategies: pageUsers, Minimum: 1, Witness: "features/page-aligned", Cause: "the last page of several is left out",
		make: afterPages(func(_ *pagesArgs, m *linux.Mapping, _ mttList) { m.N = max(m.N-1, 1) }),
	},
	{
		Name: "mtt-duplicate-first", Project: made, Strategies: pageUsers, Minimum: 1, Witness: "features/page-aligned", Cause: "the second page is the first again",
		make: afterPages(func(_ *pagesArgs, _ *linux.Mapping, mtts mttList) {
			if mtts.len() > 1 {
				mtts.set(1, mtts.at(0))
			}
		}),
	},
	{
		Name: "sector-pages-as-4k", Project: made, Strategies: sectors, Minimum: 2, Witness: "features/sectors-512", Cause: "the second pool's pages of 512 bytes are registered as pages of 4 KiB",
		make: posts(func(w *reg.RegWR) {
			if w.Mode == mlx5model.ModeMTT && w.LogPage == 9 {
				w.LogPage = 12
			}
		}),
	},
	{
		Name: "mapping-end-counts-once-more", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "the region is one byte longer than the list",
		make: func() Parts {
			return Parts{Mapper: &mapper{
				pages: func(a *pagesArgs) (linux.Mapping, error) { m, err := a.correct(); m.Length++; return m, err },
				klms:  func(a *klmsArgs) (linux.Mapping, error) { m, err := a.correct(); m.Length++; return m, err },
			}}
		},
	},
	{
		Name: "prefix-resumes-at-entry", Project: made, Strategies: pageUsers, Minimum: 1, Witness: "bugs/l2-last-page-not-counted", Cause: "a partial mapping goes on at the next entry, not inside the one it stopped in",
		make: afterPages(func(_ *pagesArgs, m *linux.Mapping, _ mttList) {
			if m.Next.Off > 0 {
				m.Next = linux.Pos{Entry: m.Next.Entry + 1}
			}
		}),
	},
}

func eachKLM(f func(*mlx5model.KLM)) func() Parts {
	return afterKLMs(func(_ *klmsArgs, _ *linux.Mapping, klms klmList) {
		for i := range klms.len() {
			klms.edit(i, f)
		}
	})
}

// umrField is a made mutant of one field of a UMR.
func umrField(name, cause, seg, fieldName string, off int, value func(uint64) uint64) Mutant {
	return Mutant{
		Name: name, Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: cause,
		make: field(seg, fieldName, off, value),
	}
}

// at gives a mutant another witness.
func at(witness string, m Mutant) Mutant {
	m.Witness = witness
	return m
}

func plus(n uint64) func(uint64) uint64   { return func(v uint64) uint64 { return v + n } }
func flip(n uint64) func(uint64) uint64   { return func(v uint64) uint64 { return v ^ n } }
func to(n uint64) func(uint64) uint64     { return func(uint64) uint64 { return n } }
func clears(n uint64) func(uint64) uint64 { return func(v uint64) uint64 { return v &^ n } }

const (
	ctrlSeg = mlx5model.SegCtrl
	umrSeg  = mlx5model.SegUMRCtrl
	mkcSeg  = mlx5model.SegMkc
)

// madeWQE are made defects of single fields of a work request.
var madeWQE = []Mutant{
	umrField("ctrl-index", "the WQE's index counts from 1", ctrlSeg, "wqe_index", 0, plus(1)),
	umrField("ctrl-qpn", "the WQE names another queue pair", ctrlSeg, "qpn", 0, flip(1)),
	umrField("ctrl-opcode", "a NOP in place of the UMR", ctrlSeg, "opcode", 0, to(uint64(mlx5model.OpNop))),
	umrField("ctrl-ds-short", "the WQE's size is one unit short", ctrlSeg, "ds", 0, plus(^uint64(0))),
	umrField("ctrl-key-index", "the WQE names the neighbour's key", ctrlSeg, "imm", 0, plus(1<<8)),
	umrField("ctrl-fence-bits", "a fence that the dialect never uses", ctrlSeg, "fm", 0, to(5)),
	umrField("umr-not-inline", "the inline flag is inverted", umrSeg, "inline", umrOff, flip(1)),
	umrField("umr-check-free", "the check flags are inverted: the key must be in use", umrSeg, "check_free", umrOff, flip(1)),
	umrField("umr-octowords-of-fours", "the list's size counts in 64 bytes", umrSeg, "xlt_octowords", umrOff, func(v uint64) uint64 { return v / 4 }),
	umrField("umr-octowords-in-bytes", "the list's size counts bytes", umrSeg, "xlt_octowords", umrOff, func(v uint64) uint64 { return v * 16 }),
	umrField("umr-offset", "an offset into the list is set", umrSeg, "xlt_offset_15_0/bsf_octowords", umrOff, to(4)),
	umrField("mask-no-length", "the mask lacks the length", umrSeg, "mkey_mask", umrOff, clears(mlx5model.MaskLen)),
	umrField("mask-no-free", "the mask lacks the free bit", umrSeg, "mkey_mask", umrOff, clears(mlx5model.MaskFree)),
	umrField("mask-no-access", "the mask lacks the rights", umrSeg, "mkey_mask", umrOff, clears(mlx5model.MaskAccess)),
	umrField("mask-no-start", "the mask lacks the start address", umrSeg, "mkey_mask", umrOff, clears(mlx5model.MaskStartAddr)),
	umrField("mask-with-pd", "the mask has the protection domain, which is not written", umrSeg, "mkey_mask", umrOff, func(v uint64) uint64 { return v | mlx5model.MaskPD }),
	umrField("mkc-free", "the context says that the key is free", mkcSeg, "free", mkcOff, to(1)),
	umrField("mkc-length-minus-1", "the length is one byte short", mkcSeg, "len", mkcOff, plus(^uint64(0))),
	umrField("mkc-length-page-rounded", "the length is rounded up to pages", mkcSeg, "len", mkcOff, func(v uint64) uint64 { return (v + 4095) &^ 4095 }),
	umrField("mkc-tag", "the context carries another tag than the WQE", mkcSeg, "mkey_7_0", mkcOff, plus(1)),
	at("features/read-only", umrField("mkc-local-write", "local write is granted whatever was asked for", mkcSeg, "lw", mkcOff, to(1))),
	at("mutants/write-only", umrField("mkc-remote-read", "remote read is granted whatever was asked for", mkcSeg, "rr", mkcOff, to(1))),
	umrField("mkc-remote-write-lost", "remote write is never granted", mkcSeg, "rw", mkcOff, to(0)),
	at("mutants/page-aligned-high", umrField("mkc-start-high-half", "the upper half of the start address is lost", mkcSeg, "start_addr", mkcOff, func(v uint64) uint64 { return uint64(uint32(v)) })),
	umrField("mkc-log-page", "the page size is doubled", mkcSeg, "log_page_size", mkcOff, plus(1)),
	umrField("mkc-length64", "the length is switched off", mkcSeg, "length64", mkcOff, to(1)),
	{
		Name: "reserved-byte-set", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "a reserved byte of the UMR control segment is not zero",
		make: encodes(encoder{after: func(_ *reg.RegWR, raw []byte) { raw[umrOff+mlx5model.UMRCtrlSize-1] = 0x5a }}),
	},
	{
		Name: "list-not-padded", Project: made, Strategies: klmUsers, Minimum: 1, Witness: "mutants/padded-with-zeros", Cause: "the bytes behind the list's last entry hold entries of an older list",
		make: encodes(encoder{after: func(w *reg.RegWR, raw []byte) {
			if list := umrList(raw); len(list) > len(w.List) {
				for i := range list[len(w.List):] {
					list[len(w.List)+i] = 0x5a
				}
			}
		}}),
	},
	{
		Name: "pointer-misaligned", Project: made, Strategies: klmUsers, Minimum: 5, Witness: "features/klm-5-pointer", Cause: "the list's address is 64 bytes too high",
		make: pointer(func(s *mlx5model.DataSeg) { s.Addr += 64 }),
	},
	{
		Name: "pointer-key", Project: made, Strategies: klmUsers, Minimum: 5, Witness: "features/klm-5-pointer", Cause: "the list is fetched through no key",
		make: pointer(func(s *mlx5model.DataSeg) { s.Lkey = 0 }),
	},
	{
		Name: "pointer-byte-count", Project: made, Strategies: klmUsers, Minimum: 5, Witness: "features/klm-5-pointer", Cause: "the list's byte count is its octoword count",
		make: pointer(func(s *mlx5model.DataSeg) { s.ByteCount /= 16 }),
	},
	{
		Name: "rdma-address-not-advanced", Project: made, Strategies: initiator, Minimum: 1, Witness: "mutants/many-transfers", Cause: "every request of a transfer names the start of the peer's buffer",
		make: func() Parts {
			var first uint64
			return Parts{Encoder: func(e reg.Encoder) reg.Encoder {
				return &encoder{Encoder: e, attach: func(*encoder) { first = 0 }, rdma: func(raddr *uint64, _ *uint32, sges []sg.Entry) []sg.Entry {
					if first == 0 {
						first = *raddr
					}
					*raddr = first
					return sges
				}}
			}}
		},
	},
	{
		Name: "rdma-segments-reversed", Project: made, Strategies: initiator, Minimum: 1, Witness: "features/end-inside-page", Cause: "the first two data segments stand in the wrong order",
		make: encodes(encoder{rdma: func(_ *uint64, _ *uint32, sges []sg.Entry) []sg.Entry {
			if len(sges) > 1 {
				sges[0], sges[1] = sges[1], sges[0]
			}
			return sges
		}}),
	},
	{
		Name: "rdma-last-segment-dropped", Project: made, Strategies: initiator, Minimum: 1, Witness: "features/end-inside-page", Cause: "the last data segment of several is left out",
		make: encodes(encoder{rdma: func(_ *uint64, _ *uint32, sges []sg.Entry) []sg.Entry { return sges[:max(len(sges)-1, 1)] }}),
	},
	{
		Name: "rdma-remote-key", Project: made, Strategies: initiator, Minimum: 1, Witness: anyCase, Cause: "the request names another key of the peer",
		make: encodes(encoder{rdma: func(_ *uint64, rkey *uint32, sges []sg.Entry) []sg.Entry { *rkey++; return sges }}),
	},
}

// pointer makes the Parts of an encoder that hands over a list wrongly.
func pointer(f func(s *mlx5model.DataSeg)) func() Parts {
	return encodes(encoder{after: func(_ *reg.RegWR, raw []byte) {
		if raw[umrOff]&mlx5model.UMRInline != 0 {
			return
		}
		s := mlx5model.ParseDataSeg(raw[dataOff:])
		f(&s)
		s.Put(raw[dataOff:])
	}})
}

// madeLife are made defects of a registration's life: keys, copies, claims.
var madeLife = append([]Mutant{
	{
		Name: "never-invalidated", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "a release leaves the key usable",
		make: encodes(encoder{invalidate: func(*encoder, uint32) error { return nil }}),
	},
	{
		Name: "key-not-bumped", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "a key is registered again without a new tag, so that what the peer kept is good again",
		make: encodes(encoder{caps: func(c *reg.EncoderCaps) { c.Rekey = false }}),
	},
	{
		Name: "offset-ignored", Project: made, Strategies: bothKinds, Minimum: 1, Witness: "features/offset-in-first-page", Cause: "the bytes that the request leaves out are registered",
		make: requests(func(_ *reg.Env, req *reg.Request) { req.Offset = 0 }),
	},
	{
		Name: "tuple-too-short", Project: made, Strategies: bothKinds, Minimum: 1, Witness: "features/single-entry", Cause: "the peer is told one byte less",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			r.Tuples[len(r.Tuples)-1].Len--
			return nil
		}),
	},
	{
		Name: "tuples-swapped", Project: made, Strategies: targets, Minimum: 2, Witness: "features/end-inside-page", Cause: "the last two regions are told in the wrong order",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			if n := len(r.Tuples); n > 1 {
				r.Tuples[n-1], r.Tuples[n-2] = r.Tuples[n-2], r.Tuples[n-1]
			}
			return nil
		}),
	},
	{
		Name: "one-region-an-entry", Project: made, Strategies: targets, Minimum: 1, Witness: "features/page-aligned", Cause: "neighbouring pages are not collected into one region",
		make: pagesMutant(func(a *pagesArgs) (linux.Mapping, error) {
			if a.from.Entry+1 < len(a.l) && restOf(a.l[:a.from.Entry+1], a.from) > 0 {
				short := *a
				short.l = a.l[:a.from.Entry+1]
				m, err := short.correct()
				if err == nil && m.Stop == linux.StopEnd {
					m.Stop = linux.StopGap
				}
				return m, err
			}
			return a.correct()
		}),
	},
	{
		Name: "copy-back-forgotten", Project: made, Strategies: copying, Minimum: 1, Witness: anyCase, Cause: "what the peer wrote stays in the bounce pages",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			r.CopyOut = r.CopyOut[:0]
			return nil
		}),
	},
	{
		Name: "copies-not-counted", Project: made, Strategies: copying, Minimum: 1, Witness: anyCase, Cause: "the cost record says that no byte is copied",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			r.Cost.BytesCopied = 0
			return nil
		}),
	},
	{
		Name: "descriptors-overstated", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "the cost record counts the list's padding",
		make: registered(func(_ *reg.Env, _ *reg.Request, r *reg.Registration) error {
			r.Cost.Descriptors = (r.Cost.Descriptors + 8) &^ 7
			return nil
		}),
	},
	{
		Name: "entry-limit-ignored", Project: made, Strategies: klmUsers, Minimum: 1, Witness: "bugs/b31-one-klm-past-the-array", Cause: "the caller's limit of entries is not looked at",
		make: requests(func(_ *reg.Env, req *reg.Request) { req.Limits.MaxEntries = 0 }),
	},
	{
		Name: "writes-behind-the-list", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "registering writes a byte behind the list's last entry",
		make: registered(func(e *reg.Env, req *reg.Request, _ *reg.Registration) error {
			if last := req.List[len(req.List)-1]; last.End() != 0 {
				return e.Mem.Write(last.End(), []byte{0x5a})
			}
			return nil
		}),
	},
	{
		Name: "key-lost", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "a registration takes a second key and forgets it",
		make: registered(func(e *reg.Env, _ *reg.Request, _ *reg.Registration) error {
			_, _ = e.GetKey(mlx5model.ModeMTT, 1)
			return nil
		}),
	},
}, srpMutants...)
