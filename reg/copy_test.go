package reg

import (
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// runCopies makes the copies with real bytes.
func runCopies(t *testing.T, m *sg.Memory, copies []Copy) {
	t.Helper()
	for _, c := range copies {
		p := make([]byte, c.Len)
		if err := m.Read(c.From, p); err != nil {
			t.Fatal(err)
		}
		if err := m.Write(c.To, p); err != nil {
			t.Fatal(err)
		}
	}
}

// streamBytes reads the covered part of the list.
func streamBytes(t *testing.T, m *sg.Memory, ext []sg.Extent) []byte {
	t.Helper()
	var out []byte
	for _, x := range ext {
		p := make([]byte, x.Len)
		if err := m.Read(x.Addr, p); err != nil {
			t.Fatal(err)
		}
		out = append(out, p...)
	}
	return out
}

func TestBounceMovesTheBytes(t *testing.T) {
	r := newRng(t, 7)
	for i := range 60 {
		l := r.list(9)
		if l.Total() == 0 {
			continue
		}
		for _, d := range Dialects() {
			e := newTestEnv(t, EnvConfig{Dialect: d}, l)
			req := request(l)
			req.Offset = uint64(r.Uint32()) % l.Total()
			var x Registration
			if err := (Bounce{}).Register(e, req, &x); err != nil {
				t.Fatalf("%d %s: %v", i, d, err)
			}
			if pages := e.Mem.Pages(); pages > 70 {
				t.Errorf("Register wrote %d pages of memory", pages)
			}
			list, buffer := covered(&x), streamExtents(t, &x, mlx5model.RemoteRead)
			runCopies(t, e.Mem, x.CopyIn)
			if string(streamBytes(t, e.Mem, list)) != string(streamBytes(t, e.Mem, buffer)) {
				t.Fatalf("%d %s: copy in differs", i, d)
			}
			checkBounceShape(t, &x, buffer)
			if err := (Bounce{}).Release(e, &x); err != nil {
				t.Fatal(err)
			}
			checkNoLeaks(t, e, d)
		}
	}
}

// checkBounceShape looks at counts, at the pages and at the way back.
func checkBounceShape(t *testing.T, x *Registration, buffer []sg.Extent) {
	t.Helper()
	if len(x.Tuples) != 1 || x.Cost.MRs != 1 || x.Cost.BytesCopied != x.Covered || len(x.CopyIn) != len(x.CopyOut) {
		t.Errorf("%d tuples, cost %+v", len(x.Tuples), x.Cost)
	}
	if x.Cost.Buffers != int((x.Covered+4095)/4096) || len(buffer) != x.Cost.Buffers {
		t.Errorf("%d buffers for %d bytes, %d runs", x.Cost.Buffers, x.Covered, len(buffer))
	}
	for i, c := range x.CopyIn {
		o := x.CopyOut[i]
		if c.From != o.To || c.To != o.From || c.Len != o.Len || c.Len == 0 {
			t.Errorf("copy %d: in %+v, out %+v", i, c, o)
		}
	}
	for _, b := range buffer {
		if b.Addr%4096 != 0 {
			t.Errorf("buffer at %#x", b.Addr)
		}
	}
}

func TestBounceRows(t *testing.T) {
	mib := sg.List{{Addr: 3, Len: 1 << 20}}
	checkRows(t, Bounce{}, EnvConfig{}, []refusalRow{
		{name: "limit", list: sg.List{{Addr: 3, Len: 16 << 20}}},
		{name: "limit+1", list: sg.List{{Addr: 3, Len: 16<<20 + 1}}, reason: ReasonTotal, entry: -1, limit: 16 << 20},
		{name: "own limit", list: mib, change: func(q *Request) { q.Limits.MaxTotal = 1<<20 - 1 }, reason: ReasonTotal, entry: -1, limit: 1<<20 - 1},
		{name: "pages", list: mib, change: func(q *Request) { q.Limits.PoolSize = 256 }},
		{name: "pages+1", list: mib, change: func(q *Request) { q.Limits.PoolSize = 255 }, reason: ReasonPool, entry: -1, limit: 255},
		{name: "region", list: mib, change: func(q *Request) { q.Limits.MaxEntries = 255 }, reason: ReasonEntries, entry: -1, limit: 255},
		{name: "page of 2 GiB", list: mib, change: func(q *Request) { q.PageSize = 1 << 31 }},
		{name: "page of 1000", list: mib, change: func(q *Request) { q.PageSize = 1000 }, reason: ReasonPageSize, entry: -1},
	})
	checkRows(t, Bounce{}, EnvConfig{Dialect: "libmlx5"}, []refusalRow{
		{name: "longer pages", list: mib},
	})
	checkRows(t, Bounce{}, EnvConfig{Profile: profile(t, "noumr")}, []refusalRow{
		{name: "no UMR", list: mib, reason: ReasonUnsupported, entry: -1},
	})
}

func TestBounceDirections(t *testing.T) {
	l := sg.List{{Addr: 3, Len: 5000}}
	for dir, want := range map[Dir][3]int{DirRead: {2, 0, 5000}, DirWrite: {0, 2, 5000}, DirBoth: {2, 2, 5000}} {
		e := newTestEnv(t, EnvConfig{}, l)
		req := request(l)
		req.Dir = dir
		var r Registration
		if err := (Bounce{}).Register(e, req, &r); err != nil {
			t.Fatal(err)
		}
		if got := [3]int{len(r.CopyIn), len(r.CopyOut), int(r.Cost.BytesCopied)}; got != want {
			t.Errorf("direction %d: %v, want %v", dir, got, want)
		}
	}
}

func TestPool512Rows(t *testing.T) {
	sectors := sg.List{{Addr: 0x1203, Len: 0x1fd}, {Addr: 0x9200, Len: 512}, {Addr: 0x3000, Len: 7}}
	sgIO := sg.List{{Addr: 0x1200, Len: 512}, {Addr: 0x9210, Len: 1}}
	short := sg.List{{Addr: 0x1200, Len: 512}, {Addr: 0x9200, Len: 500}, {Addr: 0x3000, Len: 7}}
	checkRows(t, Pool512{}, EnvConfig{}, []refusalRow{
		{name: "pages", list: sg.List{{Addr: 0x1203, Len: 0xdfd}, {Addr: 0x9000, Len: 1}}},
		{name: "sectors", list: sectors},
		{name: "SG_IO", list: sgIO, reason: ReasonSector, entry: 1},
		{name: "short interior entry", list: short, reason: ReasonSector, entry: 2},
		{name: "no keys", list: sectors, change: func(q *Request) { q.Limits.MaxEntries = 2 }, reason: ReasonEntries, entry: 2, limit: 2},
	})
	checkRows(t, Pool512{}, EnvConfig{Profile: profile(t, "cx7")}, []refusalRow{
		{name: "no such page", list: sectors, reason: ReasonPageSize, entry: -1, limit: 4096},
		{name: "SG_IO", list: sgIO, reason: ReasonSector, entry: 1},
	})
	checkRows(t, Pool512{Fallback: true}, EnvConfig{Profile: profile(t, "cx7")}, []refusalRow{
		{name: "bounced", list: sectors},
		{name: "bounced SG_IO", list: sgIO},
	})
	checkRows(t, Pool512{}, EnvConfig{Dialect: "spdk"}, []refusalRow{
		{name: "no page lists", list: sectors, reason: ReasonUnsupported, entry: -1},
	})
}

// TestPool512Exhaustion takes all keys of a pool of two.
func TestPool512Exhaustion(t *testing.T) {
	l := sg.List{{Addr: 0x1203, Len: 0x1fd}, {Addr: 0x9200, Len: 512}}
	e := newTestEnv(t, EnvConfig{PoolSize: 2}, l)
	var r [3]Registration
	for i := range 2 {
		if err := (Pool512{}).Register(e, request(l), &r[i]); err != nil || r[i].Chosen != "512" {
			t.Fatal(err, r[i].Chosen)
		}
	}
	var f *Refusal
	if err := (Pool512{}).Register(e, request(l), &r[2]); !errors.As(err, &f) || f.Reason != ReasonPool || !errors.Is(err, ErrPoolEmpty) {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := (Pool512{}).Release(e, &r[i]); err != nil {
			t.Fatal(err)
		}
	}
	checkNoLeaks(t, e, "exhaustion")
}
