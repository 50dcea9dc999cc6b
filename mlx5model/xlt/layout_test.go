package xlt_test

import (
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/xlt"
	"github.com/sgfuzz/sgfuzz/sg"
)

func field(t *testing.T, seg, name string, b []byte) uint64 {
	t.Helper()
	f, ok := mlx5model.FindField(seg, name)
	if !ok {
		t.Fatalf("no field %s", name)
	}
	return f.Get(b)
}

// TestLayoutTable reads what is written by mlx5model's table of fields.
func TestLayoutTable(t *testing.T) {
	const n = 37
	r := rand.New(rand.NewPCG(4, 0))
	list := make([]sg.Entry, n)
	for i := range list {
		list[i] = sg.Entry{Addr: r.Uint64(), Len: r.Uint32(), Lkey: r.Uint32()}
	}
	b := make([]byte, 64*mlx5model.KLMSize)
	if end := xlt.Pad(b, xlt.KeyedKLMs(b, list)); end != int(mlx5model.ListOctowords(n*mlx5model.KLMSize))*mlx5model.OctowordSize {
		t.Errorf("%d KLMs and padding are %d bytes", n, end)
	}
	for i, e := range list {
		k := b[i*mlx5model.KLMSize:][:mlx5model.KLMSize]
		count, key, va := field(t, mlx5model.SegKLM, "byte_count", k), field(t, mlx5model.SegKLM, "key", k), field(t, mlx5model.SegKLM, "va", k)
		if count != uint64(e.Len) || key != uint64(e.Lkey) || va != e.Addr {
			t.Errorf("KLM %d is %x, the entry %+v", i, k, e)
		}
	}
}

// TestLayoutTableMTT: address and rights of a page come from where the table
// has them.
func TestLayoutTableMTT(t *testing.T) {
	var b [20 * mlx5model.MTTSize]byte
	for bits, want := range map[uint64][2]uint64{mlx5model.MTTRead: {1, 0}, mlx5model.MTTWrite: {0, 1}} {
		xlt.MTTRun(b[:], 0x7fff000, 0x1000, bits)
		for i := range uint64(20) {
			m := b[i*mlx5model.MTTSize:][:mlx5model.MTTSize]
			address, read, write := field(t, mlx5model.SegMTT, "address_63_2", m)<<2, field(t, mlx5model.SegMTT, "read", m), field(t, mlx5model.SegMTT, "write", m)
			if address != 0x7fff000+i*0x1000 || read != want[0] || write != want[1] {
				t.Errorf("MTT %d is %x: address %#x, read %d, write %d", i, m, address, read, write)
			}
		}
	}
}

// TestSizes: package xlt cannot import mlx5model, which imports it.
func TestSizes(t *testing.T) {
	if xlt.KLMSize != mlx5model.KLMSize || xlt.MTTSize != mlx5model.MTTSize || xlt.PadUnit != mlx5model.UMRListAlign {
		t.Error("sizes differ from mlx5model's")
	}
}
