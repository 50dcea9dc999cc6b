package picture

import (
	"cmp"
	"errors"
	"slices"
	"sort"

	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// shot is what was seen of one strategy's registrations.
type shot struct {
	b       *builder
	again   bool
	lapped  bool  // work requests were overwritten before they could be read
	err     error // in place of a registration
	regions []Region
	found   []found
	extents []sg.Extent // behind found
	scratch []sg.Extent
	// got and expected are the bytes at the first difference.
	got, expected Bytes
	last          Strategy // what the registrations say of themselves

	// of the registration under way
	s      *fuzz.Sight
	r      *reg.Registration
	op     mlx5model.Op
	copies []reg.Copy // From is the bounce side; sorted
	base   uint64     // stream offset of its first byte
}

// found is a descriptor and what the device makes of it. Memory, via and want
// are ranges of shot.extents.
type found struct {
	descriptor
	region          int
	stream          uint64
	mem, via, want  [2]int
	wrongAt, differ uint64 // in the list's stream; differ is 0 if all is right
	refused         string // why the device does
	byKey           bool   // it is the key that does, not an entry of its list
	got             uint64 // address behind the first differing byte
	bounced         bool   // it is wrong, but reaches the bounce memory it should
}

// take notes one registration.
func (t *shot) take(s *fuzz.Sight) {
	t.s, t.r, t.err = s, s.Registration, s.Err
	if t.err != nil {
		t.failedRequest()
		return
	}
	r := t.r
	t.base = t.b.mapped.start(r.From.Entry) + r.From.Off
	t.last.Initiator, t.last.Chosen, t.last.Why, t.last.Dialect = r.Initiator, r.Chosen, r.Why, r.Dialect
	t.last.Covered += r.Covered
	t.last.Cost.add(&r.Cost)
	t.last.TupleCount += len(r.Tuples)
	for _, x := range r.Tuples[:min(len(r.Tuples), max(t.b.o.Most-len(t.last.Tuples), 0))] {
		t.last.Tuples = append(t.last.Tuples, Tuple{Addr(x.Rkey), Addr(x.Addr), x.Len})
	}
	t.takeCopies()
	posted, err := fuzz.PostedBy(r, s.Env.Mem)
	t.lapped = t.lapped || errors.Is(err, fuzz.ErrLapped)
	first := len(t.last.Requests)
	t.takeRequests(posted)
	switch {
	case !r.Initiator:
		t.tuples()
	case len(r.Keys) > 0:
		t.localKeys()
	default:
		t.segments(posted, first)
	}
	for _, k := range r.AuxKeys {
		if ctx, ok := r.Dev.QueryMkey(k); ok {
			g := t.region(k, &ctx, 0, 0)
			g.Aux = true
			t.regions = append(t.regions, g)
		}
	}
}

// takeCopies chooses the direction that is shown, and an access that the rights
// allow: a local read if no other.
func (t *shot) takeCopies() {
	r := t.r
	rights := func(bits uint8) bool { return r.Access&bits != 0 }
	switch {
	case r.Request.Dir&reg.DirRead != 0 && rights(mlx5model.AccRR):
		t.op = mlx5model.RemoteRead
	case r.Request.Dir == reg.DirWrite && rights(mlx5model.AccRW):
		t.op = mlx5model.RemoteWrite
	case r.Request.Dir == reg.DirWrite && rights(mlx5model.AccLW):
		t.op = mlx5model.LocalWrite
	default:
		t.op = mlx5model.LocalRead
	}
	t.copies = t.copies[:0]
	for _, c := range r.CopyIn {
		t.copies = append(t.copies, reg.Copy{From: c.To, To: c.From, Len: c.Len})
	}
	if len(t.copies) == 0 {
		t.copies = append(t.copies, r.CopyOut...)
	}
	t.last.Copies += len(t.copies)
	slices.SortStableFunc(t.copies, func(a, b reg.Copy) int { return cmp.Compare(a.From, b.From) })
}

// region is a key as the device has it.
func (t *shot) region(key uint32, ctx *mlx5model.MkeyContext, stream, n uint64) Region {
	g := Region{Kind: ctx.Mode.String(), Key: Addr(key), IOVA: Addr(ctx.Start), Len: ctx.Len, Part: t.s.Part, Stream: stream, Bytes: n}
	if ctx.Mode == mlx5model.ModeMTT || ctx.Mode == mlx5model.ModeKSM {
		g.Page = 1 << min(ctx.LogPageSize, 63)
	}
	return g
}

// tuples notes what the peer reaches.
func (t *shot) tuples() {
	at := t.base
	for _, x := range t.r.Tuples {
		t.key(x.Rkey, at, x.Addr, x.Len)
		at += x.Len
	}
}

// localKeys notes the keys of a registration that moves the data itself through
// regions.
func (t *shot) localKeys() {
	t.op = mlx5model.LocalWrite
	at := t.base
	for _, k := range t.r.Keys {
		if ctx, ok := t.r.Dev.QueryMkey(k); ok {
			t.key(k, at, ctx.Start, ctx.Len)
			at += ctx.Len
		}
	}
}

// key notes n stream bytes that are at va of a key.
func (t *shot) key(key uint32, stream, va, n uint64) {
	ctx, ok := t.r.Dev.QueryMkey(key)
	if n == 0 {
		return
	}
	g := t.region(key, &ctx, stream, n)
	ds := []descriptor{{count: 1, len: n, va: va}}
	if ok {
		ds = descriptors(t.r.Dev.Profile(), &ctx, t.r.Dev.QueryXlt(key), va, n, func(off uint64) uint64 {
			e := t.b.ix.at(stream + off)
			return t.b.ix.start(e+1) - stream
		})
	}
	for _, d := range ds {
		g.Descriptors += d.count
		t.run(found{descriptor: d, region: len(t.regions)}, key, stream)
	}
	t.regions = append(t.regions, g)
}

// longRun is the number of pages that continue each other from which they are
// one row, but for the first and the last.
const longRun = 8

// mostFound is how many descriptors may be noted before runs of wrong ones are
// not taken apart any more.
const mostFound = 1 << 17

// run notes descriptors that continue each other, if they are right: one by
// one if they are few, else the first, the last, and those between as one.
func (t *shot) run(f found, key uint32, stream uint64) {
	cuts := []int{0, f.count}
	if f.count > longRun {
		cuts = []int{0, 1, f.count - 1, f.count}
	}
	if f.count <= longRun || len(t.found) < mostFound && !t.right(f, key, stream) {
		cuts = cuts[:1]
		for i := range f.count {
			cuts = append(cuts, i+1)
		}
	}
	for i := range cuts[1:] {
		part := f
		part.descriptor = f.cut(cuts[i], cuts[i+1])
		part.stream = stream + part.off
		t.add(part, key, part.va)
	}
}

// right says that nothing is wrong with f, and notes nothing.
func (t *shot) right(f found, key uint32, stream uint64) bool {
	if len(t.copies) > 0 {
		return false
	}
	var err error
	if t.scratch, err = t.r.Dev.Translate(t.scratch[:0], t.access(key, f.va, f.len)); err != nil {
		return false
	}
	_, n, _ := differ(t.scratch, t.b.ix.extents(nil, stream+f.off, f.len), f.len)
	return n == 0
}

// segments notes the data segments of RDMA requests.
func (t *shot) segments(posted []fuzz.Posted, first int) {
	t.op = mlx5model.LocalRead
	if t.r.Request.Dir == reg.DirWrite {
		t.op = mlx5model.LocalWrite
	}
	var w mlx5model.WQE
	for i := range posted {
		if err := mlx5model.Decode(posted[i].WQE, &w); err != nil || w.Opcode != mlx5model.OpRDMARead && w.Opcode != mlx5model.OpRDMAWrite {
			continue
		}
		g := Region{Kind: KindSGE, IOVA: Addr(w.RAddr), Part: t.s.Part, Request: first + i, Stream: t.base + w.RAddr - t.r.Request.Remote.Addr}
		for data := w.Data; len(data) >= mlx5model.DataSegSize; data = data[mlx5model.DataSegSize:] {
			seg := mlx5model.ParseDataSeg(data)
			d := descriptor{index: g.Descriptors, count: 1, off: g.Bytes, len: uint64(seg.ByteCount), va: seg.Addr, addr: seg.Addr, size: uint64(seg.ByteCount), key: seg.Lkey}
			if d.len == 0 {
				d.len = 1 << 31
			}
			t.add(found{descriptor: d, region: len(t.regions), stream: g.Stream + g.Bytes}, seg.Lkey, seg.Addr)
			g.Key = Addr(seg.Lkey)
			g.Descriptors++
			g.Bytes += d.len
		}
		g.Len = g.Bytes
		t.regions = append(t.regions, g)
	}
}

// add asks the device what a descriptor reaches, and compares that with the
// list.
func (t *shot) add(f found, key uint32, va uint64) {
	var err error
	t.scratch, err = t.r.Dev.Translate(t.scratch[:0], t.access(key, va, f.len))
	if err != nil {
		f.refused = err.Error()
		if a, ok := errors.AsType[*mlx5model.AccessError](err); ok {
			f.refused, f.byKey = a.Reason.String(), a.Depth == 0 && a.Entry < 0
		}
	}
	f.mem = t.keep(t.scratch)
	if len(t.copies) > 0 {
		f.via = f.mem
		t.scratch = through(nil, t.copies, t.extents[f.via[0]:])
		f.mem = t.keep(t.scratch)
	}
	t.compare(&f)
	t.found = append(t.found, f)
}

func (t *shot) access(key uint32, va, n uint64) mlx5model.Access {
	return mlx5model.Access{Op: t.op, QPN: t.r.QPN, PD: t.r.PD, Key: key, VA: va, Len: n}
}

// compare finds where memory and list differ.
func (t *shot) compare(f *found) {
	t.scratch = t.b.ix.extents(t.scratch[:0], f.stream, f.len)
	off, n, got := differ(t.extents[f.mem[0]:f.mem[1]], t.scratch, f.len)
	if n > 0 {
		f.wrongAt, f.differ, f.got, f.want = f.stream+off, n, got, t.keep(t.scratch)
		f.bounced = t.owned(t.extents[f.via[0]:f.via[1]])
		t.noteBytes(f)
	}
}

// owned says that memory is the registering side's own.
func (t *shot) owned(es []sg.Extent) bool {
	for _, e := range es {
		if !slices.ContainsFunc(t.r.Own, func(o sg.Extent) bool { return o.Addr <= e.Addr && e.Addr+e.Len-1 <= o.Addr+o.Len-1 }) {
			return false
		}
	}
	return len(es) > 0
}

// keep puts extents away; they are found again by the range.
func (t *shot) keep(es []sg.Extent) [2]int {
	from := len(t.extents)
	t.extents = append(t.extents, es...)
	return [2]int{from, len(t.extents)}
}

// differ compares two runs of memory that should be the same n bytes: where the
// first byte differs, how many do, and what a has there. Bytes that either does
// not have differ.
func differ(a, b []sg.Extent, n uint64) (off, count, got uint64) {
	var at, ia, ib uint64 // stream offset, and offsets into a[0] and b[0]
	for at < n {
		for len(a) > 0 && ia == a[0].Len {
			a, ia = a[1:], 0
		}
		for len(b) > 0 && ib == b[0].Len {
			b, ib = b[1:], 0
		}
		take := n - at
		same := len(a) > 0 && len(b) > 0 && a[0].Addr+ia == b[0].Addr+ib
		if len(a) > 0 {
			take = min(take, a[0].Len-ia)
		}
		if len(b) > 0 {
			take = min(take, b[0].Len-ib)
		}
		if !same {
			if count == 0 {
				if off = at; len(a) > 0 {
					got = a[0].Addr + ia
				}
			}
			count += take
		}
		at, ia, ib = at+take, ia+take, ib+take
		if len(a) == 0 {
			ia = 0
		}
		if len(b) == 0 {
			ib = 0
		}
	}
	return off, count, got
}

// through is the list memory that bounce memory stands for. copies are sorted
// by From, the bounce side. What no copy covers is left out.
func through(dst []sg.Extent, copies []reg.Copy, via []sg.Extent) []sg.Extent {
	for _, e := range via {
		i := sort.Search(len(copies), func(i int) bool { return copies[i].From+copies[i].Len-1 >= e.Addr })
		for last := e.Addr + e.Len - 1; i < len(copies) && copies[i].From <= last; i++ {
			c := copies[i]
			in := max(e.Addr, c.From) - c.From
			n := min(c.From+c.Len-1, last) - (c.From + in) + 1
			dst = sg.AppendExtent(dst, c.To+in, n)
		}
	}
	return dst
}

// firstWrong is the first descriptor that reaches other memory than the list
// has, -1 if there is none.
func (t *shot) firstWrong() int {
	return slices.IndexFunc(t.found, func(f found) bool { return f.differ != 0 || f.refused != "" })
}
