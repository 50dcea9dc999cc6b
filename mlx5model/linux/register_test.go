package linux

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

// registrar is a queue and a region with memory that is looked at as a whole:
// what Register does to one, MapSG and PostSend must do to its twin.
type registrar struct {
	qp          QP
	mr          MR
	wr          WR
	ring, descs []byte // the memory around them
}

// canaries is how many bytes stand on either side of a ring and a list.
const canaries = 64

// newRegistrar lays a queue and a region of these settings into memory full of
// noise. descs is the length of the region's buffer in bytes.
func newRegistrar(t testing.TB, qp QP, mr MR, wr WR, wqebbs, descs int, noise uint64) *registrar {
	t.Helper()
	x := &registrar{qp: qp, mr: mr, wr: wr, ring: make([]byte, wqebbs*mlx5model.WQEBBSize+2*canaries), descs: make([]byte, descs+2*canaries)}
	fillNoise(x.ring, noise)
	fillNoise(x.descs, noise+1)
	if wqebbs > 0 {
		x.setRing(t, x.ring[canaries:len(x.ring)-canaries])
	}
	x.mr.Descs = x.descs[canaries : len(x.descs)-canaries]
	if x.wr.MR != nil {
		x.wr.MR = &x.mr
	}
	return x
}

// fillNoise repeats 256 bytes in an odd order that depends on the seed.
func fillNoise(b []byte, seed uint64) {
	for i := range min(len(b), 256) {
		b[i] = byte(uint64(i)*uint64(2*i+1)*(2*seed+1) + seed>>8)
	}
	for n := 256; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

func (x *registrar) setRing(t testing.TB, b []byte) {
	t.Helper()
	ring, err := mlx5model.WrapRing(b)
	if err != nil {
		t.Fatal(err)
	}
	x.qp.Ring = ring
}

// byCalls is Register by its definition.
func (x *registrar) byCalls(l sg.List, pageSize, lkey uint32) (mapped, err int) {
	if x.wr.Op != OpRegMR || x.wr.MR == nil {
		return 0, errINVAL
	}
	if mapped = x.mr.MapSG(l, nil, pageSize, lkey).Ret; mapped != len(l) {
		return mapped, 0
	}
	return mapped, x.qp.PostSend([]WR{x.wr}).Err
}

// state is everything but memory, to be compared.
type state struct {
	qp QP
	mr MR
	wr WR
}

func (x *registrar) state() state {
	s := state{x.qp, x.mr, x.wr}
	s.qp.Ring, s.mr.Descs, s.wr.MR = nil, nil, nil
	return s
}

// registerBoth registers l with got and by calls with want and compares them.
func registerBoth(t *testing.T, got, want *registrar, l sg.List, pageSize, lkey uint32) (mapped, err int) {
	t.Helper()
	in := slices.Clone(l)
	mapped, err = got.qp.Register(&got.wr, l, pageSize, lkey)
	wantMapped, wantErr := want.byCalls(l, pageSize, lkey)
	switch {
	case mapped != wantMapped || err != wantErr:
		t.Fatalf("%d entries: %d mapped, posting returned %d; want %d and %d", len(l), mapped, err, wantMapped, wantErr)
	case !reflect.DeepEqual(got.state(), want.state()):
		t.Fatalf("%d entries:\n got %+v\nwant %+v", len(l), got.state(), want.state())
	case !bytes.Equal(got.ring, want.ring):
		t.Fatalf("%d entries, ring:\n got %x\nwant %x", len(l), got.ring, want.ring)
	case !bytes.Equal(got.descs, want.descs):
		t.Fatalf("%d entries, descriptors:\n got %x\nwant %x", len(l), got.descs, want.descs)
	case !slices.Equal(l, in):
		t.Fatalf("%d entries: the list was changed", len(l))
	}
	return mapped, err
}

// anyList is a list with odd entries among the others: empty, longest, at the
// top of the address space and across it.
func anyList(r *rand.Rand, n int) sg.List {
	l := make(sg.List, n)
	for i := range l {
		e := sg.Entry{Addr: r.Uint64(), Len: r.Uint32(), Lkey: r.Uint32()}
		switch r.IntN(16) {
		case 0:
			e.Len = 0
		case 1:
			e.Len = 1<<32 - 1
		case 2:
			e.Addr = -uint64(e.Len)
		case 3:
			e.Addr = ^uint64(0)
		}
		l[i] = e
	}
	return l
}

// anyQP is a queue of any settings, which now and then refuse something.
func anyQP(r *rand.Rand) QP {
	rare := func() bool { return r.IntN(16) == 0 }
	qp := QP{
		QPN: r.Uint32(), PDN: r.Uint32(), LocalDMALkey: r.Uint32(), SigAll: r.IntN(4) == 0, WQSig: r.IntN(4) == 0,
		UMRFence:  []uint8{mlx5model.FenceNone, mlx5model.FenceSmall, mlx5model.FenceStrong, uint8(r.Uint32())}[r.IntN(4)],
		CapAtomic: r.IntN(2) == 0, CapUMRModifyAtomicDisabled: r.IntN(2) == 0,
		CapROWrite: r.IntN(2) == 0, CapROWriteUMR: r.IntN(2) == 0, CapRORead: r.IntN(2) == 0, CapROReadUMR: r.IntN(2) == 0,
		MaxGS: r.IntN(3), CurPost: uint16(r.Uint32()), NextFence: []uint8{0, mlx5model.FenceSmall}[r.IntN(2)],
		Head: r.Uint32(), Tail: r.Uint32(), DBRec: r.Uint32(), Rings: r.Uint64(),
	}
	if rare() {
		qp.MaxPost, qp.Tail = 3, qp.Head-uint32(r.IntN(5))
	}
	return qp
}

// anyRegWR is a REG_MR of any settings, which now and then is none.
func anyRegWR(r *rand.Rand) WR {
	rare := func() bool { return r.IntN(24) == 0 }
	wr := WR{Op: OpRegMR, Flags: uint8(r.Uint32() & 7), MR: new(MR), Key: r.Uint32(), Access: r.Uint32() & 0x37}
	if rare() {
		wr.Op = Op(r.IntN(12))
	}
	if rare() {
		wr.Flags = uint8(r.Uint32())
	}
	if rare() {
		wr.Access = r.Uint32()
	}
	if rare() {
		wr.MR = nil
	}
	if rare() {
		wr.SGEs = anyList(r, 1+r.IntN(3))
	}
	return wr
}

// Any queue, region and list, several registrations one after the other: all is
// as two calls leave it, stale bytes and refusals too.
func TestRegister(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	posted, refused, short := 0, 0, 0
	for i := range 20000 {
		wqebbs := 1 << r.IntN(7)
		most := r.IntN(40)
		descs := most*mlx5model.KLMSize + r.IntN(40) - 8
		if r.IntN(16) == 0 {
			wqebbs = 0 // no ring
		}
		qp, wr := anyQP(r), anyRegWR(r)
		mr := MR{Mode: mlx5model.ModeKLM, MaxDescs: most - r.IntN(3)*r.IntN(2), DescMap: r.Uint64(), NDescs: r.IntN(9), IOVA: r.Uint64(), Length: r.Uint64(), PageSize: r.Uint32()}
		if r.IntN(16) == 0 {
			mr.Mode = []mlx5model.AccessMode{mlx5model.ModeMTT, mlx5model.ModeKSM, mlx5model.ModePA}[r.IntN(3)]
		}
		noise := r.Uint64()
		got := newRegistrar(t, qp, mr, wr, wqebbs, max(descs, 0), noise)
		want := newRegistrar(t, qp, mr, wr, wqebbs, max(descs, 0), noise)
		for range 4 {
			l := anyList(r, r.IntN(most+2))
			switch mapped, err := registerBoth(t, got, want, l, 1<<r.IntN(32), r.Uint32()); {
			case mapped != len(l):
				short++
			case err != 0:
				refused++
			default:
				posted++
			}
		}
		if t.Failed() {
			t.Fatalf("case %d", i)
		}
	}
	if posted < 30000 || refused < 5000 || short < 5000 {
		t.Errorf("%d posted, %d refused, %d not mapped whole: too few", posted, refused, short)
	}
}

// Every length at every place of rings of every small size, the region just
// large enough and one entry larger or smaller, over three fills.
func TestRegisterPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for wqebbs := 1; wqebbs <= 16; wqebbs *= 2 {
		for at := range wqebbs {
			for n := range 38 {
				for room := max(n-1, 0); room <= n+1; room++ {
					l, noise := anyList(r, n), r.Uint64()
					qp := QP{QPN: 0x1234, LocalDMALkey: 0x1800, UMRFence: mlx5model.FenceStrong, CurPost: uint16(at - wqebbs)}
					mr := MR{Mode: mlx5model.ModeKLM, MaxDescs: room, DescMap: 0x300000800}
					wr := WR{Op: OpRegMR, MR: &mr, Key: 0xabcd5a, Access: lwRR}
					got := newRegistrar(t, qp, mr, wr, wqebbs, room*mlx5model.KLMSize, noise)
					want := newRegistrar(t, qp, mr, wr, wqebbs, room*mlx5model.KLMSize, noise)
					registerBoth(t, got, want, l, 4096, 0x1800)
				}
			}
		}
	}
}

