package runner

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
)

// ErrRequest reports a register request that contradicts itself or the
// contract, so that no reply to it can be judged.
var ErrRequest = errors.New("not a request")

// Bounds of what a Referee judges, so that memory and time stay bounded.
const (
	MaxListEntries  = 1 << 16
	MaxKeys         = 64
	MaxScratchBytes = 16 << 20
)

// What Referee.Draw gives at most.
const (
	MaxDrawnEntries = longestDrawn
	MaxDrawnKeys    = 10
)

// Outcome is what became of one registration.
type Outcome uint8

// Outcomes.
const (
	Accepted Outcome = iota // every byte is where the list says
	Refused                 // refused, rightly
	Failed                  // a check found something
)

// Ruling is the judgement of one registration.
type Ruling struct {
	Outcome Outcome
	Check   oracle.Check // the first that failed; 0 unless Failed
	Text    string       // what is wrong, one failure a line
}

// Referee judges registrations of an implementation in the same process as Run
// judges those of a child. It is not safe for concurrent use.
type Referee struct {
	bench *bench
	v     verdict
	d     drawer
	c     corpus.Case
}

// NewReferee makes a model HCA and an oracle.
func NewReferee() (*Referee, error) {
	b, err := newBench()
	if err != nil {
		return nil, err
	}
	return &Referee{bench: b}, nil
}

// Draw makes of any bytes the request that they stand for, with at most most
// entries (1 to MaxDrawnEntries) and MaxDrawnKeys keys. Few bytes give a small
// request, none the smallest. It reuses q's slices.
func (f *Referee) Draw(data []byte, most int, q *conform.Register) {
	f.d.ch.Reset(data)
	f.d.make(&f.c, conform.OpRegister)
	f.d.ch.Reset(nil) // data is the caller's
	f.c.List = f.c.List[:min(len(f.c.List), max(most, 1), MaxDrawnEntries)]
	buildRegister(q, &f.c, identity(&f.c))
}

// Registered judges what the implementation made of q. The error wraps
// ErrRequest.
func (f *Referee) Registered(q *conform.Register, r *conform.RegisterReply) (Ruling, error) {
	if err := CheckRequest(q); err != nil {
		return Ruling{}, err
	}
	f.v.reset()
	if err := f.bench.judgeRegister(q, r, &f.v); err != nil {
		return Ruling{}, fmt.Errorf("%w: %w", ErrRequest, err) // a number or key that the device refuses to make
	}
	return f.v.ruling(), nil
}

// Rejected judges that the implementation refuses q; reason is its errno. The
// error wraps ErrRequest.
func (f *Referee) Rejected(q *conform.Register, reason string) (Ruling, error) {
	if err := CheckRequest(q); err != nil {
		return Ruling{}, err
	}
	f.v.reset()
	judgeReject(q, reason, &f.v)
	return f.v.ruling(), nil
}

func (v *verdict) ruling() Ruling {
	switch v.status {
	case rejected:
		return Ruling{Outcome: Refused}
	case failed:
		r := Ruling{Outcome: Failed, Text: texts(v.failures)}
		for n := oracle.Check(1); int(n) <= oracle.NumChecks && r.Check == 0; n++ {
			if n.String() == v.failures[0].check {
				r.Check = n
			}
		}
		return r
	}
	return Ruling{}
}

// CheckRequest refuses what no reply can be judged against: fields out of range,
// keys that are one, scratch memory in the list. The error wraps ErrRequest.
func CheckRequest(q *conform.Register) error {
	wrong := func(field string, v uint64, want string) error {
		return fmt.Errorf("%w: %s is %d, want %s", ErrRequest, field, v, want)
	}
	switch a := q.Access; {
	case len(q.List) > MaxListEntries:
		return wrong("the number of entries", uint64(len(q.List)), "at most 65536")
	case len(q.Keys) > MaxKeys:
		return wrong("the number of keys", uint64(len(q.Keys)), "at most 64")
	case bits.OnesCount64(q.PageSize) != 1 || q.PageSize < 512 || q.PageSize > 1<<31:
		return wrong("page_size", q.PageSize, "a power of two from 512 to 2^31")
	case q.MaxEntries < 1 || q.MaxEntries > mlx5model.MaxKLMs:
		return wrong("max_entries", q.MaxEntries, fmt.Sprint("1 to ", mlx5model.MaxKLMs))
	case q.MaxEntryBytes < 1 || q.MaxEntryBytes > defaultEntryBytes:
		return wrong("max_entry_bytes", q.MaxEntryBytes, "1 to 2^31")
	case q.MaxRegions < 1:
		return wrong("max_regions", q.MaxRegions, "1 or more")
	case q.QPN >= mlx5model.QPNAny:
		return wrong("qpn", uint64(q.QPN), "less than 2^24-1")
	case q.PD > mlx5model.PDMask:
		return wrong("pd", uint64(q.PD), "less than 2^24")
	case a&^mlx5model.AccRights != 0 || a&(mlx5model.AccRW|mlx5model.AccA) != 0 && a&mlx5model.AccLW == 0:
		return wrong("access", uint64(a), "lr, lw, rr, rw, a, and lw wherever rw or a is")
	case q.Dir < reg.DirRead || q.Dir > reg.DirBoth,
		q.Dir&reg.DirRead != 0 && a&mlx5model.AccRR == 0, q.Dir&reg.DirWrite != 0 && a&mlx5model.AccRW == 0:
		return wrong("dir", uint64(q.Dir), "read, write or both, as access allows")
	}
	if err := checkKeys(q); err != nil {
		return err
	}
	return checkScratch(q)
}

// checkKeys demands that every key can be made.
func checkKeys(q *conform.Register) error {
	wrong := func(i int, field string, v uint32, want string) error {
		return fmt.Errorf("%w: key %d has %s %#x, want %s", ErrRequest, i, field, v, want)
	}
	for i, k := range q.Keys {
		index := mlx5model.KeyIndex(k.Key)
		switch {
		case k.Mode != mlx5model.ModeKLM && k.Mode != mlx5model.ModeMTT:
			return wrong(i, "mode", uint32(k.Mode), "mtt or klm")
		case k.Max < 1 || k.Max > mlx5model.MaxKLMs:
			return wrong(i, "max", k.Max, fmt.Sprintf("1 to %#x", mlx5model.MaxKLMs))
		case index == mlx5model.KeyIndex(q.Lkey),
			slices.ContainsFunc(q.Keys[:i], func(o conform.Key) bool { return mlx5model.KeyIndex(o.Key) == index }):
			return wrong(i, "index", index, "one that no other key has")
		}
	}
	return nil
}

// checkScratch demands that no byte of the scratch memory is the list's.
func checkScratch(q *conform.Register) error {
	s := q.Scratch
	if s.Len > MaxScratchBytes || s.Len > 0 && s.Addr+s.Len-1 < s.Addr {
		return fmt.Errorf("%w: scratch memory %#x+%d, want at most 16 MiB below 2^64", ErrRequest, s.Addr, s.Len)
	}
	for i, e := range q.List { // modulo 2^64: an entry may run past the top
		if e.Len > 0 && s.Len > 0 && (e.Addr-s.Addr < s.Len || s.Addr-e.Addr < uint64(e.Len)) {
			return fmt.Errorf("%w: entry %d, %#x+%d, has bytes of the scratch memory %#x+%d", ErrRequest, i, e.Addr, e.Len, s.Addr, s.Len)
		}
	}
	return nil
}
