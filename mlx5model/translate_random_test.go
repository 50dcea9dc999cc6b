package mlx5model

import (
	"encoding/binary"
	"math/rand"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// refKey is a key as the reference translator sees it: plain values, no bytes.
type refKey struct {
	mode        AccessMode
	free        bool
	pd, qpn     uint32
	tag         uint8
	access      uint8
	start, size uint64
	log         uint8
	repeat      bool
	cycle       uint64
	count       uint64
	entries     []refEntry
}

type refEntry struct {
	size, stride uint64
	key          uint32
	va           uint64 // or the page's address
	present      bool
}

// refWorld resolves one byte at a time, by walking every list from its start.
type refWorld struct {
	keys  map[uint32]*refKey
	depth int
}

func (w *refWorld) byteAt(key uint32, va uint64, right uint8, depth int) (uint64, bool) {
	k := w.keys[key>>8]
	if k == nil || k.free || k.tag != uint8(key) || k.pd != testPD || (k.qpn != 0xffffff && k.qpn != testQPN) || k.access&right == 0 {
		return 0, false
	}
	if va < k.start || va >= k.start+k.size {
		return 0, false
	}
	nested := right
	switch right {
	case AccRR:
		nested = AccLR
	case AccRW:
		nested = AccLW
	}
	off := va - k.start
	switch k.mode {
	case ModePA:
		return va, true
	case ModeMTT:
		page := uint64(1) << k.log
		i := va/page - k.start/page
		if i >= uint64(len(k.entries)) || !k.entries[i].present {
			return 0, false
		}
		return k.entries[i].va/page*page + va%page, true
	}
	if depth >= w.depth {
		return 0, false
	}
	if k.mode == ModeKSM {
		i := off >> k.log
		if i >= uint64(len(k.entries)) || !k.entries[i].present {
			return 0, false
		}
		return w.byteAt(k.entries[i].key, k.entries[i].va+off%(1<<k.log), nested, depth+1)
	}
	if k.repeat {
		return w.strided(k, off, nested, depth)
	}
	for _, e := range k.entries {
		if off < e.size {
			return w.byteAt(e.key, e.va+off, nested, depth+1)
		}
		off -= e.size
	}
	return 0, false
}

func (w *refWorld) strided(k *refKey, off uint64, right uint8, depth int) (uint64, bool) {
	for cycle := range k.count {
		if off >= k.cycle {
			off -= k.cycle
			continue
		}
		for _, e := range k.entries {
			if off < e.size {
				return w.byteAt(e.key, e.va+cycle*e.stride+off, right, depth+1)
			}
			off -= e.size
		}
		return 0, false
	}
	return 0, false
}

// randomKey invents a key that may point to the keys with a smaller index and,
// rarely, to itself or to later ones.
func randomKey(rng *rand.Rand, index uint32, keys map[uint32]*refKey) *refKey {
	rare := func(n int) bool { return rng.Intn(n) == 0 }
	k := &refKey{mode: AccessMode(rng.Intn(4)), pd: testPD, qpn: QPNAny, tag: uint8(rng.Intn(3)), access: AccRights, log: 9}
	if rare(25) {
		k.pd = 1
	}
	if rare(25) {
		k.qpn = testQPN + uint32(rng.Intn(2))
	}
	if rare(25) {
		k.access &^= 1 << (2 + rng.Intn(5))
	}
	k.free = rare(40)
	k.start = uint64(rng.Intn(1 << 14))
	n := 1 + rng.Intn(12)
	if k.mode == ModePA {
		k.size = uint64(rng.Intn(1 << 12))
		return k
	}
	k.repeat = k.mode == ModeKLM && rare(3)
	var sum uint64
	for range n {
		e := refEntry{present: !rare(40), size: uint64(rng.Intn(300)), stride: uint64(rng.Intn(400))}
		if rare(8) {
			e.size = 0
		}
		if k.mode == ModeMTT {
			e.va = uint64(rng.Intn(1<<16)) << 9
			sum += 512
		} else {
			e.key, e.va = pickTarget(rng, index, keys)
			sum += e.size
			if k.mode == ModeKSM {
				e.size = 512
				sum += 512 - e.size
			}
		}
		k.entries = append(k.entries, e)
	}
	switch {
	case k.mode == ModeMTT:
		k.size = sum - min(sum, k.start%512)
	case k.mode == ModeKSM:
		k.size = uint64(n) * 512
	case k.repeat:
		k.cycle, k.count = sum, uint64(rng.Intn(5))
		if rare(10) {
			k.cycle++ // the header claims more than its entries hold
		} else if rare(10) && sum > 0 {
			k.cycle--
		}
		k.size = k.cycle * k.count
	default:
		k.size = sum
	}
	if rare(5) {
		k.size += uint64(rng.Intn(700))
	}
	return k
}

// firstIndex keeps away from key 400h, which a KLM list cannot name first: it
// would be read as a repeat header.
const firstIndex = 0x101

func pickTarget(rng *rand.Rand, index uint32, keys map[uint32]*refKey) (uint32, uint64) {
	target := firstIndex + uint32(rng.Intn(int(max(index-firstIndex, 1))))
	if rng.Intn(30) == 0 {
		target = index + uint32(rng.Intn(2))
	}
	k := keys[target]
	if k == nil {
		return target << 8, uint64(rng.Intn(1 << 14))
	}
	va := k.start
	if k.size > 0 && rng.Intn(4) != 0 {
		va += uint64(rng.Int63n(int64(k.size)))/4 + 1
	}
	return target<<8 | uint32(k.tag), va
}

// encode gives the key's context and list as the device wants them.
func (k *refKey) encode() (MkeyContext, []byte) {
	var list []byte
	if k.repeat {
		var b [KLMSize]byte
		binary.BigEndian.PutUint32(b[0:], uint32(k.cycle))
		binary.BigEndian.PutUint32(b[4:], RepeatOp)
		binary.BigEndian.PutUint32(b[8:], uint32(k.count))
		binary.BigEndian.PutUint16(b[14:], uint16(len(k.entries)))
		list = append(list, b[:]...)
	}
	for _, e := range k.entries {
		switch {
		case k.mode == ModeMTT && !e.present:
			list = binary.BigEndian.AppendUint64(list, 0)
		case k.mode == ModeMTT:
			list = binary.BigEndian.AppendUint64(list, e.va|3)
		case k.mode == ModeKSM && !e.present:
			list = append(list, make([]byte, KSMSize)...)
		case k.repeat:
			list = append(list, klms(KLM{uint32(e.stride)<<16 | uint32(e.size), e.key, e.va})...)
		default:
			list = append(list, klms(KLM{uint32(e.size), e.key, e.va})...)
		}
	}
	for len(list)%UMRListAlign != 0 {
		list = append(list, 0)
	}
	return MkeyContext{Free: k.free, Mode: k.mode, Access: k.access, UMREn: true, QPN: k.qpn, PD: k.pd, Tag: k.tag,
		Start: k.start, Len: k.size, LogPageSize: k.log, XltOctowords: uint32(len(list) / OctowordSize)}, list
}

// TestTranslateRandomAgainstReference builds random worlds of nested keys, half
// of them through UMRs, and compares every access with the reference.
func TestTranslateRandomAgainstReference(t *testing.T) {
	const seed = 20
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	var good, bad, bytes int
	for round := range 1500 {
		r := newRig(t, func(p *Profile) { p.MaxIndirection = 1 + rng.Intn(4) })
		w := &refWorld{keys: map[uint32]*refKey{}, depth: r.dev.p.MaxIndirection}
		for index := uint32(firstIndex); index < firstIndex+9; index++ {
			k := randomKey(rng, index, w.keys)
			w.keys[index] = k
			r.install(rng, index, k)
		}
		for range 60 {
			ok, n := r.compare(t, rng, w)
			if t.Failed() {
				t.Fatalf("seed %d, round %d", seed, round)
			}
			if bytes += n; ok {
				good++
			} else {
				bad++
			}
		}
	}
	t.Logf("%d accesses of %d bytes agreed, %d refusals", good, bytes, bad)
	if good < 10000 || bad < 10000 {
		t.Error("the generator is lopsided")
	}
}

// install creates a key at once, or empty and then fills it by UMR.
func (r *rig) install(rng *rand.Rand, index uint32, k *refKey) {
	ctx, list := k.encode()
	if k.mode == ModePA || rng.Intn(2) == 0 {
		r.mkey(index<<8|uint32(k.tag), ctx, list...)
		return
	}
	empty := ctx
	empty.Free, empty.Access, empty.Start, empty.Len, empty.Tag, empty.PD = true, 0, 9, 9, 77, 5
	r.mkey(index<<8|77, empty)
	r.ok(r.umr(index<<8|uint32(k.tag), UMRCtrl{Flags: UMRCheckNotFree, Mask: MaskLen | MaskStartAddr | MaskKey | MaskPD | MaskFree | MaskLR | MaskAccess}, ctx, list))
}

func (r *rig) compare(t *testing.T, rng *rand.Rand, w *refWorld) (bool, int) {
	index := firstIndex + uint32(rng.Intn(9))
	k := w.keys[index]
	op := []Op{LocalRead, LocalWrite, RemoteRead, RemoteWrite}[rng.Intn(4)]
	a := remote(op, index<<8|uint32(k.tag), k.start, 1+uint64(rng.Intn(100)))
	if k.size > 0 {
		a.VA += uint64(rng.Int63n(int64(k.size)))
	}
	if rng.Intn(3) == 0 {
		a.Len += uint64(rng.Intn(2000))
	}
	if rng.Intn(4) != 0 && a.VA-k.start < k.size {
		a.Len = min(a.Len, k.size-(a.VA-k.start))
	}
	got, err := r.dev.Translate(nil, a)
	var want []sg.Extent
	ok := true
	for i := uint64(0); i < a.Len && ok; i++ {
		var addr uint64
		addr, ok = w.byteAt(a.Key, a.VA+i, op.right(), 0)
		want = sg.AppendExtent(want, addr, 1)
	}
	if ok != (err == nil) {
		t.Errorf("%+v: %v, reference says %v", a, err, ok)
		return ok, 0
	}
	if !ok {
		return false, 0
	}
	if len(got) != len(want) {
		t.Fatalf("%+v:\n%#x, reference\n%#x", a, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%+v:\n%#x, reference\n%#x", a, got, want)
		}
	}
	return true, int(a.Len)
}
