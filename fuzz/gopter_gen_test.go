package fuzz

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/leanovate/gopter"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// propCase is what the properties are about: a case, a device, and a number
// that relations draw their own choices from. It is never changed once made.
type propCase struct {
	corpus.Case
	profile mlx5model.Profile
	aux     uint64
}

func (c *propCase) String() string {
	return fmt.Sprintf("%d entries, profile %s, aux %d", len(c.List), c.profile.Name, c.aux)
}

// genLists draws lists by the generators of package sg. gopter's size ramp
// would make most lists of a long run short, so sizes come from the generators'
// own choices; of the ramp only the upper bound counts, from 8 entries on.
func genLists(page uint64, longest uint64) gopter.Gen {
	return func(p *gopter.GenParameters) *gopter.GenResult {
		params := sg.Params{PageSize: page, Capacities: []int{4, 16, 52}, MaxEntries: max(8, 4*p.MaxSize), MaxEntryBytes: longest}
		l, _ := sg.Generate(sg.NewRandom(p.NextUint64()), &params, nil)
		for i := range l { // the generator of literal lists knows no bound
			l[i].Len = uint32(min(uint64(l[i].Len), longest))
		}
		return gopter.NewGenResult(l, listShrinker)
	}
}

// edit is one way to make a list smaller.
type edit struct {
	kind  editKind
	at, n int
}

type editKind uint8

const (
	editDrop    editKind = iota // n entries from at on
	editJoin                    // two neighbours
	editLength                  // to one byte (n = 32), or by 2^n bytes
	editCutRun                  // the same, and what continues it moves down
	editHead                    // a byte from the start
	editKey                     // lkey 0
	editMove                    // to an address of n low bits kept, or by 2^(-n-1) down
	editMoveAll                 // so that the lowest address keeps n low bits
)

// editsOf lists the edits of l, the boldest first.
func editsOf(l sg.List) (edits []edit) {
	for n := len(l); n > 0; n /= 2 {
		for at := 0; at < len(l); at += n {
			edits = append(edits, edit{editDrop, at, n})
		}
	}
	for i := range l {
		if i+1 < len(l) {
			edits = append(edits, edit{editJoin, i, 0})
		}
		edits = append(edits, edit{editLength, i, 32}, edit{editCutRun, i, 32})
		for b := bits.Len32(l[i].Len) - 1; b >= 0; b-- {
			edits = append(edits, edit{editLength, i, b}, edit{editCutRun, i, b})
		}
		edits = append(edits, edit{editHead, i, 0}, edit{editKey, i, 0})
		if i > 0 && l[i].Addr == l[i-1].End() {
			continue // moves with the entry before it
		}
		for _, keep := range []int{0, 12, 16, 21, 32} {
			edits = append(edits, edit{editMove, i, keep})
		}
		for b := bits.Len64(l[i].Addr) - 1; b >= 0; b-- {
			edits = append(edits, edit{editMove, i, -b - 1})
		}
	}
	for _, keep := range []int{0, 12, 16, 21, 32} {
		edits = append(edits, edit{editMoveAll, 0, keep})
	}
	return edits
}

// apply gives the edited list; ok is false if it is not smaller.
func (e edit) apply(l sg.List) (out sg.List, ok bool) {
	if e.kind == editDrop {
		out = append(out, l[:e.at]...)
		return append(out, l[min(e.at+e.n, len(l)):]...), true
	}
	if len(l) == 0 {
		return nil, false
	}
	out = append(out, l...)
	x := &out[e.at]
	switch e.kind {
	case editJoin:
		sum := uint64(x.Len) + uint64(out[e.at+1].Len)
		x.Len = uint32(sum)
		return append(out[:e.at+1], out[e.at+2:]...), sum <= math.MaxUint32
	case editLength, editCutRun:
		by := uint32(1) << (e.n % 32)
		if e.n == 32 {
			by = max(x.Len, 1) - 1
		}
		if by == 0 || by >= x.Len {
			return out, false
		}
		end := x.End()
		x.Len -= by
		if e.kind == editLength {
			return out, true
		}
		return moveDown(out, e.at+1, end, uint64(by))
	case editHead:
		x.Addr++
		x.Len--
		return out, x.Len > 0 && x.Len < math.MaxUint32
	case editKey:
		x.Lkey = 0
		return out, l[e.at].Lkey != 0
	case editMove:
		return moveRun(out, e.at, e.n)
	}
	return moveAll(out, e.n)
}

