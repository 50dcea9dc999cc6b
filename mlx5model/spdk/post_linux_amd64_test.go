//go:build !purego

package spdk

import (
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/guard"
)

// TestPostPath gives both methods a ring that faults and looks who stood at the
// fault: the assembly with every plain list if the processor can, portable Go
// with what is not plain and without AVX2.
func TestPostPath(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	const wqebbs, most = 64, 60
	b := guard.Pages(t, 1)
	beyond, err := mlx5model.WrapRing(unsafe.Slice(&b[len(b)-1], 1+wqebbs*mlx5model.WQEBBSize)[1:])
	if err != nil {
		t.Fatal(err)
	}
	list := goldenList(most)
	check := func(name string, n int, plain bool, set func(*QP)) {
		t.Helper()
		for _, on := range []bool{true, false} {
			for function, door := range map[string]bool{"umrConfigure": false, "umrPost": true} {
				q := QP{Ring: beyond, MaxSendSGE: most, TxAvailable: wqebbs}
				set(&q)
				was := longest
				if !on {
					longest = 0
				}
				at := guard.FaultIn(t, "spdk", func() {
					x := request{list: list[:n], door: door}
					_ = x.post(&q)
				})
				longest = was
				if assembly := at[0] == function; assembly != (on && plain) || assembly == slices.Contains(at, function+"Fallback") {
					t.Errorf("%s, %d entries, AVX2 %v: the fault is in %v", name, n, on, at)
				}
			}
		}
	}
	for n := 1; n <= most; n++ {
		plain := n <= 4*(mostWQEBBs-2)
		for mode := range SigLast + 1 {
			check("plain", n, plain, func(q *QP) { q.SigMode = mode })
		}
		blocks := uint16(2 + (n+3)/4)
		check("just enough room, last place", n, plain, func(q *QP) {
			q.MaxSendSGE, q.TxAvailable, q.PI = uint32(n), blocks, wqebbs-blocks
		})
		for mode := range SigLast + 1 {
			check("ring's end in the list", n, plain, func(q *QP) { q.SigMode, q.PI = mode, wqebbs-blocks+1 })
		}
		check("ring's end in front of the list", n, plain, func(q *QP) { q.PI = wqebbs - 2 })
		check("ring's end in the context", n, false, func(q *QP) { q.PI = wqebbs - 1 })
	}
	check("unknown mode", 3, false, func(q *QP) { q.SigMode = SigLast + 1 })
	check("unknown mode, ring's end", 3, false, func(q *QP) { q.SigMode, q.PI = SigLast+1, wqebbs-2 })
}

// TestAssemblyChosen fails where the processor could and the package would not.
func TestAssemblyChosen(t *testing.T) {
	if cpu.X86.HasAVX2 != (longest != 0) {
		t.Errorf("AVX2 %v, longest WQE of the assembly %d WQEBBs", cpu.X86.HasAVX2, longest)
	}
}
