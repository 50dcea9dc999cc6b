package libmlx5

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// linear is the WQE at counter pi without its index.
func linear(q *QP, pi uint32, n int) []byte {
	b := make([]byte, n)
	q.Ring.Read(pi, 0, b)
	b[1], b[2] = 0, 0
	return b
}

// Wherever in the ring a WQE starts, it is the one at position 0 but for its
// index, the bytes around it are left alone, and the index counts modulo 2^16.
func TestWrapEverywhere(t *testing.T) {
	const wqebbs = 16
	key := &Mkey{Lkey: 0xabcd07, NumDesc: 64}
	posts := map[string]func(q *QP){
		"list":        func(q *QP) { q.MRList(key, LocalWrite, goldenList(48)) },
		"short list":  func(q *QP) { q.MRList(key, LocalWrite, goldenList(6)) },
		"interleaved": func(q *QP) { q.MRInterleaved(key, RemoteRead, 3, make([]Interleaved, 10)) },
		"invalidate":  func(q *QP) { q.LocalInv(0x1234) },
		"bind":        func(q *QP) { q.BindMW(1, 2, Window{Length: 77, Access: RemoteAtomic}) },
		"write":       func(q *QP) { q.RDMAWrite(7, 9, goldenList(20)) },
	}
	for name, post := range posts {
		run := func(pi uint32) *QP {
			q := newQP(t, wqebbs, 0x5c)
			q.CurPost = pi
			q.Start()
			post(q)
			if err := q.Complete(); err != nil {
				t.Fatalf("%s at %d: %v", name, pi, err)
			}
			return q
		}
		first := run(0)
		n := int(first.CurPost) * mlx5model.WQEBBSize
		want := linear(first, 0, n)
		for _, base := range []uint32{0, 1<<16 - wqebbs, 1<<32 - wqebbs} {
			for pi := base; pi != base+wqebbs; pi++ {
				q := run(pi)
				if got := linear(q, pi, n); !bytes.Equal(got, want) {
					t.Fatalf("%s at %#x:\ngot  %x\nwant %x", name, pi, got, want)
				}
				if c := mlx5model.ParseCtrl(q.Ring.At(pi, 0)); c.Index != uint16(pi) {
					t.Errorf("%s at %#x: index %#x", name, pi, c.Index)
				}
				rest := make([]byte, len(q.Ring.Bytes())-n)
				q.Ring.Read(q.CurPost, 0, rest)
				if !bytes.Equal(rest, bytes.Repeat([]byte{0x5c}, len(rest))) {
					t.Fatalf("%s at %#x wrote outside its WQE", name, pi)
				}
				if q.CurPost-pi != first.CurPost || q.DBRec != q.CurPost&0xffff {
					t.Errorf("%s at %#x: cur_post %#x, doorbell record %#x", name, pi, q.CurPost, q.DBRec)
				}
			}
		}
	}
}

// The signature makes the XOR over the WQE ffh; what lies past the ring's end
// counts as zero.
func TestSignature(t *testing.T) {
	for pi := range uint32(16) {
		q := newQP(t, 16, 0x5c)
		q.CurPost, q.WQSig = pi, true
		q.Start()
		q.MRList(&Mkey{Lkey: 0x100, NumDesc: 64}, 0, goldenList(9))
		if err := q.Complete(); err != nil {
			t.Fatal(err)
		}
		size := min(5*mlx5model.WQEBBSize, int(16-pi)*mlx5model.WQEBBSize)
		var x byte
		for _, b := range q.Ring.Bytes()[pi*mlx5model.WQEBBSize:][:size] {
			x ^= b
		}
		if x != 0xff {
			t.Errorf("at %d: XOR %#x", pi, x)
		}
	}
}

var key64 = &Mkey{Lkey: 0xabcd00, NumDesc: 64}

