package libmlx5

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// anyBatch are lists and settings for a batch; most batches succeed.
type anyBatch struct {
	flags  []SendFlags
	access []Access
	lists  [][]sg.Entry
}

func newBatch(r *rand.Rand, most int) (b anyBatch) {
	for range 1 + r.IntN(3) {
		flags, access := SendFlags(r.IntN(16))|Inline, Access(r.IntN(16))
		list := make([]sg.Entry, r.IntN(most))
		for i := range list {
			list[i] = sg.Entry{Addr: r.Uint64(), Len: r.Uint32() >> r.IntN(32), Lkey: r.Uint32()}
		}
		switch r.IntN(24) {
		case 0:
			flags &^= Inline
		case 1:
			access |= MWBind
		}
		b.flags, b.access, b.lists = append(b.flags, flags), append(b.access, access), append(b.lists, list)
	}
	return b
}

// A QP and a key under MRList go the same way as under its setters: ring,
// counters, errors, attributes, doorbells. Wherever the WQE starts, whatever
// the ring held, with keys that have attributes and without.
func TestReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	plain, failed := 0, 0
	for i := range 20000 {
		wqebbs := 4 << r.IntN(5)
		inline := uint32(4*(wqebbs-2)*mlx5model.KLMSize - 4)
		state := QP{
			Version: Version(r.IntN(2)), QPN: r.Uint32() >> 8, SigAll: r.IntN(4) == 0, WQSig: r.IntN(8) == 0, MaxInlineData: inline,
			NoTagUpdate: r.IntN(8) == 0, CurPost: r.Uint32(), FMCache: []uint8{0, mlx5model.FenceSmall}[r.IntN(2)],
		}
		if r.IntN(8) == 0 {
			state.MaxPost, state.Head = 2, 1
		}
		key := Mkey{Lkey: r.Uint32(), NumDesc: uint16(r.IntN(70)), Signature: r.IntN(8) == 0, Crypto: r.IntN(8) == 0, SigErrCount: 1, SigErrUpdated: true}
		fill := byte(r.Uint32())
		make2 := func() (*QP, *Mkey) {
			q, k := state, key
			q.Ring, _ = mlx5model.NewRing(wqebbs)
			q.Ring.Fill(fill)
			if k.Crypto && i%2 == 0 { // an attribute that stays
				q.Start()
				q.Flags = Inline
				q.MkeyConfigure(&k, 1, 0)
				q.SetCrypto(&Crypto{})
				_ = q.Complete()
			}
			return &q, &k
		}
		got, gotKey := make2()
		want, wantKey := make2()
		for range 3 {
			b := newBatch(r, 4*wqebbs)
			got.Start()
			want.Start()
			for j := range b.lists {
				got.Flags, want.Flags = b.flags[j], b.flags[j]
				if got.err == nil && !got.WQSig && !gotKey.hasAttributes() {
					plain++
				}
				got.MRList(gotKey, b.access[j], b.lists[j])
				want.mrListBySetters(wantKey, b.access[j], b.lists[j])
			}
			gotErr, wantErr := got.Complete(), want.Complete()
			if gotErr != nil {
				failed++
			}
			gotState, wantState := *got, *want
			gotState.Ring, wantState.Ring = nil, nil
			if got.mkey == gotKey && want.mkey == wantKey {
				gotState.mkey, wantState.mkey = nil, nil
			}
			gotState.setters, gotState.numSetters = want.setters, want.numSetters // of no use without a key
			if gotErr != wantErr || gotState != wantState || *gotKey != *wantKey || !bytes.Equal(got.Ring.Bytes(), want.Ring.Bytes()) {
				t.Fatalf("case %d: %v, want %v\n got %+v\nwant %+v\nkeys %+v %+v\n got %x\nwant %x",
					i, gotErr, wantErr, gotState, wantState, *gotKey, *wantKey, got.Ring.Bytes(), want.Ring.Bytes())
			}
		}
	}
	if plain < 20000 || failed < 2000 {
		t.Errorf("%d lists written in one go, %d batches failed", plain, failed)
	}
}

// TestPushWraps compares a WQE that was pushed whole with the ring, from every
// place of it.
func TestPushWraps(t *testing.T) {
	for start := range uint32(16) {
		for n := range 13 {
			q := newQP(t, 16, 0xcc)
			q.CurPost = start
			q.Start()
			q.MRList(key64, LocalWrite, goldenList(n))
			if err := q.Complete(); err != nil {
				t.Fatal(err)
			}
			want := make([]byte, 8) // DS over 16
			if n <= 8 {
				want = make([]byte, 128+(n+3)/4*64)
			}
			q.Ring.Read(start, 0, want)
			if !bytes.Equal(q.BlueFlame(), want) {
				t.Errorf("%d entries at %d: pushed %x, want %x", n, start, q.BlueFlame(), want)
			}
		}
	}
}
