package bench

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

// naiveWQE builds a work request as a program that knows the format and
// nothing else would: one field after another into a buffer, which it then
// copies to the ring.
type naiveWQE struct {
	bench    string
	list     sg.List
	bytes    uint64 // of the list
	ring     *mlx5model.Ring
	wqe      []byte
	descs    []byte // list by pointer
	doorbell []byte
	pi       uint32
	dbrec    uint32
	fence    uint8
}

func newNaiveWQE(bench string) func(sg.List) (work, error) {
	return func(l sg.List) (work, error) {
		w := &naiveWQE{bench: bench, list: l, bytes: l.Total(), ring: newRing()}
		if bench == WQELinux {
			w.descs = make([]byte, len(l)*mlx5model.KLMSize)
		}
		return w, nil
	}
}

func (w *naiveWQE) rounds(n int) error {
	for range n {
		w.one()
	}
	return nil
}

func (w *naiveWQE) output() []byte { return request(w.ring, w.descs, w.dbrec, w.doorbell) }

// fixed are the fields of a UMR that the dialects set differently.
type fixed struct {
	ds, flags, umrFlags uint8
	octowords           uint16
	mask                uint64
	access              uint8
	enRinval            uint32
	start, length       uint64
	capacity            uint32
}

func (w *naiveWQE) one() {
	octowords := mlx5model.AlignUp(uint64(len(w.list)), 4)
	f := fixed{
		ds: uint8(mlx5model.UMRFixedDS + octowords), umrFlags: mlx5model.UMRInline, octowords: uint16(octowords), length: w.bytes,
	}
	push := 8
	switch w.bench {
	case WQELibmlx5:
		f.flags, w.fence = w.fence, mlx5model.FenceSmall
		f.mask = mlx5model.MaskFree | mlx5model.MaskKey | mlx5model.MaskLen | mlx5model.MaskAccess
		f.access = mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW
		if f.ds <= 256/mlx5model.DSSize {
			push = int(f.ds) * mlx5model.DSSize
		}
	case WQESPDK:
		f.flags, f.mask = 1<<2, mlx5model.MaskFree|mlx5model.MaskLen
	case WQELinux:
		f.linux(w.list, octowords)
	}
	w.wqe = f.append(w.wqe[:0], w.bench, uint16(w.pi))
	w.translation(&f)
	w.ring.Write(w.pi, 0, w.wqe)
	w.doorbell = append(w.doorbell[:0], w.wqe[:min(push, len(w.wqe))]...)
	w.pi += mlx5model.WQEBBs(f.ds)
	w.dbrec = w.pi & 0xffff
}

func (f *fixed) linux(l sg.List, octowords uint64) {
	f.flags, f.umrFlags, f.mask = mlx5model.FenceStrong, mlx5model.UMRCheckNotFree, linux.RegMask
	f.access = 0x80 | mlx5model.AccLR | mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW | uint8(mlx5model.ModeKLM)
	f.enRinval, f.start, f.capacity = 1<<24, l[0].Addr, uint32(mlx5model.AlignUp(uint64(len(l)), 8))
	if len(l) > linux.InlineThreshold/mlx5model.KLMSize {
		f.ds = mlx5model.UMRFixedDS + 1
		return
	}
	f.umrFlags |= mlx5model.UMRInline
}

// append writes control, UMR control and mkey context segment.
func (f *fixed) append(b []byte, bench string, index uint16) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, uint32(index)<<8|uint32(mlx5model.OpUMR))
	b = be.AppendUint32(b, qpn<<8|uint32(f.ds))
	b = be.AppendUint32(b, uint32(f.flags))
	b = be.AppendUint32(b, mkey)
	b = append(b, f.umrFlags, 0, 0, 0)
	b = be.AppendUint16(b, f.octowords)
	b = be.AppendUint16(b, 0)
	b = be.AppendUint64(b, f.mask)
	for range 4 {
		b = be.AppendUint64(b, 0)
	}
	b = append(b, 0, 0, f.access, 0)
	qpnTag := uint32(mlx5model.QPNAny << 8)
	if bench == WQESPDK {
		qpnTag = 0
	}
	b = be.AppendUint32(b, qpnTag)
	b = be.AppendUint32(b, 0)
	b = be.AppendUint32(b, f.enRinval)
	b = be.AppendUint64(b, f.start)
	b = be.AppendUint64(b, f.length)
	for range 5 {
		b = be.AppendUint32(b, 0)
	}
	b = be.AppendUint32(b, f.capacity)
	return be.AppendUint64(b, 0)
}

// translation writes the list where the request wants it. Linux leaves the end
// of its last 64 bytes unwritten, the others zero it.
func (w *naiveWQE) translation(f *fixed) {
	be := binary.BigEndian
	if w.bench == WQELinux {
		for i, e := range w.list {
			putKLM(w.descs[i*mlx5model.KLMSize:], e, localKey)
		}
		if f.umrFlags&mlx5model.UMRInline != 0 {
			w.wqe = append(w.wqe, w.descs...)
			return
		}
		w.wqe = be.AppendUint32(w.wqe, uint32(f.octowords)*mlx5model.OctowordSize)
		w.wqe = be.AppendUint32(w.wqe, localKey)
		w.wqe = be.AppendUint64(w.wqe, listAddr)
		return
	}
	for _, e := range w.list {
		w.wqe = be.AppendUint32(w.wqe, e.Len)
		w.wqe = be.AppendUint32(w.wqe, e.Lkey)
		w.wqe = be.AppendUint64(w.wqe, e.Addr)
	}
	for range int(f.octowords) - len(w.list) {
		w.wqe = append(w.wqe, make([]byte, mlx5model.OctowordSize)...)
	}
}