func TestErrors(t *testing.T) {
	list := goldenList(2)
	for _, tt := range []struct {
		name string
		post func(q *QP)
		want error
	}{
		{"no inline", func(q *QP) { q.Flags = 0; q.MRList(key64, 0, list) }, EOPNOTSUPP},
		{"no inline after ENOMEM", func(q *QP) { q.MRList(key64, 0, goldenList(65)); q.Flags = 0; q.MRList(key64, 0, list) }, EOPNOTSUPP},
		{"unknown configure flag", func(q *QP) { q.MkeyConfigure(key64, 0, 2) }, EOPNOTSUPP},
		{"tag the device cannot set", func(q *QP) { q.NoTagUpdate = true; q.MRList(&Mkey{Lkey: 1, NumDesc: 4}, 0, list) }, EOPNOTSUPP},
		{"most entries of the WQE", func(q *QP) { q.MRList(key64, 0, goldenList(48)) }, nil},
		{"more entries than the WQE", func(q *QP) { q.MRList(key64, 0, goldenList(49)) }, ENOMEM},
		{"most entries of the key", func(q *QP) { q.MRList(&Mkey{NumDesc: 4}, 0, goldenList(4)) }, nil},
		{"more entries than the key", func(q *QP) { q.MRList(&Mkey{NumDesc: 4}, 0, goldenList(5)) }, ENOMEM},
		{"most interleaved of the WQE", func(q *QP) { q.MRInterleaved(key64, 0, 1, make([]Interleaved, 47)) }, nil},
		{"more interleaved than the WQE", func(q *QP) { q.MRInterleaved(key64, 0, 1, make([]Interleaved, 48)) }, ENOMEM},
		{"interleaved fills the key, header uncounted", func(q *QP) { q.MRInterleaved(&Mkey{NumDesc: 4}, 0, 1, make([]Interleaved, 4)) }, nil},
		{"access", func(q *QP) { q.MRList(key64, MWBind, list) }, EINVAL},
		{"access before layout", func(q *QP) { q.MRList(key64, ZeroBased, goldenList(49)) }, EINVAL},
		{"access twice", func(q *QP) { q.MkeyConfigure(key64, 3, 0); q.SetAccess(0); q.SetAccess(0) }, EINVAL},
		{"layout twice", func(q *QP) { q.MkeyConfigure(key64, 3, 0); q.SetLayoutList(list); q.SetLayoutInterleaved(1, nil) }, EINVAL},
		{"empty list is no layout", func(q *QP) { q.MkeyConfigure(key64, 2, 0); q.SetLayoutList(nil); q.SetLayoutList(list) }, nil},
		{"empty interleaved is one", func(q *QP) { q.MkeyConfigure(key64, 2, 0); q.SetLayoutInterleaved(1, nil); q.SetLayoutList(list) }, EINVAL},
		{"second layout too long", func(q *QP) { q.MkeyConfigure(key64, 3, 0); q.SetLayoutList(list); q.SetLayoutList(goldenList(49)) }, ENOMEM},
		{"too many setters", func(q *QP) { q.MkeyConfigure(key64, 1, 0); q.SetAccess(0); q.SetLayoutList(list) }, EINVAL},
		{"setter without configure", func(q *QP) { q.SetLayoutList(list) }, EINVAL},
		{"signature setter without signature", func(q *QP) { q.MkeyConfigure(key64, 1, 0); q.SetSigBlock(t10wire) }, EINVAL},
		{"crypto setter without crypto", func(q *QP) { q.MkeyConfigure(key64, 1, 0); q.SetCrypto(&Crypto{}) }, EINVAL},
		{"longest window", func(q *QP) { q.BindMW(1, 2, Window{Length: 1 << 31}) }, nil},
		{"window too long", func(q *QP) { q.BindMW(1, 2, Window{Length: 1<<31 + 1}) }, EOPNOTSUPP},
		{"window too long after ENOMEM", func(q *QP) { q.MRList(key64, 0, goldenList(65)); q.BindMW(1, 2, Window{Length: 1 << 40}) }, ENOMEM},
		{"more data than a WQE", func(q *QP) { q.RDMAWrite(1, 2, goldenList(62)) }, ENOMEM},
		{"full queue", func(q *QP) { q.MaxPost = 1; q.LocalInv(1); q.LocalInv(1) }, ENOMEM},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := newQP(t, 64, 0)
			q.CurPost, q.FMCache = 7, mlx5model.FenceSmall
			q.Start()
			tt.post(q)
			err := q.Complete()
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if err == nil {
				return
			}
			if q.CurPost != 7 || q.FMCache != mlx5model.FenceSmall || q.DBRec != 0 || q.BFOffset != 0 || len(q.BlueFlame()) != 0 || q.Head != 0 {
				t.Errorf("not rolled back: %+v", q)
			}
			if err.Error() == "" {
				t.Error("error without text")
			}
		})
	}
}

