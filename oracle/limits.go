package oracle

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// checkLimits is check 14 on an accepted list: what was asked for, what the
// keys hold and what the device takes bound what was made.
func (o *Oracle) checkLimits() {
	o.v.ran(LimitsKept)
	r, lim, p := o.r, o.r.Request.Limits, o.r.Dev.Profile()
	if err := r.Request.List.Validate(); err != nil {
		o.v.failf(LimitsKept, "accepted a list that nothing can represent: %v", err)
	}
	if lim.MaxRegions > 0 && len(r.Keys) > lim.MaxRegions {
		o.v.failf(LimitsKept, "%d regions, %d are allowed", len(r.Keys), lim.MaxRegions)
	}
	for i, t := range r.Tuples {
		if t.Len > 0 && t.Addr+t.Len-1 < t.Addr {
			o.v.failAt(LimitsKept, o.atTuple(i), "tuple %d, %#x+%d, runs past 2^64", i, t.Addr, t.Len)
		}
	}
	for _, k := range r.Keys {
		ctx, ok := r.Dev.QueryMkey(k)
		if !ok {
			o.v.failf(LimitsKept, "key %#x does not exist", k)
			continue
		}
		n := o.liveDescriptors(k)
		if lim.MaxEntries > 0 && n > lim.MaxEntries {
			o.v.failf(LimitsKept, "key %#x has %d descriptors, %d are allowed", k, n, lim.MaxEntries)
		}
		if ctx.Mode == mlx5model.ModeMTT && (ctx.LogPageSize < p.LogPageMin || ctx.LogPageSize > p.LogPageMax) {
			o.v.failf(LimitsKept, "key %#x has pages of 2^%d bytes, the device takes 2^%d to 2^%d", k, ctx.LogPageSize, p.LogPageMin, p.LogPageMax)
		}
		if ctx.Mode == mlx5model.ModeKLM {
			o.checkKLMSizes(k, n)
		}
	}
}

// checkWQELimits is check 14 on one work request.
func (o *Oracle) checkWQELimits(w *mlx5model.WQE, pi uint32) {
	p := o.r.Dev.Profile()
	if n := int(w.DS) * mlx5model.DSSize; n > p.MaxWQEBytes {
		o.v.failf(LimitsKept, "WQE at %d has %d bytes, the device takes %d", pi, n, p.MaxWQEBytes)
	}
	if m := o.r.Request.Limits.MaxSGE; m > 0 && w.Opcode != mlx5model.OpUMR && len(w.Data)/mlx5model.DataSegSize > m {
		o.v.failf(LimitsKept, "WQE at %d has %d data segments, %d are allowed", pi, len(w.Data)/mlx5model.DataSegSize, m)
	}
}

func (o *Oracle) checkKLMSizes(key uint32, n int) {
	limit := o.r.Dev.Profile().MaxKLMBytes
	if m := o.r.Request.Limits.MaxEntryBytes; m > 0 {
		limit = min(limit, m)
	}
	list := o.r.Dev.QueryXlt(key)
	repeat := isRepeat(list)
	for i := range n {
		size := uint64(0)
		if repeat { // entry i stands behind the header: be16 stride, be16 byte_count
			size = uint64(binary.BigEndian.Uint16(list[(i+1)*mlx5model.KLMSize+2:]))
		} else {
			size = uint64(mlx5model.ParseKLM(list[i*mlx5model.KLMSize:]).ByteCount)
		}
		if size > limit {
			o.v.failf(LimitsKept, "KLM %d of key %#x has %d bytes, %d are allowed", i, key, size, limit)
		}
	}
}