// Every combination of flags, rights and bits of the queue.
func TestRegisterSettings(t *testing.T) {
	l := pageList(6)
	for flags := range 16 {
		for access := range 64 {
			for _, relaxed := range []uint32{0, AccessRelaxedOrdering, 1 << 31} {
				for bit := range 8 {
					qp := QP{QPN: 0xff123456, SigAll: bit&1 != 0, WQSig: bit&2 != 0, CapAtomic: true, CapUMRModifyAtomicDisabled: bit&4 != 0, CapROWrite: true, CapROWriteUMR: bit&4 == 0}
					mr := MR{Mode: mlx5model.ModeKLM, MaxDescs: 8}
					wr := WR{Op: OpRegMR, MR: &mr, Key: 0x80ff01 + uint32(access)<<8, Flags: uint8(flags), Access: uint32(access) | relaxed}
					got, want := newRegistrar(t, qp, mr, wr, 8, 128, 1), newRegistrar(t, qp, mr, wr, 8, 128, 1)
					registerBoth(t, got, want, l[:1+bit%6], 4096, 0x1800)
				}
			}
		}
	}
}

// The longest lists: the octoword count of the control segment has 16 bits, and
// so has the kernel's count of entries.
func TestRegisterLong(t *testing.T) {
	l := anyList(rand.New(rand.NewPCG(9, 10)), 1<<16+4)
	for i := range l {
		l[i].Len |= 1 << 31 // the total goes beyond 32 bits soon
	}
	for _, n := range []int{255, 4097, 32767, 32768, 65531, 65532, 65533, 65535, 65536, 65540} {
		qp := QP{LocalDMALkey: 0x1800, CurPost: 65533}
		mr := MR{Mode: mlx5model.ModeKLM, MaxDescs: len(l)}
		wr := WR{Op: OpRegMR, MR: &mr}
		got, want := newRegistrar(t, qp, mr, wr, 32, len(l)*mlx5model.KLMSize, 2), newRegistrar(t, qp, mr, wr, 32, len(l)*mlx5model.KLMSize, 2)
		registerBoth(t, got, want, l[:n], 4096, 0x1800)
	}
}

