//go:build !purego

package linux

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/guard"
)

// TestRegisterPath gives Register a ring that faults and looks who stood at the
// fault: the assembly with every plain registration if the processor can, the
// two calls with what is not plain and without AVX2.
func TestRegisterPath(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	const wqebbs, most = 64, 300
	b := guard.Pages(t, 1)
	beyond, err := mlx5model.WrapRing(unsafe.Slice(&b[len(b)-1], 1+wqebbs*mlx5model.WQEBBSize)[1:])
	if err != nil {
		t.Fatal(err)
	}
	l := pageList(most)
	check := func(name string, n int, plain bool, set func(*QP, *MR, *WR)) {
		t.Helper()
		qp := &QP{Ring: beyond, LocalDMALkey: 0x1800}
		mr := &MR{Mode: mlx5model.ModeKLM, MaxDescs: most, Descs: make([]byte, most*mlx5model.KLMSize)}
		wr := regWR(mr)
		set(qp, mr, &wr)
		for _, on := range []bool{true, false} {
			const assembly, portable = "register", "(*post).regMR"
			want := portable
			if on && plain {
				want = assembly
			}
			was := avx2
			avx2 = avx2 && on
			at := guard.FaultIn(t, "linux", func() { qp.Register(&wr, l[:n], 4096, 0x1800) })
			avx2 = was
			if len(at) == 0 || at[0] != want {
				t.Errorf("%s, %d entries, AVX2 %v: the fault is in %v, not in %s", name, n, on, at, want)
			}
		}
	}
	for n := 1; n <= most; n++ {
		check("plain", n, true, func(*QP, *MR, *WR) {})
		check("just enough room, last place", n, true, func(qp *QP, mr *MR, wr *WR) {
			mr.MaxDescs, mr.Descs = n, mr.Descs[:n*mlx5model.KLMSize]
			qp.CurPost, qp.SigAll, qp.WQSig, wr.Flags = wqebbs-3, true, true, SendFence|SendSolicited
		})
	}
	check("no entries", 0, false, func(*QP, *MR, *WR) {})
	for _, n := range []int{1, 5} {
		check("bound on the queue", n, false, func(qp *QP, _ *MR, _ *WR) { qp.MaxPost = 9 })
		check("ring's end", n, false, func(qp *QP, _ *MR, _ *WR) { qp.CurPost = wqebbs - 2 })
		check("pages", n, false, func(_ *QP, mr *MR, _ *WR) { mr.Mode = mlx5model.ModeMTT })
		check("atomic", n, false, func(_ *QP, _ *MR, wr *WR) { wr.Access |= AccessRemoteAtomic })
		check("relaxed ordering", n, false, func(_ *QP, _ *MR, wr *WR) { wr.Access |= AccessRelaxedOrdering })
	}
}
