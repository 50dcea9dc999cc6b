package libmlx5

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// t10wire is a T10-DIF signature on the wire only.
var t10wire = &SigBlock{
	CheckMask: 0xff,
	Wire: SigDomain{Type: SigT10DIF, BlockSize: Block512, T10DIF: T10DIF{
		Type: T10DIFCRC, BG: 0xffff, AppTag: 0xabcd, RefTag: 0x01234567, Flags: T10DIFRefRemap}},
}

// crcBoth is a CRC32 in memory, for blocks of 4096 bytes, and on the wire.
var crcBoth = &SigBlock{
	CheckMask: 0xf0,
	Mem:       SigDomain{Type: SigCRC, BlockSize: Block4096, CRC: CRC{Type: CRC32, Seed: 0xffffffff}},
	Wire:      SigDomain{Type: SigCRC, BlockSize: Block4096, CRC: CRC{Type: CRC32, Seed: 0xffffffff}},
}

func sigKey() *Mkey {
	k := NewMkey(0xabcd, 64, InitBlockSignature)
	k.MemPSV, k.WirePSV = 0x70001, 0x70002
	return &k
}

func one(n uint32) []sg.Entry {
	return []sg.Entry{{Addr: 0x7f0000001000, Len: n, Lkey: 0x181a00}}
}

func init() {
	golden = append(golden, []struct {
		name string
		pi   uint32
		prep func(q *QP)
		post func(q *QP)
		want string
	}{
		{
			// The UMR gives its completion to the SET_PSV.
			name: "T10-DIF on the wire",
			post: func(q *QP) {
				q.MkeyConfigure(sigKey(), 3, 0)
				q.SetAccess(LocalWrite)
				q.SetLayoutList(one(0x200))
				q.SetSigBlock(t10wire)
			},
			want: `
				00000025 00123410 00000000 00abcd00  80000000 00040004 00000000 203c3201
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000800 ffffff00 00000000 44000000  00000000 00000000 00000000 00000200
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000200 00181a00 00007f00 00001000  00000000 00000000 00000000 00000000
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				80ff0100 ffffffff 00070002 00000000  00000000 00000000 00000000 00000000
				c000abcd 01234567 01880000 0040ffff  00000000 00000000 00000000 00000000
				00000420 00123402 00000028 xxxxxxxx  00070002 00000000 ffffabcd 01234567
				xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx`,
		},
		{
			// The second UMR leaves the signature as it is.
			name: "CRC32 in both domains, then a new list",
			post: func(q *QP) {
				k := sigKey()
				q.MkeyConfigure(k, 3, 0)
				q.SetAccess(LocalWrite)
				q.SetLayoutList(one(0x1004))
				q.SetSigBlock(crcBoth)
				q.MRList(k, LocalWrite, one(0x1004))
			},
			want: `
				00000025 00123410 00000000 00abcd00  80000000 00040004 00000000 203c3201
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000800 ffffff00 00000000 44000000  00000000 00000000 00000000 00001004
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00001004 00181a00 00007f00 00001000  00000000 00000000 00000000 00000000
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				90f0f003 ffffffff 22070002 22070001  00000000 00000000 00000000 00000000
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000420 00123402 00000020 xxxxxxxx  00070001 00000000 ffffffff 00000000
				xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
				00000520 00123402 00000028 xxxxxxxx  00070002 00000000 ffffffff 00000000
				xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
				00000625 0012340c 00000028 00abcd00  80000000 00040000 00000000 203c2001
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000800 ffffff00 00000000 00000000  00000000 00000000 00000000 00001004
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00001004 00181a00 00007f00 00001000  00000000 00000000 00000000 00000000
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`,
		},
		{
			name: "signature key without attributes",
			post: func(q *QP) { q.MRList(sigKey(), LocalWrite, one(0x200)) },
			want: `
				00000025 0012340c 00000008 00abcd00  80000000 00040000 00000000 203c3201
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000800 ffffff00 00000000 04000000  00000000 00000000 00000000 00000200
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000200 00181a00 00007f00 00001000  00000000 00000000 00000000 00000000
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`,
		},
		{
			name: "crypto",
			post: func(q *QP) {
				k := NewMkey(0xabcd, 64, InitCrypto)
				c := Crypto{EncryptOnTX: true, Order: SigAfterCryptoOnTX, DataUnit: Block512, DEK: 0x55}
				for i := range c.InitialTweak {
					c.InitialTweak[i] = byte(i)
				}
				copy(c.Keytag[:], "KEYTAG01")
				q.MkeyConfigure(&k, 3, 0)
				q.SetAccess(LocalWrite)
				q.SetLayoutList(one(0x400))
				q.SetCrypto(&c)
			},
			want: `
				00000025 00123410 00000008 00abcd00  80000000 00040004 00000000 203c3001
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000800 ffffff00 00000000 40000000  00000000 00000000 00000000 00000400
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				00000400 00181a00 00007f00 00001000  00000000 00000000 00000000 00000000
				00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
				81020000 ffffffff 01000000 00000000  0f0e0d0c 0b0a0908 07060504 03020100
				00000055 00000000 4b455954 41473031  00000000 00000000 00000000 00000000`,
		},
	}...)
}

