package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// relation makes another case that must behave as the first one does: ok is
// false if there is none, shift is how far the list moved.
type relation struct {
	name string
	make func(c *propCase, ch *sg.Choices) (other propCase, shift uint64, ok bool)
}

var relations = []relation{
	{"split", func(c *propCase, ch *sg.Choices) (propCase, uint64, bool) {
		return withList(c, func(l sg.List) (sg.List, bool) {
			i := int(ch.Uint(uint64(len(l) - 1)))
			if l[i].Len < 2 {
				return l, false
			}
			cut := 1 + uint32(ch.Uint(uint64(l[i].Len)-2))
			rest := sg.Entry{Addr: l[i].Addr + uint64(cut), Len: l[i].Len - cut, Lkey: l[i].Lkey}
			l[i].Len = cut
			return slices.Insert(l, i+1, rest), true
		})
	}},
	{"merge", func(c *propCase, _ *sg.Choices) (propCase, uint64, bool) {
		return withList(c, func(l sg.List) (sg.List, bool) {
			out := l[:1]
			for _, e := range l[1:] {
				last := &out[len(out)-1]
				if sum := uint64(last.Len) + uint64(e.Len); last.End() == e.Addr && e.Addr != 0 && sum < 1<<31 && last.Lkey == e.Lkey {
					last.Len = uint32(sum)
				} else {
					out = append(out, e)
				}
			}
			return out, len(out) < len(l)
		})
	}},
	{"translate", func(c *propCase, ch *sg.Choices) (propCase, uint64, bool) {
		shift := 1 << 31 * ch.Uint(1<<32)
		for _, e := range c.List {
			if e.Wraps() || e.Len > 0 && e.Last()+shift < e.Addr+shift || e.Addr+shift < e.Addr {
				return *c, 0, false
			}
		}
		o, _, _ := withList(c, func(l sg.List) (sg.List, bool) {
			for i := range l {
				l[i].Addr += shift
			}
			return l, true
		})
		return o, shift, shift != 0
	}},
	{"page size", func(c *propCase, ch *sg.Choices) (propCase, uint64, bool) {
		o := *c
		o.PageSize = 512 << ch.Uint(12)
		return o, 0, o.PageSize != c.EffectivePageSize()
	}},
	{"dma stage", func(c *propCase, ch *sg.Choices) (propCase, uint64, bool) {
		o := *c
		o.DMA = sg.DMA{Mode: sg.Merge, Limit: 1 << ch.Uint(31)}
		return o, 0, o.DMA != c.DMA
	}},
}

func withList(c *propCase, f func(sg.List) (sg.List, bool)) (propCase, uint64, bool) {
	o := *c
	if len(c.List) == 0 {
		return o, 0, false
	}
	var ok bool
	o.List, ok = f(slices.Clone(c.List))
	return o, 0, ok
}

// relationProperty says that every strategy that takes both cases exposes the
// same stream for both.
func relationProperty(rel relation, r *Runner, compared *int) gopter.Prop {
	var a, b oracle.Stream
	return prop.ForAll(func(c *propCase) *gopter.PropResult {
		other, shift, ok := rel.make(c, sg.NewRandom(c.aux))
		if !ok {
			return notApplicable()
		}
		for _, s := range r.strategies {
			var v oracle.Verdict
			if !r.streamOf(s, c, &a, &v) || !r.streamOf(s, &other, &b, &v) {
				continue
			}
			*compared++
			r.judge.JudgeAgreement(&a, &b, shift, &v)
			if !v.OK() {
				return gopter.NewPropResult(false, fmt.Sprintf("%s, %s: %v", rel.name, s.Name(), v.Failures[0]))
			}
		}
		return gopter.NewPropResult(true, "")
	}, genCases(false))
}

// streamOf registers a case and reduces it to its stream.
func (r *Runner) streamOf(s reg.Strategy, c *propCase, out *oracle.Stream, v *oracle.Verdict) bool {
	if r.reset(&c.Case) != nil || s.Register(r.env, &r.req, &r.first) != nil {
		return false
	}
	out.Name = s.Name()
	return r.judge.StreamOf(&r.first, out, v)
}

func TestPropertyRelations(t *testing.T) {
	for _, rel := range relations {
		t.Run(rel.name, func(t *testing.T) {
			compared := 0
			checkProp(t, relationProperty(rel, NewRunner(Options{}), &compared), propParameters(t, 200))
			if compared == 0 {
				t.Error("no two streams were compared")
			}
		})
	}
}

// byteRig moves real bytes through a registration.
type byteRig struct {
	*Runner
	moved int
	skew  uint64 // for tests: how far off reads are that do not begin a tuple
}

