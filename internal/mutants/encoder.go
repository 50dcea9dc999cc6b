package mutants

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
	"github.com/sgfuzz/sgfuzz/sg"
)

// encoder is an Encoder with defects; nil functions are correct. It edits the
// work request before the dialect writes it, or the bytes in the ring after.
type encoder struct {
	reg.Encoder
	ring *mlx5model.Ring
	raw  []byte
	list []byte
	sges []sg.Entry

	attach     func(x *encoder)
	before     func(x *encoder, w *reg.RegWR)
	after      func(w *reg.RegWR, raw []byte) // a UMR, linear
	afterRDMA  func(raw []byte)
	rdma       func(raddr *uint64, rkey *uint32, sges []sg.Entry) []sg.Entry
	invalidate func(x *encoder, key uint32) error
	size       func(n int) int
	context    func(c *mlx5model.MkeyContext)
	caps       func(c *reg.EncoderCaps)

	// lost leaves what lies behind the ring's end unwritten.
	lost bool

	keys   []uint32          // registered in this case
	tables map[uint32][]byte // by key index
	head   []byte            // the ring's first bytes before a WQE
}

func (x *encoder) Attach(ring *mlx5model.Ring, qpn, pd, localKey, pi uint32) {
	x.ring, x.keys = ring, x.keys[:0]
	clear(x.tables)
	x.Encoder.Attach(ring, qpn, pd, localKey, pi)
	if x.attach != nil {
		x.attach(x)
	}
}

func (x *encoder) Register(w *reg.RegWR) (va uint64, err error) {
	changed := *w
	if x.before != nil {
		x.list = append(x.list[:0], w.List...)
		changed.List = x.list
		x.before(x, &changed)
	}
	pi := x.PI()
	if x.lost {
		x.head = append(x.head[:0], x.ring.Bytes()...)
	}
	if va, err = x.Encoder.Register(&changed); err != nil {
		return va, err
	}
	if end := x.ring.Index(x.PI()); x.lost && end < x.ring.Index(pi) {
		copy(x.ring.Bytes(), x.head[:end*mlx5model.WQEBBSize])
	}
	x.keys = append(x.keys, w.Key)
	if x.after != nil {
		x.edit(pi, func(raw []byte) { x.after(w, raw) })
	}
	return va, nil
}

// edit changes the WQE at a producer counter in the ring.
func (x *encoder) edit(pi uint32, f func(raw []byte)) {
	n := int(x.PI()-pi) * mlx5model.WQEBBSize
	if n > len(x.ring.Bytes()) {
		return
	}
	x.raw = append(x.raw[:0], make([]byte, n)...)
	x.ring.Read(pi, 0, x.raw)
	f(x.raw)
	x.ring.Write(pi, 0, x.raw)
}

func (x *encoder) Invalidate(key uint32) error {
	if x.invalidate != nil {
		return x.invalidate(x, key)
	}
	return x.Encoder.Invalidate(key)
}

func (x *encoder) RDMA(write bool, raddr uint64, rkey uint32, sges []sg.Entry) error {
	if x.rdma != nil {
		x.sges = append(x.sges[:0], sges...)
		sges = x.rdma(&raddr, &rkey, x.sges)
	}
	pi := x.PI()
	err := x.Encoder.RDMA(write, raddr, rkey, sges)
	if err == nil && x.afterRDMA != nil {
		x.edit(pi, x.afterRDMA)
	}
	return err
}

func (x *encoder) Caps() reg.EncoderCaps {
	c := x.Encoder.Caps()
	if x.caps != nil {
		x.caps(&c)
	}
	return c
}

func (x *encoder) Size(mode mlx5model.AccessMode, n int) int {
	size := x.Encoder.Size(mode, n)
	if x.size != nil {
		return x.size(size)
	}
	return size
}

func (x *encoder) Context(mode mlx5model.AccessMode, max int, pd uint32, tag uint8, logPage uint8) mlx5model.MkeyContext {
	c := x.Encoder.Context(mode, max, pd, tag, logPage)
	if x.context != nil {
		x.context(&c)
	}
	return c
}

// encodes makes the Parts of a defective encoder.
func encodes(x encoder) func() Parts {
	return func() Parts {
		return Parts{Encoder: func(e reg.Encoder) reg.Encoder {
			y := x
			y.Encoder, y.tables = e, map[uint32][]byte{}
			return &y
		}}
	}
}

// posts makes the Parts of an encoder that writes a wrong work request.
func posts(f func(w *reg.RegWR)) func() Parts {
	return encodes(encoder{before: func(_ *encoder, w *reg.RegWR) { f(w) }})
}

// Offsets of a UMR's segments in the WQE.
const (
	umrOff  = mlx5model.CtrlSize
	mkcOff  = mlx5model.CtrlSize + mlx5model.UMRCtrlSize
	dataOff = mlx5model.UMRDataOff
)

// field makes the Parts of an encoder that writes a wrong value to one field
// of every UMR. off is where the segment stands; new gets the right value.
func field(seg, name string, off int, value func(v uint64) uint64) func() Parts {
	f := mustField(seg, name)
	return encodes(encoder{after: func(_ *reg.RegWR, raw []byte) { f.Put(raw[off:], value(f.Get(raw[off:]))) }})
}

func mustField(seg, name string) mlx5model.Field {
	f, ok := mlx5model.FindField(seg, name)
	if !ok {
		panic("mutants: no field " + seg + "." + name)
	}
	return f
}

// maskLacks makes the Parts of an encoder that leaves bits out of mkey_mask.
func maskLacks(bits uint64) func() Parts {
	return field(mlx5model.SegUMRCtrl, "mkey_mask", umrOff, func(v uint64) uint64 { return v &^ bits })
}

// umrList is the inline list of a UMR, nil if it has none.
func umrList(raw []byte) []byte {
	var w mlx5model.WQE
	if mlx5model.Decode(raw, &w) != nil || w.Opcode != mlx5model.OpUMR {
		return nil
	}
	return w.List
}
