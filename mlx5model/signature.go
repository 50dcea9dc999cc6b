package mlx5model

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"

	"github.com/sgfuzz/sgfuzz/sg"
)

// SigError is a mismatch that a device finds between a block and its tuple.
//
//	+10  be32 expected   +14  be32 actual transient signature
//	+18  be32 expected   +1C  be32 actual reference tag
//	+20  be16 syndrome   +22  type   +23  domain   +24  be32 key   +28  be64 offset
//
// Authority: include/linux/mlx5/device.h struct mlx5_sig_err_cqe; type and
// domain: providers/mlx5/mlx5.h struct mlx5_sigerr_cqe. Type is 0, a block's, and
// domain 1, the memory's; that the wire's is 0 is this model's choice.
type SigError struct {
	QPN      uint32 // queue pair whose access met it
	Key      uint32 // as that access named it
	Syndrome uint16 // SigGuard, SigApp, SigRef
	// The transient signature: a CRC-32, the upper half of a CRC-64, or T10-DIF's
	// guard << 16 | application tag. Expected is the one computed, Actual the one
	// in memory.
	Expected, Actual       uint32
	ExpectedRef, ActualRef uint32 // reference tags, or lower halves
	Wire                   bool   // domain: of the wire
	Offset                 uint64 // of the block from the key's first address, tuples counted
}

// Bits of SigError.Syndrome. Authority: drivers/infiniband/hw/mlx5/cq.c
// get_sig_err_item.
const (
	SigGuard uint16 = 1 << 13
	SigApp   uint16 = 1 << 12
	SigRef   uint16 = 1 << 11
)

// Bytes of the signature BSF. Authority: include/linux/mlx5/qp.h struct
// mlx5_bsf_basic, mlx5_bsf_inl.
const (
	bsfBytes      = 64
	bsfSizeMask   = 3 << 6
	bsfSizeInline = 2 << 6 // basic, extended and inline sections, no crypto
	bsfSame       = 1 << 4 // MLX5_BSF_SBS: both domains, of one structure
	bsfInlineWire = 0x20
	bsfInlineMem  = 0x30
)

// sigBlocks is the block size in bytes by its selector. Authority:
// drivers/infiniband/hw/mlx5/wr.c bs_selector; 4048: providers/mlx5/wqe.h
// MLX5_BSF_SIZE_*.
var sigBlocks = [...]uint64{1: 512, 2: 520, 3: 4096, 4: 4160, 6: 4048}

// signature is what a key's BSF asks of blocks in memory.
type signature struct {
	block, tuple uint64       // bytes
	check        uint8        // bit 7-i: byte i of the tuple is compared
	alike        bool         // tuples are on the wire too, and are compared only
	table        *crc32.Table // of a CRC-32
	wide         *crc64.Table // of a CRC-64; T10-DIF has neither
	seed         uint64       // transient signature: left-aligned
	dif          dif
}

// signed is an access through a key with a signature, under way.
type signed struct {
	a   Access
	sig signature
}

// SetSignatures says whether the device computes the signatures of keys. It
// does not after Reset: BSFs are stored and have no effect.
func (d *Device) SetSignatures(on bool) { d.signs, d.signed = on, d.signed[:0] }

// signatureOf is what the key's BSF asks, if this model knows it: a CRC-32,
// CRC-32C, CRC-64 XP10 or T10-DIF with CRC of the memory domain alone, or of both
// domains alike, each block from the seed of its PSV on. With a domain of the
// wire alone, or another, tuples cancel out or pass, and nothing is computed here.
func (d *Device) signatureOf(k *mkey) (s signature, ok bool) {
	b := k.bsf
	if !k.ctx.BSFEn || len(b) < bsfBytes || b[0]&bsfSizeMask != bsfSizeInline {
		return s, false
	}
	if int(b[3]) < len(sigBlocks) {
		s.block = sigBlocks[b[3]]
	}
	mem := binary.BigEndian.Uint32(b[0xc:])
	s.check, s.alike = b[1], b[0]&bsfSame != 0
	if s.block == 0 || !s.format(uint8(mem>>24), d.psvs[mem&0xffffff], b[bsfInlineMem:]) {
		return s, false
	}
	if s.alike {
		return s, d.domainsAlike(b, s.tuple)
	}
	return s, b[2] == 0
}

// domainsAlike reports whether both domains of a BSF ask the same, and every
// byte of a tuple is copied. Authority: include/linux/mlx5/qp.h struct
// mlx5_bsf_basic: copy_byte_mask takes the place of the wire's block size.
func (d *Device) domainsAlike(b []byte, tuple uint64) bool {
	wire, mem := binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[0xc:])
	copied := uint8(0xff << (8 - tuple))
	return wire>>24 == mem>>24 && d.psvs[wire&0xffffff] == d.psvs[mem&0xffffff] &&
		bytes.Equal(b[bsfInlineWire:bsfInlineMem], b[bsfInlineMem:bsfBytes]) && b[2]&copied == copied
}

// span is how many addresses a block takes: its tuple has some if the wire has it.
func (s *signature) span() uint64 {
	if s.alike {
		return s.block + s.tuple
	}
	return s.block
}