// live registers a case in the runner's memory, which fill may write before.
func (r *byteRig) live(s reg.Strategy, c *propCase, fill func()) bool {
	if r.reset(&c.Case) != nil {
		return false
	}
	fill()
	return s.Register(r.env, &r.req, &r.first) == nil && !r.first.Initiator && len(r.first.CopyIn)+len(r.first.CopyOut) == 0
}

// read reads the live registration's stream in pieces of at most size(), across
// the borders of tuples.
func (r *byteRig) read(dst []byte, size func() uint64) ([]byte, error) {
	for _, t := range r.first.Tuples {
		for off := uint64(0); off < t.Len; {
			n := min(max(size(), 1), t.Len-off)
			at := len(dst)
			dst = append(dst, make([]byte, n)...)
			a := mlx5model.Access{Op: mlx5model.RemoteRead, QPN: r.first.QPN, PD: r.first.PD, Key: t.Rkey, VA: t.Addr + off}
			if off > 0 {
				a.VA -= r.skew
			}
			if err := r.env.Dev.ReadHost(a, dst[at:]); err != nil {
				return dst, err
			}
			off += n
		}
	}
	r.moved += len(dst)
	return dst, nil
}

func whole() uint64 { return ^uint64(0) }

// placementProperty says that the bytes that a peer reads do not depend on
// where the entries are: entries are put elsewhere, in any order, at the same
// place in their pages, and their content with them.
func placementProperty(r *byteRig) gopter.Prop {
	return prop.ForAll(func(c *propCase) *gopter.PropResult {
		for _, s := range r.strategies {
			if !r.live(s, c, func() {}) {
				continue
			}
			want, err := r.read(nil, whole)
			if err != nil {
				return gopter.NewPropResult(false, fmt.Sprintf("%s: %v", s.Name(), err))
			}
			o := *c
			o.List = elsewhere(c.List, sg.NewRandom(c.aux))
			if !r.live(s, &o, func() { r.moveContent(c.List, o.List) }) {
				continue
			}
			got, err := r.read(nil, whole)
			if err != nil || !bytes.Equal(got, want) {
				return gopter.NewPropResult(false, fmt.Sprintf("%s: other bytes at another place: %v", s.Name(), err))
			}
		}
		return gopter.NewPropResult(true, "")
	}, genShortCases())
}

// elsewhere puts entry i into a place of 1 GiB of its own.
func elsewhere(l sg.List, ch *sg.Choices) sg.List {
	places := make([]uint64, len(l))
	for i := range places {
		places[i] = uint64(i + 1)
		k := ch.Uint(uint64(i))
		places[i], places[k] = places[k], places[i]
	}
	out := slices.Clone(l)
	for i := range out {
		out[i].Addr = places[i]<<30 + 1<<44 + l[i].Addr&0xfffff
	}
	return out
}

// moveContent gives each entry of to the content that the memory's pattern has
// at the same entry of from.
func (r *byteRig) moveContent(from, to sg.List) {
	for i := range from {
		p := make([]byte, from[i].Len)
		sg.FillPattern(memorySeed, from[i].Addr, p)
		if err := r.mem.Write(to[i].Addr, p); err != nil {
			panic(err) // short entries far from 2^64
		}
	}
}

// chunkProperty says that a peer that reads in pieces of any size gets what it
// gets in one.
func chunkProperty(r *byteRig) gopter.Prop {
	return prop.ForAll(func(c *propCase) *gopter.PropResult {
		ch := sg.NewRandom(c.aux)
		for _, s := range r.strategies {
			if !r.live(s, c, func() {}) {
				continue
			}
			want, err := r.read(nil, whole)
			if err != nil {
				return gopter.NewPropResult(false, fmt.Sprintf("%s: %v", s.Name(), err))
			}
			most := 1 << ch.Uint(12)
			got, err := r.read(nil, func() uint64 { return 1 + ch.Uint(uint64(most)) })
			if err != nil || !bytes.Equal(got, want) {
				return gopter.NewPropResult(false, fmt.Sprintf("%s: other bytes in pieces: %v", s.Name(), err))
			}
		}
		return gopter.NewPropResult(true, "")
	}, genShortCases())
}

func TestPropertyBytes(t *testing.T) {
	for name, make := range map[string]func(*byteRig) gopter.Prop{"placement": placementProperty, "chunks": chunkProperty} {
		t.Run(name, func(t *testing.T) {
			r := &byteRig{Runner: NewRunner(Options{})}
			checkProp(t, make(r), propParameters(t, 200))
			if r.moved == 0 {
				t.Error("no byte was moved")
			}
		})
	}
}