// Too few setters: nothing is posted and no error, but the fence stays armed
// and what the slot holds is written over by the next WQE.
func TestTooFewSetters(t *testing.T) {
	q := newQP(t, 32, 0)
	q.Start()
	q.MkeyConfigure(key64, 2, 0)
	q.SetAccess(LocalWrite)
	if err := q.Complete(); err != nil {
		t.Fatal(err)
	}
	if q.CurPost != 0 || q.FMCache != mlx5model.FenceSmall || q.DBRec != 0 || len(q.BlueFlame()) != 0 {
		t.Errorf("cur_post %d, fm_cache %#x, dbrec %d", q.CurPost, q.FMCache, q.DBRec)
	}
	q.Start()
	q.RDMAWrite(1, 2, goldenList(1))
	if err := q.Complete(); err != nil {
		t.Fatal(err)
	}
	if c := mlx5model.ParseCtrl(q.Ring.Bytes()); c.Opcode != mlx5model.OpRDMAWrite || c.FmCeSe != 0x28 || q.FMCache != 0 {
		t.Errorf("%+v, fm_cache %#x", c, q.FMCache)
	}
}

// Version 44 sums up in an int: sign extension from 2^31 on, wrap at 2^32.
func TestLengthByVersion(t *testing.T) {
	for _, tt := range []struct {
		lens      []uint32
		v44, head uint64
	}{
		{[]uint32{1<<31 - 1}, 1<<31 - 1, 1<<31 - 1},
		{[]uint32{1 << 31}, 0xffffffff_80000000, 1 << 31},
		{[]uint32{1 << 30, 1 << 30}, 0xffffffff_80000000, 1 << 31},
		{[]uint32{1<<32 - 1}, 1<<64 - 1, 1<<32 - 1},
		{[]uint32{1<<32 - 1, 1}, 0, 1 << 32},
		{[]uint32{1 << 31, 1 << 31, 5}, 5, 1<<32 + 5},
	} {
		var list []sg.Entry
		for _, n := range tt.lens {
			list = append(list, sg.Entry{Len: n})
		}
		for v, want := range map[Version]uint64{V44: tt.v44, Head: tt.head} {
			q := newQP(t, 32, 0)
			q.Version = v
			q.Start()
			q.MRList(key64, 0, list)
			if err := q.Complete(); err != nil {
				t.Fatal(err)
			}
			if m := mlx5model.ParseMkeyContext(q.Ring.At(0, 64)); m.Len != want {
				t.Errorf("%v, version %d: length %#x, want %#x", tt.lens, v, m.Len, want)
			}
		}
	}
}

// An interleaved region's length takes the whole cycle, of which the header
// keeps 32 bits.
func TestInterleavedLength(t *testing.T) {
	q := newQP(t, 32, 0)
	q.Start()
	q.MRInterleaved(key64, 0, 3, []Interleaved{{BytesCount: 1<<32 - 1}, {BytesCount: 3}})
	if err := q.Complete(); err != nil {
		t.Fatal(err)
	}
	m := mlx5model.ParseMkeyContext(q.Ring.At(0, 64))
	if head := q.Ring.At(0, mlx5model.UMRDataOff)[:4]; m.Len != 3*(1<<32+2) || !bytes.Equal(head, []byte{0, 0, 0, 2}) {
		t.Errorf("length %#x, cycle %x", m.Len, head)
	}
}

