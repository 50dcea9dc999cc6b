package mlx5model

import (
	"encoding/binary"
	"fmt"
)

const (
	authData  = "include/linux/mlx5/qp.h mlx5_wqe_data_seg"
	authRaddr = "include/linux/mlx5/qp.h mlx5_wqe_raddr_seg"
	// inlineSeg in a data segment's byte_count says that the bytes themselves
	// follow (include/linux/mlx5/qp.h MLX5_INLINE_SEG).
	inlineSeg = 1 << 31
)

// data checks send, RDMA and other WQEs.
func (c *checker) data() {
	switch c.w.Opcode {
	case OpRDMARead, OpRDMAWrite, OpRDMAWriteImm:
		c.reserved(Error, CtrlSize, SegRaddr, reservedRaddr, nil)
		c.dataSegments(CtrlSize + RaddrSize)
	case OpSend, OpSendImm, OpSendInval:
		c.dataSegments(CtrlSize)
	case OpAtomicCS, OpAtomicFA:
		if c.w.DS < 4 {
			c.add(RuleData, Error, 0x7, "ctrl.ds", "include/linux/mlx5/qp.h mlx5_wqe_atomic_seg", fmt.Sprintf("DS %d, an atomic has 4", c.w.DS))
		}
	case OpNop, OpGetPSV, OpCheckPSV:
	default:
		c.add(RuleFrame, Warn, 0x3, "ctrl.opcode", "include/linux/mlx5/device.h MLX5_OPCODE_*", fmt.Sprintf("unknown opcode %#02x", uint8(c.w.Opcode)))
	}
	c.immediate()
	c.otherFence()
}

// immediate checks word 0Ch of a WQE that has no use for it.
func (c *checker) immediate() {
	switch c.w.Opcode {
	case OpSendImm, OpSendInval, OpRDMAWriteImm, OpUMR:
		return
	}
	if c.rules != nil && c.rules.Imm == PadZero && c.w.Imm != 0 {
		c.add(RuleReserved, Error, 0xc, "ctrl.imm", c.dialect(), fmt.Sprintf("%#x in a WQE without immediate", c.w.Imm))
	}
}

func (c *checker) otherFence() {
	if f := c.w.FmCeSe & FenceMask; c.rules != nil && c.rules.Fences != nil && !contains(c.rules.Fences, f) {
		c.add(RuleKind, Error, 0xb, "ctrl.fm", c.dialect(), fmt.Sprintf("fence %#02x does not occur outside UMRs", f))
	}
}

// dataSegments walks the gather list, whose segments begin at WQE offset off.
func (c *checker) dataSegments(off int) {
	unfenced := c.ctx.PrevUMR && c.w.FmCeSe&FenceMask == 0
	end := int(c.w.DS) * DSSize
	for off < end {
		n := binary.BigEndian.Uint32(c.raw[off:])
		if n&inlineSeg != 0 {
			size := int(AlignUp(uint64(n&^inlineSeg)+4, DSSize))
			if size > end-off {
				c.add(RuleData, Error, off, "data_seg.byte_count", "include/linux/mlx5/qp.h MLX5_INLINE_SEG",
					fmt.Sprintf("%d inline bytes pass the WQE's end", n&^inlineSeg))
				return
			}
			off += size
			continue
		}
		if n == 0 {
			c.add(RuleData, Note, off, "data_seg.byte_count", authData, "0 stands for 2^31 bytes")
		}
		if key := binary.BigEndian.Uint32(c.raw[off+4:]); unfenced && KeyIndex(key) == KeyIndex(c.ctx.PrevKey) {
			c.fenceFinding(off+4, "data_seg.lkey", key)
			unfenced = false
		}
		off += DataSegSize
	}
}

// setPSV checks a SET_PSV.
func (c *checker) setPSV() {
	const auth = "include/linux/mlx5/qp.h mlx5_seg_set_psv"
	if c.w.DS != 2 {
		c.add(RuleData, Error, 0x7, "ctrl.ds", auth, fmt.Sprintf("DS %d, a SET_PSV has 2", c.w.DS))
	}
	if len(c.w.Data) >= 16 {
		c.reserved(Error, CtrlSize, SegPSV, reservedPSV, nil)
	}
	c.immediate()
	if c.rules == nil || c.rules.PSVTail != PadZero || len(c.raw) < WQEBBSize {
		return
	}
	for i := 32; i < WQEBBSize; i++ {
		if c.raw[i] != 0 {
			c.add(RuleData, Error, i, "psv.tail", c.dialect(), fmt.Sprintf("byte %#02x behind the WQE is not zero", c.raw[i]))
			return
		}
	}
}
