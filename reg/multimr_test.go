package reg

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// gaps are n entries of a page each with a gap behind every one.
func gaps(n int) sg.List {
	l := make(sg.List, n)
	for i := range l {
		l[i] = sg.Entry{Addr: 0x10000 + uint64(i)*0x3000 + 5, Len: 4096}
	}
	return l
}

func TestMultiMRRows(t *testing.T) {
	rows := []refusalRow{
		{name: "one", list: gaps(1)},
		{name: "direct", list: sg.List{{Addr: 0x1000, Len: 4096}, {Addr: 0x7000, Len: 1}}},
		{name: "gaps", list: gaps(5)},
		{name: "pool", list: gaps(63)},
		{name: "pool+1 goes to KLMs", list: gaps(64)},
		{name: "total", list: sg.List{{Addr: 1, Len: 1<<32 - 1}}},
		{name: "total+1", list: sg.List{{Addr: 1, Len: 1<<32 - 1}, {Addr: 1, Len: 1}}, reason: ReasonTotal, entry: -1, limit: 1<<32 - 1},
		{name: "empty entries", list: sg.List{{Addr: 9}, {Addr: 0x1001, Len: 1}, {Addr: 3}, {Addr: 0x1001, Len: 1}, {Addr: 4}}},
		{name: "budget", list: gaps(3), change: func(q *Request) { q.Limits.MaxRegions = 4 }},
	}
	checkRows(t, &MultiMR{}, EnvConfig{Start: 0xfff0}, rows)
	checkRows(t, &MultiMR{PagesOnly: true}, EnvConfig{}, []refusalRow{
		{name: "pool", list: gaps(63)},
		{name: "pool+1", list: gaps(64), reason: ReasonPool, entry: 64, limit: 64},
		{name: "budget", list: gaps(3), change: func(q *Request) { q.Limits.MaxRegions = 4 }},
		{name: "no key for the table", list: gaps(3), change: func(q *Request) { q.Limits.MaxRegions = 3 }, reason: ReasonRegions, entry: 3, limit: 3},
		{name: "budget+1", list: gaps(4), change: func(q *Request) { q.Limits.MaxRegions = 3 }, reason: ReasonRegions, entry: 3, limit: 3},
		{name: "page size", list: gaps(2), change: func(q *Request) { q.PageSize = 100 }, reason: ReasonPageSize, entry: -1},
	})
	checkRows(t, &MultiMR{NoExtTable: true}, EnvConfig{}, []refusalRow{
		{name: "fits", list: gaps(12)},
		{name: "does not", list: gaps(13), reason: ReasonEntries, entry: -1, limit: 12},
		{name: "cmd_sg_entries", list: gaps(13), change: func(q *Request) { q.Limits.InlineDescs = 13 }},
	})
	checkRows(t, &MultiMR{NoUnit: true}, EnvConfig{}, []refusalRow{
		{name: "beyond 4 GiB", list: sg.List{{Addr: 1, Len: 1<<32 - 1}, {Addr: 1, Len: 1<<32 - 1}, {Addr: 1, Len: 77}}},
	})
	for _, d := range []string{"libmlx5", "libmlx5-44", "spdk", "ofed"} {
		checkRows(t, &MultiMR{}, EnvConfig{Dialect: d}, []refusalRow{
			{name: d + " 200 entries", list: scattered(200)},
		})
	}
}

