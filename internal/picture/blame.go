package picture

import (
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/sg"
)

// maxBytes is how many differing bytes a Blame shows.
const maxBytes = 16

// blame says what is at fault, and the descriptor's number in shot.found, -1 if
// it is none.
func (t *shot) blame(s *Strategy) (*Blame, int) {
	b := &Blame{Region: -1, Index: -1, Request: -1, Entry: -1}
	i := t.firstWrong()
	switch {
	case i >= 0:
		i = t.culprit(b, i)
	case t.blameRequest(b, s):
	default:
		t.blamePlace(b, s.Failures)
	}
	return b, i
}

// culprit fills b for the descriptor i, the first that is wrong, and returns
// the one to blame.
func (t *shot) culprit(b *Blame, i int) int {
	f := &t.found[i]
	g := &t.regions[f.region]
	b.Stream, b.Entry, b.Off = f.wrongAt, -1, 0
	if e := t.b.ix.at(f.wrongAt); e < len(t.b.ix.list) {
		b.Entry, b.Off = e, f.wrongAt-t.b.ix.start(e)
	}
	for k := range t.found {
		b.Differ += t.found[k].differ
	}
	if f.refused == "" {
		t.showBytes(b, f)
	}
	name := func(d *found) string { return fmt.Sprintf("%s %d", g.Kind, d.index) }
	b.Part, b.Index = name(f), f.index
	switch {
	case f.byKey:
		b.Part, b.Index = fmt.Sprintf("key %v", g.Key), -1
		b.Text = fmt.Sprintf("%s: the device refuses stream bytes %s to %s: %s", b.Part, commas(f.stream), commas(f.stream+f.len-1), f.refused)
		return -1
	case f.size == 0 && f.refused != "" && f.stream >= t.b.ix.total():
		b.Part, b.Index = fmt.Sprintf("key %v", g.Key), -1
		b.Text = fmt.Sprintf("%s is %s longer than what its %ss describe", b.Part, count(f.len, "byte"), g.Kind)
		return -1
	case f.size == 0 && f.refused != "":
		b.Text = fmt.Sprintf("%s is not there: stream bytes from %s on have no memory (%s)", b.Part, commas(f.stream), f.refused)
	case f.refused != "":
		b.Text = fmt.Sprintf("%s: the device refuses stream bytes %s to %s: %s", b.Part, commas(f.stream), commas(f.stream+f.len-1), f.refused)
	case t.short(i):
		p := &t.found[i-1]
		b.Part, b.Index = name(p), p.index
		b.Text = fmt.Sprintf("%s ends inside entry %d, %s early: all behind it is shifted", b.Part, b.Entry, count(t.b.ix.ends[b.Entry]-f.stream, "byte"))
		return i - 1
	case f.bounced:
		b.Part = fmt.Sprintf("copy of bounce page %d", f.index)
		b.Text = fmt.Sprintf("%s takes other bytes than the list has at stream byte %s", b.Part, commas(f.wrongAt))
	case b.Want == nil:
		b.Text = fmt.Sprintf("%s goes on for %s behind the end of the list", b.Part, count(f.differ, "byte"))
	case f.wrongAt > f.stream:
		b.Text = fmt.Sprintf("%s is right for %s and then reaches %v, where the list has %v", b.Part, count(f.wrongAt-f.stream, "byte"), Addr(f.got), b.Want.Addr)
	default:
		b.Text = fmt.Sprintf("%s reaches %v, where the list has %v", b.Part, Addr(f.got), b.Want.Addr)
	}
	return i
}

// short says that the descriptor before i, which is right as far as it goes,
// ends inside an entry that it should have covered, so that i begins too early.
func (t *shot) short(i int) bool {
	if i == 0 {
		return false
	}
	f, p := &t.found[i], &t.found[i-1]
	g := &t.regions[f.region]
	if p.region != f.region || g.Kind != KindKLM && g.Kind != KindSGE || f.wrongAt != f.stream {
		return false
	}
	x := t.b.mapped
	if p.size >= t.b.profile.MaxKLMBytes || p.size == t.b.c.Limits.MaxEntryBytes {
		return false // as long as it may be
	}
	return x.start(x.at(f.stream)) != f.stream
}

// showBytes fills in the memory and the bytes at the first difference.
func (t *shot) showBytes(b *Blame, f *found) {
	rest := f.stream + f.len - f.wrongAt
	if want := t.b.ix.extents(nil, f.wrongAt, rest); len(want) > 0 {
		e := extent(want[0])
		b.Want = &e
	}
	off := f.wrongAt - f.stream
	for _, e := range t.extents[f.mem[0]:f.mem[1]] {
		if off < e.Len {
			b.Reaches = &Extent{Addr(e.Addr + off), e.Len - off}
			break
		}
		off -= e.Len
	}
	if t.found[t.firstWrong()].wrongAt == f.wrongAt {
		b.Got, b.Expected = t.got, t.expected
	}
}

// noteBytes reads what the peer would get at the first difference of all, while
// memory is as it was.
func (t *shot) noteBytes(f *found) {
	if t.got != nil || t.expected != nil {
		return
	}
	n := min(f.stream+f.len-f.wrongAt, maxBytes)
	t.expected = t.read(t.b.ix.extents(nil, f.wrongAt, n), n)
	var got []sg.Extent
	off := f.wrongAt - f.stream
	for _, e := range t.extents[f.mem[0]:f.mem[1]] {
		if off >= e.Len {
			off -= e.Len
			continue
		}
		got = append(got, sg.Extent{Addr: e.Addr + off, Len: e.Len - off})
		off = 0
	}
	t.got = t.read(got, n)
}

// read gives up to n bytes of memory.
func (t *shot) read(es []sg.Extent, n uint64) Bytes {
	out := Bytes{}
	for _, e := range es {
		p := make([]byte, min(e.Len, n))
		if t.s.Env.Mem.Read(e.Addr, p) != nil {
			break
		}
		out = append(out, p...)
		if n -= uint64(len(p)); n == 0 {
			break
		}
	}
	return out
}

// blameRequest blames the work request that ended in an error or that the
// strict decoder objects to.
func (t *shot) blameRequest(b *Blame, s *Strategy) bool {
	i := slices.IndexFunc(s.Requests, func(q Request) bool { return len(q.Findings) > 0 })
	if t.err != nil && len(s.Requests) > 0 {
		i = len(s.Requests) - 1
	}
	if i < 0 {
		return false
	}
	q := &s.Requests[i]
	b.Part, b.Request = fmt.Sprintf("work request %d", q.Index), q.Index
	if b.Text = ""; len(q.Findings) > 0 {
		b.Text = b.Part + ": " + q.Findings[0]
	} else {
		b.Text = b.Part + ": " + t.err.Error()
	}
	return true
}

// blamePlace blames nothing but says where the first failure is that has a place
// in the stream.
func (t *shot) blamePlace(b *Blame, failures []Failure) {
	f := &failures[max(slices.IndexFunc(failures, func(f Failure) bool { return f.Stream != nil }), 0)]
	b.Text = f.String()
	if f.Stream == nil {
		return
	}
	b.Stream = *f.Stream
	if f.Entry != nil {
		b.Entry, b.Off = *f.Entry, *f.Off
	}
	if f.Addr != nil {
		b.Reaches = &Extent{*f.Addr, 1}
	}
}
