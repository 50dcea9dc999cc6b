package spdk

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// refUMR is a UMR segment by segment, with the BSF that it is given.
func refUMR(q *QP, mkey, umrLen uint32, list []sg.Entry, flags uint8, mask uint64, sigErr bool, bsf []byte) []byte {
	octowords := mlx5model.ListOctowords(uint64(len(list)) * mlx5model.KLMSize)
	wqe := make([]byte, mlx5model.UMRDataOff+octowords*mlx5model.OctowordSize)
	wqe = append(wqe, bsf...)
	ctrl := mlx5model.Ctrl{
		Index: q.PI, Opcode: mlx5model.OpUMR, QPN: q.QPN, DS: uint8(len(wqe)/mlx5model.DSSize) & mlx5model.MaxDS,
		FmCeSe: flags&^mlx5model.CtrlCEMask | ceMap[q.SigMode][flags>>2&3]<<2, Imm: mkey,
	}
	umr := mlx5model.UMRCtrl{Flags: mlx5model.UMRInline, XltOctowords: uint16(octowords), BSFOctowords: uint16(len(bsf) / mlx5model.OctowordSize), Mask: mask}
	mkc := mlx5model.MkeyContext{Len: uint64(umrLen), SigErr: sigErr}
	ctrl.Put(wqe)
	umr.Put(wqe[mlx5model.CtrlSize:])
	mkc.Put(wqe[mlx5model.CtrlSize+mlx5model.UMRCtrlSize:])
	for i, e := range list {
		k := mlx5model.KLM{ByteCount: e.Len, Key: e.Lkey, VA: e.Addr}
		k.Put(wqe[mlx5model.UMRDataOff+i*mlx5model.KLMSize:])
	}
	return wqe
}

func refCrypto(c *Crypto) []byte {
	b := make([]byte, bsfSize)
	b[0], b[1], b[8] = 0x81, c.EncOrder, c.BlockSize
	binary.BigEndian.PutUint32(b[4:], c.RawDataSize)
	if c.Tweak == TweakLBALE {
		binary.LittleEndian.PutUint64(b[0x10:], c.IV)
	} else {
		binary.BigEndian.PutUint64(b[0x18:], c.IV)
	}
	binary.BigEndian.PutUint32(b[0x20:], c.DEK)
	binary.LittleEndian.PutUint64(b[0x28:], c.Keytag)
	return b
}

func refSig(s *Sig) []byte {
	b := make([]byte, bsfSize)
	b[0], b[1] = 0x40, 0xff
	binary.BigEndian.PutUint32(b[4:], s.RawDataSize)
	tfs := 0x40000000 | s.PSVIndex&0xffffff
	if s.Seed == 0 {
		tfs |= 0x01000000
	}
	var how byte
	if s.Init {
		how |= 2
	}
	if s.CheckGenerate {
		how |= 1
	}
	if s.Domain == DomainWire {
		b[0x10] = how << 4
		binary.BigEndian.PutUint32(b[0x18:], tfs)
	} else {
		b[0x10] = how
		binary.BigEndian.PutUint32(b[0x1c:], tfs)
	}
	return b
}

// anyList has n entries of any content.
func anyList(r *rand.Rand, n int) []sg.Entry {
	l := make([]sg.Entry, n)
	for i := range l {
		l[i] = sg.Entry{Addr: r.Uint64(), Len: r.Uint32(), Lkey: r.Uint32()}
		if r.IntN(4) == 0 {
			l[i].Len = 0
		}
	}
	return l
}