// lowered clears the address bits from the keep-th on, or takes a power of two
// away.
func lowered(addr uint64, keep int) uint64 {
	if keep >= 0 {
		return addr & (1<<keep - 1)
	}
	return addr - 1<<(-keep-1)
}

// moveRun moves an entry and those that continue it.
func moveRun(l sg.List, at, keep int) (sg.List, bool) {
	by := l[at].Addr - lowered(l[at].Addr, keep)
	for i := at; i < len(l); i++ {
		last := i+1 == len(l) || l[i+1].Addr != l[i].End()
		l[i].Addr -= by
		if last {
			break
		}
	}
	return l, by > 0
}

// moveDown moves the entries from at on that begin at end, one after another.
func moveDown(l sg.List, at int, end, by uint64) (out sg.List, ok bool) {
	for ; at < len(l) && l[at].Addr == end; at++ {
		end = l[at].End()
		l[at].Addr -= by
		ok = true
	}
	return l, ok
}

// moveAll moves the whole list down so that the lowest address keeps its low
// bits only.
func moveAll(l sg.List, keep int) (sg.List, bool) {
	low := l[0].Addr
	for _, e := range l {
		low = min(low, e.Addr)
	}
	by := low - lowered(low, keep)
	for i := range l {
		l[i].Addr -= by
	}
	return l, by > 0
}

// listShrinker yields all smaller lists one edit away.
func listShrinker(v any) gopter.Shrink {
	l := v.(sg.List)
	edits := editsOf(l)
	return func() (any, bool) {
		for len(edits) > 0 {
			e := edits[0]
			edits = edits[1:]
			if out, ok := e.apply(l); ok {
				return out, true
			}
		}
		return nil, false
	}
}

// limit is a number of a profile that the properties lower.
type limit struct {
	name string
	get  func(*mlx5model.Profile) uint64
	set  func(*mlx5model.Profile, uint64)
	low  uint64
}

var limits = []limit{
	{"MaxIndirection", func(p *mlx5model.Profile) uint64 { return uint64(p.MaxIndirection) }, func(p *mlx5model.Profile, v uint64) { p.MaxIndirection = int(v) }, 1},
	{"LogMaxKLMListSize", func(p *mlx5model.Profile) uint64 { return uint64(p.LogMaxKLMListSize) }, func(p *mlx5model.Profile, v uint64) { p.LogMaxKLMListSize = uint8(v) }, 3},
	{"LogMaxMRWSize", func(p *mlx5model.Profile) uint64 { return uint64(p.LogMaxMRWSize) }, func(p *mlx5model.Profile, v uint64) { p.LogMaxMRWSize = uint8(v) }, 12},
	{"LogPageMax", func(p *mlx5model.Profile) uint64 { return uint64(p.LogPageMax) }, func(p *mlx5model.Profile, v uint64) { p.LogPageMax = uint8(v) }, 12},
	{"MaxKLMBytes", func(p *mlx5model.Profile) uint64 { return p.MaxKLMBytes }, func(p *mlx5model.Profile, v uint64) { p.MaxKLMBytes = v }, 512},
	{"MaxMkeys", func(p *mlx5model.Profile) uint64 { return uint64(p.MaxMkeys) }, func(p *mlx5model.Profile, v uint64) { p.MaxMkeys = int(v) }, 4},
	{"MaxXltOctowords", func(p *mlx5model.Profile) uint64 { return uint64(p.MaxXltOctowords) }, func(p *mlx5model.Profile, v uint64) { p.MaxXltOctowords = int(v) }, 1 << 10},
}

// genProfiles draws named profiles with some of their limits lowered.
func genProfiles() gopter.Gen {
	return func(p *gopter.GenParameters) *gopter.GenResult {
		all := mlx5model.Profiles()
		prof := all[p.Rng.Intn(len(all))]
		for _, l := range limits {
			if high := l.get(&prof); p.Rng.Intn(4) == 0 && high > l.low {
				l.set(&prof, l.low+p.NextUint64()%(high-l.low+1))
			}
		}
		return gopter.NewGenResult(prof, profileShrinker)
	}
}

