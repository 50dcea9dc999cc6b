package oracle

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// checkConservation is check 5: the lengths that a registration states agree
// with each other and with the list, exact in 64 bits.
func (o *Oracle) checkConservation() {
	o.v.ran(Conservation)
	from, next := posOffset(o.r.Mapped, o.r.From), posOffset(o.r.Mapped, o.r.Next)
	start := o.r.Request.Offset
	if at := o.r.Request.From; at != (linux.Pos{}) {
		start = posOffset(o.r.Mapped, at)
	}
	if from != start {
		o.v.failAt(Conservation, at(o.r.Request.List, from), "starts at byte %d, byte %d was asked for", from, start)
	}
	if next-from != o.r.Covered {
		o.v.failAt(Conservation, at(o.r.Request.List, next), "covers %d bytes, but from %v to %v are %d", o.r.Covered, o.r.From, o.r.Next, next-from)
	}
	if whole := next == o.orig.total(); whole != o.r.Whole {
		o.v.failAt(Conservation, at(o.r.Request.List, next), "says whole=%t, but ends at byte %d of %d", o.r.Whole, next, o.orig.total())
	}
	if o.r.Initiator {
		return
	}
	var sum uint64
	if n := len(o.ends); n > 0 {
		sum = o.ends[n-1]
	}
	if sum != o.r.Covered {
		o.v.failAt(Conservation, o.at(min(sum, o.r.Covered)), "tuples add up to %d bytes, %d are covered", sum, o.r.Covered)
	}
}

// checkMultiplicity is the other half of check 5: host bytes are mapped as often
// as the list names them, as many in all, and the same. It adds nothing where
// the stream is exact, which says more.
func (o *Oracle) checkMultiplicity() {
	op, ok := o.readOp()
	via := &o.in
	if !ok {
		if op, ok = o.writeOp(); !ok {
			return
		}
		via = &o.out
	}
	var err error
	if o.exposed, err = o.translate(o.exposed[:0], op, window{0, o.r.Covered}); err != nil {
		return // check 1 or 2 says so
	}
	got := o.exposed
	if len(via.runs) > 0 {
		o.got, ok = via.through(o.got[:0], o.exposed)
		if !ok {
			return
		}
		got = o.got
	}
	o.want = o.orig.extents(o.want[:0], o.base, o.r.Covered)
	if a, b := total(got), total(o.want); a != b {
		o.v.failAt(Conservation, o.at(min(a, b)), "%d bytes are mapped, the list has %d", a, b)
		return
	}
	o.scratchSet.set(got)
	a := o.scratchSet.size()
	o.scratchSet.set(o.want)
	if b := o.scratchSet.size(); a != b {
		o.v.failf(Conservation, "%d distinct bytes are mapped, the list names %d: some are mapped twice or dropped", a, b)
	}
}

// checkPrefix is the part of check 6 that one registration can show: a partial
// one covers the longest prefix that its region could hold.
func (o *Oracle) checkPrefix() {
	if o.r.Initiator || len(o.r.Keys) != 1 || o.r.Whole || !o.r.Request.Partial {
		return
	}
	ctx, ok := o.r.Dev.QueryMkey(o.r.Keys[0])
	if !ok || ctx.Mode != mlx5model.ModeMTT {
		return
	}
	o.v.ran(Resume)
	want := o.longestRegion(&ctx, o.r.From)
	if want != o.r.Covered {
		o.v.failAt(Resume, o.at(min(want, o.r.Covered)), "covers %d bytes from %v, a region with pages of %d holds %d", o.r.Covered, o.r.From, uint64(1)<<ctx.LogPageSize, want)
	}
}

// longestRegion is the longest prefix from p on that one region with key's pages
// can hold: by what the key holds, a UMR counts, the request allows, and the
// device's longest region takes.
func (o *Oracle) longestRegion(key *mlx5model.MkeyContext, p linux.Pos) uint64 {
	page := uint64(1) << key.LogPageSize
	pages := min(uint64(key.XltOctowords)*2, mlx5model.MaxMTTs)
	if m := o.r.Request.Limits.MaxEntries; m > 0 {
		pages = min(pages, uint64(m))
	}
	n := longestPagePrefix(o.r.Mapped, p, page, pages)
	if log := o.r.Dev.Profile().LogMaxMRWSize; log < 64 && n > 1<<log {
		lead := (o.r.Mapped[p.Entry].Addr + p.Off) % page
		n = longestPagePrefix(o.r.Mapped, p, page, min(pages, (1<<log+lead)/page))
	}
	return n
}