// A single WQE of at most 16 units goes to the BlueFlame register whole; the
// register's halves alternate.
func TestDoorbell(t *testing.T) {
	q := newQP(t, 64, 0)
	for i, tt := range []struct {
		lists []int
		want  int
	}{{[]int{4}, 192}, {[]int{5}, 256}, {[]int{8}, 256}, {[]int{9}, 8}, {[]int{1, 1}, 8}, {[]int{0}, 128}} {
		from := q.BFOffset
		q.Start()
		last := q.CurPost
		for _, n := range tt.lists {
			last = q.CurPost
			q.MRList(key64, 0, goldenList(n))
		}
		if err := q.Complete(); err != nil {
			t.Fatal(err)
		}
		want := make([]byte, tt.want)
		q.Ring.Read(last, 0, want)
		if got := q.BlueFlame(); !bytes.Equal(got, want) {
			t.Errorf("step %d: %d bytes of BlueFlame, want %d: %x", i, len(got), len(want), got)
		}
		if q.BFOffset == from || q.BFOffset|256 != 256 {
			t.Errorf("step %d: BlueFlame offset %d after %d", i, q.BFOffset, from)
		}
	}
	q.Start()
	q.Send(nil)
	if err := q.Complete(); err != nil || len(q.BlueFlame()) != 8 {
		t.Errorf("WQE of one unit: %v, %d bytes of BlueFlame", err, len(q.BlueFlame()))
	}
}

func TestNewQPChecksRing(t *testing.T) {
	ring, err := mlx5model.NewRing(8)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewQP(ring, Head, 1, 380); err != nil {
		t.Errorf("WQE of the ring's size: %v", err)
	}
	if _, err := NewQP(ring, Head, 1, 381); !errors.Is(err, mlx5model.ErrRingSize) {
		t.Errorf("WQE longer than the ring: %v", err)
	}
}

func TestCreateMkey(t *testing.T) {
	for _, tt := range []struct {
		max   uint16
		flags MkeyFlags
		want  string // byte 0, access byte, flags_pd, bsf and translation size, crypto
	}{
		{1, InitIndirect, "40 86 00000042 0 4 0"},
		{64, 0, "40 86 00000042 0 64 0"},
		{65, InitRemoteInvalidate, "40 86 01000042 0 68 0"},
		{65535, InitBlockSignature, "40 86 40000042 4 65536 0"},
		{5, InitCrypto, "40 86 40000042 4 8 1"},
		{5, InitCrypto | InitBlockSignature, "40 86 40000042 8 8 1"},
	} {
		c := CreateMkeyContext(tt.max, 0x42, tt.flags)
		var b [mlx5model.MkeySize]byte
		c.Put(b[:])
		got := fmt.Sprintf("%x %x %x %d %d %d", b[0], b[2], b[0xc:0x10], c.BSFOctowords, c.XltOctowords, c.CryptoEn)
		if got != tt.want || c.QPN != mlx5model.QPNAny || c.Tag != 0 {
			t.Errorf("%d, flags %d: %s, want %s", tt.max, tt.flags, got, tt.want)
		}
		if k := NewMkey(7, tt.max, tt.flags); k.Lkey != 0x700 || k.Crypto != (c.CryptoEn != 0) || uint32(k.NumDesc) != min(c.XltOctowords, 65535) {
			t.Errorf("%d, flags %d: %+v", tt.max, tt.flags, k)
		}
	}
}

func TestAllocs(t *testing.T) {
	q := newQP(t, 64, 0)
	list, inter := goldenList(48), make([]Interleaved, 40)
	if n := testing.AllocsPerRun(100, func() {
		q.Start()
		q.MRList(key64, LocalWrite, list)
		q.MRInterleaved(key64, LocalWrite, 2, inter)
		q.LocalInv(1)
		q.RDMAWrite(1, 2, list)
		if err := q.Complete(); err != nil {
			t.Fatal(err)
		}
		q.Start()
		q.MRList(key64, 1<<30, list) // refused
		if err := q.Complete(); err == nil {
			t.Fatal("unknown access flag accepted")
		}
	}); n != 0 {
		t.Errorf("%v allocations per batch, want 0", n)
	}
}
