package libmlx5

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/internal/guard"
	"github.com/sgfuzz/sgfuzz/sg"
)

// canaries is how many bytes stand on either side of a ring and behind a QP.
const canaries = 64

// poster is a queue and a key with memory that is looked at as a whole: what
// PostMRList does to one, the three calls must do to its twin.
type poster struct {
	qp     QP
	behind [canaries]byte // the BlueFlame register is the last of a QP
	key    Mkey
	ring   []byte // the memory around it
}

func newPoster(t testing.TB, qp QP, key Mkey, wqebbs int, seed uint64) *poster {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	x := &poster{qp: qp, key: key, ring: make([]byte, wqebbs*mlx5model.WQEBBSize+2*canaries)}
	for _, b := range [][]byte{x.ring, x.qp.bf[:], x.behind[:]} {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
	x.setRing(t, x.ring[canaries:len(x.ring)-canaries])
	return x
}

func (x *poster) setRing(t testing.TB, b []byte) {
	t.Helper()
	ring, err := mlx5model.WrapRing(b)
	if err != nil {
		t.Fatal(err)
	}
	x.qp.Ring = ring
}

// byCalls is PostMRList by its definition.
func (x *poster) byCalls(flags SendFlags, access Access, list []sg.Entry) error {
	x.qp.Start()
	x.qp.Flags = flags
	x.qp.MRList(&x.key, access, list)
	return x.qp.Complete()
}

// postBoth posts list with got and by calls with want and compares them.
func postBoth(t *testing.T, got, want *poster, flags SendFlags, access Access, list []sg.Entry) error {
	t.Helper()
	in := slices.Clone(list)
	gotErr, wantErr := got.qp.PostMRList(flags, &got.key, access, list), want.byCalls(flags, access, list)
	gotState, wantState := got.qp, want.qp
	gotState.Ring, wantState.Ring = nil, nil
	if got.qp.mkey == &got.key && want.qp.mkey == &want.key {
		gotState.mkey, wantState.mkey = nil, nil
	}
	switch {
	case gotErr != wantErr:
		t.Fatalf("%d entries: error %v, want %v", len(list), gotErr, wantErr)
	case gotState != wantState || got.behind != want.behind:
		t.Fatalf("%d entries:\n got %+v %x\nwant %+v %x", len(list), gotState, got.behind, wantState, want.behind)
	case got.key != want.key:
		t.Fatalf("%d entries, key:\n got %+v\nwant %+v", len(list), got.key, want.key)
	case !bytes.Equal(got.ring, want.ring):
		t.Fatalf("%d entries, ring:\n got %x\nwant %x", len(list), got.ring, want.ring)
	case !slices.Equal(list, in):
		t.Fatalf("%d entries: the list was changed", len(list))
	}
	return gotErr
}

// anyEntries is a list with odd lengths among the others.
func anyEntries(r *rand.Rand, n int) []sg.Entry {
	l := make([]sg.Entry, n)
	for i := range l {
		l[i] = sg.Entry{Addr: r.Uint64(), Len: r.Uint32() >> r.IntN(32), Lkey: r.Uint32()}
		if r.IntN(8) == 0 {
			l[i].Len = []uint32{0, 1<<32 - 1, 1 << 31}[r.IntN(3)]
		}
	}
	return l
}

// anyPoster is a queue and a key of any settings, which now and then refuse
// something.
func anyPoster(r *rand.Rand, inline uint32) (QP, Mkey) {
	rare := func() bool { return r.IntN(16) == 0 }
	qp := QP{
		Version: Version(r.IntN(2)), QPN: r.Uint32(), SigAll: r.IntN(4) == 0, WQSig: rare(), NoTagUpdate: rare(), MaxInlineData: inline - uint32(r.IntN(2)*r.IntN(40)),
		CurPost: r.Uint32(), FMCache: []uint8{0, mlx5model.FenceSmall, uint8(r.Uint32())}[r.IntN(3)], Head: r.Uint32(), Tail: r.Uint32(), DBRec: r.Uint32(),
		BFOffset: bfBufSize * uint32(r.IntN(2)), Flags: SendFlags(r.Uint32()), rollback: rollback{r.Uint32(), uint8(r.Uint32())},
		nreq: r.Uint32(), ctrl: r.Uint32(), size: r.Uint32(), setters: r.Uint32(), numSetters: r.Uint32(), bfLen: uint32(r.IntN(bfBufSize + 1)),
	}
	if r.IntN(4) == 0 {
		qp.MaxPost, qp.Tail = 1+uint32(r.IntN(9)), qp.Head-uint32(r.IntN(9))
	}
	if rare() {
		qp.err = EINVAL
	}
	key := Mkey{Lkey: r.Uint32(), NumDesc: uint16(r.IntN(260)), Crypto: rare(), SigErrCount: 1, SigErrUpdated: r.IntN(2) == 0, length: r.Uint64()}
	switch r.IntN(24) {
	case 0:
		key.Signature = true
	case 1:
		key.Crypto, key.cryptoState = true, bsfSet
	case 2:
		key.sigState = bsfState(1 + r.IntN(3))
	}
	return qp, key
}

// Any queue, key and list, several posts one after the other: all is as three
// calls leave it, stale bytes and refusals too.
func TestPostMRList(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	posted, refused := 0, 0
	for range 20000 {
		wqebbs := 4 << r.IntN(5)
		qp, key := anyPoster(r, uint32(4*(wqebbs-2)*mlx5model.KLMSize-4))
		seed := r.Uint64()
		got, want := newPoster(t, qp, key, wqebbs, seed), newPoster(t, qp, key, wqebbs, seed)
		if r.IntN(16) == 0 { // a key that waits for setters
			got.qp.mkey, want.qp.mkey = &got.key, &want.key
		}
		for range 4 {
			flags, access := SendFlags(r.IntN(16))|Inline, Access(r.IntN(16))
			switch r.IntN(24) {
			case 0:
				flags &^= Inline
			case 1:
				access |= 1 << (4 + r.IntN(28))
			case 2:
				flags |= 1 << (4 + r.IntN(28)) // unknown
			}
			most := min(int(key.NumDesc), 4*wqebbs-8)
			if postBoth(t, got, want, flags, access, anyEntries(r, r.IntN(most+3))) == nil {
				posted++
			} else {
				refused++
			}
		}
	}
	if posted < 30000 || refused < 5000 {
		t.Errorf("%d posted, %d refused: too few", posted, refused)
	}
}

// Every length at every place of rings of every small size, with room in the
// key and on the queue that just does or just does not suffice.
func TestPostMRListPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for wqebbs := 2; wqebbs <= 16; wqebbs *= 2 {
		for at := range wqebbs {
			for n := range 4*wqebbs - 8 + 2 {
				for room := max(n-1, 0); room <= n+1; room++ {
					for _, inline := range []uint32{uint32(max(n*mlx5model.KLMSize-5, 0)), uint32(max(n*mlx5model.KLMSize-4, 0)), uint32(4*(wqebbs-2)*mlx5model.KLMSize - 4)} {
						if wqebbs == 2 {
							inline = 0
						}
						inline = min(inline, uint32(max(4*(wqebbs-2)*mlx5model.KLMSize-4, 0)))
						qp := QP{Version: Version(n & 1), QPN: 0x1234, MaxInlineData: inline, CurPost: uint32(at - wqebbs)}
						key, seed := Mkey{Lkey: 0xabcd5a, NumDesc: uint16(room)}, r.Uint64()
						got, want := newPoster(t, qp, key, wqebbs, seed), newPoster(t, qp, key, wqebbs, seed)
						_ = postBoth(t, got, want, Inline, LocalWrite, anyEntries(r, n)) // compared
					}
				}
			}
		}
	}
}

