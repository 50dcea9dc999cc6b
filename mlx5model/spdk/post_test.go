package spdk

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

// margin is how many bytes of the memory around a ring and behind a QP are
// looked at.
const margin = 64

// world is a queue and all the memory that a UMR could touch.
type world struct {
	qp     QP
	behind [margin]byte
	ring   []byte // with margins
}

// twins are two equal worlds, full of stale bytes.
func twins(t testing.TB, qp QP, wqebbs int, r *rand.Rand) (got, want *world) {
	t.Helper()
	a := &world{qp: qp, ring: make([]byte, wqebbs*mlx5model.WQEBBSize+2*margin)}
	for _, b := range [][]byte{a.ring, a.behind[:], a.qp.Doorbell[:]} {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
	b := &world{a.qp, a.behind, bytes.Clone(a.ring)}
	for _, w := range []*world{a, b} {
		w.use(t, w.ring[margin:len(w.ring)-margin])
	}
	return a, b
}

// use makes b the ring.
func (w *world) use(t testing.TB, b []byte) {
	t.Helper()
	ring, err := mlx5model.WrapRing(b)
	if err != nil {
		t.Fatal(err)
	}
	w.qp.Ring = ring
}

// request is one UMR.
type request struct {
	key, len uint32
	list     []sg.Entry
	flags    uint8
	door     bool // by PostUMR
}

func (x *request) post(q *QP) error {
	if x.door {
		return q.PostUMR(x.key, x.len, x.list, x.flags)
	}
	return q.UMRConfigure(x.key, x.len, x.list, x.flags)
}

// inGo is post by the words that both methods are made of elsewhere.
func (x *request) inGo(q *QP) error {
	if _, err := q.umr(x.key, x.len, x.list, x.flags, &plain); err != nil {
		return err
	}
	if x.door {
		q.CompleteSend()
	}
	return nil
}

// wire is the request segment by segment, as q leaves it in the ring.
func (x *request) wire(q *QP) []byte {
	b := refUMR(q, x.key, x.len, x.list, x.flags, plainMask, false, nil)
	if x.door && q.SigMode == SigLast {
		b[0x0b] = b[0x0b]&^mlx5model.CtrlCEMask | mlx5model.CtrlCEAlways
	}
	return b
}

// agree posts x to both worlds, which must stay equal, and holds the ring to the
// segments if it was posted.
func agree(t *testing.T, got, want *world, x request) error {
	t.Helper()
	in := slices.Clone(x.list)
	var wire []byte
	if got.qp.SigMode <= SigLast {
		wire = x.wire(&got.qp)
	}
	at := uint32(got.qp.PI)
	gotErr, wantErr := x.post(&got.qp), x.inGo(&want.qp)
	gotState, wantState := got.qp, want.qp
	gotState.Ring, wantState.Ring = nil, nil
	switch {
	case gotErr != wantErr:
		t.Fatalf("%d entries: error %v, want %v", len(x.list), gotErr, wantErr)
	case gotState != wantState || got.behind != want.behind:
		t.Fatalf("%d entries, flags %#x, doorbell %v:\n got %+v %x\nwant %+v %x", len(x.list), x.flags, x.door, gotState, got.behind, wantState, want.behind)
	case !bytes.Equal(got.ring, want.ring):
		t.Fatalf("%d entries, flags %#x, ring:\n got %x\nwant %x", len(x.list), x.flags, got.ring, want.ring)
	case !slices.Equal(x.list, in):
		t.Fatalf("%d entries: the list was changed", len(x.list))
	}
	if gotErr == nil && wire != nil {
		b := make([]byte, len(wire))
		if got.qp.Ring.Read(at, 0, b); !bytes.Equal(b, wire) {
			t.Fatalf("%d entries, flags %#x:\n got %x\nwant %x", len(x.list), x.flags, b, wire)
		}
	}
	return gotErr
}

func anyRequest(r *rand.Rand, n int) request {
	return request{r.Uint32(), r.Uint32(), anyList(r, n), uint8(r.Uint32()), r.IntN(2) == 0}
}

// Any queue, request and place, several one after the other: state, ring and
// what lies around it are as the words leave them, after refusals too.
func TestPost(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	posted, refused := 0, 0
	for range 20000 {
		wqebbs := 1 << r.IntN(7)
		qp := QP{
			QPN: r.Uint32(), SigMode: SigMode(r.IntN(3)), MaxSendSGE: uint32(r.IntN(64)), PI: uint16(r.Uint32()),
			TxAvailable: uint16(4 * wqebbs), NonsignaledOutstanding: uint16(r.Uint32()), DBRec: r.Uint32(),
		}
		switch r.IntN(16) {
		case 0:
			qp.SigMode = SigMode(r.Uint32())
		case 1:
			qp.TxAvailable = uint16(r.IntN(20))
		case 2:
			qp.MaxSendSGE = r.Uint32()
		case 3:
			qp.QPN = 1<<24 - 1
		}
		got, want := twins(t, qp, wqebbs, r)
		for range 4 {
			if agree(t, got, want, anyRequest(r, r.IntN(min(4*wqebbs+2, 70)))) == nil {
				posted++
			} else {
				refused++
			}
		}
	}
	if posted < 20000 || refused < 10000 {
		t.Errorf("%d posted, %d refused: too few", posted, refused)
	}
}

// Every length at every place of rings of every small size, the counter about to
// wrap, with room on the queue that just does or just does not suffice.
func TestPostPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for wqebbs := 2; wqebbs <= 16; wqebbs *= 2 {
		for at := range uint16(wqebbs) {
			for n := range 4*wqebbs - 8 + 3 {
				need := 2 + (n+3)/4
				for tx := need - 1; tx <= need; tx++ {
					for _, most := range []int{max(n-1, 0), n} {
						for _, door := range []bool{false, true} {
							qp := QP{QPN: 0x1234, MaxSendSGE: uint32(most), TxAvailable: uint16(tx), PI: at - uint16(wqebbs/2)}
							got, want := twins(t, qp, wqebbs, r)
							x := anyRequest(r, n)
							x.door = door
							err := agree(t, got, want, x)
							if fits := n > 0 && tx >= need && need <= wqebbs && most >= n; fits != (err == nil) {
								t.Fatalf("%d entries of %d, %d WQEBBs of %d free: %v", n, most, tx, wqebbs, err)
							}
						}
					}
				}
			}
		}
	}
}

