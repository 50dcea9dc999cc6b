package mlx5model

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Ctrl is the control segment, the first 16 bytes of every WQE.
//
//	+0  opmod | wqe index (16 bits) | opcode
//	+4  QPN (24 bits)               | DS
//	+8  signature | reserved | reserved | fm_ce_se
//	+C  immediate, invalidated key, or for a UMR the key that is modified
//
// Authority: include/linux/mlx5/qp.h mlx5_wqe_ctrl_seg.
type Ctrl struct {
	Opmod     uint8
	Index     uint16 // counts WQEBBs modulo 2^16
	Opcode    Opcode
	QPN       uint32 // 24 bits
	DS        uint8  // whole WQE in 16-byte units, 6 bits
	Signature uint8
	FmCeSe    uint8 // fence, completion and solicited bits
	Imm       uint32
}

// Put writes the segment's 16 bytes to b.
func (c *Ctrl) Put(b []byte) {
	b = b[:CtrlSize]
	binary.BigEndian.PutUint32(b, uint32(c.Opmod)<<24|uint32(c.Index)<<8|uint32(c.Opcode))
	binary.BigEndian.PutUint32(b[4:], c.QPN<<8|uint32(c.DS))
	binary.BigEndian.PutUint32(b[8:], uint32(c.Signature)<<24|uint32(c.FmCeSe))
	binary.BigEndian.PutUint32(b[12:], c.Imm)
}

// ParseCtrl reads the 16 bytes of a control segment and ignores reserved bits.
func ParseCtrl(b []byte) Ctrl {
	b = b[:CtrlSize]
	return Ctrl{
		Opmod:     b[0],
		Index:     binary.BigEndian.Uint16(b[1:]),
		Opcode:    Opcode(b[3]),
		QPN:       binary.BigEndian.Uint32(b[4:]) >> 8,
		DS:        b[7] & MaxDS,
		Signature: b[8],
		FmCeSe:    b[11],
		Imm:       binary.BigEndian.Uint32(b[12:]),
	}
}

// UMRCtrl is the UMR control segment, WQE bytes 10h to 3Fh.
//
//	+00  flags | reserved (24 bits)
//	+04  xlt_octowords (16 bits) | xlt_offset[15:0] with UMROffsetEn, else bsf_octowords
//	+08  mkey_mask (64 bits)
//	+10  xlt_offset[47:16]
//	+14  reserved (28 bytes)
//
// Authority: include/linux/mlx5/qp.h mlx5_wqe_umr_ctrl_seg.
type UMRCtrl struct {
	Flags        uint8
	XltOctowords uint16
	BSFOctowords uint16 // 0 with UMROffsetEn
	XltOffset    uint64 // octowords, 48 bits; 0 without UMROffsetEn
	Mask         uint64
}

// Put writes the segment's 48 bytes to b, reserved bytes 0.
func (u *UMRCtrl) Put(b []byte) {
	b = b[:UMRCtrlSize]
	clear(b)
	b[0] = u.Flags
	binary.BigEndian.PutUint16(b[4:], u.XltOctowords)
	if u.Flags&UMROffsetEn != 0 {
		binary.BigEndian.PutUint16(b[6:], uint16(u.XltOffset))
		binary.BigEndian.PutUint32(b[0x10:], uint32(u.XltOffset>>16))
	} else {
		binary.BigEndian.PutUint16(b[6:], u.BSFOctowords)
	}
	binary.BigEndian.PutUint64(b[8:], u.Mask)
}

// ParseUMRCtrl reads the 48 bytes of a UMR control segment and ignores
// reserved bits.
func ParseUMRCtrl(b []byte) UMRCtrl {
	b = b[:UMRCtrlSize]
	u := UMRCtrl{Flags: b[0], XltOctowords: binary.BigEndian.Uint16(b[4:]), Mask: binary.BigEndian.Uint64(b[8:])}
	low := binary.BigEndian.Uint16(b[6:])
	if u.Flags&UMROffsetEn != 0 {
		u.XltOffset = uint64(binary.BigEndian.Uint32(b[0x10:]))<<16 | uint64(low)
	} else {
		u.BSFOctowords = low
	}
	return u
}