// TestMultiMRUnit follows the descriptors as a target does.
func TestMultiMRUnit(t *testing.T) {
	for _, n := range []int{1, 2, 12, 13, 40} {
		l := gaps(n)
		e := newTestEnv(t, EnvConfig{}, l)
		s := &MultiMR{Header: testHeader}
		var r Registration
		if err := s.Register(e, request(l), &r); err != nil {
			t.Fatal(err)
		}
		if want := n + min(n-1, 1); r.Cost.MRs != want || len(r.Keys) != n || r.Cost.RemoteDescs != n {
			t.Errorf("%d gaps: cost %+v, %d keys; want %d", n, r.Cost, len(r.Keys), want)
		}
		for _, dir := range []Dir{DirRead, DirWrite} {
			got, err := r.Descriptors(dir, nil)
			if err != nil || len(got) != len(r.Tuples) {
				t.Fatalf("%d gaps: %v, %v", n, got, err)
			}
			for i := range got {
				if got[i] != r.Tuples[i] {
					t.Errorf("%d gaps: descriptor %d is %+v, not %+v", n, i, got[i], r.Tuples[i])
				}
			}
		}
		if n > 1 {
			at := r.SRP.Table
			access := mlx5model.Access{Op: mlx5model.RemoteWrite, QPN: r.QPN, PD: r.PD, Key: at.Rkey, VA: at.Addr, Len: 1}
			if _, err := e.Dev.Translate(nil, access); err == nil {
				t.Error("the table can be written by the target")
			}
		}
		if err := s.Release(e, &r); err != nil {
			t.Fatal(err)
		}
		if n > 12 {
			if _, err := r.Descriptors(DirRead, nil); !errors.Is(err, ErrSRPMemory) {
				t.Errorf("table after release: %v", err)
			}
		}
		checkNoLeaks(t, e, "unit")
	}
}

func TestMultiMRImmediate(t *testing.T) {
	s := &MultiMR{Immediate: true}
	tests := []struct {
		name string
		list sg.List
		dir  Dir
		want SRPFormat
	}{
		{"two entries", sg.List{{Addr: 5, Len: 8191}, {Addr: 9, Len: 1}, {Addr: 7}}, DirRead, SRPImmediate},
		{"too long", sg.List{{Addr: 5, Len: 8191}, {Addr: 9, Len: 2}}, DirRead, SRPIndirect},
		{"three entries", sg.List{{Addr: 5, Len: 1}, {Addr: 9, Len: 1}, {Addr: 19, Len: 1}}, DirRead, SRPIndirect},
		{"from the target", sg.List{{Addr: 5, Len: 1}}, DirWrite, SRPDirect},
		{"both ways", sg.List{{Addr: 5, Len: 1}}, DirBoth, SRPDirect},
	}
	for _, tt := range tests {
		e := newTestEnv(t, EnvConfig{}, tt.list)
		req := request(tt.list)
		req.Dir = tt.dir
		var r Registration
		if err := s.Register(e, req, &r); err != nil {
			t.Fatal(err)
		}
		if r.SRP.Format != tt.want || !r.Whole || r.Covered != tt.list.Total() {
			t.Errorf("%s: format %d, covered %d", tt.name, r.SRP.Format, r.Covered)
		}
		if tt.want == SRPImmediate && (len(r.Keys) != 0 || len(r.SRP.IU) != SRPImmOffset || sg.List(r.SRP.Imm).Total() != r.Covered) {
			t.Errorf("%s: %+v", tt.name, r.SRP)
		}
		if err := s.Release(e, &r); err != nil {
			t.Fatal(err)
		}
		checkNoLeaks(t, e, tt.name)
	}
}

func TestMultiMRMillion(t *testing.T) {
	l := scattered(1_000_000)
	e := newTestEnv(t, EnvConfig{}, l)
	s := &MultiMR{}
	var r Registration
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	if err := s.Register(e, request(l), &r); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	perEntry := (after.TotalAlloc - before.TotalAlloc) / uint64(len(l))
	t.Logf("%v, %d bytes allocated an entry, %d regions", took, perEntry, len(r.Keys))
	if perEntry >= 1024 || len(r.Keys) != 16 {
		t.Errorf("%d bytes an entry, %d regions", perEntry, len(r.Keys))
	}
	if got, want := streamExtents(t, &r, mlx5model.RemoteWrite), covered(&r); !sameExtents(got, want) {
		t.Error("stream differs")
	}
	if err := s.Release(e, &r); err != nil {
		t.Fatal(err)
	}
	checkNoLeaks(t, e, "million")
}
