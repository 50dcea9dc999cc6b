package oracle

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// checkCost is check 11: the cost record holds, and no more keys are used than
// the rule of their kind asks for. It needs what checkWQEs counted.
func (o *Oracle) checkCost() {
	o.v.ran(CostClaims)
	got, c := &o.r.Cost, o.recount()
	o.claim("keys", uint64(got.MRs), uint64(c.MRs))
	o.claim("remote descriptors", uint64(got.RemoteDescs), uint64(c.RemoteDescs))
	o.claim("bytes copied", got.BytesCopied, c.BytesCopied)
	if o.posted.complete {
		o.claim("work requests", uint64(got.WQEs), uint64(c.WQEs))
		o.claim("WQE bytes", uint64(got.WQEBytes), uint64(c.WQEBytes))
		o.claim("device fetches", uint64(got.Fetches), uint64(c.Fetches))
	}
	if o.posted.complete || !o.r.Initiator {
		o.claim("descriptors", uint64(got.Descriptors), uint64(c.Descriptors))
	}
	o.checkMinimal()
	o.checkPageSize()
}

func (o *Oracle) claim(name string, got, want uint64) {
	if got != want {
		o.v.failf(CostClaims, "claims %d %s, there are %d", got, name, want)
	}
}

// recount is what the cost record should say, from the ring, the keys and the
// tuples.
func (o *Oracle) recount() reg.Cost {
	p := &o.posted
	c := reg.Cost{
		MRs: len(o.r.Keys) + len(o.r.AuxKeys), RemoteDescs: len(o.r.Tuples),
		WQEs: p.wqes, WQEBytes: p.bytes, Fetches: p.fetches, Descriptors: p.dataSegs,
	}
	var in, out uint64
	for _, k := range o.r.CopyIn {
		in += k.Len
	}
	for _, k := range o.r.CopyOut {
		out += k.Len
	}
	c.BytesCopied = max(in, out)
	for _, keys := range [...][]uint32{o.r.Keys, o.r.AuxKeys} {
		for _, k := range keys {
			c.Descriptors += o.liveDescriptors(k)
		}
	}
	return c
}

// liveDescriptors counts the entries of a key's list that its length reaches.
func (o *Oracle) liveDescriptors(key uint32) int {
	ctx, ok := o.r.Dev.QueryMkey(key)
	if !ok || ctx.Len == 0 {
		return 0
	}
	switch ctx.Mode {
	case mlx5model.ModeMTT:
		page := uint64(1) << ctx.LogPageSize
		lead := ctx.Start % page
		n := (ctx.Len-1)/page + 1 // pages if aligned
		if ctx.Len-(n-1)*page+lead > page {
			n++
		}
		return int(n)
	case mlx5model.ModeKLM:
		list := o.r.Dev.QueryXlt(key)
		if isRepeat(list) {
			return repeatEntries(list)
		}
		n, left := 0, ctx.Len
		for left > 0 && len(list) >= (n+1)*mlx5model.KLMSize {
			k := mlx5model.ParseKLM(list[n*mlx5model.KLMSize:])
			left -= min(left, uint64(k.ByteCount))
			n++
		}
		return n
	default:
		return 0
	}
}

// isRepeat says whether a list is a repeat header and its entries, not KLMs.
// Authority: include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg.
func isRepeat(list []byte) bool {
	return len(list) >= mlx5model.KLMSize && binary.BigEndian.Uint32(list[4:]) == mlx5model.RepeatOp
}

// repeatEntries is the number of entries that a repeat header states and the
// list has.
func repeatEntries(list []byte) int {
	return min(int(binary.BigEndian.Uint16(list[14:])), len(list)/mlx5model.KLMSize-1)
}

// checkMinimal counts the regions that the page rule forces, by the reference
// of check 6, and demands no more. It applies to page lists only: how many KLM
// regions are needed follows from the entry count, which check 14 bounds.
func (o *Oracle) checkMinimal() {
	if o.r.Initiator || len(o.r.Keys) < 2 || len(o.r.CopyIn)+len(o.r.CopyOut) > 0 {
		return
	}
	first, ok := o.r.Dev.QueryMkey(o.r.Keys[0])
	if !ok || first.Mode != mlx5model.ModeMTT {
		return
	}
	need, p, left := 0, o.r.From, o.r.Covered
	for left > 0 {
		n := o.longestRegion(&first, p)
		if n == 0 {
			return
		}
		p = advance(o.r.Mapped, p, n)
		left -= min(left, n)
		need++
	}
	if len(o.r.Keys) > need {
		o.v.failf(CostClaims, "%d regions, the page rule asks for %d", len(o.r.Keys), need)
	}
}

// checkPageSize demands that a user memory key has no more pages than the best
// page size of the request and the device gives.
func (o *Oracle) checkPageSize() {
	r := o.r
	if r.Strategy != "umem" || len(r.Keys) != 1 {
		return
	}
	ctx, ok := r.Dev.QueryMkey(r.Keys[0])
	if !ok || ctx.Mode != mlx5model.ModeMTT || ctx.Len == 0 || ctx.Start+ctx.Len-1 < ctx.Start {
		return
	}
	o.mapped = append(o.mapped[:0], r.Mapped...)
	leaveOut(o.mapped, o.base)
	best := umemPage(r.Request, &Facts{Profile: r.Dev.Profile()}, o.mapped)
	if best == 0 {
		return
	}
	pages := (ctx.Start+ctx.Len-1)/best - ctx.Start/best + 1
	if n := uint64(o.liveDescriptors(r.Keys[0])); n > pages {
		o.v.failf(CostClaims, "%d pages, %d of %d bytes would do", n, pages, best)
	}
}