// DataSeg is a data segment of a WQE: be32 byte_count, be32 lkey, be64 addr.
// In a send or RDMA WQE a byte_count of 0 means 2^31 bytes and bit 31 marks
// inline data. Authority: include/linux/mlx5/qp.h mlx5_wqe_data_seg.
type DataSeg struct {
	ByteCount uint32
	Lkey      uint32
	Addr      uint64
}

// Put writes the segment's 16 bytes to b.
func (s *DataSeg) Put(b []byte) {
	b = b[:DataSegSize]
	binary.BigEndian.PutUint32(b, s.ByteCount)
	binary.BigEndian.PutUint32(b[4:], s.Lkey)
	binary.BigEndian.PutUint64(b[8:], s.Addr)
}

// ParseDataSeg reads 16 bytes.
func ParseDataSeg(b []byte) DataSeg {
	b = b[:DataSegSize]
	return DataSeg{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint64(b[8:])}
}

// KLM is an entry of a KLM list: be32 byte_count, be32 key, be64 va. The va is
// an address in the named key's own space. Authority: include/linux/mlx5/qp.h
// mlx5_klm.
type KLM struct {
	ByteCount uint32
	Key       uint32
	VA        uint64
}

// Put writes the entry's 16 bytes to b.
func (k *KLM) Put(b []byte) {
	b = b[:KLMSize]
	binary.BigEndian.PutUint32(b, k.ByteCount)
	binary.BigEndian.PutUint32(b[4:], k.Key)
	binary.BigEndian.PutUint64(b[8:], k.VA)
}

// ParseKLM reads 16 bytes.
func ParseKLM(b []byte) KLM {
	b = b[:KLMSize]
	return KLM{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint64(b[8:])}
}

// WQE is a decoded work-queue entry. The byte slices point into the bytes that
// were decoded.
type WQE struct {
	Ctrl
	// UMR and Mkey are set for OpUMR.
	UMR  UMRCtrl
	Mkey MkeyContext
	// List is the translation list of an inline UMR: XltOctowords octowords.
	List []byte
	// BSF is the BSF area behind an inline list: BSFOctowords octowords.
	BSF []byte
	// HasPointer says that Pointer names the list of a UMR given by pointer.
	HasPointer bool
	Pointer    DataSeg
	// RAddr and RKey are set for RDMA READ and WRITE.
	RAddr uint64
	RKey  uint32
	// Data are the raw 16-byte segments after the fixed part of a send or
	// RDMA WQE; see DataSeg.
	Data []byte
}

// Errors of Decode, wrapped with the sizes at fault.
var (
	ErrTruncated = errors.New("WQE is cut short")
	ErrDS        = errors.New("DS does not fit the opcode")
)

// Decode reads one WQE from raw, as the hardware would: it takes what the
// length fields say and judges nothing else. raw starts at the control segment
// and holds at least DS 16-byte units, linear (ring wrap removed). On error w
// is undefined. It allocates nothing.
func Decode(raw []byte, w *WQE) error {
	if len(raw) < CtrlSize {
		return fmt.Errorf("%d bytes, a control segment has %d: %w", len(raw), CtrlSize, ErrTruncated)
	}
	*w = WQE{Ctrl: ParseCtrl(raw)}
	size := int(w.DS) * DSSize
	if size < CtrlSize {
		return fmt.Errorf("DS %d: %w", w.DS, ErrDS)
	}
	if size > len(raw) {
		return fmt.Errorf("DS %d is %d bytes, %d given: %w", w.DS, size, len(raw), ErrTruncated)
	}
	switch w.Opcode {
	case OpUMR:
		return w.decodeUMR(raw[:size])
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		if size < CtrlSize+RaddrSize {
			return fmt.Errorf("DS %d, opcode %#x has a remote address: %w", w.DS, uint8(w.Opcode), ErrDS)
		}
		w.RAddr = binary.BigEndian.Uint64(raw[0x10:])
		w.RKey = binary.BigEndian.Uint32(raw[0x18:])
		w.Data = raw[CtrlSize+RaddrSize : size]
	default:
		w.Data = raw[CtrlSize:size]
	}
	return nil
}

