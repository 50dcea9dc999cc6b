package runner

import (
	"math/bits"
	"slices"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// judged are the oracle's checks that say something about an implementation
// from outside. The others concern what only a strategy states (cost, DMA
// counts), what this project's encoders write, or what is left free.
var judged = [oracle.NumChecks + 1]bool{
	oracle.ReadStream: true, oracle.WriteStream: true, oracle.Confinement: true, oracle.SubRange: true, oracle.Conservation: true,
	oracle.Rights: true, oracle.Structure: true, oracle.LimitsKept: true,
}

// bytesEvery is how seldom a registration's bytes are moved: with the others,
// the memory behind every byte of the stream is compared as intervals, which is
// exact, and moving bytes then tests the model's own device.
const bytesEvery = 8

// judgeRegister executes what the child answered, plays the peer, and judges.
func (b *bench) judgeRegister(q *conform.Register, r *conform.RegisterReply, v *verdict) error {
	v.ran = &v.oracle.Ran
	if err := q.List.Validate(); err != nil {
		v.fail(oracle.LimitsKept, "accepts a list that nothing can represent: %v", err)
		return nil
	}
	seed := q.List[0].Addr ^ uint64(len(q.List))
	if err := b.reset(seed, q.QPN, q.PD, q.Lkey); err != nil {
		return err
	}
	for _, k := range q.Keys {
		if err := b.create(k, q.PD, q.PageSize); err != nil {
			return err
		}
	}
	b.oracle.Begin(b.mem)
	if !b.hostWrites(q, r.Host, v) || !b.checkCopies(q, r, v) {
		return nil
	}
	for i, wqe := range r.WQEs {
		if !b.execute(i, wqe, v) {
			return nil
		}
	}
	b.oracle.Intervals = seed%bytesEvery != 0
	b.req = reg.Request{
		List: q.List, PageSize: q.PageSize, Access: q.Access, Dir: q.Dir,
		Limits: reg.Limits{MaxEntries: int(q.MaxEntries), MaxRegions: int(min(q.MaxRegions, 1<<24)), MaxEntryBytes: q.MaxEntryBytes},
	}
	b.registration(q.QPN, q.PD, q.List.Total())
	b.reg.Own = append(b.reg.Own, q.Scratch)
	b.reg.CopyIn, b.reg.CopyOut = append(b.reg.CopyIn, r.CopyIn...), append(b.reg.CopyOut, r.CopyOut...)
	if !b.regions(r.Regions, v) || !b.direct(q, v) {
		return nil
	}
	b.capacities(q, v)
	b.judge(v)
	return nil
}

// registration fills in what every registration of b.req has that covers the
// whole list.
func (b *bench) registration(qpn, pd uint32, total uint64) {
	r, l := &b.reg, b.req.List
	r.Reset()
	r.Strategy, r.Request, r.Access = "child", &b.req, b.req.Access
	r.Mapped = append(r.Mapped, l...)
	r.Next, r.Covered, r.Whole = linux.Pos{Entry: len(l)}, total, true
	r.Dev, r.QP, r.Ring, r.QPN, r.PD = b.dev, b.qp, b.ring, qpn, pd
	r.PostedTo, r.Cost = b.pi, b.cost
	r.DMANents, r.MapNents, r.UnmapNents = len(l), len(l), len(l)
}

// regions takes over what the child tells the peer. Neighbours under one key
// are one region.
func (b *bench) regions(regions []reg.Tuple, v *verdict) bool {
	var sum, carry uint64
	for _, t := range regions {
		if sum, carry = bits.Add64(sum, t.Len, 0); carry != 0 {
			v.fail(oracle.Conservation, "the regions have more than 2^64 bytes")
			return false
		}
		if n := len(b.reg.Tuples); n > 0 {
			last := &b.reg.Tuples[n-1]
			if last.Rkey == t.Rkey && last.Addr+last.Len == t.Addr && t.Addr != 0 && last.Len != 0 {
				last.Len += t.Len
				continue
			}
		}
		b.reg.Tuples = append(b.reg.Tuples, t)
		if !slices.Contains(b.reg.Keys, t.Rkey) {
			b.reg.Keys = append(b.reg.Keys, t.Rkey)
		}
	}
	return true
}

// hostWrites makes the child's writes to its scratch memory, and refuses any
// other.
func (b *bench) hostWrites(q *conform.Register, writes []conform.HostWrite, v *verdict) bool {
	for i, w := range writes {
		if !within(sg.Extent{Addr: w.Addr, Len: uint64(len(w.Bytes))}, q.Scratch) {
			v.fail(oracle.Confinement, "host write %d, %#x+%d, is not in the scratch memory %#x+%d", i, w.Addr, len(w.Bytes), q.Scratch.Addr, q.Scratch.Len)
			return false
		}
		if err := b.mem.Write(w.Addr, w.Bytes); err != nil {
			v.fail(oracle.Confinement, "host write %d: %v", i, err)
			return false
		}
	}
	return true
}

func within(e, outer sg.Extent) bool {
	off := e.Addr - outer.Addr
	return e.Len == 0 || off < outer.Len && e.Len <= outer.Len-off
}

// capacities demands that no key holds more descriptors than it was made for.
func (b *bench) capacities(q *conform.Register, v *verdict) {
	for _, key := range b.reg.Keys {
		i := slices.IndexFunc(q.Keys, func(k conform.Key) bool { return mlx5model.KeyIndex(k.Key) == mlx5model.KeyIndex(key) })
		if i < 0 {
			continue
		}
		n := b.live(key)
		b.reg.Cost.Descriptors += n
		if n > int(q.Keys[i].Max) {
			v.fail(oracle.LimitsKept, "key %#x has %d descriptors, it holds %d", key, n, q.Keys[i].Max)
		}
	}
}

// live counts the descriptors of a key that its length reaches.
func (b *bench) live(key uint32) int {
	ctx, ok := b.dev.QueryMkey(key)
	if !ok || ctx.Len == 0 {
		return 0
	}
	if ctx.Mode == mlx5model.ModeMTT {
		page := uint64(1) << ctx.LogPageSize
		return int((ctx.Start&(page-1)+ctx.Len-1)/page + 1)
	}
	list := b.dev.QueryXlt(key)
	n, left := 0, ctx.Len
	for ; left > 0 && len(list) >= (n+1)*mlx5model.KLMSize; n++ {
		k := mlx5model.ParseKLM(list[n*mlx5model.KLMSize:])
		left -= min(left, uint64(k.ByteCount))
	}
	return n
}

// judge lets the oracle judge b.reg, and keeps what is said about an
// implementation from outside.
func (b *bench) judge(v *verdict) {
	r := &b.reg
	r.Cost.MRs, r.Cost.RemoteDescs = len(r.Keys), len(r.Tuples)
	var in, out uint64
	for _, c := range r.CopyIn {
		in += c.Len
	}
	for _, c := range r.CopyOut {
		out += c.Len
	}
	r.Cost.BytesCopied = max(in, out)
	before := len(v.oracle.Failures)
	b.oracle.Judge(r, &v.oracle)
	for _, f := range v.oracle.Failures[before:] {
		if judged[f.Check] {
			v.failf(f.Check.String(), "%s", f.Text)
		}
	}
}

// judgeReject says whether a list may be refused: it wraps, has no bytes or an
// empty entry, or its pieces do not fit a region.
func judgeReject(q *conform.Register, reason string, v *verdict) {
	v.ran = &v.oracle.Ran
	var pieces, room uint64
	ok := q.List.Validate() != nil
	for _, e := range q.List {
		ok = ok || e.Len == 0
		pieces += (uint64(e.Len) + q.MaxEntryBytes - 1) / q.MaxEntryBytes
	}
	for _, k := range q.Keys {
		if k.Mode == mlx5model.ModeKLM {
			room = max(room, uint64(k.Max))
		}
	}
	if ok || pieces > q.MaxEntries || pieces > room {
		v.ran[oracle.LimitsKept]++
		v.status = rejected
		return
	}
	v.fail(oracle.LimitsKept, "rejects with %s a list of %d entries in %d pieces, with room for %d", reason, len(q.List), pieces, min(q.MaxEntries, room))
}
