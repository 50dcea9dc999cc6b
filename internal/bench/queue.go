package bench

import (
	"encoding/binary"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// The queue and keys that work requests are about; c/loops.c and c/libmlx5.c of
// package peers have the same.
const (
	ringWQEBBs = 1024
	qpn        = 0x1234
	mkey       = 0x100 << 8
	localKey   = 0x1700
	listAddr   = 0x10_0000
	prefill    = 0xcc
)

func newRing() *mlx5model.Ring {
	r, err := mlx5model.NewRing(ringWQEBBs)
	if err != nil {
		panic(err) // a constant
	}
	r.Fill(prefill)
	return r
}

// request is the output of a work request: whole WQEBBs from the start of the
// ring, the list by pointer, the doorbell record and the doorbell.
func request(ring *mlx5model.Ring, list []byte, dbrec uint32, doorbell []byte) []byte {
	wqe := ring.Bytes()[:wqeBytes(ring.Bytes())]
	out := append([]byte(nil), wqe...)
	out = append(out, list...)
	out = binary.BigEndian.AppendUint32(out, dbrec)
	return append(out, doorbell...)
}

// wqeBytes is the size of the WQE at the front of b, in whole WQEBBs.
func wqeBytes(b []byte) int {
	return int(mlx5model.WQEBBs(b[7]&mlx5model.MaxDS)) * mlx5model.WQEBBSize
}

// copiedRequest copies the bytes of a request to where they belong.
type copiedRequest struct {
	wqe, list, doorbell []byte
	ring                *mlx5model.Ring
	listTo              []byte
	doorbellTo          [256]byte
	pi, dbrec           uint32
}

func copyOfRequest(other func(sg.List) (work, error), byPointer bool) func(sg.List) (work, error) {
	return func(l sg.List) (work, error) {
		src, err := once(other, l)
		if err != nil {
			return nil, err
		}
		w := &copiedRequest{ring: newRing()}
		w.wqe, src = src[:wqeBytes(src)], src[wqeBytes(src):]
		if byPointer {
			w.list, src = src[:len(l)*mlx5model.KLMSize], src[len(l)*mlx5model.KLMSize:]
			w.listTo = make([]byte, len(w.list))
		}
		w.doorbell = src[4:] // behind the doorbell record
		return w, nil
	}
}

func (w *copiedRequest) rounds(n int) error {
	for range n {
		w.ring.Write(w.pi, 0, w.wqe)
		copy(w.listTo, w.list)
		w.pi += uint32(len(w.wqe) / mlx5model.WQEBBSize)
		w.dbrec = w.pi & 0xffff
		copy(w.doorbellTo[:], w.doorbell)
	}
	return nil
}

func (w *copiedRequest) output() []byte {
	return request(w.ring, w.listTo, w.dbrec, w.doorbellTo[:len(w.doorbell)])
}
