package mlx5model

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// TestSignatureValues compares with the check values that the catalogues give
// for "123456789": CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME, CRC-16/T10-DIF.
func TestSignatureValues(t *testing.T) {
	digits := []byte("123456789")
	inl := make([]byte, 16)
	copy(inl, []byte{0xc0, 0, 0xab, 0xcd, 0, 0, 0, 7, inlCRC, inlRepeat, 0, 0, 0, inlIncRef, 0xff, 0xff})
	for _, tt := range []struct {
		selector  uint8
		transient uint64
		want      []byte
	}{
		{0x22, 0xffffffff << 32, []byte{0x26, 0x39, 0xf4, 0xcb}},
		{0x42, 0xffffffff << 32, []byte{0x83, 0x92, 0x06, 0xe3}},
		{0x52, 1<<64 - 1, []byte{0x88, 0x98, 0x79, 0x0a, 0x86, 0x14, 0x8b, 0xae}},
		{0, 0, []byte{0xd0, 0xdb, 0xab, 0xcd, 0, 0, 0, 7 + 3}},
	} {
		var s signature
		if !s.format(tt.selector, tt.transient, inl) {
			t.Fatalf("selector %#x is not known", tt.selector)
		}
		got := make([]byte, s.tuple)
		if s.make(got, digits, 3); !bytes.Equal(got, tt.want) {
			t.Errorf("selector %#x: % x, want % x", tt.selector, got, tt.want)
		}
	}
	for _, selector := range []uint8{0x20, 0x40, 0x50, 0x12, 0x62} { // no repeat, no CRC
		if new(signature).format(selector, 0, inl) {
			t.Errorf("selector %#x is computed", selector)
		}
	}
	inl[8] = 2 // IP checksum
	if new(signature).format(0, 0, inl) {
		t.Error("IP checksums are computed")
	}
}

