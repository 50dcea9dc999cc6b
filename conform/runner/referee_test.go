package runner

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

func newTestReferee(t *testing.T) *Referee {
	t.Helper()
	f, err := NewReferee()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRefereeDraws draws requests from bytes of any kind: each can be judged,
// and a right implementation is found right, a wrong one wrong.
func TestRefereeDraws(t *testing.T) {
	f := newTestReferee(t)
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 600)
	var outcomes [Failed + 1]int
	spoilt := 0
	for i := range 600 {
		for j := range data {
			data[j] = byte(rng.Uint32())
		}
		var q conform.Register
		most := 1 + i%MaxDrawnEntries
		f.Draw(data[:i], most, &q)
		if len(q.List) > most || len(q.Keys) > MaxDrawnKeys {
			t.Fatalf("%d entries of %d, %d keys", len(q.List), most, len(q.Keys))
		}
		child := correctChild{r: conform.Reply{Answer: conform.OK}}
		child.register(&q)
		ruling, err := f.rule(&q, &child)
		if err != nil || ruling.Outcome == Failed {
			t.Fatalf("%d bytes: %v %+v", i, err, ruling)
		}
		outcomes[ruling.Outcome]++
		if ruling.Outcome == Accepted {
			child.r.Registration.Regions[0].Len--
			if ruling, err = f.rule(&q, &child); err != nil || ruling.Outcome != Failed || ruling.Check == 0 || !strings.HasPrefix(ruling.Text, ruling.Check.String()+": ") {
				t.Fatalf("a byte short, %d bytes: %v %+v", i, err, ruling)
			}
			spoilt++
		}
	}
	if outcomes[Accepted] < 100 || outcomes[Refused] < 20 || spoilt != outcomes[Accepted] {
		t.Errorf("outcomes %v", outcomes)
	}
}

func (f *Referee) rule(q *conform.Register, c *correctChild) (Ruling, error) {
	if c.r.Answer == conform.Reject {
		return f.Rejected(q, string(c.r.Reason))
	}
	return f.Registered(q, &c.r.Registration)
}

// TestRefereeRepeats draws and judges the same bytes in another referee.
func TestRefereeRepeats(t *testing.T) {
	a, b := newTestReferee(t), newTestReferee(t)
	var qa, qb conform.Request
	var child correctChild
	for i := range uint64(50) {
		data := binary.LittleEndian.AppendUint64(nil, i*0x9e3779b97f4a7c15)
		a.Draw(data, MaxDrawnEntries, &qa.Register)
		b.Draw(data, MaxDrawnEntries, &qb.Register)
		qa.Op, qb.Op = conform.OpRegister, conform.OpRegister
		if x, y := conform.AppendRequest(nil, &qa, false), conform.AppendRequest(nil, &qb, false); string(x) != string(y) {
			t.Fatalf("%s\n%s", x, y)
		}
		child.r = conform.Reply{Answer: conform.OK}
		child.register(&qa.Register)
		if child.r.Answer != conform.OK {
			continue
		}
		child.r.Registration.Regions[0].Addr++
		x, err := a.Registered(&qa.Register, &child.r.Registration)
		y, _ := b.Registered(&qb.Register, &child.r.Registration)
		if err != nil || x != y || x.Outcome != Failed {
			t.Errorf("%v: %+v, %+v", err, x, y)
		}
	}
}

