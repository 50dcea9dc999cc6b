package picture

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// descriptor is one entry of a key's list, or a data segment, as far as a range
// of the key reaches it; or count pages that continue each other in memory.
type descriptor struct {
	index    int
	count    int
	in       uint64 // of the first page, the bytes before its first byte
	off, len uint64 // bytes of the range
	va       uint64 // of its first byte in the key's space
	addr     uint64 // that it names
	size     uint64 // bytes that each covers
	key      uint32 // that it names
}

// cut is the part [from, to) of the pages of d.
func (d descriptor) cut(from, to int) descriptor {
	begin := func(i int) uint64 {
		if i == 0 {
			return 0
		}
		if i == d.count {
			return d.len
		}
		return uint64(i)*d.size - d.in
	}
	x, y := begin(from), begin(to)
	d.index, d.count, d.addr = d.index+from, to-from, d.addr+uint64(from)*d.size
	if d.off, d.len, d.va = d.off+x, y-x, d.va+x; from > 0 {
		d.in = 0
	}
	return d
}

// descriptors says which entries of a key's list serve n > 0 bytes at va. They
// cover the range without a hole: what the list does not hold is a last one,
// whose index is that of the missing entry. Pages that continue each other are
// one where no border lies between them: border is the first one behind an
// offset of the range.
func descriptors(p *mlx5model.Profile, ctx *mlx5model.MkeyContext, xlt []byte, va, n uint64, border func(off uint64) uint64) []descriptor {
	off := va - ctx.Start
	var ds []descriptor
	switch ctx.Mode {
	case mlx5model.ModeMTT:
		ds = pages(ctx.LogPageSize, ctx.Start, off, n, len(xlt)/mlx5model.MTTSize, border, func(d *descriptor) {
			d.addr = binary.BigEndian.Uint64(xlt[d.index*mlx5model.MTTSize:]) &^ (mlx5model.MTTRead | mlx5model.MTTWrite)
		})
	case mlx5model.ModeKSM:
		first := uint64(0)
		if p.KSMIndexByVA {
			first = ctx.Start
		}
		ds = pages(ctx.LogPageSize, first, off, n, len(xlt)/mlx5model.KSMSize, nil, func(d *descriptor) {
			e := mlx5model.ParseKLM(xlt[d.index*mlx5model.KSMSize:])
			d.addr, d.key = e.VA, e.Key
		})
	case mlx5model.ModeKLM:
		ds = klms(p, off, n, xlt)
	}
	var have uint64
	for i := range ds {
		ds[i].va = va + ds[i].off
		have += ds[i].len
	}
	if have < n {
		next := 0
		if k := len(ds); k > 0 {
			next = ds[k-1].index + 1
		}
		ds = append(ds, descriptor{index: next, count: 1, off: have, len: n - have, va: va + have})
	}
	return ds
}

// pages are the entries of one length that n bytes at offset off of a key that
// starts at start need, of the have there are. Without border each stands
// alone.
func pages(log uint8, start, off, n uint64, have int, border func(uint64) uint64, fill func(*descriptor)) (ds []descriptor) {
	if log >= 64 {
		return nil
	}
	mask := uint64(1)<<log - 1
	low := off&mask + start&mask
	i, in := off>>log+low>>log, low&mask
	var end uint64 // behind the entry that the last descriptor's bytes belong to
	for at := uint64(0); at < n && i < uint64(have); i, in = i+1, 0 {
		d := descriptor{index: int(i), count: 1, in: in, off: at, len: min(n-at, mask-in+1), size: mask + 1}
		fill(&d)
		at += d.len
		if k := len(ds) - 1; k >= 0 && at <= end && d.addr == ds[k].addr+uint64(ds[k].count)*d.size && d.addr != 0 {
			ds[k].count++
			ds[k].len += d.len
			continue
		}
		if ds = append(ds, d); border != nil {
			end = border(d.off)
		}
	}
	return ds
}

// klms are the entries of a KLM list that n bytes at offset off need.
func klms(p *mlx5model.Profile, off, n uint64, xlt []byte) (ds []descriptor) {
	end, carry := bits.Add64(off, n, 0)
	if carry != 0 {
		end = math.MaxUint64
	}
	var sum uint64 // bytes before entry i
	for i := 0; sum < end && (i+1)*mlx5model.KLMSize <= len(xlt); i++ {
		e := mlx5model.ParseKLM(xlt[i*mlx5model.KLMSize:])
		size := uint64(e.ByteCount)
		if size == 0 && p.ZeroKLM == mlx5model.ZeroKLM2GiB {
			size = 1 << 31
		}
		from, to := max(sum, off), min(sum+size, end)
		if from < to {
			ds = append(ds, descriptor{index: i, count: 1, off: from - off, len: to - from, addr: e.VA, size: size, key: e.Key})
		}
		sum += size
	}
	return ds
}