// Attributes that do not go together, and where lists and lengths end.
func TestAttributeErrors(t *testing.T) {
	both := func() *Mkey {
		k := NewMkey(1, 64, InitBlockSignature|InitCrypto)
		return &k
	}
	sig := func(change func(s *SigBlock)) *SigBlock { s := *crcBoth; change(&s); return &s }
	configure := func(k *Mkey, n int, s *SigBlock, c *Crypto) func(q *QP) {
		return func(q *QP) {
			setters := uint8(1)
			if s != nil {
				setters++
			}
			if c != nil {
				setters++
			}
			q.MkeyConfigure(k, setters, 0)
			q.SetLayoutList(goldenList(n))
			if s != nil {
				q.SetSigBlock(s)
			}
			if c != nil {
				q.SetCrypto(c)
			}
		}
	}
	long := func(q *QP) {
		q.MkeyConfigure(sigKey(), 2, 0)
		q.SetLayoutList([]sg.Entry{{Len: 1<<32 - 1}, {Len: 1}})
		q.SetSigBlock(crcBoth)
	}
	for _, tt := range []struct {
		name string
		post func(q *QP)
		want error
	}{
		{"most entries with one BSF", configure(sigKey(), 44, crcBoth, nil), nil},
		{"more", configure(sigKey(), 45, crcBoth, nil), ENOMEM},
		{"most entries with two BSFs", configure(both(), 40, crcBoth, &Crypto{EncryptOnTX: true, Order: SigBeforeCryptoOnTX}), nil},
		{"more than with two", configure(both(), 41, crcBoth, &Crypto{EncryptOnTX: true, Order: SigBeforeCryptoOnTX}), ENOMEM},
		{"region of 2^32 bytes", long, EINVAL},
		{"no domain", configure(sigKey(), 1, &SigBlock{}, nil), EINVAL},
		{"seed of CRC32", configure(sigKey(), 1, sig(func(s *SigBlock) { s.Mem.CRC.Seed = 7 }), nil), EINVAL},
		{"seed of CRC32 with 64 bits", configure(sigKey(), 1, sig(func(s *SigBlock) { s.Mem.CRC.Seed = 1<<64 - 1 }), nil), EINVAL},
		{"seed of CRC64", configure(sigKey(), 1, sig(func(s *SigBlock) { s.Mem.CRC = CRC{CRC64XP10, 1<<64 - 1} }), nil), nil},
		{"seed of T10-DIF", configure(sigKey(), 1, &SigBlock{Mem: SigDomain{Type: SigT10DIF, T10DIF: T10DIF{BG: 5}}}, nil), EINVAL},
		{"flags of T10-DIF", configure(sigKey(), 1, &SigBlock{Mem: SigDomain{Type: SigT10DIF, T10DIF: T10DIF{Flags: 8}}}, nil), EINVAL},
		{"block size", configure(sigKey(), 1, sig(func(s *SigBlock) { s.Wire.BlockSize = 5 }), nil), EINVAL},
		{"CRC type", configure(sigKey(), 1, sig(func(s *SigBlock) { s.Wire.CRC.Type = 3 }), nil), EINVAL},
		{"signature type", configure(sigKey(), 1, sig(func(s *SigBlock) { s.Wire.Type = 3 }), nil), EINVAL},
		{"copy mask, other structure", configure(sigKey(), 1, sig(func(s *SigBlock) { s.UseCopy, s.Wire.BlockSize = true, Block512 }), nil), EINVAL},
		{"copy mask, memory only", configure(sigKey(), 1, sig(func(s *SigBlock) { s.UseCopy, s.Wire = true, SigDomain{} }), nil), nil},
		{"raw encryption of two signatures", configure(both(), 1, crcBoth, &Crypto{EncryptOnTX: true}), EINVAL},
		{"raw encryption of one", configure(both(), 1, t10wire, &Crypto{EncryptOnTX: true}), nil},
		{"data unit", configure(both(), 1, nil, &Crypto{DataUnit: 5}), EINVAL},
		{"order", configure(both(), 1, nil, &Crypto{Order: 2}), EINVAL},
		{"signature twice", func(q *QP) { q.MkeyConfigure(sigKey(), 3, 0); q.SetSigBlock(crcBoth); q.SetSigBlock(crcBoth) }, EINVAL},
		{"crypto twice", func(q *QP) { q.MkeyConfigure(both(), 3, 0); q.SetCrypto(&Crypto{}); q.SetCrypto(&Crypto{}) }, EINVAL},
		{"one data unit", func(q *QP) { q.SingleBlockCrypto = true; configure(both(), 1, nil, &Crypto{})(q) }, nil},
		{"more than one", func(q *QP) { q.SingleBlockCrypto = true; configure(both(), 2, nil, &Crypto{})(q) }, EINVAL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := newQP(t, 64, 0)
			q.Start()
			tt.post(q)
			if err := q.Complete(); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// Which bytes of a T10-DIF tuple are passed on, when nothing is said: those
// that are alike on both sides.
func TestCopyMask(t *testing.T) {
	same := T10DIF{BG: 0xffff, AppTag: 1, RefTag: 2}
	for _, tt := range []struct {
		change func(s *SigBlock)
		want   uint8
	}{
		{func(*SigBlock) {}, 0xff},
		{func(s *SigBlock) { s.Wire.T10DIF.Type = T10DIFCSUM }, 0x3f},
		{func(s *SigBlock) { s.Wire.T10DIF.BG = 0 }, 0x3f},
		{func(s *SigBlock) { s.Wire.T10DIF.AppTag = 9 }, 0xcf},
		{func(s *SigBlock) { s.Wire.T10DIF.RefTag = 9 }, 0xf0},
		{func(s *SigBlock) { s.Wire.T10DIF.RefTag, s.UseCopy, s.CopyMask = 9, true, 0x5a }, 0x5a},
		{func(s *SigBlock) { *s = *crcBoth }, 0xf0},
		{func(s *SigBlock) { *s = *crcBoth; s.Mem.CRC.Type, s.Wire.CRC.Type = CRC64XP10, CRC64XP10 }, 0xff},
	} {
		s := SigBlock{Mem: SigDomain{Type: SigT10DIF, T10DIF: same}, Wire: SigDomain{Type: SigT10DIF, T10DIF: same}}
		tt.change(&s)
		if got := s.copyMask(); got != tt.want {
			t.Errorf("%+v: copy mask %#x, want %#x", s, got, tt.want)
		}
	}
}

// What a signature key's UMRs carry over its life, one configuration after
// another: mask bits BSF_EN and SIG_ERR, the mkey context's two bits, BSF
// octowords, and SET_PSVs that follow.
func TestSignatureLife(t *testing.T) {
	k := sigKey()
	q := newQP(t, 64, 0)
	for i, tt := range []struct {
		post func()
		want string
	}{
		{func() { q.MRList(k, 0, one(1)) }, "bsf:true,false,0 err:true,true psv:0"},
		{func() { q.MRList(k, 0, one(1)) }, "bsf:true,false,0 err:false,false psv:0"},
		{func() { q.MkeyConfigure(k, 1, 0); q.SetSigBlock(crcBoth) }, "bsf:true,true,4 err:false,false psv:2"},
		{func() { q.MRList(k, 0, one(1)) }, "bsf:false,false,0 err:false,false psv:0"},
		{func() { k.SigError(); q.MRList(k, 0, one(1)) }, "bsf:false,false,0 err:true,false psv:2"},
		{func() { q.MkeyConfigure(k, 1, 0); q.SetSigBlock(t10wire) }, "bsf:true,true,4 err:false,false psv:1"},
		{func() { q.MkeyConfigure(k, 0, ResetSigAttr) }, "bsf:true,false,0 err:false,false psv:0"},
		{func() { k.SigError(); q.MRList(k, 0, one(1)) }, "bsf:true,false,0 err:true,true psv:0"},
	} {
		from := q.CurPost
		q.Start()
		tt.post()
		if err := q.Complete(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		umr := mlx5model.ParseUMRCtrl(q.Ring.At(from, 16))
		mkc := mlx5model.ParseMkeyContext(q.Ring.At(from, 64))
		psvs := q.CurPost - from - mlx5model.WQEBBs(mlx5model.ParseCtrl(q.Ring.At(from, 0)).DS)
		got := fmt.Sprintf("bsf:%v,%v,%d err:%v,%v psv:%d", umr.Mask&mlx5model.MaskBSFEn != 0, mkc.BSFEn, umr.BSFOctowords,
			umr.Mask&mlx5model.MaskSigErr != 0, mkc.SigErr, psvs)
		if got != tt.want {
			t.Errorf("step %d: %s, want %s", i, got, tt.want)
		}
	}
}

// A list with BSFs and SET_PSVs wraps like any other.
func TestAttributesWrapEverywhere(t *testing.T) {
	run := func(pi uint32) []byte {
		q := newQP(t, 16, 0x5c)
		q.CurPost = pi
		k := NewMkey(1, 64, InitBlockSignature|InitCrypto)
		q.Start()
		q.MkeyConfigure(&k, 3, 0)
		q.SetLayoutList(goldenList(6))
		q.SetSigBlock(crcBoth)
		q.SetCrypto(&Crypto{EncryptOnTX: true, Order: SigBeforeCryptoOnTX, DEK: 7})
		if err := q.Complete(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(q.Ring.Bytes()))
		q.Ring.Read(pi, 0, b)
		for _, at := range []int{0, 6, 7} { // UMR of six WQEBBs, two SET_PSVs
			if c := mlx5model.ParseCtrl(b[at*64:]); c.Index != uint16(pi)+uint16(at) {
				t.Fatalf("at %d+%d: %+v", pi, at, c)
			}
			b[at*64+1], b[at*64+2] = 0, 0
		}
		return b
	}
	want := run(0)
	for pi := range uint32(16) {
		if got := run(pi); !bytes.Equal(got, want) {
			t.Fatalf("at %d:\ngot  %x\nwant %x", pi, got, want)
		}
	}
}