// TestRefereeRefuses spoils a request: neither answer to it is judged.
func TestRefereeRefuses(t *testing.T) {
	f := newTestReferee(t)
	for want, spoil := range map[string]func(*conform.Register){
		"number of entries":           func(q *conform.Register) { q.List = make(sg.List, MaxListEntries+1) },
		"number of keys":              func(q *conform.Register) { q.Keys = make([]conform.Key, MaxKeys+1) },
		"page_size is 0":              func(q *conform.Register) { q.PageSize = 0 },
		"page_size is 256":            func(q *conform.Register) { q.PageSize = 256 },
		"page_size is 6144":           func(q *conform.Register) { q.PageSize = 6144 },
		"page_size is 4294967296":     func(q *conform.Register) { q.PageSize = 1 << 32 },
		"max_entries is 0":            func(q *conform.Register) { q.MaxEntries = 0 },
		"max_entries is 18446":        func(q *conform.Register) { q.MaxEntries = 1<<64 - 1 },
		"max_entry_bytes is 0":        func(q *conform.Register) { q.MaxEntryBytes = 0 },
		"max_entry_bytes is 21":       func(q *conform.Register) { q.MaxEntryBytes = 1<<31 + 1 },
		"max_regions":                 func(q *conform.Register) { q.MaxRegions = 0 },
		"access is 128":               func(q *conform.Register) { q.Access = 0x80 },
		"access is 48":                func(q *conform.Register) { q.Access = mlx5model.AccRR | mlx5model.AccRW },
		"dir is 0":                    func(q *conform.Register) { q.Dir = 0 },
		"dir is 4":                    func(q *conform.Register) { q.Dir = 4 },
		"dir is 1":                    func(q *conform.Register) { q.Access, q.Dir = mlx5model.AccLW|mlx5model.AccRW, reg.DirRead },
		"dir is 2":                    func(q *conform.Register) { q.Access, q.Dir = mlx5model.AccRR, reg.DirWrite },
		"key 1 has mode 0x3":          func(q *conform.Register) { q.Keys[1].Mode = mlx5model.ModeKSM },
		"key 0 has max 0x0":           func(q *conform.Register) { q.Keys[0].Max = 0 },
		"key 0 has max 0xffffffff":    func(q *conform.Register) { q.Keys[0].Max = 1<<32 - 1 },
		"scratch memory 0x1+16777217": func(q *conform.Register) { q.Scratch = sg.Extent{Addr: 1, Len: MaxScratchBytes + 1} },
		"scratch memory 0xffffffffffffffff+2": func(q *conform.Register) {
			q.Scratch = sg.Extent{Addr: 1<<64 - 1, Len: 2}
		},
		"entry 1, 0x20000+8192, has bytes": func(q *conform.Register) { q.Scratch.Addr = 0x20000 + 8191 },
		"qpn is 16777215":                  func(q *conform.Register) { q.QPN = 1<<24 - 1 },
		"pd is 16777216":                   func(q *conform.Register) { q.PD = 1 << 24 },
		"key 1 has index 0xabc":            func(q *conform.Register) { q.Keys[1].Key = q.Keys[0].Key + 1 },
		"key 1 has index":                  func(q *conform.Register) { q.Keys[1].Key = q.Lkey },
	} {
		q := testRequest()
		spoil(&q)
		if _, err := f.Registered(&q, &conform.RegisterReply{}); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	q := testRequest()
	q.PageSize = 3
	if _, err := f.Rejected(&q, "EINVAL"); !errors.Is(err, ErrRequest) {
		t.Errorf("rejected: %v", err)
	}
	q = testRequest()
	if r, err := f.Rejected(&q, "EINVAL"); err != nil || r.Check != oracle.LimitsKept {
		t.Errorf("a rejection without a reason: %v %+v", err, r)
	}
	q.List[0].Addr = 1<<64 - 1
	if r, err := f.Rejected(&q, "EINVAL"); err != nil || r.Outcome != Refused {
		t.Errorf("a rejection of a list that wraps: %v %+v", err, r)
	}
}

// TestListHolds compares the indexed list with a look at every byte.
func TestListHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var b bench
	held := map[bool]int{}
	for range 200 {
		base := uint64(0)
		if rng.IntN(2) == 0 {
			base = 1<<64 - 64 // up to 2^64
		}
		list := sg.List{{Addr: base + rng.Uint64N(32), Len: 1}}
		for range rng.IntN(8) {
			addr := rng.Uint64N(64)
			list = append(list, sg.Entry{Addr: base + addr, Len: uint32(rng.Uint64N(min(64-addr, 16) + 1))})
		}
		b.indexList(list)
		for range 50 {
			off := rng.Uint64N(64)
			e := sg.Extent{Addr: base + off, Len: rng.Uint64N(64 - off)}
			want := true
			for i := range e.Len {
				one := false
				for _, x := range list {
					one = one || e.Addr+i-x.Addr < uint64(x.Len)
				}
				want = want && one
			}
			if b.listHolds(e) != want {
				t.Fatalf("%#x+%d in %v: want %v", e.Addr, e.Len, list, want)
			}
			held[want]++
		}
	}
	if held[true] < 100 || held[false] < 100 {
		t.Error(held)
	}
}