// A ring that is too short for what queue and key admit: parts overwrite one
// another as they do in three calls.
func TestPostMRListBeyondRing(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for wqebbs := 1; wqebbs <= 8; wqebbs *= 2 {
		for at := range wqebbs {
			for n := 1; n <= 52; n++ {
				qp, key := QP{QPN: 0x1234, MaxInlineData: 1 << 16, CurPost: uint32(at)}, Mkey{NumDesc: 52}
				got, want := newPoster(t, qp, key, wqebbs, 4), newPoster(t, qp, key, wqebbs, 4)
				if err := postBoth(t, got, want, Inline, LocalWrite, anyEntries(r, n)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// Every combination of flags, rights and bits of the queue.
func TestPostMRListSettings(t *testing.T) {
	list := goldenList(10)
	for flags := range SendFlags(32) {
		for access := range Access(64) {
			for bit := range 16 {
				qp := QP{QPN: 0xff123456, SigAll: bit&1 != 0, WQSig: bit&2 != 0, NoTagUpdate: bit&4 != 0, Version: Version(bit >> 3), FMCache: mlx5model.FenceSmall, MaxInlineData: 200}
				key := Mkey{Lkey: uint32(bit) << 8, NumDesc: 12}
				got, want := newPoster(t, qp, key, 8, 1), newPoster(t, qp, key, 8, 1)
				_ = postBoth(t, got, want, flags, access, list[:1+(bit+int(access))%10]) // compared
			}
		}
	}
}

// The longest lists: the octoword count of the control segment has 16 bits, DS
// spills, and a total goes beyond 32.
func TestPostMRListLong(t *testing.T) {
	const wqebbs = mlx5model.MaxRingWQEBBs
	list := anyEntries(rand.New(rand.NewPCG(17, 18)), 1<<16-1)
	for i := range list {
		list[i].Len |= 1 << 31
	}
	for _, n := range []int{255, 4097, 65532, 65533, 65535} {
		for v := range Version(2) {
			qp, key := QP{Version: v, MaxInlineData: 1 << 20, CurPost: 7}, Mkey{NumDesc: 1<<16 - 1}
			got, want := newPoster(t, qp, key, wqebbs, 2), newPoster(t, qp, key, wqebbs, 2)
			if err := postBoth(t, got, want, Inline, 0, list[:n]); err != nil {
				t.Errorf("%d entries: %v", n, err)
			}
		}
	}
	qp, key := QP{MaxInlineData: 1<<32 - 1}, Mkey{NumDesc: 8}
	got, want := newPoster(t, qp, key, 8, 3), newPoster(t, qp, key, 8, 3)
	if err := postBoth(t, got, want, Inline, 0, list[:8]); err != nil {
		t.Errorf("largest inline limit: %v", err)
	}
}

// List and ring lie against pages that cannot be touched, behind them and in
// front.
func TestPostMRListInBounds(t *testing.T) {
	const most = 200
	pages := [2][]byte{guard.Pages(t, most*mlx5model.KLMSize), guard.Pages(t, 64*mlx5model.WQEBBSize)}
	front := func(b []byte, n int) []byte { return b[:n:n] }
	behind := func(b []byte, n int) []byte { return b[len(b)-n:] }
	source := anyEntries(rand.New(rand.NewPCG(19, 20)), most)
	for _, end := range []func([]byte, int) []byte{front, behind} {
		for wqebbs := 4; wqebbs <= 64; wqebbs *= 4 {
			for n := 1; n <= min(most, 4*(wqebbs-2)); n++ {
				last := wqebbs - 2 - (n+3)/4 // where the ring's end does not cut it
				for _, at := range []int{0, last, (last + 1) % wqebbs, wqebbs - 1} {
					qp, key := QP{MaxInlineData: 1 << 16, CurPost: uint32(at)}, Mkey{NumDesc: most}
					got, want := newPoster(t, qp, key, wqebbs, 3), newPoster(t, qp, key, wqebbs, 3)
					got.ring = end(pages[1], wqebbs*mlx5model.WQEBBSize)
					want.ring = want.ring[canaries:][:len(got.ring)]
					copy(got.ring, want.ring)
					got.setRing(t, got.ring)
					b := end(pages[0], n*mlx5model.KLMSize)
					list := unsafe.Slice((*sg.Entry)(unsafe.Pointer(&b[0])), n)
					copy(list, source)
					if err := postBoth(t, got, want, Inline, LocalWrite, list); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

func TestPostMRListAllocatesNothing(t *testing.T) {
	q, list := newQP(t, 64, 0), goldenList(48)
	for _, access := range []Access{LocalWrite, MWBind} {
		if n := testing.AllocsPerRun(100, func() {
			if err := q.PostMRList(Inline, key64, access, list); (err == nil) != (access == LocalWrite) {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("access %#x: %v allocations", access, n)
		}
	}
}

// TestRingLayout asks for what the assembly's generator says of rings.
func TestRingLayout(t *testing.T) {
	f, ok := reflect.TypeFor[mlx5model.Ring]().FieldByName("buf")
	if !ok || f.Offset != 0 || f.Type != reflect.TypeFor[[]byte]() {
		t.Errorf("a ring's memory is not its first field, a slice of bytes: %+v", f)
	}
}