// TestCRC64Blocks compares with the NVM Command Set specification's examples of
// the 64-bit guard: 4 KiB of zeros, and of ones; and pieces with the whole.
func TestCRC64Blocks(t *testing.T) {
	var s signature
	s.format(0x52, 1<<64-1, nil)
	block, got := make([]byte, 4096), make([]byte, tupleCRC64)
	for _, tt := range []struct {
		fill byte
		want uint64
	}{{0, 0x6482d367eb22b64e}, {0xff, 0xc0ddba7302eca3ac}} {
		for i := range block {
			block[i] = tt.fill
		}
		if s.make(got, block, 0); binary.LittleEndian.Uint64(got) != tt.want {
			t.Errorf("%#x: %#x, want %#x", tt.fill, binary.LittleEndian.Uint64(got), tt.want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { s.make(got, block, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if hi, lo := s.words(got); hi != 0xc0ddba73 || lo != 0x02eca3ac {
		t.Errorf("words %#x, %#x", hi, lo)
	}
}

// TestSignatureCompare: each bit of a T10-DIF tuple counts as the masks and
// escapes say.
func TestSignatureCompare(t *testing.T) {
	s := signature{tuple: tupleDIF, check: 0xff, dif: dif{app: 0x1234, appMask: 0xff0f, ref: 9}}
	want := make([]byte, tupleDIF)
	s.make(want, make([]byte, 512), 0)
	for bit := range 64 {
		got := bytes.Clone(want)
		got[bit/8] ^= 0x80 >> (bit % 8)
		syndrome := [...]uint16{SigGuard, SigGuard, SigApp, SigApp, SigRef, SigRef, SigRef, SigRef}[bit/8]
		if bit >= 24 && bit < 28 {
			syndrome = 0 // outside appMask
		}
		if have := s.compare(want, got); have != syndrome {
			t.Errorf("bit %d: syndrome %#x, want %#x", bit, have, syndrome)
		}
		masked := s
		masked.check &^= 0x80 >> (bit / 8)
		if have := masked.compare(want, got); have != 0 {
			t.Errorf("bit %d is not to be checked: %#x", bit, have)
		}
	}
	for _, tt := range []struct {
		flags uint8
		ref   uint32
		bad   bool
	}{{0, 0xffffffff, true}, {inlAppEscape, 5, false}, {inlRefEscape, 5, true}, {inlRefEscape, 0xffffffff, false}} {
		got := []byte{1, 2, 0xff, 0xff, 0, 0, 0, 0}
		binary.BigEndian.PutUint32(got[4:], tt.ref)
		s.dif.flags = tt.flags
		if bad := s.compare(want, got) != 0; bad != tt.bad {
			t.Errorf("flags %d, reference tag %#x: bad %v", tt.flags, tt.ref, bad)
		}
	}
}

// TestReachBlocks: extents leave out the tuples, and a refusal leaves what the
// list held.
func TestReachBlocks(t *testing.T) {
	r := newRig(t, nil)
	const key = 0x4400
	ctx := MkeyContext{Mode: ModePA, Access: AccRights, QPN: QPNAny, PD: testPD, Start: 0x10000, Len: 3 * 516, BSFEn: true, BSFOctowords: 4}
	if _, err := r.dev.CreateMkey(KeyIndex(key), ctx, nil); err != nil {
		t.Fatal(err)
	}
	bsf := make([]byte, bsfBytes)
	bsf[0], bsf[1], bsf[3], bsf[0xc] = bsfSizeInline, 0xf0, 1, 0x23
	r.dev.find(KeyIndex(key)).bsf = bsf
	a := Access{Op: LocalRead, PD: testPD, Key: key, VA: 0x10000 + 500, Len: 600}
	plain, err := r.dev.Reach(nil, a)
	if err != nil || len(plain) != 1 || r.dev.Reached() != 0 {
		t.Fatalf("signatures off: %v, %v, %d", plain, err, r.dev.Reached())
	}
	r.dev.SetSignatures(true)
	first := sg.Extent{Addr: 0x10000 + 500 - 4, Len: 4}
	got, err := r.dev.Reach([]sg.Extent{first}, a)
	want := []sg.Extent{{Addr: first.Addr, Len: 16}, {Addr: 0x10000 + 516, Len: 512}, {Addr: 0x10000 + 2*516, Len: 76}}
	if err != nil || len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || r.dev.Reached() != 1 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	a.Len = 3*512 - 500 + 1
	got, err = r.dev.Reach([]sg.Extent{first}, a)
	if err == nil || len(got) != 1 || got[0] != first || r.dev.Reached() != 1 {
		t.Errorf("beyond the end: %v, %v", got, err)
	}
}

// TestDomainsAlike: what makes two domains of one structure so alike that tuples
// pass; anything else is not computed.
func TestDomainsAlike(t *testing.T) {
	d := newRig(t, nil).dev
	d.psvs[1], d.psvs[2], d.psvs[3] = 5, 5, 6
	good := make([]byte, bsfBytes)
	copy(good, []byte{bsfSizeInline | bsfSame, 0xf0, 0xf0, 1, 8: 0x22, 0, 0, 1, 0x22, 0, 0, 2})
	k := &mkey{bsf: good}
	k.ctx.BSFEn = true
	s, ok := d.signatureOf(k)
	if !ok || !s.alike || s.span() != 516 {
		t.Fatalf("%v, %+v", ok, s)
	}
	for at, v := range map[int]byte{0: bsfSizeInline, 2: 0xe0, 3: 0, 8: 0x42, 0xb: 3, bsfInlineWire + 4: 1, bsfInlineMem + 9: 1} {
		k.bsf = bytes.Clone(good)
		k.bsf[at] = v
		if s, ok := d.signatureOf(k); ok {
			t.Errorf("byte %#x is %#x: %+v", at, v, s)
		}
	}
}

func TestSigErrorCQE(t *testing.T) {
	e := SigError{QPN: 0x123456, Key: 0xabcdef42, Syndrome: SigGuard | SigRef, Expected: 1, Actual: 2, ExpectedRef: 3, ActualRef: 4, Offset: 5 << 40}
	b := make([]byte, CQESize)
	(&CQE{Opcode: CQESigErr, Sig: &e}).Put(b)
	if back := ParseCQE(b); back.Sig == nil || *back.Sig != e || back.Opcode != CQESigErr || back.QPN != e.QPN || back.Failed() {
		t.Errorf("%+v", back)
	}
	e.Wire = true
	wire := make([]byte, CQESize)
	(&CQE{Opcode: CQESigErr, Sig: &e}).Put(wire)
	if back := ParseCQE(wire); back.Sig == nil || *back.Sig != e || wire[0x23] != 0 {
		t.Errorf("%+v", back)
	}
	if b[0x23] != 1 || b[0x10+3] != 1 || b[0x20] != 0x28 || b[0x3f] != 0xc0 {
		t.Errorf("% x", b)
	}
}
