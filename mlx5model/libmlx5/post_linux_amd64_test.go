//go:build !purego

package libmlx5

import (
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/guard"
)

// TestPostMRListPath gives PostMRList a ring that faults and looks who stood at
// the fault: the assembly with every plain list that DS can tell the end of if the
// processor can, the three calls with the others and without AVX2.
func TestPostMRListPath(t *testing.T) {
	if !cpu.X86.HasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	const wqebbs, most = 64, 200
	b := guard.Pages(t, 1)
	beyond, err := mlx5model.WrapRing(unsafe.Slice(&b[len(b)-1], 1+wqebbs*mlx5model.WQEBBSize)[1:])
	if err != nil {
		t.Fatal(err)
	}
	list := goldenList(most)
	check := func(name string, n int, plain bool, set func(*QP, *Mkey)) {
		t.Helper()
		for _, on := range []bool{true, false} {
			q, key := &QP{Ring: beyond, MaxInlineData: 1 << 16}, Mkey{Lkey: 0x100, NumDesc: most}
			set(q, &key)
			was := longest
			if !on {
				longest = 0
			}
			at := guard.FaultIn(t, "libmlx5", func() { _ = q.PostMRList(Inline|Signaled, &key, LocalWrite, list[:n]) })
			longest = was
			if assembly := at[0] == "postMRList"; assembly != (on && plain) || assembly == slices.Contains(at, "postMRListFallback") {
				t.Errorf("%s, %d entries, AVX2 %v: the fault is in %v", name, n, on, at)
			}
		}
	}
	for n := 1; n <= most; n++ {
		fits := mlx5model.UMRFixedDS+(n+3)/4*4 <= mlx5model.MaxDS
		check("plain", n, fits, func(*QP, *Mkey) {})
		check("just enough room, last place", n, fits, func(q *QP, key *Mkey) {
			key.NumDesc, q.MaxInlineData = uint16(n), uint32(n*mlx5model.KLMSize-4)
			q.CurPost, q.MaxPost, q.Head = uint32(wqebbs-2-(n+3)/4), 5, 4
		})
		check("ring's end in the list", n, fits && n > 8, func(q *QP, _ *Mkey) { q.CurPost = uint32(wqebbs - 1 - (n+3)/4) })
		check("ring's end in front of the list", n, fits && n > 8, func(q *QP, _ *Mkey) { q.CurPost = wqebbs - 2 })
		check("ring's end in the context", n, false, func(q *QP, _ *Mkey) { q.CurPost = wqebbs - 1 })
	}
	check("no entries", 0, false, func(*QP, *Mkey) {})
	for _, n := range []int{1, 9} {
		check("signed queue", n, true, func(q *QP, _ *Mkey) { q.SigAll = true })
		check("signature", n, false, func(q *QP, _ *Mkey) { q.WQSig = true })
		check("no tags", n, false, func(q *QP, _ *Mkey) { q.NoTagUpdate = true })
		check("earlier error", n, false, func(q *QP, _ *Mkey) { q.err = ENOMEM })
		check("key under construction", n, false, func(q *QP, key *Mkey) { q.mkey = key })
		check("signature key", n, false, func(_ *QP, key *Mkey) { key.Signature = true })
		check("key with signature attributes", n, false, func(_ *QP, key *Mkey) { key.sigState = bsfSet })
		check("encrypted key", n, false, func(_ *QP, key *Mkey) { key.Crypto, key.cryptoState = true, bsfSet })
	}
}
