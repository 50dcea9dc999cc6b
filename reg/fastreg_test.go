package reg

import (
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// refusalRow is a list and what a strategy says to it.
type refusalRow struct {
	name   string
	list   sg.List
	change func(*Request)
	reason Reason // 0: accepted
	entry  int
	off    uint64
	limit  uint64
}

// checkRows runs every row on its own Env and looks for leaks.
func checkRows(t *testing.T, s Strategy, c EnvConfig, rows []refusalRow) {
	t.Helper()
	for _, row := range rows {
		e := newTestEnv(t, c, row.list)
		req := request(row.list)
		if row.change != nil {
			row.change(req)
		}
		var r Registration
		err := s.Register(e, req, &r)
		var f *Refusal
		switch {
		case row.reason == 0 && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.reason == 0:
			if got, want := streamExtents(t, &r, mlx5model.RemoteRead), covered(&r); len(r.CopyIn)+len(r.CopyOut) == 0 && !r.Initiator && !sameExtents(got, want) {
				t.Errorf("%s: reaches %v, want %v", row.name, got, want)
			}
			if err := s.Release(e, &r); err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		case !errors.As(err, &f):
			t.Errorf("%s: %v, want %v", row.name, err, row.reason)
		case f.Reason != row.reason || f.Entry != row.entry || f.Off != row.off || row.limit != 0 && f.Limit != row.limit:
			t.Errorf("%s: %v; want %v@%d+%d limit %d", row.name, f, row.reason, row.entry, row.off, row.limit)
		case len(r.Tuples)+len(r.Keys)+len(r.Own)+len(r.Mapped) != 0 || r.Dev != nil:
			t.Errorf("%s: the refused registration is not empty: %+v", row.name, r)
		}
		checkNoLeaks(t, e, row.name)
	}
}

func TestFastRegRows(t *testing.T) {
	top := ^uint64(0)
	checkRows(t, FastReg{}, EnvConfig{}, []refusalRow{
		{name: "one entry", list: sg.List{{Addr: 0x1234, Len: 5000}}},
		{name: "pages", list: sg.List{{Addr: 0x1200, Len: 0xe00}, {Addr: 0x9000, Len: 4096}, {Addr: 0x3000, Len: 7}}},
		{name: "contiguous", list: sg.List{{Addr: 0x1200, Len: 1}, {Addr: 0x1201, Len: 0x2000}}},
		{name: "gap at end", list: sg.List{{Addr: 0x1000, Len: 0x800}, {Addr: 0x9000, Len: 1}}, reason: ReasonGap, entry: 1},
		{name: "gap at start", list: sg.List{{Addr: 0x1000, Len: 0x1000}, {Addr: 0x9001, Len: 1}}, reason: ReasonGap, entry: 1},
		{name: "zero entries", list: sg.List{{Addr: 3}, {Addr: 0x1000, Len: 4096}, {Addr: 99}, {Addr: 0x8000, Len: 1}, {}}},
		{name: "512", list: sg.List{{Addr: 0x1200, Len: 512}, {Addr: 0x9400, Len: 1}}, change: func(q *Request) { q.PageSize = 512 }},
		{name: "page 256", list: sg.List{{Addr: 0x1200, Len: 512}}, change: func(q *Request) { q.PageSize = 256 }, reason: ReasonPageSize, entry: -1},
		{name: "page 4G", list: sg.List{{Addr: 0x1200, Len: 512}}, change: func(q *Request) { q.PageSize = 1 << 32 }, reason: ReasonPageSize, entry: -1},
		{name: "page 2G", list: sg.List{{Addr: 0x80000200, Len: 1 << 31}}, change: func(q *Request) { q.PageSize = 1 << 31 }},
		{name: "page 5000", list: sg.List{{Addr: 0x1200, Len: 512}}, change: func(q *Request) { q.PageSize = 5000 }, reason: ReasonPageSize, entry: -1},
		{name: "ends at 2^64", list: sg.List{{Addr: top - 9999, Len: 10000}}},
		{name: "past the top of iova", list: sg.List{{Addr: top - 4095, Len: 4096}, {Addr: 0x5000, Len: 4096}}},
		{name: "wraps", list: sg.List{{Addr: 0x1000, Len: 4096}, {Addr: top - 9, Len: 11}}, reason: ReasonWrap, entry: 1},
		{name: "empty", list: sg.List{{Addr: 5}}, reason: ReasonEmpty, entry: -1},
		{name: "no entries", reason: ReasonEmpty, entry: -1},
		{name: "offset", list: sg.List{{Addr: 0x1200, Len: 512}, {Addr: 0x5000, Len: 9}}, change: func(q *Request) { q.Offset = 520 }},
		{name: "offset at end", list: sg.List{{Addr: 0x1200, Len: 512}, {Addr: 0x5000, Len: 9}}, change: func(q *Request) { q.Offset = 521 }, reason: ReasonEmpty, entry: -1, limit: 521},
		{name: "offset past the end", list: sg.List{{Addr: 0x1200, Len: 512}, {Addr: 0x5000, Len: 9}}, change: func(q *Request) { q.Offset = 522 }, reason: ReasonOffset, entry: -1, limit: 521},
		{name: "limit", list: sg.List{{Addr: 0x1800, Len: 8192}}, change: func(q *Request) { q.Limits.MaxEntries = 3 }},
		{name: "limit+1", list: sg.List{{Addr: 0x1800, Len: 8192}}, change: func(q *Request) { q.Limits.MaxEntries = 2 }, reason: ReasonEntries, entry: 0, off: 0x1800, limit: 2},
		{name: "full UMR", list: sg.List{{Addr: 0x1000, Len: 131064 * 512}}, change: func(q *Request) { q.PageSize = 512 }},
		{name: "UMR+1", list: sg.List{{Addr: 0x1000, Len: 131064*512 + 1}}, change: func(q *Request) { q.PageSize = 512 }, reason: ReasonEntries, entry: 0, off: 131064 * 512, limit: 131064},
		{name: "merged", list: sg.List{{Addr: 0x1000, Len: 0x800}, {Addr: 0x1800, Len: 0x800}}, change: func(q *Request) { q.DMA = sg.DMA{Mode: sg.Merge, Limit: 1 << 20} }},
	})
}

// TestRegionLength is about the longest region of the device, 64 KiB here.
func TestRegionLength(t *testing.T) {
	c := EnvConfig{Profile: profile(t, "small")}
	half := func(q *Request) { q.PageSize = 512 }
	checkRows(t, FastReg{}, c, []refusalRow{
		{name: "max", list: sg.List{{Addr: 0x1100, Len: 1 << 16}}, change: half},
		{name: "max+1", list: sg.List{{Addr: 0x1000, Len: 1<<16 + 1}}, change: half, reason: ReasonTotal, off: 1 << 16, limit: 1 << 16},
		{name: "unaligned max+1", list: sg.List{{Addr: 0x1100, Len: 1<<16 + 1}}, change: half, reason: ReasonTotal, off: 1<<16 - 0x100, limit: 1 << 16},
		{name: "longer than all its pages", list: sg.List{{Addr: 0x1100, Len: 1 << 20}}, change: half, reason: ReasonTotal, off: 1<<16 - 0x100, limit: 1 << 16},
	})
	checkRows(t, Indirect{}, c, []refusalRow{
		{name: "max", list: sg.List{{Addr: 0x1100, Len: 1 << 16}}},
		{name: "KLMs", list: sg.List{{Addr: 0x1100, Len: 1<<16 + 1}}, reason: ReasonEntries, off: 1 << 16, limit: 16},
	})
	checkRows(t, &MultiMR{}, c, []refusalRow{
		{name: "several", list: sg.List{{Addr: 0x1100, Len: 1 << 18}}, change: func(q *Request) { q.PageSize = 8192 }},
	})
}

func TestIndirectRows(t *testing.T) {
	for _, d := range Dialects() {
		t.Run(d, func(t *testing.T) {
			checkRows(t, Indirect{}, EnvConfig{Dialect: d, Start: 0xfffe, Prefill: 0xcc}, []refusalRow{
				{name: "gaps", list: sg.List{{Addr: 0x1000, Len: 0x800}, {Addr: 0x9001, Len: 1}, {Addr: 7, Len: 7}, {Addr: 7, Len: 0}}},
				{name: "five", list: sg.List{{Addr: 1, Len: 1}, {Addr: 3, Len: 1}, {Addr: 5, Len: 1}, {Addr: 7, Len: 1}, {Addr: 9, Len: 1}}},
				{name: "inline limit", list: scattered(52)},
				{name: "split to the limit", list: sg.List{{Addr: 1, Len: 10}}, change: func(q *Request) { q.Limits.MaxEntryBytes, q.Limits.MaxEntries = 4, 3 }},
				{name: "split over the limit", list: sg.List{{Addr: 1, Len: 10}}, change: func(q *Request) { q.Limits.MaxEntryBytes, q.Limits.MaxEntries = 4, 2 }, reason: ReasonEntries, entry: 0, off: 8, limit: 2},
				{name: "past the top of iova", list: sg.List{{Addr: ^uint64(0), Len: 1}, {Addr: 0x5000, Len: 4096}}},
				{name: "offset", list: sg.List{{Addr: 0x1200, Len: 512}, {Addr: 0x5000, Len: 9}}, change: func(q *Request) { q.Offset = 3 }},
				{name: "2 GiB - 1", list: sg.List{{Addr: 1, Len: 1<<31 - 1}}},
			})
		})
	}
}

func TestQueueLimits(t *testing.T) {
	short := EnvConfig{Dialect: "libmlx5", WQEBBs: 4} // two WQEBBs of list
	checkRows(t, Indirect{}, short, []refusalRow{
		{name: "fits", list: scattered(8)},
		{name: "does not", list: scattered(9), reason: ReasonQueue, entry: 8, limit: 8},
		{name: "own limit first", list: scattered(9), change: func(q *Request) { q.Limits.MaxEntries = 8 }, reason: ReasonEntries, entry: 8, limit: 8},
	})
	for _, d := range Dialects() {
		checkRows(t, Indirect{}, EnvConfig{Dialect: d, WQEBBs: 2}, []refusalRow{
			{name: d + " queue of 128 bytes", list: scattered(1), reason: ReasonQueue, entry: -1, limit: 128},
		})
		checkRows(t, Indirect{}, EnvConfig{Dialect: d, WQEBBs: 4}, []refusalRow{
			{name: d + " queue of 256 bytes", list: scattered(4)},
		})
	}
	checkRows(t, Indirect{}, EnvConfig{Dialect: "spdk"}, []refusalRow{
		{name: "rights that SPDK cannot take away", list: scattered(1), change: func(q *Request) { q.Access = mlx5model.AccRR }, reason: ReasonUnsupported, entry: -1},
	})
}

// TestRegionLimits is about where the dialects' list and length fields end.
func TestRegionLimits(t *testing.T) {
	twoGiB := sg.List{{Addr: 1, Len: 1 << 31}}
	fourGiB := sg.List{{Addr: 1, Len: 1<<32 - 1}, {Addr: 5, Len: 1}}
	rows := map[string][]refusalRow{
		"linux": {
			{name: "4 GiB", list: fourGiB},
			{name: "max", list: scattered(65532)},
			{name: "max+1", list: scattered(65533), reason: ReasonEntries, entry: 65532, limit: 65532},
		},
		"ofed": {
			{name: "4 GiB", list: fourGiB},
			{name: "max", list: scattered(65532)},
			{name: "max+1", list: scattered(65533), reason: ReasonEntries, entry: 65532, limit: 65532},
		},
		"libmlx5-44": {
			{name: "2 GiB", list: twoGiB, reason: ReasonTotal, entry: 0, off: 1<<31 - 1, limit: 1<<31 - 1},
			{name: "max+1", list: scattered(53), reason: ReasonEntries, entry: 52, limit: 52},
		},
		"libmlx5": {
			{name: "4 GiB", list: fourGiB},
			{name: "max+1", list: scattered(53), reason: ReasonEntries, entry: 52, limit: 52},
		},
		"spdk": {
			{name: "2 GiB", list: twoGiB},
			{name: "4 GiB", list: fourGiB, reason: ReasonTotal, entry: 1, limit: 1<<32 - 1},
			{name: "max+1", list: scattered(53), reason: ReasonEntries, entry: 52, limit: 52},
		},
	}
	for _, d := range Dialects() {
		t.Run(d, func(t *testing.T) {
			if len(rows[d]) == 0 {
				t.Fatal("no rows")
			}
			checkRows(t, Indirect{}, EnvConfig{Dialect: d}, rows[d])
		})
	}
}

func scattered(n int) sg.List {
	l := make(sg.List, n)
	for i := range l {
		l[i] = sg.Entry{Addr: 0x10000 + uint64(i)*37, Len: 5}
	}
	return l
}