// Every byte of flags in every signalling mode, known or not.
func TestPostFlags(t *testing.T) {
	r := rand.New(rand.NewPCG(25, 26))
	for mode := range SigMode(8) {
		for flags := range 256 {
			for _, door := range []bool{false, true} {
				got, want := twins(t, QP{SigMode: mode, MaxSendSGE: 9, TxAvailable: 8, NonsignaledOutstanding: 7}, 8, r)
				x := anyRequest(r, 1+flags%9)
				x.flags, x.door = uint8(flags), door
				if err := agree(t, got, want, x); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// List and ring lie against pages that cannot be touched, behind them and in
// front.
func TestPostInBounds(t *testing.T) {
	const most = 56 // two blocks of more than the assembly takes
	pages := [2][]byte{guard.Pages(t, most*mlx5model.KLMSize), guard.Pages(t, 64*mlx5model.WQEBBSize)}
	front := func(b []byte, n int) []byte { return b[:n:n] }
	back := func(b []byte, n int) []byte { return b[len(b)-n:] }
	r := rand.New(rand.NewPCG(27, 28))
	for _, end := range []func([]byte, int) []byte{front, back} {
		for wqebbs := 4; wqebbs <= 64; wqebbs *= 4 {
			for n := 1; n <= min(most, 4*(wqebbs-2)); n++ {
				last := wqebbs - 2 - (n+3)/4 // where the ring's end does not cut it
				for _, at := range []int{0, last, (last + 1) % wqebbs, wqebbs - 1} {
					got, want := twins(t, QP{MaxSendSGE: most, TxAvailable: uint16(wqebbs), PI: uint16(at)}, wqebbs, r)
					got.ring = end(pages[1], wqebbs*mlx5model.WQEBBSize)
					want.ring = want.ring[margin:][:len(got.ring)]
					copy(got.ring, want.ring)
					got.use(t, got.ring)
					x := anyRequest(r, n)
					b := end(pages[0], n*mlx5model.KLMSize)
					list := unsafe.Slice((*sg.Entry)(unsafe.Pointer(&b[0])), n)
					copy(list, x.list)
					x.list = list
					if err := agree(t, got, want, x); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// TestRingLayout asks for what the assembly's generator says of rings.
func TestRingLayout(t *testing.T) {
	ring := reflect.TypeFor[mlx5model.Ring]()
	buf, ok := ring.FieldByName("buf")
	if !ok || buf.Offset != 0 || buf.Type != reflect.TypeFor[[]byte]() {
		t.Errorf("a ring's memory is not its first field, a slice of bytes: %+v", buf)
	}
	r, err := mlx5model.NewRing(32)
	if err != nil {
		t.Fatal(err)
	}
	mask, ok := ring.FieldByName("mask")
	if !ok || mask.Offset != unsafe.Sizeof([]byte{}) || mask.Type.Kind() != reflect.Uint32 || reflect.ValueOf(r).Elem().FieldByName("mask").Uint() != 31 {
		t.Errorf("behind it there is not the number of its WQEBBs, less one: %+v", mask)
	}
}