// Every kind of UMR of every length, wherever it starts in rings of every size,
// over two fills, is what it is segment by segment; what is refused changes
// nothing.
func TestReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	posted, refused := 0, 0
	for wqebbs := 2; wqebbs <= 64; wqebbs *= 2 {
		for n := range 4*wqebbs + 2 {
			start := uint16(r.Uint32())
			for pi := start; pi != start+uint16(min(wqebbs, 16)); pi++ {
				list := anyList(r, n)
				flags, mode, key, size := uint8(r.Uint32()), SigMode(r.IntN(3)), r.Uint32(), r.Uint32()
				c := Crypto{EncOrder: uint8(r.IntN(4)), BlockSize: uint8(r.IntN(4)), Tweak: TweakMode(r.IntN(2)), DEK: r.Uint32(), IV: r.Uint64(), Keytag: r.Uint64(), RawDataSize: r.Uint32()}
				s := Sig{Seed: uint32(r.IntN(2)), PSVIndex: r.Uint32(), Domain: Domain(r.IntN(2)), SigErrCount: uint32(r.IntN(4)), RawDataSize: r.Uint32(), Init: r.IntN(2) == 0, CheckGenerate: r.IntN(2) == 0}
				const mask = mlx5model.MaskFree | mlx5model.MaskLen
				for kind := range 3 {
					for _, fill := range []byte{0x00, 0xcc} {
						q := newQP(t, wqebbs, mode, fill)
						q.PI, q.QPN, q.MaxSendSGE, q.NonsignaledOutstanding = pi, r.Uint32()>>8, uint32(4*wqebbs), 3
						before, wire := *q, []byte(nil)
						var err error
						switch kind {
						case 0:
							wire = refUMR(q, key, size, list, flags, mask, false, nil)
							err = q.UMRConfigure(key, size, list, flags)
						case 1:
							wire = refUMR(q, key, size, list, flags, mask, false, refCrypto(&c))
							err = q.UMRConfigureCrypto(key, size, list, &c, flags)
						case 2:
							wire = refUMR(q, key, size, list, flags, mask|mlx5model.MaskSigErr, s.SigErrCount&1 != 0, refSig(&s))
							err = q.UMRConfigureSig(key, size, list, &s, flags)
						}
						want, _ := mlx5model.NewRing(wqebbs)
						want.Fill(fill)
						after := before
						if fits := n > 0 && len(wire) <= len(want.Bytes()) && n <= 4*wqebbs; fits != (err == nil) {
							t.Fatalf("kind %d, %d entries, %d WQEBBs: %v", kind, n, wqebbs, err)
						} else if fits {
							posted++
							want.Write(uint32(pi), 0, wire)
							used := uint16(len(wire) / mlx5model.WQEBBSize)
							after.PI, after.TxAvailable, after.head = pi+used, before.TxAvailable-used, [8]byte(wire)
							if after.NonsignaledOutstanding += used; wire[0x0b]&mlx5model.CtrlCEAlways != 0 {
								after.NonsignaledOutstanding = 0
							}
						} else {
							refused++
						}
						if !bytes.Equal(q.Ring.Bytes(), want.Bytes()) || *q != after {
							t.Fatalf("kind %d, %d entries at %d of %d, mode %d, flags %#x, fill %#x:\n%+v, want\n%+v\n got %x\nwant %x",
								kind, n, pi, wqebbs, mode, flags, fill, *q, after, q.Ring.Bytes(), want.Bytes())
						}
						if err != nil {
							continue
						}
						q.CompleteSend()
						if mode == SigLast {
							wire[0x0b] = wire[0x0b]&^mlx5model.CtrlCEMask | mlx5model.CtrlCEAlways
						}
						want.Write(uint32(pi), 0, wire)
						if !bytes.Equal(q.Ring.Bytes(), want.Bytes()) || !bytes.Equal(q.Doorbell[:], wire[:8]) || q.DBRec != uint32(q.PI) {
							t.Fatalf("kind %d, %d entries at %d of %d, mode %d: doorbell %x, record %d", kind, n, pi, wqebbs, mode, q.Doorbell, q.DBRec)
						}
					}
				}
			}
		}
	}
	if posted < 10000 || refused < 1000 {
		t.Errorf("%d posted, %d refused", posted, refused)
	}
}

// A list beyond the 16 bits of its octoword count is cut in the count alone.
func TestLongList(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	list := anyList(r, 1<<16+9)
	for _, pi := range []uint16{0, 1 << 14, 1<<15 - 1} {
		q := newQP(t, 1<<15, SigNone, 0xcc)
		q.PI, q.MaxSendSGE = pi, 1<<20
		wire := refUMR(q, 0xabcd42, 0x900, list, 0, mlx5model.MaskFree|mlx5model.MaskLen, false, nil)
		if err := q.UMRConfigure(0xabcd42, 0x900, list, 0); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(wire))
		if q.Ring.Read(uint32(pi), 0, got); !bytes.Equal(got, wire) {
			t.Errorf("at %d: head %x, want %x", pi, got[:64], wire[:64])
		}
	}
}
