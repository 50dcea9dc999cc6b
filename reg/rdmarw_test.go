package reg

import (
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// recorder is a peer that remembers what it was asked.
type recorder struct {
	local []sg.Extent
	calls int
	next  uint64
	write bool
	bad   bool
}

func (p *recorder) Transfer(write bool, rkey uint32, raddr uint64, local []sg.Extent, _ mlx5model.HostMemory) mlx5model.Syndrome {
	p.calls++
	p.bad = p.bad || rkey != 0x777 || raddr != p.next || write != p.write
	for _, x := range local {
		p.local = sg.AppendExtent(p.local, x.Addr, x.Len)
		p.next += x.Len
	}
	return mlx5model.SynOK
}

func TestRDMARW(t *testing.T) {
	big := sg.List{{Addr: 5, Len: 1<<32 - 1}, {Addr: 1 << 40, Len: 1<<32 - 1}}
	pages := sg.List{{Addr: 0x1000, Len: 300 * 4096}, {Addr: 0x900000, Len: 4096}}
	tests := []struct {
		name    string
		s       RDMARW
		list    sg.List
		dir     Dir
		change  func(*Request)
		calls   int
		keys    int
		dialect string
	}{
		{name: "one write", list: scattered(1), dir: DirRead, calls: 1},
		{name: "30 segments", list: scattered(30), dir: DirRead, calls: 1},
		{name: "31 segments", list: scattered(31), dir: DirWrite, calls: 2},
		{name: "max_sge", list: scattered(10), dir: DirWrite, change: func(q *Request) { q.Limits.MaxSGE = 3 }, calls: 4},
		{name: "empty entries take no segment", list: append(make(sg.List, 40), scattered(30)...), dir: DirRead, calls: 1},
		{name: "long messages", list: big, dir: DirRead, calls: 4},
		{name: "past max_sgl_rd, gaps", s: RDMARW{MaxSGLRead: 4}, list: scattered(5), dir: DirWrite, calls: 1},
		{name: "at max_sgl_rd", s: RDMARW{MaxSGLRead: 2}, list: pages, dir: DirWrite, calls: 1},
		{name: "past max_sgl_rd", s: RDMARW{MaxSGLRead: 1}, list: pages, dir: DirWrite, calls: 2, keys: 2},
		{name: "writes take no region", s: RDMARW{MaxSGLRead: 1}, list: pages, dir: DirRead, calls: 1},
		{name: "force", s: RDMARW{ForceMR: true}, list: pages, dir: DirRead, calls: 2, keys: 2},
		{name: "too few keys", s: RDMARW{MaxSGLRead: 1}, list: pages, dir: DirWrite, change: func(q *Request) { q.Limits.MaxRegions = 1 }, calls: 1},
		{name: "offset", list: scattered(3), dir: DirWrite, change: func(q *Request) { q.Offset = 7 }, calls: 1},
		{name: "full queue", list: scattered(20000), dir: DirRead, calls: 667},
	}
	for _, tt := range tests {
		for _, d := range Dialects() {
			if d == "spdk" && tt.dir == DirWrite || tt.keys != 0 && d != "linux" || tt.s.MaxSGLRead != 0 && d != "linux" {
				continue
			}
			p := &recorder{next: 0x5000, write: tt.dir == DirRead}
			e := newTestEnv(t, EnvConfig{Dialect: d, Start: 1020}, tt.list)
			e.SetPeer(p)
			req := request(tt.list)
			req.Dir, req.Remote = tt.dir, Remote{Rkey: 0x777, Addr: 0x5000}
			if tt.change != nil {
				tt.change(req)
			}
			var r Registration
			if err := tt.s.Register(e, req, &r); err != nil {
				t.Errorf("%s, %s: %v", tt.name, d, err)
				continue
			}
			if tt.calls < 20 && p.calls != 0 {
				t.Errorf("%s, %s: executed before the doorbell", tt.name, d)
			}
			if err := e.Kick(); err != nil {
				t.Errorf("%s, %s: %v", tt.name, d, err)
			}
			if !r.Initiator || !r.Whole || len(r.Tuples) != 0 || p.calls != tt.calls || len(r.Keys) != tt.keys || p.bad || p.next != 0x5000+r.Covered {
				t.Errorf("%s, %s: %d calls, %d keys, bad %v, %d bytes of %d", tt.name, d, p.calls, len(r.Keys), p.bad, p.next-0x5000, r.Covered)
			}
			if !sameExtents(p.local, covered(&r)) {
				t.Errorf("%s, %s: moves other memory", tt.name, d)
			}
			if r.Cost.WQEs != tt.calls+tt.keys {
				t.Errorf("%s, %s: %d work requests", tt.name, d, r.Cost.WQEs)
			}
			if err := tt.s.Release(e, &r); err != nil {
				t.Errorf("%s, %s: %v", tt.name, d, err)
			}
			checkNoLeaks(t, e, tt.name)
		}
	}
}

func TestRDMARWRefuses(t *testing.T) {
	far := func(q *Request) { q.Remote.Addr = ^uint64(0) - 3 }
	checkRows(t, RDMARW{}, EnvConfig{Peer: &recorder{}}, []refusalRow{
		{name: "peer's buffer ends at 2^64", list: sg.List{{Addr: 1, Len: 4}}, change: far},
		{name: "and passes it", list: sg.List{{Addr: 1, Len: 5}}, change: far, reason: ReasonWrap, entry: -1},
		{name: "queue of one", list: sg.List{{Addr: 1, Len: 5}}},
	})
	checkRows(t, RDMARW{ForceMR: true}, EnvConfig{Peer: &recorder{}}, []refusalRow{
		{name: "gap", list: scattered(2), reason: ReasonGap, entry: 1},
		{name: "keys", list: sg.List{{Addr: 0x1000, Len: 300 * 4096}}, change: func(q *Request) { q.Limits.MaxRegions = 1 }, reason: ReasonPool, entry: 0, off: 256 * 4096},
	})
	checkRows(t, RDMARW{}, EnvConfig{Dialect: "spdk"}, []refusalRow{
		{name: "read", list: scattered(2), change: func(q *Request) { q.Dir = DirWrite }, reason: ReasonUnsupported, entry: -1},
	})
	most := uint64(rwRequests+rwPerEntry*1) << 16 // messages of 64 KiB
	checkRows(t, RDMARW{}, EnvConfig{Profile: profile(t, "small"), Peer: anyPeer{}}, []refusalRow{
		{name: "short messages", list: sg.List{{Addr: 1, Len: uint32(most - 1)}}},
		{name: "too many", list: sg.List{{Addr: 1, Len: uint32(most)}}, reason: ReasonTotal, entry: -1, limit: most},
	})
	checkRows(t, RDMARW{}, EnvConfig{WQEBBs: 1, Peer: &recorder{}}, []refusalRow{
		{name: "two segments fit a queue of 64 bytes", list: scattered(9)},
	})
}