// profileShrinker goes back to the default profile: as a whole, then limit by
// limit, at once or half of the way.
func profileShrinker(v any) gopter.Shrink {
	p := v.(mlx5model.Profile)
	plain := mlx5model.Profiles()[0]
	var all []mlx5model.Profile
	add := func(q mlx5model.Profile) {
		if q != p && q.Validate() == nil {
			all = append(all, q)
		}
	}
	add(plain)
	if p.Name != plain.Name { // the default device with these limits
		q := plain
		for _, l := range limits {
			l.set(&q, l.get(&p))
		}
		add(q)
	}
	for _, l := range limits {
		have, want := l.get(&p), l.get(&plain)
		if have == want {
			continue
		}
		q := p
		l.set(&q, want)
		add(q)
		if half := have + (want-have)/2; want > have && half != have {
			q = p
			l.set(&q, half)
			add(q)
		}
	}
	return func() (any, bool) {
		if len(all) == 0 {
			return nil, false
		}
		q := all[0]
		all = all[1:]
		return q, true
	}
}

// genCases draws cases of lists with the case's own options, for named
// profiles, or for made-up ones.
func genCases(madeUp bool) gopter.Gen {
	profiles := genProfiles()
	return func(p *gopter.GenParameters) *gopter.GenResult {
		var c propCase
		var params sg.Params
		Draw(sg.NewRandom(p.NextUint64()), &c.Case, &params)
		c.List = genLists(c.EffectivePageSize(), 1<<32-1)(p).Result.(sg.List)
		c.DMA.Limit = max(c.DMA.Limit, 512)
		if c.DMA.Mode == sg.Split && c.List.Total()/c.DMA.Limit > maxCuts {
			c.DMA = sg.DMA{}
		}
		normalise(&c.Case)
		c.aux = p.NextUint64()
		if madeUp {
			c.profile, c.Profile = profiles(p).Result.(mlx5model.Profile), ""
		} else {
			c.profile, _ = mlx5model.ProfileByName(profileOf(&c.Case))
		}
		return gopter.NewGenResult(&c, caseShrinker)
	}
}

func profileOf(c *corpus.Case) string {
	if c.Profile == "" {
		return "default"
	}
	return c.Profile
}

// genShortCases draws cases whose streams can be moved byte by byte.
func genShortCases() gopter.Gen {
	return func(p *gopter.GenParameters) *gopter.GenResult {
		c := &propCase{aux: p.NextUint64()}
		c.profile = mlx5model.Profiles()[0]
		c.Dialect = corpus.Dialects()[p.Rng.Intn(len(corpus.Dialects()))]
		c.List = genLists(corpus.DefaultPageSize, 12<<10)(p).Result.(sg.List)
		if len(c.List) > 48 {
			c.List = c.List[:48]
		}
		return gopter.NewGenResult(c, caseShrinker)
	}
}

// caseShrinker takes options away, then shrinks list, profile and aux.
func caseShrinker(v any) gopter.Shrink {
	c := v.(*propCase)
	var plain []*propCase
	for i := range options {
		q := *c
		if options[i].name == "profile" && c.profile.Name != profileOf(&c.Case) {
			continue
		}
		options[i].set(&q.Case, options[i].values[0])
		normalise(&q.Case)
		if options[i].name == "profile" {
			q.profile, _ = mlx5model.ProfileByName(profileOf(&q.Case))
		}
		if options[i].get(&q.Case) != options[i].get(&c.Case) {
			plain = append(plain, &q)
		}
	}
	if c.aux != 0 {
		zero, half := *c, *c
		zero.aux, half.aux = 0, c.aux/2
		plain = append(plain, &zero, &half)
	}
	first := gopter.Shrink(func() (any, bool) {
		if len(plain) == 0 {
			return nil, false
		}
		q := plain[0]
		plain = plain[1:]
		return q, true
	})
	lists := listShrinker(c.List).Map(func(l sg.List) *propCase { q := *c; q.List = l; return &q })
	profiles := gopter.NoShrink
	if c.profile.Name != "" && c.Profile == "" {
		profiles = profileShrinker(c.profile).Map(func(p mlx5model.Profile) *propCase { q := *c; q.profile = p; return &q })
	}
	return gopter.ConcatShrinks(first, lists, profiles)
}
