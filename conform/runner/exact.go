package runner

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
)

// Fields of an exact operation, in the order in which they are compared.
var (
	mapChecks = []string{"ret", "sg_offset_out", "iova", "length", "ndescs", "descs"}
	wqeChecks = []string{"ret", "wqes", "descs"}
)

const errInval = -22 // EINVAL, include/uapi/asm-generic/errno-base.h

// maxDescs bounds the descriptors that the model writes for one request.
const maxDescs = 1 << 19

// mapModel is Linux' own mapping.
type mapModel struct {
	descs []byte
}

// reply is what the driver answers to a request, valid until the next call.
func (m *mapModel) reply(op conform.Op, q *conform.Map) conform.MapReply {
	size := descSize(op)
	need := int(min(q.MaxDescs, maxDescs)) * size
	if cap(m.descs) < need {
		m.descs = make([]byte, need)
	}
	dst := m.descs[:need]
	var offset *uint32
	if q.HasOffset {
		offset = &q.Offset
	}
	var r linux.MapResult
	if op == conform.OpSGToPages {
		r = linux.SGToPages(dst, int(q.MaxDescs), q.SG, offset, q.PageSize)
	} else {
		r = linux.SGToKLMs(dst, int(q.MaxDescs), q.SG, offset, q.LocalLkey)
	}
	return conform.MapReply{
		Ret: int32(r.Ret), SGOffsetOut: r.SGOffset, IOVA: r.IOVA, Length: r.Length,
		NDescs: uint64(r.NDescs), Descs: dst[:r.NDescs*size],
	}
}

func descSize(op conform.Op) int {
	if op == conform.OpSGToPages {
		return mlx5model.MTTSize
	}
	return mlx5model.KLMSize
}

// judgeMap compares a reply with the driver's, field by field. On -EINVAL the
// driver leaves the other fields alone.
func judgeMap(op conform.Op, r, want *conform.MapReply, v *verdict) {
	if r.Ret != want.Ret {
		v.failf("ret", "ret is %d, the driver gives %d", r.Ret, want.Ret)
	}
	if want.Ret == errInval {
		return
	}
	if r.SGOffsetOut != want.SGOffsetOut {
		v.failf("sg_offset_out", "sg_offset_out is %d, the driver gives %d", r.SGOffsetOut, want.SGOffsetOut)
	}
	if r.IOVA != want.IOVA {
		v.failf("iova", "iova is %#x, the driver gives %#x", r.IOVA, want.IOVA)
	}
	if r.Length != want.Length {
		v.failf("length", "length is %d, the driver gives %d", r.Length, want.Length)
	}
	if r.NDescs != want.NDescs {
		v.failf("ndescs", "ndescs is %d, the driver gives %d", r.NDescs, want.NDescs)
	}
	if !bytes.Equal(r.Descs, want.Descs) {
		v.failf("descs", "%s", differentDescs(op, r.Descs, want.Descs))
	}
}

// differentDescs names the first descriptor that differs.
func differentDescs(op conform.Op, got, want []byte) string {
	size := descSize(op)
	for i := 0; i+size <= len(got) && i+size <= len(want); i += size {
		if !bytes.Equal(got[i:i+size], want[i:i+size]) {
			return fmt.Sprintf("descriptor %d is %x, the driver gives %x", i/size, got[i:i+size], want[i:i+size])
		}
	}
	return fmt.Sprintf("descs has %d bytes, the driver gives %d", len(got), len(want))
}

// wqeWant is what a recorded driver answered to a vector.
type wqeWant struct {
	ret       []int32
	wqes      [][]byte
	unwritten [][][2]int // of each WQE: [offset, length] that the driver left alone
	descs     [][]byte   // of each region
	noDescs   bool       // the producer has no regions
}

// judgeWQE compares a reply with the recording.
func judgeWQE(r *conform.WQEReply, want *wqeWant, v *verdict) {
	if !slices.Equal(r.Ret, want.ret) {
		v.failf("ret", "ret is %v, the driver gave %v", r.Ret, want.ret)
	}
	if len(r.WQEs) != len(want.wqes) {
		v.failf("wqes", "%d work requests, the driver posted %d", len(r.WQEs), len(want.wqes))
	} else {
		for i := range want.wqes {
			if text := differentWQE(r.WQEs[i], want.wqes[i], want.unwritten[i]); text != "" {
				v.failf("wqes", "work request %d: %s", i, text)
				break
			}
		}
	}
	if want.noDescs {
		return
	}
	if len(r.Descs) != len(want.descs) {
		v.failf("descs", "descs of %d regions, the vector has %d", len(r.Descs), len(want.descs))
		return
	}
	for i := range want.descs {
		if !bytes.Equal(r.Descs[i], want.descs[i]) {
			n := 0
			for n < min(len(r.Descs[i]), len(want.descs[i])) && r.Descs[i][n] == want.descs[i][n] {
				n++
			}
			v.failf("descs", "region %d: %d bytes, the driver wrote %d; the first difference is at byte %#x", i, len(r.Descs[i]), len(want.descs[i]), n)
			return
		}
	}
}

// differentWQE names the first byte that differs and that the driver wrote.
func differentWQE(got, want []byte, unwritten [][2]int) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, the driver's has %d", len(got), len(want))
	}
	for i := range want {
		if got[i] == want[i] || slices.ContainsFunc(unwritten, func(r [2]int) bool { return i >= r[0] && i < r[0]+r[1] }) {
			continue
		}
		where := ""
		var w mlx5model.WQE
		if mlx5model.Decode(want, &w) == nil {
			where = " (" + mlx5model.FieldAt(&w, i) + ")"
		}
		return fmt.Sprintf("byte %#x%s is %02x, the driver wrote %02x", i, where, got[i], want[i])
	}
	return ""
}