// longestPagePrefix counts the bytes from p on that a page list of at most
// pages pages can describe. It is written for clarity, border by border, and
// shares nothing with the mapping functions.
func longestPagePrefix(l sg.List, p linux.Pos, page, pages uint64) uint64 {
	var covered, used uint64
	var end uint64 // address behind the last byte covered
	for i := p.Entry; i < len(l); i++ {
		addr, n := l[i].Addr, uint64(l[i].Len)
		if i == p.Entry {
			addr, n = addr+p.Off, n-p.Off
		}
		if n == 0 {
			continue
		}
		var lead, slack uint64 // bytes of a new page before addr; free bytes of the last page
		switch {
		case covered == 0:
			lead = addr % page
		case addr == end && addr != 0:
			slack = (page - end%page) % page
		case end%page != 0 || addr%page != 0:
			return covered
		}
		if room := (pages-used)*page - lead + slack; n > room {
			return covered + room
		}
		if n > slack {
			used += (lead + n - slack + page - 1) / page
		}
		covered, end = covered+n, addr+n
	}
	return covered
}

// JudgeChain is check 6 on the parts of one list: each begins where the one
// before ended, and together they cover every one of the total bytes from stream
// offset from on once.
func (o *Oracle) JudgeChain(parts []ChainPart, from, total uint64, v *Verdict) {
	v.ran(Resume)
	var sum uint64
	for i, part := range parts {
		p := Place{Knows: KnowsStream, Stream: from + sum}
		if i > 0 && part.From != parts[i-1].Next {
			v.failAt(Resume, p, "part %d begins at %v, the one before ended at %v", i, part.From, parts[i-1].Next)
		}
		if part.Covered == 0 {
			v.failAt(Resume, p, "part %d covers nothing", i)
		}
		sum += part.Covered
	}
	if sum != total {
		v.failAt(Resume, Place{Knows: KnowsStream, Stream: from + min(sum, total)}, "%d parts cover %d bytes of %d", len(parts), sum, total)
	}
}

// ChainPart is what JudgeChain needs of each part.
type ChainPart struct {
	From, Next linux.Pos
	Covered    uint64
}

// Part cuts a registration down to a ChainPart.
func Part(r *reg.Registration) ChainPart { return ChainPart{r.From, r.Next, r.Covered} }

// checkTermination is check 15: a registration makes progress, and the work it
// asks of the device grows with the entries and pages it covers, not beyond.
func (o *Oracle) checkTermination() {
	o.v.ran(Termination)
	if o.r.Covered == 0 {
		o.v.failAt(Termination, o.at(0), "covers no bytes: a caller that resumes would not end")
	}
	bound := 4*(uint64(len(o.r.Mapped))+1) + 2*(o.r.Covered/o.unit()+1)
	if n := uint64(o.r.PostedTo - o.r.PostedFrom); n > 16*bound {
		o.v.failf(Termination, "%d WQEBBs for %d entries", n, len(o.r.Mapped))
	}
	if n := uint64(len(o.r.Tuples)); n > bound {
		o.v.failf(Termination, "%d tuples for %d entries", n, len(o.r.Mapped))
	}
	if n := uint64(o.r.Cost.Descriptors); n > bound {
		o.v.failf(Termination, "%d descriptors for %d entries", n, len(o.r.Mapped))
	}
}

// unit is the least number of bytes that a descriptor in the middle of a region
// may have: a page of the smallest kind, or what the limits leave of it.
func (o *Oracle) unit() uint64 {
	p := o.r.Dev.Profile()
	unit := min(uint64(1)<<p.LogPageMin, p.MaxKLMBytes)
	if page := o.r.Request.PageSize; page > 0 {
		unit = min(unit, page)
	}
	if m := o.r.Request.Limits.MaxEntryBytes; m > 0 {
		unit = min(unit, m)
	}
	return unit
}