// List, descriptors and ring lie against pages that cannot be touched, behind
// them and in front.
func TestRegisterInBounds(t *testing.T) {
	const most = 300
	pages := [3][]byte{guard.Pages(t, most*mlx5model.KLMSize), guard.Pages(t, most*mlx5model.KLMSize), guard.Pages(t, 64*mlx5model.WQEBBSize)}
	front := func(b []byte, n int) []byte { return b[:n:n] }
	behind := func(b []byte, n int) []byte { return b[len(b)-n:] }
	source := anyList(rand.New(rand.NewPCG(11, 12)), most)
	for _, end := range []func([]byte, int) []byte{front, behind} {
		for n := 1; n <= most; n++ {
			for wqebbs := 4; wqebbs <= 64; wqebbs *= 4 {
				for _, at := range []int{0, 1, wqebbs - 4, wqebbs - 3, wqebbs - 2, wqebbs - 1} {
					qp := QP{LocalDMALkey: 0x1800, CurPost: uint16(at)}
					mr := MR{Mode: mlx5model.ModeKLM, MaxDescs: n}
					wr := WR{Op: OpRegMR, MR: &mr}
					got, want := newRegistrar(t, qp, mr, wr, wqebbs, n*mlx5model.KLMSize, 3), newRegistrar(t, qp, mr, wr, wqebbs, n*mlx5model.KLMSize, 3)
					got.ring, got.descs = end(pages[2], wqebbs*mlx5model.WQEBBSize), end(pages[1], n*mlx5model.KLMSize)
					want.ring, want.descs = want.ring[canaries:][:len(got.ring)], want.mr.Descs
					copy(got.ring, want.ring)
					copy(got.descs, want.descs)
					got.mr.Descs = got.descs
					got.setRing(t, got.ring)
					b := end(pages[0], n*mlx5model.KLMSize)
					l := sg.List(unsafe.Slice((*sg.Entry)(unsafe.Pointer(&b[0])), n))
					copy(l, source)
					registerBoth(t, got, want, l, 4096, 0x1800)
				}
			}
		}
	}
}

func TestRegisterAllocatesNothing(t *testing.T) {
	for _, mode := range []mlx5model.AccessMode{mlx5model.ModeKLM, mlx5model.ModeMTT} {
		mr := &MR{Mode: mode, MaxDescs: 16, Descs: make([]byte, 16*mlx5model.KLMSize)}
		qp, wr, l := newQP(t, 64, 0), regWR(mr), pageList(16)
		if n := testing.AllocsPerRun(100, func() { qp.Register(&wr, l, 4096, 0x1800) }); n != 0 {
			t.Errorf("%v: %v allocations", mode, n)
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
