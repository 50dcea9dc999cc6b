package runner

import (
	"errors"
	"math/bits"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/oracle"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

const (
	errNoMem = -12 // ENOMEM, include/uapi/asm-generic/errno-base.h

	mapQPN, mapPD = 0x1234, 0x42
	mapKey        = 0x29f1905
	mapLkey       = 0x1800 // replaced by the request's
)

// judgeMapping is --judge semantic for a mapping: a key gets the descriptors,
// the peer reads and writes through it, and what it reaches must be the part of
// the list that the reply says was mapped.
func (b *bench) judgeMapping(op conform.Op, q *conform.Map, r *conform.MapReply, v *verdict) error {
	v.ran = &v.oracle.Ran
	if r.Ret < 0 {
		judgeErrno(q, r.Ret, v)
		return nil
	}
	off := uint64(0)
	if q.HasOffset {
		off = uint64(q.Offset)
	}
	if !whereItStopped(q, r, off, v) || r.Length == 0 {
		return nil
	}
	if n := len(r.Descs) / descSize(op); uint64(n) != r.NDescs || len(r.Descs)%descSize(op) != 0 || r.NDescs > uint64(q.MaxDescs) {
		v.fail(oracle.LimitsKept, "ndescs %d, %d bytes of descriptors, room for %d", r.NDescs, len(r.Descs), q.MaxDescs)
		return nil
	}
	lkey := q.LocalLkey
	if op == conform.OpSGToPages || mlx5model.KeyIndex(lkey) == mlx5model.KeyIndex(mapKey) {
		lkey = mapLkey
	}
	if err := b.reset(r.IOVA, mapQPN, mapPD, lkey); err != nil {
		return err
	}
	if err := b.createMapped(op, q, r); err != nil {
		c := oracle.Structure
		if errors.Is(err, mlx5model.ErrMkeyLimit) {
			c = oracle.LimitsKept
		}
		v.fail(c, "no key can have these descriptors: %v", err)
		return nil
	}
	b.oracle.Begin(b.mem)
	b.prefix = prefix(b.prefix[:0], q.SG, off, r.Length)
	b.req = reg.Request{
		List: b.prefix, PageSize: uint64(q.PageSize), Access: mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW, Dir: reg.DirBoth,
		Limits: reg.Limits{MaxEntries: int(q.MaxDescs)},
	}
	b.oracle.Intervals = r.IOVA/8%bytesEvery != 0
	b.registration(mapQPN, mapPD, r.Length)
	b.reg.Keys = append(b.reg.Keys, mapKey)
	b.reg.Cost.Descriptors = b.live(mapKey)
	b.reg.Tuples = append(b.reg.Tuples, reg.Tuple{Rkey: mapKey, Addr: r.IOVA, Len: r.Length})
	b.judge(v)
	return nil
}

// createMapped makes the key that the descriptors are for.
func (b *bench) createMapped(op conform.Op, q *conform.Map, r *conform.MapReply) error {
	ctx := mlx5model.MkeyContext{
		Mode: mlx5model.ModeKLM, Access: mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW,
		QPN: mlx5model.QPNAny, PD: mapPD, Tag: mlx5model.KeyTag(mapKey), Start: r.IOVA, Len: r.Length,
	}
	if op == conform.OpSGToPages {
		ctx.Mode = mlx5model.ModeMTT
		ctx.LogPageSize = uint8(bits.TrailingZeros32(q.PageSize))
	}
	b.xlt = append(b.xlt[:0], r.Descs...)
	for len(b.xlt)%mlx5model.UMRListAlign != 0 {
		b.xlt = append(b.xlt, 0)
	}
	ctx.XltOctowords = uint32(len(b.xlt) / mlx5model.OctowordSize)
	_, err := b.dev.CreateMkey(mlx5model.KeyIndex(mapKey), ctx, b.xlt)
	return err
}

// whereItStopped demands that ret, sg_offset_out and length name the same place
// in the list, and that there is progress.
func whereItStopped(q *conform.Map, r *conform.MapReply, off uint64, v *verdict) bool {
	total := q.SG.Total()
	if off >= total && r.Length == 0 && r.NDescs == 0 {
		return true // there is nothing to map
	}
	if off > total || r.Length > total-off {
		v.fail(oracle.Conservation, "length %d from byte %d on, the list has %d", r.Length, off, total)
		return false
	}
	end := off + r.Length
	if int(r.Ret) > len(q.SG) {
		v.fail(oracle.Conservation, "ret is %d, the list has %d entries", r.Ret, len(q.SG))
		return false
	}
	whole := q.SG[:r.Ret].Total()
	if q.HasOffset && r.Length > 0 {
		at := whole + uint64(r.SGOffsetOut)
		if at != end {
			v.fail(oracle.Resume, "ret %d and sg_offset_out %d stand for byte %d, the mapping ends at byte %d", r.Ret, r.SGOffsetOut, at, end)
			return false
		}
	} else if whole > end && r.Ret > 0 {
		v.fail(oracle.Resume, "ret %d stands for %d bytes, the mapping ends at byte %d", r.Ret, whole, end)
		return false
	}
	if r.Length == 0 && total > off && q.MaxDescs > 0 {
		v.fail(oracle.Termination, "maps nothing: a caller that resumes would not end")
		return false
	}
	return true
}

// prefix is the part of a list from byte off on, n bytes long.
func prefix(dst, l sg.List, off, n uint64) sg.List {
	for _, e := range l {
		size := uint64(e.Len)
		if off >= size { // also what is empty
			off -= size
			continue
		}
		take := min(size-off, n)
		if take == 0 {
			break
		}
		dst = append(dst, sg.Entry{Addr: e.Addr + off, Len: uint32(take)})
		off, n = 0, n-take
	}
	return dst
}

// judgeErrno says whether a driver may refuse: the offset lies behind the first
// entry, an entry cannot be represented, the list has no bytes, or there is no
// room at all.
func judgeErrno(q *conform.Map, ret int32, v *verdict) {
	bad := q.SG.Validate() != nil || q.HasOffset && q.Offset > q.SG[0].Len
	if ret == errInval && bad || ret == errNoMem && q.MaxDescs == 0 {
		v.ran[oracle.LimitsKept]++
		v.status = rejected
		return
	}
	v.fail(oracle.LimitsKept, "ret %d, but the list can be mapped from its offset on", ret)
}