// Reach is Translate for one who moves the bytes. Through a key with a
// signature in memory, addresses count data only, and the extents leave out the
// tuples, which must be allowed too; with both domains alike they count tuples,
// which move as data. Settle has to follow when the bytes have moved. Authority
// for the addresses: drivers/infiniband/core/rw.c
// rdma_rw_ctx_signature_init, which takes the tuples off the length where the
// wire has none.
func (d *Device) Reach(dst []sg.Extent, a Access) ([]sg.Extent, error) {
	if d.signs {
		if k := d.find(KeyIndex(a.Key)); k != nil && a.Len > 0 {
			if s, ok := d.signatureOf(k); ok {
				return d.reachBlocks(dst, signed{a, s}, k)
			}
		}
	}
	return d.Translate(dst, a)
}

func (d *Device) reachBlocks(dst []sg.Extent, s signed, k *mkey) ([]sg.Extent, error) {
	if s.sig.alike {
		out, err := d.Translate(dst, s.a)
		if err == nil {
			d.signed = append(d.signed, s)
		}
		return out, err
	}
	base, last := len(dst), sg.Extent{}
	if base > 0 {
		last = dst[base-1]
	}
	off, end := s.a.VA-k.ctx.Start, s.a.VA-k.ctx.Start+s.a.Len
	for off < end {
		block, in := off/s.sig.block, off%s.sig.block
		n := min(s.sig.block-in, end-off)
		part := s.a
		part.VA, part.Len = k.ctx.Start+block*(s.sig.block+s.sig.tuple)+in, n
		out, err := d.Translate(dst, part)
		if err == nil && in == 0 && n == s.sig.block {
			part.VA, part.Len = part.VA+n, s.sig.tuple
			d.ext, err = d.Translate(d.ext[:0], part)
		}
		if err != nil {
			if dst = dst[:base]; base > 0 {
				dst[base-1] = last
			}
			return dst, err
		}
		dst, off = out, off+n
	}
	d.signed = append(d.signed, s)
	return dst, nil
}

// Reached counts the accesses that Settle has to look at.
func (d *Device) Reached() int { return len(d.signed) }

// Settle carries out what the accesses of Reach from the from-th on leave to
// do, if the bytes have moved, and forgets them; a WQE forgets those of the one
// before. Of the blocks that an access covers wholly, one that reads compares
// the tuples, one that writes makes them, or compares them too if both domains are
// alike: they came over the wire. It appends what does
// not match to errs, the first of each key; a key with an error tells no other
// until a UMR writes its expected_sigerr_count. Tuples that cannot be read or
// written do not match.
func (d *Device) Settle(errs []SigError, from int, moved bool) []SigError {
	from = min(from, len(d.signed))
	for _, s := range d.signed[from:] {
		if !moved {
			break
		}
		k := d.find(KeyIndex(s.a.Key))
		if k == nil {
			continue
		}
		if e, bad := d.settle(&s, k); bad && !k.sigTold {
			k.sigTold = true
			errs = append(errs, e)
		}
	}
	d.signed = d.signed[:from]
	return errs
}

// settle gives the first block that does not match.
func (d *Device) settle(s *signed, k *mkey) (first SigError, bad bool) {
	off := s.a.VA - k.ctx.Start
	end := off + s.a.Len
	span := s.sig.span()
	for b := (off + span - 1) / span; (b+1)*span <= end; b++ {
		e, ok := d.settleBlock(s, k, b)
		if !ok && !bad {
			first, bad = e, true
		}
	}
	return first, bad
}

func (d *Device) settleBlock(s *signed, k *mkey, b uint64) (SigError, bool) {
	e := SigError{QPN: s.a.QPN, Key: s.a.Key, Offset: b * (s.sig.block + s.sig.tuple), Syndrome: SigGuard}
	size := s.sig.block + s.sig.tuple
	if uint64(cap(d.blockBuf)) < size {
		d.blockBuf = make([]byte, size)
	}
	buf := d.blockBuf[:size]
	a := s.a
	a.VA, a.Len = k.ctx.Start+e.Offset, size
	var err error
	if d.ext, err = d.Translate(d.ext[:0], a); err != nil || d.gatherHost(d.ext, buf) != nil {
		return e, false
	}
	var room [tupleMost]byte
	want, got := room[:s.sig.tuple], buf[s.sig.block:]
	s.sig.make(want, buf[:s.sig.block], b)
	e.Wire = s.sig.alike && s.a.Op.Writes()
	if s.a.Op.Writes() && !s.sig.alike {
		return e, d.putTail(d.ext, want) == nil
	}
	e.Syndrome = s.sig.compare(want, got)
	e.Expected, e.ExpectedRef = s.sig.words(want)
	e.Actual, e.ActualRef = s.sig.words(got)
	return e, e.Syndrome == 0
}

// gatherHost reads extents into buf.
func (d *Device) gatherHost(x []sg.Extent, buf []byte) error {
	for _, p := range x {
		if err := d.mem.Read(p.Addr, buf[:p.Len]); err != nil {
			return err
		}
		buf = buf[p.Len:]
	}
	return nil
}

// putTail writes b over the last bytes of extents.
func (d *Device) putTail(x []sg.Extent, b []byte) error {
	for i := len(x) - 1; i >= 0 && len(b) > 0; i-- {
		n := min(x[i].Len, uint64(len(b)))
		head := uint64(len(b)) - n
		if err := d.mem.Write(x[i].Addr+x[i].Len-n, b[head:]); err != nil {
			return err
		}
		b = b[:head]
	}
	return nil
}