func (w *WQE) decodeUMR(raw []byte) error {
	if len(raw) < UMRDataOff {
		return fmt.Errorf("DS %d, a UMR has at least %d: %w", w.DS, UMRFixedDS, ErrDS)
	}
	w.UMR = ParseUMRCtrl(raw[CtrlSize:])
	w.Mkey = ParseMkeyContext(raw[CtrlSize+UMRCtrlSize:])
	data := raw[UMRDataOff:]
	if w.UMR.Flags&UMRInline == 0 {
		if w.UMR.XltOctowords == 0 {
			return nil
		}
		if len(data) < DataSegSize {
			return fmt.Errorf("DS %d, a list by pointer needs %d: %w", w.DS, UMRFixedDS+1, ErrDS)
		}
		w.HasPointer, w.Pointer = true, ParseDataSeg(data)
		return nil
	}
	list := int(w.UMR.XltOctowords) * OctowordSize
	bsf := int(w.UMR.BSFOctowords) * OctowordSize
	if list+bsf > len(data) {
		return fmt.Errorf("DS %d leaves %d bytes for an inline list of %d and a BSF of %d: %w", w.DS, len(data), list, bsf, ErrDS)
	}
	w.List, w.BSF = data[:list], data[list:list+bsf]
	return nil
}

// AppendTo appends the WQE's canonical encoding to dst: DS 16-byte units (more
// if the content needs them), with reserved bits 0. So are the bytes behind
// the list, and list entries behind the region's end where the WQE itself says
// how the list is read; other parts are as they stand in w. Decoding the
// result gives w again but for these bytes, and encodes to the same bytes.
func (w *WQE) AppendTo(dst []byte) []byte {
	start := len(dst)
	size := max(int(w.DS)*DSSize, CtrlSize)
	switch w.Opcode {
	case OpUMR:
		size = max(size, UMRDataOff+len(w.List)+len(w.BSF))
		if w.HasPointer {
			size = max(size, UMRDataOff+DataSegSize)
		}
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		size = max(size, CtrlSize+RaddrSize+len(w.Data))
	default:
		size = max(size, CtrlSize+len(w.Data))
	}
	size = int(AlignUp(uint64(size), DSSize))
	dst = append(dst, make([]byte, size)...)
	b := dst[start:]
	ctrl := w.Ctrl
	ctrl.DS = uint8(size / DSSize)
	ctrl.FmCeSe &= FenceMask | CtrlCEMask | CtrlSolicited
	ctrl.Put(b)
	switch w.Opcode {
	case OpUMR:
		w.putUMR(b)
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		binary.BigEndian.PutUint64(b[0x10:], w.RAddr)
		binary.BigEndian.PutUint32(b[0x18:], w.RKey)
		copy(b[CtrlSize+RaddrSize:], w.Data)
	default:
		copy(b[CtrlSize:], w.Data)
	}
	return dst
}

// putUMR writes what follows the control segment to b, whose bytes are 0.
func (w *WQE) putUMR(b []byte) {
	u := w.UMR
	u.Flags &^= 7
	u.Put(b[CtrlSize:])
	w.Mkey.Put(b[CtrlSize+UMRCtrlSize:])
	if w.HasPointer {
		w.Pointer.Put(b[UMRDataOff:])
		return
	}
	n := copy(b[UMRDataOff:], w.List)
	copy(b[UMRDataOff+n:], w.BSF)
	if w.Mkey.Mode == ModePA || u.Flags&UMROffsetEn != 0 {
		return
	}
	s := shapeOf(w.List, w.regionOf())
	clear(b[UMRDataOff+min(s.liveBytes(), n) : UMRDataOff+n])
	if s.repeat {
		clear(b[UMRDataOff+0xc : UMRDataOff+0xe]) // reserved
	}
}
